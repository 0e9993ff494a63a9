"""Bare headers stand for a standard column where their figures have its size."""

from __future__ import annotations

import re
from dataclasses import replace

import pyarrow as pa
import pytest

from durhampulse.creators.blockreader import BlockReader
from durhampulse.creators.headers import name_columns
from durhampulse.creators.reading import read_creators
from durhampulse.creators.rules import plain_rule
from durhampulse.creators.schema import ENGAGEMENT, FOLLOWERS, canonical_name
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
        ("Growth", ["+320", "-1,200", "+12"], None),
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


def test_bare_counts_that_may_be_fractions_are_asked_about():
    table = pa.table({"id": ["a", "b", "c"], "Growth": ["450", "12", "1.250"]})
    with pytest.raises(InputError, match=r"'1\.250' and others a mark parts thousands"):
        read_creators(table)


@pytest.mark.parametrize(
    ("header", "size"),
    [
        ("Followers (k)", 1_000),
        ("Follower (Tsd.)", 1_000),
        ("Abonn\u00e9s (en milliers)", 1_000),
        ("Subs in thousands", 1_000),
        ("Fans [M]", 1_000_000),
        ("followers_k", 1_000),
        ("Followers ('000)", 1_000),
        ("\u30d5\u30a9\u30ed\u30ef\u30fc\uff08\u4e07\uff09", 10_000),
    ],
)
def test_header_multiplies_its_figures_by_the_size_it_says(header, size):
    table = pa.table({"id": ["a", "b", "c"], header: ["11.2", "118.437", "7K"]})
    expected = [11.2 * size, 118.437 * size, 7_000]  # 7K has its size already
    read = read_creators(table)
    assert read.table["Followers"].tolist() == pytest.approx(expected, rel=1e-12)
    notes = read.irregularities.query("code == 'unit'")
    assert notes[["column", "count"]].values.tolist() == [["Followers", 2]]
    later = BlockReader(
        "later", {"Followers": plain_rule("Followers")}, headers={FOLLOWERS: header}
    )
    later.settle(cells := {"Followers": table[header].combine_chunks()})
    assert later.read(cells).block.numbers("Followers").tolist() == read.table["Followers"].tolist()


def test_model_reads_the_header_it_learned_from_as_it_learned_it():
    """One that learned from thousands before they were multiplied goes on in thousands."""
    cells = {"Followers": pa.array(["11.2", "118.4"])}
    rule = replace(plain_rule("Followers"), header="Followers (k)")
    for size in (1, 1_000):
        rules = {"Followers": replace(rule, size=size)}
        reader = BlockReader("later", rules, headers={"Followers": "Followers (k)"})
        reader.settle(cells)
        expected = [11.2 * size, 118.4 * size]
        assert reader.read(cells).block.numbers("Followers").tolist() == expected


def test_full_figures_under_a_header_of_thousands_are_refused():
    table = pa.table({"id": ["a", "b", "c"], "Followers (k)": [52_300, 118_400, 9_000]})
    with pytest.raises(InputError, match="52,300 look full already"):
        read_creators(table)
    reader = BlockReader(
        "later", {"Followers": plain_rule("Followers")}, headers={"Followers": "Followers (k)"}
    )
    with pytest.raises(InputError, match="52,300 look full already"):
        reader.settle({"Followers": table["Followers (k)"].combine_chunks()})


@pytest.mark.parametrize("header", ["Followers (mil)", "Followers (m)"])
def test_size_of_two_meanings_is_asked_about(header):
    table = pa.table({"id": ["a", "b"], header: ["11.2", "118.4"]})
    with pytest.raises(InputError, match=r"may be a thousand or a million\.\nWrite 'Followers \(k"):
        read_creators(table)


def test_header_in_full_goes_before_one_that_says_a_size():
    table = pa.table({"id": ["a", "b"], "Follower Count": [11_200, 900], "Followers (k)": [11, 1]})
    assert read_creators(table).table["Followers"].tolist() == [11_200, 900]


@pytest.mark.parametrize("header", ["Followers %", "Followers (%)", "Views in percent"])
def test_percentage_is_no_count(header):
    assert canonical_name(header) is None


@pytest.mark.parametrize("header", ["Engagement (%)", "ER in %", "Eng. Rate (percent)"])
def test_header_tells_a_later_table_that_its_rates_are_percentages(header):
    """Also where their size tells nothing, and whatever the model's table held."""
    rules = {"Engagement_Rate": plain_rule("Engagement_Rate")}  # fractions
    reader = BlockReader("later", rules, headers={"Engagement_Rate": header})
    cells = {"Engagement_Rate": pa.array([5.6, 0.4, 0.35, 0.3, 0.9])}
    reader.settle(cells)
    read = reader.read(cells).block.numbers("Engagement_Rate")
    assert read.tolist() == [0.056, 0.004, 0.0035, 0.003, 0.009]
    fractions = {"Engagement_Rate": pa.array([0.056, 0.04, 0.031])}
    with pytest.raises(InputError, match=f"its header '{re.escape(header)}' says percent"):
        BlockReader("later", rules, headers={"Engagement_Rate": header}).settle(fractions)
    asked = BlockReader(
        "later", rules, units={"Engagement_Rate": "fraction"}, headers={ENGAGEMENT: header}
    )
    asked.settle(fractions)
    assert asked.read(fractions).block.numbers("Engagement_Rate").tolist() == [0.056, 0.04, 0.031]


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


@pytest.mark.parametrize("header", ["Engagement Rate (\u2030)", "ER per mille", "er_bps"])
def test_rates_per_mille_by_their_header_are_refused(header):
    table = pa.table({"id": ["a", "b", "c"], header: [38.9, 20.0, 26.2], "Niche": ["x", "y", "y"]})
    with pytest.raises(InputError, match="says per mille or basis points"):
        read_creators(table, columns={"Engagement_Rate": header})
    rules = {"Engagement_Rate": plain_rule("Engagement_Rate")}
    with pytest.raises(InputError, match="says per mille or basis points"):
        BlockReader("later", rules, headers={"Engagement_Rate": header})


def test_billions_of_followers_are_refused_in_a_later_table_too():
    cells = {"Followers": pa.array(["4,2 B", "10,4 B", "3,1 B", "900"])}
    reader = BlockReader("later", {"Followers": plain_rule("Followers")})
    with pytest.raises(InputError, match="as in Turkish, write K or bin instead"):
        reader.settle(cells)


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("Followers (in lakhs)", "Followers"),
        ("Followers growth (30 days)", "Growth_Rate"),
        ("Subscriber Growth 30d", "Growth_Rate"),
    ],
)
def test_more_headers_of_tools_are_known(header, column):
    cells = ["0.9", "1.2", "3.4"] if column == "Followers" else ["0.9%", "1.2%", "3.4%"]
    table = pa.table({"id": ["a", "b", "c"], header: cells, "Niche": ["x", "y", "y"]})
    expected = [90_000, 120_000, 340_000] if column == "Followers" else [0.009, 0.012, 0.034]
    assert read_creators(table).table[column].tolist() == pytest.approx(expected)


def test_figures_of_the_only_platform_are_claimed():
    def claimed(*headers):
        return name_columns("t", [*headers], {}, Ledger())

    assert claimed("Instagram Followers", "Niche") == {
        "Instagram Followers": "Followers",
        "Niche": "Niche",
    }
    assert claimed("Instagram Followers", "TikTok Followers", "Niche") == {"Niche": "Niche"}
    assert claimed("Subscribers", "Instagram Followers") == {"Subscribers": "Followers"}
    assert claimed("Instagram engagement", "Instagram category", "Followers") == {
        "Followers": "Followers"
    }


def test_questions_of_a_form_are_claimed():
    headers = ["How many followers do you have?", "What is your engagement rate?"]
    named = name_columns("t", headers, {}, Ledger())
    assert [*named.values()] == ["Followers", "Engagement_Rate"]


def test_a_misspelt_header_is_proposed_for_the_column_that_is_missing():
    table = pa.table({
        "id": ["a", "b", "c"], "Folowers": [9_000, 8_000, 7_000], "Engagement avg": [90, 41, 32],
        "Niche": ["Tech", "Art", "Art"],
    })  # fmt: skip
    ledger = read_creators(table).irregularities.query("code == 'missing-column'")
    actions = ledger.set_index("column")["action"]
    hint = "done without; 'Folowers' may be meant: --map Followers=Folowers"
    assert actions["Followers"] == hint
    assert actions["Engagement_Rate"] == "done without"
