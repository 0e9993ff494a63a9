"""Acts on many creators, and lists made for them."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, literal, select

from benchmarks.desks.lists import ROWS
from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.bulk import begin
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.shortlist.lists import make_list
from durhampulse.desk.shortlist.selection import Selection, select_all
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.acts import undo_act
from durhampulse.desk.store.tables import bulk, creator, list_creator
from durhampulse.desk.web.state import Desk

__all__ = ["act_row", "decline_all", "decline_half", "list_creators", "undo"]


def list_creators(desk: Desk, title: str, chosen: Select[tuple[int]]) -> int:
    """Return the number of a new list of the creators whose ids a query gives."""
    with desk.store.writing() as db:
        number = make_list(db, f"{title} {secrets.token_hex(4)}", "benchmark")
        rows = chosen.add_columns(literal(number))
        db.execute(list_creator.insert().from_select(["creator_id", "list_id"], rows))
    return number


def decline_all(desk: Desk, view: View, who: Principal) -> tuple[int, Selection]:
    """Register that all creators of a view are declined; return the act's number and the set."""
    with desk.store.reading() as db:
        selection = select_all(db, view, desk.catalogue.current(db))
    order = {"decision": "decline", "reason": REASONS[0], "note": ""}
    request = secrets.token_hex(8)
    return begin(desk.store, selection, "decide", order, request, who), selection


def decline_half(desk: Desk, who: Principal) -> tuple[int, Selection]:
    """Register that the smaller half of the list is declined, as `decline_all` does."""
    size: ColumnElement[float] = creator.c.followers
    sizes = select(size).where(size.is_not(None)).order_by(size)
    with desk.store.reading() as db:
        middle = db.scalar(sizes.offset(ROWS // 2).limit(1)) or 0.0
    return decline_all(desk, View(max_followers=middle), who)


def act_row(desk: Desk, number: int) -> Row[Any]:
    """Return the row of an act on many."""
    with desk.store.reading() as db:
        return db.execute(select(bulk).where(bulk.c.id == number)).one()


def undo(desk: Desk, number: int) -> None:
    """Undo an act on many."""
    undo_act(desk.store, act_row(desk, number).act_id, "Ann")
