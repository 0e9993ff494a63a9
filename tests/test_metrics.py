from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from durhampulse.decision.bands import BANDS
from durhampulse.evaluation.calibration import (
    band_hit_rates,
    calibration_errors,
    gain_curve,
    invitation_table,
    reliability,
    wilson_interval,
)
from durhampulse.evaluation.curves import ranking_curves
from durhampulse.evaluation.metrics import (
    METRICS,
    compare_models,
    confusion_table,
    score_models,
    score_table,
)
from tests.examples import examples

REFERENCE = {
    "accuracy": lambda y, p: sk.accuracy_score(y, p >= 0.5),
    "precision": lambda y, p: sk.precision_score(y, p >= 0.5, zero_division=0),
    "recall": lambda y, p: sk.recall_score(y, p >= 0.5),
    "f1": lambda y, p: sk.f1_score(y, p >= 0.5, zero_division=0),
    "roc_auc": sk.roc_auc_score,
    "average_precision": sk.average_precision_score,
    "log_loss": sk.log_loss,
    "brier": sk.brier_score_loss,
}


def outcomes(seed=0, n=400, step=None):
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 2, n)
    y = (rng.random(n) < p).astype(float)
    y[:2] = 0, 1
    return y, p if step is None else np.round(p / step) * step


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("step", [None, 0.1])
def test_scores_equal_those_of_scikit_learn(name, step):
    y, p = outcomes(step=step)
    p = np.clip(p, 0.01, 0.99)
    once = METRICS[name](y, p, np.ones((1, len(y))))[0]
    assert once == pytest.approx(REFERENCE[name](y, p), abs=1e-12)


@examples(30)
@given(st.integers(0, 10_000))
def test_weight_equals_repeated_row(seed):
    y, p = outcomes(seed, n=60, step=0.1)
    p = np.clip(p, 0.01, 0.99)
    times = np.random.default_rng(seed).integers(0, 3, len(y))
    times[:2] = 1
    repeated = np.repeat(y, times), np.repeat(p, times)
    for name, metric in METRICS.items():
        weighted = metric(y, p, times[None, :].astype(float))[0]
        assert weighted == pytest.approx(REFERENCE[name](*repeated), abs=1e-12)


def test_intervals_have_nominal_coverage():
    truth = sk.log_loss(*outcomes(99, n=200_000))
    held = 0
    for seed in range(100):
        y, p = outcomes(seed, n=300)
        row = score_models(y, {"m": p}, random_state=seed).set_index("metric").loc["log_loss"]
        held += row["low"] <= truth <= row["high"]
    assert 88 <= held <= 99


def test_better_model_differs_and_same_model_does_not():
    y, p = outcomes(n=2_000)
    worse = np.full(len(y), y.mean())
    table = compare_models(y, p, worse).set_index("metric")
    assert table.loc["log_loss", "high"] < 0
    assert table.loc["log_loss", "p_value"] < 0.01
    same = compare_models(y, p, p)
    assert (same["difference"] == 0).all()
    assert (same["p_value"] == 1).all()


def test_mcnemar_counts_only_disagreements():
    y = np.array([1.0] * 10 + [0.0] * 10)
    first = y * 0.8 + 0.1
    second = first.copy()
    second[:8] = 0.1
    row = compare_models(y, first, second).set_index("metric").loc["accuracy"]
    assert row["p_value"] == pytest.approx(2 * 0.5**8)


def test_confusion_table_and_score_table():
    y, p = outcomes()
    np.testing.assert_array_equal(confusion_table(y, p), sk.confusion_matrix(y, p >= 0.5))
    shown = score_table(score_models(y, {"b": p, "a": p}))
    assert list(shown.columns) == ["b", "a"]
    assert list(shown.index) == list(METRICS)


def test_reliability_by_band_with_intervals():
    y = np.array([1.0] * 9 + [0.0])
    table = band_hit_rates(y, pd.Series(["Yes"] * 10), BANDS)
    assert table["creators"].tolist() == [10, 0, 0]
    assert table["hit_rate"].iloc[0] == pytest.approx(0.9)
    assert np.isnan(table["hit_rate"].iloc[1])
    assert wilson_interval(0, 0) == (0.0, 1.0)
    y, p = outcomes(n=5_000)
    bins = reliability(y, p)
    assert bins["creators"].sum() == 5_000
    inside = (bins["low"] <= bins["predicted"]) & (bins["predicted"] <= bins["high"])
    assert inside.sum() >= 8


@given(st.integers(0, 1_000))
def test_gain_ends_with_all_deals_and_ties_share(seed):
    y, p = outcomes(seed, n=80, step=0.25)
    curve = gain_curve(y, p)
    assert curve["gain"].iloc[-1] == pytest.approx(1)
    assert curve["lift"].iloc[-1] == pytest.approx(1)
    assert curve["gain"].is_monotonic_increasing
    order = np.random.default_rng(seed).permutation(len(y))
    np.testing.assert_allclose(gain_curve(y[order], p[order])["found"], curve["found"])


def test_invitations_at_random_follow_the_base_rate():
    y, p = outcomes(n=1_000)
    table = invitation_table(y, p)
    np.testing.assert_allclose(table["deals_at_random"], table["invitations"] * y.mean())
    assert (table["lift"] > 1).all()


@pytest.mark.parametrize("step", [None, 0.1])
def test_ranking_curves_are_those_of_scikit_learn(step):
    y, p = outcomes(n=150, step=step)
    curve = ranking_curves(y, {"m": p})
    false, found, thresholds = sk.roc_curve(y, p, drop_intermediate=False)
    np.testing.assert_allclose(curve["false_positive_rate"], false, atol=1e-12)
    np.testing.assert_allclose(curve["recall"], found, atol=1e-12)
    np.testing.assert_allclose(curve["threshold"], thresholds)
    precision, recall, _ = sk.precision_recall_curve(y, p)
    np.testing.assert_allclose(curve["precision"].iloc[1:], precision[:-1][::-1], atol=1e-12)
    np.testing.assert_allclose(curve["recall"].iloc[1:], recall[:-1][::-1], atol=1e-12)


def test_long_curve_is_thinned_and_keeps_its_ends():
    y, p = outcomes(n=3_000)
    curve = ranking_curves(y, {"a": p, "b": 1 - p})
    assert curve.groupby("model").size().tolist() == [200, 200]
    assert curve.groupby("model")["recall"].agg(["min", "max"]).to_numpy().tolist() == [[0, 1]] * 2


def test_calibration_error_is_the_mean_distance_of_ten_bins():
    """Each bin of 40 rows says .3: where .5 of them got a deal it is off by .2."""
    y = np.tile([0.0, 1.0], 200)
    row = calibration_errors(y, {"m": np.full(400, 0.3)}).iloc[0]
    assert row["calibration_error"] == pytest.approx(0.2)
    # Of 40 rows of .3 the share has a standard deviation of sqrt(.21 / 40) = .0725; normal numbers
    # are .798 of theirs away from their mean, and ten such bins' mean has a tenth of sqrt(10).
    assert row["by_chance"] == pytest.approx(0.798 * 0.0725, abs=1e-4)
    assert row["high"] == pytest.approx(0.2 + 1.96 * 0.0725 / np.sqrt(10), abs=1e-4)
    assert row["low"] == pytest.approx(2 * 0.2 - row["high"] - row["by_chance"], abs=1e-4)


def test_calibration_interval_holds_for_true_and_for_timid_probabilities():
    rng = np.random.default_rng(0)
    for tilt in (1.0, 0.5):
        held = 0
        for _ in range(40):
            z = rng.normal(-1, 1.5, 600)
            p, q = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(-tilt * z))
            y = (rng.random(600) < p).astype(float)
            row = calibration_errors(y, {"m": q}).iloc[0]
            bins = np.array_split(np.argsort(q, kind="stable"), 10)
            truth = np.mean([abs(np.mean(p[rows] - q[rows])) for rows in bins])
            held += row["low"] <= truth <= row["high"]
        assert held >= 38
        assert (row["low"] > 0) == (tilt < 1)


def test_rows_of_one_creator_widen_the_interval_of_calibration():
    y, p = outcomes(n=200)
    twice, groups = np.tile(y, 3), np.tile(np.arange(200), 3)
    alone, together = (
        calibration_errors(twice, {"m": np.tile(p, 3)}, groups=g).iloc[0] for g in (None, groups)
    )
    assert together["by_chance"] > 1.5 * alone["by_chance"]
