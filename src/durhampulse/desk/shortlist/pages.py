"""The ranked list: a page of it, its totals, and all of it in order, whatever its size.

A page is found by keyset: the rows after one whose sort value and number are known. Every sort
column has an index that carries all that can be filtered by, so the rows that do not match are
passed over within the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    tuple_,
)

from durhampulse.desk.models.rules import Range, Rules
from durhampulse.desk.shortlist.view import BAND_NAMES, Cursor, View
from durhampulse.desk.store.tables import creator

__all__ = ["PAGE", "Page", "Totals", "histogram", "matching", "page", "totals", "walk"]

PAGE = 50
_BEYOND = "\U0010ffff"
_WALKED = 2_000
_NORMAL_90 = 1.644854


@dataclass(frozen=True)
class Page:
    """Some rows of the list.

    Attributes
    ----------
    rows
        Creators in their order.
    before, after
        Where the pages beside it end and begin; none at the list's ends.
    """

    rows: Sequence[Row[Any]]
    before: Cursor | None
    after: Cursor | None


@dataclass(frozen=True)
class Totals:
    """What the creators of a view come to.

    Attributes
    ----------
    creators
        Their number.
    bands
        The same by band's short name.
    expected, low, high
        Deals to be expected if all got an offer, with a 90% interval.
    """

    creators: int
    bands: dict[str, int]
    expected: float
    low: float
    high: float


def matching(view: View, rules: Rules) -> list[ColumnElement[bool]]:
    """Give a view's filters as conditions on the table `creator`."""
    c = creator.c
    found: list[ColumnElement[bool]] = []
    if view.band:
        ranges = [rules.band_range(BAND_NAMES[band]) for band in view.band]
        found.append(_within(c.probability, ranges))
    if view.edge:
        found.append(_within(c.probability, rules.edge_ranges))
    if view.tier:
        found.append(_within(c.followers, [rules.tier_range(tier) for tier in view.tier]))
    if view.niche:
        found.append(c.niche.in_(view.niche))
    if view.state:
        found.append(c.state.in_(view.state))
    if view.flag:
        bits = sum(1 << int(flag) for flag in view.flag)
        found.append(c.flags.bitwise_and(bits) == bits)
    if view.search:
        found.append(and_(c.external_id >= view.search, c.external_id < view.search + _BEYOND))
    bounds = ((c.followers, view.min_followers, view.max_followers),
              (c.engagement_rate, view.min_engagement, view.max_engagement))  # fmt: skip
    for column, low, high in bounds:
        found += [column >= low] if low is not None else []
        found += [column <= high] if high is not None else []
    return found


def page(
    db: Connection,
    view: View,
    rules: Rules,
    *,
    after: Cursor | None = None,
    before: Cursor | None = None,
    size: int = PAGE,
) -> Page:
    """Give the rows after a place, or those before one, or the first."""
    backwards = before is not None
    ids = _ids(db, view, rules, before if backwards else after, size + 1, backwards=backwards)
    more = len(ids) > size
    ids = ids[:size]
    if backwards:
        ids.reverse()
    found = {row.id: row for row in db.execute(select(creator).where(creator.c.id.in_(ids)))}
    rows = [found[number] for number in ids if number in found]
    if not rows:
        return Page([], None, None)
    first, last = ((getattr(row, view.sort), row.id) for row in (rows[0], rows[-1]))
    has_before = more if backwards else after is not None
    has_after = True if backwards else more
    return Page(rows, first if has_before else None, last if has_after else None)


def walk(db: Connection, view: View, rules: Rules) -> Iterator[Sequence[Row[Any]]]:
    """Give all rows of a view in order, some at a time."""
    after: Cursor | None = None
    while True:
        found = page(db, view, rules, after=after, size=_WALKED)
        if found.rows:
            yield found.rows
        if found.after is None:
            return
        after = found.after


def totals(db: Connection, view: View, rules: Rules, chosen: Sequence[int] | None = None) -> Totals:
    """Count a view's creators, or those chosen of it, and the deals to be expected of them.

    The interval holds chance (each creator's deal comes or not) and the model's own error, taken
    as shared by all: if it is too sure of one, it is too sure of each.
    """
    p = creator.c.probability
    sums = [
        func.count(),
        *(
            func.count(case((_within(p, [rules.band_range(name)]), 1)))
            for name in BAND_NAMES.values()
        ),
        func.coalesce(func.sum(p), 0.0),
        func.coalesce(func.sum(p * (1 - p)), 0.0),
        func.coalesce(func.sum(creator.c.low), 0.0),
        func.coalesce(func.sum(creator.c.high), 0.0),
    ]
    found = select(*sums).where(*matching(view, rules))
    if chosen is None:
        found = _hinted(found, "probability")
    else:
        found = found.where(creator.c.id.in_(chosen))
    n, yes, maybe, no, expected, variance, low, high = db.execute(found).one()
    chance = _NORMAL_90 * variance**0.5
    below = ((expected - low) ** 2 + chance**2) ** 0.5
    above = ((high - expected) ** 2 + chance**2) ** 0.5
    return Totals(
        n,
        {"yes": yes, "maybe": maybe, "no": no},
        expected,
        max(0.0, expected - below),
        min(float(n), expected + above),
    )


def histogram(db: Connection, view: View, rules: Rules) -> pd.DataFrame:
    """Count a view's creators by hundredths of probability.

    Returns
    -------
    DataFrame
        One row for each of 0 to 100: ``from, creators, expected`` (the sum of probabilities).
    """
    p = creator.c.probability
    hundredths = p * 100 + 1e-9  # .57 is a little less in binary
    if db.dialect.name != "sqlite":  # which cuts where it casts, and may lack floor
        hundredths = func.floor(hundredths)
    bins = cast(hundredths, Integer)
    found = (
        _hinted(select(bins.label("bin"), func.count(), func.sum(p)), "probability")
        .where(p.is_not(None), *matching(view, rules))
        .group_by("bin")
    )
    counts = {int(at): (n, total) for at, n, total in db.execute(found)}
    rows = [(at / 100, *counts.get(at, (0, 0.0))) for at in range(101)]
    return pd.DataFrame(rows, columns=["from", "creators", "expected"])


def _within(column: Any, ranges: Sequence[Range]) -> ColumnElement[bool]:
    parts = [
        and_(column >= low, column < high) if high != float("inf") else column >= low
        for low, high in ranges
    ]
    return or_(*parts) if parts else column.is_(None) & column.is_not(None)


def _ids(
    db: Connection, view: View, rules: Rules, start: Cursor | None, size: int, *, backwards: bool
) -> list[int]:
    """Find the numbers of the next rows: those with a value in the sort column, then the others.

    Rows without one come last in either direction.
    """
    column = creator.c[view.sort]
    down = view.descending != backwards
    parts = [True] if view.sort == "external_id" else [True, False]
    found: list[int] = []
    for known in reversed(parts) if backwards else parts:
        if start is not None and known != (start[0] is not None):
            past = known if not backwards else not known
            if past:
                continue  # this part lies behind the start
        here = _hinted(select(creator.c.id), view.sort).where(*matching(view, rules))
        here = here.where(column.is_not(None) if known else column.is_(None))
        if start is not None and known == (start[0] is not None):
            place = tuple_(column, creator.c.id) if known else creator.c.id
            value = tuple_(*start) if known else start[1]
            here = here.where(place < value if down else place > value)
        order = [column, creator.c.id] if known else [creator.c.id]
        here = here.order_by(*(one.desc() if down else one.asc() for one in order))
        found += db.scalars(here.limit(size - len(found))).all()
        if len(found) >= size:
            break
    return found


def _hinted(query: Select[*tuple[Any, ...]], sort: str) -> Select[*tuple[Any, ...]]:
    """Make SQLite follow the order's index, rather than sort what another one finds."""
    return query.with_hint(creator, f"INDEXED BY ix_creator_by_{sort}", "sqlite")
