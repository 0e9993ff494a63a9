"""The model that decides: on easy, small, rare, wide and holed tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from durhampulse.creators.block import Block, Levels
from durhampulse.creators.roles import Role
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL
from durhampulse.evaluation.metrics import compare_models, log_loss
from durhampulse.features.encoding import learn_encoding
from durhampulse.market.market import draw_creators
from durhampulse.models.champion import (
    BLEND,
    DISTILLED,
    SIMPLE,
    WITH_TREES,
    _lead,
    train_champion,
)
from durhampulse.models.classifiers import fit
from durhampulse.models.distillation import distil, mix_rows
from durhampulse.models.stacking import stack

KINDS = {"count": "numeric", "rate": "numeric", "category": "levels", "quality": "quality"}
FEATURES = tuple(
    Role(c.name, "feature", KINDS[c.kind], "") for c in COLUMNS.values() if c.kind in KINDS
)


def market(n, seed=0):
    creators, y_prob = draw_creators(n, np.random.default_rng(seed))
    creators.insert(0, IDENTIFIER, np.arange(n))
    return creators, y_prob


@pytest.fixture(scope="module")
def champion():
    creators, _ = market(2_500)
    return train_champion(creators, FEATURES)


@pytest.mark.slow
def test_blend_is_chosen_where_better(champion):
    assert champion.model.name in {DISTILLED, WITH_TREES}
    assert champion.rival == SIMPLE
    assert not champion.tied


@pytest.mark.slow
def test_cost_of_distillation_is_out_of_fold(champion):
    y = market(2_500)[0][LABEL].to_numpy(float)
    losses = {name: log_loss(y, y_prob) for name, y_prob in champion.out_of_fold.items()}
    assert champion.cost == pytest.approx(losses[champion.model.name] - losses[BLEND])
    assert abs(champion.cost) < 0.003
    assert losses[champion.model.name] < losses[SIMPLE]


@pytest.mark.slow
def test_mean_probability_is_the_rate_of_deals(champion):
    train = market(2_500)[0]
    assert champion.model.predict_proba(train).mean() == pytest.approx(
        train[LABEL].mean(), abs=1e-4
    )


@pytest.mark.slow
def test_champion_beats_default_boosting_on_true_probabilities(champion):
    from catboost import CatBoostClassifier

    train, _ = market(2_500)
    fresh, p = market(6_000, seed=1)
    out = [IDENTIFIER, LABEL]
    default = CatBoostClassifier(
        cat_features=["Niche", "Video_Quality"],
        random_seed=0,
        thread_count=2,
        verbose=0,
        allow_writing_files=False,
    ).fit(train.drop(columns=out), train[LABEL])
    theirs = default.predict_proba(fresh.drop(columns=out))[:, 1]
    best = log_loss(p, p)
    assert log_loss(p, champion.model.predict_proba(fresh)) - best < 0.8 * (
        log_loss(p, theirs) - best
    )


@pytest.mark.slow
def test_intervals_cover_true_probabilities(champion):
    fresh, p = market(6_000, seed=1)
    model = champion.model
    low, high = model.interval.ends(model.decision_function(fresh), Block.of(fresh))
    covered = (low <= p) & (p <= high)
    assert 0.8 < covered.mean() < 0.98


@pytest.mark.slow
def test_linear_market_gets_simple_model():
    rng = np.random.default_rng(0)
    n = 600
    table = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    logits = table["a"] - table["b"]
    table[LABEL] = (rng.random(n) < 1 / (1 + np.exp(-logits))).astype(float)
    table[IDENTIFIER] = np.arange(n)
    features = tuple(Role(c, "feature", "numeric", "") for c in "abc")
    champion = train_champion(table, features)
    assert champion.model.name == SIMPLE
    assert champion.rival in {DISTILLED, WITH_TREES}
    assert champion.model.interval.below > 0


def rare(creators, rng):
    deals = creators.index[creators[LABEL] == 1]
    gone = rng.choice(deals, len(deals) - 45, replace=False)
    return creators.drop(index=gone), FEATURES


def many_levels(creators, rng):
    agencies = pd.Series(rng.integers(0, 500, len(creators)).astype(str), creators.index)
    table = creators.assign(Agency=("agency " + agencies).astype("str"))
    return table, (*FEATURES, Role("Agency", "feature", "levels", ""))


def holed(creators, rng):
    table = creators.copy()
    for role in FEATURES:
        table[role.column] = table[role.column].mask(rng.random(len(table)) < 0.3)
    return table, FEATURES


@pytest.mark.slow
@pytest.mark.parametrize("shape", [rare, many_levels, holed])
def test_hard_tables_are_no_worse_than_the_simple_model(shape):
    table, features = shape(market(3_000, seed=2)[0], np.random.default_rng(0))
    champion = train_champion(table, features)
    y = table[LABEL].to_numpy(float)
    chosen = champion.out_of_fold[champion.model.name]
    row = (
        compare_models(y, chosen, champion.out_of_fold[SIMPLE]).set_index("metric").loc["log_loss"]
    )
    assert row["low"] <= 0
    base = log_loss(y, np.full(len(y), y.mean()))
    assert log_loss(y, chosen) < base


@pytest.mark.slow
def test_champion_learns_from_500_rows():
    creators, _ = market(500, seed=3)
    champion = train_champion(creators, FEATURES)
    fresh, p = market(5_000, seed=4)
    assert log_loss(p, champion.model.predict_proba(fresh)) < log_loss(p, np.full(len(p), p.mean()))


def test_distilled_network_matches_its_teacher():
    train, fresh = (market(n, seed=s)[0] for n, s in ((800, 5), (4_000, 6)))
    encoding = learn_encoding(train, FEATURES)
    teacher = fit(
        "Logistic regression", encoding.transform(train), train[LABEL].to_numpy(), random_state=0
    )
    network = distil(teacher, encoding, train, rows=50_000)
    X = encoding.transform(fresh)
    gap = np.abs(network.predict_proba(X) - teacher.predict_proba(X))
    assert gap.mean() < 0.01


def test_synthetic_rows_are_drawn_by_weight():
    """Rows 0 and 1 in the ratio of 3 to 1, all others never."""
    block = Block.of(pd.DataFrame({"a": ["x", "y", *"zzzz"], "b": [*"xyzzzz"]}))
    weight = np.array([3.0, 1.0, 0, 0, 0, 0])
    made = mix_rows(block, 20_000, np.random.default_rng(1), weight)
    for levels in made.columns.values():
        assert np.bincount(levels.codes, minlength=3) / 20_000 == pytest.approx(
            [0.75, 0.25, 0], abs=0.02
        )


def test_weights_in_the_blend_are_rows_repeated():
    rng = np.random.default_rng(0)
    logits, y = rng.normal(size=(60, 2)), rng.integers(0, 2, 60).astype(float)
    count = rng.integers(1, 5, 60).astype(float)
    rows = np.repeat(np.arange(60), count.astype(int))
    every = np.ones(len(rows))
    centre = np.array([0.25, 0.75])
    for ours, theirs in zip(
        stack(logits, y, count, centre), stack(logits[rows], y[rows], every, centre), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    simple, blend = 1 / (1 + np.exp(-logits.T))
    ours = _lead(y, simple, blend, count, np.arange(60))
    theirs = _lead(y[rows], simple[rows], blend[rows], every, rows)
    assert ours == pytest.approx(theirs)


@pytest.mark.slow
def test_champion_learns_what_weighs():
    """Half of the rows have their outcomes turned round: counted alike, nothing can be learned."""
    creators, _ = market(2_000, seed=3)
    turned = np.arange(2_000) % 2 == 0
    creators.loc[turned, LABEL] = 1 - creators.loc[turned, LABEL]
    weight = np.where(turned, 0.02, 1.0)
    weighted = train_champion(creators, FEATURES, sample_weight=weight)
    fresh, p = market(4_000, seed=4)
    assert np.corrcoef(weighted.model.predict_proba(fresh), p)[0, 1] > 0.7


def test_synthetic_rows_match_training_rows():
    train = holed(market(500, seed=7)[0], np.random.default_rng(0))[0]
    block = Block.of(train[[role.column for role in FEATURES]])
    made = mix_rows(block, 20_000, np.random.default_rng(1))
    for name, values in block.columns.items():
        if isinstance(values, Levels):
            ours, theirs = (
                np.bincount(v.codes + 1, minlength=40) / len(v.codes)
                for v in (made.columns[name], values)
            )
            assert np.abs(ours - theirs).max() < 0.03
        else:
            ours, theirs = made.columns[name], values
            assert np.nanmin(ours) >= np.nanmin(theirs) - 1e-12
            assert np.nanmax(ours) <= np.nanmax(theirs) * (1 + 1e-12)
            assert abs(np.isnan(ours).mean() - np.isnan(theirs).mean()) < 0.03
