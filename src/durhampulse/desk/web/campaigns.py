"""Campaigns: a brief, the set proposed for it, a person's changes, and an agreement that stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from sqlalchemy import Connection, Row, select
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import FileResponse

from durhampulse.desk.campaigns import campaigns, choices
from durhampulse.desk.campaigns.bet import Bet, draw_bet
from durhampulse.desk.campaigns.brief import AIMS, UNITS, Brief
from durhampulse.desk.campaigns.deliverables import deliverables
from durhampulse.desk.campaigns.export import file_name, rows_of, write_campaign
from durhampulse.desk.campaigns.proposal import (
    is_decided_since,
    latest_run,
    origin,
    propose,
    read_proposal,
    undone_since,
)
from durhampulse.desk.campaigns.rooms import CARDS, rooms
from durhampulse.desk.campaigns.value import Outlook, outlook
from durhampulse.desk.outcomes.watching import BandWatch
from durhampulse.desk.review.blind import hidden_from
from durhampulse.desk.review.conflicts import in_sentence
from durhampulse.desk.shortlist import pages as shortlist
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.carried import read_carried
from durhampulse.desk.store.identifiers import find_number
from durhampulse.desk.store.niches import read_niches
from durhampulse.desk.store.tables import creator
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer, Viewer
from durhampulse.desk.web.briefs import BriefContext, read_brief, read_fee
from durhampulse.desk.web.exports import note_export
from durhampulse.desk.web.listing import media_type, wanted_form
from durhampulse.desk.web.outlooks import Line, bound, grounds, left_out, lines
from durhampulse.desk.web.rendering import redirect, render
from durhampulse.desk.web.state import Desk
from durhampulse.desk.web.unseen import refuse_unseen
from durhampulse.exceptions import CannotJudgeError, InputError
from durhampulse.files.scratch import scratch_folder
from durhampulse.scoring.crm import CRM_FORMATS, CrmFormat
from durhampulse.scoring.writeback import unpacked

__all__ = ["records_of", "router"]

router = APIRouter(prefix="/campaigns", include_in_schema=False, route_class=PageRoute)
_MOST_MATCHES = 10
_MOST_ADDED = 50


class CampaignsContext(BriefContext, template="campaigns.html"):
    """All campaigns, and the form for a new one."""

    campaigns: Sequence[Row[Any]]


class CampaignContext(BriefContext, template="campaign.html"):
    """A campaign: `rows` is its set, `unseen` those of it whose number is hidden from the reader.

    `newer` and `undone` have changed the list since, `is_decided` says whether somebody of it was
    decided on since, `left` and `waiting` were chosen by hand,
    `asked` are wanted by hand though they would not be proposed, `matches` is what a search finds,
    `broken` are the answers that got fewer deals than promised, `declined` says of who is
    declined by now whether that came since.
    """

    brief: Brief
    campaign: Row[Any]
    crms: Mapping[str, CrmFormat]
    is_proposed: bool
    search: str
    rows: Sequence[Mapping[str, Any]]
    unseen: Sequence[Mapping[str, Any]]
    lines: Sequence[Line]
    grounds: Sequence[str]
    left_out: Sequence[str]
    bound: str
    bet: Bet | None
    total: Outlook
    fits_room: bool
    facts: Mapping[str, Any]
    rooms: Sequence[Row[Any]]
    shared: Mapping[int, Sequence[Row[Any]]]
    came_from: Row[Any] | None
    newer: Row[Any] | None
    undone: Row[Any] | None
    is_decided: bool
    declined: Mapping[int, bool]
    left: Sequence[Row[Any]]
    waiting: Sequence[Row[Any]]
    asked: Sequence[Mapping[str, Any]]
    matches: Sequence[Row[Any]]
    to_deliver: Sequence[Row[Any]]
    broken: Sequence[BandWatch]


@router.get("")
def show_all(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show all campaigns, and the form for a new one."""
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        rows, niches = campaigns.list_campaigns(db), read_niches(db)
        currency = desk.usual_currency(db, rules)
    context = CampaignsContext(
        campaigns=rows, niches=niches, rules=rules, brief=None, usual_currency=currency,
        aims=AIMS, units=UNITS,
    )  # fmt: skip
    return render(request, who, context)


@router.post("")
async def add(request: Request, desk: DeskOf, who: Reviewer) -> Response:
    """Make a campaign, and propose creators for it."""
    return await run_in_threadpool(_add, desk, await request.form(), who.name)


def _add(desk: Desk, form: FormData, by: str) -> Response:
    number = campaigns.make(desk.store, read_brief(form, desk.catalogue.current()), by)
    try:
        propose(desk.store, desk.catalogue, number, by)
    except CannotJudgeError as error:
        return redirect(f"/campaigns/{number}", f"{error.problem} {error.way_out}")
    return redirect(f"/campaigns/{number}")


@router.post("/add")
def add_creators(
    desk: DeskOf, who: Reviewer, campaign: Annotated[Number, Form()],
    chosen: Annotated[list[Number] | None, Form()] = None,
) -> Response:  # fmt: skip
    """Put the creators that were ticked elsewhere into a campaign."""
    numbers = list(dict.fromkeys(chosen or []))
    if not 1 <= len(numbers) <= _MOST_ADDED:
        raise InputError(f"{len(numbers)} creators were ticked.", f"Tick 1 to {_MOST_ADDED}.")
    with desk.store.reading() as db:
        refuse_unseen(hidden_from(db, who), numbers)
        asked = choices.doubts(db, numbers)
    sure = [number for number in numbers if number not in asked]
    notice = ""
    if sure:
        change = choices.put_in(desk.store, desk.catalogue, campaign, sure, who.name)
        notice = _changes_in_words(change, "Nothing had to change.")
    query = f"?{urlencode({'ask': [*asked]}, doseq=True)}" if asked else ""
    return redirect(f"/campaigns/{campaign}{query}", notice)


def _changes_in_words(change: choices.Change, otherwise: str) -> str:
    """Return who came and who left, in words."""
    parts = [f"{what}: {', '.join(map(in_sentence, names[:5]))}{' and others' * (len(names) > 5)}."
             for what, names in (("In", change.came), ("Out", change.left)) if names]  # fmt: skip
    return " ".join(parts) or otherwise


@router.get("/{number}")
def show(
    request: Request, desk: DeskOf, who: Viewer, number: Number,
    search: Annotated[str, Query(max_length=200)] = "",
    ask: Annotated[list[Number], Query(max_length=_MOST_ADDED)] = [],  # noqa: B006
) -> Response:  # fmt: skip
    """Show a campaign as it was proposed or agreed; nothing is computed anew."""
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        current, table = campaigns.find(db, number), read_proposal(db, number)
        hidden = hidden_from(db, who)
        niches = read_niches(db) if current.row.state == "draft" else []
        inside = table["id"].tolist()
        came_from, newer, undone, is_decided = _origin(db, current)
        left, waiting = _by_hand(db, current, inside)
        beside, made = _shared(db, number, inside), rooms(db, number)
        declined = campaigns.declined(db, number)
        asked = _asked(db, [number for number in ask if number not in hidden])
        matches = _matches(db, search, desk, hidden)
        to_deliver = [row for row in deliverables(db, number) if row.creator_id not in hidden]
        broken = [one for one in desk.watched.broken(db, rules) if one.against == "fewer"]
    brief, words, unseen = current.brief, rules.outcome, hidden.intersection(table["id"])
    seen = table[~table["id"].isin(unseen)]
    total, bet = outlook(table, brief), None if unseen else draw_bet(table, seed=number)
    context = CampaignContext(
        campaign=current.row, brief=brief, usual_currency=brief.currency, rules=rules,
        niches=niches, aims=AIMS, units=UNITS,
        crms=CRM_FORMATS, is_proposed=current.is_proposed, search=search,
        rows=records_of(seen),
        unseen=records_of(table.loc[table["id"].isin(unseen), ["id", "name", "person"]]),
        lines=[] if unseen else lines(total, brief, words), grounds=grounds(total, brief, words),
        left_out=left_out(current.row.facts, brief, rules.tiers), bound=bound(current.row.facts),
        bet=bet, total=total, fits_room=CARDS[0] <= len(table) <= CARDS[1],
        facts=current.row.facts or {}, rooms=made, shared=beside, came_from=came_from,
        newer=newer, undone=undone, left=left, waiting=waiting, asked=asked, matches=matches,
        is_decided=is_decided, declined=_without(declined, hidden),
        to_deliver=to_deliver, broken=broken,
    )  # fmt: skip
    return render(request, who, context)


def records_of(table: Any) -> list[dict[str, Any]]:
    """Return the rows of a table by their columns, None where a cell is empty."""
    rows: list[dict[str, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return rows


def _without(known: Mapping[int, bool], hidden: frozenset[int]) -> dict[int, bool]:
    """Return what is known of creators but for those hidden from the reader."""
    return {number: fact for number, fact in known.items() if number not in hidden}


def _shared(db: Connection, number: int, creators: list[int]) -> dict[int, list[Any]]:
    """Return the other running campaigns of each creator."""
    others: dict[int, list[Any]] = {}
    for row in campaigns.shared(db, number, creators):
        others.setdefault(row.creator_id, []).append(row)
    return others


def _origin(db: Connection, current: campaigns.Campaign) -> tuple[Any, Any, Any, bool]:
    """Return where the set comes from, the run and the undo since, and whether one was decided."""
    latest, at = latest_run(db), current.row.proposed_at
    is_old = current.is_proposed and current.row.run_id != latest
    return (
        origin(db, current.row.run_id),
        origin(db, latest) if is_old else None,
        undone_since(db, at) if at else None,
        bool(at) and is_decided_since(db, current.row.id, at),
    )


def _by_hand(
    db: Connection, current: campaigns.Campaign, inside: list[int]
) -> tuple[Sequence[Any], Sequence[Any]]:
    """Return whom people have left out, and put in without their being in the set."""
    c = creator.c
    rows = db.execute(select(c.id, c.external_id, c.name).where(c.id.in_([*current.choices]))).all()
    away = [row for row in rows if row.id not in inside or current.choices[row.id].place == "out"]
    return (
        [row for row in away if current.choices[row.id].place == "out"],
        [row for row in away if current.choices[row.id].place == "in"],
    )


def _asked(db: Connection, numbers: list[int]) -> list[dict[str, Any]]:
    """Return creators whom a person wants in, and why they would not be proposed."""
    reasons = choices.doubts(db, numbers) if numbers else {}
    c = creator.c
    rows = db.execute(select(c.id, c.external_id, c.name).where(c.id.in_([*reasons]))).all()
    return [{"id": row.id, "name": row.name or row.external_id, "why": reasons[row.id]}
            for row in rows]  # fmt: skip


def _matches(db: Connection, search: str, desk: Desk, hidden: frozenset[int]) -> Any:
    """Return the creators that a search finds, the most probable first."""
    if not search.strip():
        return []
    view = View(search=search.strip(), without=tuple(hidden))
    return shortlist.page(db, view, desk.catalogue.current(db), size=_MOST_MATCHES).rows


@router.post("/{number}")
async def change(request: Request, desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Change a campaign's brief, and propose anew."""
    form = await request.form()
    await run_in_threadpool(_change, desk, form, number, who.name)
    return redirect(f"/campaigns/{number}", "Proposed anew, by the new brief.")


def _change(desk: Desk, form: FormData, number: int, by: str) -> None:
    brief = read_brief(form, desk.catalogue.current())
    propose(desk.store, desk.catalogue, number, by, brief=brief)


@router.post("/{number}/choose")
def choose(  # noqa: PLR0913 - one for each field of the form
    desk: DeskOf, who: Reviewer, number: Number,
    choice: Annotated[Literal["in", "out", "free", "fee"], Form()],
    creator_id: Annotated[Number | None, Form()] = None, name: Annotated[str, Form()] = "",
    fee: Annotated[str, Form(max_length=40)] = "", sure: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """Put a creator in, leave them out, type their fee, or let the desk choose again."""
    where = f"/campaigns/{number}"
    with desk.store.reading() as db:
        if name.strip():
            creator_id = find_number(db, name)
        refuse_unseen(hidden_from(db, who), [creator_id or 0])
        if creator_id is None:
            return redirect(f"{where}?{urlencode({'search': name.strip()[:200]})}#add")
        if choice == "in" and not sure and choices.doubts(db, [creator_id]):
            return redirect(f"{where}?ask={creator_id}")
    at = (desk.store, desk.catalogue, number)
    if choice == "in":
        done = choices.put_in(*at, [creator_id], who.name, fee=read_fee(fee))
    elif choice == "out":
        done = choices.leave_out(*at, creator_id, who.name)
    elif choice == "fee":
        done = choices.price(*at, creator_id, read_fee(fee), who.name)
    else:
        done = choices.release(*at, creator_id, who.name)
    return redirect(where, _changes_in_words(done, "Kept. The set stays as it is."))


@router.post("/{number}/state")
def enter_state(
    desk: DeskOf, who: Reviewer, number: Number,
    state: Annotated[Literal["draft", "agreed", "done"], Form()],
    edition: Annotated[int | None, Form(ge=0, lt=2**31)] = None,
    note: Annotated[str, Form()] = "", sure: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """Agree on a campaign, put it away as done, or open it again."""
    if state == "agreed":
        with desk.store.reading() as db:
            hidden = hidden_from(db, who)
        campaigns.agree(desk.store, number, who.name, edition, sure=sure, hidden=hidden)
        notice = "Agreed. Set and figures stand as they are."
    elif state == "done":
        campaigns.finish(desk.store, number, who.name)
        notice = "Done. Its creators are free for other campaigns."
    else:
        campaigns.reopen(desk.store, number, who.name, note)
        notice = "Open again. The set is the one that was agreed."
    return redirect(f"/campaigns/{number}", notice)


@router.get("/{number}/export/{kind}")
def export(request: Request, desk: DeskOf, who: Viewer, number: Number, kind: str) -> Response:
    """Return the set as a file, with fees, cost, budget and marks."""
    form = wanted_form(kind)
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        current, carried = campaigns.find(db, number), read_carried(db)
        rows, table = rows_of(db, number), read_proposal(db, number)
        refuse_unseen(hidden_from(db, who), table["id"])
    folder = scratch_folder()
    path = Path(folder.name, f"campaign.{'zip' if form else kind}")
    figures = lines(outlook(table, current.brief), current.brief, rules.outcome)
    totals = {line.name: f"{line.value} {line.beside}".strip() for line in figures}
    with desk.store.reading() as db:
        write_campaign(path, current, rows, rules, desk.top_reasons, by=who.name, totals=totals,
                       carried=carried, db=db, form=form)  # fmt: skip
    note_export(request, desk, who, f"campaign {number}", rows=len(rows), format=kind)
    path = unpacked(path) if form else path
    name = file_name(current, f"{kind}{path.suffix}" if form else kind)
    return FileResponse(path, media_type=media_type(path), filename=name,
                        background=BackgroundTask(folder.cleanup))  # fmt: skip


@router.post("/{number}/delete")
def drop(desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Delete a draft."""
    campaigns.drop(desk.store, number, who.name)
    return redirect("/campaigns", "Deleted.")
