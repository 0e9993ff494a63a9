"""A watch over promised probabilities: has a band's hit rate fallen below them?

Outcomes come in one by one and are looked at after each, so a usual test would sooner or later call
out by chance. A bet against the promise does not (Waudby-Smith and Ramdas, "Estimating means of
bounded random variables by betting", JRSS B 2024): its wealth is a supermartingale while the
promise holds, and the chance that it ever grows twentyfold is at most a twentieth (Ville 1939).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["DROP", "Watch", "outcomes_to_call", "watch"]

Floats = npt.NDArray[np.float64]

DROP: Final = 0.10
"""The fall, in probability, that the bet is made for: it grows fastest under this one."""
_LEVEL = 0.05
_LEAST = 1e-6


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What outcomes say of the probabilities that were promised for them.

    Attributes
    ----------
    outcomes, deals
        How many are known, and how many of these are deals.
    promised, seen
        The mean probability and the share of deals; None without outcomes.
    p_value
        Of the promise, valid after any number of looks (one over the largest wealth so far).
    called_after
        Number of outcomes after which it was called, once and for all; None where it was not.
    """

    outcomes: int
    deals: int
    promised: float | None
    seen: float | None
    p_value: float
    called_after: int | None

    @property
    def is_called(self) -> bool:
        """Whether the promise does not hold."""
        return self.called_after is not None


def watch(
    deals: npt.NDArray[np.bool_] | Floats,
    y_prob: Floats,
    *,
    against: Literal["fewer", "more"] = "fewer",
    level: float = _LEVEL,
) -> Watch:
    """Return whether outcomes fall short of their probabilities, looked at after each of them.

    The wealth is the product of 1 + b (p - y), with the stake b = d / (p (1 - p)): the likelihood
    ratio of a share p - d against p, which no other bet outgrows where the share has fallen by d
    (Wald 1945). It is worth at most 1 on average while each outcome has at least its probability,
    whatever the outcomes before.

    Parameters
    ----------
    deals
        Outcomes, 1 or 0, in the order in which they became known; shape (n_outcomes,).
    y_prob
        Probabilities as promised before, shape (n_outcomes,).
    against
        Whether "fewer" deals than promised are looked for, or "more".
    level
        The chance of a false call over all outcomes ever.

    Examples
    --------
    >>> watch(np.zeros(20), np.full(20, 0.9)).called_after
    5
    """
    y_true, p = np.asarray(deals, np.float64), np.asarray(y_prob, np.float64)
    if not len(y_true):
        return Watch(outcomes=0, deals=0, promised=None, seen=None, p_value=1.0, called_after=None)
    sure, lucky = (p, y_true) if against == "fewer" else (1 - p, 1 - y_true)
    sure = np.clip(sure, _LEAST, 1 - _LEAST)
    less = _fallen(sure)
    wealth = np.cumsum(np.where(lucky == 1, np.log(less / sure), np.log((1 - less) / (1 - sure))))
    called = np.flatnonzero(wealth >= -np.log(level))
    return Watch(
        outcomes=len(p),
        deals=int(y_true.sum()),
        promised=float(p.mean()),
        seen=float(y_true.mean()),
        p_value=float(min(1.0, np.exp(-wealth.max()))),
        called_after=int(called[0]) + 1 if len(called) else None,
    )


def outcomes_to_call(promised: float, *, against: Literal["fewer", "more"] = "fewer") -> int:
    """Return after how many outcomes a fall by `DROP` is called, on average.

    A band that was watched for so long and not called can be said to hold. The log of the wealth
    grows by the divergence of the fallen share from the promised one with each outcome (Wald,
    "Sequential tests of statistical hypotheses", 1945, on the expected sample size).

    Parameters
    ----------
    promised
        The probability that was promised.
    against
        As of :func:`watch`.

    Examples
    --------
    >>> outcomes_to_call(0.9), outcomes_to_call(0.7), outcomes_to_call(0.1, against="more")
    (68, 133, 68)
    """
    sure = np.clip(promised if against == "fewer" else 1 - promised, _LEAST, 1 - _LEAST)
    less = _fallen(sure)
    growth = less * np.log(less / sure) + (1 - less) * np.log((1 - less) / (1 - sure))
    return int(np.ceil(-np.log(_LEVEL) / growth))


def _fallen(sure: Floats) -> Floats:
    """Return the probabilities that the bet is made for, in place of the promised ones."""
    return np.maximum(sure - DROP, sure / 2)
