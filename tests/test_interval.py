from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from durhampulse.creators.block import Block
from durhampulse.creators.roles import Role
from durhampulse.features.encoding import learn_encoding
from durhampulse.models.interval import EMPTY, Interval, learn_interval
from durhampulse.models.weights import Logistic


def block(**columns):
    return Block.of(pd.DataFrame(columns))


def test_ends_are_log_odds_moved_by_the_widths():
    interval = Interval(below=1.0, above=0.8, rise=0.5, empties={"Followers": 0.75})
    logits = np.array([-1.0, 1.5, -1.0])
    rows = block(Followers=[1.0, 1.0, np.nan])
    low, high = interval.ends(logits, rows)
    below = [1.0, 1.0, np.sqrt(1.0 + 0.75**2)]
    above = [0.8, 0.8 + 0.5 * 1.5, np.sqrt(0.8**2 + 0.75**2)]
    assert low == pytest.approx(1 / (1 + np.exp(-(logits - below))))
    assert high == pytest.approx(1 / (1 + np.exp(-(logits + above))))


def test_below_five_percent_the_interval_begins_at_zero():
    low, high = Interval(below=0.8, above=0.6).ends(
        np.log([0.049 / 0.951, 0.051 / 0.949]), block(x=[1.0, 1.0])
    )
    assert low[0] == 0 < low[1]
    assert (high > 0.05).all()


def test_far_down_the_upper_end_falls_slower_and_never_rises():
    """At log-odds of -6 the upper half is .6 + .5 * 2, and with a tail of 1 the end stands still."""
    logits = np.array([-6.0, -5.0, -4.0])
    rows = block(x=np.ones(3))
    _, high = Interval(below=0.8, above=0.6, tail=0.5).ends(logits, rows)
    assert high == pytest.approx(1 / (1 + np.exp([4.4, 3.9, 3.4])))
    table = pd.DataFrame({"x": np.random.default_rng(0).normal(size=200)})
    encoding = learn_encoding(table, [Role("x", "feature", "numeric", "")])
    weights = Logistic(np.array([1.0]), np.array([0.0]))
    learned = learn_interval(encoding, weights, table, 3.0)
    _, high = learned.ends(np.linspace(-9, -4, 20), block(x=np.ones(20)))
    assert (np.diff(high) >= -1e-12).all()


def test_model_of_an_older_version_has_no_tail_and_no_fall():
    older = Interval.from_dict({"below": 0.7, "above": 0.6, "rise": 0.2, "empties": {}})
    assert (older.tail, older.fall, older.empty_rise, older.lean) == (0, 0, 0, 0)
    assert older.doubt == 0.6  # from its upper half the chance of another band was told


def test_high_probabilities_are_hardly_ever_too_high():
    """The lower half of 1 falls by .4 to log-odds of .4, half of it at .2, and no end goes down."""
    logits, rows = np.array([-1.0, 0.0, 0.2, 0.4, 2.0]), block(x=np.ones(5))
    interval = Interval(below=1.0, above=0.6, fall=0.4)
    low, _ = interval.ends(logits, rows)
    assert low == pytest.approx(1 / (1 + np.exp([2.0, 1.0, 0.6, 0.2, -1.4])))
    low, _ = interval.ends(np.linspace(-2, 2, 400), block(x=np.ones(400)))
    assert (np.diff(low) > 0).all()
    with pytest.raises(ValueError, match="an interval of"):
        Interval.from_dict({"below": 0.7, "above": 0.6, "rise": 0, "fall": 0.8, "empties": {}})


def test_middle_of_the_true_log_odds_leans_upward_where_they_are_high():
    """The lean of .2 is half at log-odds of .6 and whole from .8 on; an empty cell adds .75."""
    interval = Interval(below=2.0, above=1.5, doubt=1.0, lean=0.2, empties={"x": 0.75})
    logits = np.array([0.4, 0.6, 0.8, 2.0])
    middle, half = interval.likely(logits, block(x=[1.0, np.nan, 1.0, 1.0]))
    assert middle == pytest.approx([0.4, 0.7, 1.0, 2.2])
    assert half == pytest.approx([1.0, 1.25, 1.0, 1.0])
    assert interval.likely(logits)[1] == pytest.approx(np.ones(4))


def test_without_a_width_nothing_is_claimed():
    low, high = Interval().ends(np.array([-4.0, 0.0]), block())
    assert low.tolist() == high.tolist()


def test_an_empty_cell_counts_by_what_it_could_change():
    """A logistic regression's log-odds change by its slope times how far x lies from the median."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(3, 1, 1_400), "z": rng.normal(0, 1, 1_400)})
    roles = [Role(name, "feature", "numeric", "") for name in "xz"]
    encoding = learn_encoding(table, roles)
    weights = Logistic(np.array([2.0, 0.0]), np.array([-1.0]))
    empties = learn_interval(encoding, weights, table, 0.3).empties
    assert empties["x"] / EMPTY == pytest.approx(2.0, rel=0.02)
    assert empties["z"] == 0


def test_an_empty_cell_counts_more_upward_where_chances_are_good():
    """At log-odds of .5 the .75 of an empty cell count 2 times upward, below 0 and downward once."""
    interval = Interval(below=1.0, above=0.8, empties={"x": 0.75}, empty_rise=2.0)
    logits = np.array([-1.0, 0.5])
    low, high = interval.ends(logits, block(x=[np.nan, np.nan]))
    above = np.sqrt([0.8**2 + 0.75**2, 0.8**2 + 1.5**2])
    assert low == pytest.approx(1 / (1 + np.exp(-(logits - 1.25))))
    assert high == pytest.approx(1 / (1 + np.exp(-(logits + above))))


def test_an_interval_travels_as_plain_data():
    empties = {"Niche": 0.4}
    interval = Interval(
        below=0.7, above=0.6, rise=0.2, tail=0.3, empties=empties, fall=0.1, empty_rise=2.0,
        doubt=0.5, lean=0.1,
    )  # fmt: skip
    assert Interval.from_dict(json.loads(json.dumps(interval.to_dict()))) == interval
    with pytest.raises(ValueError, match="an interval of"):
        Interval.from_dict({"below": 0.7, "above": 0.6, "rise": -0.2, "empties": {}})
