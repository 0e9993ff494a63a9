"""E: from probabilities to bands, and the decision table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.schema import ENGAGEMENT, FOLLOWERS, IDENTIFIER
from durhampulse.exceptions import InputError

__all__ = ["BANDS", "MAYBE", "NO", "YES", "Thresholds", "assign_bands", "decision_table"]

YES: Final = "Yes"
MAYBE: Final = "Maybe (manual review)"
NO: Final = "No"
BANDS: Final = (YES, MAYBE, NO)


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


def assign_bands(y_prob: npt.NDArray[np.float64], thresholds: Thresholds) -> pd.Series:
    """Give each probability its band.

    Examples
    --------
    >>> import numpy as np
    >>> assign_bands(np.array([0.8, 0.79, 0.6, 0.59]), Thresholds()).tolist()
    ['Yes', 'Maybe (manual review)', 'Maybe (manual review)', 'No']
    """
    chosen = np.select([y_prob >= thresholds.yes_at, y_prob >= thresholds.review_at], [0, 1], 2)
    return pd.Series(np.array(BANDS, dtype=object)[chosen], dtype="str")


def decision_table(
    creators: pd.DataFrame, y_prob: npt.NDArray[np.float64], thresholds: Thresholds
) -> pd.DataFrame:
    """Build the table the marketing team works with, the most probable creator first.

    Probabilities are cut, not rounded, to four decimals, so that the number shown never
    contradicts its band.

    Parameters
    ----------
    creators
        The creators to decide on, shape (n_rows, any).
    y_prob
        Their probabilities, shape (n_rows,).
    thresholds
        Where the bands begin.
    """
    absent = pd.Series(np.nan, index=creators.index)
    table = pd.DataFrame(
        {
            "Influencer ID": creators[IDENTIFIER].to_numpy(),
            "Predicted Sponsorship": _cut(y_prob),
            "Follower Count": creators.get(FOLLOWERS, absent).to_numpy(),
            "Engagement Rate": creators.get(ENGAGEMENT, absent).to_numpy(),
            "Sponsorship Recommendation": assign_bands(y_prob, thresholds).to_numpy(),
        }
    )
    followers = table["Follower Count"]
    if (followers.dropna() % 1 == 0).all():
        table["Follower Count"] = followers.astype("Int64")
    table = table.iloc[np.argsort(-y_prob, kind="stable")].reset_index(drop=True)
    table["Rank"] = np.arange(1, len(table) + 1)
    return table


def _cut(y_prob: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Cut to four decimals; rounding first keeps 0.29 from becoming 0.2899 in binary."""
    rounded = np.round(y_prob, 4)
    return np.where(rounded > y_prob, np.round(rounded - 1e-4, 4), rounded)
