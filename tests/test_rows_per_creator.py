"""Creators with several rows are drawn, split, permuted and resampled as wholes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from durhampulse.creators.reading import read_creators
from durhampulse.evaluation.calibration import (
    band_hit_rates,
    effective_size,
    invitation_table,
    reliability,
    share_interval,
    wilson_interval,
)
from durhampulse.evaluation.drift import compare_splits
from durhampulse.evaluation.groups import group_quality
from durhampulse.evaluation.identifiers import copied_rows
from durhampulse.evaluation.judgement import judge
from durhampulse.evaluation.metrics import compare_models, score_models
from durhampulse.evaluation.signal import column_strength, measure_signal
from durhampulse.features.encoding import split_creators
from durhampulse.features.repeats import (
    counted,
    creator_codes,
    creator_strata,
    permuted_within,
    rows_to_decide,
)
from durhampulse.models.champion import _lead
from durhampulse.models.mlp import held_out_last
from durhampulse.models.training import _draw_folds
from durhampulse.study.exploration import associations, outcome_by_group, target_distribution

LABEL = "Sponsorship_Status"


def repeated(n_creators: int, rows: int, seed: int = 0, *, signal: float = 0.0) -> pd.DataFrame:
    """Several rows a creator; figures and propensity are the creator's, outcomes the row's."""
    rng = np.random.default_rng(seed)
    size = rng.lognormal(10, 1, n_creators)
    taste = rng.normal(0, 2, n_creators) + signal * (np.log(size) - 10)
    who = np.repeat(np.arange(n_creators), rows)
    jitter = rng.lognormal(0, 0.05, len(who))
    return pd.DataFrame(
        {
            "Influencer_ID": [f"C{n:03}" for n in who],
            "Followers": np.round(size[who] * jitter),
            "Engagement_Rate": np.round(rng.beta(2, 30, n_creators)[who] * jitter, 4),
            LABEL: (rng.random(len(who)) < 1 / (1 + np.exp(-taste[who]))).astype(int),
        }
    )


def test_parts_and_folds_share_no_creator():
    table = read_creators(repeated(60, 9)).labelled
    train, test = split_creators(table)
    assert not set(train["Influencer_ID"]) & set(test["Influencer_ID"])
    assert test["Influencer_ID"].nunique() == 12
    folds = pd.Series(_draw_folds(train, 0), index=train.index)
    assert folds.groupby(train["Influencer_ID"]).nunique().max() == 1
    order, cut = held_out_last(len(train), creator_codes(train), 0.2, 0)
    names = train["Influencer_ID"].to_numpy()[order]
    assert not set(names[:cut]) & set(names[cut:])
    assert 0.7 < cut / len(train) <= 0.8


@pytest.mark.parametrize(
    ("outcomes", "strata"),
    [
        ({"a": [1], "b": [0], "c": [0]}, [2, 0, 0]),
        ({**{f"m{n}": [0, 1] for n in range(5)}, "z": [0]}, [1] * 6),
        ({**{f"p{n}": [1] for n in range(6)}, "z": [0, 1]}, [2] * 7),
        ({**{f"p{n}": [n % 2] for n in range(10)}, "z": [0, 1, 0]}, [0, 2] * 5 + [0]),
    ],
)
def test_creators_are_drawn_by_their_outcomes(outcomes, strata):
    rows = [(name, value) for name, values in outcomes.items() for value in values]
    table = pd.DataFrame(rows, columns=["Influencer_ID", LABEL])
    assert creator_strata(table).tolist() == strata


def test_permutation_exchanges_whole_creators():
    y = np.array([1.0, 0, 0, 1, 1, 0, 0, 0, 0])
    groups = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])
    vectors = {(1, 0, 0), (1, 1, 0), (0, 0, 0)}
    for seed in range(20):
        moved = permuted_within(y, groups, np.random.default_rng(seed)).reshape(3, 3)
        assert {tuple(map(int, row)) for row in moved} == vectors


def test_one_row_a_creator_changes_nothing():
    rng = np.random.default_rng(0)
    y, p = (rng.random(300) < 0.4).astype(float), rng.random(300)
    rows = np.arange(300)
    bands = pd.Series(np.where(p > 0.5, "Yes", "No"))
    for with_groups, without in (
        (score_models(y, {"m": p}, groups=rows), score_models(y, {"m": p})),
        (compare_models(y, p, 1 - p, groups=rows), compare_models(y, p, 1 - p)),
        (
            band_hit_rates(y, bands, ("Yes", "No"), groups=rows),
            band_hit_rates(y, bands, ("Yes", "No")),
        ),
        (reliability(y, p, groups=rows), reliability(y, p)),
        (invitation_table(y, p, groups=rows), invitation_table(y, p)),
    ):
        pd.testing.assert_frame_equal(with_groups, without, check_exact=True)
    assert column_strength(pd.Series(p), y, rows) == column_strength(pd.Series(p), y)
    permuted = permuted_within(y, rows, np.random.default_rng(5))
    np.testing.assert_array_equal(permuted, np.random.default_rng(5).permutation(y))
    order, cut = held_out_last(300, rows, 0.2, 3)
    np.testing.assert_array_equal(order, np.random.default_rng(3).permutation(300))
    assert cut == 240
    _, noise = _lead(y, p, 1 - p, np.ones(300), rows)
    losses = [-(y * np.log(q) + (1 - y) * np.log(1 - q)) for q in (p, 1 - p)]
    assert noise == pytest.approx(np.std(losses[0] - losses[1]) / np.sqrt(300))


def test_copying_all_rows_does_not_narrow_intervals():
    """Twelve copies of each row tell what one row tells, but for the allowance for few creators."""
    y, p = (np.arange(90) % 3 == 0).astype(float), np.linspace(0.1, 0.9, 90)
    groups = np.repeat(np.arange(90), 12)
    once, many = (
        score_models(y, {"m": p}),
        score_models(np.repeat(y, 12), {"m": np.repeat(p, 12)}, groups=groups),
    )
    width = (many["high"] - many["low"]) / (once["high"] - once["low"])
    assert width.between(0.9, 1.1).all()
    assert 80 < effective_size(np.repeat(y, 12), groups) < 90
    by_row, by_creator = (
        _lead(np.repeat(y, n), np.repeat(p, n), np.repeat(1 - p, n), np.ones(90 * n), codes)
        for n, codes in ((1, np.arange(90)), (12, groups))
    )
    assert by_creator == pytest.approx(by_row)


def test_alike_outcomes_count_their_creators():
    outcomes, groups = np.ones(60), np.repeat(np.arange(5), 12)
    assert share_interval(outcomes, groups) == wilson_interval(5, 5)


@pytest.mark.parametrize(("hits", "n"), [(0, 7), (3, 10), (7, 7), (41, 230)])
def test_wilson_interval_equals_scipy(hits, n):
    interval = binomtest(hits, n).proportion_ci(0.95, "wilson")
    assert wilson_interval(hits, n) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_interval_of_a_share_holds_it_for_creators_of_many_rows():
    """95% intervals of 400 samples: between 92 and 98% hold the true share."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        groups = np.repeat(np.arange(40), rng.integers(1, 20, 40))
        chances = rng.beta(1, 1.5, 40)[groups]  # a mean of 0.4
        low, high = share_interval((rng.random(len(groups)) < chances).astype(float), groups)
        held += low <= 0.4 <= high
    assert 0.92 <= held / 400 <= 0.98


def test_tables_count_rows_and_creators():
    creators = read_creators(repeated(50, 6))
    labelled = creators.labelled
    assert counted(labelled) == f"{len(labelled)} rows of 50 creators"
    target = target_distribution(labelled)
    assert target["rows"].sum() == len(labelled)
    assert target["creators"].tolist() == [
        labelled.loc[labelled[LABEL] == outcome, "Influencer_ID"].nunique() for outcome in (0, 1)
    ]
    groups = outcome_by_group(creators, "Followers")
    assert groups["rows"].sum() == len(labelled)
    assert groups["creators"].sum() < len(labelled)
    y, p = labelled[LABEL].to_numpy(float), np.full(len(labelled), 0.5)
    quality = group_quality(labelled, y, p, yes_at=0.4)
    assert (quality["rows"] > quality["creators"]).all()


def test_creator_of_equal_rows_is_decided_on_once():
    table = pd.DataFrame(
        {"Influencer_ID": ["a", "a", "a", "b", "c"], "Followers": [5, 5, 6, 5, 5], LABEL: 1.0}
    )
    decided = rows_to_decide(table, pd.Index([4]), ["Followers"])
    assert decided.index.tolist() == [0, 2, 3]


def test_column_that_names_creators_is_no_leak():
    """A figure of the creator's own sorts known creators, and says nothing about others."""
    table = repeated(120, 10, 2)
    table["Own"] = table.groupby("Influencer_ID").ngroup() * 7919 % 997
    labelled = read_creators(table).labelled
    y, groups = labelled[LABEL].to_numpy(float), creator_codes(labelled)
    by_rows = column_strength(labelled["Own"].astype("str"), y)[0]
    by_creators = column_strength(labelled["Own"].astype("str"), y, groups)[0]
    assert by_rows > 0.75
    assert abs(by_creators - 0.5) < 0.05


def test_all_rows_of_a_copied_creator_are_copies():
    table = repeated(40, 3)
    copies = table[table["Influencer_ID"] == "C000"].assign(Influencer_ID="X")
    both = pd.concat([table, copies], ignore_index=True)
    creators = read_creators(both)
    names = creators.table.loc[copied_rows(creators), "Influencer_ID"]
    assert names.tolist() == ["X"] * 3


def test_noise_of_repeated_creators_is_not_associated():
    rejected = 0
    for seed in range(25):
        table = repeated(60, 10, seed)
        table["Kind"] = [f"k{int(name[1:]) % 4}" for name in table["Influencer_ID"]]
        rejected += bool((associations(read_creators(table))["p_value"] < 0.05).any())
    assert rejected <= 4  # 1.25 expected; 4 or fewer with a chance of 99%


def test_time_split_goes_by_creator():
    table = repeated(200, 4, signal=2.0)
    table["Applied"] = np.arange(len(table)) // 8
    creators = read_creators(table)
    finding, scores = compare_splits(creators, "Applied", "time")
    assert finding.columns == ("Applied",)
    assert len(scores) == 4


def test_repeated_rows_with_a_signal_are_judged():
    verdict = judge(read_creators(repeated(300, 5, signal=2.0)))
    checks = {check.code: check for check in verdict.checks}
    assert checks["signal"].severity != "stop"
    assert "rows of 300 creators" in checks["rows"].figure


@pytest.mark.slow  # 60 permutation tests
@pytest.mark.parametrize("sizes", ["alike", "unlike"])
def test_noise_of_repeated_creators_is_no_signal_at_the_nominal_level(sizes):
    """At the 1% level 0.6 of 60 tables are called a signal; 3 or more with a chance of 2%."""
    p_values = []
    for seed in range(60):
        rng = np.random.default_rng(1_000 + seed)
        rows = np.full(100, 12) if sizes == "alike" else rng.integers(1, 24, 100)
        groups = np.repeat(np.arange(100), rows)
        X = rng.normal(size=(100, 5))[groups] + 0.1 * rng.normal(size=(len(groups), 5))
        chance = rng.beta(0.5, 0.5, 100)[groups]
        y = (rng.random(len(groups)) < chance).astype(float)
        p_values.append(measure_signal(X, y, groups, random_state=seed).p_value)
    assert sum(p <= 0.01 for p in p_values) <= 2
    assert sum(p <= 0.05 for p in p_values) <= 8


CASES = Path(__file__).parent / "cases"


def test_case_of_one_row_a_deal_is_judged():
    verdict = judge(read_creators(CASES / "one-row-per-deal.csv"))
    assert verdict.blocker is None
