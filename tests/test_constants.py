"""Documented constants: an example on either side of each, worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from durhampulse.creators.block import Block
from durhampulse.creators.reading import read_creators
from durhampulse.decision.bands import Thresholds, _normal_cdf, on_edge
from durhampulse.evaluation.calibration import invitation_table
from durhampulse.features.codes import learn_numbers
from durhampulse.features.peers import Peers

# 90% of a standard normal lie within 1.644854; a fifth of it lies above 0.841621.
HALF_WIDTH = 1.644854
YES_AT = np.log(4)  # the log-odds of 0.8
REVIEW_AT = np.log(1.5)  # the log-odds of 0.6


@pytest.mark.parametrize(
    ("log_odds", "edge"),
    [
        (YES_AT + 0.841, True),
        (YES_AT + 0.843, False),
        (REVIEW_AT - 0.841, True),
        (REVIEW_AT - 0.843, False),
    ],
)
def test_edge_flag_begins_at_20_percent_chance_of_other_band(log_odds, edge):
    likely = np.array([log_odds]), np.array([HALF_WIDTH])
    assert on_edge(likely[0], likely, Thresholds()).tolist() == [edge]


def test_normal_distribution_function_equals_scipys():
    from scipy.stats import norm

    z = np.append(np.linspace(-9, 9, 2_001), [-np.inf, np.inf])
    np.testing.assert_allclose(_normal_cdf(z), norm.cdf(z), rtol=1e-12, atol=1e-300)


def test_invitations_are_top_of_ranking():
    """20 creators, ranked from 0.95 down to 0; deals stand at ranks 1, 2, 5, 11 and 20."""
    y_prob = np.arange(19, -1, -1) / 20
    y_true = np.isin(np.arange(1, 21), [1, 2, 5, 11, 20]).astype(float)
    table = invitation_table(y_true, y_prob)
    assert table["invitations"].tolist() == [1, 2, 4, 6, 10]  # 5, 10, 20, 30 and 50% of 20
    assert table["deals_by_model"].tolist() == [1, 2, 2, 3, 3]
    assert table["deals_at_random"].tolist() == [0.25, 0.5, 1.0, 1.5, 2.5]
    assert table["gain"].tolist() == pytest.approx([0.2, 0.4, 0.4, 0.6, 0.6])
    assert table["lift"].tolist() == pytest.approx([4, 4, 2, 2, 1.2])


MEAN, SPREAD = 3.2, np.sqrt(2.96)  # of 1, 2, 3, 4 and 6, whose median is 3


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (np.nan, (3 - MEAN) / SPREAD),  # the median, not the mean
        (MEAN + 9.5 * SPREAD, 9.5),
        (MEAN + 10.5 * SPREAD, 10.0),
        (MEAN - 10.5 * SPREAD, -10.0),
    ],
)
def test_missing_encodes_as_median_and_values_clip_at_ten_deviations(value, encoded):
    code = learn_numbers("x", pd.Series([1.0, 2, 3, 4, 6, np.nan]), ordered=False)
    pieces = code.join(code.pieces(Block.of(pd.DataFrame({"x": [value]}))))
    assert pieces[0, 0] == pytest.approx(encoded)


@pytest.mark.parametrize(
    ("followers", "engagement", "growth", "refused"),
    [
        (0, 0.05, 0.01, False),
        (-2, 0.05, 0.01, True),
        (10, 0.0, 0.01, False),
        (10, -0.001, 0.01, True),
        (10, 0.05, -1.0, False),
        (10, 0.05, -1.001, True),
    ],
)
def test_bounds_of_possible_values_are_accepted(write, followers, engagement, growth, refused):
    usual = "".join(f"{i},{100 + i},0.05,0.01\n" for i in range(30))
    header = "Influencer_ID,Followers,Engagement_Rate,Growth_Rate\n"
    path = write(f"{header}{usual}odd,{followers},{engagement},{growth}\n")
    units = {"Engagement_Rate": "fraction", "Growth_Rate": "fraction"}
    creators = read_creators(path, units=units)
    assert ("odd" in creators.refused["Influencer ID"].tolist()) == refused
    assert ("odd" in creators.table["Influencer_ID"].tolist()) != refused


@pytest.mark.parametrize(
    ("views", "flag"),
    [(100_000.0, ""), (100_001.0, "views over 100 times the followers")],
)
def test_views_above_100_times_followers_are_flagged(views, flag):
    table = pd.DataFrame({"Followers": [1_000.0], "Avg_Views_per_Post": [views]})
    assert Peers({"nano": 0}, (), {}).flags(table).tolist() == [flag]
