"""What choosing from another probability on would give."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.evaluation.calibration import share_interval, size_columns, sizes
from durhampulse.features.repeats import Codes

__all__ = ["threshold_sweep"]

Floats = npt.NDArray[np.float64]


def threshold_sweep(
    y_true: Floats, y_prob: Floats, thresholds: Iterable[float], *, groups: Codes | None = None
) -> pd.DataFrame:
    """Return how many are chosen from each probability on, and how many deals are found.

    Parameters
    ----------
    y_true, y_prob
        Outcomes 0 or 1 of rows the model did not train on, and their probabilities, shape
        (n_rows,) each.
    thresholds
        Probabilities from which on a creator is chosen.
    groups
        The rows' creators, shape (n_rows,).

    Returns
    -------
    DataFrame
        ``from, creators, expected_deals, deals, hit_rate, low, high, recall``: expected is the sum
        of the probabilities, recall the share of all deals that is found.
    """
    rows = []
    for threshold in sorted(set(thresholds)):
        here = np.flatnonzero(y_prob >= threshold)
        deals, n = int(y_true[here].sum()), len(here)
        interval = share_interval(y_true[here], None if groups is None else groups[here])
        rate = deals / n if n else np.nan
        recall = deals / max(float(y_true.sum()), 1.0)
        counts = *sizes(here, groups), float(y_prob[here].sum()), deals
        rows.append((float(threshold), *counts, rate, *interval, recall))
    columns = ["from", *size_columns(groups), "expected_deals", "deals", "hit_rate", "low", "high"]
    return pd.DataFrame(rows, columns=[*columns, "recall"])
