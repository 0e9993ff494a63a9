"""The list in groups: by niche, or by what is known and decided, the most probable first in each.

A page is found in an index near its cursor: by niche, or by state among those who do not wait.
Those who do lie in the index by probability as they are listed. Where few creators match, one pass
over that keeps the few rows that a page shows.
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
from durhampulse.desk.shortlist.order import (
    BY,
    BY_NICHE,
    BY_STATE,
    WITHOUT_NUMBER,
    number_of,
    places_of,
)
from durhampulse.desk.shortlist.view import UNLIKE, Cursor, View
from durhampulse.desk.store.tables import (
    HAS_NO_NUMBER,
    HAS_NUMBER,
    OUTCOME_STATES,
    PASSED,
    PLACE,
    PLACES,
    SHOWN,
    UNSHOWN,
    WAITS,
    InBytes,
    creator,
    outcome_is,
)

__all__ = ["in_order", "nearest", "place_in"]

_NEAR, _MOST_NEAR, _MOST_PARTS = 4_000, 2_000, 20
"""How many entries of an index are near a place, and beyond how many rows, or parts of a list, a
pass over all is as fast."""
_niche = InBytes(creator.c.niche)
_LAST = 2**62  # above all numbers

Key = tuple[ColumnElement[Any], bool]
"""What is sorted by, and whether the largest comes first."""


def in_order(
    query: Select[int], view: View, start: Cursor | None, *, backwards: bool
) -> list[tuple[str, Select[int]]]:
    """Return queries of creators' numbers in a view's groups, to be gone through one by one.

    Each comes with the index that it goes through.

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
    if view.sort == "niche":
        return [(BY["probability"], query.order_by(*_sorted(keys, backwards=backwards)))]
    decided = query.where(PASSED).order_by(*_sorted(keys, backwards=backwards))
    first, others = [(BY["probability"], decided)], _waiting(query, backwards=backwards)
    return [*first, *others] if view.descending == backwards else [*others, *first]


def _waiting(query: Select[int], *, backwards: bool) -> list[tuple[str, Select[int]]]:
    """Return the queries of those who wait, as they lie in an index: most of a list."""
    return _listed(query.where(WAITS), None, backwards=backwards)


def _listed(
    query: Select[int], start: Cursor | None, *, backwards: bool
) -> list[tuple[str, Select[int]]]:
    """Return the queries of a group's creators from a cursor on, as they lie by probability."""
    c = creator.c
    numbered, others = query.where(HAS_NUMBER), query.where(HAS_NO_NUMBER)
    order = [key.asc() if backwards else key.desc() for key in (c.probability, c.id)]
    is_past = False
    if start is not None:
        (*_, shown), at = start
        place, here = tuple_(c.probability, c.id), tuple_(shown, at)
        numbered = numbered.where(place > here if backwards else place < here)
        is_past = backwards and shown != UNSHOWN
        if shown == UNSHOWN:
            others = others.where(c.id > at if backwards else c.id < at)
    parts = [(BY["probability"], numbered.order_by(*order))]
    if not is_past:
        parts.append((WITHOUT_NUMBER, others.order_by(order[1])))
    return parts[::-1] if backwards else parts


def nearest(
    db: Connection, query: Select[int], view: View, start: Cursor | None, size: int,
    *, backwards: bool, bounds: Range,
) -> list[int] | None:  # fmt: skip
    """Return the next numbers of a list, as :func:`in_order` has them.

    None where they are not found in a few thousand entries of the index by niche.

    Parameters
    ----------
    db, query, view, start, size, backwards
        As of :func:`in_order`, and how many numbers are wanted.
    bounds
        From where to below where what is shown of creators may lie.
    """
    if size > _MOST_NEAR:
        return None
    way = _Niches if view.sort == "niche" else _States
    walk = way(db=db, query=query, view=view, backwards=backwards, bounds=bounds)
    numbers: list[int] = []
    for n, (part, is_all) in enumerate(walk.parts(start)):
        numbers += db.scalars(part.limit(size - len(numbers)))
        if len(numbers) == size:
            break
        if not is_all or n == _MOST_PARTS:
            return None
    return numbers


_Part = tuple[Select[int], bool]
"""Numbers in order, and whether they are all up to the next part."""
_Near = tuple[Select[int], Any]
"""Numbers in order, and the probability that is shown at their end; none where they are all."""


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

    def _near(self, *here: ColumnElement[bool], start: Cursor | None = None) -> _Near:
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
        part = self.query.where(*here, *self._between(shown, edge))
        return self._hinted(part.order_by(*order)), edge

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
        """The view without what the index tells: sets are marked by creators' numbers."""
        rest = replace(self.view, listed="", owner="")
        rest = replace(rest, niche=()) if rest.sort == "niche" else replace(rest, state=())
        is_range = len(rest.band) == 1 and UNLIKE not in rest.band
        return replace(rest, band=()) if is_range else rest

    def _entry(
        self, key: ColumnElement[Any], here: ColumnElement[bool], order: list[ColumnElement[Any]]
    ) -> Any:
        """Return the key of the index's entry at which a part ends; none where it has no more."""
        entries = select(key).where(here).order_by(*order).offset(_NEAR).limit(1)
        return self.db.scalar(self._hinted(entries))

    def _hinted(self, query: Select[Any], index: str = "") -> Select[Any]:
        return query.with_hint(creator, f"INDEXED BY {index or self.index}", "sqlite")


class _Niches(_Walk):
    """The walk by niche: one niche, several small ones at once, the next one."""

    index, group = BY_NICHE, _niche

    def parts(self, start: Cursor | None) -> Iterator[_Part]:
        """Yield the parts from a cursor on; creators without a niche are the list's last."""
        name = None
        if start is not None:
            is_none, name, _ = start[0]
            name = None if is_none else name
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
            yield self._hinted(part), True
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
        part, edge = self._near(here, start=start)
        return part, edge is None


class _States(_Walk):
    """The walk by state: one group after the other, and those who wait as they lie."""

    index, group = BY_STATE, PLACE

    def parts(self, start: Cursor | None) -> Iterator[_Part]:
        """Yield the parts from a cursor on, without those in which the view has nobody."""
        at = None if start is None else start[0][0]
        for place in sorted(places_of(self.view), reverse=not self._rises):
            if at is not None and (place < at if self._rises else place > at):
                continue
            cursor = start if place == at else None
            if PLACES[place] == "open":
                yield from self._listed(cursor, WAITS)
                continue
            here = literal_column(str(place)) == PLACE
            part, edge = self._near(PASSED, here, start=cursor)
            yield part, True
            if edge is not None:
                beyond = [edge], _LAST if self.backwards else 0
                yield from self._listed(beyond, _is_shown(PLACES[place]))

    def _listed(self, start: Cursor | None, *here: ColumnElement[bool]) -> Iterator[_Part]:
        """Yield the creators of a group from a cursor on, however far they are."""
        for index, part in _listed(self.query.where(*here), start, backwards=self.backwards):
            yield self._hinted(part, index), True


def _is_shown(known: str) -> ColumnElement[bool]:
    """Return the condition of one of `PLACES` by columns, of which PostgreSQL knows how many."""
    if known in OUTCOME_STATES:
        return outcome_is(known)
    return and_(creator.c.state == known, outcome_is("open"))


def _sorted(keys: list[Key], *, backwards: bool) -> list[ColumnElement[Any]]:
    return [key.desc() if down != backwards else key.asc() for key, down in keys]


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
