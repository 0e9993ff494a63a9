"""Bare headers stand for a standard column where their figures have its size."""

from __future__ import annotations

import pyarrow as pa
import pytest

from durhampulse.creators.headers import name_columns
from durhampulse.creators.reading import read_creators
from durhampulse.creators.schema import canonical_name
from durhampulse.exceptions import InputError
from durhampulse.irregularities import Ledger


@pytest.mark.parametrize(
    ("header", "cells", "column"),
    [
        ("Views", ["1200", "900", "30K"], "Avg_Views_per_Post"),
        ("Views", ["4.5M", "900000", "30M"], None),
        ("Engagement", ["5.6%", "4%", "3.1%"], "Engagement_Rate"),
        ("Engagement", ["0.056", "0.04", "0.031"], "Engagement_Rate"),
        ("Engagement", ["5.6", "4.1", "3.2"], "Engagement_Rate"),
        ("Engagement", ["560", "4100", "32"], None),
        ("Engagement", ["56", "41", "32"], None),
        ("Growth", ["+1.2%", "-0.4%", "3%"], "Growth_Rate"),
        ("Growth", ["1200", "-40", "3000"], None),
        ("Engagement Rate", ["5.6", "4.1", "3.2"], "Engagement_Rate"),
    ],
)
def test_bare_header_is_claimed_where_size_agrees(header, cells, column):
    table = pa.table({"id": ["a", "b", "c"], "Followers": [10_000, 8_000, 90_000], header: cells})
    read = read_creators(table)
    assert (column or header) in read.table
    notes = read.irregularities["code"].value_counts()
    assert notes.get("not-claimed", 0) == (column is None)
    renamed = read.irregularities.query("code == 'renamed-column'")["action"]
    assert renamed.str.startswith(f"'{header}' read as").sum() == (column is not None)


@pytest.mark.parametrize(
    "header",
    [
        "Followers (k)",
        "Follower (Tsd.)",
        "Abonn\u00e9s (en milliers)",
        "Subs in thousands",
        "Fans [M]",
        "followers_k",
        "Followers ('000)",
        "\u30d5\u30a9\u30ed\u30ef\u30fc\uff08\u4e07\uff09",
    ],
)
def test_header_of_thousands_stands_for_no_count(header):
    table = pa.table({"id": ["a", "b"], header: ["11.2", "118.4"]})
    named = {"Followers": header}
    with pytest.raises(InputError, match="or with K or M after each, and take the size out"):
        read_creators(table, columns=named)
    later = {"usual": {"Followers": "subs"}}
    with pytest.raises(InputError, match="says that figures are in"):
        name_columns("new.csv", ["id", header], named, Ledger(), **later)
    same = name_columns("new.csv", ["id", header], {}, Ledger(), usual=named)
    assert same[header] == "Followers"  # a model that has learned from it reads it as it did
    mended = pa.table({"id": ["a", "b"], "subs": ["11.2K", "118.4K"]})
    assert read_creators(mended).table["Followers"].tolist() == [11_200, 118_400]


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("Takip\u00e7i say\u0131s\u0131", "Followers"),
        ("\u0639\u062f\u062f \u0627\u0644\u0645\u062a\u0627\u0628\u0639\u064a\u0646", "Followers"),
        ("Etkile\u015fim Oran\u0131", "Engagement_Rate"),
        ("\u0645\u0639\u062f\u0644 \u0627\u0644\u062a\u0641\u0627\u0639\u0644", "Engagement_Rate"),
        ("60_day_eng_rate", "Engagement_Rate"),
        ("Growth % (30d)", "Growth_Rate"),
        ("30-day growth", "Growth_Rate"),
        ("Views (avg.)", "Avg_Views_per_Post"),
        ("\u00d8 Aufrufe", "Avg_Views_per_Post"),
        ("\u0627\u0644\u0641\u0626\u0629", "Niche"),
        ("\u0936\u094d\u0930\u0947\u0923\u0940", "Niche"),
    ],
)
def test_header_of_other_tools_and_languages_stands_for_its_column(header, column):
    assert canonical_name(header) == column


@pytest.mark.parametrize(
    "header", ["Abonn\u00e9s", "\u30d5\u30a9\u30ed\u30ef\u30fc", "Takip\u00e7i"]
)
def test_header_saved_in_a_wrong_encoding_is_refused(header):
    garbled = header.encode("utf-8").decode("latin-1")
    with pytest.raises(InputError, match=f"was '{header}' before") as caught:
        read_creators(pa.table({"id": ["a", "b"], garbled: [1_200, 5_600]}))
    assert caught.value.way_out.startswith("Export the table again")
    read = read_creators(pa.table({"id": ["a", "b"], header: [1_200, 5_600]}))
    assert read.table["Followers"].tolist() == [1_200, 5_600]


def test_person_insists_on_bare_header():
    table = pa.table({"id": ["a", "b"], "Followers": [100, 80], "Views": [1_000_000, 900_000]})
    read = read_creators(table, columns={"Avg_Views_per_Post": "Views"})
    assert read.table["Avg_Views_per_Post"].tolist() == [1_000_000, 900_000]


def test_full_name_comes_before_bare_header():
    named = name_columns("t", ["Views", "Avg Views", "Followers"], {}, Ledger())
    assert named == {"Avg Views": "Avg_Views_per_Post", "Followers": "Followers"}


def test_later_table_claims_bare_header_only_if_model_did():
    headers = ["Followers", "Views"]
    assert "Views" not in name_columns("t", headers, {}, Ledger(), usual={"Followers": "Followers"})
    usual = {"Avg_Views_per_Post": "Views"}
    assert name_columns("t", headers, {}, Ledger(), usual=usual)["Views"] == "Avg_Views_per_Post"
