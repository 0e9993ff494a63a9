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
    gain_curve,
    invitation_table,
    reliability,
    wilson_interval,
)
from durhampulse.evaluation.metrics import (
    METRICS,
    compare_models,
    confusion_table,
    score_models,
    score_table,
)

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
