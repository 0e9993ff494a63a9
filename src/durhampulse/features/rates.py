"""How often creators of a range or a level got a deal in the past: small tables for reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from durhampulse.creators.schema import LABEL
from durhampulse.deferred import pd

__all__ = ["Rates", "Share", "learn_rates"]

Floats = npt.NDArray[np.float64]

_PARTS, _FEWEST, _FEW_VALUES = 10, 30, 5
_ROUND = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0)
_MONOTONE = 0.5


@dataclass(frozen=True, kw_only=True)
class Share:
    """How often creators of a range or a level got a deal.

    Attributes
    ----------
    low, high
        The range, `high` not in it; infinite at the ends, both NaN for a level.
    share, rows
        The share of deals and the number of training rows it is of.
    place
        Its rank among the column's ranges or levels: 0 for the lowest share.
    last
        The rank of the highest.
    """

    low: float
    high: float
    share: float
    rows: int
    place: int
    last: int


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Shares of deals among training rows; plain data.

    Attributes
    ----------
    usual
        The share of all.
    happens
        What happened to those that count, as people read it: "get deals".
    edges
        Numeric column to where its ranges part.
    shares, rows
        Column to the share of deals and the number of rows, of each range or level.
    levels
        Column of levels to their names.
    """

    usual: float
    happens: str
    edges: Mapping[str, Sequence[float]]
    levels: Mapping[str, Sequence[str]]
    shares: Mapping[str, Sequence[float]]
    rows: Mapping[str, Sequence[int]]

    def share_of(self, column: str, value: Any) -> Share | None:
        """Return how often creators like this got a deal; None where too few were like this."""
        if pd.isna(value):
            return None
        if column in self.edges:
            at = int(np.searchsorted(self.edges[column], float(value), side="right"))
            ends = [-math.inf, *self.edges[column], math.inf]
            low, high = ends[at], ends[at + 1]
        elif column in self.levels and _level(value) in self.levels[column]:
            at = list(self.levels[column]).index(_level(value))
            low = high = math.nan
        else:
            return None
        shares, rows = self.shares[column], self.rows[column]
        place = sum(share < shares[at] for share in shares)
        return Share(
            low=low, high=high, share=shares[at], rows=rows[at], place=place, last=len(shares) - 1
        )

    def beyond_chance(self, share: Share) -> int:
        """Return 1 for a share above the usual, -1 below it, 0 within a standard error of it."""
        error = math.sqrt(self.usual * (1 - self.usual) / share.rows)
        gap = share.share - self.usual
        return 0 if abs(gap) <= error else int(math.copysign(1, gap))

    def direction(self, column: str) -> int:
        """Return 1 where more of a figure goes with more deals, -1 with fewer, 0 where it bends."""
        return self._directions.get(column, 0)

    @cached_property
    def _directions(self) -> dict[str, int]:
        directions = {}
        for column in self.edges:
            shares = self.shares[column]
            if len(shares) < 2 or np.ptp(shares) == 0:
                continue
            slope = float(np.corrcoef(np.arange(len(shares)), np.asarray(shares))[0, 1])
            directions[column] = 0 if abs(slope) < _MONOTONE else int(math.copysign(1, slope))
        return directions

    def to_dict(self) -> dict[str, Any]:
        """Return the rates as plain data."""
        parts = ("edges", "levels", "shares", "rows")
        tables = {
            part: {column: list(of) for column, of in getattr(self, part).items()} for part in parts
        }
        return {"usual": self.usual, "happens": self.happens, **tables}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Rates:
        """Rebuild from :meth:`to_dict`.

        Raises
        ------
        ValueError
            If the parts do not fit together.
        """
        rates = cls(
            usual=float(plain["usual"]),
            happens=str(plain["happens"]),
            edges={c: [float(edge) for edge in of] for c, of in plain["edges"].items()},
            levels={c: [str(level) for level in of] for c, of in plain["levels"].items()},
            shares={c: [float(share) for share in of] for c, of in plain["shares"].items()},
            rows={c: [int(n) for n in of] for c, of in plain["rows"].items()},
        )
        rates._require()
        return rates

    def _require(self) -> None:
        """Raise ValueError unless each column's ranges or levels have a share and rows each."""
        parts = {column: len(of) + 1 for column, of in self.edges.items()}
        parts |= {column: len(of) for column, of in self.levels.items()}
        for column, n_parts in parts.items():
            shares, rows = self.shares[column], self.rows[column]
            inside = all(0 <= share <= 1 for share in (self.usual, *shares))
            edges = self.edges.get(column, ())
            ordered = np.isfinite(edges).all() and not (np.diff(edges) < 0).any()
            if not (len(shares) == len(rows) == n_parts and inside and ordered):
                raise ValueError(f"shares of deals of {column} that are none")
            if min(rows, default=1) < 1:
                raise ValueError(f"shares of deals among no creators, by {column}")


def learn_rates(train: pd.DataFrame, columns: Sequence[str], happens: str = "get deals") -> Rates:
    """Return shares of deals by range and level; ranges begin and end at round numbers.

    Parameters
    ----------
    train
        Training rows, shape (n_rows, any).
    columns
        Those that the model uses.
    happens
        What happened to creators with outcome 1.
    """
    deal = train[LABEL].to_numpy(np.float64)
    edges: dict[str, list[float]] = {}
    levels: dict[str, list[str]] = {}
    shares: dict[str, list[float]] = {}
    rows: dict[str, list[int]] = {}
    for column in columns:
        values = train[column]
        known = values.notna().to_numpy(bool, copy=True)
        if pd.api.types.is_numeric_dtype(values) and values.nunique() > _FEW_VALUES:
            numbers = values[known].to_numpy(np.float64)
            edges[column] = _edges(numbers)
            part = np.searchsorted(edges[column], numbers, side="right")
            n_parts = len(edges[column]) + 1
        else:
            part, names = pd.factorize(values[known].map(_level))
            frequent = np.flatnonzero(np.bincount(part, minlength=len(names)) >= _FEWEST)
            levels[column] = [str(names[int(i)]) for i in frequent]
            inside = np.isin(part, frequent)
            known[known] = inside
            part = np.searchsorted(frequent, part[inside])
            n_parts = len(frequent)
        counts = np.bincount(part, minlength=n_parts)
        sums = np.bincount(part, deal[known], minlength=n_parts)
        shares[column] = [round(float(s / n), 6) for s, n in zip(sums, counts, strict=True)]
        rows[column] = counts.tolist()
    usual = round(float(deal.mean()), 6)
    return Rates(usual=usual, happens=happens, edges=edges, levels=levels, shares=shares, rows=rows)


def _level(value: Any) -> str:
    """Return a level as text; the same for 1 and 1.0."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)
    return f"{float(value):.6g}" if number else str(value)


def _edges(numbers: Floats) -> list[float]:
    """Return round numbers that part a column in about ten, none of them with few rows."""
    quantiles = np.quantile(numbers, np.arange(1, _PARTS) / _PARTS)
    edges = sorted({_rounded(float(q)) for q in quantiles})
    while edges:
        counts = np.bincount(np.searchsorted(edges, numbers, "right"), minlength=len(edges) + 1)
        few = int(counts.argmin())
        if counts[few] >= max(_FEWEST, len(numbers) // (3 * _PARTS)):
            break
        # The small range joins the smaller of its neighbours.
        sides = [i for i in (few - 1, few) if 0 <= i < len(edges)]
        edges.pop(min(sides, key=lambda i: counts[i if i < few else i + 1]))
    return edges


def _rounded(value: float) -> float:
    """Return the nearest of 1, 1.5, 2, 3, 5, 7 times a power of ten.

    Examples
    --------
    >>> _rounded(2_740), _rounded(-0.0182), _rounded(0.0)
    (3000.0, -0.02, 0.0)
    """
    if value == 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(abs(value)))
    mantissa = abs(value) / power
    nearest = min(_ROUND, key=lambda number: abs(number - mantissa))
    return math.copysign(float(f"{nearest * power:.6g}"), value)
