"""A creator's page: score and reasons, what-if, decisions, outcomes, and their rights."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import Connection, Row
from starlette.responses import JSONResponse

from durhampulse.creators.schema import COLUMNS
from durhampulse.decision.figures import figure_text
from durhampulse.desk.campaigns.campaigns import campaigns_of, drafts
from durhampulse.desk.campaigns.rooms import client_answers
from durhampulse.desk.models.rules import Rules, stored_frame
from durhampulse.desk.outcomes.recording import record, withdraw
from durhampulse.desk.people.erasure import erase, everything_about
from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.blind import hidden_from
from durhampulse.desk.review.conflicts import ConflictError, held_by_other, told
from durhampulse.desk.review.decisions import REASONS, ReviewDecision, decide, last_review
from durhampulse.desk.review.page import (
    ACCOUNTS,
    CreatorPage,
    creator_page,
    find_creator,
    read_changes,
    what_if,
    wrong_changes,
)
from durhampulse.desk.review.remarks import add_remark, delete_remark
from durhampulse.desk.review.undoing import Draft, draft_of
from durhampulse.desk.shortlist.lists import ListChoice, lists_of
from durhampulse.desk.shortlist.owners import Care, care_of, possible_owners
from durhampulse.desk.shortlist.reminders import reminders_of
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note as write_note
from durhampulse.desk.web.access import (
    Admin,
    DeskOf,
    Number,
    PageRoute,
    Reviewer,
    SureAdmin,
    Viewer,
)
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.desk.web.state import Desk
from durhampulse.desk.web.unseen import refuse_unseen
from durhampulse.exceptions import DurhamPulseError, InputError
from durhampulse.scoring.account import Account
from durhampulse.scoring.record import UNLIKE_BIT

__all__ = ["BESIDE", "creator_view", "decided_in_words", "router"]

router = APIRouter(prefix="/creators", include_in_schema=False, route_class=PageRoute)
BESIDE = "x-beside-the-list"
"""Header of a decision that the script sends, and which is answered in data."""


@dataclass(frozen=True, kw_only=True)
class Imagined:
    """What the model would say of other figures: `changed` are these and those stored, in words.

    `problem` is why it says nothing, `wrong` what is wrong with each figure that cannot be read.
    """

    estimate: Account | None = None
    problem: DurhamPulseError | None = None
    wrong: Mapping[str, InputError] = field(default_factory=dict)
    changed: Sequence[tuple[str, str]] = ()
    points: int | None = None


class WhatIfContext(Context, template="imagined.html"):
    """An estimate for other figures, and what is wrong with those that were `asked`."""

    rules: Rules
    imagined: Imagined
    asked: Sequence[str]


class PanelContext(Context, template="panel.html"):
    """The side panel: why, and the form to decide."""

    page: CreatorPage
    rules: Rules
    draft: Draft
    reasons: Sequence[str]
    request_name: str
    seen: int
    holder: Row[Any] | None
    hidden: bool


class CreatorContext(PanelContext, template="creator.html"):
    """A creator's page: what the panel has, and all else that is known."""

    imagined: Imagined
    conflict: ConflictError | None
    today: str
    figures: Sequence[tuple[str, str, Sequence[str]]]
    lists: Sequence[ListChoice]
    campaigns: Sequence[Row[Any]]
    drafts: Sequence[Row[Any]]
    client_said: Sequence[Row[Any]]
    care: Care
    owners: Sequence[Row[Any]]
    reminders: Sequence[Row[Any]]


class ReceiptContext(Context, template="receipt.html"):
    """The receipt of an erasure."""

    receipt: Mapping[str, Any]


@router.get("/{number}")
def show(request: Request, desk: DeskOf, who: Viewer, number: Number) -> Response:
    """Show a creator; with figures in the address also what the model would say of those."""
    return creator_view(request, desk, who, number)


def creator_view(
    request: Request, desk: Desk, who: Principal, number: int,
    *, draft: Draft | None = None, conflict: ConflictError | None = None,
) -> Response:  # fmt: skip
    """Return a creator's page.

    Parameters
    ----------
    draft, conflict
        A decision that was not taken, and why: the form holds it still. What it met stands on the
        page, so whoever sends the form again has seen it.
    """
    with ACCOUNTS, desk.store.reading() as db:
        panel = _panel(db, desk, who, number, draft)
        within, open_drafts = campaigns_of(db, number), drafts(db)
        lists, client_said = lists_of(db, number), client_answers(db, number)
        care, owners = care_of(db, [number]).get(number, Care()), possible_owners(db)
        reminders = reminders_of(db, number, who.id)
    rules, row = panel.rules, panel.page.row
    context = CreatorContext(
        **vars(panel), lists=lists, conflict=conflict, today=clock.today().isoformat(),
        figures=_figures(rules, row, request.query_params), campaigns=within, drafts=open_drafts,
        client_said=client_said, care=care, owners=owners, reminders=reminders,
        imagined=Imagined() if panel.hidden else _imagined(rules, row, request),
    )  # fmt: skip
    return render(request, who, context, status=409 if conflict else 200)


def _panel(
    db: Connection, desk: Desk, who: Principal, number: int, draft: Draft | None = None
) -> PanelContext:
    """Return what the side panel shows of a creator."""
    rules, hidden = desk.catalogue.current(db), number in hidden_from(db, who)
    return PanelContext(
        page=creator_page(db, number, rules, hidden=hidden), rules=rules, seen=last_review(db),
        draft=draft or draft_of(db, number, who.id), holder=held_by_other(db, number, who.id),
        hidden=hidden, reasons=REASONS, request_name=secrets.token_hex(12),
    )  # fmt: skip


@router.get("/{number}/panel")
def show_panel(request: Request, desk: DeskOf, who: Viewer, number: Number) -> Response:
    """Show why, and the form to decide, beside the list."""
    with ACCOUNTS, desk.store.reading() as db:
        panel = _panel(db, desk, who, number)
    return render(request, who, panel)


@router.get("/{number}/what-if")
def show_what_if(request: Request, desk: DeskOf, who: Viewer, number: Number) -> Response:
    """Show what the model would say of other figures."""
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        row = find_creator(db, number)
        refuse_unseen(hidden_from(db, who), [number])
    asked = [name for name in rules.scorer.seen if name in request.query_params]
    imagined = _imagined(rules, row, request)
    return render(request, who, WhatIfContext(rules=rules, imagined=imagined, asked=asked))


def _imagined(rules: Rules, row: Any, request: Request) -> Imagined:
    """Return the estimate for the figures of an address, how they were read, or the problem."""
    changes = {n: v for n, v in request.query_params.items() if n in COLUMNS}
    if not changes:
        return Imagined()
    try:
        account = what_if(rules, row, changes)
    except DurhamPulseError as error:
        return Imagined(problem=error, wrong=wrong_changes(rules, changes))
    stored = stored_frame(rules.scorer, [row]).iloc[0]
    read = read_changes(rules, changes)
    changed = [
        (figure_text(name, value), figure_text(name, stored[name]))
        for name, value in read.items()
        if figure_text(name, value) != figure_text(name, stored[name])
    ]
    before = None if row.flags & UNLIKE_BIT else row.probability
    points = None if before is None else round(100 * (account.probability - before))
    return Imagined(estimate=account, changed=changed, points=points)


def _figures(
    rules: Rules, row: object, asked: Mapping[str, str]
) -> list[tuple[str, str, list[str]]]:
    """Return the figures one can change: column, text as a person writes it, and choices."""
    frame = stored_frame(rules.scorer, [row]).iloc[0]
    levels = rules.scorer.model.profile.levels
    figures = []
    for name in rules.scorer.seen:
        if name not in COLUMNS:
            continue
        value, column = frame[name], COLUMNS[name]
        if value != value or value is None:  # noqa: PLR0124 - NaN
            text = ""
        elif column.kind == "rate":
            text = f"{100 * value:.4g}%"
        else:
            text = f"{value:.0f}" if column.numeric else str(value)
        choices = [] if column.numeric else ["", *sorted({*levels.get(name, []), text} - {""})]
        figures.append((name, asked.get(name, text), choices))
    return figures


@router.post("/{number}/decide")
def record_decision(  # noqa: PLR0913 - one for each field of the form
    request: Request, desk: DeskOf, who: Reviewer, number: Number,
    decision: Annotated[str, Form()], request_name: Annotated[str, Form()],
    seen: Annotated[int, Form(ge=0, lt=2**63)],
    reason: Annotated[str, Form()] = "", note: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Record a decision about this creator."""
    made = ReviewDecision(
        choice=decision, reason=reason, note=note, request=request_name, seen=seen
    )
    try:
        kept, _ = decide(desk.store, number, who.id, made, desk.catalogue.current())
    except ConflictError as error:
        if BESIDE in request.headers:
            conflict = {"problem": error.problem, "way_out": error.way_out}
            return JSONResponse(conflict, status_code=409)
        return creator_view(request, desk, who, number, draft=Draft(reason, note), conflict=error)
    with desk.store.reading() as db:
        row = find_creator(db, number)
    here, said_so = f"/creators/{number}", decided_in_words(decision, row)
    undo = f"/queue/undo?review={kept}"
    if BESIDE in request.headers:
        return JSONResponse({"said": said_so, "undo": undo, "state": row.state})
    return redirect(here, said_so, undo=f"{undo}&back={here}")


def decided_in_words(decision: str, row: Any) -> str:
    """Return what was decided and about whom.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> decided_in_words("approve", SimpleNamespace(name="Kaja", external_id="INF-7"))
    'Approved Kaja.'
    >>> decided_in_words("decline", SimpleNamespace(name="Kaja & Co.", external_id="INF-7"))
    'Declined Kaja & Co.'
    """
    text = told(decision, row.name or row.external_id)
    end = "" if text.endswith((".", "!", "?")) else "."
    return f"{text[:1].upper()}{text[1:]}{end}"


@router.post("/{number}/remark")
def write_remark(
    desk: DeskOf, who: Reviewer, number: Number,
    text: Annotated[str, Form()], back: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Note something about this creator."""
    names = add_remark(desk.store, number, text, who.name).names
    reached = f" {' and '.join(names)} {'find' if len(names) > 1 else 'finds'} it under Today."
    here = "/queue" if back == "queue" else f"/creators/{number}"
    return redirect(here, f"Your note is kept.{reached if names else ''}")


@router.post("/{number}/remark/delete")
def remove_remark(
    desk: DeskOf, who: Reviewer, number: Number, remark: Annotated[Number, Form()]
) -> Response:
    """Delete a note of one's own."""
    delete_remark(desk.store, remark, number, who.name)
    return redirect(f"/creators/{number}", "Your note is deleted.")


@router.post("/{number}/outcome")
def record_outcome(
    desk: DeskOf, who: Reviewer, number: Number,
    deal: Annotated[bool, Form()], on: Annotated[date, Form()],
) -> Response:  # fmt: skip
    """Record what happened with this creator."""
    record(desk.store, number, deal=deal, on=on, by=who.name)
    return redirect(f"/creators/{number}", "The outcome is kept.")


@router.post("/{number}/outcome/withdraw")
def withdraw_outcome(desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Take back the outcome that stands."""
    withdraw(desk.store, number, who.name)
    return redirect(f"/creators/{number}", "The outcome is withdrawn.")


@router.get("/{number}/everything")
def everything(desk: DeskOf, who: Admin, number: Number) -> Response:
    """Return all that is stored about this creator, as they may ask for it."""
    with desk.store.writing() as db:
        row = find_creator(db, number)
        refuse_unseen(hidden_from(db, who), [number])
        tables = everything_about(db, row.external_id)
        write_note(db, who.name, "stored data given out", f"creator {number}")
    name = f"creator-{number}.json"
    return JSONResponse(tables, headers={"content-disposition": f'attachment; filename="{name}"'})


@router.post("/{number}/erase")
def erase_creator(
    request: Request, desk: DeskOf, who: SureAdmin, number: Number,
    confirm: Annotated[str, Form()], objects: Annotated[bool, Form()] = False,
    files: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """Erase this creator, and leave them out for good if they object."""
    with desk.store.reading() as db:
        row = find_creator(db, number)
    if confirm.split() != row.external_id.split():  # a page shows two blanks as one
        problem = f"Not erased: '{confirm[:40]}' is not the identifier of this creator."
        raise InputError(problem, f"Write {row.external_id[:200]}.", "confirm")
    receipt = erase(desk.store, row.external_id, who.name, objects=objects, files=files)
    return render(request, who, ReceiptContext(receipt=receipt))
