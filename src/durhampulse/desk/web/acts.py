"""The page of acts that concern many creators, and their undo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection, Row, select
from starlette.exceptions import HTTPException

from durhampulse.decision.figures import quantity
from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.conflicts import told
from durhampulse.desk.store.acts import AT_ONCE, UndoResult, find_act, latest_acts, undo_act
from durhampulse.desk.store.tables import upload
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer, Viewer
from durhampulse.desk.web.rendering import Context, redirect, render

__all__ = ["may_undo", "router"]

router = APIRouter(prefix="/acts", include_in_schema=False, route_class=PageRoute)


class ActsContext(Context, template="acts.html"):
    """The latest acts as ``row, text, file, mine``, and whether one is being undone."""

    acts: Sequence[Mapping[str, Any]]
    under_way: bool


@router.get("")
def show(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show the latest acts, and which of them can be undone."""
    with desk.store.reading() as db:
        rows = latest_acts(db)
        names = _names_of_files(db, rows)
    acts = [
        {"row": row, "text": _in_words(row), "mine": may_undo(who, row),
         "file": row.detail.get("file") or names.get(row.detail.get("upload"), "")}
        for row in rows
    ]  # fmt: skip
    under_way = any(row.undone_by and not row.undone_at and row.kind != "import" for row in rows)
    return render(request, who, ActsContext(acts=acts, under_way=under_way))


@router.post("/{number}/undo")
def undo(desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Undo an act as a whole; a large one in the background."""
    with desk.store.reading() as db:
        row = find_act(db, number)
    if not may_undo(who, row):
        raise HTTPException(403, f"{row.by} did this: they can undo it, or an admin.")
    result = undo_act(desk.store, number, who.name, at_once=AT_ONCE)
    if not result.done:
        desk.worker.wake(f"act {number}")
        return redirect("/acts", "It is being undone, while you go on with other things.")
    return redirect("/acts", _result_in_words(row.kind, result))


def may_undo(who: Principal, row: Any) -> bool:
    """Whether somebody may undo an act: who did it, or an admin."""
    return who.may("admin") or (who.may("reviewer") and row.by == who.name)


def _names_of_files(db: Connection, rows: Sequence[Row[Any]]) -> dict[int, str]:
    """Return the names of the files that some acts imported, by the upload's number."""
    numbers = [row.detail["upload"] for row in rows if row.kind == "import"]
    files = db.execute(select(upload.c.id, upload.c.file_name).where(upload.c.id.in_(numbers)))
    return {row.id: row.file_name for row in files}


def _in_words(row: Any) -> str:
    """Return what an act did."""
    detail = row.detail
    creators = quantity(detail.get("creators", 0), "creator")
    if row.kind == "decision":
        done = told(detail["decision"], creators)
        reason = f": {detail['reason']}" if detail["reason"] else ""
        return f"{done[:1].upper()}{done[1:]}{reason}"
    if row.kind == "outcomes":
        return f"Recorded the outcomes of {creators}"
    if row.kind == "owner":
        return f"Handed {creators} to {detail['name']}"
    return f"Imported {creators}"


def _result_in_words(kind: str, result: UndoResult) -> str:
    """Return the result of an undo in words.

    Examples
    --------
    >>> result = UndoResult(act_id=1, total=50, restored=47, kept=3, done=True)
    >>> _result_in_words("decision", result)
    '47 of 50 creators are as they were before. 3 were decided since: that stays.'
    """
    text = f"{result.restored:,} of {quantity(result.total, 'creator')} are as they were before."
    were, have = ("was", "has") if result.kept == 1 else ("were", "have")
    since = {
        "decision": f"{were} decided", "outcomes": f"{have} another outcome",
        "owner": f"{have} another owner or reminder",
    }  # fmt: skip
    return f"{text} {result.kept:,} {since[kind]} since: that stays." if result.kept else text
