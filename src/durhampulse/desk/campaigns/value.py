"""What a set of creators can be expected to bring: deals, views, engagements, return, cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from durhampulse.desk.campaigns.brief import Brief, Unit
from durhampulse.desk.shortlist.sums import interval_of_sum
from durhampulse.scoring.record import UNLIKE_BIT

__all__ = ["Expectation", "Outlook", "gains", "is_counted", "outlook", "units"]


@dataclass(frozen=True)
class Expectation:
    """An expected amount with its 90% interval."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What a set comes to.

    Attributes
    ----------
    creators
        Their number.
    counted
        Those of whom a deal is forecast: with precedent, and no outcome known yet.
    deals, views, engagements
        Of the creators counted, as of creators like them in the past.
    cost
        The fees together: what is spent if all of them agree.
    spent
        Fees of those who can be expected to agree; none without fees.
    earned, net, ratio
        Expected return, the same less the fees expected, and that as a share of them (the return on
        investment); none where no value or not every fee is named.
    without_fee, without_views, without_engagement
        Creators counted, but unknown in what the name says and there taken as 0.
    """

    creators: int
    counted: int
    deals: Expectation
    views: Expectation
    engagements: Expectation
    cost: float
    spent: Expectation | None
    earned: Expectation | None
    net: Expectation | None
    ratio: Expectation | None
    without_fee: int
    without_views: int
    without_engagement: int


def is_counted(table: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Return of which creators a deal is forecast: with precedent, and no outcome known yet."""
    counted = table["deal"].isna() & (table["flags"].astype(int) < UNLIKE_BIT)
    return counted.to_numpy(dtype=bool)


def units(table: pd.DataFrame, unit: Unit) -> np.ndarray[Any, Any]:
    """Return how much of a unit a deal with each creator brings; NaN where that is not known.

    A post is seen as often as the creator's posts are on average; interactions are followers times
    engagement rate, as the rate is defined.
    """
    if unit == "deal":
        return np.ones(len(table))
    if unit == "view":
        return table["avg_views"].to_numpy(dtype=float)
    rate = table["engagement_rate"].to_numpy(dtype=float)
    return np.asarray(table["followers"].to_numpy(dtype=float) * rate)


def gains(table: pd.DataFrame, brief: Brief) -> np.ndarray[Any, Any]:
    """Return how much each creator adds to the brief's aim; 0 for those not counted.

    A return counts the fee as well: it is paid where there is a deal.
    """
    amounts = units(table, brief.unit)
    if brief.aim == "return":
        amounts = (brief.worth or 0.0) * amounts - table["fee"].to_numpy(dtype=float)
    probability = table["probability"].to_numpy(dtype=float)
    return np.where(is_counted(table), np.nan_to_num(probability * amounts), 0.0)


def outlook(table: pd.DataFrame, brief: Brief) -> Outlook:
    """Return what a set of creators comes to.

    Parameters
    ----------
    table
        The set, with ``probability, low, high, followers, engagement_rate, avg_views, deal, flags,
        fee``, shape (n_creators, ...).
    brief
        Names the worth of a unit, if anybody has.
    """
    counted = is_counted(table)
    rows = table[counted]
    fees = rows["fee"].to_numpy(dtype=float)
    amounts = {unit: units(rows, unit) for unit in ("deal", "view", "engagement")}
    is_priced = bool(len(rows)) and not np.isnan(fees).any()
    spent = _expectation(rows, fees) if is_priced else None
    earned = net = ratio = None
    if brief.worth is not None and len(rows):
        worths = np.nan_to_num(brief.worth * amounts[brief.per])
        earned = _expectation(rows, worths)
        net = _expectation(rows, worths - fees) if spent else None
        ratio = _ratio(rows, worths, fees, earned, spent) if spent and spent.expected else None
    return Outlook(
        creators=len(table),
        counted=len(rows),
        deals=_expectation(rows, amounts["deal"], most=float(len(rows))),
        views=_expectation(rows, np.nan_to_num(amounts["view"])),
        engagements=_expectation(rows, np.nan_to_num(amounts["engagement"])),
        cost=float(np.nansum(table["fee"].to_numpy(dtype=float))),
        spent=spent,
        earned=earned,
        net=net,
        ratio=ratio,
        without_fee=int(table["fee"].isna().sum()),
        without_views=int(np.isnan(amounts["view"]).sum()),
        without_engagement=int(np.isnan(amounts["engagement"]).sum()),
    )


def _expectation(
    rows: pd.DataFrame, weights: np.ndarray[Any, Any], *, most: float = np.inf
) -> Expectation:
    """Return the sum of weights of the creators who agree, with its interval."""
    p, low, high = (rows[name].to_numpy(dtype=float) for name in ("probability", "low", "high"))
    expected = float(p @ weights)
    ends = interval_of_sum(
        expected, float(p * (1 - p) @ weights**2), float(low @ weights), float(high @ weights)
    )
    least = 0.0 if bool((weights >= 0).all()) else -np.inf
    return Expectation(expected, max(least, ends[0]), min(most, ends[1]))


def _ratio(
    rows: pd.DataFrame,
    worths: np.ndarray[Any, Any],
    fees: np.ndarray[Any, Any],
    earned: Expectation,
    spent: Expectation,
) -> Expectation:
    """Return expected return less cost as a share of the cost.

    Both change with the same deals, so their quotient's interval is that of its linear part (the
    delta method): return less quotient times cost, over the cost expected.
    """
    quotient = earned.expected / spent.expected
    change = _expectation(rows, (worths - quotient * fees) / spent.expected)
    ratio = quotient - 1.0
    return Expectation(ratio, max(-1.0, ratio + change.low), ratio + change.high)
