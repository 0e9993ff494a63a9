"""Precedents learned from training rows: what is beyond them is new.

Bounds are set on rows that lines and mixture did not learn from, where they find most of the rows
that were made odd on purpose, so that just under 1% of fresh creators of the training market are
marked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from durhampulse.creators.block import Block
from durhampulse.creators.schema import VIEWS
from durhampulse.deferred import pd
from durhampulse.features.encoding import Encoding
from durhampulse.features.lines import LEAST, Figures, choose_figures, fit_figures, left_of
from durhampulse.features.oddities import Scores, find_cuts, plant
from durhampulse.features.precedent import REACH, Precedent, Span
from durhampulse.features.repeats import creator_codes

__all__ = ["learn_precedent"]

Floats = npt.NDArray[np.float64]

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
