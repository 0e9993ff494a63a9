"""Owners of creators: changed on the creator's page; what waits for somebody today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Request, Response
from sqlalchemy import Connection, Row

from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.blind import hidden_from
from durhampulse.desk.review.page import find_creator
from durhampulse.desk.review.remarks import mark_seen
from durhampulse.desk.review.today import LATER, Today, today_of
from durhampulse.desk.shortlist.owners import (
    Care,
    care_of,
    change_care,
    left_owners,
    move_reminder,
    possible_owners,
    read_day,
    read_person,
    undo_change,
)
from durhampulse.desk.store import clock
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer
from durhampulse.desk.web.kept import local_path
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.desk.web.state import Desk

__all__ = ["of_creator", "router"]

router = APIRouter(prefix="/today", include_in_schema=False, route_class=PageRoute)
of_creator = APIRouter(prefix="/creators", include_in_schema=False, route_class=PageRoute)


class TodayContext(Context, template="today.html"):
    """What waits for whoever looks."""

    today: Today
    left: Sequence[Row[Any]]
    owners: Sequence[Row[Any]]


@router.get("")
def show(
    request: Request, desk: DeskOf, who: Reviewer,
    deliverables: Annotated[Literal["mine", "all"], Query()] = "mine",
) -> Response:  # fmt: skip
    """Show what is to be looked at today."""
    with desk.store.reading() as db:
        today = today_of(db, who.id, hidden_from(db, who), everybody=deliverables == "all")
        left, owners = left_owners(db), possible_owners(db)
    return render(request, who, TodayContext(today=today, left=left, owners=owners))


@router.post("/seen")
def seen(desk: DeskOf, who: Reviewer, note: Annotated[Number, Form()]) -> Response:
    """Mark a note as seen by whom it names."""
    with desk.store.writing() as db:
        mark_seen(db, note, who.id, seen=True)
    return redirect("/today", "You have seen the note.", undo=f"/today/unseen?note={note}")


@router.post("/unseen")
def unseen(desk: DeskOf, who: Reviewer, note: Annotated[Number, Query()]) -> Response:
    """Have a note wait again."""
    with desk.store.writing() as db:
        mark_seen(db, note, who.id, seen=False)
    return redirect("/today", "The note waits for you again.")


@of_creator.post("/{number}/owner")
def change(
    desk: DeskOf, who: Reviewer, number: Number,
    seen: Annotated[int, Form(ge=0, lt=2**63)],
    owner: Annotated[str, Form()] = "", on: Annotated[str, Form()] = "",
    text: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Change who looks after this creator, and when to look again."""
    day, person = read_day(on, "on"), read_person(owner) if owner else None
    wanted = Care(number=seen, owner_id=person, remind_on=day, text=text)
    here = f"/creators/{number}"
    with desk.store.writing() as db:
        if wanted.remind_on and not owner and not care_of(db, [number]).get(number, Care()).owner:
            wanted = replace(wanted, owner_id=who.id)  # who sets the first reminder, looks again
        kept = change_care(db, number, wanted, who.name)
        words = _in_words(db, number)
    undo = f"/today/undo?change={kept}&back={here}" if kept else ""
    return redirect(here, words, undo=undo)


def _in_words(db: Connection, number: int) -> str:
    """Return what stands of a creator's owner and reminder, as the notice after a change."""
    row = find_creator(db, number)
    care, name = care_of(db, [number]).get(number, Care()), row.name or row.external_id
    if not care.owner:
        return f"Nobody looks after {name} now."
    reminded = f", and is reminded on {clock.day_text(care.remind_on)}" if care.remind_on else ""
    return f"{care.owner} looks after {name}{reminded}."


@router.post("/done")
def done(
    desk: DeskOf, who: Reviewer, change: Annotated[Number, Form()],
    back: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Take a reminder away, which was seen to."""
    return _moved(desk, who, change, None, back)


@router.post("/later")
def later(
    desk: DeskOf, who: Reviewer, change: Annotated[Number, Form()],
    back: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Put a reminder off for a week."""
    return _moved(desk, who, change, clock.today() + LATER, back)


def _moved(desk: Desk, who: Principal, change: int, on: date | None, back: str) -> Response:
    with desk.store.writing() as db:
        creator_id, kept = move_reminder(db, change, on, who.name)
        row = find_creator(db, creator_id)
    here = "/today" if back == "today" else f"/creators/{creator_id}"
    what = f"comes again on {clock.day_text(on)}" if on else "is done"
    words = f"The reminder on {row.name or row.external_id} {what}."
    return redirect(here, words, undo=f"/today/undo?change={kept}&back={here}")


@router.post("/undo")
def undo(
    desk: DeskOf, who: Reviewer, change: Annotated[Number, Query()],
    back: Annotated[str, Query()] = "",
) -> Response:  # fmt: skip
    """Undo a change of owner or reminder."""
    with desk.store.writing() as db:
        creator_id = undo_change(db, change, who.name)
        words = _in_words(db, creator_id)
    return redirect(local_path(back) or f"/creators/{creator_id}", f"Undone. {words}")
