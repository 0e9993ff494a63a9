"""Which creators are unlike all that a model learned from, and in what.

A probability says nothing about a creator who has no precedent. Three things are looked at: each
figure against what the creator's other figures lead to expect (a straight line over the encoded
columns), how rare the figures are together (a mixture of Gaussians), and levels never seen. The
bounds are set on training rows that line and mixture did not learn from, where they find most of
the rows that were made odd on purpose, so that just under 1% of fresh creators of the training
market are marked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from durhampulse.creators.block import Block
from durhampulse.creators.schema import VIEWS
from durhampulse.deferred import pd
from durhampulse.features.encoding import Encoding
from durhampulse.features.lines import LEAST, Figures, choose_figures, fit_figures, left_of
from durhampulse.features.mixture import Mixture
from durhampulse.features.oddities import Scores, find_cuts, plant
from durhampulse.features.repeats import creator_codes

__all__ = ["REACH", "Kinds", "Precedent", "Span", "learn_precedent"]

Floats = npt.NDArray[np.float64]
Columns = npt.NDArray[np.floating]
Kinds = npt.NDArray[np.int16]

REACH = 60.0
"""Standard deviations beyond which a figure is no odder."""
_MOST_MARKED = 0.0097
"""Share of fresh rows to be marked, less half a deviation; 1% is promised."""
_TOO_LARGE, _VIEWS, _PERCENT = (20, 1.0), (20, 2.0), (100, 0.1)
"""How many times too large a count may be by mistake, and what finding that counts: views most,
since they vary most among creators of a size; last the same of another figure."""
_ENOUGH = 100
"""Complete rows from which on the others teach nothing of figures together."""
_OPEN = 0.002
"""Share of rows with a new level from which a column's levels are no closed list."""
_MOST_LEVELS = 1_000
_MOST_ROWS = 10_000
_FOLDS = 5
_COPIES, _MOST_COPIED = 5, 20_000
_BLUR = 0.4
"""How far copies are moved, as a share of what other rows are off the mean."""
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


def learn_precedent(encoding: Encoding, train: pd.DataFrame) -> Precedent:
    """Return what training rows are like, shape (n_rows, any); at most 10,000 are looked at."""
    if len(train) > _MOST_ROWS:
        train = train.sample(_MOST_ROWS, random_state=0)
    block, groups = Block.of(train), creator_codes(train)
    rng = np.random.default_rng(0)
    fold = (rng.permutation(groups.max() + 1) % _FOLDS)[groups]
    figures = choose_figures(encoding)
    levels, n_new = _closed_levels(encoding, block, fold)
    planted = [*plant(train, _mistakes(figures), rng)]
    usual = _Part.of(encoding, figures, train, fold)
    odd = [_Part.of(encoding, figures, o.table, fold[o.rows], o.weight) for o in planted]
    pairs = zip(odd, planted, strict=True)
    moved = np.array(
        [np.mean(part.X - usual.X[:, o.rows], axis=1) for part, o in pairs if o.column]
    )
    new = n_new / len(train)
    alone_low, alone_high = _ends(_cuts(_alone([usual, usual.blurred(rng), *odd], figures), new))
    if usual.whole().X.shape[1] >= _ENOUGH:
        usual, *odd = (part.whole() for part in (usual, *odd))
    lines, mixture = fit_figures(usual.X, figures, moved)
    scores = _together([usual, usual.blurred(rng), *odd], figures, moved)
    *ends, cut = _cuts(scores, new) if figures.judged else [0.0]
    low, high = _ends(ends)
    return Precedent(
        places=figures.places,
        columns=figures.columns,
        judged=figures.judged,
        lines=lines,
        low=low,
        high=high,
        alone_low=alone_low,
        alone_high=alone_high,
        mixture=mixture,
        cut=float(cut),
        levels=levels,
        spans={c: _span(block.numbers(c)) for c in dict.fromkeys(figures.columns)},
    )


def _mistakes(figures: Figures) -> Mapping[str, tuple[float, float]]:
    """Return how many times too large judged columns are by mistake, and what finding it counts."""
    counts = zip(figures.judged, figures.counts, strict=True)
    mistakes = {figures.columns[at]: _TOO_LARGE if c else _PERCENT for at, c in counts}
    if mistakes.get(VIEWS) == _TOO_LARGE:
        mistakes[VIEWS] = _VIEWS
    return mistakes


@dataclass(frozen=True)
class _Part:
    """Rows looked at: their figures, whether each is known, (n_judged, n_rows), and folds."""

    X: Floats
    known: npt.NDArray[np.bool_]
    fold: npt.NDArray[np.intp]
    weight: float

    @classmethod
    def of(
        cls,
        encoding: Encoding,
        figures: Figures,
        table: pd.DataFrame,
        fold: npt.NDArray[np.intp],
        weight: float = 1.0,
    ) -> _Part:
        block = Block.of(table)
        X = encoding.transform(block, limit=REACH).T[list(figures.places)]
        missing = [block.missing(figures.columns[at]) for at in figures.judged]
        return cls(X, ~np.array(missing, dtype=bool).reshape(-1, len(table)), fold, weight)

    def blurred(self, rng: np.random.Generator) -> _Part:
        """Return copies, each moved some way towards what another row is off the mean.

        A tail of 40 rows says little of where one bound should lie to another; of a smoothed
        bootstrap (Silverman and Young 1987) it is five times as many.
        """
        n = self.X.shape[1]
        times = max(min(_COPIES, _MOST_COPIED // max(n, 1)), 1)
        off = (self.X - self.X.mean(axis=1, keepdims=True))[:, rng.integers(n, size=times * n)]
        return _Part(
            np.tile(self.X, times) + _BLUR * off,
            np.tile(self.known, times),
            np.tile(self.fold, times),
            self.weight,
        )

    def whole(self) -> _Part:
        """Return the rows all of whose judged figures are known."""
        rows = self.known.all(axis=0)
        return _Part(self.X[:, rows], self.known[:, rows], self.fold[rows], self.weight)


def _together(parts: Sequence[_Part], figures: Figures, moved: Floats) -> list[Scores]:
    """Return how far out rows are by lines and mixtures of the first part's other folds."""
    judged = list(figures.judged)
    scores = [np.empty((2 * len(judged) + 1, part.X.shape[1])) for part in parts]
    usual = parts[0]
    for number in np.unique(np.concatenate([part.fold for part in parts])):
        lines, mixture = fit_figures(usual.X[:, usual.fold != number], figures, moved)
        for part, out in zip(parts, scores, strict=True):
            X = part.X[:, part.fold == number]
            left = left_of(X, judged, lines)
            out[:, part.fold == number] = np.vstack([-left, left, mixture.oddness(X[judged])])
    return [Scores(s, p.fold, p.weight) for s, p in zip(scores, parts, strict=True)]


def _alone(parts: Sequence[_Part], figures: Figures) -> list[Scores]:
    """Return how far out each figure is by itself; never, where it is not known."""
    scores = []
    for part in parts:
        X = part.X[list(figures.judged)]
        ways = [np.where(part.known, side, -np.inf) for side in (-X, X)]
        scores.append(Scores(np.vstack(ways), part.fold, part.weight))
    return scores


def _cuts(scores: Sequence[Scores], new: float) -> Floats:
    """Return bounds that, with new levels, mark half a deviation and a quarter of a row less.

    The scores are those of usual rows, of more like them, and of each kind of odd ones.
    """
    fresh, like, *odd = scores
    n = len(fresh.fold)
    share = _MOST_MARKED - np.sqrt(_MOST_MARKED / n) / 2 - 0.25 / n
    return find_cuts(fresh, like, odd, share - new)


def _ends(cuts: Sequence[float] | Floats) -> tuple[Floats, Floats]:
    """Return low and high bounds from those of either way."""
    below, above = np.split(np.maximum(cuts, LEAST), 2)
    return -below, above


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
