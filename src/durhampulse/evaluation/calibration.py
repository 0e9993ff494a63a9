"""What the bands are worth: measured hit rates, lift and gain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["band_hit_rates", "gain_curve", "invitation_table", "reliability", "wilson_interval"]

Floats = npt.NDArray[np.float64]


def wilson_interval(hits: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share by Wilson's score method (Wilson 1927).

    Examples
    --------
    >>> [round(bound, 3) for bound in wilson_interval(8, 10)]
    [0.49, 0.943]
    """
    from scipy.stats import binomtest

    if n == 0:
        return 0.0, 1.0
    interval = binomtest(hits, n).proportion_ci(confidence_level=level, method="wilson")
    return float(interval.low), float(interval.high)


def band_hit_rates(y_true: Floats, bands: pd.Series, order: tuple[str, ...]) -> pd.DataFrame:
    """Measure how many creators of each band got a deal.

    Parameters
    ----------
    y_true
        Outcomes 0 or 1 of rows the model did not train on, shape (n_rows,).
    bands
        The band of each row, shape (n_rows,).
    order
        Bands in the order of the result.

    Returns
    -------
    DataFrame
        One row a band: ``band, creators, deals, hit_rate, low, high``; the rate of an empty band
        is NaN.
    """
    rows = []
    for band in order:
        outcomes = y_true[(bands == band).to_numpy()]
        n, deals = len(outcomes), int(outcomes.sum())
        low, high = wilson_interval(deals, n)
        rows.append((band, n, deals, deals / n if n else np.nan, low, high))
    return pd.DataFrame(rows, columns=["band", "creators", "deals", "hit_rate", "low", "high"])


def reliability(y_true: Floats, y_prob: Floats, *, bins: int = 10) -> pd.DataFrame:
    """Compare predicted with measured shares in bins of equal count.

    Returns
    -------
    DataFrame
        One row a bin: ``creators, predicted, measured, low, high``.
    """
    order = np.argsort(y_prob, kind="stable")
    rows = []
    for part in np.array_split(order, min(bins, len(order))):
        deals = int(y_true[part].sum())
        low, high = wilson_interval(deals, len(part))
        rows.append((len(part), float(y_prob[part].mean()), deals / len(part), low, high))
    return pd.DataFrame(rows, columns=["creators", "predicted", "measured", "low", "high"])


def gain_curve(y_true: Floats, y_prob: Floats) -> pd.DataFrame:
    """Follow the deals found when creators are invited from the highest probability down.

    Returns
    -------
    DataFrame
        One row for each number of invitations ``k``: ``k, share, found, gain, lift`` where gain
        is the share of all deals found and lift = precision at k / base rate. Creators of equal
        probability are invited in random order, so their deals are spread evenly over them.
    """
    order = np.argsort(-y_prob, kind="stable")
    _, tie = np.unique(-y_prob[order], return_inverse=True)
    expected = (np.bincount(tie, y_true[order]) / np.bincount(tie))[tie]
    found = np.cumsum(expected)
    k = np.arange(1, len(order) + 1)
    total = max(float(y_true.sum()), 1.0)
    lift = found / k / (total / len(order))
    return pd.DataFrame(
        {"k": k, "share": k / len(order), "found": found, "gain": found / total, "lift": lift}
    )


def invitation_table(y_true: Floats, y_prob: Floats) -> pd.DataFrame:
    """Compare inviting by probability with inviting at random, for some numbers of invitations.

    Returns
    -------
    DataFrame
        ``invitations, deals_by_model, deals_at_random, lift, gain`` for 5, 10, 20, 30 and 50%.
    """
    curve, n = gain_curve(y_true, y_prob), len(y_true)
    chosen = curve.iloc[[max(round(n * share), 1) - 1 for share in (0.05, 0.1, 0.2, 0.3, 0.5)]]
    return pd.DataFrame(
        {
            "invitations": chosen["k"].to_numpy(),
            "deals_by_model": chosen["found"].to_numpy(),
            "deals_at_random": chosen["k"].to_numpy() * y_true.mean(),
            "lift": chosen["lift"].to_numpy(),
            "gain": chosen["gain"].to_numpy(),
        }
    )
