"""The shortlist: a page of the ranked table, decisions and owners of those ticked, and export."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import Row
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse

from durhampulse.decision.figures import quantity
from durhampulse.desk.campaigns.campaigns import drafts
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.models.unlikeness import StandingList, standing_lists
from durhampulse.desk.outcomes.watching import BandWatch
from durhampulse.desk.review.bulk import under_way
from durhampulse.desk.review.decisions import (
    REASONS,
    BulkResult,
    ReviewDecision,
    decide_many,
    last_review,
)
from durhampulse.desk.shortlist import pages as shortlist
from durhampulse.desk.shortlist.export import provenance_of, write_list
from durhampulse.desk.shortlist.history import last_remarks, reviewers
from durhampulse.desk.shortlist.lists import ListChoice, list_choices
from durhampulse.desk.shortlist.owners import (
    Care,
    care_of,
    hand_over_many,
    owner_choices,
    read_person,
)
from durhampulse.desk.shortlist.saved import views_for
from durhampulse.desk.shortlist.trend import Trend, trends
from durhampulse.desk.shortlist.view import (
    COLUMNS,
    SORTS,
    View,
    read_cursor,
    write_cursor,
)
from durhampulse.desk.store import clock
from durhampulse.desk.store.carried import read_carried
from durhampulse.desk.store.niches import read_niches
from durhampulse.desk.store.tables import STATES
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer, Viewer
from durhampulse.desk.web.counts import counts_of
from durhampulse.desk.web.exports import note_export
from durhampulse.desk.web.parts import MOST_CHOSEN, CountsContext, view_of
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.desk.web.rows import ListRow, list_rows
from durhampulse.exceptions import InputError
from durhampulse.files.formats import FORMATS, READABLE, WRITABLE, listed, suffix_of
from durhampulse.files.scratch import scratch_folder
from durhampulse.scoring.crm import CRM_FORMATS, CrmFormat
from durhampulse.scoring.writeback import unpacked

__all__ = ["FILE_TYPES", "media_type", "router", "wanted_form"]

router = APIRouter(include_in_schema=False, route_class=PageRoute)
FILE_TYPES = {suffix[1:]: FORMATS[suffix].media_type for suffix in WRITABLE}
"""Kind of an exported file to its media type."""
_EXPLAINED = 18
"""How many rows a window of 1360 by 900 shows at first. The reasons of a whole page take as long as
all else of it: those further down come after it."""


class ShortlistContext(CountsContext, template="shortlist.html"):
    """The shortlist."""

    rows: Sequence[ListRow]
    rules: Rules
    niches: Sequence[str]
    sorts: Mapping[str, str]
    states: Sequence[str]
    links: Mapping[str, str]
    reasons: Sequence[str]
    request_name: str
    seen: int
    back: str
    lists: Sequence[ListChoice]
    saved: Sequence[Row[Any]]
    work: Sequence[Row[Any]]
    columns: Sequence[str]
    unlike_lists: Sequence[StandingList]
    broken: Sequence[BandWatch]
    drafts: Sequence[Row[Any]]
    remarks: Mapping[int, str]
    crms: Mapping[str, CrmFormat]
    reviewers: Mapping[int, str]
    cares: Mapping[int, Care]
    owners: Sequence[Row[Any]]
    trends: Mapping[int, Trend]


class EmptyContext(Context, template="empty-shortlist.html"):
    """The shortlist before the first import, and the endings of files that it takes."""

    suffixes: Sequence[str]


@router.get("/shortlist")
def show(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show a page of the list."""
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        view = view_of(db, request, who, rules)
        params = request.query_params
        after, before = (read_cursor(params.get(n, ""), view.sort) for n in ("after", "before"))
        page = shortlist.page(db, view, rules, after=after, before=before)
        rows = list_rows(rules, desk.top_reasons, page.rows, explained=_EXPLAINED)
        niches, seen = read_niches(db), last_review(db)
        here_now = [row.id for row in page.rows]
        remarks, moved = last_remarks(db, here_now), trends(db, rules.version, here_now)
        who_decided = reviewers(db, here_now) if "reviewer" in view.column else {}
        cares = care_of(db, here_now) if "owner" in view.column else {}
        lists, saved, work = list_choices(db), views_for(db, who), under_way(db)
        unlike_lists, broken = standing_lists(db), desk.watched.broken(db, rules)
        open_drafts, counts = drafts(db), counts_of(desk, db, view, rules)
        owners = owner_choices(db)
    if not (rows or view.is_filtered or after or before):
        return render(request, who, EmptyContext(suffixes=READABLE))
    here = [(name, params[name]) for name in ("after", "before") if params.get(name)]
    links = {
        name: f"/shortlist?{view.query()}&{urlencode({name: write_cursor(place)})}" if place else ""
        for name, place in (("before", page.before), ("after", page.after))
    }
    context = ShortlistContext(
        rows=rows, view=view, rules=rules, niches=niches, sorts=SORTS, states=STATES, links=links,
        reasons=REASONS, seen=seen, request_name=secrets.token_hex(12),
        back=f"{view.query()}&{urlencode(here)}", lists=lists, saved=saved, work=work,
        columns=COLUMNS, unlike_lists=unlike_lists, broken=broken, drafts=open_drafts,
        remarks=remarks, reviewers=who_decided, cares=cares, owners=owners, trends=moved,
        swapped=False, crms=CRM_FORMATS, **counts,
    )  # fmt: skip
    return render(request, who, context)


@router.post("/shortlist/decide")
def record_decisions(  # noqa: PLR0913 - one for each field of the form
    desk: DeskOf, who: Reviewer,
    decision: Annotated[str, Form()], reason: Annotated[str, Form()],
    request_name: Annotated[str, Form()], seen: Annotated[int, Form(ge=0, lt=2**63)],
    chosen: Annotated[list[Number], Form(default_factory=list)],
    note: Annotated[str, Form()] = "", back: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Decide about the creators that were ticked."""
    made = ReviewDecision(
        choice=decision, reason=reason, note=note, request=request_name, seen=seen
    )
    if len(chosen) > MOST_CHOSEN:
        problem = f"{len(chosen):,} are ticked: too many for one by one."
        raise InputError(problem, f"Tick up to {MOST_CHOSEN:,}, or decide about all that match.")
    rules = desk.catalogue.current()
    result = decide_many(desk.store, chosen, who.id, made, rules)
    undo = f"/acts/{result.act}/undo" if result.act else ""
    return redirect(f"/shortlist?{back}", _in_words(result), undo=undo)


@router.post("/shortlist/owner")
def give_to_owner(
    desk: DeskOf, who: Reviewer,
    chosen: Annotated[list[Number], Form(default_factory=list)],
    owner: Annotated[str, Form()] = "", back: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Hand the creators that were ticked to an owner."""
    if not chosen or len(chosen) > MOST_CHOSEN:
        problem = f"{len(chosen):,} are ticked." if chosen else "Nobody is ticked."
        raise InputError(problem, f"Tick up to {MOST_CHOSEN:,}, or hand over all that match.")
    n, act_id = hand_over_many(desk.store, chosen, read_person(owner), who.name)
    words = f"Handed over {quantity(n, 'creator')}."
    return redirect(f"/shortlist?{back}", words, undo=f"/acts/{act_id}/undo")


def _in_words(result: BulkResult) -> str:
    """Return the result of a bulk decision in words.

    Examples
    --------
    >>> _in_words(BulkResult(decided=12, held=2))
    '12 decided. Left alone: 2 before other reviewers.'
    """
    left = [
        f"{n} {why}"
        for n, why in (
            (result.held, "before other reviewers"),
            (result.changed, "decided by others since"),
            (result.gone, "no longer in the list"),
        )
        if n
    ]
    return f"{result.decided} decided." + (f" Left alone: {', '.join(left)}." if left else "")


@router.get("/shortlist/export/{kind}")
def export(request: Request, desk: DeskOf, who: Viewer, kind: str) -> Response:
    """Return the whole view as a file."""
    if kind == "provenance":
        with desk.store.reading() as db:
            rules = desk.catalogue.current(db)
            about = view_of(db, request, who, rules).query()
        return JSONResponse(provenance_of(rules, about=about, by=who.name))
    form = wanted_form(kind)
    folder = scratch_folder()
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        view = view_of(db, request, who, rules)
        ending = f"{kind}.zip" if form else kind
        path = Path(folder.name, f"{_file_name(view)}.{ending}")
        parts = shortlist.walk(db, view, rules)
        rows = write_list(
            path, parts, rules, desk.top_reasons, about=view.query(), by=who.name,
            carried=read_carried(db), db=db, form=form,
        )  # fmt: skip
    narrowed = sorted({name for name, _ in view.pairs(sort="probability", column=())} - {"order"})
    note_export(request, desk, who, "list", rows=rows, format=kind, narrowed_by=narrowed)
    path = unpacked(path) if form else path
    return FileResponse(
        path,
        media_type=media_type(path),
        filename=path.name,
        background=BackgroundTask(folder.cleanup),
    )


def wanted_form(kind: str) -> CrmFormat | None:
    """Return the customer system that a file is asked for; None for a format of ours."""
    if kind not in FILE_TYPES and kind not in CRM_FORMATS:
        raise HTTPException(404, f"Export {listed((*FILE_TYPES, *CRM_FORMATS))}.")
    return CRM_FORMATS.get(kind)


def media_type(path: Path) -> str:
    """Return what an exported file is sent as."""
    return FORMATS[suffix_of(path)].media_type


def _file_name(view: View) -> str:
    """Return what a file of a view is called: its answers and states, and the day.

    What people have typed stays out: files are mailed around.
    """
    parts = ["shortlist", *view.band, *view.state, *(["search"] if view.search else [])]
    return "-".join([*parts, f"{clock.now():%Y-%m-%d}"])
