"""Does the model hold here? Each band watched, and the lottery of *No*."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from sqlalchemy import Connection, case, func, select

from durhampulse.decision.bands import NO
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.filters import within
from durhampulse.desk.shortlist.order import BY
from durhampulse.desk.store.tables import HAS_PRECEDENT, SAMPLED, creator, outcome, review, run
from durhampulse.evaluation.calibration import wilson_interval
from durhampulse.evaluation.watch import Watch, outcomes_to_call, watch

__all__ = [
    "BandWatch", "InBand", "Lottery", "WatchedBands", "count_bands", "draw_of_no", "watched_bands",
]  # fmt: skip

_DECIDED = ("approve", "tentative", "decline")
_TAKEN_OVER = select(func.max(run.c.applied_at)).where(run.c.kind == "model")
"""When the active model took over."""

InBand = tuple[int, float | None]
"""How many creators of the list a band has, and their mean probability; none where it is empty."""


@dataclass(frozen=True, kw_only=True)
class BandWatch:
    """One band: what the model expects of it, and what the outcomes say.

    Attributes
    ----------
    band
        Its name.
    creators, expected
        How many of the list are in it, and their mean probability: the hit rate to expect before
        any outcome is known. None where there are none, or the list was not counted.
    against
        Whether "fewer" deals than promised are watched for, or, in No, "more".
    watch
        The outcomes recorded, in their order, against the probabilities they had then.
    needed
        Outcomes after which a fall by ten points would have been called, on average.
    """

    band: str
    creators: int | None = None
    expected: float | None = None
    against: Literal["fewer", "more"]
    watch: Watch
    needed: int

    @property
    def state(self) -> Literal["broken", "holds", "early"]:
        """Whether the promise is broken, or holds, or has too few outcomes to tell."""
        if self.watch.is_called:
            return "broken"
        return "holds" if self.watch.outcomes >= self.needed else "early"


@dataclass(frozen=True, kw_only=True)
class Lottery:
    """Creators drawn by lot from No and reviewed: what share of No is suitable.

    Attributes
    ----------
    reviewed, approved
        How many were decided on, and how many of them approved.
    share, low, high
        The share approved with its 95% Wilson interval; None where none was reviewed.
    expected
        Their mean probability; None likewise.
    known, deals
        How many of them have an outcome, and how many of these are deals.
    """

    reviewed: int
    approved: int
    share: float | None
    low: float | None
    high: float | None
    expected: float | None
    known: int
    deals: int

    @property
    def is_above(self) -> bool:
        """Whether surely more of No is suitable than the model expects."""
        return self.low is not None and self.expected is not None and self.low > self.expected


def watched_bands(db: Connection, rules: Rules) -> list[BandWatch]:
    """Return each band with what is expected of it and what the outcomes say.

    The band is the one at the time of the outcome, by the thresholds of today. Only outcomes since
    the active model took over count, and none that was replaced or withdrawn.
    """
    taken_over = db.scalar(_TAKEN_OVER)
    standing = (
        select(outcome.c.probability, outcome.c.deal)
        .where(outcome.c.replaced_at.is_(None), outcome.c.probability.is_not(None))
        .order_by(outcome.c.id)
    )
    if taken_over is not None:
        standing = standing.where(outcome.c.at >= taken_over)
    rows = db.execute(standing).all()
    y_prob = np.array([row.probability for row in rows], np.float64)
    deals = np.array([row.deal for row in rows], np.bool_)
    bands = []
    for band, (low, high) in rules.band_ranges.items():
        here = (y_prob >= low) & (y_prob < high)
        against: Literal["fewer", "more"] = "more" if band == NO else "fewer"
        seen = watch(deals[here], y_prob[here], against=against)
        middle = (max(low, 0.0) + min(high, 1.0)) / 2
        promised = middle if seen.promised is None else seen.promised
        needed = outcomes_to_call(promised, against=against)
        bands.append(BandWatch(band=band, against=against, watch=seen, needed=needed))
    return bands


class WatchedBands:
    """A cache of the watched bands, for pages that are asked for often."""

    def __init__(self) -> None:
        self._kept: tuple[object, list[BandWatch]] | None = None

    def of(self, db: Connection, rules: Rules) -> list[BandWatch]:
        """Return the bands, watched anew where an outcome came or went, or a model took over."""
        o = outcome.c  # a number may come again once its outcome was erased: hence the moment
        standing = select(func.count(), func.sum(o.id), func.max(o.at)).where(
            o.replaced_at.is_(None)
        )
        key = (rules, db.scalar(_TAKEN_OVER), *db.execute(standing).one())
        kept = self._kept
        if kept is None or kept[0] != key:
            kept = self._kept = key, watched_bands(db, rules)
        return kept[1]

    def broken(self, db: Connection, rules: Rules) -> list[BandWatch]:
        """Return the bands whose promise is broken."""
        return [band for band in self.of(db, rules) if band.state == "broken"]


def count_bands(db: Connection, rules: Rules) -> dict[str, InBand]:
    """Return how many of the list each band has, and their mean; it takes a pass over the list."""
    p = creator.c.probability
    each = [case((within(p, [part]), p)) for part in rules.band_ranges.values()]
    sums = [figure for values in each for figure in (func.count(values), func.avg(values))]
    query = select(*sums).where(HAS_PRECEDENT)
    row = db.execute(query.with_hint(creator, f"INDEXED BY {BY['probability']}", "sqlite")).one()
    return {
        band: (row[2 * at], None if row[2 * at + 1] is None else float(row[2 * at + 1]))
        for at, band in enumerate(rules.band_ranges)
    }


def draw_of_no(db: Connection) -> Lottery:
    """Return what reviewers and outcomes say of the creators drawn by lot from No.

    The lot is a hash of the identifier, so whoever reviews when, the draw is of all of No. Only
    such a draw can tell how many suitable creators a model overlooks that learned from choices of
    the past.
    """
    r = review.c
    drawn = (SAMPLED, r.undone_at.is_(None), r.decision.in_(_DECIDED))
    reviewed, approved, expected = db.execute(
        select(
            func.count(),
            func.count().filter(r.decision == "approve"),
            func.avg(r.probability),
        ).where(*drawn)
    ).one()
    known, deals = db.execute(
        select(func.count(), func.count().filter(outcome.c.deal.is_(True)))
        .where(outcome.c.replaced_at.is_(None))
        .where(outcome.c.creator_id.in_(select(r.creator_id).where(*drawn)))
    ).one()
    low, high = wilson_interval(approved, reviewed) if reviewed else (None, None)
    return Lottery(
        reviewed=reviewed,
        approved=approved,
        share=approved / reviewed if reviewed else None,
        low=low,
        high=high,
        expected=None if expected is None else float(expected),
        known=known,
        deals=deals,
    )
