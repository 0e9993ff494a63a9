"""Trees as plain tables: equal to CatBoost, exact, and read with care."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from catboost import CatBoostClassifier

from durhampulse.models.families import WeightedSum
from durhampulse.models.trees import ObliviousTrees
from durhampulse.models.weights import DenseNetwork


def boosted(seed, **settings):
    """A small model of random depth and the rows it was fitted to."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(600, 4)), rng.integers(0, 2, (600, 3))])
    y = rng.random(600) < 1 / (1 + np.exp(-X[:, 0] * X[:, 1] - X[:, 4]))
    depth = int(rng.integers(1, 7))
    build = {"iterations": 41, "depth": depth, "border_count": 64, "random_seed": seed, **settings}
    model = CatBoostClassifier(**build, thread_count=1, allow_writing_files=False, verbose=False)
    return model.fit(X, y.astype(int)), X


def raw(model, X):
    return model.predict(X, prediction_type="RawFormulaVal")


@pytest.mark.parametrize("seed", range(8))
def test_tables_give_what_catboost_gives(seed):
    model, X = boosted(seed)
    trees = ObliviousTrees.from_catboost(model)
    rng = np.random.default_rng(seed)
    fresh = np.clip(rng.standard_t(2, (2_000, X.shape[1])), -10, 10)
    for rows in (X, fresh, np.round(fresh)):
        np.testing.assert_allclose(trees.decision_function(rows), raw(model, rows), atol=1e-5)


def test_borders_are_compared_in_single_precision_as_in_catboost():
    model, X = boosted(3)
    trees = ObliviousTrees.from_catboost(model)
    rng = np.random.default_rng(0)
    rows = X[rng.integers(0, len(X), 3_000)].copy()
    at = rng.integers(0, len(trees.borders), len(rows))
    border = trees.borders[at].astype(float)
    near = border + rng.choice([0, 1e-12, -1e-12, 1e-8, -1e-8, 1e-7, -1e-7], len(rows))
    rows[np.arange(len(rows)), trees.columns[at]] = near
    np.testing.assert_allclose(trees.decision_function(rows), raw(model, rows), atol=1e-5)


def test_trees_of_unlike_depth_are_summed():
    model, X = boosted(1, depth=6, iterations=300, l2_leaf_reg=0.1, learning_rate=0.5)
    trees = ObliviousTrees.from_catboost(model)
    np.testing.assert_allclose(trees.decision_function(X), raw(model, X), atol=1e-5)


def test_trees_of_the_same_questions_are_summed_in_one_table():
    """Twenty trees ask three of four questions each, so one table of the four answers all."""
    rng = np.random.default_rng(0)
    questions = np.array([rng.permutation(4)[:3] for _ in range(20)], np.int32)
    leaves = rng.integers(-8, 9, (20, 8)) / 4.0
    trees = ObliviousTrees(
        columns=np.array([0, 0, 1, 2], np.int32),
        borders=np.array([-1, 1, 0, 0], np.float32),
        questions=questions,
        leaves=leaves,
        intercept=np.array([0.5]),
    )
    X = rng.normal(size=(50, 3))
    above = (X[:, [0, 0, 1, 2]] > np.array([-1, 1, 0, 0])).astype(int)
    by_hand = [
        0.5 + sum(leaf[int("".join(str(row[q]) for q in tree), 2)]
                  for tree, leaf in zip(questions, leaves, strict=True))
        for row in above
    ]  # fmt: skip
    assert trees.decision_function(X).tolist() == by_hand
    assert [len(table.sums) for table in trees._tables.tables] == [3 * 2 * 2]


def test_borders_of_one_column_may_stand_in_any_order_and_come_twice():
    """Only what a folder's questions say counts, not how they are ordered."""
    rng = np.random.default_rng(5)
    columns = np.sort(rng.integers(0, 3, 600)).astype(np.int32)
    borders = rng.integers(-300, 300, 600).astype(np.float32) / 100
    questions = rng.integers(0, 600, (90, 6)).astype(np.int32)
    leaves = rng.integers(-8, 9, (90, 64)) / 4.0
    trees = ObliviousTrees(
        columns=columns, borders=borders, questions=questions, leaves=leaves,
        intercept=np.zeros(1),
    )  # fmt: skip
    X = rng.integers(-310, 310, (40, 3)) / 100
    digits = (X.astype(np.float32)[:, columns] > borders)[:, questions]
    places = digits @ 2 ** np.arange(6)[::-1]
    by_hand = leaves[np.arange(90), places].sum(axis=1)
    assert trees.decision_function(X).tolist() == by_hand.tolist()
    assert len(trees._tables.tables) > 1


@pytest.mark.parametrize("seed", [0, 1])
def test_row_gives_same_bits_at_any_position(seed):
    model, X = boosted(seed)
    rng = np.random.default_rng(seed)
    X = np.asfortranarray(X[rng.integers(0, len(X), 20_000)])
    sizes = (X.shape[1], 64, 32, 1)
    layers = [rng.normal(size=s).astype(np.float32) for s in pairwise(sizes)]
    network = DenseNetwork(
        tuple(layers), tuple(np.ones(n, np.float32) for n in sizes[1:]), "parabolic"
    )
    both = WeightedSum(
        (ObliviousTrees.from_catboost(model), network), np.array([0.3, 0.8]), np.array([0.1])
    )
    whole = both.decision_function(X)
    order = rng.permutation(len(X))
    np.testing.assert_array_equal(both.decision_function(X[order]), whole[order])
    cuts = np.sort(rng.choice(len(X), 7, replace=False))
    parts = [both.decision_function(part) for part in np.split(X, cuts)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    alone = [both.decision_function(X[[row]])[0] for row in range(0, len(X), 997)]
    np.testing.assert_array_equal(alone, whole[::997])


def test_sum_adds_weighted_log_odds_and_survives_its_arrays():
    model, X = boosted(2)
    trees = ObliviousTrees.from_catboost(model)
    both = WeightedSum((trees, trees), np.array([0.25, 0.5]), np.array([-1.0]))
    np.testing.assert_allclose(
        both.decision_function(X), 0.75 * trees.decision_function(X) - 1, atol=1e-12
    )
    again = WeightedSum.from_arrays(both.arrays())
    np.testing.assert_array_equal(again.decision_function(X), both.decision_function(X))


def _changed(**changes):
    def change(arrays):
        return {**arrays, **{name: make(arrays[name]) for name, make in changes.items()}}

    return change


@pytest.mark.parametrize(
    "change",
    [
        _changed(questions=lambda q: q + 1_000),
        _changed(questions=lambda q: -q - 1),
        _changed(questions=lambda q: np.where(q == 0, np.int32(-1), q)),
        _changed(questions=lambda q: q.astype(np.int64)),
        _changed(columns=lambda c: c[::-1].copy() - 1),
        _changed(columns=lambda c: c + 100_000),
        _changed(columns=lambda c: c[:-1]),
        _changed(borders=lambda b: np.append(b, np.float32(np.nan))),
        _changed(leaves=lambda v: v[:, :-1]),
        _changed(leaves=lambda v: v * 1e300),
        _changed(leaves=lambda v: np.full_like(v, np.inf)),
        _changed(intercept=lambda v: np.append(v, v)),
        lambda arrays: {**arrays, "more": np.zeros(1)},
        lambda arrays: {name: arrays[name] for name in sorted(arrays)[1:]},
        lambda arrays: {
            **arrays,
            "questions": np.zeros((41, 20), np.int32),
            "leaves": np.zeros((41, 2**20)),
        },
    ],
)
def test_arrays_that_are_no_trees_are_refused(change):
    arrays = ObliviousTrees.from_catboost(boosted(0)[0]).arrays()
    with pytest.raises(ValueError, match=r"trees|questions|leaves|array"):
        ObliviousTrees.from_arrays(change(arrays))


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("coef",),
        ("0.trees.columns",),
        ("1.logistic.coef", "1.logistic.intercept"),
        ("0.sum.coef", "0.sum.intercept"),
        ("0.logistic.coef", "0.logistic.intercept", "0.network.0.w"),
        ("first.logistic.coef",),
        tuple(f"{i}.logistic.{name}" for i in range(99) for name in ("coef", "intercept")),
    ],
)
def test_arrays_that_are_no_sum_are_refused(names):
    arrays = {name: np.ones(1) for name in names}
    with pytest.raises((ValueError, KeyError)):
        WeightedSum.from_arrays({"coef": np.ones(1), "intercept": np.zeros(1), **arrays})
