"""How far two people agree, and how far one person's decisions lie from what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from durhampulse.evaluation.calibration import wilson_interval
from durhampulse.models.interval import NORMAL_90

__all__ = ["Agreement", "Lean", "agreement", "lean"]

_LEVEL = 0.90


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far two people say the same of the same creators.

    Attributes
    ----------
    n
        Creators both have judged.
    share, low, high
        The share on which they agree, with Wilson's 90% interval.
    kappa, kappa_low, kappa_high
        Cohen's kappa, 0 where they agree as often as chance would have it and 1 where always, with
        its 90% interval; none where chance alone would always agree.
    """

    n: int
    share: float
    low: float
    high: float
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None


@dataclass(frozen=True, kw_only=True)
class Lean:
    """A mean difference with its 90% interval.

    Attributes
    ----------
    n
        Pairs it is of.
    mean, low, high
        Of first less second.
    """

    n: int
    mean: float
    low: float
    high: float

    @property
    def is_beyond_chance(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0


def agreement(first: Sequence[str], second: Sequence[str]) -> Agreement | None:
    """Return how far two series of judgements agree; none for no judgement.

    Kappa and its standard error are those of Cohen, "A Coefficient of Agreement for Nominal
    Scales", Educational and Psychological Measurement 20, 1960.

    Parameters
    ----------
    first, second
        What each said of the same creators, in the same order.

    Examples
    --------
    >>> both = agreement(["yes"] * 25 + ["no"] * 25, ["yes"] * 20 + ["no"] * 5
    ...                  + ["yes"] * 10 + ["no"] * 15)  # Cohen's kappa .4: 35 of 50, 25 by chance
    >>> both.share, round(both.kappa, 3)
    (0.7, 0.4)
    """
    n = len(first)
    if not n:
        return None
    pairs = np.array([first, second])
    equal = int((pairs[0] == pairs[1]).sum())
    shares = ((pairs == label).mean(axis=1) for label in {*first, *second})
    chance = sum(float(share.prod()) for share in shares)
    low, high = wilson_interval(equal, n, level=_LEVEL)
    kappa = below = above = None
    if chance < 1:
        share = equal / n
        kappa = (share - chance) / (1 - chance)
        half = NORMAL_90 * sqrt(share * (1 - share) / n) / (1 - chance)
        below, above = max(-1.0, kappa - half), min(1.0, kappa + half)
    return Agreement(n=n, share=equal / n, low=low, high=high, kappa=kappa, kappa_low=below,
                     kappa_high=above)  # fmt: skip


def lean(first: npt.ArrayLike, second: npt.ArrayLike) -> Lean | None:
    """Return by how much one series lies above another on average; none below two pairs.

    The interval is the normal one of a mean of paired differences, as the pairs are many, within
    what a share of 0 to 1 in place of the first series allows.

    Parameters
    ----------
    first, second
        Such as whether each creator was approved and how probable a deal was, shape (n,).

    Examples
    --------
    >>> lean([1, 0, 1, 1], [0.5, 0.5, 0.5, 0.5]).mean
    0.25
    >>> lean([1, 1, 0], [0.25, 0.25, 0.25]).high
    0.75
    """
    expected = np.asarray(second, dtype=float)
    differences = np.asarray(first, dtype=float) - expected
    if (n := len(differences)) < 2:
        return None
    mean = float(differences.mean())
    half = NORMAL_90 * float(differences.std(ddof=1)) / sqrt(n)
    least = -float(expected.mean())
    return Lean(n=n, mean=mean, low=max(mean - half, least), high=min(mean + half, least + 1.0))
