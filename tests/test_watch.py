"""The watch over a band: a drop of 10 points is called, a promise that holds is not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from durhampulse.evaluation.watch import watch


def calls(rng, *, low, high, drop, n, draws, against="fewer"):
    """Return after how many outcomes each draw was called, infinity where it was not."""
    after = []
    for _ in range(draws):
        p = rng.uniform(low, high, n)
        y_true = rng.random(n) < np.clip(p - drop, 0, 1)
        after.append(watch(y_true, p, against=against).called_after or math.inf)
    return np.array(after)


@pytest.mark.parametrize(("low", "high"), [(0.8, 0.98), (0.6, 0.8), (0.05, 0.3)])
def test_promise_that_holds_is_called_in_at_most_5_percent_of_streams(low, high):
    after = calls(np.random.default_rng(1), low=low, high=high, drop=0, n=2_000, draws=400)
    # Ville's bound is 5%: 20 of 400. More than 30 would occur once in a hundred times at the bound.
    assert np.isfinite(after).sum() <= 30


def test_drop_of_10_points_in_yes_is_called_within_150_outcomes():
    after = calls(np.random.default_rng(2), low=0.8, high=0.98, drop=0.1, n=150, draws=400)
    assert np.mean(after <= 150) > 0.85
    assert np.median(after) < 75


def test_rise_of_10_points_in_no_is_called_within_150_outcomes():
    rng = np.random.default_rng(3)
    after = calls(rng, low=0.02, high=0.3, drop=-0.1, n=150, draws=400, against="more")
    assert np.mean(after <= 150) > 0.85


def test_wealth_is_the_likelihood_ratio_of_a_share_10_points_lower():
    # By hand: a deal at .9 multiplies by .8 / .9, none by .2 / .1; two deals and a miss: 1.580.
    looked = watch([1, 1, 0], np.full(3, 0.9))
    assert looked.p_value == pytest.approx(1 / (2 * 0.64 / 0.81))
    assert (looked.outcomes, looked.deals, looked.promised) == (3, 2, pytest.approx(0.9))
    # The largest wealth counts, which a deal afterwards does not take back.
    assert watch([0, 1], np.full(2, 0.9)).p_value == pytest.approx(0.5)


def test_call_stands_whatever_comes_after():
    p = np.full(300, 0.9)
    looked = watch(np.repeat([0, 1], [5, 295]), p)
    assert looked.called_after == 5
    assert looked.is_called


def test_probabilities_of_0_and_1_are_no_infinite_bets():
    assert watch([1, 0], np.array([1.0, 0.0])).p_value == 1.0


def test_no_outcome_says_nothing():
    assert watch([], np.array([])).seen is None
