"""E: from probabilities to bands, and how near a creator is to another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from durhampulse.deferred import pd
from durhampulse.exceptions import InputError
from durhampulse.models.interval import NORMAL_90
from durhampulse.models.weights import log_odds

__all__ = [
    "ANSWERS", "BANDS", "EDGE_CHANCE", "MAYBE", "NO", "NO_PRECEDENT", "YES", "Thresholds",
    "assign_bands", "band_codes", "may_be", "on_edge", "other_band_chances",
]  # fmt: skip

Floats = npt.NDArray[np.float64]

YES: Final = "Yes"
MAYBE: Final = "Maybe (manual review)"
NO: Final = "No"
BANDS: Final = (YES, MAYBE, NO)
NO_PRECEDENT: Final = "No precedent (manual review)"
"""The answer for creators unlike all that a model learned from; no band of probabilities."""
ANSWERS: Final = (*BANDS, NO_PRECEDENT)

EDGE_CHANCE: Final = 0.20
"""From this chance on that the true probability lies in another band, a row is on the edge."""
_NO_WIDTH = 1e-12
_BELOW_ALL, _ABOVE_ALL = -1.0, 2.0


@dataclass(frozen=True)
class Thresholds:
    """Where the bands begin.

    Attributes
    ----------
    yes_at
        Probability from which a creator is recommended.
    review_at
        Probability from which a person looks at a creator.
    """

    yes_at: float = 0.80
    review_at: float = 0.60

    def __post_init__(self) -> None:
        if not 0 < self.review_at <= self.yes_at < 1:
            raise InputError(
                f"The thresholds {self.review_at} and {self.yes_at} do not fit.",
                "They must be 0 < --review-at <= --yes-at < 1, for example 0.6 and 0.8.",
            )

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Return each band's probabilities, in the order of `BANDS`.

        A range holds its first number and not its second. The outer ends lie outside of [0, 1],
        so that every probability is in one band.

        Examples
        --------
        >>> Thresholds(0.8, 0.6).ranges()[MAYBE]
        (0.6, 0.8)
        """
        return {
            YES: (self.yes_at, _ABOVE_ALL),
            MAYBE: (self.review_at, self.yes_at),
            NO: (_BELOW_ALL, self.review_at),
        }


def assign_bands(y_prob: Floats, thresholds: Thresholds) -> pd.Series:
    """Return the band of each probability.

    Examples
    --------
    >>> import numpy as np
    >>> assign_bands(np.array([0.8, 0.79, 0.6, 0.59]), Thresholds()).tolist()
    ['Yes', 'Maybe (manual review)', 'Maybe (manual review)', 'No']
    """
    return pd.Series(np.array(BANDS, dtype=object)[band_codes(y_prob, thresholds)], dtype="str")


def band_codes(y_prob: Floats, thresholds: Thresholds) -> npt.NDArray[np.int8]:
    """Return the place of each probability's band in `BANDS`, shape (n_rows,)."""
    below_yes = (y_prob < thresholds.yes_at).astype(np.int8)
    return np.asarray(below_yes + (y_prob < thresholds.review_at), dtype=np.int8)


def on_edge(
    logits: Floats, likely: tuple[Floats, Floats], thresholds: Thresholds
) -> npt.NDArray[np.bool_]:
    """Whether `may_be` names a row's true band with a chance of at least 20%, shape (n_rows,).

    Parameters
    ----------
    logits
        The model's log-odds, shape (n_rows,).
    likely
        Of :meth:`.Interval.likely`.
    thresholds
        Where the bands begin.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.array([-3.0, 0.3, 0.5, 1.3])
    >>> on_edge(logits, (logits, np.full(4, 0.9)), Thresholds()).tolist()
    [False, True, False, True]
    """
    return np.asarray(other_band_chances(logits, likely, thresholds) >= EDGE_CHANCE)


def other_band_chances(
    logits: Floats, likely: tuple[Floats, Floats], thresholds: Thresholds
) -> Floats:
    """Return the chance that a row's true band is that which `may_be` names, shape (n_rows,).

    The arguments are those of :func:`on_edge`.
    """
    middle, half = likely
    review, yes = log_odds(np.array([thresholds.review_at, thresholds.yes_at]))
    nearest = np.where(logits < review, review, yes)
    beyond = np.where(logits < nearest, middle - nearest, nearest - middle)
    return _normal_cdf(beyond / (np.maximum(half, _NO_WIDTH) / NORMAL_90))


def may_be(probability: float, thresholds: Thresholds) -> str:
    """Return in which other band a creator on the edge may be.

    For nearly each *Maybe* another band is not unlikely, so that only a *Yes* counts for them.

    Examples
    --------
    >>> [may_be(p, Thresholds()) for p in (0.82, 0.78, 0.58)]
    ['may be a Maybe', 'may be a Yes', 'may be a Maybe']
    """
    if thresholds.review_at <= probability < thresholds.yes_at:
        return "may be a Yes"
    return "may be a Maybe"


def _normal_cdf(z: Floats) -> Floats:
    """Return the standard normal distribution function, shape as `z`."""
    return np.array([math.erfc(-value / math.sqrt(2)) / 2 for value in z])
