"""Remarks: what people note about a creator without deciding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.missing import MissingError
from durhampulse.desk.store.tables import creator, remark
from durhampulse.exceptions import InputError

__all__ = ["LONGEST_REMARK", "add_remark", "delete_remark", "remarks_of"]

LONGEST_REMARK = 2_000


def add_remark(store: Store, creator_id: int, text: str, by: str) -> None:
    """Note something about a creator; the audit log says that, and not what.

    Raises
    ------
    InputError
        If nothing is written, or too much, or there is no such creator.
    """
    words = text.strip()
    if not words or len(words) > LONGEST_REMARK:
        raise InputError(
            "The note is empty." if not words else f"The note has {len(words):,} characters.",
            f"Write up to {LONGEST_REMARK:,} characters.",
            "text",
        )
    with store.writing() as db:
        if db.scalar(select(creator.c.id).where(creator.c.id == creator_id)) is None:
            raise MissingError("There is no such creator.", "They may have been erased.")
        values = {"creator_id": creator_id, "text": words, "by": by, "at": clock.now()}
        insert_one(db, remark, **values)
        note(db, by, "note written", f"creator {creator_id}")


def delete_remark(store: Store, number: int, creator_id: int, by: str) -> None:
    """Delete a person's own remark.

    Raises
    ------
    InputError
        If there is none of that number, or another person wrote it.
    """
    mine = (remark.c.id == number, remark.c.creator_id == creator_id, remark.c.by == by)
    with store.writing() as db:
        if not db.execute(delete(remark).where(*mine)).rowcount:
            raise InputError("This note is not yours, or is gone already.", "Reload the page.")
        note(db, by, "note deleted", f"creator {creator_id}")


def remarks_of(db: Connection, creator_id: int) -> Sequence[Row[Any]]:
    """Return the remarks on a creator, the latest first."""
    rows = select(remark).where(remark.c.creator_id == creator_id).order_by(remark.c.id.desc())
    return db.execute(rows).all()
