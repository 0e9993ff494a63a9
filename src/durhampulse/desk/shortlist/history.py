"""What people decided and noted last about the creators of a list, for rows and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from durhampulse.desk.store.tables import person, remark, review

__all__ = ["LastReview", "last_remarks", "last_reviews", "reviewers"]


@dataclass(frozen=True)
class LastReview:
    """The decision that stands: who took it, why, and what they noted."""

    reviewer: str
    reason: str
    note: str


def last_remarks(db: Connection, numbers: Sequence[int]) -> dict[int, str]:
    """Return the latest remark on each of some creators who have one."""
    r = remark.c
    latest = select(func.max(r.id)).where(r.creator_id.in_(numbers)).group_by(r.creator_id)
    rows = db.execute(select(r.creator_id, r.text).where(r.id.in_(latest)))
    return {row.creator_id: row.text for row in rows}


def last_reviews(db: Connection, numbers: Sequence[int]) -> dict[int, LastReview]:
    """Return the decision that stands on each of some creators who have one."""
    rows = db.execute(_standing(numbers))
    return {row.creator_id: LastReview(row.name, row.reason, row.note) for row in rows}


def reviewers(db: Connection, numbers: Sequence[int]) -> dict[int, str]:
    """Return who decided about each of some creators; nobody has where one was re-opened."""
    rows = db.execute(_standing(numbers))
    return {row.creator_id: row.name for row in rows if row.decision != "reopen"}


def _standing(numbers: Sequence[int]) -> Select[Any]:
    """Return the query of the decisions that stand on some creators, with the reviewers' names."""
    r = review.c
    standing = (r.creator_id.in_(numbers), r.undone_at.is_(None), r.decision != "skip")
    latest = select(func.max(r.id)).where(*standing).group_by(r.creator_id)
    both = review.join(person, person.c.id == r.person_id)
    rows = select(r.creator_id, person.c.name, r.decision, r.reason, r.note).select_from(both)
    return rows.where(r.id.in_(latest))
