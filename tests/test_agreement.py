"""How far people agree, and how far one's decisions lie from what happened."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.reviewers import judged_by, reviewers

from durhampulse.evaluation.agreement import agreement, lean


def test_kappa_equals_cohens_worked_figures():
    """Landis and Koch's kind of table: 20, 5 / 10, 15 of 50 give .7 agreed, .5 by chance, .4."""
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    both = agreement(first, second)
    assert both.share == pytest.approx(0.7)
    assert both.kappa == pytest.approx(0.4)
    half = 1.644854 * np.sqrt(0.7 * 0.3 / 50) / 0.5
    assert (both.kappa_low, both.kappa_high) == pytest.approx((0.4 - half, 0.4 + half))
    assert both.low < 0.7 < both.high


def test_people_who_always_say_one_thing_have_no_kappa():
    both = agreement(["yes"] * 9, ["yes"] * 9)
    assert (both.share, both.high, both.kappa) == (1.0, 1.0, None)
    assert agreement([], []) is None


def test_opposite_judgements_disagree_beyond_chance():
    assert agreement(["a", "b"] * 10, ["b", "a"] * 10).kappa == pytest.approx(-1.0)


def test_lean_is_the_mean_of_paired_differences():
    both = lean([1, 1, 0, 0], [0.5, 0.5, 0.25, 0.25])
    half = 1.644854 * np.std([0.5, 0.5, -0.25, -0.25], ddof=1) / 2
    assert (both.mean, both.low, both.high) == pytest.approx((0.125, 0.125 - half, 0.125 + half))
    assert lean([1], [0.5]) is None


def test_bias_of_seven_of_eight_reviewers_is_within_its_interval():
    for known in ("lenience", "overruled"):
        held = 0
        for reviewer in reviewers():
            both, truth = judged_by(reviewer, np.random.default_rng(reviewer.seed))[known]
            held += both.low <= truth <= both.high
        assert held >= 7, known
