"""Reviews: what people decide about creators, one by one or many at once, and taking it back."""

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
    "CLAIM_MINUTES", "DECISIONS", "REASONS", "ConflictError", "Many", "Verdict", "decide",
    "decide_many", "last_review", "latest", "reviews_of", "undo",
]  # fmt: skip

DECISIONS: Final = {
    "approve": "approved",
    "decline": "declined",
    "tentative": "tentative",
    "skip": None,
}
"""What a reviewer may say, and the state it puts a creator in; a skip leaves it."""

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
    """Somebody else is at it, or was quicker."""


@dataclass(frozen=True)
class Verdict:
    """What one reviewer says.

    Attributes
    ----------
    decision
        A key of `DECISIONS`.
    reason
        One of `REASONS`.
    note
        In the reviewer's own words; needed where the reason is "Other".
    request
        A name for this one act, so that sending it twice decides once.
    seen
        The latest review when the reviewer's page was made, from :func:`last_review`: whom others
        have decided about since is left alone.
    """

    decision: str
    reason: str
    note: str
    request: str
    seen: int | None = None

    def __post_init__(self) -> None:
        if self.decision not in DECISIONS:
            raise InputError(
                f"'{self.decision[:40]}' is no decision.", f"Use {', '.join(DECISIONS)}."
            )
        if self.decision != "skip" and self.reason not in REASONS:
            raise InputError("A decision needs a reason.", "Choose one from the list.")
        if self.decision != "skip" and self.reason == "Other" and not self.note.strip():
            raise InputError("'Other' says nothing alone.", "Write the reason in the note.")
        if len(self.note) > _LONGEST_NOTE or "\0" in self.note:
            raise InputError(
                f"The note is too long, or holds what is no text: {len(self.note)} characters.",
                f"Write at most {_LONGEST_NOTE}.",
            )
        if not 8 <= len(self.request) <= 100:
            raise InputError("The request has no name of 8 to 100 characters.", "Reload the page.")


def decide(
    store: Store, creator_id: int, person_id: int, verdict: Verdict, rules: Rules,
    *, queued: bool = False, through: str = "",
) -> tuple[int, bool]:  # fmt: skip
    """Keep what a reviewer says of a creator.

    Parameters
    ----------
    store, creator_id, person_id, verdict, rules
        Where, of whom, who, what, and the model they saw.
    queued
        Whether it comes from the queue, where nobody is asked about a creator decided meanwhile.
    through
        The program that brings it, for the audit log.

    Returns
    -------
    review, new
        Number of the review; false if the same request was kept before.

    Raises
    ------
    ConflictError
        If another reviewer is looking at the creator or has decided since, or the request's name
        stands for another act.
    InputError
        If there is no such creator.
    """
    with store.writing() as db:
        known = _same_act(db, creator_id, person_id, verdict)
        if known is not None:
            return known, False
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
        decided = bool(_changed(db, [creator_id], person_id, verdict.seen))
        if decided or (queued and not mine and row.state != "open"):
            raise ConflictError(
                "Somebody has decided about this creator since.",
                "Take the next one." if queued else "Open the creator again.",
            )
        why = held.why if held and mine else "chosen"
        try:
            with db.begin_nested():
                number = _keep(db, row, person_id, verdict, rules, why, through)
        except IntegrityError:  # the same request, at the same moment
            known = _same_act(db, creator_id, person_id, verdict)
            if known is None:
                raise
            return known, False
        db.execute(delete(claim).where(claim.c.creator_id == creator_id))
    return number, True


def _same_act(db: Connection, creator_id: int, person_id: int, verdict: Verdict) -> int | None:
    """Give the review that a request was kept as."""
    kept = db.execute(select(review).where(review.c.request == verdict.request)).first()
    if kept is None:
        return None
    if (kept.creator_id, kept.person_id, kept.decision) != (
        creator_id, person_id, verdict.decision,
    ):  # fmt: skip
        raise _other_act()
    return int(kept.id)


def _other_act() -> ConflictError:
    return ConflictError(
        "This was sent before with another decision, and that one stands.",
        "Reload the page. A program gives each decision a name of its own.",
    )


@dataclass(frozen=True)
class Many:
    """What became of one decision about many creators: how many of them were decided or left.

    Attributes
    ----------
    decided
        So it was decided, now or when the same request came before.
    held
        Another reviewer is looking at them.
    changed
        Another reviewer has decided since the page was made.
    gone
        They are not stored any more.
    """

    decided: int
    held: int = 0
    changed: int = 0
    gone: int = 0


def decide_many(
    store: Store, numbers: Sequence[int], person_id: int, verdict: Verdict, rules: Rules
) -> Many:
    """Keep one decision about many creators; what other reviewers do or have done is left alone.

    Raises
    ------
    ConflictError
        If the request's name stands for another decision.
    """
    wanted, now = set(numbers), datetime.now(UTC)
    with store.writing() as db:
        done = _same_acts(db, person_id, verdict)
        rows = {row.id: row for row in db.execute(
            select(creator).where(creator.c.id.in_(wanted)).order_by(creator.c.id).with_for_update()
        )}  # fmt: skip
        held = set(db.scalars(
            select(claim.c.creator_id)
            .where(claim.c.person_id != person_id, claim.c.expires_at > now)
        )) & rows.keys() - done  # fmt: skip
        changed = _changed(db, [*rows], person_id, verdict.seen) - held - done
        for number in rows.keys() - held - changed - done:
            one = replace(verdict, request=f"{verdict.request}:{number}")
            _keep(db, rows[number], person_id, one, rules, "chosen")
        decided = rows.keys() - held - changed
        db.execute(delete(claim).where(claim.c.creator_id.in_(decided)))
    return Many(len(decided), len(held), len(changed), len(wanted - rows.keys()))


def _same_acts(db: Connection, person_id: int, verdict: Verdict) -> set[int]:
    """Give the creators about whom a request for many was kept before."""
    mine = review.c.request.startswith(f"{verdict.request}:", autoescape=True)
    kept = db.execute(select(review).where(mine)).all()
    if any((one.person_id, one.decision) != (person_id, verdict.decision) for one in kept):
        raise _other_act()
    return {one.creator_id for one in kept}


def _changed(db: Connection, numbers: list[int], person_id: int, seen: int | None) -> set[int]:
    """Give those about whom others have decided since the review that was the latest then."""
    if seen is None:
        return set()
    r = review.c
    since = (r.id > seen, r.person_id != person_id, r.undone_at.is_(None), r.decision != "skip")
    return set(db.scalars(select(r.creator_id).where(r.creator_id.in_(numbers), *since)))


def last_review(db: Connection) -> int:
    """Give the number of the latest review; 0 where there is none."""
    return db.scalar(select(func.max(review.c.id))) or 0


def _keep(
    db: Connection, row: Row[Any], person_id: int, verdict: Verdict, rules: Rules, why: str,
    through: str = "",
) -> int:  # fmt: skip
    values = {
        "creator_id": row.id, "person_id": person_id, "decision": verdict.decision,
        "reason": verdict.reason, "note": verdict.note.strip(), "probability": row.probability,
        "band": rules.band(row.probability), "why": why, "previous": row.state,
        "request": verdict.request, "at": datetime.now(UTC),
    }  # fmt: skip
    number = insert_one(db, review, **values)
    state = DECISIONS[verdict.decision]
    if state:
        db.execute(update(creator).where(creator.c.id == row.id).values(state=state))
    who = db.scalar(select(person.c.name).where(person.c.id == person_id)) or str(person_id)
    detail = {"reason": verdict.reason, "review": number}
    note(db, who, verdict.decision, f"creator {row.id}",
         {**detail, "through": through} if through else detail)  # fmt: skip
    return number


def latest(db: Connection, person_id: int) -> Row[Any] | None:
    """Give a reviewer's latest decision that stands."""
    mine = select(review).where(review.c.person_id == person_id, review.c.undone_at.is_(None))
    return db.execute(mine.order_by(review.c.id.desc()).limit(1)).first()


def undo(store: Store, person_id: int, number: int) -> int:
    """Take back a reviewer's latest decision, unless somebody has decided since.

    Parameters
    ----------
    store, person_id
        Where, and who.
    number
        The review they want taken back: a second press of the button takes back no other.

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
        db.execute(wanted.with_for_update())  # whoever decides now waits, or is seen below
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
    """Give a creator's reviews with the reviewers' names, the latest first."""
    found = (
        select(review, person.c.name.label("who"))
        .join(person, person.c.id == review.c.person_id)
        .where(review.c.creator_id == creator_id)
        .order_by(review.c.id.desc())
    )
    return db.execute(found).all()
