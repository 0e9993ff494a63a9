"""A threshold that keeps a promise: of those marked *Yes*, at least this share gets a deal.

The threshold is chosen by fixed-sequence testing (Angelopoulos, Bates, Candès, Jordan and Lei,
"Learn then Test: Calibrating predictive algorithms to achieve risk control", 2021, arXiv
2110.01052), with exact binomial p-values on creators that the model has not seen. Nothing is
assumed of the probabilities: poor ones cost recommendations, not the promise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from durhampulse.creators.outcome import SPONSORSHIP, OutcomeWords
from durhampulse.decision.bands import Thresholds
from durhampulse.exceptions import InputError
from durhampulse.features.repeats import Codes

__all__ = ["NO_YES_AT", "Promise", "keep_promise", "require_share"]

Floats = npt.NDArray[np.float64]

NO_YES_AT: Final = math.nextafter(1.0, 0.0)
"""The threshold that no creator reaches."""

_GRID: Final = np.round(np.arange(0.999, 0.0, -0.001), 3)
"""Thresholds that are tried, in the order of a fixed sequence."""
_POWER = 0.9
_SHRINKAGE = 20.0
_FEWEST_TIMES, _MOST_TIMES = 1.25, 1_000.0


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What was promised of *Yes*, and whether the outcomes allow it.

    Attributes
    ----------
    share
        The share of those marked that should get a deal.
    confidence
        The chance, over draws of the creators it is tested on, that no threshold is set which
        breaks it.
    threshold
        Probability from which on a creator is marked; None where no threshold keeps the promise.
    marked, deals
        Creators tested on who reach the threshold, and how many of them got a deal; where there is
        none, those who reach the threshold at which the test began.
    tested
        Creators tested on.
    needed
        Creators to test on with which the promise would likely be kept (in nine of ten cases, if
        the share holds that was seen); None where more of them would not do.
    held_out
        The share of all known outcomes that is tested on.
    """

    share: float
    confidence: float
    threshold: float | None
    marked: int
    deals: int
    tested: int
    needed: int | None
    held_out: float

    @property
    def is_kept(self) -> bool:
        """Whether there is a threshold."""
        return self.threshold is not None

    @property
    def more_outcomes(self) -> int | None:
        """How many more known outcomes would do, in two digits, rounded up; None for no number."""
        if self.needed is None:
            return None
        more = max(self.needed - self.tested, 1) / max(self.held_out, 1e-3)
        unit: int = 10 ** max(math.floor(math.log10(more)) - 1, 0)
        return math.ceil(more / unit) * unit

    def thresholds(self, wanted: Thresholds) -> Thresholds:
        """Return the thresholds with *Yes* where the promise sets it, beyond reach if it cannot."""
        yes_at = NO_YES_AT if self.threshold is None else self.threshold
        return Thresholds(yes_at=yes_at, review_at=min(wanted.review_at, yes_at))

    def text(self, outcome: OutcomeWords = SPONSORSHIP) -> str:
        """Return what is promised, and on what it rests, or what it lacks, in sentences."""
        many = f"end as {outcome.deal}" if outcome.own else "get a deal"
        seen = f"{self.deals:,} of {self.marked:,}"
        if self.threshold is not None:
            return (
                f"At least {self.share:.0%} of those marked Yes {many}, with {self.confidence:.0%} "
                f"confidence: Yes begins at {self.threshold:.1%}, where {seen} did, of "
                f"{self.tested:,} creators the model had not seen."
            )
        lacking = f"No Yes can promise that {self.share:.0%} {many}, so nobody is marked Yes. "
        if self.more_outcomes is None:
            return (
                f"{lacking}Of the {self.tested:,} creators the model had not seen, too few reach "
                f"such a share ({seen} of the most probable), and more outcomes alone would not do."
            )
        return (
            f"{lacking}The {self.tested:,} creators the model had not seen are too few to be sure "
            f"to {self.confidence:.0%} ({seen} of the most probable did); about "
            f"{self.more_outcomes:,} more known outcomes would do, if the probabilities hold."
        )


def require_share(share: float) -> None:
    """Raise if a share cannot be promised.

    Raises
    ------
    InputError
        If it is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise InputError(
            f"--promise {share:g}: a share lies between 0 and 1.", "Write --promise 0.8, for 80%."
        )


def keep_promise(
    y_true: Floats,
    y_prob: Floats,
    share: float,
    *,
    planned: Floats | None = None,
    groups: Codes | None = None,
    confidence: float = 0.95,
    held_out: float = 0.2,
) -> Promise:
    """Return the lowest threshold above which a promised share gets a deal, with confidence.

    From a first threshold downwards each is tested, until the share above one is no longer surely
    as promised. The first is where the test has a chance of 90% if the probabilities hold; it
    depends on the probabilities alone, so it costs no confidence.

    Parameters
    ----------
    y_true
        Outcomes 0 or 1 of creators on whom nothing was learned or chosen, shape (n_rows,).
    y_prob
        Their probabilities, shape (n_rows,).
    share
        The share of those marked that should get a deal.
    planned
        Probabilities of other creators, from which the first threshold is chosen, shape (any,);
        by default `y_prob`.
    groups
        The rows' creators, shape (n_rows,). Of several rows one is drawn: the test takes them as
        independent.
    confidence
        The chance that the promise is not broken.
    held_out
        The share of all known outcomes that these are.

    Raises
    ------
    InputError
        If the share is not between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> y_true, y_prob = np.array([1.0] * 95 + [0.0] * 105), np.repeat([0.95, 0.1], 100)
    >>> promise = keep_promise(y_true, y_prob, 0.8)
    >>> promise.threshold, promise.marked, promise.deals
    (0.101, 100, 95)
    """
    require_share(share)
    if groups is not None:
        rows = _one_row_each(groups)
        y_true, y_prob = y_true[rows], y_prob[rows]
    planned = y_prob if planned is None else planned
    level, n_tested = 1 - confidence, len(y_true)
    counts = _counts(y_prob, np.ones(n_tested))
    deals = _counts(y_prob, y_true)
    start = _first_step(planned, n_tested, share, level)
    passed = _tail(deals[start:], counts[start:], share) <= level
    steps = int(np.argmin(passed)) if not passed.all() else len(passed)
    at = start + max(steps - 1, 0)
    kept = steps > 0
    return Promise(
        share=share,
        confidence=confidence,
        threshold=float(_GRID[at]) if kept else None,
        marked=int(counts[at]),
        deals=int(deals[at]),
        tested=n_tested,
        needed=None if kept else _needed(y_prob, deals, share, level),
        held_out=held_out,
    )


def _one_row_each(groups: Codes) -> npt.NDArray[np.intp]:
    """Return one row of each creator, drawn by lot, shape (n_creators,)."""
    order = np.random.default_rng(0).permutation(len(groups))
    return np.sort(order[np.unique(np.asarray(groups)[order], return_index=True)[1]])


def _counts(y_prob: Floats, weights: Floats) -> Floats:
    """Return the sum of the weights from each threshold on, shape of the grid."""
    order = np.argsort(-y_prob, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(weights[order])])
    return sums[np.searchsorted(-y_prob[order], -_GRID, side="right")]


def _tail(hits: Floats, n: Floats, share: float) -> Floats:
    """Return the chance of so many hits or more of n, if each has the promised share."""
    from scipy.stats import binom

    return np.asarray(binom.sf(hits - 1, n, share), dtype=np.float64)


def _power(n: Floats, rate: Floats, share: float, level: float) -> Floats:
    """Return the chance that the test of n creators rejects where they have a rate of deals."""
    from scipy.stats import binom

    # The fewest hits that reject: one more than the quantile, at which the tail is still larger.
    fewest = binom.isf(level, n, share) + 1
    return np.where(n > 0, binom.sf(fewest - 1, n, rate), 0.0)


def _first_step(planned: Floats, n_tested: int, share: float, level: float) -> int:
    """Return the place of the highest threshold whose test likely rejects, else of the likeliest.

    The likelihood is that of `n_tested` creators whose probabilities are as planned, and true.
    """
    marked = _counts(planned, np.ones(len(planned)))
    rate = np.divide(_counts(planned, planned), marked, out=np.zeros_like(marked), where=marked > 0)
    expected = np.floor(marked * n_tested / max(len(planned), 1))
    power = _power(expected, rate, share, level)
    likely = power >= _POWER
    return int(np.argmax(likely) if likely.any() else np.argmax(power))


def _needed(y_prob: Floats, deals: Floats, share: float, level: float) -> int | None:
    """Return how many creators to test on would do in nine of ten cases; None for no number.

    The share above a threshold is taken as seen, drawn towards the mean probability there as if
    that had been seen in 20 creators.
    """
    marked, places = np.unique(_counts(y_prob, np.ones(len(y_prob))), return_index=True)
    marked, places = marked[marked > 0], places[marked > 0]
    mean = _counts(y_prob, y_prob)[places] / marked
    rate = (deals[places] + _SHRINKAGE * mean) / (marked + _SHRINKAGE)
    marked, rate = marked[rate > share], rate[rate > share]
    for times in np.geomspace(_FEWEST_TIMES, _MOST_TIMES, 60) if len(marked) else ():
        if (_power(np.floor(marked * times), rate, share, level) >= _POWER).any():
            return math.ceil(len(y_prob) * float(times))
    return None
