"""Owners: who of the desk looks after a creator, and on which day they are reminded to look again.

Each change is a row of its own; the latest that is not undone stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, literal, select, update

from durhampulse.desk.store import clock
from durhampulse.desk.store.acts import begin_act, change_act
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one, numbers_in
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.missing import MissingError
from durhampulse.desk.store.standing import undo_ownerships
from durhampulse.desk.store.tables import OWNED, Instant, creator, ownership, person
from durhampulse.exceptions import InputError

__all__ = [
    "LONGEST_REMINDER", "MAY_OWN", "Care", "ChangedError", "care_of", "change_care",
    "check_reminder", "find_owner", "hand_over", "hand_over_many", "left_owners", "move_reminder",
    "owner_choices", "possible_owners", "read_day", "read_person", "undo_change",
]  # fmt: skip

LONGEST_REMINDER = 300
_FARTHEST = timedelta(days=5 * 366)
MAY_OWN = person.c.active.is_(True) & (person.c.role != "viewer")
"""Condition on people who may look after creators."""


class ChangedError(InputError):
    """Somebody else has changed owner or reminder since whoever asks has looked."""


@dataclass(frozen=True, kw_only=True)
class Care:
    """What stands of a creator's owner and reminder.

    Attributes
    ----------
    number
        Of the change that made it so; 0 where nobody has ever owned them.
    owner_id, owner
        Number and name of whoever looks after them; none for nobody.
    may_own
        Whether the owner may still review; False for nobody.
    remind_on, text
        The day on which to look again, and what for; no day for no reminder.
    by, at
        Who changed it last, and when.
    """

    number: int = 0
    owner_id: int | None = None
    owner: str = ""
    may_own: bool = False
    remind_on: date | None = None
    text: str = ""
    by: str = ""
    at: datetime | None = None

    @property
    def wish(self) -> tuple[int | None, date | None, str]:
        """What can be changed of it: owner, day and text."""
        return self.owner_id, self.remind_on, self.text


def possible_owners(db: Connection) -> Sequence[Row[Any]]:
    """Return the people who may look after creators, by name."""
    return db.execute(select(person).where(MAY_OWN).order_by(person.c.name)).all()


def owner_choices(db: Connection) -> Sequence[Row[Any]]:
    """Return whom the list can be filtered by, by name: ``id, name, may_own, owns``.

    These are who may look after creators, and who looks after some.
    """
    o = ownership.c
    # By the first number from theirs on, which PostgreSQL reads off an index: it would look for
    # somebody who owns none through all that stands, since it takes one for as frequent as another.
    first = select(o.person_id).where(OWNED, o.person_id >= person.c.id).order_by(o.person_id)
    owns = first.limit(1).scalar_subquery().is_not_distinct_from(person.c.id)
    people = select(person.c.id, person.c.name, MAY_OWN.label("may_own"), owns.label("owns"))
    rows: Select[Any] = people.where(MAY_OWN | owns).order_by(person.c.name)
    return db.execute(rows).all()


def left_owners(db: Connection) -> Sequence[Row[Any]]:
    """Return who may not review any more and looks after creators: ``id, name, creators``."""
    rows: Select[Any] = (
        select(person.c.id, person.c.name, func.count().label("creators"))
        .join(ownership, ownership.c.person_id == person.c.id)
        .where(OWNED, ~MAY_OWN)
        .group_by(person.c.id, person.c.name)
        .order_by(person.c.name)
    )
    return db.execute(rows).all()


def hand_over_many(store: Store, numbers: Sequence[int], owner: int, by: str) -> tuple[int, int]:
    """Return how many creators got another owner, and the act in which they did.

    Raises
    ------
    InputError
        If nobody of that number may look after creators.
    """
    with store.writing() as db:
        name = find_owner(db, owner).name
        locked = select(creator.c.id).where(creator.c.id.in_(numbers)).order_by(creator.c.id)
        rows = db.scalars(locked.with_for_update()).all()
        act_id = begin_act(db, "owner", by, {"owner": owner, "name": name})
        n = hand_over(db, rows, owner, by, act_id)
        change_act(db, act_id, creators=n)
        note(db, by, "owner changed", f"act {act_id}", {"owner": name, "creators": n})
    return n, act_id


def read_person(text: str) -> int:
    """Return the number of a person that a form gives.

    Raises
    ------
    InputError
        If it is none; at the field `owner`.
    """
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise InputError("No owner was chosen.", "Choose somebody of the list.", "owner")
    return int(text)


def read_day(text: str, field: str) -> date | None:
    """Return the day that a form gives; none for no text.

    Raises
    ------
    InputError
        If it is none, at its field.
    """
    try:
        return date.fromisoformat(text) if text.strip() else None
    except ValueError as error:
        raise InputError("The day is none.", "Write it as 2026-05-31.", field) from error


def find_owner(db: Connection, number: int) -> Row[Any]:
    """Return a person who may look after creators.

    Raises
    ------
    InputError
        If nobody of that number may; at the field `owner`.
    """
    row = db.execute(select(person).where(person.c.id == number, MAY_OWN)).first()
    if row is None:
        raise InputError("Nobody of that name may review.", "Choose somebody of the list.", "owner")
    return row


def standing_care(*which: ColumnElement[bool]) -> Select[Any]:
    """Return the query of what stands of owners and reminders, under conditions on `ownership`."""
    o = ownership.c
    joined = ownership.outerjoin(person, person.c.id == o.person_id)
    columns = (o.id, o.creator_id, o.person_id, o.remind_on, o.text, o.by, o.at)
    owner = (person.c.name.label("owner"), MAY_OWN.label("may_own"))
    return select(*columns, *owner).select_from(joined).where(OWNED, *which)


def care_of(db: Connection, numbers: Iterable[int]) -> dict[int, Care]:
    """Return what stands of the owners and reminders of some creators who ever had one."""
    rows = db.execute(standing_care(ownership.c.creator_id.in_(numbers_in(db, list(numbers)))))
    return {
        row.creator_id: Care(
            number=row.id, owner_id=row.person_id, owner=row.owner or "",
            may_own=bool(row.may_own), remind_on=row.remind_on, text=row.text, by=row.by, at=row.at,
        )
        for row in rows
    }  # fmt: skip


def change_care(
    db: Connection, creator_id: int, wanted: Care, by: str, *, through: str = ""
) -> int | None:
    """Change who looks after a creator, and when to look again.

    Parameters
    ----------
    db
        A connection that writes.
    creator_id
        Whom.
    wanted
        `owner_id`, `remind_on` and `text` as they are to be; `number` is the change that whoever
        asks has seen.
    by
        Who asks.
    through
        The API key that asks for them.

    Returns
    -------
    int or None
        The number of the change; none where everything is so already.

    Raises
    ------
    ChangedError
        If somebody else has changed it since.
    InputError
        If owner, day or text will not do.
    """
    text = " ".join(wanted.text.split())
    wanted = replace(wanted, text=text)
    locked = select(creator.c.id).where(creator.c.id == creator_id).with_for_update()
    if db.scalar(locked) is None:
        raise MissingError("There is no such creator.", "They may have been erased.")
    before = care_of(db, [creator_id]).get(creator_id, Care())
    if wanted.wish == before.wish:
        return None
    if wanted.number != before.number:
        raise ChangedError(f"{before.by or 'Somebody'} changed owner or reminder meanwhile.",
                           "Look at what stands now, and change that.")  # fmt: skip
    _check(db, wanted, before)
    now = clock.now()
    stood = update(ownership).where(ownership.c.creator_id == creator_id, OWNED)
    db.execute(stood.values(replaced_at=now))
    number = insert_one(
        db, ownership, creator_id=creator_id, person_id=wanted.owner_id,
        remind_on=wanted.remind_on, text=text, by=by, at=now,
    )  # fmt: skip
    detail: dict[str, Any] = {}
    if wanted.owner_id != before.owner_id:
        detail["owner"] = care_of(db, [creator_id])[creator_id].owner or "nobody"
    if (wanted.remind_on, text) != (before.remind_on, before.text):
        detail["reminder"] = wanted.remind_on.isoformat() if wanted.remind_on else "none"
    note(db, by, "owner changed" if "owner" in detail else "reminder changed",
         f"creator {creator_id}", detail | ({"through": through} if through else {}))  # fmt: skip
    return number


def move_reminder(db: Connection, number: int, on: date | None, by: str) -> tuple[int, int]:
    """Move the reminder of a change that stands to another day, or end it where there is none.

    Returns
    -------
    tuple of int
        The creator's number, and that of the new change.

    Raises
    ------
    InputError
        If it is none any more.
    """
    row = db.execute(standing_care(ownership.c.id == number)).first()
    if row is None or row.remind_on is None:
        raise InputError("This reminder was done, or changed since.", "Look at what stands now.")
    wanted = Care(
        number=number, owner_id=row.person_id, remind_on=on, text=row.text if on else ""
    )  # fmt: skip
    kept = change_care(db, row.creator_id, wanted, by)
    if kept is None:  # while it waited for the row lock
        raise InputError("This reminder was done meanwhile.", "Look at what stands now.")
    return int(row.creator_id), kept


def _check(db: Connection, wanted: Care, before: Care) -> None:
    """Raise unless what is wanted can be; what stands already is left as it is."""
    if wanted.owner_id is not None and wanted.owner_id != before.owner_id:
        find_owner(db, wanted.owner_id)
    check_reminder(wanted.remind_on if wanted.remind_on != before.remind_on else None, wanted.text)
    if wanted.remind_on is None:
        if wanted.text:
            raise InputError("The reminder has no day.", "Choose one, or empty the text.", "on")
        return
    if wanted.owner_id is None:
        raise InputError("Nobody would be reminded.", "Choose an owner, or empty the day.", "owner")


def check_reminder(on: date | None, text: str) -> None:
    """Raise unless a day can be reminded on, and a text says what for.

    Raises
    ------
    InputError
        At the field `on` or `text`.
    """
    if len(text) > LONGEST_REMINDER:
        problem = f"The reminder has {len(text):,} characters."
        raise InputError(problem, f"Write up to {LONGEST_REMINDER}.", "text")
    now = clock.today()
    if on is not None and not now <= on <= now + _FARTHEST:
        raise InputError("That day is past." if on < now else "That day is far.",
                         "Choose a day of the next five years.", "on")  # fmt: skip


def undo_change(db: Connection, number: int, by: str) -> int:
    """Undo a change of owner or reminder; return the creator's number.

    Raises
    ------
    InputError
        If it does not stand any more, or was one of many.
    """
    row = db.execute(select(ownership).where(ownership.c.id == number)).first()
    if row is None:
        raise MissingError("There is no such change.", "The creator may have been erased.")
    # Row lock: a concurrent change blocks here, or is visible to the query below.
    db.execute(select(creator.c.id).where(creator.c.id == row.creator_id).with_for_update())
    stands = select(ownership.c.act_id).where(ownership.c.id == number, OWNED)
    kept = db.execute(stands).first()
    if kept is None:
        raise InputError("This was undone, or changed since.", "Look at what stands now.")
    if kept.act_id is not None:
        raise InputError("This was done together with others.", "Undo it under Acts.")
    undo_ownerships(db, [ownership.c.id == number])
    note(db, by, "undo", f"creator {row.creator_id}", {"owner or reminder": number})
    return int(row.creator_id)


def hand_over(db: Connection, creators: Sequence[int], owner: int, by: str, act_id: int) -> int:
    """Return how many creators got another owner, each with the reminder that stood.

    Parameters
    ----------
    db
        A connection that holds their row locks.
    creators
        Their numbers.
    owner
        The number of whoever looks after them from now on.
    by, act_id
        Who does it, and the act that it is a part of.
    """
    o, now = ownership.c, clock.now()
    theirs = select(o.id).where(o.creator_id == creator.c.id, OWNED, o.person_id == owner)
    others = select(creator.c.id).where(
        creator.c.id.in_(numbers_in(db, creators)), ~theirs.exists()
    )
    numbers = db.scalars(others.order_by(creator.c.id)).all()
    here = numbers_in(db, numbers)
    db.execute(update(ownership).where(o.creator_id.in_(here), OWNED).values(replaced_at=now))
    former = (o.creator_id == creator.c.id) & (o.replaced_at == now)
    rows = (
        select(
            creator.c.id, literal(owner), o.remind_on, func.coalesce(o.text, ""), literal(by),
            literal(now, Instant), literal(act_id),
        )
        .select_from(creator.outerjoin(ownership, former))
        .where(creator.c.id.in_(here))
        .order_by(creator.c.id)
    )  # fmt: skip
    names = ["creator_id", "person_id", "remind_on", "text", "by", "at", "act_id"]
    db.execute(insert(ownership).from_select(names, rows))
    return len(numbers)
