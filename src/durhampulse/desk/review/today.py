"""What somebody of the desk is to look at today: reminders that are due, and notes to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from durhampulse.desk.store import clock
from durhampulse.desk.store.tables import OWNED, UNSEEN, creator, mention, ownership, remark

__all__ = ["MOST_SHOWN", "Today", "for_today", "today_of"]

MOST_SHOWN = 200
_COMING = 10


@dataclass(frozen=True, kw_only=True)
class Today:
    """What waits for somebody.

    Attributes
    ----------
    due
        Reminders of today and before, the oldest first: ``id, creator_id, called, remind_on,
        text, by``; up to `MOST_SHOWN`.
    notes
        Remarks that name them and that they have not seen, the oldest first: ``id, creator_id,
        called, text, by, at``; up to `MOST_SHOWN`.
    coming
        The next reminders.
    hidden
        How many more of both there are of creators whom they judge without the model's number.
    on
        The day.
    """

    due: Sequence[Row[Any]]
    notes: Sequence[Row[Any]]
    coming: Sequence[Row[Any]]
    hidden: int
    on: date


def for_today(db: Connection, person_id: int) -> int:
    """Return how many reminders of somebody are due, and notes to them not seen."""
    due, to_them = _counts(person_id, clock.today())
    return db.scalar(select(due.scalar_subquery() + to_them.scalar_subquery())) or 0


def _counts(person_id: int, day: date) -> tuple[Select[int], Select[int]]:
    due = select(func.count()).where(*_mine(person_id), _due(day))
    return due, select(func.count()).where(UNSEEN, mention.c.person_id == person_id)


def today_of(db: Connection, person_id: int, unseen: Collection[int]) -> Today:
    """Return what waits for somebody.

    Parameters
    ----------
    unseen
        Creators whom they judge without the model's number: nothing is said of these.
    """
    o, day = ownership.c, clock.today()
    called = func.coalesce(creator.c.name, creator.c.external_id).label("called")
    columns = (o.id, o.creator_id, called, o.remind_on, o.text, o.by)
    rows: Select[Any] = (
        select(*columns)
        .join(creator, creator.c.id == o.creator_id)
        .where(*_mine(person_id), o.creator_id.not_in(unseen))
        .order_by(o.remind_on, o.id)
    )
    due = db.execute(rows.where(_due(day)).limit(MOST_SHOWN)).all()
    notes: Select[Any] = (
        select(remark.c.id, remark.c.creator_id, called, remark.c.text, remark.c.by, remark.c.at)
        .join(mention, mention.c.remark_id == remark.c.id)
        .join(creator, creator.c.id == remark.c.creator_id)
        .where(UNSEEN, mention.c.person_id == person_id, mention.c.creator_id.not_in(unseen))
        .order_by(remark.c.id)
        .limit(MOST_SHOWN)
    )
    counts = zip(_counts(person_id, day), (o.creator_id, mention.c.creator_id), strict=True)
    hidden = sum(db.scalar(count.where(of.in_(unseen))) or 0 for count, of in counts)
    return Today(
        due=due, notes=db.execute(notes).all(), hidden=hidden, on=day,
        coming=db.execute(rows.where(o.remind_on > day).limit(_COMING)).all(),
    )  # fmt: skip


def _mine(person_id: int) -> tuple[ColumnElement[bool], ...]:
    return OWNED, ownership.c.person_id == person_id


def _due(day: date) -> ColumnElement[bool]:
    return ownership.c.remind_on <= day
