"""The pages of imports: upload, preview, correct, check, confirm."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import Row, or_, select
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from durhampulse.creators.options import ReadOptions
from durhampulse.desk.imports.checking import known_now
from durhampulse.desk.imports.choices import digest_of, from_plain
from durhampulse.desk.imports.form import read_form
from durhampulse.desk.imports.intake import (
    back_to_columns,
    begin,
    choose,
    confirm_import,
    discard,
    forget_choices,
    refused_rows,
    require_new,
    start_check,
)
from durhampulse.desk.imports.labelled import waiting_outcomes
from durhampulse.desk.imports.problems import FieldError, Problem
from durhampulse.desk.imports.recipes import find_recipe, recipe_of
from durhampulse.desk.imports.refusals import Refused, reasons_of
from durhampulse.desk.imports.understanding import (
    is_understood,
    keep_understood,
    understand,
    understood_of,
)
from durhampulse.desk.imports.undoing import UndoneImport, ask_to_undo, import_act
from durhampulse.desk.imports.uploaded import clean_name, uploaded
from durhampulse.desk.models.unlikeness import Unlikeness
from durhampulse.desk.outcomes.file import read_day
from durhampulse.desk.people.people import Principal
from durhampulse.desk.store import clock
from durhampulse.desk.store.missing import numbered_row
from durhampulse.desk.store.tables import upload
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer, SentForm, Viewer
from durhampulse.desk.web.acts import may_undo
from durhampulse.desk.web.exports import note_export
from durhampulse.desk.web.reading import preview_context
from durhampulse.desk.web.rendering import Context, later, redirect, render, searched
from durhampulse.desk.web.state import Desk
from durhampulse.exceptions import InputError
from durhampulse.files.cage import Cage
from durhampulse.files.formats import READABLE, listed, suffix_of
from durhampulse.files.formulas import spreadsheet_safe

__all__ = ["router", "sent_file"]

router = APIRouter(prefix="/imports", include_in_schema=False, route_class=PageRoute)
_LARGEST = 1 << 30


class ImportsContext(Context, template="imports.html"):
    """Past imports, and the form for a new one."""

    uploads: Sequence[Row[Any]]
    suffixes: Sequence[str]
    search: str


class ProgressContext(Context, template="progress.html"):
    """How far an import is."""

    upload: Row[Any]


class WaitingContext(Context, template="import-waiting.html"):
    """A file that is not understood yet, and what went wrong the time before."""

    upload: Row[Any]
    problem: Problem | None


class ImportContext(Context, template="import.html"):
    """An import that was checked: its progress, what it would change, or its result.

    `refused` says why rows were, `known` counts creators that are stored already, `act` is
    what put it in place, which the reader may undo where it is `mine`. `outcomes` is the file of
    outcomes that it left, as long as that waits.
    """

    upload: Row[Any]
    refused: Sequence[Refused] = ()
    known: int = 0
    act: Row[Any] | None = None
    mine: bool = False
    unlike: Unlikeness | None = None
    outcomes: int | None = None
    today: str = ""


class UndoContext(Context, template="undo-import.html"):
    """What the undo of an import would change."""

    upload: Row[Any]
    counts: UndoneImport
    counted_at: datetime | None


@router.get("")
def show_all(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show past imports, or those that a search finds, and the form for a new one."""
    search, u = searched(request), upload.c
    wanted = select(upload).order_by(u.id.desc()).limit(100)
    if search:
        texts = (u.file_name, u.by)
        wanted = wanted.where(or_(*(text.icontains(search, autoescape=True) for text in texts)))
    with desk.store.reading() as db:
        uploads = db.execute(wanted).all()
    context = ImportsContext(uploads=uploads, suffixes=READABLE, search=search)
    return render(request, who, context)


@router.post("", max_body_size=_LARGEST)
def add(desk: DeskOf, who: Reviewer, form: SentForm) -> Response:
    """Store an uploaded file."""
    name, stream = sent_file(form)
    suffix = suffix_of(name)
    if suffix not in READABLE:
        raise InputError(f"'{name}' is no table.", f"Use {listed()}.", "file")
    with uploaded(desk.folder, stream, suffix) as path:
        if not path.stat().st_size:
            raise InputError(f"'{name}' is empty.", "Choose a file with creators.", "file")
        with Cage() as cage:
            recipe = find_recipe(desk.store, path, cage)
        options = from_plain(recipe.options) if recipe else ReadOptions()
        shape = recipe.shape if recipe else None
        rules = desk.catalogue.current()
        shown = understand(rules, path, name, options)
        with desk.store.writing() as db:
            number = begin(db, path, name, who.name, options=options, recipe=shape)
            keep_understood(db, number, options, rules.version, shown)
    return redirect(f"/imports/{number}")


def sent_file(form: FormData) -> tuple[str, BinaryIO]:
    """Return the name and the content of the file that came with a form.

    Raises
    ------
    InputError
        If none came.
    """
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise InputError("No file came.", "Choose one.", "file")
    return clean_name(file.filename or ""), file.file


@router.get("/{number}")
def show(request: Request, desk: DeskOf, who: Viewer, number: Number) -> Response:
    """Show an import: its preview, its progress, or its result."""
    row = _find(desk, number)
    if row.state == "new":
        return _preview_page(request, desk, who, row)
    context = ImportContext(upload=row)
    if row.state in ("checked", "done", "undone"):
        facts = row.summary.get("unlike")
        with desk.store.reading() as db:
            done = import_act(db, number)
            context = ImportContext(
                upload=row, refused=reasons_of(db, number),
                known=known_now(db, row) if row.state == "checked" else row.summary["known"],
                act=done, mine=done is not None and may_undo(who, done),
                unlike=Unlikeness(**facts) if facts else None,
                outcomes=waiting_outcomes(db, row), today=clock.today().isoformat(),
            )  # fmt: skip
    return render(request, who, context)


def _preview_page(
    request: Request, desk: Desk, who: Principal, row: Any,
    *, sent: Mapping[str, str] | None = None,
    wrong: FieldError | None = None,
) -> Response:  # fmt: skip
    """Return the page of a file that waits to be checked.

    Parameters
    ----------
    sent, wrong
        A form that could not be taken, shown as it was sent, and why.
    """
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        preview = understood_of(db, row, rules.version)
        recipe = recipe_of(db, row.recipe)
    problem = preview.problem if preview is not None else None
    if wrong is not None:
        problem = Problem(wrong.problem, wrong.way_out, wrong.field)
    elif row.problem and problem is None:  # what an earlier check ran into
        problem = Problem(row.problem, row.way_out or "")
    if preview is None:
        return render(request, who, WaitingContext(upload=row, problem=problem))
    refused = wrong is not None and "hx-request" not in request.headers
    context = preview_context(
        preview, upload=row, problem=problem, refused=refused, sent=sent or {}, recipe=recipe,
        previewed=digest_of(preview.options, rules.version),
    )  # fmt: skip
    return render(request, who, context, status=422 if refused else 200)


@router.post("/{number}/read")
async def read_again(request: Request, desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Preview the file as the form says."""
    sent = _fields(await request.form())
    return await run_in_threadpool(_choose, request, desk, who, number, sent)


@router.post("/{number}/check")
async def check(request: Request, desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Check the file as it was previewed; preview it again where the form says otherwise."""
    sent = _fields(await request.form())
    return await run_in_threadpool(_choose, request, desk, who, number, sent, score=True)


def _fields(form: FormData) -> dict[str, str]:
    return {name: str(value) for name, value in form.items()}


def _choose(
    request: Request, desk: Desk, who: Principal, number: int, sent: Mapping[str, str],
    *, score: bool = False,
) -> Response:  # fmt: skip
    """Keep what a form says, and start the check where that is what was previewed."""
    row = _find(desk, number)
    try:
        options = read_form(sent, from_plain(row.options))
    except FieldError as error:
        require_new(row)
        return _preview_page(request, desk, who, row, sent=sent, wrong=error)
    seen = sent.get("previewed") == digest_of(options, desk.catalogue.current().version)
    if score and seen:
        start_check(desk.store, number, options, who.name)
        desk.worker.wake(f"upload {number}")
        return redirect(f"/imports/{number}")
    _look(desk, row, options)  # a form as it was shown names columns that no look was asked for
    choose(desk.store, number, options)
    notice = "Your choices are read now. Look again, then score." if score else ""
    return redirect(f"/imports/{number}", notice)


def _look(desk: Desk, row: Any, options: ReadOptions) -> None:
    """Store what is understood of a file when it is read so, unless that is stored already."""
    require_new(row)
    rules = desk.catalogue.current()
    with desk.store.reading() as db:
        stored = is_understood(db, row.id, options, rules.version)
    if not stored:
        shown = understand(rules, Path(row.path), row.file_name, options)
        with desk.store.writing() as db:
            keep_understood(db, row.id, options, rules.version, shown)


@router.post("/{number}/afresh")
def start_afresh(
    desk: DeskOf, who: Reviewer, number: Number, forgotten: Annotated[bool, Form()] = False
) -> Response:
    """Read the file as if none of its shape had come before, and forget those if asked to."""
    _look(desk, _find(desk, number), ReadOptions())
    forget_choices(desk.store, number, who.name, recipe=forgotten)
    return redirect(f"/imports/{number}")


@router.get("/{number}/progress")
def progress(request: Request, desk: DeskOf, who: Viewer, number: Number) -> Response:
    """Show how far an import is; the page is loaded anew when it has got on."""
    row = _find(desk, number)
    part = render(request, who, ProgressContext(upload=row))
    if row.state not in ("checking", "applying", "undoing"):
        part.headers["HX-Refresh"] = "true"
    return part


@router.post("/{number}/confirm")
def confirm(
    desk: DeskOf, who: Reviewer, number: Number, unlike: Annotated[bool, Form()] = False,
    outcomes: Annotated[bool, Form()] = False, on: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Put a checked import in place; an unlike one only where somebody says that they know."""
    asked = {"by": who.name, "on": read_day(on).isoformat()} if outcomes else None
    confirm_import(desk.store, number, who.name, knows_unlike=unlike, asked=asked)
    desk.worker.wake(f"upload {number}")
    return redirect(f"/imports/{number}")


@router.post("/{number}/drop")
def drop(desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Drop an import; the list stays as it is."""
    discard(desk.store, number, who.name)
    return redirect("/imports", "Discarded; the list is as it was.")


@router.post("/{number}/columns")
def choose_again(desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Go back from what an import would change to the choice of its columns."""
    back_to_columns(desk.store, number, who.name)
    row = _find(desk, number)
    _look(desk, row, from_plain(row.options))
    return redirect(f"/imports/{number}")


@router.get("/{number}/undo")
def show_undo(request: Request, desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Show what the undo of an import would change."""
    row = _find(desk, number)
    with desk.store.reading() as db:
        _require_right(who, import_act(db, number))
        kept = desk.undo_of(db, desk.catalogue.current(db), number, who.name)
    if kept is None:
        return later(request, who)
    context = UndoContext(upload=row, counts=kept.value, counted_at=kept.at)
    return render(request, who, context)


@router.post("/{number}/undo")
def undo(desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Undo an import, in the background."""
    with desk.store.reading() as db:
        _require_right(who, import_act(db, number))
    ask_to_undo(desk.store, number, who.name)
    desk.worker.wake(f"upload {number}")
    return redirect(f"/imports/{number}")


def _require_right(who: Principal, done: Any) -> None:
    if done is not None and not may_undo(who, done):
        raise HTTPException(403, f"{done.by} imported this: they can undo it, or an admin.")


@router.get("/{number}/refused")
def refused(request: Request, desk: DeskOf, who: Viewer, number: Number) -> Response:
    """Return the refused rows with their reasons."""
    _find(desk, number)
    with desk.store.reading() as db:
        table = refused_rows(db, number)
    note_export(request, desk, who, f"upload {number}", rows=len(table), format="csv")
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(map(spreadsheet_safe, table.columns))
    rows.writerows(map(spreadsheet_safe, row) for row in table.itertuples(index=False))
    headers = {"content-disposition": f'attachment; filename="refused-{number}.csv"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _find(desk: Desk, number: Number) -> Any:
    with desk.store.reading() as db:
        problem, way_out = "There is no such import.", "Choose one of the list."
        return numbered_row(db, upload, number, problem, way_out)
