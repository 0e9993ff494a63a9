"""Reminders of one's own: a day on which whoever set it looks at a creator again, whose ever it is.

The owner's reminder is a part of owning (`shortlist/owners`), and goes to another owner with the
creator; these stay with whoever set them, and nobody else is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from durhampulse.desk.shortlist.owners import check_reminder
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.missing import MissingError
from durhampulse.desk.store.tables import REMINDS, creator, person, reminder
from durhampulse.exceptions import InputError

__all__ = ["add_reminder", "move_own", "reminders_of"]

_MOST = 20


def reminders_of(db: Connection, creator_id: int, person_id: int) -> Sequence[Row[Any]]:
    """Return somebody's own reminders of a creator that wait, the earliest first."""
    r = reminder.c
    rows = select(reminder).where(r.creator_id == creator_id, r.person_id == person_id, REMINDS)
    return db.execute(rows.order_by(r.remind_on, r.id)).all()


def add_reminder(
    db: Connection, creator_id: int, person_id: int, on: date, text: str, *, through: str = ""
) -> int:
    """Keep a reminder of somebody's own, which an API key may have sent; return its number.

    Raises
    ------
    InputError
        If there is no such creator, day or text will not do, or there are too many.
    """
    text = " ".join(text.split())
    locked = select(creator.c.id).where(creator.c.id == creator_id).with_for_update()
    if db.scalar(locked) is None:
        raise MissingError("There is no such creator.", "They may have been erased.")
    check_reminder(on, text)
    r = reminder.c
    mine = select(func.count()).where(r.creator_id == creator_id, r.person_id == person_id, REMINDS)
    if (db.scalar(mine) or 0) >= _MOST:
        raise InputError(f"You have {_MOST} reminders of this creator.", "Be done with one.", "on")
    number = insert_one(
        db, reminder, creator_id=creator_id, person_id=person_id, remind_on=on, text=text,
        at=clock.now(),
    )  # fmt: skip
    _log(db, creator_id, person_id, on, through)
    return number


def move_own(
    db: Connection, number: int, person_id: int, on: date | None, *, through: str = ""
) -> Row[Any]:
    """Move a reminder of somebody's own to another day, or end it; return it as it was.

    Parameters
    ----------
    on
        The day; none ends it.
    through
        The API key that sent it.

    Raises
    ------
    MissingError
        If it is not theirs, or there is none of that number.
    InputError
        If the day is far.
    """
    r = reminder.c
    mine = select(reminder).where(r.id == number, r.person_id == person_id).with_for_update()
    row = db.execute(mine).first()
    if row is None:
        raise MissingError("There is no such reminder.", "Its creator may have been erased.")
    if on is not None and on > clock.today():  # a day before is of what is undone
        check_reminder(on, "")
    if row.remind_on != on:
        db.execute(update(reminder).where(r.id == number).values(remind_on=on))
        _log(db, row.creator_id, person_id, on, through)
    return row


def _log(db: Connection, creator_id: int, person_id: int, on: date | None, through: str) -> None:
    name = db.scalar(select(person.c.name).where(person.c.id == person_id)) or ""
    note(db, name, "own reminder changed", f"creator {creator_id}",
         {"reminder": on.isoformat() if on else "none"}
         | ({"through": through} if through else {}))  # fmt: skip
