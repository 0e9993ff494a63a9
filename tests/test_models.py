from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from durhampulse import study
from durhampulse.models.classifiers import CLASSIFIERS, fit
from durhampulse.models.cnn import REACHES, build_cnn
from durhampulse.models.mlp import NetworkPlan, batch_size, build_mlp, train_mlp
from durhampulse.models.runs import train_runs
from durhampulse.models.weights import DenseNetwork


def test_mlp_has_documented_layers():
    model = build_mlp(7, study.MLP)
    kinds = [(type(layer).__name__, getattr(layer, "units", None)) for layer in model.layers]
    assert kinds == [
        ("Dense", 64),
        ("Dropout", None),
        ("Dense", 32),
        ("Dense", 1),
    ]
    dense = [layer for layer in model.layers if isinstance(layer, layers.Dense)]
    assert model.layers[1].rate == 0.3
    assert [layer.activation.__name__ for layer in dense] == ["relu", "relu", "sigmoid"]
    assert model.loss == "binary_crossentropy"
    assert all(layer.kernel_regularizer is None for layer in dense)


def test_regularised_mlp_has_dropout_and_l2():
    model = build_mlp(7, study.REGULARISED)
    assert [model.layers[i].rate for i in (1, 3)] == [0.3, 0.3]
    assert all(float(model.layers[i].kernel_regularizer.l2) > 0 for i in (0, 2))


def test_runs_learn_from_the_rows_of_their_seeds():
    """A run's curves are those of its own network on its own rows."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 4))
    y = (rng.random(300) < 1 / (1 + np.exp(-2 * X[:, 0]))).astype(float)
    runs = [(study.UNREGULARISED, 5), (study.REGULARISED, 5), (study.MLP, 6)]
    trained = train_runs(X, y, runs, epochs=15)
    assert [(run.plan, run.seed) for run in trained] == runs
    for run in trained:
        held_out = np.random.default_rng(run.seed).permutation(300)[240:]
        p = run.network.predict_proba(X[held_out])
        loss = -np.mean(y[held_out] * np.log(p) + (1 - y[held_out]) * np.log1p(-p))
        assert run.curves["val_loss"].iloc[-1] == pytest.approx(loss, abs=1e-5)
        assert run.curves["loss"].iloc[-1] < run.curves["loss"].iloc[0] - 0.05
    assert train_runs(X, y, []) == ()


def test_runs_take_the_steps_that_keras_takes():
    """The sixteen rows that are not held out are one batch, whatever their order."""
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(20, 4)), rng.integers(0, 2, 20).astype(float)
    plan = NetworkPlan("penalty alone", dropout=(0.0, 0.0), l2=0.01)
    (run,) = train_runs(X, y, [(plan, 3)], epochs=20)
    rows = np.random.default_rng(3).permutation(20)[:16]
    keras.utils.set_random_seed(3)
    model = build_mlp(4, plan)
    for _ in range(20):
        model.train_on_batch(X[rows].astype(np.float32), y[rows].astype(np.float32)[:, None])
    np.testing.assert_allclose(
        run.network.predict_proba(X), DenseNetwork.from_keras(model).predict_proba(X), atol=1e-4
    )


def test_runs_drop_the_share_of_units_that_their_plan_says():
    """With nearly all first units gone, what is left is the second layer's biases: one answer."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(400, 3))
    y = (X[:, 0] > 0).astype(float)
    plans = [NetworkPlan(str(rate), dropout=(rate, 0.0)) for rate in (0.0, 0.99)]
    kept, gone = train_runs(X, y, [(plan, 0) for plan in plans], epochs=10)
    assert kept.curves["loss"].iloc[-1] < 0.2
    assert gone.curves["loss"].iloc[-1] > 0.5


def test_layers_see_as_far_as_the_text_says():
    """By hand: 7, then each pooling and kernel of 3 adds (1 + 2) x the steps so far.

    On the network: a layer widens what the one before sees by its kernel less 1, in steps of all
    strides so far (Araujo, Norris and Sim 2019, "Computing receptive fields of convolutional
    neural networks").
    """
    by_hand = (7, 7 + 2 + 2 * 4, 17 + 4 + 2 * 8, 37 + 8 + 2 * 16, 77 + 16 + 2 * 32)
    assert by_hand == REACHES
    seen, step, pixels = 1, 1, []
    for layer in build_cnn().layers:
        if isinstance(layer, layers.Conv2D):
            seen += (layer.kernel_size[0] - 1) * step
            pixels.append(seen)
        elif isinstance(layer, layers.MaxPooling2D):
            seen += (layer.pool_size[0] - 1) * step
        if isinstance(layer, layers.Conv2D | layers.MaxPooling2D):
            step *= layer.strides[0]
    assert tuple(pixels) == REACHES


def test_plain_arrays_score_like_keras():
    model = build_mlp(5, study.MLP)
    X = np.random.default_rng(0).normal(size=(50, 5))
    expected = np.asarray(model(X.astype(np.float32), training=False))[:, 0]
    np.testing.assert_allclose(DenseNetwork.from_keras(model).predict_proba(X), expected, atol=1e-6)


def test_silu_network_scores_like_keras_and_survives_its_arrays():
    sizes = (64, 32)
    hidden = [layers.Dense(n, activation="silu", bias_initializer="normal") for n in sizes]
    model = keras.Sequential([keras.Input((5,)), *hidden, layers.Dense(1)])
    X = np.random.default_rng(0).normal(size=(50, 5)) * 3
    expected = np.asarray(model(X.astype(np.float32), training=False))[:, 0]
    network = DenseNetwork.from_keras(model, "silu")
    np.testing.assert_allclose(network.decision_function(X), expected, atol=1e-5)
    again = DenseNetwork.from_arrays(network.arrays())
    np.testing.assert_array_equal(again.decision_function(X), network.decision_function(X))


def test_curves_exclude_penalty_and_training_is_repeatable():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 4))
    y = (rng.random(300) < 1 / (1 + np.exp(-2 * X[:, 0]))).astype(float)
    first, second = (
        train_mlp(X, y, study.REGULARISED, epochs=20, random_state=5) for _ in range(2)
    )
    assert first.curves.equals(second.curves)
    assert len(first.curves) == 20
    assert first.curves["val_loss"].iloc[-1] < first.curves["val_loss"].iloc[0]
    order = np.random.default_rng(5).permutation(300)
    p = first.network.predict_proba(X[order[:240]])
    loss = -np.mean(y[order[:240]] * np.log(p) + (1 - y[order[:240]]) * np.log1p(-p))
    assert first.curves["loss"].iloc[-1] == pytest.approx(loss, abs=1e-5)


def test_batch_size_grows_with_table():
    assert batch_size(100) == 16
    assert batch_size(3_200) == 64
    assert batch_size(10**7) == 4096


def test_cnn_builds_and_takes_a_training_step():
    model = build_cnn((32, 32, 3))
    X = np.random.default_rng(0).integers(0, 255, (8, 32, 32, 3)).astype("float32")
    before = [np.array(v.value) for v in model.trainable_variables]
    loss = model.train_on_batch(X, np.array([0, 1] * 4, dtype="float32"))
    after = [np.array(v.value) for v in model.trainable_variables]
    assert np.isfinite(np.asarray(loss)).all()
    assert any((a != b).any() for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_same_seed_gives_same_weights(name):
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(200, 3)), rng.integers(0, 2, 200)
    first, second = (fit(name, X, y.astype(float), random_state=1) for _ in range(2))
    np.testing.assert_array_equal(first.decision_function(X), second.decision_function(X))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_fitted_classifiers_score_like_their_library(name):
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(200, 3)), rng.integers(0, 2, 200)
    expected = CLASSIFIERS[name].build(0).fit(X, y).predict_proba(X)[:, 1]
    got = fit(name, X, y.astype(float), random_state=0).predict_proba(X)
    np.testing.assert_allclose(got, expected, atol=1e-9)
