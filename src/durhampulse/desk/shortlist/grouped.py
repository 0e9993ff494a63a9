"""The list in groups: by niche, or by what is known and decided, the most probable first in each.

A page is found in an index near its cursor: by niche, or by state among those who do not wait.
Where fewer match, a group is gone through in the order of probability, or one pass over all, or
over a range of another index, keeps the few rows that a page shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    false,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)

from durhampulse.desk.models.rules import Range
from durhampulse.desk.shortlist.order import BY_NICHE, BY_STATE, number_of, places_of
from durhampulse.desk.shortlist.view import UNLIKE, Cursor, View
from durhampulse.desk.store.tables import (
    OUTCOME_STATES,
    PASSED,
    PLACE,
    PLACES,
    SHOWN,
    UNSHOWN,
    InBytes,
    creator,
    outcome_is,
)

__all__ = ["end_of", "in_group", "in_order", "nearest", "place_in", "start_of"]

_NEAR, _MOST_PARTS = 1_000, 20
"""How many entries of an index are near a place, each of which costs a look at the table, and after
how many parts of a list another way is as fast."""
_niche = InBytes(creator.c.niche)
_LAST, _ABOVE = 2**62, 2.0  # above all numbers, and all probabilities
Group = list[Any]
"""What a cursor begins with: whether there is no niche, and which; or where in `PLACES`."""

Key = tuple[ColumnElement[Any], bool]
"""What is sorted by, and whether the largest comes first."""


def in_order(
    query: Select[int], view: View, start: Cursor | None, *, backwards: bool
) -> Select[int]:
    """Return the query of creators' numbers in a view's groups, which sorts them.

    Parameters
    ----------
    query, view
        The numbers in any order, and how they are sorted.
    start, backwards
        The cursor after which they begin, and whether those before it are wanted, the nearest
        first.
    """
    keys = _keys(view)
    if start is not None:
        beyond: ColumnElement[bool] = false()
        for (key, down), value in reversed([*zip(keys, [*start[0], start[1]], strict=True)]):
            here = key < value if down != backwards else key > value
            beyond = or_(here, and_(key == value, beyond))
        query = query.where(beyond)
    return query.order_by(*(key.desc() if down != backwards else key.asc() for key, down in keys))


def nearest(
    db: Connection, query: Select[int], view: View, start: Cursor | None, size: int,
    *, backwards: bool, bounds: Range,
) -> tuple[list[int], Cursor | None]:  # fmt: skip
    """Return the next numbers of a list in groups, and after which cursor others may be.

    There is none where they are all, or enough; else they are those of a thousand entries of each
    group's index.

    Parameters
    ----------
    db, query, view, start, size, backwards
        As of :func:`in_order`, and how many numbers are wanted.
    bounds
        From where to below where what is shown of creators may lie.
    """
    way = _Niches if view.sort == "niche" else _States
    walk = way(db=db, query=query, view=view, backwards=backwards, bounds=bounds)
    numbers: list[int] = []
    for n, (part, end, is_all) in enumerate(walk.parts(start)):
        if part is not None:
            numbers += db.scalars(part.limit(size - len(numbers)))
        if len(numbers) == size:
            break
        if not is_all or n == _MOST_PARTS:
            return numbers, end
    return numbers, None


_Part = tuple[Select[int] | None, Cursor, bool]
"""Numbers in order, the cursor at their end, and whether they are all up to there."""


def start_of(group: Group, *, backwards: bool) -> Cursor:
    """Return the cursor before all creators of a group."""
    return ([*group, UNSHOWN], 0) if backwards else ([*group, _ABOVE], _LAST)


def end_of(group: Group, *, backwards: bool) -> Cursor:
    """Return the cursor after all creators of a group."""
    return start_of(group, backwards=not backwards)


def in_group(view: View, group: Group) -> ColumnElement[bool]:
    """Return the condition of a group, by columns, of which PostgreSQL knows how many."""
    if view.sort == "niche":
        is_none, name = group
        return creator.c.niche.is_(None) if is_none else creator.c.niche == name
    known = PLACES[group[0]]
    if known in OUTCOME_STATES and known != "open":
        return outcome_is(known)
    return and_(creator.c.state == literal_column(f"'{known}'"), outcome_is("open"))


@dataclass(frozen=True, kw_only=True)
class _Walk:
    """A walk through an index whose first column is the group."""

    db: Connection
    query: Select[int]
    view: View
    backwards: bool
    bounds: Range

    index: ClassVar[str]
    group: ClassVar[ColumnElement[Any]]

    @property
    def _rises(self) -> bool:
        """Whether the groups rise on the way."""
        return self.view.descending == self.backwards

    @property
    def _order(self) -> list[ColumnElement[Any]]:
        directions = (self._rises, self.backwards, self.backwards)
        keys = zip((self.group, SHOWN, creator.c.id), directions, strict=True)
        return [key.asc() if rises else key.desc() for key, rises in keys]

    def _near(self, group: Group, *here: ColumnElement[bool], start: Cursor | None) -> _Part:
        """Return the creators of a group near a cursor, or near its beginning.

        All of them where the index alone tells who matches.
        """
        order, shown = self._order[1:], None
        if start is not None:
            (*_, shown), at = start
            place, cursor = tuple_(SHOWN, creator.c.id), tuple_(shown, at)
            here = (*here, place > cursor if self.backwards else place < cursor)
        edge = None
        if self.rest.is_filtered:
            edge = self._entry(SHOWN, and_(*here, *self._between(shown, None)), order)
        part = self._hinted(self.query.where(*here, *self._between(shown, edge)).order_by(*order))
        if edge is None:
            return part, end_of(group, backwards=self.backwards), True
        return part, ([*group, edge], _LAST if self.backwards else 0), False

    def _between(self, start: float | None, end: float | None) -> list[ColumnElement[bool]]:
        """Return the bounds of a part, one on either side, whose first and last are known or not.

        SQLite reads an index between one pair of bounds, and of expressions by no row of values.
        """
        low, high = self.bounds
        top, bottom = (end, start) if self.backwards else (start, end)
        upper = high > SHOWN if top is None or top >= high else top >= SHOWN
        return [upper, low <= SHOWN if bottom is None else max(low, bottom) <= SHOWN]

    @property
    def rest(self) -> View:
        """The view without what the index tells.

        It tells sets too, marked by creators' numbers, but PostgreSQL takes those in one for few.
        """
        rest, sort = self.view, self.view.sort
        if self.db.dialect.name == "sqlite":
            rest = replace(rest, listed="", owner="")
        rest = replace(rest, niche=()) if sort == "niche" else replace(rest, state=())
        is_range = len(rest.band) == 1 and UNLIKE not in rest.band
        return replace(rest, band=()) if is_range else rest

    def _entry(
        self, key: ColumnElement[Any], here: ColumnElement[bool], order: list[ColumnElement[Any]]
    ) -> Any:
        """Return the key of the index's entry at which a part ends; none where it has no more."""
        entries = select(key).where(here).order_by(*order).offset(_NEAR).limit(1)
        return self.db.scalar(self._hinted(entries))

    def _hinted(self, query: Select[Any]) -> Select[Any]:
        return query.with_hint(creator, f"INDEXED BY {self.index}", "sqlite")


class _Niches(_Walk):
    """The walk by niche: one niche, several small ones at once, the next one."""

    index, group = BY_NICHE, _niche

    def parts(self, start: Cursor | None) -> Iterator[_Part]:
        """Yield the parts from a cursor on; creators without a niche are the list's last."""
        name = None
        if start is not None:
            is_none, name, _ = start[0]
            name = None if is_none else name
            if not self.view.niche or name in self.view.niche:
                yield self._within(name, start)
            if name is None and not self.backwards:
                return
        yield from self._named(name)
        if not (self.backwards or self.view.niche):
            yield self._within(None)

    def _named(self, name: str | None) -> Iterator[_Part]:
        """Yield the niches beyond one, or all."""
        if self.view.niche:
            for other in sorted({*self.view.niche}, reverse=not self._rises):
                if name is None or (other > name if self._rises else other < name):
                    yield self._within(other)
            return
        while True:
            beyond = self._beyond(name)
            edge = self._entry(_niche, beyond, [self._order[0]])
            part = self.query.where(beyond).order_by(*self._order)
            if edge is not None:
                part = part.where(_niche < edge if self._rises else _niche > edge)
            begun = start_of([0, edge or ""], backwards=self.backwards)
            yield self._hinted(part), begun, True
            if edge is None:
                return
            yield self._within(edge)
            name = edge

    def _beyond(self, name: str | None) -> ColumnElement[bool]:
        if name is None:
            return creator.c.niche.is_not(None)
        return _niche > name if self._rises else _niche < name

    def _within(self, name: str | None, start: Cursor | None = None) -> _Part:
        here = creator.c.niche.is_(None) if name is None else _niche == name
        return self._near([int(name is None), name or ""], here, start=start)


class _States(_Walk):
    """The walk by state, up to those who wait, who are no group of the index."""

    index, group = BY_STATE, PLACE

    def parts(self, start: Cursor | None) -> Iterator[_Part]:
        """Yield the parts from a cursor on, without those in which the view has nobody."""
        at = None if start is None else start[0][0]
        for place in sorted(places_of(self.view), reverse=not self._rises):
            if at is not None and (place < at if self._rises else place > at):
                continue
            cursor = start if place == at else None
            if cursor == end_of([place], backwards=self.backwards):
                continue
            if PLACES[place] == "open":
                yield None, cursor or start_of([place], backwards=self.backwards), False
                continue
            here = literal_column(str(place)) == PLACE
            yield self._near([place], PASSED, here, start=cursor)


def _keys(view: View) -> list[Key]:
    c = creator.c
    within: list[Key] = [(SHOWN, True), (c.id, True)]
    if view.sort == "state":
        return [(PLACE, view.descending), *within]
    niche = InBytes(func.coalesce(c.niche, ""))
    return [(case((c.niche.is_(None), 1), else_=0), False), (niche, view.descending), *within]


def place_in(view: View, row: Any) -> Cursor:
    """Return the cursor of a row in a view's groups."""
    number = number_of(row)
    probability = UNSHOWN if number is None else number
    if view.sort == "state":
        shown = row.state if row.deal is None else "deal" if row.deal else "none"
        return [PLACES.index(shown), probability], row.id
    return [int(row.niche is None), row.niche or "", probability], row.id
