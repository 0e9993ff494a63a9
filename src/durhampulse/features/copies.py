"""Creators who stand in a table under several identifiers, their figures equal or nearly so.

Copies are told from creators who happen to be alike by how close they are for where they stand: in
a part of the table so thinly settled that a neighbour this near is not to be expected.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.schema import IDENTIFIER
from durhampulse.creators.table import Creators
from durhampulse.features.repeats import SAME_AS

if TYPE_CHECKING:
    from scipy.spatial import KDTree

__all__ = ["copied_creators", "kept_together"]

Floats = npt.NDArray[np.float64]
Pairs = npt.NDArray[np.intp]
Odds = Callable[[Pairs], Floats]

_FINE, _MANY = 0.2, 0.02
_MOST_COLUMNS, _MOST_LEVELS = 6, 3
_NEIGHBOURS = 25
_NEAR, _RESOLUTION = 0.06, 0.005
_BY_CHANCE = 2e-4
_MOST_LOOKED_AT, _MOST_COMPARED = 1_000, 50_000


def kept_together(creators: Creators) -> Creators:
    """Return the creators with copies under one name, so that every split keeps them together.

    Where there are no copies the table is as it was.
    """
    if creators.labelled.empty:
        return creators
    original = copied_creators(creators.labelled, [role.column for role in creators.features])
    if (original == original.index).all():
        return creators
    names = creators.table[IDENTIFIER]
    same_as = names.map(original).fillna(names)
    return creators.with_table(creators.table.assign(**{SAME_AS: same_as}))


def copied_creators(table: pd.DataFrame, columns: Collection[str]) -> pd.Series:
    """Return whom each creator of a table is a copy of, by identifier; themselves where of nobody.

    Two creators are one where their first rows agree in all columns, or lie within 6% of each other
    in all fine columns, or in all but one of them, and so near that fewer than one in 5,000 would
    have such a neighbour by chance. Expected neighbours are counted from the distance of the 25th,
    with the dimension of Levina and Bickel (2004). Of more than 50,000 creators only equal ones.

    Parameters
    ----------
    table
        Shape (n_rows, any).
    columns
        The features.

    Returns
    -------
    Series
        Identifier to the identifier of the first of its copies.
    """
    once = table.drop_duplicates(IDENTIFIER)
    names = once[IDENTIFIER].to_numpy()
    fine = [c for c in columns if once[c].nunique() > _FINE * max(once[c].count(), 1)]
    pairs = [*_equal(once, list(columns), fine)]
    numbers = [c for c in columns if pd.api.types.is_numeric_dtype(once[c])]
    figures = sorted(numbers, key=lambda c: -once[c].nunique())[:_MOST_COLUMNS]
    figures = [c for c in figures if once[c].nunique() >= _MANY * once[c].count()]
    levels = [c for c in columns if c not in numbers][:_MOST_LEVELS]
    logs = np.column_stack([_log(once[c]) for c in figures]) if figures else np.empty((0, 0))
    for chosen in _choices(len(figures) if len(once) <= _MOST_COMPARED else 0):
        pairs += _near(logs[:, chosen], _odds(once[levels]))
    return pd.Series(names[_first_of(pairs, len(once))], names)


def _equal(once: pd.DataFrame, columns: list[str], fine: list[str]) -> Iterator[Pairs]:
    """Yield the creators equal in all columns, where two are too fine for a coincidence."""
    if len(fine) < 2:
        return
    comparable = np.flatnonzero(once[fine].notna().sum(axis=1) >= 2)
    alike = once.iloc[comparable].groupby(columns, dropna=False, sort=False).ngroup().to_numpy()
    first = np.zeros(len(alike), dtype=np.intp)
    first[alike[::-1]] = comparable[::-1]
    yield np.column_stack([comparable, first[alike]])


def _log(values: pd.Series) -> Floats:
    """Return figures so that equal ratios are equal distances, but near zero."""
    figures = values.to_numpy(np.float64)
    sizes = np.abs(figures[np.isfinite(figures) & (figures != 0)])
    return np.asarray(np.arcsinh(figures / (np.quantile(sizes, 0.05) if sizes.size else 1.0)))


def _choices(number: int) -> Iterator[list[int]]:
    """Yield all fine columns, and all but one of them; three are needed to tell."""
    everything = list(range(number))
    if number >= 3:
        yield everything
    if number >= 4:
        yield from ([*everything[:i], *everything[i + 1 :]] for i in everything)


def _near(logs: Floats, odds: Odds) -> Iterator[Pairs]:
    """Yield the creators nearer to each other than chance explains."""
    from scipy.spatial import KDTree

    known = np.flatnonzero(np.isfinite(logs).all(axis=1))
    points = logs[known]
    settled = np.unique(points, axis=0)  # copies would make their own neighbourhood look dense
    if len(settled) <= 2 * _NEIGHBOURS:
        return
    apart, who = _nearest(KDTree(points), points, distance_upper_bound=_NEAR)
    row, place = np.nonzero(np.isfinite(apart) & (who != np.arange(len(points))[:, None]))
    tree, (some, back) = KDTree(settled), np.unique(row, return_inverse=True)
    farthest = _nearest(tree, points[some])[0][back, -1] + _RESOLUTION
    near = apart[row, place] + _RESOLUTION
    by_place = _NEIGHBOURS * (near / farthest) ** _dimension(tree, settled)
    pairs = np.column_stack([known[row], known[who[row, place]]])
    by_value = len(points) * np.prod([_between(c[known], c[pairs]) for c in logs.T], axis=0)
    yield pairs[np.maximum(by_place, by_value) * odds(pairs) < _BY_CHANCE]


def _nearest(
    tree: KDTree, points: Floats, *, distance_upper_bound: float = np.inf
) -> tuple[Floats, Pairs]:
    """Return how far the nearest creators are and which, shape (n_points, 26) each."""
    apart, who = tree.query(
        points, _NEIGHBOURS + 1, p=np.inf, distance_upper_bound=distance_upper_bound
    )
    return np.asarray(apart), np.asarray(who)


def _dimension(tree: KDTree, points: Floats) -> float:
    """Return in how many directions the points spread, by the distances of their neighbours."""
    some = points[:: 1 + len(points) // _MOST_LOOKED_AT]
    around = _nearest(tree, some)[0] + _RESOLUTION
    ratio = float(np.mean(np.log(around[:, -1:] / around[:, _NEIGHBOURS // 3 : -1])))
    return min(1 / max(ratio, 1e-9), float(points.shape[1]))


def _between(values: Floats, pairs: Floats) -> Floats:
    """Return the share of values that lie between those of a pair, these included."""
    ordered = np.sort(values)
    low = np.searchsorted(ordered, pairs.min(axis=1), "left")
    return np.asarray((np.searchsorted(ordered, pairs.max(axis=1), "right") - low) / len(values))


def _odds(table: pd.DataFrame) -> Odds:
    """Return how often two creators agree by chance in those levels in which a pair agrees."""
    codes = np.reshape([pd.factorize(table[column])[0] for column in table], (-1, len(table)))
    codes = codes.astype(np.intp)
    shares = [np.sum((np.bincount(code + 1) / len(table)) ** 2) for code in codes]

    def odds(pairs: Pairs) -> Floats:
        agree = codes[:, pairs[:, 0]] == codes[:, pairs[:, 1]]
        return np.asarray(np.prod(np.where(agree, np.reshape(shares, (-1, 1)), 1.0), axis=0))

    return odds


def _first_of(pairs: Collection[Pairs], number: int) -> Pairs:
    """Return for each creator the first of those joined to it by pairs, shape (number,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    joined = np.vstack([*pairs, np.empty((0, 2), dtype=np.intp)])
    links = coo_array((np.ones(len(joined)), (joined[:, 0], joined[:, 1])), (number, number))
    group = connected_components(links, directed=False)[1]
    first = np.zeros(number, dtype=np.intp)
    first[group[::-1]] = np.arange(number)[::-1]
    return first[group]
