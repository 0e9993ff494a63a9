"""The review queue: which creator a reviewer sees next, and the claims that exclude others."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
from sqlalchemy import Connection, Row, bindparam, delete, exists, func, select

from durhampulse.decision.bands import MAYBE, NO
from durhampulse.desk.models.rules import Range, Rules
from durhampulse.desk.review.decisions import CLAIM_MINUTES
from durhampulse.desk.review.worth import worth
from durhampulse.desk.shortlist.facets import Cells, waiting_of
from durhampulse.desk.shortlist.filters import on_edge
from durhampulse.desk.shortlist.order import BY, BY_STATE
from durhampulse.desk.store import clock
from durhampulse.desk.store.database import Store, insert_or
from durhampulse.desk.store.tables import (
    DECIDED,
    DRAWN,
    HAS_NO_PRECEDENT,
    HAS_PRECEDENT,
    LOTTERY,
    PASSED,
    SINGLE,
    WAITS,
    claim,
    creator,
    review,
)

__all__ = [
    "Claim",
    "Progress",
    "QueueCounts",
    "claim_next",
    "progress",
    "queue_counts",
    "queue_counts_of",
    "release",
]

Why = Literal["unlike", "maybe", "edge", "sample", "chosen"]
_EDGES = 0.15
_LOOKED_AT = 40
_BY_PROBABILITY = f"INDEXED BY {BY['probability']}"
QueueCounts = tuple[int, int, int]
"""Open creators of Maybe, those without precedent, and creators decided by anyone."""
_MINE = select(claim).join(creator, creator.c.id == claim.c.creator_id).where(
    claim.c.person_id == bindparam("person"), claim.c.expires_at > bindparam("now"),
    creator.c.deal.is_(None),
)  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """A creator that one reviewer holds for a while.

    Attributes
    ----------
    creator_id
        The store's number.
    why
        How they came into the queue: "unlike" (without precedent), "maybe", "edge", or "sample"
        (drawn from No by lot).
    until
        When the claim ends.
    """

    creator_id: int
    why: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Counts of the queue, for the asking reviewer.

    Attributes
    ----------
    waiting
        Open creators of the Maybe band whose outcome is not known.
    unlike
        The same of those without precedent.
    decided
        Creators decided by anyone.
    today
        Decisions of the asking reviewer since midnight, UTC, made one by one: those on many at once
        are no reviews.
    others
        Creators claimed by other reviewers now.
    """

    waiting: int | None
    unlike: int | None
    decided: int | None
    today: int
    others: int


def claim_next(
    store: Store, person_id: int, rules: Rules, *, lot: random.Random | None = None
) -> Claim | None:
    """Return the claim on a reviewer's next creator; none if the queue is empty.

    Those without precedent come first: no probability of theirs counts. Then most come from Maybe,
    of its most probable those first whose review could change most; in between come edge cases of
    the other bands, and one in twenty of No, drawn by lot: only those can prove the model wrong
    there. Whose outcome is known is past, and no longer anybody's work.
    """
    now = clock.now()
    lot = lot or random.Random()  # noqa: S311 - no secret depends on it
    with store.reading() as db:
        mine = db.execute(_MINE, {"person": person_id, "now": now}).first()
    if mine:
        return Claim(mine.creator_id, mine.why, mine.expires_at)
    for why in ("unlike", *_kinds(lot.random())):
        while candidates := _candidates(store, person_id, rules, why, now):
            *others, last = _order(candidates, why, lot)
            for number in (*others, last):
                if claimed := _claim(store, number, person_id, why, waits=number == last):
                    return claimed
    return None


def _kinds(draw: float) -> list[Why]:
    """Return the kinds of candidates in the order they are tried, from a number of [0, 1)."""
    first: Why = "sample" if draw < LOTTERY else "edge" if draw < LOTTERY + _EDGES else "maybe"
    kinds: tuple[Why, ...] = ("maybe", "edge", "sample")
    return [first, *(kind for kind in kinds if kind != first)]


def _order(candidates: list[int], why: Why, lot: random.Random) -> list[int]:
    """Return the candidates in the order they are claimed.

    Of Maybe and its edges the first of `candidates` comes first. The others are shuffled: reviewers
    who lose the race for the first do not race for the second as well.
    """
    first = candidates[:1] if why in ("maybe", "edge") else []
    others = candidates[len(first) :]
    return [*first, *lot.sample(others, len(others))]


def _candidates(store: Store, person_id: int, rules: Rules, why: Why, now: datetime) -> list[int]:
    c = creator.c
    taken = exists().where(claim.c.creator_id == c.id, claim.c.expires_at > now)
    # Else SQLite might look through all that a reviewer has decided in one act.
    by_creator = select(review.c.id).with_hint(review, "INDEXED BY ix_review_creator_id", "sqlite")
    skipped = by_creator.where(
        review.c.creator_id == c.id, review.c.person_id == person_id, review.c.decision == "skip",
        review.c.at > now - timedelta(hours=12), review.c.undone_at.is_(None),
    ).exists()  # fmt: skip
    wanted = select(c.id).where(WAITS, ~taken, ~skipped)
    if why == "unlike":
        with store.reading() as db:
            few = wanted.where(HAS_NO_PRECEDENT).order_by(c.id).limit(_LOOKED_AT)
            few = few.with_hint(creator, "INDEXED BY ix_creator_unlike", "sqlite")
            return [] if rules.scorer.refusal else list(db.scalars(few))
    wanted = wanted.where(HAS_PRECEDENT)
    if why == "sample":
        wanted = wanted.where(DRAWN).order_by(c.lottery)
        wanted = wanted.with_hint(creator, "INDEXED BY ix_creator_lottery", "sqlite")
    else:
        wanted = wanted.order_by(c.probability.desc())
        wanted = wanted.with_hint(creator, _BY_PROBABILITY, "sqlite")
    rows: list[Row[Any]] = []
    if why == "edge":
        wanted = wanted.where(on_edge(rules))
    wanted = wanted.add_columns(c.probability, c.low, c.high)
    with store.reading() as db:
        for low, high in _ranges(rules, why):  # one query each: a range scan of an index
            part = wanted.where(c.probability >= low, c.probability < high)
            rows += db.execute(part.limit(_LOOKED_AT - len(rows))).all()
    return [row.id for row in (rows if why == "sample" else _most_worth(rows, rules))]


def _most_worth(rows: list[Row[Any]], rules: Rules) -> list[Row[Any]]:
    """Return creators in the order of what a review of each could change."""
    p, low, high = np.array([row[1:] for row in rows], dtype=float).reshape(-1, 3).T
    value = worth(p, low, high, rules.thresholds.yes_at)
    return [rows[at] for at in np.argsort(-value, kind="stable")]


def _ranges(rules: Rules, why: Why) -> list[Range]:
    """Return the probabilities of a kind of candidate, the highest range first."""
    if why != "edge":
        return [rules.band_ranges[MAYBE if why == "maybe" else NO]]
    low, high = rules.band_ranges[MAYBE]
    widest = rules.edge_ranges[-1]
    above = [(max(a, high), b) for a, b in widest if b > high]
    below = [(a, min(b, low)) for a, b in widest if a < low]
    return sorted([*above, *below], reverse=True)


def _claim(store: Store, number: int, person_id: int, why: str, *, waits: bool) -> Claim | None:
    """Return the claim on a creator; none where somebody was quicker to claim, decide or erase.

    Whether it waits for somebody who is at the same creator matters where all are held by one act.
    """
    now = clock.now()
    until = now + timedelta(minutes=CLAIM_MINUTES)
    with store.writing() as db:
        # The creator's row lock first, as of who decides: neither waits for the other's claim.
        open_row = select(creator.c.id).where(creator.c.id == number, WAITS)
        if db.scalar(open_row.with_for_update(skip_locked=not waits)) is None:
            return None
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
    return Claim(number, why, until)


def release(store: Store, person_id: int) -> None:
    """End the claim a reviewer holds."""
    with store.writing() as db:
        db.execute(delete(claim).where(claim.c.person_id == person_id))


def progress(db: Connection, person_id: int, counts: QueueCounts | None) -> Progress:
    """Return the counts of the queue for a reviewer.

    Parameters
    ----------
    counts
        Those of all reviewers; None where they are not known yet.
    """
    now = clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    r, singly = review.c, "INDEXED BY ix_review_single_person_id"  # a day's act may be of a million
    mine = (
        select(func.count()).with_hint(review, singly, "sqlite").where(
            r.person_id == person_id, r.at >= midnight, SINGLE, r.undone_at.is_(None),
            r.decision.not_in(("skip", "reopen")),
        ),
        select(func.count()).where(claim.c.person_id != person_id, claim.c.expires_at > now),
    )  # fmt: skip
    waiting, unlike, decided = counts or (None, None, None)
    today, others = (int(db.scalar(count) or 0) for count in mine)
    return Progress(waiting=waiting, unlike=unlike, decided=decided, today=today, others=others)


def queue_counts(db: Connection, rules: Rules) -> QueueCounts:
    """Return how many wait of Maybe, how many without precedent, and how many are decided."""
    low, high = rules.band_ranges[MAYBE]
    p = creator.c.probability
    counted = select(func.count()).select_from(creator)
    listed = counted.with_hint(creator, _BY_PROBABILITY, "sqlite")
    counts = (
        listed.where(WAITS, HAS_PRECEDENT, p >= low, p < high),
        counted.where(WAITS, HAS_NO_PRECEDENT),
        counted.where(PASSED, DECIDED).with_hint(creator, f"INDEXED BY {BY_STATE}", "sqlite"),
    )
    maybe, unlike, decided = (int(db.scalar(count) or 0) for count in counts)
    return maybe, unlike, decided


def queue_counts_of(cells: Cells) -> QueueCounts:
    """Return the same from the cells of the whole list."""
    waiting = waiting_of(cells)
    decided = sum(n for (_, state, *_), n in cells if state != "open")
    return waiting["maybe"], waiting["unlike"], decided
