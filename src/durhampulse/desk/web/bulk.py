"""Acts on all creators that match: a page to confirm with counts, then progress and result."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool

from durhampulse.decision.bands import NO_PRECEDENT
from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.blind import hidden_from
from durhampulse.desk.review.bulk import (
    AT_ONCE,
    begin,
    find_bulk,
    next_bulk,
    run_bulk,
    stop_bulk,
)
from durhampulse.desk.review.decisions import ReviewDecision
from durhampulse.desk.shortlist.facets import breakdown
from durhampulse.desk.shortlist.lists import find_list
from durhampulse.desk.shortlist.owners import find_owner, read_person
from durhampulse.desk.shortlist.selection import Selection, read_view, select_all
from durhampulse.desk.shortlist.view import BAND_NAMES, UNLIKE
from durhampulse.desk.store.tables import STATES
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer, Viewer
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.desk.web.state import Desk
from durhampulse.exceptions import InputError

__all__ = ["order_of", "router"]

router = APIRouter(prefix="/bulk", include_in_schema=False, route_class=PageRoute)
_TYPED_ABOVE = 1_000
_ANSWERS = {**BAND_NAMES, UNLIKE: NO_PRECEDENT, "": ""}


class ConfirmContext(Context, template="bulk-confirm.html"):
    """What is to be done to a selection; `table` counts its creators by answer and state."""

    selection: Selection
    what: str
    order: Mapping[str, Any]
    to_list: Row[Any] | None
    table: Sequence[tuple[str, Sequence[int]]]
    states: Sequence[str]
    decided: int
    request_name: str
    must_type: bool
    problem: str
    typed: str


class ProgressContext(Context, template="bulk-progress.html"):
    """How far work on many is."""

    work: Row[Any]
    share: float


class BulkContext(ProgressContext, template="bulk.html"):
    """Work on many, or what became of it; `elsewhere` are those it did not reach."""

    selection: Selection
    mine: bool
    elsewhere: int
    to_list: Row[Any] | None


@router.post("")
def ask(  # noqa: PLR0913 - one for each field of the form
    request: Request, desk: DeskOf, who: Reviewer,
    what: Annotated[str, Form()], query: Annotated[str, Form()] = "",
    decision: Annotated[str, Form()] = "", reason: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "", into: Annotated[str, Form()] = "",
    owner: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Show how many match and what is among them, to be confirmed; nothing is changed."""
    order = order_of(desk, what, decision=decision, reason=reason, note=note, into=into,
                     owner=owner)  # fmt: skip
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        view = replace(read_view(query, rules), without=tuple(hidden_from(db, who)))
        selection = select_all(db, view, rules)
    if not selection.total:
        return redirect(f"/shortlist?{selection.query}", "Nobody matches: nothing was changed.")
    return _confirmation(request, desk, who, selection, what, order)


def order_of(
    desk: Desk, what: str, *, into: str, owner: str = "", **decision: str
) -> dict[str, Any]:
    """Return what is to be done, in plain data.

    Parameters
    ----------
    desk, what
        The desk; "decide", "owner", "add" or "remove".
    into, owner
        The number of the list, or of the person, in digits.
    **decision
        Decision, reason and note.

    Raises
    ------
    InputError
        If it is no decision, or there is no such list.
    """
    if what == "decide":
        name = secrets.token_hex(12)
        made = ReviewDecision(
            choice=decision["decision"], reason=decision["reason"], note=decision["note"],
            request=name,
        )  # fmt: skip
        if made.choice == "skip":
            raise InputError("Creators are skipped one by one.", "Choose a decision.", "decision")
        return {"decision": made.choice, "reason": made.reason, "note": made.note.strip()}
    if what == "owner":
        with desk.store.reading() as db:
            row = find_owner(db, read_person(owner))
        return {"owner": row.id, "name": row.name}
    is_number = into.isascii() and into.isdecimal() and len(into) < 10  # more fit no column
    if what not in ("add", "remove") or not is_number:
        raise InputError("No list was chosen.", "Choose one, or name a new one.", "into")
    with desk.store.reading() as db:
        return {"list": find_list(db, int(into)).id}


def _confirmation(  # noqa: PLR0913 - what the page shows
    request: Request, desk: Desk, who: Principal, selection: Selection, what: str,
    order: Mapping[str, Any], *, problem: str = "", typed: str = "",
) -> Response:  # fmt: skip
    with desk.store.reading() as db:
        rules = selection.rules(db, desk.catalogue)
        view = read_view(selection.query, rules)
        cells = breakdown(db, view, rules)
        to_list = find_list(db, order["list"]) if "list" in order else None
    table = [
        (_ANSWERS[band], [cells.get((band, state), 0) for state in STATES])
        for band in _ANSWERS
        if any(cells.get((band, state)) for state in STATES)
    ]
    decided = sum(sum(row[1:]) for _, row in table)
    context = ConfirmContext(
        selection=selection, what=what, order=order, to_list=to_list, table=table, states=STATES,
        decided=decided, request_name=secrets.token_hex(12),
        must_type=selection.total > _TYPED_ABOVE, problem=problem, typed=typed,
    )  # fmt: skip
    return render(request, who, context, status=422 if problem else 200)


@router.post("/start")
async def start(request: Request, desk: DeskOf, who: Reviewer) -> Response:
    """Begin what was confirmed; up to 10,000 creators are done when the page comes."""
    fields = {name: str(value) for name, value in (await request.form()).items()}
    return await run_in_threadpool(_start, request, desk, who, fields)


def _start(request: Request, desk: Desk, who: Principal, fields: Mapping[str, str]) -> Response:
    selection, what = Selection.read(fields), fields.get("what", "")
    texts = {name: fields.get(name, "") for name in ("decision", "reason", "note", "into", "owner")}
    order = order_of(desk, what, **texts)
    typed = "".join(letter for letter in fields.get("typed", "") if letter.isalnum())
    if selection.total > _TYPED_ABOVE and typed != str(selection.total):
        problem = f"Type {selection.total} to go on: it is the number of creators."
        return _confirmation(
            request, desk, who, selection, what, order, problem=problem, typed=typed
        )
    number = begin(desk.store, selection, what, order, fields.get("request_name", ""), who)
    if selection.total > AT_ONCE:
        desk.worker.wake(f"bulk {number}")
    elif job := next_bulk(desk.store, f"request:{secrets.token_hex(8)}", number):
        run_bulk(desk.store, desk.catalogue, job, threading.Event())
    return redirect(f"/bulk/{number}")


@router.get("/{number}")
def show(request: Request, desk: DeskOf, who: Viewer, number: Number) -> Response:
    """Show how far the work is, or what became of it."""
    return render(request, who, _state(desk, who, number))


@router.get("/{number}/progress")
def progress(request: Request, desk: DeskOf, who: Viewer, number: Number) -> Response:
    """Show how far the work is; the page is loaded anew when it is done."""
    state = _state(desk, who, number)
    part = render(request, who, ProgressContext(work=state.work, share=state.share))
    if state.work.state != "waiting":
        part.headers["HX-Refresh"] = "true"
    return part


def _state(desk: Desk, who: Principal, number: int) -> BulkContext:
    with desk.store.reading() as db:
        work = find_bulk(db, number)
        to_list = find_list(db, work.order["list"]) if "list" in work.order else None
    selection = Selection.read(work.selection)
    left = selection.total - work.done - work.held - work.changed
    share = 1.0 if work.state == "done" else work.position / max(selection.last_id, 1)
    mine = who.may("reviewer") and (who.may("admin") or work.person_id == who.id)
    return BulkContext(
        work=work, selection=selection, share=share, mine=mine, elsewhere=max(left, 0),
        to_list=to_list,
    )  # fmt: skip


@router.post("/{number}/stop")
def stop(desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Stop the work; what is done of it stays."""
    with desk.store.writing() as db:
        work = find_bulk(db, number)
        if work.person_id != who.id and not who.may("admin"):
            raise InputError(f"{work.by} ordered this.", "Ask them, or an admin, to stop it.")
        stop_bulk(db, number, who.name)
    return redirect(f"/bulk/{number}")
