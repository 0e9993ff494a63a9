"""A reviewer's mirror: how their decisions lie beside the model's and beside what happened."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Exists, exists, select

from durhampulse.decision.bands import NO, YES
from durhampulse.desk.store.tables import creator, opinion, review
from durhampulse.evaluation.agreement import Lean, lean

__all__ = ["Mirror", "mirror_of"]


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """What one reviewer learns of their own decisions; nobody else is shown it.

    Attributes
    ----------
    lenience
        How much oftener they approve than deals are expected, of creators whose number was hidden.
    approved_no, declined_yes
        How much oftener than the model said there was a deal, of those they approved against a
        *No* and declined against a *Yes*, where the outcome is known.
    overruled
        The same of both together.
    """

    lenience: Lean | None
    approved_no: Lean | None
    declined_yes: Lean | None
    overruled: Lean | None


def mirror_of(db: Connection, person_id: int) -> Mirror:
    """Return a reviewer's mirror, from the latest decision about each creator that stands."""
    approved, expected = _blind(db, person_id)
    against = {True: _overruled(db, person_id, YES), False: _overruled(db, person_id, NO)}
    deals, expected_deals = (
        [*yes, *no] for yes, no in zip(against[True], against[False], strict=True)
    )
    return Mirror(
        lenience=lean(approved, expected),
        approved_no=lean(*against[False]),
        declined_yes=lean(*against[True]),
        overruled=lean(deals, expected_deals),
    )


def _blind(db: Connection, person_id: int) -> tuple[list[float], list[float]]:
    """Return whether each creator was approved, and their probability; tentative ones left out."""
    r, o, clear = review.c, opinion.c, ("approve", "decline")
    own = select(r.decision, r.probability).where(
        r.person_id == person_id, r.blind.is_(True), r.undone_at.is_(None), r.decision.in_(clear),
        r.probability.is_not(None), ~_newer_review(),
    )  # fmt: skip
    second = select(o.verdict, o.probability).where(
        o.person_id == person_id, o.verdict.in_(clear), o.probability.is_not(None)
    )
    rows = [*db.execute(own), *db.execute(second)]
    return [float(row[0] == "approve") for row in rows], [float(row[1]) for row in rows]


def _overruled(db: Connection, person_id: int, band: str) -> tuple[list[float], list[float]]:
    """Return the outcomes, and the probabilities, of those decided against a band."""
    r = review.c
    against = {YES: "decline", NO: "approve"}[band]
    rows = db.execute(
        select(creator.c.deal, r.probability)
        .join(creator, creator.c.id == r.creator_id)
        .where(
            r.person_id == person_id, r.decision == against, r.band == band,
            r.undone_at.is_(None), r.probability.is_not(None), creator.c.deal.is_not(None),
            ~_newer_review(),
        )
    ).all()  # fmt: skip
    return [float(row.deal) for row in rows], [float(row.probability) for row in rows]


def _newer_review() -> Exists:
    """Return the condition that the same person has decided about the creator again."""
    later = review.alias()
    return exists().where(
        later.c.creator_id == review.c.creator_id, later.c.person_id == review.c.person_id,
        later.c.id > review.c.id, later.c.undone_at.is_(None), later.c.decision != "skip",
    )  # fmt: skip
