"""What the rows a model was trained on look like, and how far others have moved from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from durhampulse.creators.block import Block, Levels
from durhampulse.deferred import pd

__all__ = ["DRIFT_WORDS", "Profile", "learn_profile"]

Counts = dict[str, npt.NDArray[np.int64]]

DRIFT_WORDS = {"steady": 0.0, "moved": 0.1, "unlike the training rows": 0.25}
"""What a population stability index is called, and from where.

The bounds are the customary ones of credit scoring (Siddiqi 2006, Credit Risk Scorecards).
"""

_DRAWS, _LEVEL, _ENOUGH = 2_000, 0.999, 20_000
"""Draws that bound the index of few rows, the share of them below the bound, and from how many
rows on chance no longer reaches the customary bounds."""

_BINS = np.linspace(0, 1, 11)[1:-1]
_MOST_LEVELS = 100
_LEAST_SHARE = 1e-4


@dataclass(frozen=True)
class Profile:
    """The training rows, column by column; plain data.

    Attributes
    ----------
    edges
        Numeric column to the upper edges of its bins but the last, the deciles of training.
    levels
        Other column to its most frequent levels.
    shares
        Column to the share of training rows in each bin or level, then of all other levels (for
        levels only), then of missing values.
    """

    edges: Mapping[str, list[float]]
    levels: Mapping[str, list[str]]
    shares: Mapping[str, list[float]]

    def count(self, block: Block) -> Counts:
        """Return the rows of each bin or level, one array a column as long as its shares."""
        counts: Counts = {}
        for name, edges in self.edges.items():
            values = block.numbers(name)
            missing = np.count_nonzero(np.isnan(values))
            # One comparison an edge passes over the values faster than a search for each value.
            above = [np.count_nonzero(values > edge) for edge in edges]
            inside = -np.diff([len(values) - missing, *above, 0])
            counts[name] = np.array([*inside, missing], dtype=np.int64)
        for name, levels in self.levels.items():
            column, order = block.levels(name), {level: i for i, level in enumerate(levels)}
            places = [order.get(level, len(levels)) for level in column.names]
            by_code = np.bincount(column.codes + 1, minlength=len(places) + 1)
            counts[name] = np.zeros(len(levels) + 2, dtype=np.int64)
            np.add.at(counts[name], [len(levels) + 1, *places], by_code)
        return counts

    def drift(self, counts: Counts) -> list[dict[str, Any]]:
        """Return how far counted rows have moved from the training rows.

        Returns
        -------
        list of dict
            One for each column: ``column, psi, bound, word, missing, unseen``; `psi` is the
            population stability index, `bound` what chance alone reaches in one of a thousand
            files of so many training rows, `missing` and `unseen` the shares of rows without a
            value and with a level not among the frequent ones of training. A column is called
            steady where its index is within the bound.
        """
        rows = []
        for name, expected in self.shares.items():
            total = max(int(counts[name].sum()), 1)
            psi = float(_psi(counts[name], expected))
            bound = _psi_bound(tuple(expected), int(counts[name].sum()))
            word = [word for word, start in DRIFT_WORDS.items() if psi >= start][-1]
            word = word if psi > bound else "steady"
            unseen = counts[name][-2] / total if name in self.levels else 0.0
            rows.append({
                "column": name, "psi": psi, "bound": bound, "word": word,
                "missing": float(counts[name][-1] / total), "unseen": float(unseen),
            })  # fmt: skip
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return the profile as plain data."""
        return {"edges": self.edges, "levels": self.levels, "shares": self.shares}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Profile:
        """Rebuild from :meth:`to_dict`.

        Raises
        ------
        ValueError
            If the parts do not fit together.
        """
        edges = {c: [float(edge) for edge in of] for c, of in plain["edges"].items()}
        levels = {c: list(of) for c, of in plain["levels"].items()}
        shares = {c: [float(share) for share in of] for c, of in plain["shares"].items()}
        parts = {name: len(of) + 2 for name, of in [*edges.items(), *levels.items()]}
        if {name: len(of) for name, of in shares.items()} != parts:
            raise ValueError("shares of other ranges or levels than there are")
        for name, of in edges.items():
            if not np.isfinite(of).all() or (np.diff(of) < 0).any():
                raise ValueError(f"ranges of {name} that are none")
        for name, names in levels.items():
            if len({*names}) < len(names) or not all(isinstance(n, str) for n in names):
                raise ValueError(f"levels of {name} that are none")
        for name, of in shares.items():
            if not (np.isfinite(of).all() and min(of) >= 0 and sum(of) > 0):
                raise ValueError(f"shares of {name} that are none")
        return cls(edges, levels, shares)


def _psi(counts: npt.NDArray[np.int64], shares: Sequence[float]) -> npt.NDArray[np.float64]:
    """Return the population stability index of counts, shape (..., n_bins), against shares."""
    total = np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    now, then = np.maximum(counts / total, _LEAST_SHARE), np.maximum(shares, _LEAST_SHARE)
    return np.asarray(np.sum((now - then) * np.log(now / then), axis=-1))


@lru_cache(maxsize=256)
def _psi_bound(shares: tuple[float, ...], n_rows: int) -> float:
    """Return the index that so many rows drawn from the training shares seldom exceed."""
    if n_rows == 0 or n_rows > _ENOUGH:
        return 0.0
    p = np.asarray(shares, dtype=np.float64)
    draws = np.random.default_rng(0).multinomial(n_rows, p / p.sum(), size=_DRAWS)
    return float(np.quantile(_psi(draws, shares), _LEVEL))


def learn_profile(train: pd.DataFrame) -> Profile:
    """Return what training rows look like, shape (n_rows, n_columns)."""
    block = Block.of(train)
    edges: dict[str, list[float]] = {}
    levels: dict[str, list[str]] = {}
    for name, values in block.columns.items():
        if isinstance(values, Levels):
            counts = np.bincount(values.codes[values.codes >= 0], minlength=len(values.names))
            frequent = np.argsort(-counts, kind="stable")[:_MOST_LEVELS]
            levels[name] = [values.names[i] for i in frequent]
        else:
            numbers = values[~np.isnan(values)]
            edges[name] = np.unique(np.quantile(numbers, _BINS)).tolist() if numbers.size else []
    blank = Profile(edges, levels, {})
    shares = {name: (n / max(n.sum(), 1)).tolist() for name, n in blank.count(block).items()}
    return Profile(edges, levels, shares)
