"""How creators come from an import to an outcome: counts, waits, and what it costs people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, func, select

from durhampulse.desk.review.decisions import CLAIM_MINUTES
from durhampulse.desk.store import clock
from durhampulse.desk.store.bulk import numbers_in
from durhampulse.desk.store.tables import (
    DECIDED,
    PASSED,
    REOPENS,
    campaign,
    creator,
    outcome,
    proposal,
    review,
    run,
    score,
    upload,
)

__all__ = ["Effort", "Pipeline", "Stage", "pipeline"]

_LATEST = 5_000
"""Creators, the latest of a stage, whose waits are looked at, and likewise reviews."""
_LONGEST = timedelta(minutes=CLAIM_MINUTES)
_DECIDED = ("approve", "decline", "tentative")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step on the way.

    Attributes
    ----------
    name
        What it is called.
    creators
        Who reached it in the time looked at, whatever came after.
    days
        Median days since the step before, of those who took both; None where nobody did.
    of
        How many creators that median is of.
    """

    name: str
    creators: int
    days: float | None
    of: int


@dataclass(frozen=True, kw_only=True)
class Effort:
    """What deciding costs.

    Attributes
    ----------
    singly, in_bulk, undecided
        Creators who were decided one by one; those decided only with many others at once, or by
        a rule on a list; and those of the list whom nobody has decided.
    minutes
        Median of a decision made one by one; None where none was.
    of
        Decisions that the median is of.
    """

    singly: int
    in_bulk: int
    undecided: int
    minutes: float | None
    of: int


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The stages in their order, and what deciding costs."""

    stages: list[Stage]
    effort: Effort

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Pipeline:
        """Return the pipeline of its fields as JSON keeps them."""
        stages = [Stage(**stage) for stage in facts["stages"]]
        return cls(stages=stages, effort=Effort(**facts["effort"]))


def pipeline(db: Connection, days: int | None = None) -> Pipeline:
    """Return how creators came along; it takes a pass over the list.

    Parameters
    ----------
    days
        Only what happened in the last so many days; everything if None.
    """
    since = None if days is None else clock.now() - timedelta(days=days)
    steps, ever = _steps(), _ever_decided(db)
    listed = db.scalar(select(func.count()).select_from(creator)) or 0
    imported = listed if since is None else _imported(db, since)
    stages = [Stage(name="imported", creators=imported, days=None, of=0)]
    for (name, step), (_, before) in zip(steps, [("", None), *steps], strict=False):
        waits = _waits(db, step, before, since)
        stages.append(
            Stage(
                name=name, of=len(waits),
                creators=ever if name == "decided" and not since else _count(db, step, since),
                days=float(np.median(waits)) if len(waits) else None,
            )
        )  # fmt: skip
    effort = _effort(db, since, stages[1].creators, max(listed - ever, 0))
    return Pipeline(stages=stages, effort=effort)


def _steps() -> list[tuple[str, Select[Any]]]:
    """Return the steps after the import: creator and moment, a row each time somebody took it.

    The latest come first. Reviews and outcomes are numbered as they come, and no index has their
    moments in order.
    """
    c = campaign.c
    members = proposal.join(campaign, c.id == proposal.c.campaign_id)
    planned = select(proposal.c.creator_id, c.proposed_at.label("at")).select_from(members)
    planned = planned.order_by(c.proposed_at.desc())
    agreed = select(proposal.c.creator_id, c.state_at.label("at")).select_from(members)
    agreed = agreed.where(c.state.in_(("agreed", "done"))).order_by(c.state_at.desc())
    known = select(outcome.c.creator_id, outcome.c.at).where(outcome.c.replaced_at.is_(None))
    known = known.order_by(outcome.c.id.desc())
    return [
        ("decided", _reviews()),
        ("in a campaign", planned),
        ("agreed", agreed),
        ("outcome", known),
    ]


def _reviews() -> Select[Any]:
    stands = (review.c.undone_at.is_(None), review.c.decision.in_(_DECIDED))
    return select(review.c.creator_id, review.c.at).where(*stands).order_by(review.c.id.desc())


def _ever_decided(db: Connection) -> int:
    """Return how many creators have a decision that stands, whatever came after.

    Nearly all have the state it left them in, which an index counts; those re-opened since do not.
    """
    c = creator.c
    decided = db.scalar(select(func.count()).where(PASSED, DECIDED)) or 0
    reopened = select(review.c.creator_id).where(REOPENS, review.c.undone_at.is_(None))
    once = _reviews().where(review.c.creator_id.in_(reopened)).order_by(None).subquery()
    here = once.join(creator, c.id == once.c.creator_id)
    again = select(func.count(c.id.distinct())).select_from(here).where(c.state == "open")
    return decided + (db.scalar(again) or 0)


def _imported(db: Connection, since: datetime) -> int:
    """Return how many creators came into the list since then."""
    done = select(upload.c.summary).where(upload.c.state == "done", upload.c.finished_at >= since)
    return sum(row["creators"] - row["known"] for row in db.scalars(done) if row)


def _count(db: Connection, step: Select[Any], since: datetime | None) -> int:
    creators = _since(step, since).order_by(None).subquery()
    each = select(creators.c.creator_id).distinct().subquery()
    return db.scalar(select(func.count()).select_from(each)) or 0


def _since(step: Select[Any], since: datetime | None) -> Select[Any]:
    _, at = step.selected_columns
    return step if since is None else step.where(at >= since)


def _waits(
    db: Connection, step: Select[Any], before: Select[Any] | None, since: datetime | None
) -> list[float]:
    """Return the days from a step to the next, of the latest creators who took both."""
    latest = db.execute(_since(step, since).limit(_LATEST))
    then = {row.creator_id: row.at for row in latest}
    first = _first_import() if before is None else before
    came = first.order_by(None).subquery()
    here = came.c.creator_id.in_(numbers_in(db, [*then]))
    begun = select(came.c.creator_id, func.min(came.c.at).label("at")).where(here)
    days = [(then[row.creator_id] - row.at).total_seconds() / 86_400
            for row in db.execute(begun.group_by(came.c.creator_id))]  # fmt: skip
    return [wait for wait in days if wait >= 0]


def _first_import() -> Select[Any]:
    return select(score.c.creator_id, run.c.at).join(run, run.c.id == score.c.run_id)


def _effort(db: Connection, since: datetime | None, decided: int, undecided: int) -> Effort:
    """Return how creators were decided, and how long one decision takes."""
    singly = _count(db, _reviews().where(review.c.act_id.is_(None)), since)
    minutes = _minutes(db, since)
    return Effort(
        singly=singly, in_bulk=decided - singly, undecided=undecided, of=len(minutes),
        minutes=float(np.median(minutes)) if minutes else None,
    )  # fmt: skip


def _minutes(db: Connection, since: datetime | None) -> list[float]:
    """Return the minutes of the latest decisions made one by one, as far as they can be told.

    From the moment the queue gave the creator out, or else since the reviewer's decision before;
    what took longer than a claim lasts was a pause.
    """
    r = review.c
    wanted = (
        select(r.person_id, r.at, r.claimed_at)
        .where(r.undone_at.is_(None), r.decision.in_(_DECIDED), r.act_id.is_(None))
        .order_by(r.id.desc())
        .limit(_LATEST)
    )
    rows = db.execute(wanted if since is None else wanted.where(r.at >= since)).all()
    before: dict[int, datetime] = {}
    minutes = []
    for row in reversed(rows):
        starts = [at for at in (row.claimed_at, before.get(row.person_id)) if at is not None]
        before[row.person_id] = row.at
        if starts and timedelta(0) <= (took := row.at - max(starts)) <= _LONGEST:
            minutes.append(took.total_seconds() / 60)
    return minutes
