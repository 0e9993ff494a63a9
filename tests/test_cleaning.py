"""A1's tables of the file and its missing cells, A2's one scale, and other thresholds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from durhampulse.creators.reading import read_creators
from durhampulse.evaluation.metrics import METRICS, compare_runs
from durhampulse.evaluation.thresholds import threshold_sweep
from durhampulse.report import interpretation as words
from durhampulse.report.cells import readable
from durhampulse.study import cleaning, exploration

TABLE = """
    Influencer_ID,Followers,Engagement_Rate,Growth_Rate,Sponsorship_Status
    1,1000,5%,0.02,1
    2,2000,0.04,,0
    3,,0.03,n/a,1
    4,4000,,0.01,0
    4,4000,,0.01,0
    5,5000,0.06,0.03,0
"""


def test_table_is_shown_as_its_file_holds_it(write):
    """As pandas reads the same file: percent signs make text, empty cells make floats."""
    path = write(TABLE)
    found = cleaning.as_found(read_creators(path).source)
    expected = pd.read_csv(path)
    assert found.dtypes.to_dict() == expected.dtypes.to_dict()
    assert found.reset_index(drop=True).equals(expected)
    overview = cleaning.raw_overview(found).set_index("column")
    assert overview["null"].to_dict() == expected.isna().sum().to_dict()
    assert overview.loc["Engagement_Rate", "dtype"] == "str"
    assert overview["distinct"].to_dict() == expected.nunique().to_dict()


def test_missing_cells_add_up_from_file_to_table(write):
    creators = read_creators(write(TABLE))
    table = cleaning.missing_cells(creators).set_index("column")
    assert table.loc["Engagement_Rate"].tolist() == [2, 0, 1, 1]  # one stands in a copied row
    assert table.loc["Growth_Rate"].tolist() == [1, 1, 0, 2]  # 'n/a' is no figure
    added = table["empty"] + table["read_as_missing"] - table["in_rows_left_out"]
    assert (added == table["missing"]).all()
    assert "so missing from the table: 4, in 3 of 5 rows" in words.nulls(creators)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_missing_cells_that_go_with_the_outcome_are_named(share):
    """Cells are empty for 30% of either outcome, or for 90% of those with a deal."""
    rng = np.random.default_rng(0)
    deal = np.arange(600) % 2
    growth = np.where(rng.random(600) < np.where(deal == 1, share, 0.3), np.nan, 0.01)
    table = pd.DataFrame(
        {
            "Influencer_ID": range(600),
            "Followers": rng.integers(1_000, 9_000, 600),
            "Growth_Rate": growth + rng.normal(0, 0.001, 600),
            "Sponsorship_Status": deal,
        }
    )
    creators = read_creators(table, units={"Growth_Rate": "fraction"})
    (row,) = cleaning.missing_by_outcome(creators).to_dict("records")
    empty = np.isnan(growth)
    assert row["deals_if_missing"] == pytest.approx(deal[empty].mean())
    assert ("goes with the outcome" in words.nulls(creators)) == (share == 0.9)


def test_features_are_ranked_by_what_each_tells_alone(write):
    """A bend and categories are seen as a straight line is; noise is near one half."""
    rng = np.random.default_rng(1)
    n = 3_000
    bend, line = rng.normal(size=n), rng.normal(size=n)
    level = rng.integers(0, 4, n)
    y = (rng.random(n) < 1 / (1 + np.exp(1 - bend**2 - 0.8 * (level == 2) + 0.4 * line))) * 1
    table = pd.DataFrame({"Influencer_ID": range(n), "Followers": rng.integers(1, 9_000, n)})
    table["Bend"], table["Line"], table["Level"] = bend, line, [f"level {i}" for i in level]
    table["Sponsorship_Status"] = y
    associated = exploration.associations(read_creators(table)).set_index("feature")
    assert associated.index[0] == "Bend"
    assert associated.loc["Bend", "auc"] == pytest.approx(roc_auc_score(y, bend**2), abs=0.02)
    assert associated.loc["Line", "auc"] == pytest.approx(roc_auc_score(y, -line), abs=0.02)
    assert associated.loc["Followers", "auc_low"] < 0.5 < associated.loc["Level", "auc_low"]


def test_sweep_counts_deals_from_each_probability_on():
    y, p = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.8, 0.5, 0.1])
    sweep = threshold_sweep(y, p, (0.8, 0.5, 0.8)).set_index("from")
    assert sweep.index.tolist() == [0.5, 0.8]
    assert sweep.loc[0.8, ["creators", "deals", "hit_rate", "recall"]].tolist() == [2, 1, 0.5, 0.5]
    assert sweep.loc[0.5, "expected_deals"] == pytest.approx(2.2)
    assert sweep.loc[0.5, "recall"] == 1.0


def test_difference_over_trainings_is_the_mean_and_its_interval_holds_both_kinds_of_luck():
    rng = np.random.default_rng(2)
    y = (rng.random(400) < 0.4) * 1.0
    base = np.full(400, 0.4)
    near, far = base + 0.1 * (y - 0.4), base - 0.1 * (y - 0.4)
    table = compare_runs(y, [near, far], [base, base], metrics=("log_loss",)).iloc[0]
    once = np.ones((1, 400))
    each = [METRICS["log_loss"](y, p, once)[0] for p in (near, far, base)]
    assert table["difference"] == pytest.approx((each[0] + each[1]) / 2 - each[2])
    assert table["low"] < each[0] - each[2] + 0.01  # one training alone, drawn twice
    assert table["high"] > each[1] - each[2] - 0.01


def test_shares_and_p_values_are_written_as_people_write_them():
    table = pd.DataFrame(
        {"from": [0.8], "hit_rate": [0.01004], "low": [0.001], "p_value": [1.578e-53], "n": [4209]}
    )
    assert readable(table).iloc[0].tolist() == ["80%", "1.0%", "0.1%", "< .001", "4,209"]
    plain = pd.DataFrame({"difference": [-0.0021], "low": [-0.01], "high": [0.004]})
    assert readable(plain).iloc[0].tolist() == ["-0.0021", "-0.0100", "+0.0040"]
    thresholds = pd.DataFrame({"from": [0.5, 0.8], "recall": [0.4581, 0.1]})
    assert readable(thresholds).to_numpy().tolist() == [["50%", "45.8%"], ["80%", "10.0%"]]
