"""Which probabilities have a good chance to belong to another band, by how much is not known."""

from __future__ import annotations

from functools import cached_property
from statistics import NormalDist

import numpy as np

from durhampulse.decision.bands import EDGE_CHANCE, YES, Thresholds
from durhampulse.models.interval import NORMAL_90, STEP, Interval
from durhampulse.models.weights import log_odds, sigmoid
from durhampulse.scoring.record import STEP_BITS

__all__ = ["Edges", "Range", "steps_of"]

Range = tuple[float, float]
"""From the first to below the second."""
_REACH = -NormalDist().inv_cdf(EDGE_CHANCE) / NORMAL_90
"""How much of a half the middle may be away from a threshold."""


def steps_of(flags: int) -> int:
    """Return by how many steps empty cells widen a creator's chances, by their stored flags.

    Examples
    --------
    >>> steps_of(0), steps_of(0b101), steps_of(0b101 - 3 * 65536)
    (0, 0, 3)
    """
    return max(-(flags >> STEP_BITS), 0)


class Edges:
    """The probabilities for which :func:`~durhampulse.decision.bands.on_edge` holds.

    Parameters
    ----------
    interval
        The model's.
    thresholds
        Where the bands begin.
    """

    def __init__(self, interval: Interval, thresholds: Thresholds) -> None:
        self._interval, self._thresholds = interval, thresholds

    @cached_property
    def by_steps(self) -> list[list[Range]]:
        """The ranges of probabilities for each number of steps, each within those of the next."""
        return [self._ranges(steps) for steps in range(self._interval.most_steps + 1)]

    def hold(self, probability: float, flags: int) -> bool:
        """Whether a creator of some stored score and flags is on the edge of another band."""
        ranges = self.by_steps[min(steps_of(flags), len(self.by_steps) - 1)]
        return any(low <= probability < high for low, high in ranges)

    def _ranges(self, steps: int) -> list[Range]:
        half, turning = self._interval.doubt + STEP * steps, self._thresholds
        review, yes = log_odds(np.array([turning.review_at, turning.yes_at]))
        ends = np.array([review, yes, yes]) + _REACH * half * np.array([-1, -1, 1])
        logits = self._interval.logits_of(ends)
        to_review, to_yes, beyond = (float(p) for p in sigmoid(logits))
        if logits[2] >= log_odds(np.array([1.0]))[0]:
            beyond = turning.ranges()[YES][1]
        if logits[0] <= log_odds(np.array([0.0]))[0]:
            to_review = 0.0
        parts = [
            (to_review, turning.review_at),
            (max(to_yes, turning.review_at), turning.yes_at),
            (turning.yes_at, beyond),
        ]
        ranges: list[Range] = []
        for low, high in parts:
            if low < high and ranges and ranges[-1][1] == low:
                ranges[-1] = ranges[-1][0], high
            elif low < high:
                ranges.append((low, high))
        return ranges
