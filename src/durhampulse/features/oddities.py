"""Creators made odd on purpose, and the bounds that find most of them.

A bound on one figure marks some fresh creators and some odd ones, and how many depends on the
table. So training rows are changed in ways that happen: a figure 20 times as large, percent taken
for fractions, a figure of creators of another size. Bounds then go where they find most of those
for each fresh creator they mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

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


def find_cuts(fresh: Scores, like: Scores, odd: Sequence[Scores], share: float) -> Floats:
    """Return the score of each way from which on rows are marked, shape (n_ways,).

    Where the bounds lie to each other is learned from the odd rows and those like the fresh ones;
    how far out they lie all together, from fresh rows that had no part in that, so that the share
    of them holds.

    Parameters
    ----------
    fresh
        Rows that are usual, -inf where a row cannot be judged.
    like
        The same or more rows like them: some multiple of the number of fresh rows.
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
    far, many = ((v - start[:, None]) / scale[:, None] for v in (values, like.values))
    times = max(many.shape[1] // n, 1)
    over = np.empty(n)
    for fold in np.unique(fresh.fold):
        here = fresh.fold == fold
        tails = _Tails.of(many[:, like.fold != fold], rows.without(fold), share, times)
        over[here] = (far[:, here] - tails.spread()[:, None]).max(axis=0)
    cuts = _Tails.of(many, rows, share, times).spread() + _exceeded(over, share)
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


@dataclass(frozen=True, kw_only=True)
class _Tails:
    """Fresh and odd rows from the farthest on, each way to be odd, and where cuts may lie.

    Attributes
    ----------
    order, odd
        Places of fresh and of odd rows, the farthest first, (n_ways, any).
    none
        Cuts that mark no fresh row, (n_ways,).
    cuts
        Cuts by how many fresh rows they are to mark, from 1 on, (n_ways, n_depths).
    above, odd_above
        How many fresh and odd rows are above each, as many.
    weights
        What finding each odd row counts, 0 of those found by cuts that mark none.
    n, most, times
        Fresh rows, how many of them to mark, and how many there are for each learned from.
    """

    order: Places
    odd: Places
    none: Floats
    cuts: Floats
    above: Places
    odd_above: Places
    weights: Floats
    n: int
    most: float
    times: int

    @classmethod
    def of(cls, fresh: Floats, odd: _Rows, share: float, times: int) -> _Tails:
        """Return the tails of rows, (n_ways, n_rows)."""
        n = fresh.shape[1]
        deepest = min(max(int(share * n), 0) + times * max(_DEEPER) + 2, n)
        order = _farthest(fresh, deepest)
        far = np.take_along_axis(fresh, order, axis=1)
        cuts = (far[:, :-1] + far[:, 1:]) / 2
        reached = int((odd.values > cuts[:, [-1]]).sum(axis=1).max(initial=1))
        odd_order = _farthest(odd.values, reached)
        none = np.where(np.isfinite(far[:, 0]), far[:, 0], 0.0) + _BEYOND
        return cls(
            order=order,
            odd=odd_order,
            none=none,
            cuts=cuts,
            above=_above(far, cuts),
            odd_above=_above(np.take_along_axis(odd.values, odd_order, axis=1), cuts),
            weights=np.where((odd.values > none[:, None]).any(axis=0), 0.0, odd.weights),
            n=n,
            most=share * n,
            times=times,
        )

    def spread(self) -> Floats:
        """Return cuts that together mark no more than the share, and of the odd rows most.

        Lowered from none on, or from half of the share spent on large figures of any one column:
        what a heavy tail takes is not left over once the others are lowered.
        """
        large = range(len(self.none) // 2, len(self.none) // 2 * 2)
        best = max((self._lowered(way) for way in (None, *large)), key=itemgetter(1))
        return best[0]

    def _lowered(self, first: int | None) -> tuple[Floats, float]:
        """Return cuts, lowered where that finds most for each fresh row marked, and what they find.

        The first way, if one is given, is lowered to half of the share before all others.
        """
        steps = self.times * np.array(_DEEPER)
        depths, rows = np.zeros(len(self.none), dtype=np.intp), np.arange(len(self.none))
        fresh, unseen = np.ones(self.n, dtype=bool), self.weights.copy()
        way, depth = first, int(self.most / 2)
        if way is not None and (depth < 1 or not np.isfinite(self.cuts[way, depth - 1])):
            return self.none, 0.0
        while True:
            if way is not None:
                depths[way] = depth
                fresh[self.order[way, : self.above[way, depth - 1]]] = False
                unseen[self.odd[way, : self.odd_above[way, depth - 1]]] = 0.0
            deeper = np.minimum(depths[:, None] + steps, self.cuts.shape[1])
            more = _summed(fresh[self.order], self.above, deeper)
            allowed = np.isfinite(self.cuts[rows[:, None], deeper - 1])
            allowed &= self.n - fresh.sum() + more <= self.most
            weight = _summed(unseen[self.odd], self.odd_above, deeper)
            gains = np.where(allowed, weight / (more + self.times * _SPENT), 0.0)
            way, step = divmod(int(np.argmax(gains)), len(steps))
            if gains[way, step] <= 0:
                cuts = np.where(depths > 0, self.cuts[rows, depths - 1], self.none)
                return cuts, float(self.weights.sum() - unseen.sum())
            depth = int(deeper[way, step])


def _farthest(values: Floats, n: int) -> Places:
    """Return the places of the largest of each row, those first."""
    chosen = np.argpartition(-values, min(n, values.shape[1]) - 1, axis=1)[:, :n]
    order = np.argsort(-np.take_along_axis(values, chosen, axis=1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, axis=1)


def _above(descending: Floats, cuts: Floats) -> Places:
    """Return how many of the values of each row are above each of its cuts."""
    pairs = zip(-descending, -cuts, strict=True)
    return np.array([np.searchsorted(values, cut) for values, cut in pairs])


def _summed(values: npt.NDArray[np.generic], above: Places, depths: Places) -> Floats:
    """Return the sum of those values of each row that are above its cuts at some depths."""
    sums = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=sums[:, 1:])
    rows = np.arange(len(values))[:, None]
    return sums[rows, above[rows, depths - 1]]


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
