"""The review queue: which creator a reviewer sees next, and that nobody else has them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, delete, exists, func, select

from durhampulse.decision.bands import MAYBE, NO
from durhampulse.desk.models.rules import Range, Rules
from durhampulse.desk.review.decisions import CLAIM_MINUTES
from durhampulse.desk.store.database import Store, insert_or
from durhampulse.desk.store.tables import STATES, claim, creator, review

__all__ = ["Claimed", "Progress", "next_one", "progress", "release"]

Why = Literal["maybe", "edge", "sample", "chosen"]
_SAMPLED = 0.05
_EDGES = 0.15
_LOOKED_AT = 40


@dataclass(frozen=True)
class Claimed:
    """A creator whom one reviewer has before them.

    Attributes
    ----------
    creator_id
        The store's number.
    why
        How they came into the queue: "maybe", "edge", or "sample" (drawn from No by lot).
    until
        When the claim ends.
    """

    creator_id: int
    why: str
    until: datetime


@dataclass(frozen=True)
class Progress:
    """How far the queue is.

    Attributes
    ----------
    waiting
        Open creators of the Maybe band.
    decided
        Creators decided by anyone.
    today
        Decisions of the asking reviewer since midnight, UTC.
    others
        Creators before other reviewers now.
    """

    waiting: int
    decided: int
    today: int
    others: int


def next_one(
    store: Store, person_id: int, rules: Rules, *, lot: random.Random | None = None
) -> Claimed | None:
    """Give a reviewer their next creator, whom nobody else has; none if the queue is empty.

    Most come from Maybe, the most probable first; in between come edge cases of the other bands,
    and one in twenty of No, drawn by lot: only those can prove the model wrong there.
    """
    now = datetime.now(UTC)
    lot = lot or random.Random()  # noqa: S311 - no secret depends on it
    with store.reading() as db:
        mine = db.execute(
            select(claim).where(claim.c.person_id == person_id, claim.c.expires_at > now)
        ).first()
    if mine:
        return Claimed(mine.creator_id, mine.why, mine.expires_at)
    draw = lot.random()
    kinds: list[Why] = ["maybe", "edge", "sample"]
    first: Why = "sample" if draw < _SAMPLED else "edge" if draw < _SAMPLED + _EDGES else "maybe"
    for why in sorted(kinds, key=lambda kind: kind != first):
        while candidates := _candidates(store, person_id, rules, why, now):
            # Of Maybe the most probable is next; who loses them to another does not queue up.
            sure = candidates[:1] if why == "maybe" else []
            others = candidates[len(sure) :]
            for number in [*sure, *lot.sample(others, len(others))]:
                if found := _claim(store, number, person_id, why):
                    return found
    return None


def _candidates(store: Store, person_id: int, rules: Rules, why: Why, now: datetime) -> list[int]:
    c = creator.c
    taken = exists().where(claim.c.creator_id == c.id, claim.c.expires_at > now)
    skipped = exists().where(
        review.c.creator_id == c.id, review.c.person_id == person_id, review.c.decision == "skip",
        review.c.at > now - timedelta(hours=12), review.c.undone_at.is_(None),
    )  # fmt: skip
    wanted = select(c.id).where(c.state == "open", ~taken, ~skipped)
    if why == "sample":
        wanted = wanted.where(c.lottery < _SAMPLED).order_by(c.lottery)
    else:
        wanted = wanted.order_by(c.probability.desc())
    found: list[int] = []
    with store.reading() as db:
        for low, high in _ranges(rules, why):  # one by one: each is a stretch of an index
            part = wanted.where(c.probability >= low, c.probability < high)
            found += db.scalars(part.limit(_LOOKED_AT - len(found)))
    return found


def _ranges(rules: Rules, why: Why) -> list[Range]:
    """Give the probabilities a kind of candidate has, the highest first."""
    if why != "edge":
        return [rules.band_range(MAYBE if why == "maybe" else NO)]
    low, high = rules.band_range(MAYBE)
    above = [(max(a, high), b) for a, b in rules.edge_ranges if b > high]
    below = [(a, min(b, low)) for a, b in rules.edge_ranges if a < low]
    return sorted([*above, *below], reverse=True)


def _claim(store: Store, number: int, person_id: int, why: str) -> Claimed | None:
    """Take a creator, if nobody else has in the meantime."""
    now = datetime.now(UTC)
    until = now + timedelta(minutes=CLAIM_MINUTES)
    with store.writing() as db:
        row = insert_or(db, claim).values(
            creator_id=number, person_id=person_id, why=why, expires_at=until
        )
        taken = row.on_conflict_do_update(
            index_elements=["creator_id"],
            set_={"person_id": person_id, "why": why, "expires_at": until},
            where=claim.c.expires_at <= now,
        ).returning(claim.c.creator_id)
        if db.scalar(taken) is None:
            return None
        still_open = select(creator.c.id).where(creator.c.id == number, creator.c.state == "open")
        if db.scalar(still_open.with_for_update()) is None:
            db.execute(delete(claim).where(claim.c.creator_id == number))
            return None
    return Claimed(number, why, until)


def release(store: Store, person_id: int) -> None:
    """Give back the creator a reviewer has before them."""
    with store.writing() as db:
        db.execute(delete(claim).where(claim.c.person_id == person_id))


def progress(db: Connection, person_id: int, rules: Rules) -> Progress:
    """Say how far the queue is."""
    now = datetime.now(UTC)
    low, high = rules.band_range(MAYBE)
    p, state = creator.c.probability, creator.c.state
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    counts = (
        select(func.count()).where(state == "open", p >= low, p < high),
        select(func.count()).where(state.in_(STATES[1:])),  # which an index counts; "not open" not
        select(func.count()).where(
            review.c.person_id == person_id, review.c.at >= midnight, review.c.undone_at.is_(None),
            review.c.decision != "skip",
        ),
        select(func.count()).where(claim.c.person_id != person_id, claim.c.expires_at > now),
    )  # fmt: skip
    return Progress(*(int(db.scalar(one) or 0) for one in counts))
