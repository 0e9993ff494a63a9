"""The ranked list: a page of it, its totals, and all of it in order, whatever its size.

Paging is by keyset: the rows after one whose sort value and number are known. Every sort column
has a covering index with all columns that can be filtered by, so rows that do not match are skipped
within the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import pandas as pd
from sqlalchemy import (
    Connection,
    Integer,
    Row,
    Select,
    case,
    cast,
    func,
    select,
)

from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.filters import WALKING, matching, within
from durhampulse.desk.shortlist.firsts import before_first, keep_first
from durhampulse.desk.shortlist.grouped import place_in
from durhampulse.desk.shortlist.members import has_marks, those_in
from durhampulse.desk.shortlist.order import BY, number_of
from durhampulse.desk.shortlist.plans import best, conditions, found_by, hinted
from durhampulse.desk.shortlist.sums import interval_of_sum
from durhampulse.desk.shortlist.view import BAND_NAMES, GROUPED, Cursor, View
from durhampulse.desk.shortlist.walks import Place, next_numbers
from durhampulse.desk.store.search import holding
from durhampulse.desk.store.tables import (
    HAS_NO_PRECEDENT,
    HAS_PRECEDENT,
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
    "rows_of",
    "totals",
    "walk",
]

PAGE = 50
_WALKED = 2_000
_WALKED_GROUPED = 50_000
"""Where each part takes a pass over all."""
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
    place = Place(before if backwards else after or before_first(db, view), backwards=backwards)
    # In groups a long list is marked: its creators may be the last of each group.
    sifts = view.search or (view.sort not in GROUPED and not all(
        has_marks(db, name) for name in view.sets.values()
    ))  # fmt: skip
    ids = _sifted(db, view, rules, place, size + 1) if sifts else None
    if ids is None:
        ids = next_numbers(db, view, rules, place, size + 1)
    more = len(ids) > size
    ids = ids[:size]
    if backwards:
        ids.reverse()
    rows = rows_of(db, ids)
    if not rows:
        return Page([], None, None)
    first, last = (_place(view, row) for row in (rows[0], rows[-1]))
    if place.start is None:
        keep_first(db, view, first)
    has_before = more if backwards else after is not None
    has_after = True if backwards else more
    return Page(rows, first if has_before else None, last if has_after else None)


def rows_of(db: Connection, numbers: Sequence[int]) -> list[Row[Any]]:
    """Return the creators of some numbers that there are, in the order of the numbers."""
    rows = db.execute(select(creator).where(creator.c.id.in_(numbers)))
    by_number = {row.id: row for row in rows}
    return [by_number[number] for number in numbers if number in by_number]


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


def _sifted(db: Connection, view: View, rules: Rules, place: Place, size: int) -> list[int] | None:
    """Return the numbers of the next rows of a search or a list, by going through all others too.

    None where that would take long: few are wanted, or none near this place. An export goes on.
    """
    grouped = view.sort in GROUPED
    if found_by(db, view) not in WALKING or (grouped and size >= _WALKED):
        return None
    plain, numbers = replace(view.without_sets(), search=""), list[int]()
    rounds = _ROUNDS_GROUPED if grouped else _ROUNDS if view.search else _ROUNDS_LISTED
    for n in rounds if size < _WALKED else repeat(_ROUNDS[-1]):
        ids = next_numbers(db, plain, rules, place, n)
        kept = _passing(db, ids, view)
        numbers += [number for number in ids if number in kept]
        if len(numbers) >= size or len(ids) < n:
            return numbers[:size]
        last = db.execute(select(creator).where(creator.c.id == ids[-1])).one()
        place = replace(place, start=_place(view, last))
    return None


def _passing(db: Connection, ids: Sequence[int], view: View) -> set[int]:
    """Return which of some creators a view's search finds and its list holds."""
    kept = holding(db, ids, view.search) if view.search else {*ids}
    for name in view.sets.values():
        kept &= those_in(db, name, ids)
    return kept


def counted(
    db: Connection, query: Select[*tuple[Any, ...]], view: View, rules: Rules
) -> Select[*tuple[Any, ...]]:
    """Return a query of counts and sums, of a view's creators."""
    flat = replace(view, sort="probability")
    by, _ = best(db, flat, rules, found_by(db, view), None)
    return hinted(query.where(*conditions(db, view, rules, by)), BY["probability"], by)
