"""Tiers of creators by their followers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["TIERS", "tier_names", "tier_places"]

TIERS: dict[str, float] = {
    "nano": 0,
    "micro": 10_000,
    "mid": 50_000,
    "macro": 500_000,
    "mega": 1_000_000,
}
"""Name of each tier and the followers from which it counts; boundaries differ by source."""


def tier_names(followers: pd.Series, tiers: Mapping[str, float] | None = None) -> pd.Series:
    """Return each creator's tier; missing where the followers are.

    Examples
    --------
    >>> import pandas as pd
    >>> tier_names(pd.Series([900, 10_000, 2e6, None])).tolist()
    ['nano', 'micro', 'mega', nan]
    """
    tiers = tiers or TIERS
    place = tier_places(followers.to_numpy(np.float64, na_value=np.nan), tiers)
    names = np.array([*tiers, np.nan], dtype=object)
    return pd.Series(names[place], followers.index, dtype="str")


def tier_places(
    followers: npt.NDArray[np.float64], tiers: Mapping[str, float]
) -> npt.NDArray[np.intp]:
    """Return the place of each creator's tier among the tiers; -1 where it is not known."""
    place = np.searchsorted(list(tiers.values()), followers, side="right") - 1
    return np.where(np.isnan(followers), -1, np.clip(place, 0, None))
