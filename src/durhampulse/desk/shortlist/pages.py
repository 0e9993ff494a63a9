"""The ranked list: a page of it, its totals, and all of it in order, whatever its size.

Paging is by keyset: the rows after one whose sort value and number are known. Every sort column
has a covering index with all columns that can be filtered by, so rows that do not match are skipped
within the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any, Literal

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    case,
    cast,
    func,
    select,
    tuple_,
)

from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.filters import WALKING, FoundBy, bounds_of, matching, within
from durhampulse.desk.shortlist.grouped import in_order, nearest, place_in
from durhampulse.desk.shortlist.members import ANYBODYS, has_few, is_marked, those_in
from durhampulse.desk.shortlist.order import BY, BY_STATE, number_of, parts_of, places_of
from durhampulse.desk.shortlist.sums import interval_of_sum
from durhampulse.desk.shortlist.view import BAND_NAMES, GROUPED, Cursor, View
from durhampulse.desk.store.search import best_by, holding
from durhampulse.desk.store.tables import (
    HAS_NO_PRECEDENT,
    HAS_PRECEDENT,
    PASSED,
    PLACE,
    creator,
    outcome_is,
)

__all__ = [
    "PAGE",
    "Page",
    "Totals",
    "counted",
    "histogram",
    "page",
    "totals",
    "walk",
]

PAGE = 50
_WALKED = 2_000
_WALKED_GROUPED = 50_000
"""Where each part takes a pass over all."""
_NARROW = 20_000
"""Up to so many creators are sorted faster than found in the order of an index of all."""
_BOUNDS: Mapping[Literal["followers", "engagement_rate"], Sequence[str]] = {
    "followers": ("tier", "min_followers", "max_followers"),
    "engagement_rate": ("min_engagement", "max_engagement"),
}
"""Figure to the filters that bound it."""
_NARROWED: Mapping[FoundBy, str] = {"state": BY_STATE, **{name: BY[name] for name in _BOUNDS}}
"""What leaves few creators, to the index that has them."""
_ROUNDS, _ROUNDS_LISTED = (500, 1_000, 2_000, 8_000, 16_000), (500, 2_000)
_ROUNDS_GROUPED = (2_000,)
"""How many rows are looked at for a search, in one round after the other. Beyond some thousands a
list without one is marked faster; in groups each round is a pass over all."""


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


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What the creators of a view come to.

    Attributes
    ----------
    creators
        Their number.
    deals, none
        Of how many the outcome is known: the past, which counts in nothing below.
    bands
        The same by band's short name.
    unlike
        The number of those without precedent.
    expected, low, high
        Deals among so many creators like all others in the past, with a 90% interval: the model
        learned who got one, not who would if all were offered one.
    """

    creators: int
    deals: int
    none: int
    bands: dict[str, int]
    unlike: int
    expected: float
    low: float
    high: float

    @property
    def counted(self) -> int:
        """How many count in the sum: with precedent, and no outcome known."""
        return self.creators - self.deals - self.none - self.unlike


def page(
    db: Connection,
    view: View,
    rules: Rules,
    *,
    after: Cursor | None = None,
    before: Cursor | None = None,
    size: int = PAGE,
) -> Page:
    """Return the page after a cursor, or the one before a cursor, or the first."""
    backwards = before is not None
    where = _Where(before if backwards else after, backwards=backwards)
    # In groups a long list is marked: its creators may be the last of each group.
    sifts = view.search if view.sort in GROUPED else view.search or view.sets
    ids = _sifted(db, view, rules, where, size + 1) if sifts else None
    if ids is None:
        ids = _next(db, view, rules, where, size + 1)
    more = len(ids) > size
    ids = ids[:size]
    if backwards:
        ids.reverse()
    by_number = {row.id: row for row in db.execute(select(creator).where(creator.c.id.in_(ids)))}
    rows = [by_number[number] for number in ids if number in by_number]
    if not rows:
        return Page([], None, None)
    first, last = (_place(view, row) for row in (rows[0], rows[-1]))
    has_before = more if backwards else after is not None
    has_after = True if backwards else more
    return Page(rows, first if has_before else None, last if has_after else None)


def _place(view: View, row: Row[Any]) -> Cursor:
    if view.sort in GROUPED:
        return place_in(view, row)
    return number_of(row) if view.sort == "probability" else getattr(row, view.sort), row.id


def walk(db: Connection, view: View, rules: Rules) -> Iterator[Sequence[Row[Any]]]:
    """Yield all rows of a view in order, some at a time."""
    after: Cursor | None = None
    while True:
        size = _WALKED_GROUPED if view.sort in GROUPED else _WALKED
        part = page(db, view, rules, after=after, size=size)
        if part.rows:
            yield part.rows
        if part.after is None:
            return
        after = part.after


def totals(db: Connection, view: View, rules: Rules, chosen: Sequence[int] | None = None) -> Totals:
    """Return the totals of a view's creators, or of those chosen of it.

    The interval is :func:`~durhampulse.desk.shortlist.sums.interval_of_sum`'s.
    """
    p, ahead = creator.c.probability, outcome_is("open")
    judged = HAS_PRECEDENT & ahead
    sums = [
        func.count(),
        *(func.count(case((outcome_is(known), 1))) for known in ("deal", "none")),
        *(
            func.count(case((judged & within(p, [rules.band_ranges[band]]), 1)))
            for band in BAND_NAMES.values()
        ),
        func.count(case((HAS_NO_PRECEDENT & ahead, 1))),
        *(
            func.coalesce(func.sum(case((judged, values))), 0.0)
            for values in (p, p * (1 - p), creator.c.low, creator.c.high)
        ),
    ]
    query = select(*sums)
    if chosen is None:
        query = counted(db, query, view, rules)
    else:
        query = query.where(creator.c.id.in_(chosen), *matching(view, rules, "row"))
    n, deals, none, *in_bands, unlike, expected, variance, low, high = db.execute(query).one()
    low, high = interval_of_sum(expected, variance, low, high)
    return Totals(
        creators=n,
        deals=deals,
        none=none,
        bands=dict(zip(BAND_NAMES, in_bands, strict=True)),
        unlike=unlike,
        expected=expected,
        low=max(0.0, low),
        high=min(float(n - deals - none - unlike), high),
    )


def histogram(db: Connection, view: View, rules: Rules) -> pd.DataFrame:
    """Return the number of a view's creators by hundredths of probability.

    Those whose outcome is known are left out.

    Returns
    -------
    DataFrame
        One row for each of 0 to 100: ``from, creators, expected`` (the sum of probabilities).
    """
    p = creator.c.probability
    hundredths = p * 100 + 1e-9  # .57 is slightly less in binary
    if db.dialect.name != "sqlite":  # whose cast truncates, and which may lack floor
        hundredths = func.floor(hundredths)
    bins = cast(hundredths, Integer)
    query = counted(db, select(bins.label("bin"), func.count(), func.sum(p)), view, rules)
    query = query.where(p.is_not(None), HAS_PRECEDENT, outcome_is("open")).group_by("bin")
    counts = {int(at): (n, total) for at, n, total in db.execute(query)}
    rows = [(at / 100, *counts.get(at, (0, 0.0))) for at in range(101)]
    return pd.DataFrame(rows, columns=["from", "creators", "expected"])


@dataclass(frozen=True)
class _Where:
    """A place in the list, and the direction in which it is gone through from there."""

    start: Cursor | None
    backwards: bool


def _sifted(db: Connection, view: View, rules: Rules, where: _Where, size: int) -> list[int] | None:
    """Return the numbers of the next rows of a search or a list, by going through all others too.

    None where that would take long: few are wanted, or none near this place. An export goes on.
    """
    grouped = view.sort in GROUPED
    if _found_by(db, view, rules) not in WALKING or (grouped and size >= _WALKED):
        return None
    plain, numbers = replace(view.without_sets(), search=""), list[int]()
    rounds = _ROUNDS_GROUPED if grouped else _ROUNDS if view.search else _ROUNDS_LISTED
    for n in rounds if size < _WALKED else repeat(_ROUNDS[-1]):
        ids = _next(db, plain, rules, where, n)
        kept = _passing(db, ids, view)
        numbers += [number for number in ids if number in kept]
        if len(numbers) >= size or len(ids) < n:
            return numbers[:size]
        last = db.execute(select(creator).where(creator.c.id == ids[-1])).one()
        where = replace(where, start=_place(view, last))
    return None


def _next(db: Connection, view: View, rules: Rules, where: _Where, size: int) -> list[int]:
    """Return the numbers of the next rows of a view."""
    way = _grouped if view.sort in GROUPED else _ids
    return way(db, view, rules, where, size)


def _grouped(db: Connection, view: View, rules: Rules, where: _Where, size: int) -> list[int]:
    """Return the numbers of the next rows of a view in groups."""
    by = _found_by(db, view, rules)
    conditions = _walked(db, view, rules, by)
    query = select(creator.c.id).where(*conditions)
    if by in WALKING:
        near = nearest(
            db, query, view, where.start, size, backwards=where.backwards,
            bounds=bounds_of(view, rules),
        )  # fmt: skip
        if near is not None:
            return near
    numbers: list[int] = []
    for index, part in in_order(query, view, where.start, backwards=where.backwards):
        here = _hinted(part, index, by)
        numbers += db.scalars(here.limit(size - len(numbers))).all()
        if len(numbers) == size:
            break
    return numbers


def _passing(db: Connection, ids: Sequence[int], view: View) -> set[int]:
    """Return which of some creators a view's search finds and its list holds."""
    kept = holding(db, ids, view.search) if view.search else {*ids}
    for name in view.sets.values():
        kept &= those_in(db, name, ids)
    return kept


def _ids(db: Connection, view: View, rules: Rules, where: _Where, size: int) -> list[int]:
    """Return the numbers of the next rows: those with a value to sort by, then the others.

    What is null, or not shown, comes last in either direction, as a part of its own.
    """
    column, start, backwards = creator.c[view.sort], where.start, where.backwards
    down = view.descending != backwards
    parts = parts_of(view)
    by = _found_by(db, view, rules)
    conditions = _walked(db, view, rules, by)
    numbers: list[int] = []
    for filled, index, belongs in reversed(parts) if backwards else parts:
        if start is not None and filled != (start[0] is not None):
            past = filled if not backwards else not filled
            if past:
                continue  # this part ends before the cursor
        here = _hinted(select(creator.c.id).where(*conditions, belongs), index, by)
        if start is not None and filled == (start[0] is not None):
            place = tuple_(column, creator.c.id) if filled else creator.c.id
            value = tuple_(*start) if filled else start[1]
            here = here.where(place < value if down else place > value)
        order = [column, creator.c.id] if filled else [creator.c.id]
        here = here.order_by(*(key.desc() if down else key.asc() for key in order))
        numbers += db.scalars(here.limit(size - len(numbers))).all()
        if len(numbers) >= size:
            break
    return numbers


def _walked(db: Connection, view: View, rules: Rules, by: FoundBy) -> list[ColumnElement[bool]]:
    """Return a view's conditions for a walk in order, which marks the creators of a long list."""
    if by not in WALKING:
        return matching(view, rules, by)
    marked = [is_marked(db, name) for name in view.sets.values()]
    rest = view.without_sets()
    if rest.owner:
        marked.append(~is_marked(db, ANYBODYS))
        rest = replace(rest, owner="")
    return [*matching(rest, rules, by), *marked]


def _found_by(db: Connection, view: View, rules: Rules) -> FoundBy:
    """Return how search, sets and flags are best looked up, where all the list is gone through."""
    for kind, name in view.sets.items():
        if has_few(db, name):
            return kind
    if view.flag and has_few(db, view.flagged):
        return "flag"
    by = best_by(db, view.search) if view.search else "texts"
    return by if by not in WALKING else _narrowest(db, view, rules) or by


def _narrowest(db: Connection, view: View, rules: Rules) -> FoundBy | None:
    """Return the state or figure that leaves few creators; none in PostgreSQL, which knows it."""
    if db.dialect.name != "sqlite":
        return None
    passed = any(chosen and "open" not in chosen for chosen in (view.state, view.outcome))
    # In the order of states their index is walked anyway.
    there = (PASSED, PLACE.in_(places_of(view)))
    if passed and view.sort != "state" and _are_few(db, *there, by="state"):
        return "state"
    for name, fields in _BOUNDS.items():
        part = replace(View(), **{field: getattr(view, field) for field in fields})
        if part.is_filtered and _are_few(db, *matching(part, rules), by=name):
            return name
    return None


def _are_few(db: Connection, *conditions: ColumnElement[bool], by: FoundBy) -> bool:
    """Whether so few creators meet some conditions that they are sorted faster than walked to."""
    some = _hinted(select(creator.c.id).where(*conditions), "", by).limit(_NARROW + 1).subquery()
    return (db.scalar(select(func.count()).select_from(some)) or 0) <= _NARROW


def counted(
    db: Connection, query: Select[*tuple[Any, ...]], view: View, rules: Rules
) -> Select[*tuple[Any, ...]]:
    """Return a query of counts and sums, of a view's creators."""
    by = _found_by(db, view, rules)
    return _hinted(query.where(*_walked(db, view, rules, by)), BY["probability"], by)


def _hinted(query: Select[*tuple[Any, ...]], index: str, by: FoundBy) -> Select[*tuple[Any, ...]]:
    """Return a query with SQLite's hint to walk an index rather than sort.

    Few creators are looked up by their number, or between the bounds of a figure, and sorted.
    """
    walked = index if by in WALKING else _NARROWED.get(by)
    hint = f"INDEXED BY {walked}" if walked else "NOT INDEXED"
    return query.with_hint(creator, hint, "sqlite")
