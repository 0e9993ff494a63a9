"""The audit log: who did what and when. Rows are added; the database refuses all else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from durhampulse.desk.store.tables import audit

__all__ = ["history", "latest", "note", "note_all"]


def note(
    db: Connection, who: str, act: str, subject: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Write down what somebody did, in the transaction that does it.

    A creator is named by the store's own number, so that erasing them leaves nobody's name here.
    """
    note_all(db, who, act, {subject: detail or {}})


def note_all(db: Connection, who: str, act: str, subjects: Mapping[str, Mapping[str, Any]]) -> None:
    """Write down the same act on several subjects, each with its detail."""
    now = datetime.now(UTC)
    rows = [{"at": now, "who": who, "act": act, "subject": subject, "detail": dict(detail)}
            for subject, detail in subjects.items()]  # fmt: skip
    if rows:
        db.execute(insert(audit), rows)


def history(db: Connection, subject: str, limit: int = 50) -> Sequence[Row[Any]]:
    """Give what was done to one subject, the latest first."""
    found = select(audit).where(audit.c.subject == subject).order_by(audit.c.id.desc())
    return db.execute(found.limit(limit)).all()


def latest(db: Connection, before: int | None = None, limit: int = 100) -> Sequence[Row[Any]]:
    """Give the latest entries, or those before one of them."""
    found = select(audit).order_by(audit.c.id.desc()).limit(limit)
    return db.execute(found if before is None else found.where(audit.c.id < before)).all()
