"""Review decisions: recorded for one creator or in bulk, and undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from durhampulse.desk.models.rules import Rules
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.database import Store, insert_or
from durhampulse.desk.store.tables import claim, creator, person, review
from durhampulse.exceptions import InputError

__all__ = [
    "CLAIM_MINUTES",
    "DECISIONS",
    "REASONS",
    "BulkResult",
    "ConflictError",
    "ReviewDecision",
    "decide",
    "decide_many",
    "last_review",
    "latest",
    "reviews_of",
    "undo",
]  # fmt: skip

DECISIONS: Final = {
    "approve": "approved",
    "decline": "declined",
    "tentative": "tentative",
    "skip": None,
}
"""A reviewer's choice to the state it puts a creator in; a skip leaves the state."""

REASONS: Final = (
    "Fits the brand",
    "Audience fits",
    "Content quality",
    "Track record",
    "Doubtful figures",
    "Off brand",
    "Brand safety",
    "Competes with another deal",
    "Needs more information",
    "Agree with the recommendation",
    "Other",
)
CLAIM_MINUTES = 15
_LONGEST_NOTE = 2_000


class ConflictError(InputError):
    """Another reviewer holds the creator, or has decided since the page was made."""


@dataclass(frozen=True, kw_only=True)
class ReviewDecision:
    """A reviewer's decision.

    Attributes
    ----------
    choice
        A key of `DECISIONS`.
    reason
        One of `REASONS`.
    note
        In the reviewer's own words; needed where the reason is "Other".
    request
        Idempotency key: the same request sent twice is recorded once.
    seen
        The latest review when the reviewer's page was made, from :func:`last_review`: a creator
        that others have decided about since makes the page stale, and is left alone.
    """

    choice: str
    reason: str
    note: str
    request: str
    seen: int | None = None

    def __post_init__(self) -> None:
        if self.choice not in DECISIONS:
            raise InputError(
                f"'{self.choice[:40]}' is no decision.", f"Use {', '.join(DECISIONS)}."
            )
        if self.choice != "skip" and self.reason not in REASONS:
            raise InputError("A decision needs a reason.", "Choose one from the list.", "reason")
        if self.choice != "skip" and self.reason == "Other" and not self.note.strip():
            raise InputError("'Other' says nothing alone.", "Write the reason in the note.", "note")
        if len(self.note) > _LONGEST_NOTE or "\0" in self.note:
            raise InputError(
                f"The note is too long, or holds what is no text: {len(self.note)} characters.",
                f"Write at most {_LONGEST_NOTE}.",
                "note",
            )
        if not 8 <= len(self.request) <= 100:
            raise InputError("The request has no name of 8 to 100 characters.", "Reload the page.")


def decide(
    store: Store, creator_id: int, person_id: int, decision: ReviewDecision, rules: Rules,
    *, queued: bool = False, through: str = "",
) -> tuple[int, bool]:  # fmt: skip
    """Record a reviewer's decision about a creator; return its number and whether it is new.

    Parameters
    ----------
    store, creator_id, person_id, decision, rules
        The store, the creator, the reviewer, the decision, and the model they saw.
    queued
        Whether it comes from the queue, where an expired claim must not overwrite a newer decision.
    through
        The API key by which it came, for the audit log.

    Returns
    -------
    review, new
        Number of the review; false if the same request was recorded before.

    Raises
    ------
    ConflictError
        If another reviewer holds the creator or has decided since, or the idempotency key was
        used for another decision.
    InputError
        If there is no such creator.
    """
    with store.writing() as db:
        recorded = _recorded(db, creator_id, person_id, decision)
        if recorded is not None:
            return recorded, False
        now = datetime.now(UTC)
        row = db.execute(
            select(creator).where(creator.c.id == creator_id).with_for_update()
        ).first()
        if row is None:
            raise InputError("There is no such creator.", "Go back to the list.")
        held = db.execute(select(claim).where(claim.c.creator_id == creator_id)).first()
        if held and held.person_id != person_id and held.expires_at > now:
            raise ConflictError(
                "Another reviewer is looking at this creator.", "Take the next one."
            )
        mine = held is not None and held.person_id == person_id
        decided = bool(_changed(db, [creator_id], person_id, decision.seen))
        if decided or (queued and not mine and row.state != "open"):
            raise ConflictError(
                "Somebody has decided about this creator since.",
                "Take the next one." if queued else "Open the creator again.",
            )
        why = held.why if held and mine else "chosen"
        try:
            with db.begin_nested():
                number = _insert(db, row, person_id, decision, rules, why, through)
        except IntegrityError:  # a concurrent request with the same key
            recorded = _recorded(db, creator_id, person_id, decision)
            if recorded is None:
                raise
            return recorded, False
        db.execute(delete(claim).where(claim.c.creator_id == creator_id))
    return number, True


def _recorded(
    db: Connection, creator_id: int, person_id: int, decision: ReviewDecision
) -> int | None:
    """Return the number of the review that a request was recorded as; none if it was not."""
    kept = db.execute(select(review).where(review.c.request == decision.request)).first()
    if kept is None:
        return None
    if (kept.creator_id, kept.person_id, kept.decision) != (
        creator_id, person_id, decision.choice,
    ):  # fmt: skip
        raise _key_reused()
    return int(kept.id)


def _key_reused() -> ConflictError:
    return ConflictError(
        "This was sent before with another decision, and that one stands.",
        "Reload the page. A program gives each decision a name of its own.",
    )


@dataclass(frozen=True)
class BulkResult:
    """Counts of a bulk decision: creators decided, and those left alone.

    Attributes
    ----------
    decided
        Decided so, now or when the same request came before.
    held
        Claimed by another reviewer.
    changed
        Decided by another reviewer since the page was made.
    gone
        Not stored any more.
    """

    decided: int
    held: int = 0
    changed: int = 0
    gone: int = 0


def decide_many(
    store: Store, numbers: Sequence[int], person_id: int, decision: ReviewDecision, rules: Rules
) -> BulkResult:
    """Record one decision about many creators; those claimed or decided by others are left alone.

    Raises
    ------
    ConflictError
        If the idempotency key was used for another decision.
    """
    wanted, now = set(numbers), datetime.now(UTC)
    with store.writing() as db:
        done = _recorded_many(db, person_id, decision)
        rows = {row.id: row for row in db.execute(
            select(creator).where(creator.c.id.in_(wanted)).order_by(creator.c.id).with_for_update()
        )}  # fmt: skip
        held = set(db.scalars(
            select(claim.c.creator_id)
            .where(claim.c.person_id != person_id, claim.c.expires_at > now)
        )) & rows.keys() - done  # fmt: skip
        changed = _changed(db, [*rows], person_id, decision.seen) - held - done
        for number in rows.keys() - held - changed - done:
            own = replace(decision, request=f"{decision.request}:{number}")
            _insert(db, rows[number], person_id, own, rules, "chosen")
        decided = rows.keys() - held - changed
        db.execute(delete(claim).where(claim.c.creator_id.in_(decided)))
    return BulkResult(
        decided=len(decided), held=len(held), changed=len(changed), gone=len(wanted - rows.keys())
    )


def _recorded_many(db: Connection, person_id: int, decision: ReviewDecision) -> set[int]:
    """Return the creators for whom a bulk request was recorded before."""
    mine = review.c.request.startswith(f"{decision.request}:", autoescape=True)
    kept = db.execute(select(review).where(mine)).all()
    if any((row.person_id, row.decision) != (person_id, decision.choice) for row in kept):
        raise _key_reused()
    return {row.creator_id for row in kept}


def _changed(db: Connection, numbers: list[int], person_id: int, seen: int | None) -> set[int]:
    """Return the creators that others have decided about since the review `seen`."""
    if seen is None:
        return set()
    r = review.c
    since = (r.id > seen, r.person_id != person_id, r.undone_at.is_(None), r.decision != "skip")
    return set(db.scalars(select(r.creator_id).where(r.creator_id.in_(numbers), *since)))


def last_review(db: Connection) -> int:
    """Return the number of the latest review; 0 where there is none."""
    return db.scalar(select(func.max(review.c.id))) or 0


def _insert(
    db: Connection, row: Row[Any], person_id: int, decision: ReviewDecision, rules: Rules, why: str,
    through: str = "",
) -> int:  # fmt: skip
    values = {
        "creator_id": row.id, "person_id": person_id, "decision": decision.choice,
        "reason": decision.reason, "note": decision.note.strip(), "probability": row.probability,
        "band": rules.band(row.probability, row.flags), "why": why, "previous": row.state,
        "request": decision.request, "at": datetime.now(UTC),
    }  # fmt: skip
    number = insert_one(db, review, **values)
    state = DECISIONS[decision.choice]
    if state:
        db.execute(update(creator).where(creator.c.id == row.id).values(state=state))
    who = db.scalar(select(person.c.name).where(person.c.id == person_id)) or str(person_id)
    detail = {"reason": decision.reason, "review": number}
    note(db, who, decision.choice, f"creator {row.id}",
         {**detail, "through": through} if through else detail)  # fmt: skip
    return number


def latest(db: Connection, person_id: int) -> Row[Any] | None:
    """Return a reviewer's latest decision that is not undone."""
    mine = select(review).where(review.c.person_id == person_id, review.c.undone_at.is_(None))
    return db.execute(mine.order_by(review.c.id.desc()).limit(1)).first()


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
        If it is not their latest any more, or the creator was decided again after it.
    """
    with store.writing() as db:
        last = latest(db, person_id)
        if last is None or last.id != number:
            raise ConflictError("This is not your latest decision any more.", "Reload the page.")
        wanted = select(creator.c.id).where(creator.c.id == last.creator_id)
        # Row lock: a concurrent decision blocks here, or is visible to the query below.
        db.execute(wanted.with_for_update())
        newer = db.scalar(
            select(func.count()).where(
                review.c.creator_id == last.creator_id, review.c.id > last.id,
                review.c.undone_at.is_(None), review.c.decision != "skip",
            )
        )  # fmt: skip
        if newer:
            raise ConflictError(
                "Somebody has decided about this creator since.", "Open the creator."
            )
        now = datetime.now(UTC)
        db.execute(update(review).where(review.c.id == last.id).values(undone_at=now))
        if DECISIONS[last.decision]:
            db.execute(
                update(creator).where(creator.c.id == last.creator_id).values(state=last.previous)
            )
        db.execute(delete(claim).where(claim.c.person_id == person_id))
        row = insert_or(db, claim).values(
            creator_id=last.creator_id, person_id=person_id, why=last.why,
            expires_at=now + timedelta(minutes=CLAIM_MINUTES),
        )  # fmt: skip
        db.execute(row.on_conflict_do_nothing())
        who = db.scalar(select(person.c.name).where(person.c.id == person_id)) or ""
        note(db, who, "undo", f"creator {last.creator_id}", {"review": last.id})
        return int(last.creator_id)


def reviews_of(db: Connection, creator_id: int) -> Sequence[Row[Any]]:
    """Return a creator's reviews with the reviewers' names, the latest first."""
    reviews = (
        select(review, person.c.name.label("who"))
        .join(person, person.c.id == review.c.person_id)
        .where(review.c.creator_id == creator_id)
        .order_by(review.c.id.desc())
    )
    return db.execute(reviews).all()
