"""How many creators each answer and state of the shortlist has, and how many wait for a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict

from sqlalchemy import Connection

from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.facets import Facets, overview, overview_of, waiting_of
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.counting import has_few
from durhampulse.desk.web.state import Desk

__all__ = ["Counts", "counts_of"]


class Counts(TypedDict):
    """How many there are of each choice and tab, who waits by answer, and all of them together.

    None where a long list has not been counted yet; else when it was, if not just now.
    """

    counts: Facets | None
    tabs: Facets | None
    todo: Mapping[str, int] | None
    everybody: int
    counted_at: datetime | None


def counts_of(desk: Desk, db: Connection, view: View, rules: Rules) -> Counts:
    """Return the counts of a view."""
    if has_few(db):
        facts, at = overview(db, view, rules), None
    else:
        cells = desk.cells(db, view, rules)
        whole = desk.cells(db, View(without=view.without), rules)
        if cells is None or whole is None:
            return {
                "counts": None, "tabs": None, "todo": None, "everybody": 0, "counted_at": None,
            }  # fmt: skip
        facts, at = overview_of(cells.value, view, rules, waiting_of(whole.value)), cells.at
    return {
        "counts": facts.counts, "tabs": facts.tabs, "todo": facts.waiting,
        "everybody": facts.everybody, "counted_at": at,
    }  # fmt: skip
