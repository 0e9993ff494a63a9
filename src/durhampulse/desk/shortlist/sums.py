"""Sums over creators of what a deal with each would bring, with a 90% interval."""

from __future__ import annotations

from math import hypot, sqrt

from durhampulse.decision.likely import SHARED
from durhampulse.models.interval import NORMAL_90

__all__ = ["interval_of_sum"]


def interval_of_sum(
    expected: float, variance: float, low: float, high: float
) -> tuple[float, float]:
    """Return the ends of a sum's 90% interval.

    It holds chance and the model's own error, as independent of each other. Chance: a creator takes
    the deal or does not, each apart from the others, and the sum of many is nearly normal. Of the
    model's error only what all creators share counts; the rest is a part of chance.

    Parameters
    ----------
    expected
        Sum of weight times probability.
    variance
        Sum of squared weight times probability times its complement (Bernoulli).
    low, high
        The sums with each creator's own lower and upper end in place of the probability, in either
        order: with weights below 0 the lower ends give the larger sum.

    Returns
    -------
    tuple of float
        Lower and upper end.

    Examples
    --------
    >>> [round(end, 1) for end in interval_of_sum(50.0, 25.0, 50.0, 50.0)]  # 100 tossed coins
    [41.8, 58.2]
    """
    chance = NORMAL_90 * sqrt(max(variance, 0.0))
    below = SHARED * max(0.0, expected - min(low, high))
    above = SHARED * max(0.0, max(low, high) - expected)
    return expected - hypot(below, chance), expected + hypot(above, chance)
