"""What creators of a campaign are to deliver: added, moved, done, taken away, and each undone."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Response

from durhampulse.desk.campaigns.deliverables import (
    BACK,
    DeliverableChange,
    add_deliverable,
    change_deliverable,
    move_deliverable,
)
from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.blind import hidden_from
from durhampulse.desk.review.today import LATER
from durhampulse.desk.shortlist.owners import read_day
from durhampulse.desk.store import clock
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer
from durhampulse.desk.web.rendering import redirect
from durhampulse.desk.web.state import Desk
from durhampulse.desk.web.unseen import refuse_unseen

__all__ = ["of_campaign", "router"]

of_campaign = APIRouter(prefix="/campaigns", include_in_schema=False, route_class=PageRoute)
router = APIRouter(prefix="/deliverables", include_in_schema=False, route_class=PageRoute)
Back = Annotated[Literal["today", "all", ""], Query()]
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
    change: Annotated[DeliverableChange | Literal["move"], Query()],
    due: Annotated[str, Query()] = "", back: Back = "",
) -> Response:  # fmt: skip
    """Mark something as delivered, move its day, take it away, or undo any of these."""
    if change == "move":
        day = clock.today() + LATER if due == "later" else read_day(due, "due")
        return _moved(desk, who, number, day, back)
    with desk.store.writing() as db:
        row = change_deliverable(db, number, change, who.name)
    undo = f"/deliverables/{number}?change={BACK[change]}{back and f'&back={back}'}"
    return redirect(_page(row.campaign_id, back), f"{_WORDS[change]}: {row.text}.", undo=undo)


@of_campaign.post("/{number}/deliverables/due")
def move(
    desk: DeskOf, who: Reviewer, number: Number,  # noqa: ARG001 - of the page it is sent from
    deliverable: Annotated[Number, Form()], due: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Move something that is to be delivered to another day, or to none."""
    return _moved(desk, who, deliverable, read_day(due, "due"))


def _moved(
    desk: Desk, who: Principal, number: int, day: date | None, back: str = ""
) -> Response:  # fmt: skip
    with desk.store.writing() as db:
        before = move_deliverable(db, number, day, who.name)
    former = f"due={before.due or ''}{back and f'&back={back}'}"
    words = f"{before.text}: {f'due on {clock.day_text(day)}' if day else 'no day now'}."
    undo = f"/deliverables/{number}?change=move&{former}"
    return redirect(_page(before.campaign_id, back), words, undo=undo)


def _page(campaign_id: int, back: str) -> str:
    pages = {"today": "/today", "all": "/today?deliverables=all"}
    return pages.get(back, f"/campaigns/{campaign_id}#deliverables")
