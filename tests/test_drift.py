"""Drift is reported only beyond chance, for files of any size."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from durhampulse.creators.block import Block
from durhampulse.features.profile import learn_profile
from durhampulse.market.market import draw_creators

COLUMNS = [
    "Followers",
    "Engagement_Rate",
    "Growth_Rate",
    "Niche",
    "Video_Quality",
    "Avg_Views_per_Post",
]


@cache
def market():
    table = draw_creators(5_000, np.random.default_rng(7))[0]
    return table, learn_profile(table[COLUMNS])


@pytest.mark.parametrize("n_rows", [2, 10, 30, 60, 100, 300])
def test_rows_of_the_training_market_do_not_drift(n_rows):
    """One column in a thousand drifts by chance; 240 are tested for each size."""
    table, profile = market()
    words = []
    for seed in range(40):
        rows = np.random.default_rng(seed).integers(0, len(table), n_rows)
        counts = profile.count(Block.of(table.iloc[rows]))
        words += [row["word"] for row in profile.drift(counts)]
    assert sum(word != "steady" for word in words) <= 2


def test_few_rows_of_another_market_do_drift():
    table, profile = market()
    larger = table.head(30).assign(Followers=400 * table["Followers"].head(30))
    drift = {row["column"]: row["word"] for row in profile.drift(profile.count(Block.of(larger)))}
    assert drift["Followers"] == "unlike the training rows"
    assert drift["Niche"] == "steady"


def test_counts_match_hand_counted_bins():
    """Deciles of 1 to 100 hold ten values each, edges belong to the bin below."""
    import pandas as pd

    profile = learn_profile(pd.DataFrame({"Followers": np.arange(1.0, 101.0)}))
    counts = profile.count(Block.of(pd.DataFrame({"Followers": [0.0, 10.9, 10.91, 500.0, np.nan]})))
    assert profile.edges["Followers"][0] == pytest.approx(10.9)
    assert counts["Followers"].tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]
