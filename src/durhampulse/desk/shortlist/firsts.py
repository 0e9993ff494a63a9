"""Where the first creator of a list stands in an order, kept while the list and the order do.

Whoever walks to the first passes all others who stand before: with half a million of them .1 to
.2 seconds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from durhampulse.desk.shortlist.members import edition_of
from durhampulse.desk.shortlist.view import GROUPED, Cursor, View
from durhampulse.desk.store.ordering import order_edition

__all__ = ["before_first", "keep_first"]

_MOST_KEPT = 200


def before_first(db: Connection, view: View) -> Cursor | None:
    """Return the cursor that nobody of a view's lists stands before; None where none is kept."""
    editions = _editions(db, view)
    stood, cursor = _kept(db).get(_name(view), (None, None))
    return cursor if editions is not None and stood == editions else None


def keep_first(db: Connection, view: View, first: Cursor) -> None:
    """Keep where the first creator of a view stands, if its lists are all it is filtered by."""
    plain = View(sort=view.sort, descending=view.descending, listed=view.listed, owner=view.owner)
    editions = _editions(db, view)
    if editions is None or replace(view, column=()) != plain:
        return
    kept, (value, number) = _kept(db), first
    kept[_name(view)] = editions, (value, number + 1 if view.descending else number - 1)
    while len(kept) > _MOST_KEPT:
        kept.pop(next(iter([*kept]), ()), None)


def _name(view: View) -> tuple[Any, ...]:
    return view.sort, view.descending, *view.sets.values()


def _editions(db: Connection, view: View) -> list[Any] | None:
    """Return what changes with a view's lists and its order; None where that is not known."""
    if view.sort in GROUPED or not view.sets:
        return None
    editions = [edition_of(db, name) for name in view.sets.values()]
    return None if None in editions else [order_edition(db), *editions]


def _kept(db: Connection) -> dict[tuple[Any, ...], tuple[Any, Cursor]]:
    kept: dict[tuple[Any, ...], tuple[Any, Cursor]] = db.get_execution_options().get("firsts", {})
    return kept
