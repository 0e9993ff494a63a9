"""Outcomes: what happened, by file, and what to learn from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Row, func, select

from durhampulse.creators.options import ReadOptions
from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.decision.figures import quantity
from durhampulse.desk.imports.form import outcome_words_of
from durhampulse.desk.imports.labelled import LARGEST
from durhampulse.desk.imports.problems import Problem, problem_of
from durhampulse.desk.imports.uploaded import uploaded
from durhampulse.desk.outcomes.byfile import OutcomeSource, Preview, preview_of
from durhampulse.desk.outcomes.file import read_day
from durhampulse.desk.outcomes.waiting import (
    confirm_file,
    content_of,
    drop_file,
    find_file,
    keep_file,
    waiting_files,
)
from durhampulse.desk.outcomes.watching import BandWatch, Lottery, draw_of_no
from durhampulse.desk.people.people import Principal
from durhampulse.desk.store import clock
from durhampulse.desk.store.tables import creator, outcome
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer, SentForm, Viewer
from durhampulse.desk.web.imports import sent_file
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.desk.web.state import Desk
from durhampulse.exceptions import InputError
from durhampulse.files.formats import suffix_of

__all__ = ["router"]

router = APIRouter(prefix="/outcomes", include_in_schema=False, route_class=PageRoute)

_FIELDS = (
    (f"column {IDENTIFIER}", "Creators are named in column", "Username"),
    (f"column {LABEL}", "Outcomes stand in column", "Status"),
    ("deal_is", "A deal is called", "Signed, Won"),
    ("no_deal_is", "None is called", "Declined, Lost"),
)
"""What can be said of a file: the form's field, its label, and an example."""


class OutcomesContext(Context, template="outcomes.html"):
    """The outcomes that stand, what they say of the model, and the form for a file of more."""

    n: int
    deals: int
    latest: Sequence[Row[Any]]
    today: str
    problem: Problem | None
    waiting: Sequence[Row[Any]]
    sent: Mapping[str, str]
    fields: Sequence[tuple[str, str, str]]
    bands: Sequence[BandWatch]
    is_counted: bool
    counted_at: datetime | None
    lottery: Lottery
    promise: str


class FileContext(Context, template="outcome-file.html"):
    """A file of outcomes that waits, and what it would record, or why it cannot be read."""

    file: Row[Any]
    preview: Preview | None
    problem: Problem | None


def _page(
    request: Request, desk: Desk, who: Principal,
    *, problem: Problem | None = None, sent: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    with desk.store.reading() as db:
        standing = outcome.c.replaced_at.is_(None)
        n, deals = db.execute(
            select(func.count(), func.count().filter(outcome.c.deal.is_(True))).where(standing)
        ).one()
        rules = desk.catalogue.current(db)
        listed, lottery = desk.bands(db, rules), draw_of_no(db)
        bands = desk.watched.of(db, rules)
        waiting = waiting_files(db)
        latest = db.execute(
            select(outcome, creator.c.external_id, creator.c.name)
            .join(creator, creator.c.id == outcome.c.creator_id)
            .where(standing).order_by(outcome.c.id.desc()).limit(50)
        ).all()  # fmt: skip
    if listed is not None:
        counts = {band: {"creators": n, "expected": p} for band, (n, p) in listed.value.items()}
        bands = [replace(watched, **counts[watched.band]) for watched in bands]
    context = OutcomesContext(
        n=n, deals=deals, latest=latest, today=clock.today().isoformat(), problem=problem,
        waiting=waiting, sent=sent or {}, fields=_FIELDS, bands=bands, lottery=lottery,
        promise=rules.promise, is_counted=listed is not None,
        counted_at=listed.at if listed else None,
    )  # fmt: skip
    return render(request, who, context, status=422 if problem else 200)


@router.get("")
def show(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show the outcomes that stand, and the form for more."""
    return _page(request, desk, who)


@router.post("", max_body_size=LARGEST)
def add(request: Request, desk: DeskOf, who: Reviewer, form: SentForm) -> Response:
    """Take a file of outcomes; nothing is recorded before its preview is confirmed."""
    name, stream = sent_file(form)
    sent = {field: str(value) for field, value in form.items() if isinstance(value, str)}
    day = read_day(sent.get("on", ""))
    try:
        with uploaded(desk.folder, stream, suffix_of(name)[:10]) as path:
            source = OutcomeSource(
                path=path, name=name, on=day, rule=_rule(desk), options=_options(sent)
            )
            number = keep_file(desk.store, source, who.name)
    except InputError as error:
        return _page(request, desk, who, problem=problem_of(error, {}), sent=sent)
    return redirect(f"/outcomes/files/{number}")


def _rule(desk: Desk) -> ColumnRule | None:
    """Return how the active model's table names its outcomes."""
    return desk.catalogue.current().scorer.model.rules.get(LABEL)


@router.get("/files/{number}")
def show_file(request: Request, desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Show what a file would record."""
    with desk.store.reading() as db:
        row = find_file(db, number)
    preview = problem = None
    try:
        preview = preview_of(desk.store, content_of(desk.store, row, _rule(desk)))
    except InputError as error:
        problem = problem_of(error, {})
    context = FileContext(file=row, preview=preview, problem=problem)
    return render(request, who, context, status=422 if problem else 200)


@router.post("/files/{number}/record")
def record_waiting(desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Record what a file holds, as one act."""
    recorded = confirm_file(desk.store, number, who.name, _rule(desk))
    if recorded.act is None:
        return redirect("/outcomes", "Nothing in it was new: every outcome stands already.")
    text = f"Recorded the outcomes of {quantity(recorded.kept, 'creator')}."
    return redirect("/outcomes", text, undo=f"/acts/{recorded.act}/undo")


@router.post("/files/{number}/drop")
def drop_waiting(desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Drop a file; nothing of it is recorded."""
    drop_file(desk.store, number, who.name)
    return redirect("/outcomes", "Discarded: nothing of that file was recorded.")


def _options(sent: Mapping[str, str]) -> ReadOptions | None:
    """Return what was said of the file; None where nothing was."""
    chosen = {field: text for field, _, _ in _FIELDS if (text := sent.get(field, "").strip())}
    if not chosen:
        return None
    columns = {
        column: chosen[f"column {column}"]
        for column in (IDENTIFIER, LABEL)
        if f"column {column}" in chosen
    }
    words = outcome_words_of(chosen)
    deal, none = (words.get(name, ()) for name in ("deal_is", "no_deal_is"))
    return ReadOptions(columns=columns, deal_is=deal, no_deal_is=none)
