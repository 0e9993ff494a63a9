"""Where a creator's true probability may lie, drawn from the ends of its interval.

It is normal in log-odds with a half for either side (a split normal distribution; Wallis, "The
Two-Piece Normal, Binormal, or Double Gaussian Distribution", Statistical Science 29, 2014), through
the ends of the 90% interval, and moved so that its mean is the calibrated probability.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from durhampulse.models.interval import NORMAL_90
from durhampulse.models.weights import log_odds, sigmoid

__all__ = ["SHARED", "likely_probabilities"]

Floats = npt.NDArray[np.float64]

SHARED = 0.4
"""How much of the model's error all creators have in common, of the standard deviation of one's.

What is left is each one's own and evens out in a sum. With .3 the deals of each kind of set were
within what was told in 95% of cases or more, on each of the markets that it was chosen on; some
more is for what they do not show (``benchmarks/plans.py``).
"""
_TINY = 1e-6
_STEPS = 8


def likely_probabilities(
    p: Floats, low: Floats, high: Floats, shocks: Floats, weights: Floats | None = None
) -> Floats:
    """Return probabilities as they may truly be, shape (n_shocks, n_creators).

    Parameters
    ----------
    p, low, high
        Probabilities with the ends of their 90% intervals, shape (n_creators,).
    shocks
        Values of a standard normal variable: how far the model is off, shape (n_shocks,). The same
        one moves all creators.
    weights
        Of the shocks, with sum 1, shape (n_shocks,); equal ones by default.
    """
    share = np.full(len(shocks), 1 / len(shocks)) if weights is None else weights
    middle, below, above = (log_odds(np.clip(x, _TINY, 1 - _TINY)) for x in (p, low, high))
    error = shocks[:, None]
    width = np.where(error < 0, middle - below, above - middle) / NORMAL_90
    logits = middle + error * np.maximum(width, 0.0)
    moved: Floats = np.zeros_like(middle)
    for _ in range(_STEPS):  # Newton's method for the mean
        drawn = sigmoid(logits + moved)
        slope = np.maximum(share @ (drawn * (1 - drawn)), 1e-9)
        moved = moved + np.clip((p - share @ drawn) / slope, -1.0, 1.0)
    return np.asarray(sigmoid(logits + moved), dtype=np.float64)
