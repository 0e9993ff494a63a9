"""Owners and reminders over REST, for programs with a key: read, set and cleared of one creator."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field
from sqlalchemy import Connection, select
from starlette.exceptions import HTTPException

from durhampulse.desk.shortlist.owners import (
    LONGEST_REMINDER,
    Care,
    ChangedError,
    care_of,
    change_care,
)
from durhampulse.desk.store.tables import creator
from durhampulse.desk.web.access import DeskOf, needs_key
from durhampulse.desk.web.api import (
    Body,
    Day,
    Name,
    ReviewerName,
    Writer,
    find_creator_number,
    named_reviewer,
    program_router,
)

__all__ = ["router"]

router = program_router("/v1/creators")
_CHANGE = "Number of the change that made it so; 0 where there never was an owner."


class CareItem(BaseModel):
    """Who looks after a creator, and when to look again."""

    change: int = Field(description=_CHANGE)
    owner: str | None
    may_review: bool = Field(description="Whether the owner still may.")
    remind_on: date | None
    reminder: str
    by: str | None
    at: datetime | None


class CareBody(Body):
    """Owner and reminder as they are to be, in place of what stands; sent again, they stay."""

    owner: Name | None = Field(description="Name of a person who may review; null for nobody.")
    remind_on: Day | None = None
    reminder: str = Field("", max_length=LONGEST_REMINDER, pattern=r"^[^\x00]*$")
    reviewer: ReviewerName
    change: Annotated[int, Field(ge=0, lt=2**63)] | None = Field(
        None, description="As it was read: where somebody has changed it since, the answer is 409."
    )


@router.get("/{name:path}/owner", dependencies=[needs_key("viewer")])
def one_owner(desk: DeskOf, name: Name) -> CareItem:
    """Return who looks after a creator, and when to look again."""
    with desk.store.reading() as db:
        return _item(db, find_creator_number(db, name))


@router.put("/{name:path}/owner")
def change_owner(desk: DeskOf, who: Writer, name: Name, body: CareBody) -> CareItem:
    """Change who looks after a creator and when to look again, under a person's name."""
    with desk.store.writing() as db:
        reviewer, number = named_reviewer(db, body.reviewer), find_creator_number(db, name)
        # Row lock: nobody changes it between the read that follows and the change.
        db.execute(select(creator.c.id).where(creator.c.id == number).with_for_update())
        before = care_of(db, [number]).get(number, Care())
        wanted = Care(
            number=before.number if body.change is None else body.change,
            owner_id=_owner(db, body.owner, before),
            remind_on=body.remind_on,
            text=body.reminder,
        )
        try:
            change_care(db, number, wanted, reviewer.name, through=who.name)
        except ChangedError as error:
            raise HTTPException(409, f"{error.problem} {error.way_out}") from error
        return _item(db, number)


def _owner(db: Connection, name: str | None, before: Care) -> int | None:
    """Return the number of the owner-to-be; one who stands need not be able to review any more."""
    if name is None or name == before.owner:
        return None if name is None else before.owner_id
    return named_reviewer(db, name).id


def _item(db: Connection, number: int) -> CareItem:
    care = care_of(db, [number]).get(number, Care())
    return CareItem(
        change=care.number, owner=care.owner or None, may_review=care.may_own,
        remind_on=care.remind_on, reminder=care.text, by=care.by or None, at=care.at,
    )  # fmt: skip
