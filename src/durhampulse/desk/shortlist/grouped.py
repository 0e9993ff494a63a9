"""The list in groups: by niche, or by what is known and decided, the most probable first in each.

No index has this order, which would have to be rewritten at every decision. A page within a niche
is found in the index by probability near its cursor; otherwise one pass over that index keeps the
few rows that a page shows.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    false,
    func,
    or_,
    select,
    tuple_,
)

from durhampulse.desk.shortlist.order import BY, WITHOUT_NUMBER, number_of
from durhampulse.desk.shortlist.view import Cursor, View
from durhampulse.desk.store.niches import read_all_niches
from durhampulse.desk.store.tables import (
    HAS_NO_NUMBER,
    HAS_NUMBER,
    HAS_PRECEDENT,
    WAITS,
    creator,
    outcome_is,
)

__all__ = ["in_order", "near", "place_in"]

_SHOWN = ("deal", "none", "approved", "tentative", "declined", "open")
"""What the list's last column shows, in its order: a known outcome, or else the state."""
_UNSCORED = -1.0
_NEAR, _NEAR_EACH, _MOST_NEAR = 20_000, 20, 2_000
"""How many entries of the index are near a cursor, at least and for each row that is wanted, and
beyond how many rows a pass over all is as fast."""

Key = tuple[ColumnElement[Any], bool]
"""What is sorted by, and whether the largest comes first."""


def in_order(
    db: Connection, query: Select[int], view: View, start: Cursor | None, *, backwards: bool
) -> list[tuple[str, Select[int]]]:
    """Return queries of creators' numbers in a view's groups, to be gone through one by one.

    Each comes with the index that it goes through.

    Parameters
    ----------
    db, query, view
        The store, the numbers in any order, and how they are sorted.
    start, backwards
        The cursor after which they begin, and whether those before it are wanted, the nearest
        first.
    """
    keys = _keys(db, view)
    if start is not None:
        beyond: ColumnElement[bool] = false()
        for (key, down), value in reversed([*zip(keys, [*start[0], start[1]], strict=True)]):
            here = key < value if down != backwards else key > value
            beyond = or_(here, and_(key == value, beyond))
        query = query.where(beyond)
    if view.sort == "niche":
        return [(BY["probability"], query.order_by(*_sorted(keys, backwards=backwards)))]
    decided = query.where(~WAITS).order_by(*_sorted(keys, backwards=backwards))
    # Most are open: walked as they lie in an index.
    c, waits = creator.c, query.where(WAITS)
    order = [key.asc() if backwards else key.desc() for key in (c.probability, c.id)]
    waiting = [
        (BY["probability"], waits.where(HAS_NUMBER).order_by(*order)),
        (WITHOUT_NUMBER, waits.where(HAS_NO_NUMBER).order_by(order[1])),
    ]
    first, others = [(BY["probability"], decided)], waiting[::-1] if backwards else waiting
    return [*first, *others] if view.descending == backwards else [*others, *first]


def near(
    db: Connection, query: Select[int], view: View, start: Cursor | None, size: int,
    *, backwards: bool,
) -> Select[int] | None:  # fmt: skip
    """Return the query of the next numbers of a niche that are near a place; none where none can.

    All that :func:`in_order` has come in its order, so that as many as are wanted are the right
    ones; fewer say nothing.
    """
    name = _niche_at(db, view, start)
    if name is None or size > _MOST_NEAR:
        return None
    c = creator.c
    order = [key.asc() if backwards else key.desc() for key in (c.probability, c.id)]
    walk = select(c.probability).with_hint(creator, f"INDEXED BY {BY['probability']}", "sqlite")
    if start is not None:
        place, at = tuple_(c.probability, c.id), tuple_(start[0][-1], start[1])
        beyond = place > at if backwards else place < at
        walk, query = walk.where(beyond), query.where(beyond)
    entries = max(_NEAR, _NEAR_EACH * size)
    edge = db.scalar(walk.where(HAS_NUMBER).order_by(*order).offset(entries).limit(1))
    if edge is not None:
        query = query.where(c.probability <= edge if backwards else c.probability >= edge)
    return query.where(c.niche == name, HAS_NUMBER).order_by(*order).limit(size)


def _niche_at(db: Connection, view: View, start: Cursor | None) -> str | None:
    """Return the niche in which a page begins; none outside of niches, or where that is unknown."""
    if view.sort != "niche":
        return None
    if start is not None:
        is_none, name, probability = start[0]
        return None if is_none or probability == _UNSCORED else str(name)
    names = {*read_all_niches(db)}
    names &= {*view.niche} or names
    return (max if view.descending else min)(names, default=None)


def _sorted(keys: list[Key], *, backwards: bool) -> list[ColumnElement[Any]]:
    return [key.desc() if down != backwards else key.asc() for key, down in keys]


def _keys(db: Connection, view: View) -> list[Key]:
    c = creator.c
    shown = case((HAS_PRECEDENT, func.coalesce(c.probability, _UNSCORED)), else_=_UNSCORED)
    within: list[Key] = [(shown, True), (c.id, True)]
    if view.sort == "state":
        known, states = _SHOWN[:2], _SHOWN[2:]
        places = [(outcome_is(name), at) for at, name in enumerate(known)]
        places += [(c.state == name, at) for at, name in enumerate(states, len(known))]
        return [(case(*places, else_=len(_SHOWN)), view.descending), *within]
    niche: ColumnElement[str] = func.coalesce(c.niche, "")
    if db.dialect.name == "postgresql":
        niche = niche.collate("C")
    return [(case((c.niche.is_(None), 1), else_=0), False), (niche, view.descending), *within]


def place_in(view: View, row: Any) -> Cursor:
    """Return the cursor of a row in a view's groups."""
    number = number_of(row)
    probability = _UNSCORED if number is None else number
    if view.sort == "state":
        shown = row.state if row.deal is None else "deal" if row.deal else "none"
        return [_SHOWN.index(shown), probability], row.id
    return [int(row.niche is None), row.niche or "", probability], row.id
