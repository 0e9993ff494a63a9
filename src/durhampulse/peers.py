"""What is usual for creators of one tier and niche, and what stands out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.schema import ENGAGEMENT, FOLLOWERS, GROWTH, NICHE, VIEWS
from durhampulse.creators.tiers import TIERS, tier_names

__all__ = ["COMPARED", "Peers", "learn_peers"]

Floats = npt.NDArray[np.float64]

COMPARED = (ENGAGEMENT, VIEWS, GROWTH)
_FEWEST = 30
_STEPS = np.linspace(0, 1, 101)
_ALL = ""


@dataclass(frozen=True)
class Peers:
    """Percentiles of the training rows by tier and niche; plain data.

    Attributes
    ----------
    tiers
        Name of each tier and the followers from which it counts.
    niches
        Niches seen in training.
    curves
        Column to peer group to the 101 values at 0, 1, ..., 100 %. A group is ``tier|niche``,
        ``tier|`` or ``|`` for all; only groups of at least 30 creators.
    """

    tiers: Mapping[str, float]
    niches: tuple[str, ...]
    curves: Mapping[str, Mapping[str, list[float]]]

    def percentiles(self, creators: pd.DataFrame) -> pd.DataFrame:
        """Place figures among those of peers.

        Returns
        -------
        DataFrame
            One column for each compared column, in percent (0 to 100); missing where the figure
            is. Peers are of the same tier and niche, or tier, or all, whichever is large enough.
        """
        found = {}
        for column, curves in self.curves.items():
            values = _numbers(creators, column)
            groups = self.groups(creators, column)
            place = np.full(len(creators), np.nan)
            for group in groups.unique():
                here = (groups == group).to_numpy(bool) & np.isfinite(values)
                place[here] = _place(values[here], np.asarray(curves[group]))
            found[column] = place
        return pd.DataFrame(found, index=creators.index)

    def groups(self, creators: pd.DataFrame, column: str) -> pd.Series:
        """Name the peer group each creator's figure is compared with."""
        curves = self.curves[column]
        tier = self.tier(creators).fillna(_ALL)
        niche = _text(creators, NICHE).fillna(_ALL)
        fine, coarse = tier + "|" + niche, tier + "|"
        coarse = coarse.where(coarse.isin(list(curves)), "|")
        return fine.where(fine.isin(list(curves)), coarse)

    def tier(self, creators: pd.DataFrame) -> pd.Series:
        """Give each creator's tier."""
        return tier_names(pd.Series(_numbers(creators, FOLLOWERS), creators.index), self.tiers)

    def flags(self, creators: pd.DataFrame) -> pd.Series:
        """Say what stands out about each creator's figures; empty text where nothing does.

        Flags stand beside a score and are no part of it: how likely a deal is and how plausible
        the figures are remain two questions.
        """
        notes = pd.Series("", index=creators.index, dtype="str")
        for words, where in self._odd(creators):
            notes = notes.mask(where, notes + "; " + words)
        return notes.str.removeprefix("; ")

    def _odd(self, creators: pd.DataFrame) -> list[tuple[str, npt.NDArray[np.bool_]]]:
        niche = _text(creators, NICHE)
        unseen = (niche.notna() & ~niche.isin(self.niches)).to_numpy(bool)
        found = [("niche never seen in training", unseen)] if self.niches else []
        followers, views = _numbers(creators, FOLLOWERS), _numbers(creators, VIEWS)
        with np.errstate(invalid="ignore"):
            found.append(("views over 100 times the followers", views > 100 * followers))
        for column, curves in self.curves.items():
            values, groups = _numbers(creators, column), self.groups(creators, column)
            low, high = (
                groups.map({group: curve[i] for group, curve in curves.items()}).to_numpy()
                for i in (1, 99)
            )
            name = column.replace("_", " ").lower()
            reach = 2 * (high - low)
            with np.errstate(invalid="ignore"):
                found.append((f"{name} far above its tier", values > high + reach))
                found.append((f"{name} far below its tier", values < low - reach))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Give the peers as plain data."""
        return {"tiers": dict(self.tiers), "niches": list(self.niches), "curves": self.curves}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Peers:
        """Rebuild from :meth:`to_dict`."""
        return cls(found["tiers"], tuple(found["niches"]), found["curves"])


def learn_peers(train: pd.DataFrame, tiers: Mapping[str, float] | None = None) -> Peers:
    """Learn what is usual from training rows, shape (n_rows, any)."""
    tiers = tiers or TIERS
    tier = tier_names(pd.Series(_numbers(train, FOLLOWERS), train.index), tiers).fillna(_ALL)
    niche = _text(train, NICHE).fillna(_ALL)
    curves: dict[str, dict[str, list[float]]] = {}
    for column in COMPARED:
        values = pd.Series(_numbers(train, column), train.index)
        if values.notna().sum() < _FEWEST:
            continue
        curves[column] = {"|": _curve(values)}
        for names in (tier + "|", tier + "|" + niche):
            for group, part in values.groupby(names):
                if part.notna().sum() >= _FEWEST:
                    curves[column][str(group)] = _curve(part)
    return Peers(dict(tiers), tuple(sorted(_text(train, NICHE).dropna().unique())), curves)


def _curve(values: pd.Series) -> list[float]:
    return [float(f"{q:.6g}") for q in values.quantile(_STEPS)]


def _place(values: Floats, curve: Floats) -> Floats:
    """Give the share of peers below, ties counted half, in percent."""
    low, high = (np.searchsorted(curve, values, side=side) for side in ("left", "right"))
    between = np.interp(values, *_distinct(curve)) * 100
    return np.where(high > low, np.clip((low + high - 1) / 2, 0, 100), between)


def _distinct(curve: Floats) -> tuple[Floats, Floats]:
    values, first = np.unique(curve, return_index=True)
    return values, _STEPS[first]


def _numbers(creators: pd.DataFrame, column: str) -> Floats:
    if column not in creators:
        return np.full(len(creators), np.nan)
    return np.asarray(creators[column].to_numpy(np.float64, na_value=np.nan))


def _text(creators: pd.DataFrame, column: str) -> pd.Series:
    if column not in creators:
        return pd.Series(None, index=creators.index, dtype="str")
    return creators[column].astype("str")
