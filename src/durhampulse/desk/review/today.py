"""What waits for somebody of the desk today: reminders, notes to them, and what is due to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    func,
    literal,
    select,
    union_all,
)

from durhampulse.desk.store import clock
from durhampulse.desk.store.tables import (
    OWNED,
    REMINDS,
    UNDELIVERED,
    UNSEEN,
    campaign,
    creator,
    deliverable,
    mention,
    ownership,
    person,
    remark,
    reminder,
)

__all__ = ["LATER", "MOST_SHOWN", "Today", "for_today", "today_of"]

LATER: Final = timedelta(days=7)
"""For how long a reminder is put off."""
MOST_SHOWN = 200
_COMING = 10
_CALLED = func.coalesce(creator.c.name, creator.c.external_id).label("called")
_PROMISED = deliverable.join(campaign, campaign.c.id == deliverable.c.campaign_id)
_AGREED = (campaign.c.state == "agreed", UNDELIVERED)


@dataclass(frozen=True, kw_only=True)
class Today:
    """What waits for somebody.

    Attributes
    ----------
    due
        Reminders of today and before, the oldest first: ``id, creator_id, called, remind_on,
        text, by`` and whether it is their ``own``, not the owner's; up to `MOST_SHOWN`.
    notes
        Remarks that name them and that they have not seen, the oldest first: ``id, creator_id,
        called, text, by, at``; up to `MOST_SHOWN`.
    deliveries
        What creators of agreed campaigns were to deliver by the day and have not, the earliest
        first: ``id, creator_id, called, text, due, campaign_id, campaign`` and whether it is
        ``mine``; up to `MOST_SHOWN`.
    others
        How many of these are not theirs, shown or not.
    coming
        The next reminders and deliveries of theirs, as `due`, with the ``campaign`` of a delivery.
    hidden
        How many more there are of creators whom they judge without the model's number.
    on
        The day.
    """

    due: Sequence[Row[Any]]
    notes: Sequence[Row[Any]]
    deliveries: Sequence[Row[Any]]
    others: int
    coming: Sequence[Row[Any]]
    hidden: int
    on: date


def for_today(db: Connection, person_id: int) -> int:
    """Return how many reminders, notes and deliveries wait for somebody."""
    counts = [count.scalar_subquery() for count, _ in _counts(person_id, clock.today())]
    return db.scalar(select(sum(counts[1:], counts[0]))) or 0


def _counts(person_id: int, day: date) -> list[tuple[Select[int], ColumnElement[int]]]:
    """Return how much of each kind waits for somebody, with the column of its creators."""
    d, number = deliverable.c, func.count()
    delivered = (
        select(number).select_from(_PROMISED).where(*_AGREED, d.due <= day, _is_theirs(person_id))
    )
    return [
        *(
            (select(number).where(*_mine(table, person_id), table.c.remind_on <= day),
             table.c.creator_id)
            for table in (ownership, reminder)
        ),
        (select(number).where(UNSEEN, mention.c.person_id == person_id), mention.c.creator_id),
        (delivered, d.creator_id),
    ]  # fmt: skip


def today_of(
    db: Connection, person_id: int, unseen: Collection[int], *, everybody: bool = False
) -> Today:
    """Return what waits for somebody.

    Parameters
    ----------
    unseen
        Creators whom they judge without the model's number: nothing is said of these.
    everybody
        Whether deliveries of colleagues are shown as well.
    """
    day = clock.today()
    notes: Select[Any] = (
        select(remark.c.id, remark.c.creator_id, _CALLED, remark.c.text, remark.c.by, remark.c.at)
        .join(mention, mention.c.remark_id == remark.c.id)
        .join(creator, creator.c.id == remark.c.creator_id)
        .where(UNSEEN, mention.c.person_id == person_id, mention.c.creator_id.not_in(unseen))
        .order_by(remark.c.id)
        .limit(MOST_SHOWN)
    )
    counts = _counts(person_id, day)
    hidden = sum(db.scalar(count.where(of.in_(unseen))) or 0 for count, of in counts)
    return Today(
        due=_in_order(db, _reminders(person_id, unseen, until=day), MOST_SHOWN),
        coming=_in_order(db, _coming(person_id, unseen, day), _COMING),
        notes=db.execute(notes).all(), hidden=hidden, on=day,
        deliveries=_deliveries(db, person_id, day, unseen, everybody=everybody),
        others=db.scalar(_others(person_id, day, unseen)) or 0,
    )  # fmt: skip


def _mine(table: Table, person_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on what stands of somebody, as an owner or for themselves."""
    return OWNED if table is ownership else REMINDS, table.c.person_id == person_id


def _reminders(
    person_id: int, unseen: Collection[int], *, until: date | None = None, after: date | None = None
) -> list[Select[Any]]:
    """Return the queries of somebody's reminders up to a day or after one."""
    parts: list[Select[Any]] = []
    for table, by in ((ownership, ownership.c.by), (reminder, literal(""))):
        r = table.c
        columns = (r.id.label("id"), r.creator_id, _CALLED, r.remind_on, r.text, by.label("by"))
        own, no_campaign = literal(table is reminder).label("own"), literal("").label("campaign")
        then = r.remind_on <= until if until else r.remind_on > after
        parts.append(
            select(*columns, own, no_campaign)
            .join(creator, creator.c.id == r.creator_id)
            .where(*_mine(table, person_id), then, r.creator_id.not_in(unseen))
        )
    return parts


def _coming(person_id: int, unseen: Collection[int], day: date) -> list[Select[Any]]:
    """Return the queries of what waits for somebody after a day: reminders and deliveries."""
    d, nobody, owners = deliverable.c, literal("").label("by"), literal(False).label("own")
    columns = (d.id.label("id"), d.creator_id, _CALLED, d.due.label("remind_on"), d.text, nobody)
    deliveries = (
        select(*columns, owners, campaign.c.name.label("campaign"))
        .select_from(_PROMISED.join(creator, creator.c.id == d.creator_id))
        .where(*_AGREED, d.due > day, _is_theirs(person_id), d.creator_id.not_in(unseen))
    )
    return [*_reminders(person_id, unseen, after=day), deliveries]


def _in_order(db: Connection, parts: Sequence[Select[Any]], most: int) -> Sequence[Row[Any]]:
    rows = union_all(*parts).order_by("remind_on", "own", "id")
    return db.execute(rows.limit(most)).all()


def _is_theirs(person_id: int) -> ColumnElement[bool]:
    """Return the condition on what is theirs: they own the creator, or agreed on the campaign.

    The owner of each is looked up by an index. Of an `EXISTS` PostgreSQL would make a table of all
    creators of somebody's first, at each page.
    """
    standing = OWNED, ownership.c.creator_id == deliverable.c.creator_id
    owner = select(ownership.c.person_id).where(*standing).scalar_subquery()
    name = select(person.c.name).where(person.c.id == person_id).scalar_subquery()
    return (func.coalesce(owner, 0) == person_id) | (func.coalesce(campaign.c.state_by, "") == name)


def _others(person_id: int, day: date, unseen: Collection[int]) -> Select[int]:
    d = deliverable.c
    which = (*_AGREED, d.due <= day, ~_is_theirs(person_id), d.creator_id.not_in(unseen))
    return select(func.count()).select_from(_PROMISED).where(*which)


def _deliveries(
    db: Connection, person_id: int, day: date, unseen: Collection[int], *, everybody: bool
) -> Sequence[Row[Any]]:
    d, mine = deliverable.c, _is_theirs(person_id)
    columns = (d.id, d.creator_id, _CALLED, d.text, d.due, d.campaign_id)
    rows: Select[Any] = (
        select(*columns, campaign.c.name.label("campaign"), mine.label("mine"))
        .select_from(_PROMISED.join(creator, creator.c.id == d.creator_id))
        .where(*_AGREED, d.due <= day, d.creator_id.not_in(unseen))
        .order_by(d.due, d.id)
        .limit(MOST_SHOWN)
    )
    return db.execute(rows if everybody else rows.where(mine)).all()
