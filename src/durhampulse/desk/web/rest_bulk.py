"""Work on all creators that match, over REST: a selection with its count, then the work on it."""

from __future__ import annotations

import secrets
import threading
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.bulk import (
    AT_ONCE,
    begin,
    find_bulk,
    next_bulk,
    run_bulk,
    stop_bulk,
)
from durhampulse.desk.review.conflicts import ConflictError
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.shortlist.selection import Selection, select_all
from durhampulse.desk.store.acts import AT_ONCE as UNDO_AT_ONCE
from durhampulse.desk.store.acts import undo_act
from durhampulse.desk.web.access import DeskOf, Number, needs_key
from durhampulse.desk.web.api import (
    Body,
    ReviewerName,
    Writer,
    named_reviewer,
    program_router,
)
from durhampulse.desk.web.bulk import order_of
from durhampulse.desk.web.filters import Filters
from durhampulse.desk.web.state import Desk
from durhampulse.exceptions import InputError

__all__ = ["router"]

router = program_router()
_Whole = Annotated[int, Field(ge=0, lt=2**63)]
_Share = Annotated[float, Field(gt=0, lt=1)]


class SelectionItem(Body):
    """All creators that matched at one moment; it is sent back as it came.

    Who is imported or decided about later is not among them.
    """

    query: str = Field(max_length=4_000, pattern=r"^[^\x00]*$")
    total: _Whole = Field(description="How many there are.")
    last_id: _Whole
    last_run: _Whole
    seen: _Whole
    version: str = Field(max_length=64, pattern=r"^[^\x00]*$")
    yes_at: _Share
    review_at: _Share


class BulkBody(Body):
    """What is to be done to a selection."""

    selection: SelectionItem
    kind: Literal["decide", "owner", "add", "remove"]
    decision: Literal["approve", "decline", "tentative"] | None = None
    reason: Literal[REASONS] | None = None  # type: ignore[valid-type]
    note: str = Field("", max_length=2_000, pattern=r"^[^\x00]*$")
    listed: Annotated[int, Field(ge=1, lt=2**31)] | None = Field(None, alias="list")
    owner: ReviewerName | None = Field(None, description="Who looks after them from now on.")
    reviewer: ReviewerName
    request: str = Field(min_length=8, max_length=80, pattern=r"^[!-~]+$",
                         description="Sent again, the work is done once.")  # fmt: skip


class BulkItem(BaseModel):
    """Work on a selection: how far it is, or what became of it."""

    id: int
    kind: str
    state: Literal["waiting", "done", "stopped"]
    by: str
    at: datetime
    total: int
    done: int
    held: int = Field(description="Left alone: before colleagues.")
    changed: int = Field(description="Left alone: decided since, or so already.")
    problem: str | None


class UndoItem(BaseModel):
    """How far an undo is: it goes on by itself until `done`."""

    total: int
    restored: int
    kept: int = Field(description="Decided since by somebody: that stays.")
    done: bool


@router.get("/selection", dependencies=[needs_key("viewer")])
def select(desk: DeskOf, filters: Annotated[Filters, Query()]) -> SelectionItem:
    """Return all creators that match now, as a selection to be sent back; nothing is changed."""
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        selection = select_all(db, filters.view(rules), rules)
    return SelectionItem(**selection.fields)


@router.post("/bulk")
def order_work(desk: DeskOf, who: Writer, body: BulkBody) -> BulkItem:
    """Decide about a selection, hand it over, or change a list by it.

    Above 10,000 that goes on in the background. It stands under the reviewer's name. Whom a
    colleague holds is left alone and counted.
    """
    selection = Selection.read(body.selection.model_dump())
    into = "" if body.listed is None else str(body.listed)
    with desk.store.reading() as db:
        owner = str(named_reviewer(db, body.owner).id) if body.owner else ""
    order = order_of(desk, body.kind, into=into, owner=owner, decision=body.decision or "",
                     reason=body.reason or "", note=body.note)  # fmt: skip
    with desk.store.reading() as db:
        reviewer = named_reviewer(db, body.reviewer)
        selection.conditions(selection.rules(db, desk.catalogue))  # raises where it is none
    order |= {"through": who.name}
    try:
        number = begin(desk.store, selection, body.kind, order, body.request, reviewer)
    except ConflictError as error:
        raise HTTPException(409, f"{error.problem} {error.way_out}") from error
    if selection.total > AT_ONCE:
        desk.worker.wake(f"bulk {number}")
    elif job := next_bulk(desk.store, f"request:{secrets.token_hex(8)}", number):
        run_bulk(desk.store, desk.catalogue, job, threading.Event())
    return _item(desk, number)


@router.get("/bulk/{number}", dependencies=[needs_key("viewer")])
def one_work(desk: DeskOf, number: Number) -> BulkItem:
    """Return how far work on a selection is, or what became of it."""
    return _item(desk, number)


@router.post("/bulk/{number}/stop")
def stop_work(desk: DeskOf, who: Writer, number: Number) -> BulkItem:
    """Stop work that this key ordered, or any with an admin's key; what is done of it stays."""
    _require_right(desk, who, number)
    with desk.store.writing() as db:
        stop_bulk(db, number, who.name)
    return _item(desk, number)


@router.post("/bulk/{number}/undo")
def undo_work(desk: DeskOf, who: Writer, number: Number) -> UndoItem:
    """Undo decisions or owners that this key ordered, or any with an admin's key, as a whole."""
    row = _require_right(desk, who, number)
    if row.act_id is None:
        raise InputError(
            "Places in a list are no decisions or owners.", "Order the contrary instead."
        )
    result = undo_act(desk.store, row.act_id, who.name, at_once=UNDO_AT_ONCE)
    if not result.done:
        desk.worker.wake(f"act {row.act_id}")
    return UndoItem(total=result.total, restored=result.restored, kept=result.kept,
                    done=result.done)  # fmt: skip


def _require_right(desk: Desk, who: Principal, number: int) -> Any:
    """Return work that a program may change."""
    row = _find(desk, number)
    if row.order.get("through") != who.name and not who.may("admin"):
        raise HTTPException(403, f"{row.by} ordered this: it takes an admin's key.")
    return row


def _find(desk: Desk, number: int) -> Any:
    with desk.store.reading() as db:
        try:
            return find_bulk(db, number)
        except InputError as error:
            raise HTTPException(404, error.problem) from error


def _item(desk: Desk, number: int) -> BulkItem:
    row = _find(desk, number)
    return BulkItem(
        id=row.id, kind=row.kind, state=row.state, by=row.by, at=row.at,
        total=row.selection["total"], done=row.done, held=row.held, changed=row.changed,
        problem=row.problem,
    )  # fmt: skip
