"""The networks that teach: shared kernels, weights of rows, single members."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from durhampulse.models.classifiers import LOGISTIC, fit
from durhampulse.models.ensemble import STUDENT, train_networks
from durhampulse.models.stacking import level, stack
from durhampulse.models.weights import sigmoid


def interaction(n, seed):
    """Creators whose odds hang on the product of two columns alone."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    p = sigmoid(3 * X[:, 0] * X[:, 1])
    return X, (rng.random(n) < p).astype(float), p


def test_networks_learn_an_interaction_that_no_line_shows():
    X, y, _ = interaction(500, 0)
    fresh, _, p = interaction(4_000, 1)
    networks = train_networks(X, y, batch=25)
    line = fit(LOGISTIC, X, y, random_state=0)
    assert np.abs(line.predict_proba(fresh) - p).mean() > 0.2
    assert np.abs(networks.predict_proba(fresh) - p).mean() < 0.12


def test_double_weight_counts_as_two_rows():
    """500 rows, half of them deals: as two rows each they are two thirds of all."""
    X, y, _ = interaction(500, 2)
    weight = np.where(y == 1, 2.0, 1.0)
    p = train_networks(X, y, batch=25, sample_weight=weight).predict_proba(X)
    assert np.average(p, weights=weight) == pytest.approx(2 / 3, abs=0.03)


def test_same_seed_gives_same_networks():
    X, y, _ = interaction(500, 4)
    first, second = (train_networks(X, y, batch=25, random_state=7) for _ in range(2))
    np.testing.assert_array_equal(first.decision_function(X), second.decision_function(X))


@pytest.mark.parametrize(("activation", "atol"), [("silu", 1e-4), ("parabolic", 0.05)])
def test_single_member_says_the_same_as_plain_layers(activation, atol):
    """The parabolic layers are rounded to what single precision adds without error."""
    X, _, p = interaction(500, 5)
    student = train_networks(X, p, recipe=replace(STUDENT, activation=activation), epochs=3)
    np.testing.assert_allclose(
        student.member(0).decision_function(X), student.decision_function(X), atol=atol
    )


def test_few_rows_leave_the_weights_at_their_centre():
    """Eight rows, of which one member knows all and the other none."""
    y = np.array([0.0, 1.0] * 4)
    logits = np.column_stack([4 * y - 2, np.zeros(8)])
    coef, _ = stack(logits, y, np.ones(8), np.array([0.25, 0.75]))
    assert coef == pytest.approx([0.25, 0.75], abs=0.1)
    coef, _ = stack(np.tile(logits, (1_000, 1)), np.tile(y, 1_000), np.ones(8_000), coef)
    assert coef[0] > 1


def test_level_brings_the_mean_to_the_rate_with_weights():
    rng = np.random.default_rng(6)
    logits, count = rng.normal(2, 1, 500), rng.integers(1, 4, 500).astype(float)
    y = (rng.random(500) < 0.3).astype(float)
    p = sigmoid(logits + level(logits, y, count))
    assert np.average(p, weights=count) == pytest.approx(np.average(y, weights=count), abs=1e-9)
