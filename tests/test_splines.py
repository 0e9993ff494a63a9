"""Logistic regression on splines: equal to scikit-learn's, level beyond the ends."""

from __future__ import annotations

import numpy as np
import pytest

from durhampulse.models.splines import SplineLogistic, build_splines, fit_splines


def rows(seed, n=800):
    """Two columns with many values, a zero-inflated one, two of whole numbers and a constant."""
    rng = np.random.default_rng(seed)
    X = np.column_stack(
        [
            rng.normal(size=n),
            rng.exponential(size=n),
            np.where(rng.random(n) < 0.7, 0.0, rng.normal(size=n)),
            rng.integers(0, 2, n),
            rng.integers(0, 3, n),
            np.zeros(n),
        ]
    )
    z = np.sin(2 * X[:, 0]) * 2 + X[:, 1] - X[:, 3] - 1
    return X, (rng.random(n) < 1 / (1 + np.exp(-z))).astype(float)


@pytest.mark.parametrize("seed", range(3))
def test_curves_give_what_the_pipeline_gives(seed):
    X, y = rows(seed)
    weight = np.random.default_rng(seed).integers(1, 4, len(y))
    pipeline = build_splines(X).fit(X, y, logisticregression__sample_weight=weight)
    fresh = np.vstack([rows(seed + 9)[0] * 1.5, np.full((1, 6), 10.0), np.full((1, 6), -10.0)])
    model = SplineLogistic.from_sklearn(pipeline)
    np.testing.assert_allclose(
        model.predict_proba(fresh), pipeline.predict_proba(fresh)[:, 1], atol=1e-6
    )
    assert model.columns.tolist() == [0, 1, 2]  # whose quantiles differ in four places or more


def test_curve_bends_and_goes_on_level_beyond_its_ends():
    model = fit_splines(*rows(0, 4_000))
    grid = np.zeros((3, 6))
    grid[:, 0] = [-np.pi / 4, 0.0, np.pi / 4]
    low, middle, high = model.decision_function(grid)
    assert high - middle == pytest.approx(2, abs=0.6)  # as drawn: 2 sin(2 x)
    assert middle - low == pytest.approx(2, abs=0.6)
    far = np.zeros((2, 6))
    far[:, 1] = [model.breaks[1].max(), 10.0]
    assert model.decision_function(far)[0] == pytest.approx(model.decision_function(far)[1])


def test_weight_counts_as_so_many_rows():
    X, y = rows(1)
    weight = np.random.default_rng(1).integers(1, 3, len(y))
    build = build_splines(X)
    weighted = build.fit(X, y, logisticregression__sample_weight=weight).predict_proba(X)
    again = np.repeat(np.arange(len(y)), weight)
    np.testing.assert_allclose(weighted, build.fit(X[again], y[again]).predict_proba(X), atol=1e-4)


def test_single_positive_and_columns_without_curves_are_fitted():
    X, y = rows(2)
    X, y = X[:, 3:], np.zeros(len(y))
    y[5] = 1
    model = fit_splines(X, y)
    assert model.predict_proba(X).mean() == pytest.approx(1 / len(y), abs=1e-3)
    again = SplineLogistic.from_arrays(model.arrays())
    np.testing.assert_array_equal(again.decision_function(X), model.decision_function(X))


def test_row_gives_same_bits_at_any_position():
    model = fit_splines(*rows(3))
    X = np.asfortranarray(rows(4, 5_000)[0])
    whole = model.decision_function(X)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_array_equal(model.decision_function(X[order]), whole[order])
    parts = [model.decision_function(part) for part in np.split(X, [1, 8, 1_700, 1_701])]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("columns", lambda c: c + 5),
        ("columns", lambda c: c - 1),
        ("columns", lambda c: c.astype(np.int64)),
        ("breaks", lambda b: -b),
        ("breaks", lambda b: b[:, 1:]),
        ("breaks", lambda b: np.repeat(b, 100, axis=1)),
        ("pieces", lambda p: p * np.inf),
        ("pieces", lambda p: p[..., :3]),
        ("coef", lambda c: c[:1]),
        ("intercept", lambda i: i[:0]),
    ],
)
def test_arrays_that_are_no_curves_are_refused(name, change):
    arrays = fit_splines(*rows(0)).arrays()
    with pytest.raises(ValueError, match=r"curves|array"), np.errstate(invalid="ignore"):
        SplineLogistic.from_arrays({**arrays, name: change(arrays[name])})


def test_curves_of_more_than_64_pieces_are_refused():
    arrays = fit_splines(*rows(0)).arrays()
    n_curves = len(arrays["columns"])

    def curves(n):
        some = {"breaks": np.zeros((n_curves, n)), "pieces": np.zeros((n_curves, n, 4))}
        return SplineLogistic.from_arrays({**arrays, **some})

    assert curves(64).breaks.shape == (n_curves, 64)
    with pytest.raises(ValueError, match="of 65 pieces"):
        curves(65)


def test_curves_of_few_rows_are_not_made_level():
    """Log-odds rise by 3 from -1 to 1; a penalty chosen by 50 rows let them rise by 0.9."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(200, 2))
        y = (rng.random(200) < 1 / (1 + np.exp(-1.5 * X[:, 0]))).astype(float)
        low, high = fit_splines(X, y).decision_function(np.array([[-1.0, 0.0], [1.0, 0.0]]))
        assert high - low > 1.5
