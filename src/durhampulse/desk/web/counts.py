"""How many creators each answer and state of the shortlist has, and how many wait for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from sqlalchemy import Connection, func, select

from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.facets import Facets, overview
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.tables import creator

__all__ = ["Counts", "counts_at_once", "counts_of", "has_few"]

_FEW = 20_000
"""Up to so many creators are counted while the page is made; for more the page asks afterwards."""


class Counts(TypedDict):
    """How many there are of each choice, who waits by answer, and all of them together.

    None where the page asks for them later.
    """

    counts: Facets | None
    todo: Mapping[str, int] | None
    everybody: int


def counts_at_once(db: Connection, view: View, rules: Rules) -> Counts:
    """Return what :func:`counts_of` does, or none where that would keep the page waiting."""
    if not has_few(db):
        return {"counts": None, "todo": None, "everybody": 0}
    return counts_of(db, view, rules)


def has_few(db: Connection) -> bool:
    """Whether the list is so short that its creators are counted while a page is made."""
    return (db.scalar(select(func.max(creator.c.id))) or 0) <= _FEW


def counts_of(db: Connection, view: View, rules: Rules) -> Counts:
    """Return the counts of each filter's choices, of those who wait, and of all states together."""
    it = overview(db, view, rules)
    return {"counts": it.counts, "todo": it.waiting, "everybody": it.everybody}
