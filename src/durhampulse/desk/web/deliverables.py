"""What the creators of a campaign are to deliver: added, done, taken away, and each undone."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Response

from durhampulse.desk.campaigns.deliverables import (
    BACK,
    DeliverableChange,
    add_deliverable,
    change_deliverable,
)
from durhampulse.desk.review.blind import hidden_from
from durhampulse.desk.shortlist.owners import read_day
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer
from durhampulse.desk.web.rendering import redirect
from durhampulse.desk.web.unseen import refuse_unseen

__all__ = ["of_campaign", "router"]

of_campaign = APIRouter(prefix="/campaigns", include_in_schema=False, route_class=PageRoute)
router = APIRouter(prefix="/deliverables", include_in_schema=False, route_class=PageRoute)
_WORDS = {"done": "Delivered", "open": "Open again", "remove": "Removed", "restore": "Back again"}


@of_campaign.post("/{number}/deliverables")
def add(
    desk: DeskOf, who: Reviewer, number: Number, creator_id: Annotated[Number, Form()],
    text: Annotated[str, Form()], due: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Add something that a creator is to deliver."""
    day = read_day(due, "due")
    with desk.store.writing() as db:
        refuse_unseen(hidden_from(db, who), [creator_id])
        added = add_deliverable(db, number, creator_id, text, day, who.name)
    here = f"/campaigns/{number}#deliverables"
    return redirect(here, "Kept.", undo=f"/deliverables/{added}?change=remove")


@router.post("/{number}")
def change(
    desk: DeskOf, who: Reviewer, number: Number,
    change: Annotated[DeliverableChange, Query()],
    back: Annotated[Literal["today", "all", ""], Query()] = "",
) -> Response:  # fmt: skip
    """Mark something as delivered, take it away, or undo either."""
    with desk.store.writing() as db:
        row = change_deliverable(db, number, change, who.name)
    undo = f"/deliverables/{number}?change={BACK[change]}{back and f'&back={back}'}"
    here = {"": f"/campaigns/{row.campaign_id}#deliverables", "today": "/today",
            "all": "/today?deliverables=all"}[back]  # fmt: skip
    return redirect(here, f"{_WORDS[change]}: {row.text}.", undo=undo)
