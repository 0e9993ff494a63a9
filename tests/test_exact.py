from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import durhampulse as dp
from durhampulse.creators.frames import raw_cells
from durhampulse.models.exact import ExactLayers, parabolic, silu
from durhampulse.models.weights import DenseNetwork, Logistic
from tests.examples import examples


def network(seed, sizes, activation="relu"):
    rng = np.random.default_rng(seed)
    shapes = pairwise(sizes)
    kernels = [rng.normal(size=s, scale=s[0] ** -0.5).astype(np.float32) for s in shapes]
    biases = [rng.normal(size=size).astype(np.float32) for size in sizes[1:]]
    return DenseNetwork(tuple(kernels), tuple(biases), activation)


def inputs(seed, n, width):
    rng = np.random.default_rng(seed)
    return np.clip(rng.standard_t(3, size=(n, width)), -10, 10)


ACTIVATIONS = {"relu": lambda x: np.maximum(x, 0), "silu": lambda x: x / (1 + np.exp(-x))}
NEAR = {"relu": 1e-5, "silu": 1e-5, "parabolic": 0.1}
"""How far log-odds may move by rounding: much where single precision has to hold all sums."""


@pytest.mark.parametrize("activation", NEAR)
@pytest.mark.parametrize("sizes", [(23, 64, 32, 1), (7, 8, 4, 1), (5, 1)])
def test_rounded_layers_stay_near_trained_layers(sizes, activation):
    model, X = network(1, sizes, activation), inputs(2, 500, sizes[0])
    hidden = X
    for kernel, bias in zip(model.kernels[:-1], model.biases[:-1], strict=True):
        act = ACTIVATIONS.get(activation, parabolic)
        hidden = act(hidden @ kernel.astype(float) + bias)
    expected = (hidden @ model.kernels[-1].astype(float) + model.biases[-1])[:, 0]
    np.testing.assert_allclose(model.decision_function(X), expected, atol=NEAR[activation])


def test_parabolic_cells_are_near_silu_and_smooth():
    """Its slope is that of x s(x) with s of slope 1 at 0 and 0 at both ends: no corner anywhere."""
    x = np.linspace(-15, 15, 300_001)
    np.testing.assert_allclose(4 * parabolic(x / 4), ACTIVATIONS["silu"](x), atol=0.08)
    slopes = np.diff(parabolic(x / 4)) / np.diff(x / 4)
    assert np.abs(np.diff(slopes)).max() < 1e-3
    assert (np.abs(parabolic(x)) <= np.abs(x)).all()
    single = parabolic(x.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, parabolic(x), atol=2e-6)


def test_silu_is_near_its_formula_and_never_farther_from_zero_than_its_cell():
    x = np.linspace(-60, 60, 200_001)
    np.testing.assert_allclose(silu(x), ACTIVATIONS["silu"](x), atol=1e-5)
    assert (np.abs(silu(x)) <= np.abs(x) * (1 + 1e-6)).all()


@pytest.mark.parametrize("activation", NEAR)
@pytest.mark.parametrize("sizes", [(23, 64, 32, 1), (90, 48, 24, 1), (3, 4, 2, 1)])
def test_partial_sums_are_exact(activation, sizes):
    model = network(3, sizes, activation)
    exact = ExactLayers.of(model.kernels, model.biases, activation)
    bound = np.full(sizes[0], 10.0)
    for rounded, bias, shift in zip(exact.kernels, exact.biases, exact.shifts, strict=True):
        kernel, single = rounded.astype(float), rounded.dtype == np.float32
        assert single == (activation == "parabolic" and kernel.shape[1] > 1)
        step = np.spacing(rounded.dtype.type(shift))  # inputs are multiples of it
        unit = 2.0 ** np.floor(np.log2(np.abs(kernel[kernel != 0]).min()))
        while (np.rint(kernel / unit) != kernel / unit).any():
            unit /= 2
        largest = ((bound + step / 2) @ np.abs(kernel)).max() / (step * unit)
        assert largest <= 2 ** (24 if single else 53)
        bound = bound @ np.abs(kernel) + np.abs(bias)


@examples(30)
@given(
    seed=st.integers(0, 1_000),
    cuts=st.lists(st.integers(1, 4_999), max_size=6, unique=True),
    order=st.booleans(),
    activation=st.sampled_from(list(NEAR)),
)
def test_row_gives_same_bits_at_any_position(seed, cuts, order, activation):
    model, X = network(seed, (23, 64, 32, 1), activation), inputs(seed, 5_000, 23)
    whole = model.decision_function(X)
    parts = np.split(np.asfortranarray(X) if order else X, sorted(cuts))
    again = np.concatenate([model.decision_function(part) for part in parts])
    np.testing.assert_array_equal(again, whole)
    shuffled = np.random.default_rng(seed).permutation(len(X))
    np.testing.assert_array_equal(model.decision_function(X[shuffled]), whole[shuffled])
    logistic = Logistic(np.random.default_rng(seed).normal(size=23), np.array([0.3]))
    alone = [logistic.decision_function(X[[row]])[0] for row in range(0, 5_000, 97)]
    np.testing.assert_array_equal(alone, logistic.decision_function(X)[::97])


@examples(10)
@given(cuts=st.lists(st.integers(1, 2_999), max_size=5, unique=True), seed=st.integers(0, 99))
def test_scores_do_not_depend_on_the_chunk(cuts, seed, demo_scorer):
    block = demo_scorer.read_table("m", raw_cells(dp.simulate_market(3_000, seed=seed).table)).block
    whole = demo_scorer.compute(block)
    for rows in np.split(np.arange(block.n_rows), sorted(cuts)):
        part = demo_scorer.compute(block.take(rows))
        for name in ("y_prob", "low", "high", "band", "flags"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[rows])


@pytest.fixture(scope="module")
def demo_scorer(demo_model):
    return dp.load_model(demo_model)
