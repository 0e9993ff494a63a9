"""The audit log: who did what and when. Rows are added; the database refuses all else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from durhampulse.desk.store import clock
from durhampulse.desk.store.tables import audit

__all__ = ["PENDING", "history", "latest", "note", "note_all"]

PENDING: Final = "audit"
"""The connection's option that holds the entries of its transaction, in their order."""


def note(
    db: Connection, who: str, act: str, subject: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Add an entry, when the transaction of the act itself is committed.

    A creator is named by the store's own number, so that erasing them leaves nobody's name here.
    """
    note_all(db, who, act, {subject: detail or {}})


def note_all(db: Connection, who: str, act: str, subjects: Mapping[str, Mapping[str, Any]]) -> None:
    """Add an entry of the same act for each of several subjects, with its detail."""
    now = clock.now()
    db.get_execution_options()[PENDING].extend(
        {"at": now, "who": who, "act": act, "subject": subject, "detail": dict(detail)}
        for subject, detail in subjects.items()
    )


def history(db: Connection, subject: str) -> Sequence[Row[Any]]:
    """Return the entries of one subject, the latest first."""
    acts = select(audit).where(audit.c.subject == subject).order_by(audit.c.id.desc())
    return db.execute(acts.limit(50)).all()


def latest(
    db: Connection, before: int | None = None, limit: int = 100,
    *, subjects: Sequence[str] | None = None,
) -> Sequence[Row[Any]]:  # fmt: skip
    """Return the latest entries, or those before one of them; of some subjects alone if given."""
    acts = select(audit).order_by(audit.c.id.desc()).limit(limit)
    acts = acts if subjects is None else acts.where(audit.c.subject.in_(subjects))
    return db.execute(acts if before is None else acts.where(audit.c.id < before)).all()
