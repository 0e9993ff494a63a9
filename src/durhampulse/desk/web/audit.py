"""The page of the audit log, and the log as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection, Row, Table, func, select
from starlette.responses import StreamingResponse

from durhampulse.desk.models.naming import model_names
from durhampulse.desk.review.conflicts import VERBS
from durhampulse.desk.store.audit import latest
from durhampulse.desk.store.chain import Head, export_lines, read_head
from durhampulse.desk.store.search import find_some
from durhampulse.desk.store.tables import campaign, creator, receipt, room, upload
from durhampulse.desk.web.access import Admin, DeskOf, PageRoute
from durhampulse.desk.web.rendering import Context, render, searched

__all__ = ["router"]

router = APIRouter(prefix="/audit", include_in_schema=False, route_class=PageRoute)

_NAMED: dict[str, tuple[Table, Any, str]] = {
    "creator": (creator, func.coalesce(creator.c.name, creator.c.external_id), "/creators/"),
    "campaign": (campaign, campaign.c.name, "/campaigns/"),
    "upload": (upload, upload.c.file_name, "/imports/"),
    "room": (room, room.c.name, "/rooms/"),
}
"""What has a name and a page: its table, the name in it, where its page is."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of the log in today's names; `link` is empty where there is no page any more."""

    id: int
    at: datetime
    who: str
    act: str
    subject: str
    link: str
    detail: Mapping[str, Any]


class AuditContext(Context, template="audit.html"):
    """Entries of the audit log, and the receipts of erasures."""

    entries: Sequence[Entry]
    receipts: Sequence[Row[Any]]
    head: Head
    search: str
    matches: Sequence[Row[Any]]


@router.get("")
def show(request: Request, desk: DeskOf, who: Admin) -> Response:
    """Show who did what, about some creators or all, and the receipts of erasures."""
    text = request.query_params.get("before", "")
    before = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
    search = searched(request)
    with desk.store.reading() as db:
        matches = find_some(db, search) if search else []
        subjects = [f"creator {row.id}" for row in matches] if search else None
        entries = _named(db, latest(db, before, subjects=subjects))
        receipts = db.execute(select(receipt).order_by(receipt.c.id.desc()).limit(50)).all()
        head = read_head(db)
    context = AuditContext(
        entries=entries, receipts=receipts, head=head, search=search, matches=matches
    )
    return render(request, who, context)


@router.get("/log.jsonl")
def download(desk: DeskOf, who: Admin) -> Response:  # noqa: ARG001 - who admits
    """Return the whole log as lines of JSON, each with its hash."""

    def lines() -> Iterator[str]:
        with desk.store.reading() as db:
            yield from export_lines(db)

    headers = {"content-disposition": 'attachment; filename="audit.jsonl"'}
    return StreamingResponse(lines(), media_type="application/jsonl", headers=headers)


def _named(db: Connection, rows: Sequence[Row[Any]]) -> list[Entry]:
    """Return entries with what they are about as it is called now, where it still exists."""
    names = _names(db, {row.subject for row in rows})
    models = model_names(db)
    return [
        Entry(
            id=row.id, at=row.at, who=row.who, act=VERBS.get(row.act, row.act),
            subject=names.get(row.subject) or models.get(row.subject, row.subject),
            link=_link(row.subject) if row.subject in names else "",
            detail=_with_models(row.detail, models),
        )
        for row in rows
    ]  # fmt: skip


def _names(db: Connection, subjects: set[str]) -> dict[str, str]:
    """Return what the subjects that have a page are called."""
    names: dict[str, str] = {}
    for kind, (table, name, _path) in _NAMED.items():
        numbers = [int(subject[len(kind) :]) for subject in subjects if _is_of(kind, subject)]
        query = select(table.c.id, name.label("name")).where(table.c.id.in_(numbers))
        names |= {f"{kind} {row.id}": row.name for row in db.execute(query)} if numbers else {}
    return names


def _is_of(kind: str, subject: str) -> bool:
    before, _space, number = subject.partition(" ")
    return before == kind and number.isdecimal()


def _link(subject: str) -> str:
    kind, _space, number = subject.partition(" ")
    return f"{_NAMED[kind][2]}{number}"


def _with_models(detail: Mapping[str, Any], models: Mapping[str, str]) -> dict[str, Any]:
    """Return an entry's detail with the names of models instead of their hashes.

    Examples
    --------
    >>> names = {"28d563430be2": "model of 27 November 2026"}
    >>> _with_models({"creators": 6, "model": "28d563430be2"}, names)
    {'creators': 6, 'model': 'of 27 November 2026'}
    >>> _with_models({"before": "28d563430be2"}, names)
    {'before': 'model of 27 November 2026'}
    """
    return {
        key: models.get(value, value).removeprefix(f"{key} ") if isinstance(value, str) else value
        for key, value in detail.items()
    }
