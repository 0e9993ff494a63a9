"""Which creators are unlike all that a model learned from, and in what.

A probability says nothing about a creator who has no precedent. Three things are looked at: each
figure against what the creator's other figures lead to expect (a straight line over the encoded
columns), how rare the figures are together (a mixture of Gaussians), and levels never seen. The
bounds are set on training rows that line and mixture did not learn from, so that about 0.7% of
fresh creators of the training market are marked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.block import Block
from durhampulse.features.codes import NumberCode, RelativeCode
from durhampulse.features.encoding import Encoding
from durhampulse.features.mixture import Mixture, learn_mixture
from durhampulse.features.repeats import creator_codes

__all__ = ["REACH", "Kinds", "Precedent", "Span", "learn_precedent"]

Floats = npt.NDArray[np.float64]
Columns = npt.NDArray[np.floating]
Kinds = npt.NDArray[np.int16]

REACH = 60.0
"""Standard deviations beyond which a figure is no odder."""
_MOST_MARKED = 0.008
_FAR, _FEWEST = 0.001, 6
"""Share of rows, and rows at least, beyond the point that gives a tail its scale."""
_FAR_TO_RARE = 2
"""How many times more rows are marked for one figure than for all together."""
_BEYOND_ALL = 1.25
"""Bounds over the farthest of rows too few to tell a share of 1%."""
_OPEN = 0.002
"""Share of rows with a new level from which a column's levels are no closed list."""
_MOST_LEVELS = 1_000
_MOST_COLUMNS = 16
_MOST_ROWS = 10_000
_FOLDS = 5
_RIDGE, _LEAST = 1e-3, 1e-3
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
            kinds[incomplete] = self._beyond(block, incomplete)
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

    def _beyond(self, block: Block, rows: npt.NDArray[np.intp]) -> Kinds:
        """Return what lies beyond all training rows, for rows in which a figure is not known.

        What stands in for an empty cell does not fit a row's other figures, so these are not
        compared with each other.
        """
        kinds = np.zeros(len(rows), dtype=np.int16)
        for number, at in enumerate(self.judged, start=2):
            values, span = block.numbers(self.columns[at])[rows], self.spans[self.columns[at]]
            kinds[(values < span.low) | (values > span.high)] = number
        return kinds

    def left(self, figures: Columns) -> Columns:
        """Return what the lines leave of the judged figures, (n_judged, n_rows), by figures."""
        return _left(figures, self.judged, self.lines)

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
        if judged and lines.shape != (len(judged), 1 + len(places)):
            raise ValueError(f"lines of the shape {lines.shape}")
        if len(plain["columns"]) != len(places) or not set(plain["columns"]) <= set(plain["spans"]):
            raise ValueError("figures of columns that are none")
        if not (low.shape == high.shape == (len(judged),) and (low < 0).all() and (high > 0).all()):
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
            mixture=Mixture.from_dict(plain["mixture"], len(judged)),
            cut=float(plain["cut"]),
            levels={str(n): tuple(map(str, v)) for n, v in plain["levels"].items()},
            spans={
                str(n): Span(float(low), float(high)) for n, (low, high) in plain["spans"].items()
            },
        )


def learn_precedent(encoding: Encoding, train: pd.DataFrame, *, random_state: int = 0) -> Precedent:
    """Learn what the training rows are like, shape (n_rows, any); at most 10,000 are looked at."""
    if len(train) > _MOST_ROWS:
        train = train.sample(_MOST_ROWS, random_state=random_state)
    block, groups = Block.of(train), creator_codes(train)
    fold = (np.random.default_rng(random_state).permutation(groups.max() + 1) % _FOLDS)[groups]
    figures = _figures(encoding)
    X = encoding.transform(block, limit=REACH).T[list(figures.places)]
    levels, n_new = _closed_levels(encoding, block, fold)
    left, odd = np.empty((len(figures.judged), block.n_rows)), np.empty(block.n_rows)
    for number in np.unique(fold):
        here = fold == number
        lines, mixture = _fit(X[:, ~here], figures)
        left[:, here] = _left(X[:, here], figures.judged, lines)
        odd[here] = mixture.oddness(X[:, here][list(figures.judged)])
    low, high, cut = _bounds(left.T, odd, n_new)
    lines, mixture = _fit(X, figures)
    return Precedent(
        places=figures.places,
        columns=figures.columns,
        judged=figures.judged,
        lines=lines,
        low=low,
        high=high,
        mixture=mixture,
        cut=cut,
        levels=levels,
        spans={c: _span(block.numbers(c)) for c in dict.fromkeys(figures.columns)},
    )


@dataclass(frozen=True)
class _Figures:
    """Which encoded columns are figures, which of them are judged, and of which columns."""

    places: tuple[int, ...]
    judged: tuple[int, ...]
    columns: tuple[str, ...]


def _figures(encoding: Encoding) -> _Figures:
    """Return the first figures; one relative to size and niche is judged in place of the plain."""
    starts = np.cumsum([0, *(len(code.names) for code in encoding.codes)])
    codes = [*zip(starts.tolist(), encoding.codes, strict=False)]
    relative = [(at, code) for at, code in codes if isinstance(code, RelativeCode)]
    plain = [(at, c) for at, c in codes if isinstance(c, NumberCode) and not c.ordered]
    chosen = plain[: _MOST_COLUMNS - len(relative)] + relative
    compared = {code.column for _, code in relative}
    judged = [
        i
        for i, (_, code) in enumerate(chosen)
        if isinstance(code, RelativeCode) or code.column not in compared
    ]
    columns = tuple(code.column for _, code in chosen)
    return _Figures(tuple(at for at, _ in chosen), tuple(judged), columns)


def _fit(X: Floats, figures: _Figures) -> tuple[Floats, Mixture]:
    """Fit each judged figure's line on figures of other columns, and the mixture."""
    lines = np.zeros((len(figures.judged), 1 + len(X)))
    for line, place in zip(lines, figures.judged, strict=True):
        others = [i for i, c in enumerate(figures.columns) if c != figures.columns[place]]
        design = np.vstack([np.ones(X.shape[1]), X[others]])
        gram = design @ design.T + _RIDGE * np.eye(1 + len(others))
        line[[0, *(1 + i for i in others)]] = np.linalg.solve(gram, design @ X[place])
    if not figures.judged:
        return lines, Mixture(np.empty((0, 0)), np.empty((0, 0, 0)), np.empty(0))
    return lines, learn_mixture(X[list(figures.judged)].T)


def _left(X: Columns, judged: Sequence[int], lines: Floats) -> Columns:
    """Return what lines leave of the judged figures, (n_judged, n_rows); `X` as wide.

    Added up column by column in one order, so that what a row leaves depends on the row alone.
    """
    left = np.empty((len(judged), X.shape[1]), X.dtype)
    for number, (place, line) in enumerate(zip(judged, lines.astype(X.dtype), strict=True)):
        np.subtract(X[place], line[0], out=left[number])
        for i in np.flatnonzero(line[1:]):
            left[number] -= line[1 + i] * X[i]
    return left


def _bounds(left: Floats, odd: Floats, n_new: int) -> tuple[Floats, Floats, float]:
    """Return bounds of what is left, and of oddness, that mark together the share wanted.

    The share wanted is two standard deviations of its own below 1%. Both kinds of mark get the
    same share. Each tail is measured in steps of ten times fewer rows, so that heavy tails do not
    set the bounds of light ones.
    """
    n = len(odd)
    step = np.sqrt(_MOST_MARKED + 1 / n) - np.sqrt(1 / n)
    wanted = max(int(step**2 * n) - n_new, 0)
    above, below = _tail(left), _tail(-left)
    together = _tail(odd[:, None])
    far = np.maximum(above.steps(left), below.steps(-left)).max(axis=1, initial=0.0)
    rare = together.steps(odd[:, None])[:, 0]
    places = [np.argsort(np.argsort(-score, kind="stable"), kind="stable") for score in (far, rare)]
    first = np.sort(np.minimum(places[0], places[1] * _FAR_TO_RARE))
    depth = int(first[wanted]) if wanted < n else 0
    cuts = [
        np.sort(score)[::-1][at] * (_BEYOND_ALL if at == 0 else 1.0)
        for score, at in ((far, depth), (rare, depth // _FAR_TO_RARE))
    ]
    return (
        -np.maximum(below.value(cuts[0]), _LEAST),
        np.maximum(above.value(cuts[0]), _LEAST),
        float(together.value(cuts[1])[0]),
    )


@dataclass(frozen=True)
class _Tail:
    """The upper tails of some columns: where they begin, and how far a tenth reaches."""

    start: Floats
    scale: Floats

    def steps(self, values: Floats) -> Floats:
        return np.asarray((values - self.start) / self.scale)

    def value(self, steps: float) -> Floats:
        return np.asarray(self.start + steps * self.scale)


def _tail(values: Floats) -> _Tail:
    share = max(_FAR, _FEWEST / len(values))
    start = np.quantile(values, 1 - min(10 * share, 0.5), axis=0)
    return _Tail(start, np.maximum(np.quantile(values, 1 - share, axis=0) - start, _LEAST))


def _closed_levels(
    encoding: Encoding, block: Block, fold: npt.NDArray[np.intp]
) -> tuple[dict[str, tuple[str, ...]], int]:
    """Return the levels seen of columns where new ones are rare, and rows with new ones."""
    closed, new = {}, np.zeros(block.n_rows, dtype=bool)
    for name in encoding.columns:
        if name in encoding.numeric:
            continue
        levels = block.levels(name)
        by_fold = np.zeros((len(levels.names) + 1, _FOLDS), dtype=np.intp)
        np.add.at(by_fold, (levels.codes, fold), 1)
        here = levels.codes >= 0
        only = here & (by_fold[levels.codes, fold] == by_fold.sum(axis=1)[levels.codes])
        seen = [
            str(n) for n, count in zip(levels.names, by_fold.sum(axis=1), strict=False) if count
        ]
        if only.mean() <= _OPEN and len(seen) <= _MOST_LEVELS:
            closed[name] = tuple(sorted(seen))
            new |= only
    return closed, int(new.sum())


def _span(values: Floats) -> Span:
    """Return the range of what is known of a column."""
    known = values[np.isfinite(values)]
    return Span(float(known.min(initial=np.inf)), float(known.max(initial=-np.inf)))
