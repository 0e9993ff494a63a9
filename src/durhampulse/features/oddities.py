"""Creators made odd on purpose, and the bounds that find most of them.

A bound on one figure marks some fresh creators and some odd ones, and how many depends on the
table. So training rows are changed in ways that happen: a figure 20 times as large, percent taken
for fractions, a figure of creators of another size. Bounds then go where they find most of those
for each fresh creator they mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from durhampulse.deferred import pd

__all__ = ["Oddity", "Scores", "find_cuts", "plant"]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

_LESS, _SWAPPED = 0.05, 0.05
"""How much a figure divided counts beside one multiplied, and each of the many swapped ones."""
_MOST_ROWS, _MOST_SWAPPED = 500, 200
_MOST_PAIRS = 12
_TOP, _REST = 0.95, 0.5
_FAR, _FEWEST = 0.001, 6
"""Share of rows, and rows at least, beyond the point that gives a tail its scale."""
_BEYOND = 0.5
"""How far over the farthest row a bound that marks none is, in steps of ten times fewer rows."""
_DEEPER = (1, 2, 4, 8, 16, 24)
"""By how many rows a bound is lowered at once: in a heavy tail the first find next to nothing."""
_SPENT = 0.3
"""What a bound that marks no further fresh row costs, in rows."""


@dataclass(frozen=True)
class Oddity:
    """Copies of some training rows with something changed, and how much finding them counts.

    `column` is that of a figure made too large, else empty.
    """

    rows: Places
    table: pd.DataFrame
    weight: float
    column: str = ""


@dataclass(frozen=True)
class Scores:
    """How far out rows are in each way to be odd, (n_ways, n_rows), and each row's fold."""

    values: Floats
    fold: Places
    weight: float = 1.0


def plant(
    train: pd.DataFrame, mistakes: Mapping[str, tuple[float, float]], rng: np.random.Generator
) -> Iterator[Oddity]:
    """Yield each figure many times as large and as small, then figures of creators of other size.

    Parameters
    ----------
    train
        Shape (n_rows, any).
    mistakes
        Column of figures to how many times too large it may be by mistake, and how much finding
        that counts.
    """
    rows = np.sort(rng.permutation(len(train))[:_MOST_ROWS])
    some = train.iloc[rows]
    for column, (factor, weight) in mistakes.items():
        yield Oddity(rows, some.assign(**{column: some[column] * factor}), weight, column)
        yield Oddity(rows, some.assign(**{column: some[column] / factor}), _LESS)
    known = train[[*mistakes]].astype(np.float64)
    ranks = known.corr("spearman").abs().to_numpy(copy=True)
    np.fill_diagonal(ranks, 0)
    closest = np.argsort(-np.nan_to_num(ranks), axis=None, kind="stable")[:_MOST_PAIRS]
    for of, column in zip(*np.unravel_index(closest, ranks.shape), strict=True):
        yield from _swapped(train, known.columns[of], known.columns[column], rng)


def _swapped(
    train: pd.DataFrame, of: str, column: str, rng: np.random.Generator
) -> Iterator[Oddity]:
    """Yield those of the largest size with the column of smaller ones, and the reverse."""
    if of == column:
        return
    size, values = (train[name].to_numpy(np.float64) for name in (of, column))
    if not np.isfinite(size).any():
        return
    top = np.flatnonzero(size >= np.nanquantile(size, _TOP))
    rest = np.flatnonzero(size <= np.nanquantile(size, _REST))
    for whom, others in ((top, rest), (rest, top)):
        known = values[others][np.isfinite(values[others])]
        if len(known):
            rows = rng.permutation(whom)[:_MOST_SWAPPED]
            odd = train.iloc[rows].assign(**{column: rng.choice(known, len(rows))})
            yield Oddity(rows, odd, _SWAPPED)


def find_cuts(fresh: Scores, odd: Sequence[Scores], share: float) -> Floats:
    """Return the score of each way from which on rows are marked, shape (n_ways,).

    Where the bounds lie to each other is learned from the odd rows; how far out they lie all
    together, from fresh rows that had no part in that, so that the share of them holds.

    Parameters
    ----------
    fresh
        Rows that are usual, -inf where a row cannot be judged.
    odd
        Kinds of rows to be found.
    share
        Of the fresh rows, to be marked.
    """
    values, n = fresh.values, fresh.values.shape[1]
    if not len(values):
        return np.empty(0)
    beyond = max(_FAR, _FEWEST / n)
    start = np.quantile(values, 1 - min(10 * beyond, 0.5), axis=1, method="higher")
    end = np.quantile(values, 1 - beyond, axis=1, method="higher")
    start, end = (np.where(np.isfinite(v), v, 0.0) for v in (start, end))
    scale = np.maximum(end - start, 1e-3)

    rows = _Rows.of(odd, start, scale)
    far = (values - start[:, None]) / scale[:, None]
    over = np.empty(n)
    for fold in np.unique(fresh.fold):
        here = fresh.fold == fold
        depths = _spread(far[:, ~here], rows.without(fold), share)
        over[here] = (far[:, here] - depths[:, None]).max(axis=0)
    cuts = _spread(far, rows, share) + _exceeded(over, share)
    return np.asarray(start + cuts * scale)


@dataclass(frozen=True)
class _Rows:
    """Odd rows of all kinds: how far out they are, their folds, and what finding each counts."""

    values: Floats
    fold: Places
    weights: Floats

    @classmethod
    def of(cls, kinds: Sequence[Scores], start: Floats, scale: Floats) -> _Rows:
        """Return the rows of kinds, in steps of a scale from a start on, each (n_ways,)."""
        values = [np.empty((len(start), 0)), *(kind.values for kind in kinds)]
        weights = [np.full(len(kind.fold), kind.weight / len(kind.fold)) for kind in kinds]
        return cls(
            (np.hstack(values) - start[:, None]) / scale[:, None],
            np.concatenate([np.empty(0, dtype=np.intp), *(kind.fold for kind in kinds)]),
            np.concatenate([np.empty(0), *weights]),
        )

    def without(self, fold: int) -> _Rows:
        """Return the rows of the other folds."""
        rest = self.fold != fold
        return _Rows(self.values[:, rest], self.fold[rest], self.weights[rest])


def _spread(fresh: Floats, odd: _Rows, share: float) -> Floats:
    """Return cuts that together mark a share of the fresh rows, and of the odd ones most.

    Starting with none, a cut is lowered wherever that finds most for each fresh row marked.
    """
    n = fresh.shape[1]
    ordered = -np.sort(-fresh, axis=1)[:, : int(share * n) + max(_DEEPER) + 2]
    cuts, depths = ordered[:, 0] + _BEYOND, [0] * len(fresh)
    cuts = np.where(np.isfinite(cuts), cuts, _BEYOND)
    marked = np.zeros(n, dtype=bool)
    unseen = np.where((odd.values > cuts[:, None]).any(axis=0), 0.0, odd.weights)
    while True:
        best: tuple[float, int, int] = (0.0, 0, 0)
        for way, depth in enumerate(depths):
            for deeper in (step + depth for step in _DEEPER if step + depth < ordered.shape[1]):
                cut = _between(ordered[way], deeper)
                more = int(((fresh[way] > cut) & ~marked).sum())
                if not np.isfinite(cut) or marked.sum() + more > share * n:
                    break
                gain = float(unseen[odd.values[way] > cut].sum())
                best = max(best, (gain / (more + _SPENT), way, deeper))
        gain, way, depth = best
        if gain <= 0:
            return np.asarray(cuts)
        cuts[way], depths[way] = _between(ordered[way], depth), depth
        marked |= fresh[way] > cuts[way]
        unseen[odd.values[way] > cuts[way]] = 0.0


def _between(ordered: Floats, depth: int) -> float:
    """Return a cut that so many of the values, from the largest on, are above."""
    return float(ordered[depth - 1 : depth + 1].mean())


def _exceeded(values: Floats, share: float) -> float:
    """Return what a share of values yet to come is expected to exceed.

    The r-th largest of n values is exceeded by r / (n + 1) of others; over the largest, a step of
    1 by ten times fewer.
    """
    place = max(share * (len(values) + 1), 1e-9)
    ordered = np.sort(values)[::-1]
    if place < 1:
        return float(ordered[0] - np.log10(place))
    return float(np.interp(place - 1, np.arange(len(values)), ordered))
