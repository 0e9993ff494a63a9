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
from durhampulse.desk.shortlist.order import BY, BY_NICHE, BY_STATE, WITHOUT_NUMBER, number_of
from durhampulse.desk.shortlist.view import Cursor, View
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
)

__all__ = ["in_order", "nearest", "place_in"]

_NEAR, _MOST_NEAR, _MOST_PARTS = 4_000, 2_000, 20
"""How many entries of an index are near a place, and beyond how many rows, or parts of a list, a
pass over all is as fast."""
_niche = InBytes(creator.c.niche)

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
    c, waits = creator.c, query.where(WAITS)
    order = [key.asc() if backwards else key.desc() for key in (c.probability, c.id)]
    waiting = [
        (BY["probability"], waits.where(HAS_NUMBER).order_by(*order)),
        (WITHOUT_NUMBER, waits.where(HAS_NO_NUMBER).order_by(order[1])),
    ]
    return waiting[::-1] if backwards else waiting


def nearest(
    db: Connection, query: Select[int], view: View, start: Cursor | None, size: int,
    *, backwards: bool, bounds: Range | None = None,
) -> list[int] | None:  # fmt: skip
    """Return the next numbers of a list, as :func:`in_order` has them.

    None where they are not found in a few thousand entries of the index by niche, or by state.

    Parameters
    ----------
    db, query, view, start, size, backwards
        As of :func:`in_order`, and how many numbers are wanted.
    bounds
        From where to below where the probabilities of the view's only answer lie.
    """
    if size > _MOST_NEAR:
        return None
    way = _Niches if view.sort == "niche" else _States
    walk = way(db=db, query=query, view=view, backwards=backwards, bounds=bounds)
    if walk.rest.is_filtered:  # whoever matches that may be far within them
        walk = replace(walk, bounds=None)
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


@dataclass(frozen=True, kw_only=True)
class _Walk:
    """A walk through an index whose first column is the group."""

    db: Connection
    query: Select[int]
    view: View
    backwards: bool
    bounds: Range | None

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

    def _near(self, *here: ColumnElement[bool], start: Cursor | None = None) -> _Part:
        """Return the creators of a group near a cursor, or near its beginning.

        All of them where the index alone tells who matches.
        """
        order = self._order[1:]
        if self.bounds is not None:
            low, high = self.bounds
            here = (*here, low <= SHOWN, high > SHOWN)
        if start is not None:
            place, at = tuple_(SHOWN, creator.c.id), tuple_(start[0][-1], start[1])
            here = (*here, place > at if self.backwards else place < at)
        edge = None
        if self.rest.is_filtered:
            edge = self._entry(SHOWN, and_(*here), order)
        if edge is not None:
            here = (*here, edge >= SHOWN if self.backwards else edge <= SHOWN)
        return self._hinted(self.query.where(*here).order_by(*order)), edge is None

    @property
    def rest(self) -> View:
        """The view without what the index tells: sets are marked by creators' numbers."""
        rest = replace(self.view, listed="", owner="")
        rest = replace(rest, niche=()) if rest.sort == "niche" else replace(rest, state=())
        return replace(rest, band=()) if self.bounds else rest

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
        return self._near(here, start=start)


class _States(_Walk):
    """The walk by state: one group after the other, and those who wait as they lie."""

    index, group = BY_STATE, PLACE

    def parts(self, start: Cursor | None) -> Iterator[_Part]:
        """Yield the parts from a cursor on, without those in which the view has nobody."""
        places = range(len(PLACES)) if self._rises else range(len(PLACES) - 1, -1, -1)
        for place in places:
            at = None if start is None else start[0][0]
            if at is not None and (place < at if self._rises else place > at):
                continue
            cursor = start if place == at else None
            if not self._may_hold(PLACES[place]):
                continue
            if PLACES[place] != "open":
                yield self._near(PASSED, literal_column(str(place)) == PLACE, start=cursor)
                continue
            for index, part in _waiting(self._from(cursor), backwards=self.backwards):
                yield self._hinted(part, index), True

    def _from(self, start: Cursor | None) -> Select[int]:
        if start is None:
            return self.query
        place, at = tuple_(SHOWN, creator.c.id), tuple_(start[0][-1], start[1])
        return self.query.where(place > at if self.backwards else place < at)

    def _may_hold(self, shown: str) -> bool:
        """Whether the view's own choices leave anybody of whom this is shown."""
        states, outcomes = self.view.state, self.view.outcome
        if shown in OUTCOME_STATES and shown != "open":
            return not outcomes or shown in outcomes
        return (not states or shown in states) and (not outcomes or "open" in outcomes)


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
