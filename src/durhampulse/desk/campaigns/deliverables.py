"""What the creators of an agreed campaign are to deliver: a text, a day, and whether it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, Select, func, select, update

from durhampulse.desk.campaigns.campaigns import find
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.missing import MissingError
from durhampulse.desk.store.tables import creator, deliverable, proposal
from durhampulse.exceptions import InputError

__all__ = [
    "BACK", "LONGEST_DELIVERABLE", "DeliverableChange", "add_deliverable", "change_deliverable",
    "deliverable_texts", "deliverables", "find_deliverable", "move_deliverable",
]  # fmt: skip

LONGEST_DELIVERABLE: Final = 300
_MOST = 500
_YEARS = (2020, 2100)
DeliverableChange = Literal["done", "open", "remove", "restore"]
BACK: Final[Mapping[DeliverableChange, DeliverableChange]] = MappingProxyType(
    {"done": "open", "open": "done", "remove": "restore", "restore": "remove"}
)
"""A change to the one that undoes it."""
_ACTS = {"done": "deliverable done", "open": "deliverable open again",
         "remove": "deliverable removed", "restore": "deliverable restored"}  # fmt: skip


def deliverables(db: Connection, campaign_id: int) -> Sequence[Row[Any]]:
    """Return what is to be delivered: columns, ``called`` and whether it is ``late``.

    What is open comes first, the earliest before. What has no day comes after what has one.
    """
    d = deliverable.c
    called = func.coalesce(creator.c.name, creator.c.external_id).label("called")
    late = ((d.due < clock.today()) & d.done_at.is_(None)).label("late")
    rows: Select[Any] = (
        select(deliverable, called, late)
        .join(creator, creator.c.id == d.creator_id)
        .where(d.campaign_id == campaign_id, d.removed_at.is_(None))
        .order_by(d.done_at.is_not(None), d.due.is_(None), d.due, d.id)
    )
    return db.execute(rows).all()


def deliverable_texts(db: Connection, campaign_id: int) -> dict[int, tuple[str, int]]:
    """Return of each creator with some what is to be delivered as one text, and how much is open.

    The text is like ``Reel (due 2026-12-03); Story (done)``.
    """
    texts: dict[int, tuple[str, int]] = {}
    for row in deliverables(db, campaign_id):
        state = "done" if row.done_at else f"due {row.due}" if row.due else ""
        before, n = texts.get(row.creator_id, ("", 0))
        text = f"{row.text} ({state})" if state else row.text
        texts[row.creator_id] = (f"{before}; {text}" if before else text, n + (not row.done_at))
    return texts


def add_deliverable(
    db: Connection, campaign_id: int, creator_id: int, text: str, due: date | None, by: str
) -> int:
    """Add something that a creator of an agreed campaign is to deliver; return its number.

    Raises
    ------
    InputError
        If the campaign is a draft or holds no such creator, or text or day will not do.
    """
    words = " ".join(text.split())
    row = find(db, campaign_id, lock=True).row
    if row.state == "draft":
        raise InputError(f"'{row.name}' is not agreed.", "Agree on it first.")
    inside = select(proposal.c.creator_id).where(
        proposal.c.campaign_id == campaign_id, proposal.c.creator_id == creator_id
    )
    if db.scalar(inside) is None:
        raise InputError("Nobody of that name is in this campaign.", "Choose one.", "creator_id")
    if not words or len(words) > LONGEST_DELIVERABLE:
        problem = f"The text has {len(words):,} characters." if words else "Nothing is written."
        raise InputError(problem, f"Write up to {LONGEST_DELIVERABLE}.", "text")
    _check_day(due)
    here = deliverable.c.campaign_id == campaign_id
    if (db.scalar(select(func.count()).where(here)) or 0) >= _MOST:
        raise InputError(f"This campaign has {_MOST} already.", "Use those that are there.", "text")
    values = {"campaign_id": campaign_id, "creator_id": creator_id, "text": words, "due": due}
    number = insert_one(db, deliverable, **values, by=by, at=clock.now())
    note(db, by, "deliverable added", f"campaign {campaign_id}", {"creator": creator_id})
    return number


def _check_day(due: date | None) -> None:
    if due and not _YEARS[0] <= due.year < _YEARS[1]:
        raise InputError("That day is far.", "Choose a day of these years.", "due")


def find_deliverable(db: Connection, number: int) -> Row[Any]:
    """Return something to be delivered, its row locked.

    Raises
    ------
    MissingError
        If there is none of that number.
    """
    rows = select(deliverable).where(deliverable.c.id == number).with_for_update()
    row = db.execute(rows).first()
    if row is None:
        raise MissingError("There is no such deliverable.", "Its creator may have been erased.")
    return row


def move_deliverable(db: Connection, number: int, due: date | None, by: str) -> Row[Any]:
    """Move something to another day, or to none; return it as it was.

    Raises
    ------
    MissingError
        If there is none of that number.
    InputError
        If the day is far.
    """
    _check_day(due)
    row = find_deliverable(db, number)
    if row.due != due:
        db.execute(update(deliverable).where(deliverable.c.id == number).values(due=due))
        day = due.isoformat() if due else "none"
        about = {"creator": row.creator_id, "due": day}
        note(db, by, "deliverable moved", f"campaign {row.campaign_id}", about)
    return row


def change_deliverable(db: Connection, number: int, change: DeliverableChange, by: str) -> Row[Any]:
    """Mark something as delivered, take it away, or undo either; return it as it was.

    What is so already stays so.

    Raises
    ------
    MissingError
        If there is none of that number.
    """
    row = find_deliverable(db, number)
    column = "done_at" if change in ("done", "open") else "removed_at"
    sets = change in ("done", "remove")
    if (getattr(row, column) is not None) == sets:
        return row
    changed = update(deliverable).where(deliverable.c.id == number)
    db.execute(changed.values({column: clock.now() if sets else None}))
    note(db, by, _ACTS[change], f"campaign {row.campaign_id}", {"creator": row.creator_id})
    return row
