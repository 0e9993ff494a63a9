"""The pages of imports: upload, preview, correct, check, confirm."""

from __future__ import annotations

import csv
import io
import secrets
import shutil
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, BinaryIO

from fastapi import APIRouter, Request, Response
from sqlalchemy import select, update
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL
from durhampulse.desk.imports import preview as previews
from durhampulse.desk.imports.checking import known_now
from durhampulse.desk.imports.intake import begin, discard, refused_rows
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.tables import upload
from durhampulse.desk.web.access import DeskOf, Number, Reviewer, SentForm, Viewer
from durhampulse.desk.web.rendering import redirect, render
from durhampulse.desk.web.state import Desk
from durhampulse.exceptions import InputError
from durhampulse.files.formats import READABLE, listed, suffix_of
from durhampulse.files.formulas import spreadsheet_safe

__all__ = ["router"]

router = APIRouter(prefix="/imports", include_in_schema=False)
_LARGEST = 1 << 30
_RATES = [name for name, column in COLUMNS.items() if column.kind == "rate"]


@router.get("")
def show_all(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show past imports, and the form for a new one."""
    with desk.store.reading() as db:
        uploads = db.execute(select(upload).order_by(upload.c.id.desc()).limit(100)).all()
    return render(request, who, "imports.html", uploads=uploads, suffixes=READABLE)


@router.post("", max_body_size=_LARGEST)
def add(desk: DeskOf, who: Reviewer, form: SentForm) -> Response:
    """Store an uploaded file."""
    name, stream = sent_file(form)
    suffix = suffix_of(name)
    if suffix not in READABLE:
        raise InputError(f"'{name}' is no table.", f"Use {listed()}.")
    desk.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = desk.folder / f"{secrets.token_hex(12)}{suffix}"  # never a name from outside
    with path.open("xb") as copy:
        shutil.copyfileobj(stream, copy, 1 << 20)
    if not path.stat().st_size:
        path.unlink()
        raise InputError(f"'{name}' is empty.", "Choose a file with creators.")
    with desk.store.writing() as db:
        number = begin(db, path, name, who.name)
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
        raise InputError("No file came.", "Choose one.")
    return clean_name(file.filename or ""), file.file


def clean_name(name: str) -> str:
    r"""Return the last part of a file's name, without unprintable characters.

    Examples
    --------
    >>> clean_name("../../etc/cron.d/x.csv"), clean_name("C:\\list\x07.csv")
    ('x.csv', 'list.csv')
    """
    last = PureWindowsPath(PurePosixPath(name).name).name
    return "".join(letter for letter in last if letter.isprintable())[-200:] or "unnamed"


@router.get("/{number}")
def show(request: Request, desk: DeskOf, who: Viewer, number: Number) -> Response:
    """Show an import: its preview, its progress, or its result."""
    row = _find(desk, number)
    context: dict[str, Any] = {}
    if row.state == "new":
        rules = desk.catalogue.current()
        asked = request.query_params
        columns = {name: asked[name] for name in COLUMNS if name in asked} or row.columns
        units = {
            name: unit for name in _RATES if (unit := asked.get(f"unit {name}", "")) in _UNITS
        } or row.units
        preview = previews.preview(rules.scorer, Path(row.path), row.file_name, columns, units)
        # The person may just have corrected what an earlier check found wrong.
        earlier = (row.problem, row.way_out) if not asked else (None, None)
        context = {
            "preview": preview, "problem": earlier[0] or preview.problem,
            "way_out": earlier[1] or preview.way_out,
            "columns": {n: c.meaning for n, c in COLUMNS.items() if n != LABEL},
            "identifier": IDENTIFIER, "rates": _RATES,
        }  # fmt: skip
    elif row.state in ("checked", "done"):
        with desk.store.reading() as db:
            context = {
                "refused": refused_rows(db, number, 20).to_dict("records"),
                "known": known_now(db, row) if row.state == "checked" else row.summary["known"],
            }
    return render(request, who, "import.html", upload=row, **context)


_UNITS = ("fraction", "percent")


@router.get("/{number}/progress")
def progress(request: Request, desk: DeskOf, who: Viewer, number: Number) -> Response:
    """Show how far an import is; the page is loaded anew when it has got on."""
    row = _find(desk, number)
    part = render(request, who, "progress.html", upload=row)
    if row.state not in ("checking", "applying"):
        part.headers["HX-Refresh"] = "true"
    return part


@router.post("/{number}/check")
async def check(request: Request, desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Check the file as previewed, or corrected."""
    form = await request.form()
    columns = {name: str(form[name]) for name in COLUMNS if name in form}
    units = {name: str(form[f"unit {name}"]) for name in _RATES
             if form.get(f"unit {name}") in _UNITS}  # fmt: skip
    return await run_in_threadpool(_start, desk, who.name, number, columns, units)


def _start(
    desk: Desk, by: str, number: Number, columns: dict[str, str], units: dict[str, str]
) -> Response:
    with desk.store.writing() as db:
        waiting = update(upload).where(upload.c.id == number, upload.c.state == "new")
        values = {
            "columns": columns, "units": units, "state": "checking", "lease_until": None,
            "model_version": None, "chunks_done": 0, "progress": 0.0, "problem": None,
        }  # fmt: skip
        if not db.execute(waiting.values(**values)).rowcount:
            raise InputError("This import has moved on.", "Reload the page.")
        note(db, by, "import checked", f"upload {number}", {"columns": columns, "units": units})
    desk.worker.wake()
    return redirect(f"/imports/{number}")


@router.post("/{number}/confirm")
def confirm(desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Put a checked import in place."""
    with desk.store.writing() as db:
        waiting = update(upload).where(upload.c.id == number, upload.c.state == "checked")
        values = {"state": "applying", "lease_until": None, "problem": None, "way_out": None}
        if not db.execute(waiting.values(**values)).rowcount:
            raise InputError("This import has moved on.", "Reload the page.")
        note(db, who.name, "import confirmed", f"upload {number}")
    desk.worker.wake()
    return redirect(f"/imports/{number}")


@router.post("/{number}/drop")
def drop(desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Drop an import; the list stays as it is."""
    discard(desk.store, number, who.name)
    return redirect("/imports", "Dropped; the list is as it was.")


@router.get("/{number}/refused")
def refused(desk: DeskOf, who: Viewer, number: Number) -> Response:  # noqa: ARG001 - who admits
    """Return the refused rows with their reasons."""
    with desk.store.reading() as db:
        table = refused_rows(db, number)
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(table.columns)
    for row in table.itertuples(index=False):
        rows.writerow([spreadsheet_safe(cell) for cell in row])
    headers = {"content-disposition": f'attachment; filename="refused-{number}.csv"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _find(desk: Desk, number: Number) -> Any:
    with desk.store.reading() as db:
        row = db.execute(select(upload).where(upload.c.id == number)).first()
    if row is None:
        raise InputError("There is no such import.", "Choose one of the list.")
    return row
