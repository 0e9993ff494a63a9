"""Outcomes: what happened, by file, and what to learn from it."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from fastapi import APIRouter, Request, Response
from sqlalchemy import func, select

from durhampulse.creators.schema import LABEL
from durhampulse.desk.outcomes.file import today
from durhampulse.desk.outcomes.recording import Recorded, record_file
from durhampulse.desk.store.tables import creator, outcome
from durhampulse.desk.web.access import DeskOf, Reviewer, SentForm, Viewer
from durhampulse.desk.web.imports import sent_file
from durhampulse.desk.web.rendering import render
from durhampulse.exceptions import InputError
from durhampulse.files.formats import suffix_of

__all__ = ["router"]

router = APIRouter(prefix="/outcomes", include_in_schema=False)
_LARGEST = 64 << 20


def _page(
    request: Request, desk: DeskOf, who: Viewer, recorded: Recorded | None = None
) -> Response:
    with desk.store.reading() as db:
        standing = outcome.c.replaced_at.is_(None)
        n, deals = db.execute(
            select(func.count(), func.count().filter(outcome.c.deal.is_(True))).where(standing)
        ).one()
        latest = db.execute(
            select(outcome, creator.c.external_id)
            .join(creator, creator.c.id == outcome.c.creator_id)
            .where(standing).order_by(outcome.c.id.desc()).limit(50)
        ).all()  # fmt: skip
    return render(request, who, "outcomes.html", n=n, deals=deals, latest=latest,
                  today=today().isoformat(), recorded=recorded)  # fmt: skip


@router.get("")
def show(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show the outcomes that stand, and the form for more."""
    return _page(request, desk, who)


@router.post("", max_body_size=_LARGEST)
def add(request: Request, desk: DeskOf, who: Reviewer, form: SentForm) -> Response:
    """Record the outcomes of a file."""
    name, stream = sent_file(form)
    try:
        on = date.fromisoformat(str(form.get("on", "")))
    except ValueError as error:
        raise InputError("The day is none.", "Write it as 2026-05-31.") from error
    with tempfile.TemporaryDirectory(prefix="durhampulse-") as folder:
        path = Path(folder, f"outcomes{suffix_of(name)[:10]}")
        path.write_bytes(stream.read())
        rule = desk.catalogue.current().scorer.model.rules.get(LABEL)
        recorded = record_file(desk.store, path, name=name, on=on, by=who.name, rule=rule)
    return _page(request, desk, who, recorded=recorded)
