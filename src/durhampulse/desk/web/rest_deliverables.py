"""What creators of a campaign are to deliver, over REST, for programs with a key."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from fastapi import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection, Row, select

from durhampulse.desk.campaigns.campaigns import find
from durhampulse.desk.campaigns.deliverables import (
    LONGEST_DELIVERABLE,
    add_deliverable,
    change_deliverable,
    deliverables,
    find_deliverable,
    move_deliverable,
)
from durhampulse.desk.store.tables import creator
from durhampulse.desk.web.access import DeskOf, Number, needs_key
from durhampulse.desk.web.api import (
    KEPT_BEFORE,
    Body,
    Day,
    Kept,
    Name,
    Writer,
    find_creator_number,
    program_router,
)

__all__ = ["router"]

router = program_router()


class DeliverableItem(BaseModel):
    """Something that a creator of a campaign is to deliver."""

    id: int
    campaign: int
    creator: str
    text: str
    due: date | None
    done_at: datetime | None
    removed: bool


class DeliverableBody(Body):
    """Something as it is to be kept; sent again, it is kept once."""

    creator: Name
    text: str = Field(min_length=1, max_length=LONGEST_DELIVERABLE, pattern=r"^[^\x00]*$")
    due: Day | None = None


class DeliverableStateBody(Body):
    """Day and state as they are to be, in place of what stands; sent again, they stay."""

    due: Day | None = Field(description="Null for no day.")
    done: bool
    removed: bool = False


@router.get("/campaigns/{number}/deliverables", dependencies=[needs_key("viewer")])
def all_deliverables(desk: DeskOf, number: Number) -> list[DeliverableItem]:
    """Return what is to be delivered: what is open first, the earliest before."""
    with desk.store.reading() as db:
        find(db, number)
        return [_item(db, row) for row in deliverables(db, number)]


@router.post("/campaigns/{number}/deliverables", status_code=201, responses=KEPT_BEFORE)
def add(
    desk: DeskOf, who: Writer, number: Number, body: DeliverableBody, response: Response
) -> Kept:  # fmt: skip
    """Add something that a creator of an agreed campaign is to deliver."""
    with desk.store.writing() as db:
        find(db, number, lock=True)  # so that the same sent twice at a time is kept once
        creator_id = find_creator_number(db, body.creator)
        alike = (creator_id, " ".join(body.text.split()), body.due)
        for row in deliverables(db, number):
            if (row.creator_id, row.text, row.due) == alike:
                response.status_code = 200
                return Kept(id=row.id, new=False)
        return Kept(id=add_deliverable(db, number, *alike, who.name), new=True)


@router.put("/deliverables/{number}")
def change(
    desk: DeskOf, who: Writer, number: Number, body: DeliverableStateBody
) -> DeliverableItem:  # fmt: skip
    """Move something to another day, tick it off, take it away, or undo any of these."""
    with desk.store.writing() as db:
        move_deliverable(db, number, body.due, who.name)
        change_deliverable(db, number, "done" if body.done else "open", who.name)
        change_deliverable(db, number, "remove" if body.removed else "restore", who.name)
        return _item(db, find_deliverable(db, number))


def _item(db: Connection, row: Row[Any]) -> DeliverableItem:
    name = db.scalar(select(creator.c.external_id).where(creator.c.id == row.creator_id))
    return DeliverableItem(
        id=row.id, campaign=row.campaign_id, creator=name or "", text=row.text, due=row.due,
        done_at=row.done_at, removed=row.removed_at is not None,
    )  # fmt: skip
