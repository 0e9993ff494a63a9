"""Reminders of one's own: set on a creator's page, done or put off there and under Today."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Response

from durhampulse.desk.review.page import find_creator
from durhampulse.desk.review.today import LATER
from durhampulse.desk.shortlist.owners import read_day
from durhampulse.desk.shortlist.reminders import add_reminder, move_own
from durhampulse.desk.store import clock
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer
from durhampulse.desk.web.rendering import redirect
from durhampulse.exceptions import InputError

__all__ = ["of_creator", "router"]

of_creator = APIRouter(prefix="/creators", include_in_schema=False, route_class=PageRoute)
router = APIRouter(prefix="/reminders", include_in_schema=False, route_class=PageRoute)


@of_creator.post("/{number}/reminders")
def add(
    desk: DeskOf, who: Reviewer, number: Number,
    on: Annotated[str, Form()] = "", text: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Keep a reminder of this creator for whoever asks."""
    day = read_day(on, "on")
    if day is None:
        raise InputError("The reminder has no day.", "Choose one.", "on")
    with desk.store.writing() as db:
        added = add_reminder(db, number, who.id, day, text)
        row = find_creator(db, number)
    words = f"You are reminded of {row.name or row.external_id} on {clock.day_text(day)}."
    return redirect(f"/creators/{number}#owner", words, undo=f"/reminders/{added}?on=")


@router.post("/{number}")
def move(
    desk: DeskOf, who: Reviewer, number: Number,
    on: Annotated[str, Query()] = "", back: Annotated[Literal["today", ""], Query()] = "",
) -> Response:  # fmt: skip
    """Move a reminder of one's own to another day, or end it where there is none."""
    day = clock.today() + LATER if on == "later" else read_day(on, "on")
    with desk.store.writing() as db:
        before = move_own(db, number, who.id, day)
        row = find_creator(db, before.creator_id)
    what = f"comes on {clock.day_text(day)}" if day else "is done"
    undo = f"/reminders/{number}?on={before.remind_on or ''}{back and f'&back={back}'}"
    here = "/today" if back else f"/creators/{row.id}#owner"
    return redirect(here, f"Your reminder of {row.name or row.external_id} {what}.", undo=undo)
