"""What decisions would be if some suitable creators were never looked at.

Where nobody looked there is no deal, so a model learns p = c q: q is the probability of those
looked at, c the share of suitable creators at whom somebody looked (Elkan and Noto, "Learning
classifiers from only positive and unlabeled data", KDD 2008, equation 1, which needs that
overlooking was by chance). c cannot be learned from such a table: estimated as Elkan and Noto do
it is .30 where .70 is true. So it is assumed here, and said to be. Ranks do not depend on it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.decision.bands import BANDS, Thresholds, band_codes

__all__ = ["BUDGETS", "OVERLOOKED", "budget_table", "overlooked_table"]

Floats = npt.NDArray[np.float64]

OVERLOOKED: Final = (0.0, 0.15, 0.30, 0.50)
"""Assumed shares of suitable creators at whom nobody looked."""
BUDGETS: Final = (25, 50, 100, 200)
"""How many of the best somebody may have places for."""
_HIGHEST = 1 - 1e-6


def overlooked_table(y_prob: Floats, thresholds: Thresholds) -> pd.DataFrame:
    """Return the counts of each band under each assumed share, by p / c, at most 1.

    Parameters
    ----------
    y_prob
        Probabilities of the creators to decide on, shape (n_rows,).
    thresholds
        Where the bands begin.

    Returns
    -------
    DataFrame
        ``overlooked_share``, a column for each of `BANDS`, ``suitable``: how many that would be,
        and ``capped``: creators whose p is above c. By chance alone there would be none, so many of
        them speak against so large a share.

    Examples
    --------
    >>> table = overlooked_table(np.array([0.9, 0.7, 0.5, 0.1]), Thresholds())
    >>> table["Yes"].tolist()
    [1, 2, 2, 3]
    """
    rows: list[dict[str, float]] = []
    for share in OVERLOOKED:
        assumed = _assumed(y_prob, share)
        counts = np.bincount(band_codes(assumed, thresholds), minlength=len(BANDS))
        bands = dict(zip(BANDS, counts.tolist(), strict=True))
        capped = int((y_prob > 1 - share).sum())
        suitable = round(float(assumed.sum()))
        rows.append({"overlooked_share": share, **bands, "suitable": suitable, "capped": capped})
    return pd.DataFrame(rows)


def budget_table(y_prob: Floats) -> pd.DataFrame:
    """Return what the best so many are expected to give, which the assumption does not reorder.

    Parameters
    ----------
    y_prob
        Probabilities of the creators to decide on, shape (n_rows,).

    Returns
    -------
    DataFrame
        ``best``, ``from_probability`` of the last among them, ``expected_deals``, and what
        ``expected_share`` of all deals that is; budgets of more creators than there are left out.
    """
    ranked = np.sort(y_prob)[::-1]
    rows: list[dict[str, float]] = []
    for best in (budget for budget in BUDGETS if budget <= len(ranked)):
        deals, last = float(ranked[:best].sum()), float(ranked[best - 1])
        rows.append(
            {
                "best": best,
                "from_probability": round(last, 4),
                "expected_deals": round(deals, 1),
                "expected_share": deals / max(float(ranked.sum()), 1e-12),
            }
        )
    return pd.DataFrame(rows)


def _assumed(y_prob: Floats, share: float) -> Floats:
    """Return the probabilities of those looked at, if a share of the suitable was overlooked."""
    return np.minimum(y_prob / (1 - share), np.maximum(y_prob, _HIGHEST))
