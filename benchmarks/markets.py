"""Simulated markets of several shapes, so that nothing is tuned to one of them alone.

The built-in market adds smooth terms on the log-odds scale and has no empty cells. The others are
inventions, no more: they differ from it in how deals arise, in how heavy the tails are and in
which columns act together, and 3% of their cells are empty. True probabilities are those of the
whole row, empty cells included, so that an empty cell leaves something that nobody can know.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.schema import (
    ENGAGEMENT,
    FOLLOWERS,
    GROWTH,
    LABEL,
    NICHE,
    QUALITIES,
    QUALITY,
    VIEWS,
)
from durhampulse.market.market import draw_creators

__all__ = ["MARKETS"]

Floats = npt.NDArray[np.float64]

EMPTY = 0.03


def second(n: int, rng: np.random.Generator) -> tuple[pd.DataFrame, Floats]:
    """Return a market of offers that arrive at a rate: a complementary log-log link.

    Followers are Pareto, engagement and growth have tails of Student's t. The rate multiplies a
    preference of each niche for a video quality, a narrow best range of views per follower,
    engagement that saturates the later the larger the creator, and growth away from standstill.
    """
    niches = np.array(["Food", "Beauty", "Gaming", "Sports", "Family", "Tech", "Art", "Books"])
    size = np.minimum(rng.exponential(0.8, n), 5.0)  # log10 of followers over 1,000
    niche = rng.choice(8, n, p=[0.2, 0.2, 0.15, 0.15, 0.1, 0.1, 0.06, 0.04])
    quality = (size + rng.normal(0, 1, n) > np.array([[0.0], [1.2]])).sum(axis=0)
    lift = rng.standard_t(4, n)
    usual = np.array([0.0, 0.3, 0.6, -0.2, 0.2, -0.3, -0.1, 0.4])[niche]
    engagement = np.minimum(np.exp(-3.1 - 0.35 * size + usual + 0.5 * lift), 0.95)
    growth = np.maximum(0.01 + 0.02 * rng.standard_t(3, n), -0.9)
    view_rate = np.exp(-1.3 - 0.15 * size + 0.3 * lift + 0.7 * rng.normal(size=n))

    taste = np.random.default_rng(8).normal(0, 0.7, (8, 3))[niche, quality]
    best_range = 1.4 * np.exp(-(((np.log(view_rate) + 1.6) / 0.6) ** 2))
    engaged = 1.6 * np.tanh((lift - 0.5 * size + 0.6) / 1.5)
    moving = 0.9 * np.minimum(np.abs(growth - 0.01) / 0.03, 1.5) * np.where(growth > 0.01, 1, -1)
    rate = np.exp(-2.6 + taste + best_range + engaged + moving + 0.5 * np.minimum(size, 2))
    y_prob = np.clip(-np.expm1(-rate), 1e-5, 1 - 1e-5)
    columns = (1_000 * 10**size, engagement, growth, niches[niche], quality, view_rate)
    return _table(columns, y_prob, rng), y_prob


def third(n: int, rng: np.random.Generator) -> tuple[pd.DataFrame, Floats]:
    """Return a market with two ways to a deal, of which either is enough.

    Agencies ask for round numbers of followers and for quality, and care for views in some niches
    only. Brands that search for themselves want engagement and growth together, from creators of
    one size. Engagement has tails of Student's t with 2.5 degrees of freedom.
    """
    niches = np.array(["Fashion", "Cars", "Gardening", "Music", "Health", "Money"])
    size = 4.2 + 0.9 * rng.standard_t(5, n)
    size = np.clip(size, 3.0, 8.3)  # log10 of followers
    niche = rng.choice(6, n, p=[0.3, 0.2, 0.1, 0.2, 0.15, 0.05])
    quality = np.minimum(rng.poisson(0.35 * (size - 2.5)), 2)
    lift = rng.standard_t(2.5, n)
    engagement = np.minimum(np.exp(-3.6 - 0.25 * (size - 4) + 0.4 * lift), 0.95)
    growth = 0.005 + 0.03 * rng.gumbel(size=n) * np.where(size < 4.5, 1, 0.5)
    reach = rng.normal(size=n) + 0.4 * np.tanh(lift)
    view_rate = np.exp(-1.5 - 0.3 * (size - 4) + 0.8 * reach)

    steps = 1.3 * (size >= 4) + 1.1 * (size >= 5) + 0.7 * (size >= 6)
    seen = np.array([1.2, 0.0, 0.6, 1.5, 0.0, -0.6])[niche] * np.tanh(reach)
    agency = -4.0 + steps + 0.9 * quality + seen + np.array([0.9, 0, -0.8, 0.3, 0, 1.0])[niche]
    pull = 2.2 * np.tanh(lift) + 1.4 * np.tanh(growth / 0.03) * (1 + np.tanh(lift))
    searching = -3.0 + pull - 1.2 * np.abs(size - 4.4) + 0.6 * (niche % 2)
    y_prob = 1 - 1 / ((1 + np.exp(agency)) * (1 + np.exp(searching)))
    columns = (10**size, engagement, growth, niches[niche], quality, view_rate)
    return _table(columns, y_prob, rng), y_prob


def _table(
    columns: tuple[Floats, Floats, Floats, npt.NDArray[np.str_], npt.NDArray[np.int64], Floats],
    y_prob: Floats,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return creators with some cells empty and the outcomes drawn."""
    followers, engagement, growth, niche, quality, view_rate = columns
    table = pd.DataFrame(
        {
            FOLLOWERS: followers.round(),
            ENGAGEMENT: engagement.round(4),
            GROWTH: growth.round(4),
            NICHE: pd.array(niche, dtype="str"),
            QUALITY: pd.array(np.array(QUALITIES)[quality], dtype="str"),
            VIEWS: (followers * view_rate).round(),
        }
    )
    table = table.mask(rng.random(table.shape) < EMPTY)
    table[LABEL] = (rng.random(len(table)) < y_prob).astype(np.int64)
    return table


MARKETS: dict[str, Callable[[int, np.random.Generator], tuple[pd.DataFrame, Floats]]] = {
    "home": draw_creators,
    "second": second,
    "third": third,
}
"""By name: creators in the standard columns with their outcomes, and true probabilities."""
