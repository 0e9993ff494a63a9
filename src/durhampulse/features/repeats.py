"""Creators who stand in several rows: one row a deal, a post or a month, or a copy.

Rows of one creator are alike, so they are no independent examples: whatever draws, splits or
resamples rows takes creators as wholes, by the numbers that :func:`creator_codes` gives. Where
every creator has one row, drawing creators and drawing rows is the same.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.deferred import pd

__all__ = [
    "SAME_AS",
    "Codes",
    "counted",
    "creator_codes",
    "creator_names",
    "creator_strata",
    "has_repeats",
    "permuted_within",
    "rows_to_decide",
]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
"""Number of each row's creator, in the order of their first rows, shape (n_rows,)."""

SAME_AS = "_same_creator_as"
"""Column that names the creator whom a copy repeats; only in tables with copies."""

_BOTH = 1


def creator_names(table: pd.DataFrame) -> pd.Series:
    """Return each row's creator by identifier, for a copy the creator whom it repeats.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"Influencer_ID": ["b", "a"], SAME_AS: ["b", "b"]})
    >>> creator_names(table).tolist()
    ['b', 'b']
    """
    return table[SAME_AS if SAME_AS in table else IDENTIFIER]


def creator_codes(table: pd.DataFrame) -> Codes:
    """Return the number of each row's creator, in the order of their first rows, shape (n_rows,).

    Examples
    --------
    >>> import pandas as pd
    >>> creator_codes(pd.DataFrame({"Influencer_ID": ["b", "a", "b"]})).tolist()
    [0, 1, 0]
    """
    return np.asarray(pd.factorize(creator_names(table))[0], dtype=np.intp)


def has_repeats(groups: Codes | None) -> bool:
    """Whether some creator has several rows."""
    return groups is not None and len(groups) > 0 and int(groups.max()) + 1 < len(groups)


def counted(table: pd.DataFrame) -> str:
    """Return how many rows of how many creators a table holds, in words.

    Examples
    --------
    >>> import pandas as pd
    >>> counted(pd.DataFrame({"Influencer_ID": ["b", "a", "b"]}))
    '3 rows of 2 creators'
    >>> counted(pd.DataFrame({"Influencer_ID": ["b", "a"]}))
    '2 creators'
    """
    n_creators = table[IDENTIFIER].nunique()
    if n_creators == len(table):
        return f"{n_creators:,} creators"
    return f"{len(table):,} rows of {n_creators:,} creators"


def creator_strata(labelled: pd.DataFrame, *, fewest: int = 5) -> pd.Series:
    """Return each creator's outcome, to draw creators in proportion by.

    Parameters
    ----------
    labelled
        Rows whose outcome is known, shape (n_rows, any).
    fewest
        Creators that a kind needs to be drawn apart where some creators have both outcomes.

    Returns
    -------
    Series
        Identifier to 0 for no deal, 2 for deals, 1 for both in different rows.
    """
    outcomes = labelled.groupby(creator_names(labelled), sort=False)[LABEL].agg(["min", "max"])
    strata = outcomes.sum(axis=1).astype("int64")
    if not (strata == _BOTH).any():
        return strata
    counts = strata.value_counts()
    strata = strata.where(~strata.isin(counts.index[counts < fewest]), _BOTH)
    if 0 < (strata == _BOTH).sum() < fewest:
        strata = strata.where(strata != _BOTH, counts.index[0])
    return strata


def permuted_within(y: Floats, groups: Codes, rng: np.random.Generator) -> Floats:
    """Return outcomes with creators' outcomes exchanged as wholes, shape (n_rows,).

    Each creator is given another's outcomes in their order, begun again where the other has fewer
    rows and cut off where it has more.

    Examples
    --------
    >>> import numpy as np
    >>> y, groups = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0, 0, 1, 1])
    >>> permuted_within(y, groups, np.random.default_rng(3)).tolist()
    [0.0, 0.0, 1.0, 1.0]
    """
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    starts = np.cumsum(sizes) - sizes
    place = np.empty(len(y), dtype=np.intp)
    place[order] = np.arange(len(y)) - starts[groups[order]]
    giver = rng.permutation(len(sizes))[groups]
    return np.asarray(y[order][starts[giver] + place % sizes[giver]])


def rows_to_decide(table: pd.DataFrame, learned: pd.Index, columns: Iterable[str]) -> pd.DataFrame:
    """Return the rows not learned from, without those that repeat a creator's figures.

    Parameters
    ----------
    table
        Shape (n_rows, any).
    learned
        The rows learned from, by their numbers.
    columns
        Those that the model sees; a creator whose figures differ by row keeps these rows.
    """
    return table.drop(index=learned).drop_duplicates([IDENTIFIER, *columns])
