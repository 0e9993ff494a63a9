"""Does the model serve all niches and tiers alike? Rates and calibration by group."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.schema import FOLLOWERS, NICHE
from durhampulse.creators.tiers import tier_names
from durhampulse.evaluation.calibration import share_interval, size_columns, sizes
from durhampulse.evaluation.metrics import holm
from durhampulse.features.repeats import Codes, creator_codes, has_repeats

__all__ = ["group_quality", "unlike_groups"]

Floats = npt.NDArray[np.float64]

_FEWEST = 20
_MOST_GROUPS = 12
_LEVEL = 0.05


def group_quality(
    creators: pd.DataFrame, y_true: Floats, y_prob: Floats, *, yes_at: float
) -> pd.DataFrame:
    """Return selection, hit rate and calibration by niche and by tier of followers.

    Parameters
    ----------
    creators
        Rows the model did not train on, shape (n_rows, any).
    y_true, y_prob
        Their outcomes and probabilities, shape (n_rows,) each.
    yes_at
        Probability from which a creator is selected.

    Returns
    -------
    DataFrame
        One row a group of at least 20 creators: ``by, group, creators, deals, predicted,
        measured, low, high, selected, selected_low, selected_high, hits, hits_low, hits_high,
        p_value``. ``predicted`` is the mean probability, ``measured`` the share with a deal,
        ``selected`` the share at or above `yes_at`, ``hits`` the share of these with a deal
        (missing below 20), each measured one with its 95% interval. ``p_value`` is of the
        difference between measured and predicted (Spiegelhalter 1986), adjusted for the number
        of groups after Holm. Where creators have several rows, ``rows`` stands before ``creators``,
        and intervals and p-values take creators as wholes.
    """
    rows, codes = [], creator_codes(creators)
    for by, names in _groupings(creators).items():
        for group in names.value_counts().index[:_MOST_GROUPS]:
            here = np.flatnonzero((names == group).to_numpy(bool))
            if len(here) >= _FEWEST:
                part = y_true[here], y_prob[here], codes[here]
                rows.append((by, str(group), *sizes(here, codes), *_quality(*part, yes_at)))
    columns = [
        "by",
        "group",
        *size_columns(codes),
        "deals",
        "predicted",
        "measured",
        "low",
        "high",
        "selected",
        "selected_low",
        "selected_high",
        "hits",
        "hits_low",
        "hits_high",
        "p_value",
    ]
    table = pd.DataFrame(rows, columns=columns)
    table["p_value"] = holm(table["p_value"].to_numpy(np.float64))
    return table


def unlike_groups(table: pd.DataFrame) -> pd.DataFrame:
    """Return the groups whose probabilities are off beyond noise, at the 5% level."""
    return table[table["p_value"] < _LEVEL]


def _groupings(creators: pd.DataFrame) -> dict[str, pd.Series]:
    groupings = {}
    if NICHE in creators:
        groupings["niche"] = creators[NICHE]
    if FOLLOWERS in creators:
        groupings["tier"] = tier_names(creators[FOLLOWERS])
    return groupings


def _quality(y_true: Floats, y_prob: Floats, groups: Codes, yes_at: float) -> tuple[object, ...]:
    n, deals = len(y_true), int(y_true.sum())
    chosen = y_prob >= yes_at
    k, wins = int(chosen.sum()), int(y_true[chosen].sum())
    enough = k >= _FEWEST
    hits: tuple[float, ...] = (np.nan, np.nan, np.nan)
    if enough:
        hits = wins / k, *share_interval(y_true[chosen], groups[chosen])
    return (
        deals,
        float(y_prob.mean()),
        deals / n,
        *share_interval(y_true, groups),
        k / n,
        *share_interval(chosen.astype(np.float64), groups),
        *hits,
        _off(y_true, y_prob, groups),
    )


def _off(y_true: Floats, y_prob: Floats, groups: Codes) -> float:
    from scipy.stats import norm

    spread = np.sqrt(np.sum(y_prob * (1 - y_prob)))
    codes = np.unique(groups, return_inverse=True)[1]
    if has_repeats(codes):  # rows of one creator err alike
        spread = max(spread, np.sqrt(np.sum(np.bincount(codes, y_true - y_prob) ** 2)))
    return float(2 * norm.sf(abs(np.sum(y_true - y_prob)) / max(spread, 1e-12)))
