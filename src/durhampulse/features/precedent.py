"""Which creators are unlike all that a model learned from, and in what.

A probability says nothing about a creator who has no precedent. Three things are looked at: each
figure against what the creator's other figures lead to expect (a straight line over the encoded
columns), how rare the figures are together (a mixture of Gaussians), and levels never seen.
:mod:`durhampulse.features.novelty` learns lines, mixture and bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from durhampulse.creators.block import Block
from durhampulse.features.lines import left_of
from durhampulse.features.mixture import Mixture

__all__ = ["REACH", "Kinds", "Precedent", "Span"]

Floats = npt.NDArray[np.float64]
Columns = npt.NDArray[np.floating]
Kinds = npt.NDArray[np.int16]

REACH = 60.0
"""Standard deviations beyond which a figure is no odder."""
_AT_ONCE = 16_384
"""Rows whose columns fit in a core's cache."""


@dataclass(frozen=True)
class Span:
    """The lowest and the highest value of a column among the training rows."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Precedent:
    """What the training rows were like, as far as a creator may be unlike them; plain data.

    Attributes
    ----------
    places
        Places of the figures among the encoded columns, (n_figures,).
    columns
        The table's column that each figure is of.
    judged
        Those of the figures that are judged; each stands in for its column.
    lines
        What is subtracted from each judged figure: intercept, then a slope for each of the
        figures, shape (n_judged, 1 + n_figures).
    low, high
        Bounds of what is left, shape (n_judged,).
    alone_low, alone_high
        Bounds of each judged figure by itself, for rows in which another is not known.
    mixture, cut
        Of the judged figures, and the oddness from which they have no precedent together.
    levels
        Column to the levels seen, for columns whose levels are a closed list.
    spans
        Column to its range in training, in the column's own unit.
    """

    places: tuple[int, ...]
    columns: tuple[str, ...]
    judged: tuple[int, ...]
    lines: Floats
    low: Floats
    high: Floats
    alone_low: Floats
    alone_high: Floats
    mixture: Mixture
    cut: float
    levels: Mapping[str, tuple[str, ...]]
    spans: Mapping[str, Span]

    def kinds(self, X: Floats, block: Block) -> Kinds:
        """Return what has no precedent in each row, shape (n_rows,).

        Parameters
        ----------
        X
            The rows encoded with the limit :data:`REACH`, shape (n_rows, n_names).
        block
            The same rows.

        Returns
        -------
        array of shape (n_rows,)
            0 for rows with a precedent; 1 for figures rare together; from 2 on the judged figure
            that is farthest out; beyond those the column whose level is new.
        """
        kinds = np.zeros(block.n_rows, dtype=np.int16)
        for start in range(0, block.n_rows, _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            kinds[rows] = self._figures(X[rows].T[list(self.places)].astype(np.float32))
        missing = [block.missing(self.columns[at]) for at in self.judged]
        incomplete = np.flatnonzero(np.any(missing, axis=0))
        if len(incomplete):
            kinds[incomplete] = self._beyond(X, block, incomplete)
        for number, (name, known) in enumerate(self._known.items(), start=2 + len(self.judged)):
            kinds[block.levels(name).find(known) == -1] = number
        return kinds

    def _figures(self, figures: Columns) -> Kinds:
        """Return what has no precedent among figures, (n_figures, n_rows) in single precision.

        Sums of single cells are rounded alike everywhere, so a row's do not depend on others.
        """
        kinds = np.zeros(figures.shape[1], dtype=np.int16)
        if not self.judged:
            return kinds
        kinds[self.mixture.beyond(figures[list(self.judged)], self.cut)] = 1
        left, low, high = self.left(figures), self.low[:, None], self.high[:, None]
        rows = np.flatnonzero(((left > high) | (left < low)).any(axis=0))
        if len(rows):
            far = left.take(rows, axis=1)
            kinds[rows] = 2 + np.argmax(np.maximum(far / high, far / low), axis=0)
        return kinds

    def _beyond(self, X: Floats, block: Block, rows: npt.NDArray[np.intp]) -> Kinds:
        """Return the figures that are odd by themselves, for rows in which one is not known.

        What stands in for an empty cell does not fit a row's other figures, so these are not
        compared with each other. It is usual itself, and within the bounds.
        """
        kinds = np.zeros(len(rows), dtype=np.int16)
        for number, at in enumerate(self.judged):
            values, span = block.numbers(self.columns[at])[rows], self.spans[self.columns[at]]
            figure = X[rows, self.places[at]].astype(np.float32)
            odd = (figure < self.alone_low[number]) | (figure > self.alone_high[number])
            kinds[odd | (values < span.low) | (values > span.high)] = 2 + number
        return kinds

    def left(self, figures: Columns) -> Columns:
        """Return what the lines leave of the judged figures, (n_judged, n_rows), by figures."""
        return left_of(figures, self.judged, self.lines)

    @cached_property
    def _known(self) -> dict[str, dict[str, int]]:
        return {c: {level: i for i, level in enumerate(names)} for c, names in self.levels.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the precedent as plain data."""
        return {
            "places": list(self.places),
            "columns": list(self.columns),
            "judged": list(self.judged),
            "lines": self.lines.tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "alone_low": self.alone_low.tolist(),
            "alone_high": self.alone_high.tolist(),
            "mixture": self.mixture.to_dict(),
            "cut": self.cut,
            "levels": {name: list(levels) for name, levels in self.levels.items()},
            "spans": {name: [span.low, span.high] for name, span in self.spans.items()},
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Precedent:
        """Rebuild from :meth:`to_dict`.

        Raises
        ------
        ValueError
            If the parts do not fit together.
        """
        lines, low, high = (np.array(plain[n], np.float64) for n in ("lines", "low", "high"))
        places, judged = (tuple(int(i) for i in plain[n]) for n in ("places", "judged"))
        beyond = [REACH] * len(judged)  # none in models of older versions
        alone_high = np.array(plain.get("alone_high", beyond), np.float64)
        alone_low = np.array(plain.get("alone_low", np.negative(beyond)), np.float64)
        if judged and lines.shape != (len(judged), 1 + len(places)):
            raise ValueError(f"lines of the shape {lines.shape}")
        if len(plain["columns"]) != len(places) or not set(plain["columns"]) <= set(plain["spans"]):
            raise ValueError("figures of columns that are none")
        for ends in ((low, high), (alone_low, alone_high)):
            shapes = {len(judged)} if all(end.ndim == 1 for end in ends) else set()
            if {*map(len, ends)} != shapes or not ((ends[0] < 0) & (ends[1] > 0)).all():
                raise ValueError("bounds of figures that are none")
        if min((*places, *judged), default=0) < 0 or max(judged, default=-1) >= len(places):
            raise ValueError("places of figures that are none")
        return cls(
            places=places,
            columns=tuple(map(str, plain["columns"])),
            judged=judged,
            lines=lines,
            low=low,
            high=high,
            alone_low=alone_low,
            alone_high=alone_high,
            mixture=Mixture.from_dict(plain["mixture"], len(judged)),
            cut=float(plain["cut"]),
            levels={str(n): tuple(map(str, v)) for n, v in plain["levels"].items()},
            spans={
                str(n): Span(float(low), float(high)) for n, (low, high) in plain["spans"].items()
            },
        )
