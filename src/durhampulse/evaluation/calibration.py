"""What probabilities and bands are worth: calibration, measured hit rates, lift and gain."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.features.repeats import Codes, has_repeats

__all__ = [
    "band_hit_rates",
    "calibration_errors",
    "effective_size",
    "gain_curve",
    "invitation_table",
    "reliability",
    "share_interval",
    "size_columns",
    "sizes",
    "wilson_interval",
]

Floats = npt.NDArray[np.float64]

_MEAN_DISTANCE = np.sqrt(2 / np.pi)
"""Of a normal deviate from its mean, in standard deviations."""


def wilson_interval(hits: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share by Wilson's score method (Wilson 1927).

    Parameters
    ----------
    hits, n
        Counts, or both in proportion where rows count for less than one.

    Examples
    --------
    >>> [round(bound, 3) for bound in wilson_interval(8, 10)]
    [0.49, 0.943]
    """
    if n == 0:
        return 0.0, 1.0
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    middle, half = hits + z2 / 2, np.sqrt(z2 * (hits * (1 - hits / n) + z2 / 4))
    low, high = (middle - half) / (n + z2), (middle + half) / (n + z2)
    return (float(low) if hits > 0 else 0.0), (float(high) if hits < n else 1.0)


def effective_size(outcomes: Floats, groups: Codes | None = None) -> float:
    """Return how many independent rows tell as much of a share as rows of these creators do.

    The rows by the design effect (Kish 1965), for few creators reduced as Korn and Graubard (1998)
    do; the number of creators where all outcomes are alike. Without repeats the number of rows.

    Parameters
    ----------
    outcomes
        0 or 1, shape (n_rows,).
    groups
        The rows' creators, shape (n_rows,), whatever their numbers.

    Examples
    --------
    >>> import numpy as np
    >>> effective_size(np.array([1.0, 1.0, 0.0, 0.0, 1.0, 1.0]), np.array([0, 0, 1, 1, 2, 2])) < 3
    True
    """
    from scipy.stats import norm, t

    n = len(outcomes)
    if groups is None or n == 0:
        return n
    groups = np.unique(groups, return_inverse=True)[1]
    n_creators, share = int(groups.max()) + 1, float(outcomes.mean())
    if n_creators == n:
        return n
    if share in (0.0, 1.0) or n_creators == 1:
        return n_creators
    residuals = np.bincount(groups, outcomes - share)
    variance = n_creators / (n_creators - 1) * np.sum(residuals**2) / n**2
    few = (norm.ppf(0.975) / t.ppf(0.975, n_creators - 1)) ** 2
    return float(np.clip(few * share * (1 - share) / max(variance, 1e-12), 1, n))


def share_interval(outcomes: Floats, groups: Codes | None = None) -> tuple[float, float]:
    """Return the 95% interval of a share by Wilson's method, creators counted as wholes.

    Parameters
    ----------
    outcomes, groups
        As for :func:`effective_size`.
    """
    if not len(outcomes):
        return 0.0, 1.0
    n = effective_size(outcomes, groups)
    return wilson_interval(float(outcomes.mean()) * n, n)


def band_hit_rates(
    y_true: Floats, bands: pd.Series, order: tuple[str, ...], *, groups: Codes | None = None
) -> pd.DataFrame:
    """Return how many creators of each band got a deal.

    Parameters
    ----------
    y_true
        Outcomes 0 or 1 of rows the model did not train on, shape (n_rows,).
    bands
        The band of each row, shape (n_rows,).
    order
        Bands in the order of the result.
    groups
        The rows' creators, shape (n_rows,).

    Returns
    -------
    DataFrame
        One row a band: ``band, creators, deals, hit_rate, low, high``; the rate of an empty band
        is NaN. Where creators have several rows, ``rows`` stands before ``creators``.
    """
    rows = []
    for band in order:
        here = np.flatnonzero((bands == band).to_numpy())
        n, deals = len(here), int(y_true[here].sum())
        low, high = share_interval(y_true[here], None if groups is None else groups[here])
        rate = deals / n if n else np.nan
        rows.append((band, *sizes(here, groups), deals, rate, low, high))
    columns = ["band", *size_columns(groups), "deals", "hit_rate", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def size_columns(groups: Codes | None) -> list[str]:
    """Return the columns that say how large a part is."""
    return ["rows", "creators"] if has_repeats(groups) else ["creators"]


def sizes(here: npt.NDArray[np.intp], groups: Codes | None) -> tuple[int, ...]:
    """Return how large a part is, in the columns of :func:`size_columns`."""
    if groups is None or not has_repeats(groups):
        return (len(here),)
    return len(here), len(np.unique(groups[here]))


def reliability(
    y_true: Floats, y_prob: Floats, *, bins: int = 10, groups: Codes | None = None
) -> pd.DataFrame:
    """Return predicted beside measured shares, in bins of equal count.

    Returns
    -------
    DataFrame
        One row a bin: ``creators, predicted, measured, low, high``; with ``rows`` before
        ``creators`` as for :func:`band_hit_rates`.
    """
    rows = []
    for part in _equal_parts(y_prob, bins):
        measured = int(y_true[part].sum()) / len(part)
        low, high = share_interval(y_true[part], None if groups is None else groups[part])
        rows.append((*sizes(part, groups), float(y_prob[part].mean()), measured, low, high))
    return pd.DataFrame(
        rows, columns=[*size_columns(groups), "predicted", "measured", "low", "high"]
    )


def calibration_errors(
    y_true: Floats, y_probs: Mapping[str, Floats], *, groups: Codes | None = None
) -> pd.DataFrame:
    """Return how far models' probabilities are from what happened, in ten bins of equal count.

    The expected calibration error is the mean distance of predicted and measured shares. Chance
    adds to it: a bin's distance has a mean between the true one and that plus what chance alone
    would make it. The 95% interval allows for both ends, so it holds in at least 95% of tables.

    Parameters
    ----------
    y_true
        Outcomes 0 or 1, shape (n_rows,).
    y_probs
        Model's name to its probabilities, shape (n_rows,) each.
    groups
        The rows' creators, shape (n_rows,).

    Returns
    -------
    DataFrame
        One row a model: ``model, calibration_error, low, high, by_chance``; ``by_chance`` is the
        mean error that probabilities which are true would show.
    """
    rows = []
    for model, y_prob in y_probs.items():
        gaps, spreads = [], []
        for part in _equal_parts(y_prob):
            n = effective_size(y_true[part], None if groups is None else groups[part])
            gaps.append(abs(float(np.mean(y_true[part] - y_prob[part]))))
            spreads.append(float(np.sqrt(np.mean(y_prob[part] * (1 - y_prob[part])) / n)))
        error, chance = float(np.mean(gaps)), float(_MEAN_DISTANCE * np.mean(spreads))
        noise = 1.96 * float(np.sqrt(np.sum(np.square(spreads)))) / len(spreads)
        low, high = max(error - chance - noise, 0.0), min(error + noise, 1.0)
        rows.append((model, error, low, high, chance))
    columns = ["model", "calibration_error", "low", "high", "by_chance"]
    return pd.DataFrame(rows, columns=columns)


def _equal_parts(y_prob: Floats, bins: int = 10) -> list[npt.NDArray[np.intp]]:
    """Return the rows in bins of equal count, the least probable first."""
    order = np.argsort(y_prob, kind="stable")
    return np.array_split(order, min(bins, len(order)))


def gain_curve(y_true: Floats, y_prob: Floats) -> pd.DataFrame:
    """Return the deals found when creators are invited from the highest probability down.

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
    deals = np.cumsum(expected)
    k = np.arange(1, len(order) + 1)
    total = max(float(y_true.sum()), 1.0)
    lift = deals / k / (total / len(order))
    return pd.DataFrame(
        {"k": k, "share": k / len(order), "found": deals, "gain": deals / total, "lift": lift}
    )


def invitation_table(
    y_true: Floats, y_prob: Floats, *, groups: Codes | None = None
) -> pd.DataFrame:
    """Return the deals found by probability and at random, for some numbers of invitations.

    Returns
    -------
    DataFrame
        ``invitations, deals_by_model, deals_at_random, lift, gain`` for 5, 10, 20, 30 and 50%;
        where creators have several rows also ``effective``, the independent rows that tell as
        much of the share of deals.
    """
    curve, n = gain_curve(y_true, y_prob), len(y_true)
    chosen = curve.iloc[[max(round(n * share), 1) - 1 for share in (0.05, 0.1, 0.2, 0.3, 0.5)]]
    table = pd.DataFrame(
        {
            "invitations": chosen["k"].to_numpy(),
            "deals_by_model": chosen["found"].to_numpy(),
            "deals_at_random": chosen["k"].to_numpy() * y_true.mean(),
            "lift": chosen["lift"].to_numpy(),
            "gain": chosen["gain"].to_numpy(),
        }
    )
    if groups is not None and has_repeats(groups):
        order = np.argsort(-y_prob, kind="stable")
        table["effective"] = [
            effective_size(y_true[order[:k]], groups[order[:k]]) for k in table["invitations"]
        ]
    return table
