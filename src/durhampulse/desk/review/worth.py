"""What a minute of review is worth: how many deals it could change, at most.

Without a review those from the threshold of *Yes* on get an offer, and no others. Whoever knew the
true probability would make an offer where it reaches that threshold. The mean gain of knowing is
the expected value of perfect information (Raiffa and Schlaifer, *Applied Statistical Decision
Theory*, 1961), counted in deals beyond what an offer has to bring. A review tells less than all,
so it is a bound.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Integer, cast, func, or_, select

from durhampulse.decision.bands import MAYBE
from durhampulse.decision.likely import likely_probabilities
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.filters import on_edge, within
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.settings import read_setting, write_setting
from durhampulse.desk.store.tables import HAS_PRECEDENT, WAITS, creator
from durhampulse.exceptions import InputError

__all__ = ["ENOUGH", "Remaining", "enough_deals", "remaining", "set_enough_deals", "worth"]

Floats = npt.NDArray[np.float64]

ENOUGH: Final = 0.5
"""Deals below which further reviews are not worth their time, unless somebody chose others."""
_SETTING, _MOST = "enough_deals", 1_000.0
_NODES = 51
_BINS = 500


@dataclass(frozen=True, kw_only=True)
class Remaining:
    """What the creators that wait for a review are worth.

    Attributes
    ----------
    creators
        Those in *Maybe*, and on the edge of it.
    deals
        How many deals reviews of all of them could change, at most.
    enough
        Below how many it is time to stop.
    reviews
        After how many more the others could change fewer than that.
    """

    creators: int
    deals: float
    enough: float
    reviews: int


def worth(p: Floats, low: Floats, high: Floats, threshold: float) -> Floats:
    """Return how many deals a review of each creator could change, at most; shape (n,).

    Parameters
    ----------
    p, low, high
        Probabilities with the ends of their 90% intervals, shape (n,).
    threshold
        The probability from which an offer is made.
    """
    shocks, weights = _nodes()
    true = likely_probabilities(p, low, high, shocks, weights)
    known = weights @ np.maximum(true - threshold, 0.0)
    gained: Floats = np.maximum(known - np.maximum(p - threshold, 0.0), 0.0)
    return gained


@cache
def _nodes() -> tuple[Floats, Floats]:
    """Return the nodes and weights by which a mean over a normal distribution is taken."""
    shocks, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    return shocks, weights / weights.sum()


def remaining(db: Connection, rules: Rules, without: Collection[int] = ()) -> Remaining:
    """Return what further reviews could change; those without precedent are not counted.

    Creators of nearly the same probability, to one in 500, are counted as one with their mean
    interval. Those of the numbers `without` are left out.
    """
    c, enough = creator.c, enough_deals(db)
    maybe = within(c.probability, [rules.band_ranges[MAYBE]])
    bin_of = cast(c.probability * _BINS, Integer)
    means = (func.avg(c.probability), func.avg(c.low), func.avg(c.high))
    grouped = (
        select(func.count(), *means)
        .where(WAITS, HAS_PRECEDENT, c.id.not_in(without), or_(maybe, on_edge(rules)))
        .group_by(bin_of)
        .with_hint(creator, "INDEXED BY ix_creator_by_probability", "sqlite")
    )  # fmt: skip
    rows = np.array([tuple(row) for row in db.execute(grouped)], dtype=float).reshape(-1, 4)
    counts, p, low, high = rows.T
    each = worth(p, low, high, rules.thresholds.yes_at) if len(rows) else counts
    order = np.argsort(-each, kind="stable")
    return Remaining(
        creators=int(counts.sum()),
        deals=float(counts @ each),
        enough=enough,
        reviews=_until(each[order], counts[order], enough),
    )


def _until(each: Floats, counts: Floats, enough: float) -> int:
    """Return after how many reviews, the most worth first, the others are worth less than enough.

    Examples
    --------
    >>> _until(np.array([0.5, 0.1]), np.array([2.0, 4.0]), 0.35)
    3
    """
    left, done = float(counts @ each), 0
    for worth, n in zip(each, counts, strict=True):
        if left < enough:
            break
        steps = n if not worth else min(n, np.floor((left - enough) / worth + 1e-9) + 1)
        left, done = left - steps * worth, done + int(steps)
    return done


def enough_deals(db: Connection) -> float:
    """Return below how many deals further reviews are not worth their time."""
    return float(read_setting(db, _SETTING, ENOUGH))


def set_enough_deals(store: Store, deals: float, by: str) -> None:
    """Choose below how many deals further reviews are not worth their time.

    Raises
    ------
    InputError
        If it is no number of deals.
    """
    if not 0 < deals <= _MOST:
        raise InputError("So many deals cannot be told apart.", "Write 0.1 to 1000.", "deals")
    with store.writing() as db:
        write_setting(db, _SETTING, deals)
        note(db, by, "enough deals", "settings", {"deals": deals})
