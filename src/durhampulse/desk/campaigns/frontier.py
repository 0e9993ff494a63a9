"""Whom a best set can hold: creators to whom fewer than are wanted are preferable.

Preferable is who brings as much for no higher fee. If as many as a set has places are preferable
to somebody in it, one of them is not in it, and in their place makes it no worse. So some best set
holds nobody of that kind, whatever the budget (the k-skyband of Papadias et al., "Progressive
skyline computation in database systems", ACM TODS 30, 2005).

A small part of the list tells of nearly all others that they are of that kind. The database leaves
these out while it goes through an index; only the rest is read and compared.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Double,
    Select,
    String,
    Subquery,
    and_,
    column,
    func,
    or_,
    select,
    values,
)

from durhampulse.desk.store.tables import creator

__all__ = ["HINT", "Wish", "frontier", "preferred"]

Level = tuple[float, float]
"""Gain and fee: who brings less than the one for no less than the other is left out."""

_FEW = 50_000
"""So many creators are read at once."""
_PART, _STRETCHES = 40_000, 40
"""Size of the part that is looked at first, and in how many stretches of numbers it lies."""
_LEVELS = 24
_LEVELS_EACH = 16
_BLOCK = 4_096
HINT = "INDEXED BY ix_creator_by_followers"
"""SQLite's hint to read the index that holds all of which gains, fees and reasons are made."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What creators are compared by.

    Attributes
    ----------
    gain, fee
        Expressions of the table `creator`.
    allowed
        Conditions of who may be proposed.
    places
        How many the set has.
    each
        How many of a niche it may hold; none if that is not limited.
    spare
        How many creators may go, of those that come, without another one being missed.
    """

    gain: ColumnElement[Any]
    fee: ColumnElement[Any]
    allowed: Sequence[ColumnElement[bool]]
    places: int
    each: int | None = None
    spare: int = 0


def frontier(db: Connection, wish: Wish) -> list[int]:
    """Return the numbers of the creators to whom fewer than are wanted are preferable.

    With a limit for each niche these are counted within the niche. Whoever would come without that
    limit comes as well, so that the set can be compared with one that has none.
    """
    query = _query(wish).with_hint(creator, HINT, "sqlite")
    last = db.scalar(select(func.max(creator.c.id))) or 0
    if last > _FEW:
        part = _read(db, *_part(wish, last))
        query = _without_beaten(query, wish, part)
    rows = _read(db, query)
    numbers = {*rows["id"].iloc[preferred(rows, wish.places)]}
    for _, group, places in _niches(rows, wish):
        numbers |= {*group["id"].iloc[preferred(group, places)]}
    return sorted(int(number) for number in numbers)


def preferred(rows: pd.DataFrame, places: int) -> list[int]:
    """Return the places of the rows to which fewer than `places` others are preferable.

    From the highest gain on, the lowest fees so far are kept: whoever asks for at least as much as
    each of them is no better than any.

    Parameters
    ----------
    rows
        With ``gain`` and ``fee``, shape (n_creators, ...).
    """
    gain, fee = (rows[name].to_numpy(dtype=float) for name in ("gain", "fee"))
    order = np.lexsort((fee, -gain))
    lowest: list[float] = []  # negative, as heapq keeps the smallest first
    kept: list[int] = []
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        if len(lowest) >= places:
            block = block[fee[block] < -lowest[0]]
        for at in block.tolist():
            if len(lowest) < places:
                heapq.heappush(lowest, -fee[at])
            elif fee[at] < -lowest[0]:
                heapq.heapreplace(lowest, -fee[at])
            else:
                continue
            kept.append(at)
    return kept


def _niche() -> ColumnElement[str]:
    return func.coalesce(creator.c.niche, "")


def _query(wish: Wish) -> Select[Any]:
    gain, fee = wish.gain.label("gain"), wish.fee.label("fee")
    query = select(creator.c.id, gain, fee, _niche().label("niche"))
    return query.where(*wish.allowed, wish.gain > 0)


def _part(wish: Wish, last: int) -> list[Select[Any]]:
    """Return the queries of a part of the list, which lies spread over all of it."""
    query, each = _query(wish), -(-_PART // _STRETCHES)
    starts = range(1, last + 1, max(each, last // _STRETCHES))
    return [query.where(creator.c.id.between(start, start + each - 1)) for start in starts]


def _read(db: Connection, *queries: Select[Any]) -> pd.DataFrame:
    rows = [tuple(row) for query in queries for row in db.execute(query).all()]
    return pd.DataFrame(rows, columns=["id", "gain", "fee", "niche"])


def _niches(rows: pd.DataFrame, wish: Wish) -> Iterator[tuple[str, pd.DataFrame, int]]:
    """Yield the rows of each niche, where these are limited, and how many of them the set may hold.

    Creators without a niche are held back by no limit, and by nobody who has one.
    """
    if wish.each is not None:
        for niche, group in rows.groupby("niche"):
            most = min(wish.each + wish.spare, wish.places)
            yield str(niche), group, most if niche else wish.places


def _levels(rows: pd.DataFrame, places: int) -> list[Level]:
    """Return levels that leave others out; none where there are too few rows.

    Of the rows that bring most, so many ask for no more than the fee of a level.
    """
    best = rows.sort_values("gain", ascending=False)
    gain, fee = (best[name].to_numpy(dtype=float) for name in ("gain", "fee"))
    if len(gain) < places:
        return []
    ends = (places, len(gain), _LEVELS // 2)  # close together among the best, and down to the last
    ranks = np.unique(np.rint([np.geomspace(*ends), np.linspace(*ends)]).astype(int))
    levels: list[Level] = []
    for n in ranks.tolist():
        least = float(np.partition(fee[:n], places - 1)[places - 1])
        if not levels or least < levels[-1][1]:
            levels.append((float(gain[n - 1]), least))
    return levels


def _without_beaten(query: Select[Any], wish: Wish, part: pd.DataFrame) -> Select[Any]:
    """Return a query without the creators to whom enough of a part of the list are preferable."""
    levels = _levels(part, wish.places)
    if not levels:
        return query
    rows = query.offset(0).subquery("rows")  # a fence: each gain and fee is computed once
    stays = ~or_(*(_is_beaten(rows, *level) for level in levels))
    if wish.each is None:
        return select(rows).where(stays)
    table = _table({niche: _levels(group, n) for niche, group, n in _niches(part, wish)})
    if table is None:
        return query
    limits = [(table.c[f"gain_{n}"], table.c[f"fee_{n}"]) for n in range(_LEVELS_EACH)]
    in_niche = ~or_(*(_is_beaten(rows, gain, fee) for gain, fee in limits))
    known = rows.outerjoin(table, table.c.niche == rows.c.niche)
    return select(rows).select_from(known).where(stays | table.c.niche.is_(None) | in_niche)


def _is_beaten(rows: Subquery, gain: Any, fee: Any) -> ColumnElement[bool]:
    return and_(rows.c.gain < gain, rows.c.fee >= fee)


def _table(levels: Mapping[str, list[Level]]) -> CTE | None:
    """Return some of each niche's levels as a table of the query; none if no niche has any."""
    names = [f"{name}_{n}" for n in range(_LEVELS_EACH) for name in ("gain", "fee")]
    rows = []
    for niche, all_levels in levels.items():
        if all_levels:
            places = np.linspace(0, len(all_levels) - 1, _LEVELS_EACH).astype(int)
            rows.append((niche, *(figure for at in places for figure in all_levels[at])))
    columns = [column("niche", String), *(column(name, Double) for name in names)]
    return values(*columns, name="levels").data(rows).cte("niche_levels") if rows else None
