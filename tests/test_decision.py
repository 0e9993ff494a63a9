from __future__ import annotations

import csv
import json

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durhampulse.decision.bands import BANDS, Thresholds, assign_bands
from durhampulse.decision.figures import figure_text
from durhampulse.decision.table import cut, decision_table
from durhampulse.exceptions import InputError
from durhampulse.features.peers import Peers
from durhampulse.files.export import write_csv, write_provenance, write_xlsx
from tests.examples import examples

COLUMNS = [
    "Influencer ID",
    "Predicted Sponsorship",
    "Follower Count",
    "Engagement Rate",
    "Sponsorship Recommendation",
]

NOBODY = Peers({"nano": 0}, (), {})


def creators(n):
    return pd.DataFrame(
        {"Influencer_ID": np.arange(n), "Followers": 85_000, "Engagement_Rate": 0.068}
    )


def test_decision_table_for_five_probabilities():
    y_prob = np.array([0.41, 0.91, 0.63, 0.88, 0.25])
    table = decision_table(creators(5), y_prob, Thresholds(), peers=NOBODY)
    assert list(table.columns)[:5] == COLUMNS
    assert table["Influencer ID"].tolist() == [1, 3, 2, 0, 4]
    assert table["Sponsorship Recommendation"].tolist() == [
        "Yes",
        "Yes",
        "Maybe (manual review)",
        "No",
        "No",
    ]
    assert table["Rank"].tolist() == [1, 2, 3, 4, 5]


@examples(40)
@given(st.lists(st.floats(0, 1), min_size=1), st.integers(1, 98), st.integers(0, 98))
def test_shown_probability_agrees_with_its_band(values, review, more):
    thresholds = Thresholds(yes_at=min(review + more, 99) / 100, review_at=review / 100)
    near = [np.nextafter(t, d) for t in (thresholds.yes_at, thresholds.review_at) for d in (0, 1)]
    y_prob = np.array([*values, *near, thresholds.yes_at, thresholds.review_at])
    table = decision_table(creators(len(y_prob)), y_prob, thresholds, peers=NOBODY)
    shown = table["Predicted Sponsorship"].to_numpy()
    assert assign_bands(shown, thresholds).tolist() == table["Sponsorship Recommendation"].tolist()
    exact = y_prob[table["Influencer ID"]]
    assert (shown <= exact).all()
    assert (exact - shown < 1.0001e-4).all()


@pytest.mark.parametrize(("yes", "review"), [(0.5, 0.6), (1.0, 0.6), (0.8, 0.0)])
def test_invalid_thresholds_are_refused(yes, review):
    with pytest.raises(InputError, match="thresholds"):
        Thresholds(yes_at=yes, review_at=review)


def test_absent_columns_stay_empty():
    table = decision_table(
        pd.DataFrame({"Influencer_ID": ["x"]}), np.array([0.7]), Thresholds(), peers=NOBODY
    )
    assert pd.isna(table["Follower Count"].iloc[0])
    assert table["Sponsorship Recommendation"].iloc[0] == BANDS[1]


def test_files_hold_numbers_and_no_formulas(tmp_path):
    table = decision_table(
        creators(2).assign(Influencer_ID=["=1+1", "@me"]),
        np.array([0.9, 0.2]),
        Thresholds(),
        peers=NOBODY,
    )
    facts = {"model": "m", "yes_at": 0.8}
    write_csv(table, tmp_path / "a.csv")
    write_xlsx(table, tmp_path / "a.xlsx", facts)
    write_provenance(tmp_path / "a.csv", facts)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[1].startswith("'=1+1,0.9,85000,0.068,Yes,1,")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["Decisions"]
    cell, followers, rate = sheet["A2"], sheet["C2"], sheet["D2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")
    assert (followers.value, followers.number_format) == (85_000, "#,##0")
    assert (rate.value, rate.number_format) == (0.068, "0.0%")
    assert json.loads((tmp_path / "a.csv.provenance.json").read_text()) == facts


def test_carriage_return_in_a_cell_ends_no_row(tmp_path):
    """RFC 4180, 2.6: fields that contain line breaks are to be enclosed in double quotes."""
    table = pd.DataFrame({"Name": ["Ann\rLee", "Bea"], "Note": ["", "one\ntwo"]})
    write_csv(table, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = [*csv.reader(file)]
    assert rows == [["Name", "Note"], ["Ann\rLee", ""], ["Bea", "one\ntwo"]]


def test_numbers_are_written_without_binary_noise(tmp_path):
    """8.84 / 100 is 0.08839999999999999 in binary."""
    table = decision_table(
        creators(1).assign(Engagement_Rate=[8.84 / 100]),
        np.array([0.9]),
        Thresholds(),
        peers=NOBODY,
    )
    write_csv(table, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines()[1].startswith("0,0.9,85000,0.0884,Yes,")


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("Watch_Minutes", 7_564_000.0, "Watch Minutes 7,564,000"),
        ("Income", 84_199.0, "Income 84,199"),
        ("Income", np.int64(84_199), "Income 84,199"),
        ("Verified", True, "Verified True"),
        ("Fee", 0.00001234, "Fee 0.00001234"),
        ("Fee", -0.0, "Fee 0"),
        ("Followers", 2_926.0, "2,926 followers"),
        ("Engagement_Rate", 0.0884, "engagement 8.84%"),
        ("Engagement_Rate", 12.345, "engagement 1,234%"),
        ("Growth_Rate", -0.006, "growth -0.6% a month"),
        ("Avg_Views_per_Post", np.nan, "avg views per post not known"),
        ("Video_Quality", "4K", "video quality 4K"),
        ("City", "Bonn", "City Bonn"),
    ],
)
def test_figure_text(column, value, text):
    assert figure_text(column, value) == text


def test_a_probability_is_cut_to_the_ten_thousandths_that_it_reaches():
    written = np.arange(10_001) / 10_000
    assert cut(written).tolist() == written.tolist()
    below = cut(np.nextafter(written[1:], 0))
    assert below.tolist() == written[:-1].tolist()
    assert cut(np.array([[0.79996, 0.29, 0.59999999]])).tolist() == [[0.7999, 0.29, 0.5999]]
