"""The desk over REST, for programs with a key: creators, scores, reviews, outcomes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import Connection, select
from starlette.exceptions import HTTPException

from durhampulse.creators.carried import CarriedKind
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.outcomes.recording import record
from durhampulse.desk.people.erasure import everything_about
from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.decisions import (
    REASONS,
    ConflictError,
    ReviewDecision,
    decide,
    reviews_of,
)
from durhampulse.desk.review.remarks import LONGEST_REMARK, add_remark, remarks_of
from durhampulse.desk.shortlist import pages as shortlist
from durhampulse.desk.shortlist.owners import Care, care_of
from durhampulse.desk.shortlist.view import read_cursor, write_cursor
from durhampulse.desk.store.identifiers import find_number
from durhampulse.desk.store.tables import LONGEST_ID, creator, person
from durhampulse.desk.web.access import DeskOf, needs_key
from durhampulse.desk.web.filters import ListQuery
from durhampulse.exceptions import InputError
from durhampulse.service.gates import ProgramRoute
from durhampulse.service.schemas import BEARER, ErrorAnswer

__all__ = [
    "ERRORS", "KEPT_BEFORE", "Body", "Day", "Kept", "Name", "ReviewerName", "Writer",
    "find_creator_number", "named_reviewer", "program_router", "router",
]  # fmt: skip

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": meaning}
    for status, meaning in {
        400: "The body is not JSON.", 401: "No key, or one that is not known.",
        403: "The key may not do this.", 404: "There is none of that name or number.",
        409: "Somebody else is at it.", 422: "The request is not of the documented form.",
        503: "The store does not answer right now.",
    }.items()
}  # fmt: skip


def program_router(prefix: str = "/v1") -> APIRouter:
    """Return the router of addresses for programs, whose documentation names the key they need."""
    return APIRouter(
        prefix=prefix, responses=ERRORS, tags=["desk"], route_class=ProgramRoute,
        dependencies=[Depends(BEARER)],  # each route's own dependency checks it
    )  # fmt: skip


router = program_router()
Writer = Annotated[Principal, needs_key("reviewer")]


def _read_day(value: object) -> date:
    day = date.fromisoformat(str(value))
    if day.isoformat() != value:  # 20260531 is a day as well, but not of the documented form
        raise ValueError("Write the day as 2026-05-31.")
    return day


Day = Annotated[date, BeforeValidator(_read_day)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_ID, pattern=r"^[^\x00-\x1f\x7f]+$")]
ReviewerName = Annotated[Name, Field(description="Name of a person of the desk who may review.")]


class CarriedItem(BaseModel):
    """What a list says of a creator beside the figures, such as name, link or e-mail."""

    kind: CarriedKind
    header: str
    text: str


class OwnerItem(BaseModel):
    """Who looks after a creator, and when to look again."""

    id: int = Field(description="As in the filter `owner`.")
    name: str
    remind_on: date | None
    reminder: str


class CreatorItem(BaseModel):
    """A creator of the list."""

    id: int
    creator: str
    name: str | None
    carried: list[CarriedItem]
    probability: float | None
    interval: tuple[float, float] | None
    recommendation: str
    edge: bool
    followers: float | None
    engagement_rate: float | None
    niche: str | None
    tier: str
    flags: list[str]
    state: str
    outcome: Literal["deal", "none"] | None
    owner: OwnerItem | None


class CreatorPage(BaseModel):
    """Some creators in their order; `next` asks for those after them."""

    creators: list[CreatorItem]
    next: str | None


class Body(BaseModel):
    """What is sent: taken as documented or not at all, so that `false` is no budget of 0."""

    model_config = ConfigDict(strict=True, extra="forbid")


class ReviewBody(Body):
    """What a person has decided elsewhere."""

    creator: Name
    decision: Literal["approve", "decline", "tentative"]
    reason: Literal[REASONS]  # type: ignore[valid-type]
    note: str = Field("", max_length=2_000, pattern=r"^[^\x00]*$")
    reviewer: ReviewerName
    request: str = Field(min_length=8, max_length=100, pattern=r"^[!-~]+$",
                         description="Sent again, it decides once.")  # fmt: skip


class Kept(BaseModel):
    """What was written down."""

    id: int
    new: bool


KEPT_BEFORE: dict[int | str, dict[str, Any]] = {
    200: {"model": Kept, "description": "It was kept before."}
}


class NoteItem(BaseModel):
    """A note on a creator."""

    id: int
    text: str
    by: str
    at: datetime
    names: list[str] = Field(description="Who of the desk finds it under Today.")


class NoteBody(Body):
    """What a person has noted elsewhere about a creator, without deciding."""

    creator: Name
    text: str = Field(
        min_length=1, max_length=LONGEST_REMARK, pattern=r"^[^\x00]*$",
        description="A name of the desk after an @ brings it before them.",
    )  # fmt: skip
    reviewer: ReviewerName


class OutcomeBody(Body):
    """What happened with a creator."""

    creator: Name
    deal: bool
    on: Day


@router.get("/creators", dependencies=[needs_key("viewer")])
def creators(desk: DeskOf, query: Annotated[ListQuery, Query()]) -> CreatorPage:
    """Return a page of the list."""
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        view = query.view(rules, sort=query.sort, order=query.order or "")
        after = read_cursor(query.after, view.sort)
        page = shortlist.page(db, view, rules, after=after, size=query.limit)
        cares = care_of(db, [row.id for row in page.rows])
    return CreatorPage(
        creators=[_item(row, rules, cares.get(row.id)) for row in page.rows],
        next=write_cursor(page.after) if page.after else None,
    )


def _item(row: Any, rules: Rules, care: Care | None) -> CreatorItem:
    return CreatorItem(
        id=row.id,
        creator=row.external_id,
        name=row.name,
        carried=[
            CarriedItem(kind=kind, header=header, text=text)
            for kind, header, text in row.carried or ()
        ],
        probability=row.probability,
        interval=None if row.low is None else (row.low, row.high),
        recommendation=rules.band(row.probability, row.flags),
        edge=rules.on_edge(row.probability, row.flags),
        followers=row.followers,
        engagement_rate=row.engagement_rate,
        niche=row.niche,
        tier=rules.tier(row.followers),
        flags=rules.flags(row.flags),
        state=row.state,
        outcome=None if row.deal is None else "deal" if row.deal else "none",
        owner=_owner(care),
    )


def _owner(care: Care | None) -> OwnerItem | None:
    if care is None or care.owner_id is None:
        return None
    return OwnerItem(
        id=care.owner_id, name=care.owner, remind_on=care.remind_on, reminder=care.text
    )  # fmt: skip


def _find(desk: DeskOf, name: str) -> tuple[Any, Rules]:
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        number = find_creator_number(db, name)
        row = db.execute(select(creator).where(creator.c.id == number)).one()
    return row, rules


@router.get("/creators/{name:path}/scores", dependencies=[needs_key("viewer")])
def scores(desk: DeskOf, name: Name) -> list[dict[str, Any]]:
    """Return a creator's scores, past and present."""
    row, _ = _find(desk, name)
    with desk.store.reading() as db:
        rows: list[dict[str, Any]] = everything_about(db, row.external_id)["score"]
    return rows


@router.get("/creators/{name:path}/reviews", dependencies=[needs_key("viewer")])
def reviews(desk: DeskOf, name: Name) -> list[dict[str, Any]]:
    """Return a creator's reviews, the latest first."""
    row, _ = _find(desk, name)
    with desk.store.reading() as db:
        rows = reviews_of(db, row.id)
    return [
        {"id": r.id, "decision": r.decision, "reason": r.reason, "note": r.note, "by": r.who,
         "at": r.at.isoformat(), "undone": r.undone_at is not None}
        for r in rows
    ]  # fmt: skip


@router.get("/creators/{name:path}/notes", dependencies=[needs_key("viewer")])
def notes(desk: DeskOf, name: Name) -> list[NoteItem]:
    """Return what people noted about a creator without deciding, the latest first."""
    row, _ = _find(desk, name)
    with desk.store.reading() as db:
        rows = remarks_of(db, row.id)
    return [NoteItem(id=r.id, text=r.text, by=r.by, at=r.at, names=[*r.names]) for r in rows]


@router.get("/creators/{name:path}", dependencies=[needs_key("viewer")])
def one_creator(desk: DeskOf, name: Name) -> CreatorItem:
    """Return one creator of the list."""
    row, rules = _find(desk, name)
    with desk.store.reading() as db:
        care = care_of(db, [row.id]).get(row.id)
    return _item(row, rules, care)


def find_creator_number(db: Connection, name: str) -> int:
    """Return the number of the creator that an address names.

    Raises
    ------
    HTTPException
        If there is none.
    """
    number = find_number(db, name)
    if number is None:
        raise HTTPException(404, "There is no such creator.")
    return number


def named_reviewer(db: Connection, name: str) -> Principal:
    """Return the person under whose name a program writes.

    Raises
    ------
    InputError
        If nobody of that name may review.
    """
    row = db.execute(select(person).where(person.c.name == name, person.c.active.is_(True))).first()
    if row is None or row.role == "viewer":
        raise InputError(f"Nobody called '{name[:40]}' may review.", "Name a reviewer.")
    return Principal(row.id, row.name, row.role)


@router.post("/reviews", status_code=201, responses=KEPT_BEFORE)
def add_review(desk: DeskOf, who: Writer, body: ReviewBody, response: Response) -> Kept:
    """Keep a decision that a person took elsewhere; it stands under that person's name."""
    row, rules = _find(desk, body.creator)
    with desk.store.reading() as db:
        reviewer = named_reviewer(db, body.reviewer)
    made = ReviewDecision(
        choice=body.decision, reason=body.reason, note=body.note, request=body.request
    )
    try:
        number, new = decide(desk.store, row.id, reviewer.id, made, rules, through=who.name)
    except ConflictError as error:
        raise HTTPException(409, f"{error.problem} {error.way_out}") from error
    if not new:
        response.status_code = 200
    return Kept(id=number, new=new)


@router.post("/notes", status_code=201, responses=KEPT_BEFORE)
def add_note(desk: DeskOf, who: Writer, body: NoteBody, response: Response) -> Kept:
    """Keep a note under a person's name; the same text of the same person is kept once."""
    row, _ = _find(desk, body.creator)
    with desk.store.reading() as db:
        reviewer = named_reviewer(db, body.reviewer)
    kept = add_remark(desk.store, row.id, body.text, reviewer.name, through=who.name)
    if not kept.new:
        response.status_code = 200
    return Kept(id=kept.id, new=kept.new)


@router.post("/outcomes", status_code=201)
def add_outcome(desk: DeskOf, who: Writer, body: OutcomeBody) -> dict[str, str]:
    """Record what happened with a creator."""
    row, _ = _find(desk, body.creator)
    record(desk.store, row.id, deal=body.deal, on=body.on, by=who.name)
    return {"status": "kept"}
