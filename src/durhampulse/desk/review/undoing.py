"""A reviewer's latest decision, and its undo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from durhampulse.desk.review.conflicts import ConflictError, conflict_of
from durhampulse.desk.review.decisions import CLAIM_MINUTES
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import Store, insert_or
from durhampulse.desk.store.outbox import announce
from durhampulse.desk.store.standing import set_states
from durhampulse.desk.store.tables import claim, creator, person, review

__all__ = ["Draft", "draft_of", "latest", "undo"]


@dataclass(frozen=True)
class Draft:
    """What a reviewer has written about a creator and not sent, or has taken back.

    Attributes
    ----------
    reason, note
        As in the form.
    """

    reason: str = ""
    note: str = ""


def latest(db: Connection, person_id: int) -> Row[Any] | None:
    """Return a reviewer's latest decision that is not undone, with the creator's `called`."""
    called = func.coalesce(creator.c.name, creator.c.external_id).label("called")
    mine = (
        select(review, called)
        .join(creator, creator.c.id == review.c.creator_id)
        .where(review.c.person_id == person_id, review.c.undone_at.is_(None))
    )
    # In the order of an index, so that not all that somebody has decided in one act is sorted.
    return db.execute(mine.order_by(review.c.at.desc(), review.c.id.desc()).limit(1)).first()


def draft_of(db: Connection, creator_id: int, person_id: int) -> Draft:
    """Return the reason and note of a reviewer's latest review of a creator, if it is undone."""
    r = review.c
    mine = select(review).where(r.creator_id == creator_id, r.person_id == person_id)
    last = db.execute(mine.order_by(r.id.desc()).limit(1)).first()
    if last is None or last.undone_at is None or last.act_id is not None:
        return Draft()
    return Draft(last.reason, last.note)


def undo(store: Store, person_id: int, number: int) -> int:
    """Undo a reviewer's latest decision; return the number of its creator.

    Parameters
    ----------
    store, person_id
        The store, and the reviewer.
    number
        The review to undo: a second press of the button undoes no other.

    Returns
    -------
    int
        The creator's number.

    Raises
    ------
    ConflictError
        If it is not their latest any more, it is part of a bulk decision, or the creator was
        decided again after it.
    """
    with store.writing() as db:
        last = latest(db, person_id)
        if last is None or last.id != number:
            raise ConflictError("This is not your latest decision any more.", "Reload the page.")
        if last.act_id is not None:
            raise ConflictError("This was decided together with others.", "Undo them as a whole.")
        wanted = select(creator.c.id).where(creator.c.id == last.creator_id)
        # Row lock: a concurrent decision blocks here, or is visible to the query below.
        db.execute(wanted.with_for_update())
        r = review.c
        since = (r.creator_id == last.creator_id, r.id > last.id, r.undone_at.is_(None))
        newer = select(review).where(*since, r.decision != "skip").order_by(r.id.desc()).limit(1)
        if (review_row := db.execute(newer).first()) is not None:
            raise conflict_of(db, review_row)
        _take_back(db, last, person_id)
        return int(last.creator_id)


def _take_back(db: Connection, last: Row[Any], person_id: int) -> None:
    """Undo a review, and give its creator to the reviewer once more."""
    now = clock.now()
    db.execute(update(review).where(review.c.id == last.id).values(undone_at=now))
    announce(db, "decision.undone", review, review.c.id == last.id)
    set_states(db, creator.c.id == last.creator_id)
    db.execute(delete(claim).where(claim.c.person_id == person_id))
    row = insert_or(db, claim).values(
        creator_id=last.creator_id, person_id=person_id, why=last.why,
        expires_at=now + timedelta(minutes=CLAIM_MINUTES),
    )  # fmt: skip
    db.execute(row.on_conflict_do_nothing())
    who = db.scalar(select(person.c.name).where(person.c.id == person_id)) or ""
    note(db, who, "undo", f"creator {last.creator_id}", {"review": last.id})
