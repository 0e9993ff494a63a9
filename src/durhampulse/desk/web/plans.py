"""Campaigns over REST, for programs with a key."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from durhampulse.desk.campaigns import campaigns, choices
from durhampulse.desk.campaigns.proposal import latest_run, propose, read_proposal
from durhampulse.desk.campaigns.value import Expectation, outlook
from durhampulse.desk.store.identifiers import find_number
from durhampulse.desk.web.access import DeskOf, Number, needs_key
from durhampulse.desk.web.api import ERRORS, Writer
from durhampulse.desk.web.briefs import Amount, BriefBody, Name
from durhampulse.exceptions import InputError
from durhampulse.service.gates import ProgramRoute
from durhampulse.service.schemas import BEARER

__all__ = ["router"]

router = APIRouter(
    prefix="/v1/campaigns",
    responses=ERRORS,
    tags=["desk"],
    route_class=ProgramRoute,
    dependencies=[Depends(BEARER)],
)


class StateBody(BaseModel):
    """A campaign's next state."""

    model_config = ConfigDict(strict=True, extra="forbid")

    state: Literal["draft", "agreed", "done"]
    note: str = Field("", max_length=2_000, pattern=r"^[^\x00]*$",
                      description="Why it is a draft again.")  # fmt: skip
    sure: bool = Field(False, description="Agree also where somebody was declined since.")


class ChoiceBody(BaseModel):
    """What a person said of a creator in a campaign."""

    model_config = ConfigDict(strict=True, extra="forbid")

    creator: Name
    choice: Literal["in", "out", "free", "fee"]
    fee: Amount | None = None
    sure: bool = Field(False, description="Put in also who is declined, decided or unprecedented.")


class ChangeItem(BaseModel):
    """Who came into a set and who left it, by name."""

    came: list[str]
    left: list[str]


@router.get("", dependencies=[needs_key("viewer")])
def all_campaigns(desk: DeskOf) -> list[dict[str, Any]]:
    """Return all campaigns, the latest first."""
    with desk.store.reading() as db:
        rows = campaigns.list_campaigns(db)
    return [{"id": row.id, "name": row.name, "by": row.by, "state": row.state,
             "creators": row.creators} for row in rows]  # fmt: skip


@router.post("", status_code=201)
def add_campaign(desk: DeskOf, who: Writer, body: BriefBody) -> dict[str, int]:
    """Make a campaign, and propose creators for it."""
    brief = body.read(desk.catalogue.current())
    number = campaigns.make(desk.store, brief, who.name)
    propose(desk.store, desk.catalogue, number, who.name)
    return {"id": number}


@router.get("/{number}", dependencies=[needs_key("viewer")])
def one_campaign(desk: DeskOf, number: Number) -> dict[str, Any]:
    """Return a campaign as it was proposed or agreed: brief, state, creators and what they bring.

    ``expected`` are deals among creators like these in the past, ``outlook`` all that is expected
    with 90% intervals, ``cost`` the fees if all agree. ``is_current`` says whether the list or the
    model has changed since.
    """
    _check(desk, number)
    with desk.store.reading() as db:
        current, table, latest = (
            campaigns.find(db, number), read_proposal(db, number), latest_run(db)
        )  # fmt: skip
    total, row = outlook(table, current.brief), current.row
    creators = table.drop(columns="carried").rename(columns={"fixed": "by_hand"})
    return {
        "brief": asdict(current.brief),
        "state": row.state,
        "model": row.model_version,
        "proposed_at": row.proposed_at and row.proposed_at.isoformat(),
        "is_current": row.run_id == latest,
        "facts": row.facts,
        "erased": row.erased,
        "expected": total.deals.expected,
        "interval": (total.deals.low, total.deals.high),
        "cost": total.cost,
        "outlook": {name: asdict(part) for name, part in vars(total).items()
                    if isinstance(part, Expectation)},
        "creators": creators.astype(object).where(creators.notna(), None).to_dict("records"),
    }  # fmt: skip


@router.post("/{number}/propose", status_code=201)
def propose_anew(desk: DeskOf, who: Writer, number: Number) -> dict[str, int]:
    """Propose anew by today's data, in place of a draft's set."""
    _check(desk, number)
    return {"creators": len(propose(desk.store, desk.catalogue, number, who.name).table)}


@router.post("/{number}/choices", status_code=201)
def choose(desk: DeskOf, who: Writer, number: Number, body: ChoiceBody) -> ChangeItem:
    """Put a creator into a draft, leave them out, type their fee, or release them."""
    _check(desk, number)
    with desk.store.reading() as db:
        at = find_number(db, body.creator)
        doubts = choices.doubts(db, [at]) if at and body.choice == "in" else {}
    if at is None:
        raise HTTPException(404, "There is no such creator.")
    if doubts and not body.sure:
        raise InputError(f"The creator {doubts[at]}.", "Send sure: true to put them in.")
    here = (desk.store, desk.catalogue, number)
    if body.choice == "in":
        change = choices.put_in(*here, [at], who.name, fee=body.fee)
    elif body.choice == "out":
        change = choices.leave_out(*here, at, who.name)
    elif body.choice == "fee":
        change = choices.price(*here, at, body.fee, who.name)
    else:
        change = choices.release(*here, at, who.name)
    return ChangeItem(came=change.came, left=change.left)


@router.post("/{number}/state", status_code=201)
def enter_state(desk: DeskOf, who: Writer, number: Number, body: StateBody) -> dict[str, str]:
    """Agree on a campaign, put it away as done, or open it again with a note."""
    _check(desk, number)
    if body.state == "agreed":
        campaigns.agree(desk.store, number, who.name, sure=body.sure)
    elif body.state == "done":
        campaigns.finish(desk.store, number, who.name)
    else:
        campaigns.reopen(desk.store, number, who.name, body.note)
    return {"state": body.state}


def _check(desk: DeskOf, number: int) -> None:
    """Raise the answer for a campaign that is not there."""
    with desk.store.reading() as db:
        try:
            campaigns.find(db, number)
        except InputError as error:
            raise HTTPException(404, error.problem) from error
