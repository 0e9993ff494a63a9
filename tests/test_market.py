from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from durhampulse.creators.reading import read_creators
from durhampulse.exceptions import InputError, OutputError
from durhampulse.market.market import ceiling, draw_creators
from durhampulse.market.sampling import simulate_market, write_market


@pytest.fixture(scope="module")
def drawn():
    return draw_creators(65_536, np.random.default_rng(11))


def test_market_has_documented_shares(drawn):
    table, y_prob = drawn
    best = ceiling(y_prob)
    assert 0.20 <= best.base_rate <= 0.30
    assert best.roc_auc == pytest.approx(0.85, abs=0.01)
    tiers = np.histogram(table["Followers"], [1e3, 1e4, 5e4, 1e5, 5e5, 1e6, 1e9])[0] / len(table)
    np.testing.assert_allclose(tiers[:4], [0.81, 0.147, 0.022, 0.016], atol=0.006)
    small, large = table[table["Followers"] < 5e3], table[table["Followers"] > 5e4]
    assert small["Engagement_Rate"].median() > 2 * large["Engagement_Rate"].median()
    shares = pd.Series(y_prob).groupby(table["Niche"]).mean()
    assert shares["Gaming"] > shares["Tech"] > shares["Fitness"]


def test_ceiling_is_score_of_true_probabilities(drawn):
    table, y_prob = drawn
    y = table["Sponsorship_Status"]
    best = ceiling(y_prob)
    assert roc_auc_score(y, y_prob) == pytest.approx(best.roc_auc, abs=0.005)
    assert log_loss(y, y_prob) == pytest.approx(best.log_loss, abs=0.005)


def test_same_seed_gives_same_market_prefix():
    short, long = simulate_market(300, seed=5), simulate_market(70_000, seed=5)
    pd.testing.assert_frame_equal(short.table, long.table.head(300))
    np.testing.assert_array_equal(short.y_prob, long.y_prob[:300])
    assert not simulate_market(300, seed=6).table.equals(short.table)


def test_table_does_not_hold_true_probability():
    market = simulate_market(5_000, seed=1)
    assert list(market.table.columns) == [
        "Influencer_ID",
        "Followers",
        "Engagement_Rate",
        "Growth_Rate",
        "Niche",
        "Video_Quality",
        "Avg_Views_per_Post",
        "Sponsorship_Status",
    ]


def test_simulated_irregularities_are_detected(tmp_path):
    write_market(tmp_path / "a.csv", 5_000, seed=2)
    creators = read_creators(tmp_path / "a.csv")
    assert creators.source.simulated
    codes = set(creators.irregularities["code"])
    assert {
        "missing",
        "percent-sign",
        "spelling",
        "stray-space",
        "duplicate-row",
        "negative-growth",
        "views-above-followers",
    } <= codes
    assert creators.units == {"Engagement_Rate": "fraction", "Growth_Rate": "fraction"}


@pytest.mark.parametrize("seed", range(8))
def test_simulated_market_has_no_mixed_units(seed, tmp_path):
    write_market(tmp_path / "a.csv", 1_000, seed=seed)
    assert read_creators(tmp_path / "a.csv").units["Growth_Rate"] == "fraction"


def test_csv_and_parquet_hold_same_market(tmp_path):
    write_market(tmp_path / "a.csv", 500, seed=4)
    write_market(tmp_path / "a.parquet", 500, seed=4)
    csv_table, parquet_table = (
        read_creators(tmp_path / f"a.{end}").table for end in ("csv", "parquet")
    )
    pd.testing.assert_frame_equal(
        csv_table.reset_index(drop=True), parquet_table.reset_index(drop=True)
    )


def test_changed_file_is_not_marked_simulated(tmp_path):
    path = tmp_path / "a.csv"
    write_market(path, 100)
    path.write_text(path.read_text() + "9999,1,0.1,0.1,Tech,HD,1,1\n")
    assert not read_creators(path).source.simulated


def test_unwritable_market_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_market(tmp_path / "a.xlsx", 10)
    with pytest.raises(OutputError):
        write_market(tmp_path / "nowhere" / "a.csv", 10)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_memory_stays_flat_while_a_market_streams(tmp_path):
    import subprocess
    import sys

    def peak(rows):
        code = (
            "import resource, sys; from durhampulse.market.sampling import write_market;"
            f"write_market(sys.argv[1], {rows});"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        path = str(tmp_path / "big.csv")
        return int(subprocess.check_output([sys.executable, "-c", code, path]))

    assert peak(1_500_000) < 1.3 * peak(150_000)


@pytest.mark.slow
def test_default_boosting_excess_loss_within_documented_range():
    from catboost import CatBoostClassifier

    excess = []
    for draw in range(4):
        table, y_prob = draw_creators(24_000, np.random.default_rng(100 + draw))
        X, y = table.drop(columns="Sponsorship_Status"), table["Sponsorship_Status"]
        model = CatBoostClassifier(
            cat_features=["Niche", "Video_Quality"],
            verbose=0,
            allow_writing_files=False,
            thread_count=2,
            random_seed=draw,
        )
        model.fit(X[:4_000], y[:4_000])
        p, q = y_prob[4_000:], model.predict_proba(X[4_000:])[:, 1]
        loss = -np.mean(p * np.log(q) + (1 - p) * np.log1p(-q))
        excess.append(loss - ceiling(p).log_loss)
    assert 0.025 <= np.mean(excess) <= 0.040
