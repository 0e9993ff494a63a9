"""The review queue's page: one creator after another, with the keyboard if one likes."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Form, Query, Request, Response
from sqlalchemy import Row
from starlette.responses import JSONResponse

from durhampulse.creators.typed import read_typed
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.review.blind import hidden_from, hides
from durhampulse.desk.review.conflicts import ConflictError, in_sentence, told
from durhampulse.desk.review.decisions import REASONS, ReviewDecision, decide
from durhampulse.desk.review.page import ACCOUNTS, CreatorPage, creator_page, find_creator
from durhampulse.desk.review.queue import Claim, Progress, claim_next, progress, release
from durhampulse.desk.review.undoing import Draft, draft_of, latest, undo
from durhampulse.desk.review.worth import ENOUGH, Remaining, set_enough_deals, worth
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer
from durhampulse.desk.web.creators import BESIDE, creator_view, decided_in_words
from durhampulse.desk.web.kept import local_path
from durhampulse.desk.web.opinions import model_said
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.scoring.record import UNLIKE_BIT

__all__ = ["router"]

router = APIRouter(prefix="/queue", include_in_schema=False, route_class=PageRoute)
_WHY = {
    "unlike": "Unlike all creators the model learned from: no probability of it counts here.",
    "maybe": "Neither a clear Yes nor a clear No: this is for you.",
    "edge": "Close to Maybe: with a chance of one in five or more it belongs there.",
    "sample": "Drawn by lot from No, so that the model can be proved wrong.",
    "chosen": "Chosen by hand.",
}

_BLIND = "One of those drawn: decide first, then the model's number is shown."


class QueueContext(Context, template="queue.html"):
    """The review queue; page and claim are none where nobody waits."""

    page: CreatorPage | None
    rules: Rules
    draft: Draft
    reasons: Sequence[str]
    request_name: str
    claimed: Claim | None
    why: str
    hidden: bool
    worthwhile: Remaining | None
    value: float | None
    progress: Progress
    counted_at: datetime | None
    last: Row[Any] | None
    last_words: str


@router.get("")
def show(request: Request, desk: DeskOf, who: Reviewer) -> Response:
    """Show the next creator; they are this reviewer's until decided, given back, or too late."""
    rules = desk.catalogue.current()
    claimed = claim_next(desk.store, who.id, rules)
    with ACCOUNTS, desk.store.reading() as db:
        unseen = hidden_from(db, who)
        hidden = claimed is not None and claimed.creator_id in unseen
        page = creator_page(db, claimed.creator_id, rules, hidden=hidden) if claimed else None
        waiting, worthwhile = desk.waiting(db, rules), desk.remaining(db, rules, unseen)
        counts = progress(db, who.id, waiting.value if waiting else None)
        last = latest(db, who.id)
        draft = draft_of(db, claimed.creator_id, who.id) if claimed else Draft()
    context = QueueContext(
        page=page, claimed=claimed, rules=rules, draft=draft, hidden=hidden,
        worthwhile=worthwhile.value if worthwhile else None,
        counted_at=waiting.at if waiting else None,
        value=_value(page.row, rules) if page and not hidden else None,
        why=_BLIND if hidden else _WHY[claimed.why] if claimed else "",
        progress=counts, last=last, last_words=_last_in_words(last), reasons=REASONS,
        request_name=secrets.token_hex(12),
    )  # fmt: skip
    return render(request, who, context)


def _value(row: Any, rules: Rules) -> float | None:
    """Return how many deals a review of a creator could change; none where no number counts."""
    if row.probability is None or rules.scorer.refusal or row.flags & UNLIKE_BIT:
        return None
    p, low, high = (np.array([x], dtype=float) for x in (row.probability, row.low, row.high))
    return float(worth(p, low, high, rules.thresholds.yes_at)[0])


@router.post("/enough")
def choose_enough(
    desk: DeskOf, who: Reviewer, deals: Annotated[str, Form(max_length=20)]
) -> Response:
    """Choose below how many deals further reviews are not worth their time."""
    read = read_typed(deals, "amount", field="deals")
    set_enough_deals(desk.store, ENOUGH if read is None else read, who.name)
    return redirect("/queue", "Kept.")


def _last_in_words(last: Row[Any] | None) -> str:
    """Return what a reviewer did last, as the button that undoes it says it."""
    if last is None:
        return ""
    return told(last.decision, last.called if last.act_id is None else "several at once")


@router.post("/decide")
def record_decision(  # noqa: PLR0913 - one for each field of the form
    request: Request, desk: DeskOf, who: Reviewer, creator: Annotated[Number, Form()],
    decision: Annotated[str, Form()], request_name: Annotated[str, Form()],
    reason: Annotated[str, Form()] = "", note: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Record a decision and go on to the next creator."""
    made = ReviewDecision(choice=decision, reason=reason, note=note, request=request_name)
    with desk.store.reading() as db:
        row = find_creator(db, creator)
        hidden = hides(db, row, who.id)
    try:
        number, _ = decide(desk.store, creator, who.id, made, desk.catalogue.current(), queued=True)
    except ConflictError as error:
        return creator_view(request, desk, who, creator, draft=Draft(reason, note), conflict=error)
    words = decided_in_words(decision, row)
    if hidden and decision != "skip" and row.probability is not None:
        band = desk.catalogue.current().band(row.probability, row.flags)
        words += f" {model_said(row.probability, band)}"
    return redirect("/queue", words, undo=f"/queue/undo?review={number}")


@router.post("/undo")
def take_back(
    request: Request, desk: DeskOf, who: Reviewer, review: Annotated[Number, Query()],
    back: Annotated[str, Query()] = "/queue",
) -> Response:  # fmt: skip
    """Take back the latest decision and show that creator again, with its reason and note."""
    number = undo(desk.store, who.id, review)
    with desk.store.reading() as db:
        row, draft = find_creator(db, number), draft_of(db, number, who.id)
    kept = "note" if draft.note else "reason" if draft.reason else ""
    text = f"{in_sentence(row.name or row.external_id)} is {row.state} again"
    notice = f"{text}{kept and f', with your {kept}'}."
    if BESIDE in request.headers:
        return JSONResponse({"said": notice, "creator": number, "state": row.state})
    return redirect(local_path(back) or "/queue", notice)


@router.post("/release")
def give_back(desk: DeskOf, who: Reviewer) -> Response:
    """End the claim, so that others get the creator."""
    release(desk.store, who.id)
    return redirect("/shortlist")
