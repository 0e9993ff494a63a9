"""The numbers of the creators who come next in a view, from a cursor on.

Some thousand entries of the index that has the order are looked at first. Where too few of them
match, the rest is found as :mod:`~durhampulse.desk.shortlist.plans` tells: further along that
order, or in the narrowest range of another index, sorted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select, tuple_

from durhampulse.desk.models.rules import Range, Rules
from durhampulse.desk.shortlist.filters import (
    RANGES,
    WALKING,
    Figure,
    FoundBy,
    bounds_of,
    spanned,
    spans,
)
from durhampulse.desk.shortlist.grouped import end_of, in_group, in_order, nearest, start_of
from durhampulse.desk.shortlist.order import BY, apart, parts_of, places_of
from durhampulse.desk.shortlist.plans import best, conditions, found_by, hinted, ranges_beside
from durhampulse.desk.shortlist.view import GROUPED, Cursor, View
from durhampulse.desk.store.tables import PASSED, PLACES, UNSHOWN, creator

__all__ = ["Place", "next_numbers"]

_NEAR, _MOST_NEAR = 10_000, 2_000
"""How many entries of an index are looked at first, and for how many creators at the most."""
_WAITING = PLACES.index("open")


@dataclass(frozen=True)
class Place:
    """A place in the list, and the direction in which it is gone through from there."""

    start: Cursor | None
    backwards: bool


def next_numbers(db: Connection, view: View, rules: Rules, place: Place, size: int) -> list[int]:
    """Return the numbers of the next creators of a view."""
    walk = _Walk(db=db, view=view, rules=rules, place=place, by=found_by(db, view))
    return walk.grouped(size) if view.sort in GROUPED else walk.listed(size)


@dataclass(frozen=True, kw_only=True)
class _Walk:
    """A walk from a place on, and how it finds who match."""

    db: Connection
    view: View
    rules: Rules
    place: Place
    by: FoundBy

    def listed(self, size: int) -> list[int]:
        """Return the next numbers of a view by one column."""
        walk = self
        if self.by in WALKING and ranges_beside(self.view, self.rules):
            if size <= _MOST_NEAR and not self.view.search:
                numbers, is_all = self.along(size, entries=_NEAR)
                if is_all:
                    return numbers
            by, _ = best(self.db, self.view, self.rules, self.by, size)
            walk = replace(self, by=by)
        return walk.along(size)[0]

    def along(
        self, size: int, *there: ColumnElement[bool], entries: int | None = None
    ) -> tuple[list[int], bool]:
        """Return the next numbers, and whether they are as many, or no more follow.

        What is null, or not shown, comes last in either direction, as a part of its own. With a
        number of entries it is looked no further in the index.
        """
        sort, by = self.view.sort, self.by
        query = select(creator.c.id).where(
            *conditions(self.db, self.view, self.rules, by, but=sort), *there
        )
        sorts = by in RANGES and by != sort
        numbers: list[int] = []
        for part in _parts(self.view, self.place, spans(self.view, self.rules)):
            edge = None
            if entries is not None:
                keys = part.of(select(part.keys[0])).order_by(*part.order()).offset(entries)
                edge = self.db.scalar(hinted(keys.limit(1), part.index, by))
            here = part.of(query, edge).order_by(*part.order(sorts=sorts))
            numbers += self.db.scalars(hinted(here.limit(size - len(numbers)), part.index, by))
            if len(numbers) == size:
                break
            if edge is not None:
                return numbers, False
        return numbers, True

    def grouped(self, size: int) -> list[int]:
        """Return the next numbers of a view in groups."""
        if self.by not in WALKING or size > _MOST_NEAR:
            return self.far(size)
        query = select(creator.c.id).where(*conditions(self.db, self.view, self.rules, self.by))
        numbers, far = nearest(
            self.db, query, self.view, self.place.start, size,
            backwards=self.place.backwards, bounds=bounds_of(self.view, self.rules),
        )  # fmt: skip
        if far is None:
            return numbers
        walk = self.at(far)
        near, is_all = walk.in_group(size - len(numbers), entries=_NEAR)
        if is_all:
            return walk.after_group(numbers + near, size)
        return numbers + walk.far(size - len(numbers))

    def far(self, size: int) -> list[int]:
        """Return the next numbers in groups, wherever they are."""
        start = self.place.start
        here = None if start is None else in_group(self.view, start[0][:-1])
        by, is_first = best(self.db, self.view, self.rules, self.by, size, here)
        walk = replace(self, by=by)
        if is_first:
            return self.after_group(walk.in_group(size)[0], size)
        return walk.by_groups(size)

    def after_group(self, numbers: list[int], size: int) -> list[int]:
        """Return some numbers of the place's group, and those after it where they are too few."""
        if len(numbers) == size or self.place.start is None:
            return numbers
        end = end_of(self.place.start[0][:-1], backwards=self.place.backwards)
        return numbers + self.at(end).grouped(size - len(numbers))

    def by_groups(self, size: int) -> list[int]:
        """Return the next numbers in groups by a pass that sorts them.

        Unless it is over a range, it is without those who wait: most of a list, as they lie in the
        index by probability.
        """
        view, (start, backwards) = self.view, (self.place.start, self.place.backwards)
        query = select(creator.c.id).where(*conditions(self.db, view, self.rules, self.by))
        query = in_order(query, view, start, backwards=backwards)
        if view.sort == "niche" or self.by in RANGES:
            return self.sorted(query, size)
        query = query.where(PASSED)
        at = None if start is None else start[0][0]
        waits_last = view.descending == backwards
        numbers: list[int] = []
        if not waits_last and at in (None, _WAITING):
            numbers = self.waiting(size)
        if len(numbers) < size and not (waits_last and at == _WAITING):
            numbers += self.sorted(query, size - len(numbers))
        if len(numbers) < size and waits_last:
            numbers += self.waiting(size - len(numbers))
        return numbers

    def sorted(self, query: Select[int], size: int) -> list[int]:
        """Return the first numbers of a query that sorts them."""
        return [*self.db.scalars(hinted(query.limit(size), BY["probability"], self.by))]

    def waiting(self, size: int) -> list[int]:
        """Return the next numbers of those who wait."""
        start = self.place.start
        if _WAITING not in places_of(self.view):
            return []
        if start is None or start[0][0] != _WAITING:
            start = start_of([_WAITING], backwards=self.place.backwards)
        return self.at(start).in_group(size)[0]

    def in_group(self, size: int, entries: int | None = None) -> tuple[list[int], bool]:
        """Return the next numbers of the place's group, as :meth:`along` has them."""
        assert self.place.start is not None  # noqa: S101 - by then there is a cursor
        (*group, shown), number = self.place.start
        start = None if shown == UNSHOWN else shown, number
        flat = replace(self.view, sort="probability", descending=True)
        walk = replace(self, view=flat, place=replace(self.place, start=start))
        return walk.along(size, in_group(self.view, group), entries=entries)

    def at(self, start: Cursor) -> _Walk:
        """Return the walk from a cursor on."""
        return replace(self, place=replace(self.place, start=start))


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A part of a list that lies in one index.

    Attributes
    ----------
    figure, ends
        What it is sorted by, and its range where that is known.
    keys, down
        All that it is sorted by, and whether the largest comes first.
    conditions
        What holds of those in it, besides a view's filters.
    """

    index: str
    figure: str
    ends: Range | None
    keys: Sequence[ColumnElement[Any]]
    down: bool
    conditions: list[ColumnElement[bool]]

    def of(self, query: Select[Any], edge: Any = None) -> Select[Any]:
        """Return a query within the part, up to the key of an entry.

        SQLite reads an index between one pair of bounds, so there is one on either side.
        """
        bounds: list[ColumnElement[bool]] = []
        if self.ends is not None:
            low, high = self.ends
            if edge is not None:
                low, high = (edge, high) if self.down else (low, math.nextafter(edge, math.inf))
            bounds = [spanned(self.figure, (low, high))]
        elif edge is not None:
            bounds = [self.keys[0] >= edge if self.down else self.keys[0] <= edge]
        return query.where(*self.conditions, *bounds)

    def order(self, *, sorts: bool = False) -> list[ColumnElement[Any]]:
        """Return what the part is ordered by, or is sorted by apart from its index."""
        keys = [apart(key) for key in self.keys] if sorts else self.keys
        return [key.desc() if self.down else key.asc() for key in keys]


def _parts(view: View, place: Place, ranges: Mapping[Figure, Range]) -> Iterator[_Part]:
    """Yield the parts of a list from a place on."""
    column, number, start = creator.c[view.sort], creator.c.id, place.start
    down, parts = view.descending != place.backwards, parts_of(view)
    own = {str(name): ends for name, ends in ranges.items()}.get(view.sort)
    for filled, index, belongs in reversed(parts) if place.backwards else parts:
        is_here = start is not None and filled == (start[0] is not None)
        is_past = start is not None and not is_here and filled != place.backwards
        if is_past or (own and not filled):  # nobody in a range is without a figure
            continue
        conditions, ends = [belongs], own
        if start is not None and is_here:
            value, at = start
            key, here = (tuple_(column, number), tuple_(value, at)) if filled else (number, at)
            low, high = ends or (-math.inf, math.inf)
            if ends is None or (value < high if down else value >= low):  # or else before its ends
                conditions.append(key < here if down else key > here)
            if ends is not None:
                last = math.nextafter(value, math.inf)
                ends = (low, min(high, last)) if down else (max(low, value), high)
        keys = [column, number] if filled else [number]
        yield _Part(index=index, figure=view.sort, ends=ends, keys=keys, down=down,
                    conditions=conditions)  # fmt: skip
