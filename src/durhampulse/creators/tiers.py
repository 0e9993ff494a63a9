"""Tiers of creators by their followers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from durhampulse.deferred import pd

__all__ = ["TIERS", "tier_names"]

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
    numbers = followers.to_numpy(np.float64, na_value=np.nan)
    place = np.searchsorted(list(tiers.values()), numbers, side="right") - 1
    names = pd.Series(np.array([*tiers], dtype=object)[np.clip(place, 0, None)], followers.index)
    return names.mask(np.isnan(numbers)).astype("str")
