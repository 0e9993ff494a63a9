"""Reminders of one's own over REST, for programs with a key, under the name of whose they are."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Row, select

from durhampulse.desk.shortlist.owners import LONGEST_REMINDER
from durhampulse.desk.shortlist.reminders import add_reminder, move_own, reminders_of
from durhampulse.desk.store.tables import creator
from durhampulse.desk.web.access import DeskOf, Number
from durhampulse.desk.web.api import (
    KEPT_BEFORE,
    Body,
    Day,
    Kept,
    Name,
    ReviewerName,
    Writer,
    find_creator_number,
    named_reviewer,
    program_router,
)

__all__ = ["router"]

router = program_router()


class ReminderItem(BaseModel):
    """A day on which somebody looks at a creator again, for themselves."""

    id: int
    remind_on: date | None = Field(description="Null once it is done.")
    reminder: str


class ReminderBody(Body):
    """A reminder as it is to be kept; sent again, it is kept once."""

    remind_on: Day
    reminder: str = Field("", max_length=LONGEST_REMINDER, pattern=r"^[^\x00]*$")
    reviewer: ReviewerName


class ReminderDayBody(Body):
    """The day as it is to be; sent again, it stays."""

    remind_on: Day | None = Field(description="Null where it is done; a day brings it back.")
    reviewer: ReviewerName


@router.get("/creators/{name:path}/reminders")
def own_reminders(
    desk: DeskOf, who: Writer, name: Name, reviewer: Annotated[ReviewerName, Query()]  # noqa: ARG001
) -> list[ReminderItem]:  # fmt: skip
    """Return somebody's own reminders of a creator that wait, the earliest first."""
    with desk.store.reading() as db:
        person = named_reviewer(db, reviewer)
        return [_item(row) for row in reminders_of(db, find_creator_number(db, name), person.id)]


@router.post("/creators/{name:path}/reminders", status_code=201, responses=KEPT_BEFORE)
def remind(
    desk: DeskOf, who: Writer, name: Name, body: ReminderBody, response: Response
) -> Kept:  # fmt: skip
    """Keep a reminder for a person; nobody else is told."""
    with desk.store.writing() as db:
        person, number = named_reviewer(db, body.reviewer), find_creator_number(db, name)
        # Row lock: the same reminder sent twice at a time is kept once.
        db.execute(select(creator.c.id).where(creator.c.id == number).with_for_update())
        alike = (body.remind_on, " ".join(body.reminder.split()))
        for row in reminders_of(db, number, person.id):
            if (row.remind_on, row.text) == alike:
                response.status_code = 200
                return Kept(id=row.id, new=False)
        kept = add_reminder(db, number, person.id, *alike, through=who.name)
    return Kept(id=kept, new=True)


@router.put("/reminders/{number}")
def move_reminder(
    desk: DeskOf, who: Writer, number: Number, body: ReminderDayBody
) -> ReminderItem:  # fmt: skip
    """Move a person's own reminder to another day, be done with it, or bring it back."""
    with desk.store.writing() as db:
        person = named_reviewer(db, body.reviewer)
        row = move_own(db, number, person.id, body.remind_on, through=who.name)
    return ReminderItem(id=row.id, remind_on=body.remind_on, reminder=row.text)


def _item(row: Row[Any]) -> ReminderItem:
    return ReminderItem(id=row.id, remind_on=row.remind_on, reminder=row.text)
