"""What is usual for creators of one tier and niche, and what stands out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from durhampulse.creators.block import Block
from durhampulse.creators.schema import COLUMNS, FOLLOWERS, NICHE, VIEWS
from durhampulse.creators.tiers import TIERS, tier_names
from durhampulse.deferred import pd
from durhampulse.features.rates import Rates

__all__ = ["COMPARED", "Peers", "learn_peers"]

Floats = npt.NDArray[np.float64]

COMPARED = tuple(column.name for column in COLUMNS.values() if column.compared)
"""Columns whose values are placed among those of peers."""
_FEWEST = 30
_STEPS = np.linspace(0, 1, 101)
_ALL = ""
_MOST_CURVES = 6
"""Columns whose flags fit into 16 bits, of which the highest is another's."""


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
        Column to peer group to the 101 values at 0, 1, ..., 100%. A group is ``tier|niche``,
        ``tier|`` or ``|`` for all; only groups of at least 30 creators.
    rates
        How often creators of a range or a level got a deal; not in models of older versions.
    """

    tiers: Mapping[str, float]
    niches: tuple[str, ...]
    curves: Mapping[str, Mapping[str, list[float]]]
    rates: Rates | None = None

    def percentiles(self, creators: pd.DataFrame) -> pd.DataFrame:
        """Return the places of figures among those of peers.

        Returns
        -------
        DataFrame
            One column for each compared column, in percent (0 to 100); missing where the figure
            is. Peers are of the same tier and niche, or tier, or all, whichever is large enough.
        """
        places, kinds = {}, self._kinds(creators)
        for column, curves in self.curves.items():
            values = _numbers(creators, column)
            groups = self._groups(kinds, column)
            place = np.full(len(creators), np.nan)
            codes = {group: code for code, group in enumerate({*groups})}
            code_of = np.array([codes[group] for group in groups])
            for group, code in codes.items():
                here = (code_of == code) & np.isfinite(values)
                place[here] = _place(values[here], np.asarray(curves[group]))
            places[column] = place
        return pd.DataFrame(places, index=creators.index)

    def groups(self, creators: pd.DataFrame) -> pd.DataFrame:
        """Return the peer group each figure is compared with, by compared column."""
        kinds = self._kinds(creators)
        groups = {column: self._groups(kinds, column) for column in self.curves}
        return pd.DataFrame(groups, index=creators.index, dtype="str")

    def _kinds(self, creators: pd.DataFrame) -> list[tuple[str, str]]:
        """Return each creator's tier and niche; empty where it is not known."""
        tiers, niches = self.tier(creators), _text(creators, NICHE)
        known = (column.fillna(_ALL).tolist() for column in (tiers, niches))
        return [*zip(*known, strict=True)]

    def _groups(self, kinds: list[tuple[str, str]], column: str) -> list[str]:
        """Return the smallest group of peers that is large enough, for each tier and niche."""
        curves = self.curves[column]
        groups = {(tier, niche): _smallest_group(curves, tier, niche) for tier, niche in {*kinds}}
        return [groups[kind] for kind in kinds]

    def tier(self, creators: pd.DataFrame) -> pd.Series:
        """Return each creator's tier."""
        return tier_names(pd.Series(_numbers(creators, FOLLOWERS), creators.index), self.tiers)

    def flags(self, creators: pd.DataFrame) -> pd.Series:
        """Return what stands out about each creator's figures; empty text where nothing does.

        Flags stand beside a score and are no part of it: how likely a deal is and how plausible
        the figures are remain two questions.
        """
        bits = self.flag_bits(Block.of(creators))
        return pd.Series(bits, creators.index).map(self.flag_text).astype("str")

    @property
    def flag_names(self) -> tuple[str, ...]:
        """What each bit of :meth:`flag_bits` says, from the lowest."""
        names = (column.replace("_", " ").lower() for column in self.curves)
        far = [f"{name} far {side} its tier" for name in names for side in ("above", "below")]
        return ("niche never seen in training", "views over 100 times the followers", *far)

    def raised(self, bits: int) -> list[str]:
        """Return the flags that a row's bits raise.

        Examples
        --------
        >>> Peers({"nano": 0}, (), {}).raised(0b10)
        ['views over 100 times the followers']
        """
        return [name for i, name in enumerate(self.flag_names) if bits >> i & 1]

    def flag_text(self, bits: int) -> str:
        """Return the flags that a row's bits raise, as a cell shows them."""
        return "; ".join(self.raised(bits))

    def flag_bits(self, block: Block) -> npt.NDArray[np.uint16]:
        """Return what stands out, one bit for each of :attr:`flag_names`; shape (n_rows,)."""
        followers = block.numbers(FOLLOWERS)
        niche = block.levels(NICHE).find(self._places)
        tier = np.full(block.n_rows, -1, np.min_scalar_type(-1 - len(self.tiers)))
        for least in self.tiers.values():  # a few comparisons pass faster than a search for each
            tier += (followers >= least).view(np.int8)
        tier[np.isnan(followers)] = len(self.tiers)
        place = tier.astype(np.intp) * (len(self.niches) + 1)
        place += np.minimum(niche.view(np.uintp), len(self.niches)).view(np.intp)  # below 0: last
        odd = [(niche == -1) & bool(self.niches), block.numbers(VIEWS) > 100 * followers]
        for column, (low, high) in self._reach.items():
            values = block.numbers(column)
            odd += [values > high[place], values < low[place]]
        bits = np.zeros(block.n_rows, dtype=np.uint16)
        for i, where in enumerate(odd):
            bits |= where.astype(np.uint16) << np.uint16(i)
        return bits

    @cached_property
    def _places(self) -> dict[str, int]:
        return {niche: place for place, niche in enumerate(self.niches)}

    @cached_property
    def _reach(self) -> dict[str, tuple[Floats, Floats]]:
        """Return from where a figure stands out, by tier and niche; the last is not known."""
        reach = {}
        for column, curves in self.curves.items():
            groups = [
                _smallest_group(curves, tier, niche)
                for tier in (*self.tiers, _ALL)
                for niche in (*self.niches, _ALL)
            ]
            low, high = (np.array([curves[group][at] for group in groups]) for at in (1, 99))
            reach[column] = (low - 2 * (high - low), high + 2 * (high - low))
        return reach

    def to_dict(self) -> dict[str, Any]:
        """Return the peers as plain data."""
        plain = {"tiers": dict(self.tiers), "niches": list(self.niches), "curves": self.curves}
        return plain if self.rates is None else {**plain, "rates": self.rates.to_dict()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Peers:
        """Rebuild from :meth:`to_dict`.

        Raises
        ------
        ValueError
            If the parts are not those of peers.
        """
        rates = plain.get("rates")
        rates = None if rates is None else Rates.from_dict(rates)
        tiers, niches = {**plain["tiers"]}, tuple(plain["niches"])
        starts = np.array([*tiers.values()], np.float64)
        if not tiers or not np.isfinite(starts).all() or (np.diff(starts) <= 0).any():
            raise ValueError(f"tiers from {[*tiers.values()]} followers")
        if len({*niches}) < len(niches) or not all(isinstance(niche, str) for niche in niches):
            raise ValueError("niches that are none")
        if not len(plain["curves"]) <= _MOST_CURVES:
            raise ValueError(f"curves of {len(plain['curves'])} columns")
        for column, curves in plain["curves"].items():
            heights = np.array([*curves.values()], np.float64)
            shaped = heights.shape == (len(curves), len(_STEPS)) and "|" in curves
            if not shaped or not np.isfinite(heights).all() or (np.diff(heights) < 0).any():
                raise ValueError(f"curves of {column} that are none")
            if any(group.count("|") < 1 for group in curves):
                raise ValueError(f"peers of {column} that are none")
        return cls(tiers, niches, plain["curves"], rates)


def learn_peers(train: pd.DataFrame) -> Peers:
    """Return what is usual among training rows, shape (n_rows, any)."""
    tier = tier_names(pd.Series(_numbers(train, FOLLOWERS), train.index)).fillna(_ALL)
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
    return Peers(dict(TIERS), tuple(sorted(_text(train, NICHE).dropna().unique())), curves)


def _smallest_group(curves: Collection[str], tier: str, niche: str) -> str:
    """Return the smallest group of a tier and niche that is among those with a curve."""
    return next(g for g in (f"{tier}|{niche}", f"{tier}|", "|") if g in curves)


def _curve(values: pd.Series) -> list[float]:
    return [float(f"{q:.6g}") for q in values.quantile(_STEPS)]


def _place(values: Floats, curve: Floats) -> Floats:
    """Return the share of peers below, ties counted half, in percent."""
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
