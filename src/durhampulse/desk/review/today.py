"""What somebody of the desk is to look at today: reminders that are due, and those to come."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from durhampulse.desk.store import clock
from durhampulse.desk.store.tables import OWNED, creator, ownership

__all__ = ["MOST_SHOWN", "Today", "due_count", "today_of"]

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
    coming
        The next ones.
    hidden
        How many more are due of creators whom they judge without the model's number.
    on
        The day.
    """

    due: Sequence[Row[Any]]
    coming: Sequence[Row[Any]]
    hidden: int
    on: date


def due_count(db: Connection, person_id: int) -> int:
    """Return how many reminders of somebody are due."""
    return db.scalar(select(func.count()).where(*_mine(person_id), _due(clock.today()))) or 0


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
    hidden = select(func.count()).where(*_mine(person_id), _due(day), o.creator_id.in_(unseen))
    return Today(
        due=due, coming=db.execute(rows.where(o.remind_on > day).limit(_COMING)).all(),
        hidden=db.scalar(hidden) or 0, on=day,
    )  # fmt: skip


def _mine(person_id: int) -> tuple[ColumnElement[bool], ...]:
    return OWNED, ownership.c.person_id == person_id


def _due(day: date) -> ColumnElement[bool]:
    return ownership.c.remind_on <= day
