"""The review queue: which creator a reviewer sees next, and that nobody else has them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, or_, select

from durhampulse.decision import MAYBE, NO
from durhampulse.desk.reviewing import CLAIM_MINUTES
from durhampulse.desk.rules import Rules
from durhampulse.desk.store.database import Store, insert_or
from durhampulse.desk.store.tables import claim, creator, review

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
            lot.shuffle(candidates) if why != "maybe" else None
            for number in candidates:
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
    found = select(c.id).where(c.state == "open", _band(rules, why), ~taken, ~skipped)
    by = c.lottery if why == "sample" else c.probability.desc()
    with store.reading() as db:
        return list(db.scalars(found.order_by(by).limit(_LOOKED_AT)))


def _band(rules: Rules, why: Why) -> ColumnElement[bool]:
    p = creator.c.probability
    low, high = rules.band_range(MAYBE)
    if why == "maybe":
        return and_(p >= low, p < high)
    if why == "edge":
        parts = [and_(p >= a, p < b) for a, b in rules.edge_ranges]
        outside = or_(p < low, p >= high)
        return and_(outside, or_(*parts)) if parts else p.is_(None) & p.is_not(None)
    low, high = rules.band_range(NO)
    return and_(p >= low, p < high, creator.c.lottery < _SAMPLED)


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
        select(func.count()).where(state != "open").select_from(creator),
        select(func.count()).where(
            review.c.person_id == person_id, review.c.at >= midnight, review.c.undone_at.is_(None),
            review.c.decision != "skip",
        ),
        select(func.count()).where(claim.c.person_id != person_id, claim.c.expires_at > now),
    )  # fmt: skip
    return Progress(*(int(db.scalar(one) or 0) for one in counts))
