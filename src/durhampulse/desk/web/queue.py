"""The review queue's page: one creator after another, with the keyboard if one likes."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from durhampulse.desk.review.decisions import (
    DECISIONS,
    REASONS,
    ReviewDecision,
    decide,
    latest,
    undo,
)
from durhampulse.desk.review.page import creator_page
from durhampulse.desk.review.queue import claim_next, progress, release
from durhampulse.desk.web.access import DeskOf, Number, Reviewer
from durhampulse.desk.web.rendering import redirect, render

__all__ = ["router"]

router = APIRouter(prefix="/queue", include_in_schema=False)
_WHY = {
    "unlike": "Unlike all creators the model learned from: no probability of it counts here.",
    "maybe": "The model cannot tell: this is for you.",
    "edge": "Close to another band: the model may well be wrong here.",
    "sample": "Drawn by lot from No, so that the model can be proved wrong.",
    "chosen": "Chosen by hand.",
}


@router.get("")
def show(request: Request, desk: DeskOf, who: Reviewer) -> Response:
    """Show the next creator; they are this reviewer's until decided, given back, or too late."""
    rules = desk.catalogue.current()
    claimed = claim_next(desk.store, who.id, rules)
    with desk.store.reading() as db:
        page = creator_page(db, claimed.creator_id, rules) if claimed else None
        counts = progress(db, who.id, rules)
        last = latest(db, who.id)
    return render(
        request, who, "queue.html", page=page, claimed=claimed, rules=rules,
        why=_WHY[claimed.why] if claimed else "", progress=counts, last=last,
        reasons=REASONS, request_name=secrets.token_hex(12),
    )  # fmt: skip


@router.post("/decide")
def record_decision(
    desk: DeskOf, who: Reviewer, creator: Annotated[Number, Form()],
    decision: Annotated[str, Form()], request_name: Annotated[str, Form()],
    reason: Annotated[str, Form()] = "", note: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Record a decision and go on to the next creator."""
    made = ReviewDecision(choice=decision, reason=reason, note=note, request=request_name)
    decide(desk.store, creator, who.id, made, desk.catalogue.current(), queued=True)
    done = DECISIONS[decision] or "skipped"
    return redirect("/queue", f"Kept: {done}.")


@router.post("/undo")
def take_back(desk: DeskOf, who: Reviewer, review: Annotated[Number, Form()]) -> Response:
    """Take back the latest decision and show that creator again."""
    undo(desk.store, who.id, review)
    return redirect("/queue", "Taken back; decide again.")


@router.post("/release")
def give_back(desk: DeskOf, who: Reviewer) -> Response:
    """End the claim, so that others get the creator."""
    release(desk.store, who.id)
    return redirect("/shortlist")
