"""Review decisions: recorded for one creator or in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from durhampulse.desk.models.rules import Rules
from durhampulse.desk.review.blind import blind_share, drawn_blind
from durhampulse.desk.review.conflicts import ConflictError, conflict_of, held_by_other
from durhampulse.desk.store import clock
from durhampulse.desk.store.acts import begin_act, change_act
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.missing import MissingError
from durhampulse.desk.store.outbox import announce
from durhampulse.desk.store.tables import DECISIONS, claim, creator, person, review
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
    "reviews_of",
]  # fmt: skip

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
_WITHOUT_REASON = ("skip", "reopen")
_CREATOR = select(creator).where(creator.c.id == bindparam("number")).with_for_update()
_RECORDED = select(review).where(review.c.request == bindparam("request"))
_LAST = select(func.max(review.c.id))
_NAME = select(person.c.name).where(person.c.id == bindparam("number"))
_SET_STATE = (
    update(creator).where(creator.c.id == bindparam("number")).values(state=bindparam("due"))
)
_RELEASE = delete(claim).where(claim.c.creator_id == bindparam("number"))
_STANDS = (review.c.undone_at.is_(None), review.c.decision != "skip")


@dataclass(frozen=True, kw_only=True)
class ReviewDecision:
    """A reviewer's decision.

    Attributes
    ----------
    choice
        A key of `DECISIONS`.
    reason
        One of `REASONS`; whoever skips or re-opens a creator needs none.
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
        if self.choice not in _WITHOUT_REASON and self.reason not in REASONS:
            raise InputError("A decision needs a reason.", "Choose one from the list.", "reason")
        if self.choice not in _WITHOUT_REASON and self.reason == "Other" and not self.note.strip():
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
        row = db.execute(_CREATOR, {"number": creator_id}).first()
        if row is None:
            raise MissingError("There is no such creator.", "Go back to the list.")
        mine = _require_free(db, row, person_id, decision, queued=queued)
        try:
            with db.begin_nested():
                number = _insert(db, row, person_id, decision, rules, mine, through)
        except IntegrityError:  # a concurrent request with the same key
            recorded = _recorded(db, creator_id, person_id, decision)
            if recorded is None:
                raise
            return recorded, False
        db.execute(_RELEASE, {"number": creator_id})
    return number, True


def _require_free(
    db: Connection, row: Row[Any], person_id: int, decision: ReviewDecision, *, queued: bool
) -> Row[Any] | None:
    """Return the reviewer's own claim on a creator; none where they hold none.

    Raises
    ------
    ConflictError
        If a colleague looks at the creator, or has decided since the page was made.
    """
    if holder := held_by_other(db, row.id, person_id):
        raise ConflictError(
            f"{holder.name} is looking at this creator right now.",
            "Wait for what they decide, or take another one.",
        )
    mine = (claim.c.creator_id == row.id, claim.c.person_id == person_id)
    held = db.execute(select(claim).where(*mine)).first()
    r = review.c
    decided = select(review).where(r.creator_id == row.id, *_STANDS).order_by(r.id.desc()).limit(1)
    if decision.seen is not None:
        decided = decided.where(r.id > decision.seen, r.person_id != person_id)
    elif not queued or held is not None or row.state == "open":
        return held
    if (latest := db.execute(decided).first()) is not None:
        raise conflict_of(db, latest)
    return held


def _recorded(
    db: Connection, creator_id: int, person_id: int, decision: ReviewDecision
) -> int | None:
    """Return the number of the review that a request was recorded as; none if it was not."""
    kept = db.execute(_RECORDED, {"request": decision.request}).first()
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


@dataclass(frozen=True, kw_only=True)
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
    act
        Its number, by which all of them are undone; none where nobody was decided.
    """

    decided: int
    held: int = 0
    changed: int = 0
    gone: int = 0
    act: int | None = field(default=None, compare=False)


def decide_many(
    store: Store, numbers: Sequence[int], person_id: int, decision: ReviewDecision, rules: Rules
) -> BulkResult:
    """Record one decision about many creators; those claimed or decided by others are left alone.

    Parameters
    ----------
    store, numbers, person_id, decision, rules
        The store, the creators, the reviewer, the decision, and the model they saw.

    Raises
    ------
    ConflictError
        If the idempotency key was used for another decision.
    """
    wanted, now = set(numbers), clock.now()
    with store.writing() as db:
        done = _recorded_many(db, person_id, decision)
        rows = {row.id: row for row in db.execute(
            select(creator).where(creator.c.id.in_(wanted)).order_by(creator.c.id).with_for_update()
        )}  # fmt: skip
        held = set(db.scalars(
            select(claim.c.creator_id)
            .where(claim.c.person_id != person_id, claim.c.expires_at > now)
        )) & rows.keys() - done.keys()  # fmt: skip
        changed = _changed(db, [*rows], person_id, decision.seen) - held - done.keys()
        new = sorted(rows.keys() - held - changed - done.keys())
        act_id = next(iter(done.values()), None)
        if new and act_id is None:
            act_id = begin_act(db, "decision", _name_of(db, person_id), _about(decision))
        reviews = []
        for number in new:
            own = replace(decision, request=f"{decision.request}:{number}")
            reviews.append(_insert(db, rows[number], person_id, own, rules, None))
        db.execute(update(review).where(review.c.id.in_(reviews)).values(act_id=act_id))
        decided = rows.keys() - held - changed
        if new and act_id is not None:
            change_act(db, act_id, creators=len(decided))
        db.execute(delete(claim).where(claim.c.creator_id.in_(new)))
    return BulkResult(
        decided=len(decided), held=len(held), changed=len(changed), gone=len(wanted - rows.keys()),
        act=act_id,
    )  # fmt: skip


def _about(decision: ReviewDecision) -> dict[str, str]:
    """Return what people are told of a bulk decision; its note may name somebody."""
    return {"decision": decision.choice, "reason": decision.reason}


def _recorded_many(
    db: Connection, person_id: int, decision: ReviewDecision
) -> dict[int, int | None]:
    """Return the creators for whom a bulk request was recorded before, with its act."""
    mine = review.c.request.startswith(f"{decision.request}:", autoescape=True)
    kept = db.execute(select(review).where(mine)).all()
    if any((row.person_id, row.decision) != (person_id, decision.choice) for row in kept):
        raise _key_reused()
    return {row.creator_id: row.act_id for row in kept}


def _changed(db: Connection, numbers: list[int], person_id: int, seen: int | None) -> set[int]:
    """Return the creators that others have decided about since the review `seen`."""
    if seen is None:
        return set()
    r = review.c
    since = (r.id > seen, r.person_id != person_id, *_STANDS)
    return set(db.scalars(select(r.creator_id).where(r.creator_id.in_(numbers), *since)))


def last_review(db: Connection) -> int:
    """Return the number of the latest review; 0 where there is none."""
    return db.scalar(_LAST) or 0


def _insert(
    db: Connection, row: Row[Any], person_id: int, decision: ReviewDecision, rules: Rules,
    mine: Row[Any] | None, through: str = "",
) -> int:  # fmt: skip
    """Insert a review; return its number. `mine` is the reviewer's claim, where they hold one."""
    begun = mine and mine.expires_at - timedelta(minutes=CLAIM_MINUTES)
    values = {
        "creator_id": row.id, "person_id": person_id, "decision": decision.choice,
        "reason": decision.reason, "note": decision.note.strip(), "probability": row.probability,
        "band": rules.band(row.probability, row.flags), "previous": row.state,
        "why": mine.why if mine else "chosen",
        "request": decision.request, "at": clock.now(),
        "claimed_at": begun,
        "blind": mine is not None and drawn_blind(row.lottery, blind_share(db)),
    }  # fmt: skip
    number = insert_one(db, review, **values)
    state = DECISIONS[decision.choice]
    if state:
        db.execute(_SET_STATE, {"number": row.id, "due": state})
    who = _name_of(db, person_id)
    detail = {"reason": decision.reason, "review": number}
    announce(db, "decision.made", review, review.c.id == number)
    note(db, who, decision.choice, f"creator {row.id}",
         {**detail, "through": through} if through else detail)  # fmt: skip
    return number


def _name_of(db: Connection, person_id: int) -> str:
    return db.scalar(_NAME, {"number": person_id}) or str(person_id)


def reviews_of(db: Connection, creator_id: int) -> Sequence[Row[Any]]:
    """Return a creator's reviews with the reviewers' names, the latest first."""
    reviews = (
        select(review, person.c.name.label("who"))
        .join(person, person.c.id == review.c.person_id)
        .where(review.c.creator_id == creator_id)
        .order_by(review.c.id.desc())
    )
    return db.execute(reviews).all()
