"""Bare headers such as ``Views``: standard columns only where the size of their figures agrees.

``Views`` may be those of a post on average or of a channel for all time, ``Engagement`` a rate or
a sum of likes and comments. What does not agree is a column of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from durhampulse.creators.cells import NumberCells, distinct_words, read_numbers
from durhampulse.creators.numbers import marked_count
from durhampulse.creators.schema import COLUMNS, FOLLOWERS, VIEWS, header_key, says_percent
from durhampulse.creators.text import NoTextError, whole_array
from durhampulse.irregularities import Irregularity, Ledger

__all__ = ["claims_that_agree", "is_bare"]

_BARE = frozenset(
    {
        "views",
        "engagement",
        "eng",
        "zaangazowanie",
        "growth",
        "followergrowth",
        "followersgrowth",
        "monthlygrowth",
    }
    | {
        f"{who}growth{when}"
        for who in ("follower", "followers", "subscriber", "subscribers")
        for when in ("30d", "30days", "last30days")
    }
)
_MOST_VIEWS = 5.0
"""Views a post by follower, typically: above, they are those of all posts together."""


def is_bare(header: str) -> bool:
    """Whether a header may mean another figure than the standard column it stands for.

    Examples
    --------
    >>> is_bare("Views"), is_bare("Avg Views"), is_bare("Engagement (%)")
    (True, False, False)
    """
    return header_key(header) in _BARE and not says_percent(header)


def claims_that_agree(
    table: pa.Table, named: Mapping[str, str], asked: Collection[str], ledger: Ledger
) -> dict[str, str]:
    """Return header to standard column without bare headers whose figures are of another size.

    Parameters
    ----------
    table
        The source, shape (n_rows, n_columns).
    named
        Header to standard column.
    asked
        Headers that a person has named: they are not questioned.
    ledger
        Where each bare header is noted: what it is read as, or why not and how to insist.
    """
    kept = dict(named)
    for header, column in named.items():
        if is_bare(header) and header not in asked and header not in COLUMNS:
            reason = _disagreement(table, header, column, named)
            if reason:
                del kept[header]
                action = f"not read as {column}: {reason}; --map '{column}={header}' insists"
                ledger.note(Irregularity.NOT_CLAIMED, header, 1, action)
            else:
                ledger.note(Irregularity.RENAMED_COLUMN, column, 1, f"'{header}' read as {column}")
    return kept


def _disagreement(
    table: pa.Table, header: str, column: str, named: Mapping[str, str]
) -> str | None:
    """Return why a bare header's figures are none of a column's; None where they are."""
    numbers = _numbers(table, header, "count" if column == VIEWS else "rate")
    if numbers is None:
        return None  # reported when the column is read
    if column != VIEWS:
        marked = marked_count(
            word.strip() for word in distinct_words(whole_array(table[header]))[1]
        )
        if marked and "," in marked:  # with points it is asked about: as figures they are fractions
            return f"{marked!r} and others are counts"
        return _no_rate(numbers)
    followers = next((h for h, standard in named.items() if standard == FOLLOWERS), None)
    fans = _numbers(table, followers, "count") if followers else None
    if fans is None:
        return "nothing tells views a post from all views, since no followers are known"
    times = _typical(numbers.values[fans.values > 0] / fans.values[fans.values > 0])
    return f"typically {times:,.0f} times the followers" if times > _MOST_VIEWS else None


def _no_rate(numbers: NumberCells) -> str | None:
    bare = np.abs(numbers.values[~numbers.percent])
    typical, present = _typical(bare), bare[np.isfinite(bare)]
    if typical > 100 or (typical > 1 and bool((present % 1 == 0).all())):
        return f"its figures, typically {typical:,.12g}, are counts"
    return None


def _typical(values: npt.NDArray[np.float64]) -> float:
    present = values[np.isfinite(values)]
    return float(np.median(present)) if present.size else 0.0


def _numbers(table: pa.Table, header: str, kind: Literal["count", "rate"]) -> NumberCells | None:
    try:
        return read_numbers(whole_array(table[header]), kind)
    except NoTextError:
        return None
