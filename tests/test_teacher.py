"""When the blend's networks are taught with emptied cells, and what is shipped of the blend."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from durhampulse.creators.roles import Role
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.models import teacher
from durhampulse.models.classifiers import BOOSTING, LOGISTIC, fit
from durhampulse.models.teacher import learn_teacher
from durhampulse.models.training import OutOfFold, classifier_learner, cross_validate, with_copies
from durhampulse.models.weights import Bent, Blend, Logistic, sigmoid

FEATURES = (Role("a", "feature", "numeric", ""), Role("b", "feature", "levels", ""))


def creators(*, empty):
    table = pd.DataFrame({"a": np.arange(40.0), "b": ["x", "y"] * 20})
    table.insert(0, IDENTIFIER, np.arange(40))
    table[LABEL] = np.tile([0.0, 1.0], 20)
    if empty:
        table.loc[:9, "a"] = np.nan
    return table


@pytest.fixture
def runs(monkeypatch):
    """Cross-validations by copies: what incomplete rows get for a deal and others for none."""
    asked, sure = [], {0: 0.6, 5: 0.6}

    def cross_validate(learner, train, features, *, copies=0, **keywords):
        asked.append(copies)
        y, incomplete = train[LABEL].to_numpy(), train["a"].isna().to_numpy()
        right = np.where(incomplete, sure[copies], 0.6)
        y_prob = np.where(y == 1, right, 1 - right)
        fold = np.arange(len(y)) % 5
        return OutOfFold(
            y_prob=y_prob, probe=np.tile(y_prob, (5, 1)), fold=fold, encodings=(), weights=()
        )

    monkeypatch.setattr(teacher, "cross_validate", cross_validate)
    return asked, sure


@pytest.mark.parametrize(("with_copies", "copies"), [(0.8, 5), (0.5, 0)])
def test_emptied_copies_are_used_where_incomplete_rows_gain(runs, with_copies, copies):
    runs[1][5] = with_copies
    learned = learn_teacher(
        creators(empty=True), FEATURES, folds={}, random_state=0, sample_weight=None
    )
    assert learned.copies == copies


def test_whole_tables_are_never_emptied(runs):
    learned = learn_teacher(
        creators(empty=False), FEATURES, folds={}, random_state=0, sample_weight=None
    )
    assert learned.copies == 0
    assert 5 not in runs[0]


def test_copies_keep_outcomes_weights_and_the_first_rows():
    table = creators(empty=False)
    weight = np.arange(1.0, 41.0)
    rows, weights = with_copies(table, FEATURES, 2, 0, weight)
    pd.testing.assert_frame_equal(rows[:40], table)
    assert rows[LABEL].tolist() == table[LABEL].tolist() * 3
    assert weights.tolist() == weight.tolist() * 3
    kept = rows["b"][40:].dropna()
    assert kept.tolist() == table["b"].to_numpy()[kept.index % 40].tolist()


def test_depth_of_trees_is_what_is_asked():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = (X[:, 0] > 0).astype(float)
    trees = teacher._tables(fit(BOOSTING, X, y, random_state=0))
    assert trees.questions.shape[1] == 4


def test_blend_is_the_weighted_sum_of_log_odds():
    """Log-odds of 1 + x and 2x, weighted .5 and .25, with .1 added: .6 + x."""
    members = (Logistic(np.array([1.0]), np.array([1.0])), Logistic(np.array([2.0]), np.zeros(1)))
    blend = Blend(members, np.array([0.5, 0.25]), np.array([0.1]))
    X = np.array([[0.0], [2.0]])
    np.testing.assert_allclose(blend.decision_function(X), [0.6, 2.6])


def test_folds_trained_at_once_are_those_trained_in_turn():
    learner, table = classifier_learner(LOGISTIC, 0), creators(empty=True)
    in_turn, at_once = (cross_validate(learner, table, FEATURES, at_once=b) for b in (False, True))
    assert at_once.y_prob.tolist() == in_turn.y_prob.tolist()
    assert at_once.probe.tolist() == in_turn.probe.tolist()
    assert at_once.encodings == in_turn.encodings


@pytest.mark.parametrize(("copies", "epochs"), [(0, 30), (5, 8)])
def test_networks_learn_longer_from_copies(monkeypatch, copies, epochs):
    """30 passes over 4,000 rows, or 45 of which each copy is one: 7.5 of all six, rounded."""
    asked = {}
    monkeypatch.setattr(teacher, "train_networks", lambda X, y, **keywords: asked.update(keywords))
    n = 4_000 * (1 + copies)
    teacher.networks_learner(0, copies)(np.zeros((n, 1)), np.zeros(n))
    assert (asked["epochs"], asked["batch"]) == (epochs, 32)


def test_blend_bends_where_deals_do_not_follow_a_logistic_curve(monkeypatch):
    """Offers that arrive at a rate, told by members who know all but that curve."""
    rng = np.random.default_rng(0)
    z = rng.normal(-0.3, 1.2, 20_000)
    p = -np.expm1(-np.exp(z))
    table = pd.DataFrame({IDENTIFIER: np.arange(len(z)), "a": z, "b": "x"})
    table[LABEL] = (rng.random(len(z)) < p).astype(float)
    logistic = fit(LOGISTIC, z[:, None], table[LABEL].to_numpy(), random_state=0)
    y_prob = logistic.predict_proba(z[:, None])
    run = OutOfFold(y_prob=y_prob, probe=y_prob[None], fold=z < 0, encodings=(), weights=())
    monkeypatch.setattr(teacher, "cross_validate", lambda *_, **__: run)
    learned = learn_teacher(table, FEATURES, folds={}, random_state=0, sample_weight=None)
    tenths = np.array_split(np.argsort(z), 10)
    straight, bent = (
        np.mean([abs(q[rows].mean() - p[rows].mean()) for rows in tenths])
        for q in (y_prob, sigmoid(learned.probe[0]))
    )
    assert straight > 0.02
    assert bent < straight / 2


def test_bent_model_has_a_slope_on_either_side():
    model = Bent(Logistic(np.array([1.0]), np.zeros(1)), below=0.5, above=2.0)
    np.testing.assert_allclose(
        model.decision_function(np.array([[-2.0], [0.0], [3.0]])), [-1, 0, 6]
    )
