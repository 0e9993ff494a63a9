"""Amounts as people write them. Values are worked out by hand; words are those of the CLDR."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path

import pyarrow as pa
import pytest

from durhampulse.creators import cldr
from durhampulse.creators.numbers import parse_number
from durhampulse.creators.reading import read_creators
from durhampulse.creators.records import RecordReader
from durhampulse.creators.roles import read_extra
from durhampulse.creators.rules import ColumnRule, learn_number_rule
from durhampulse.exceptions import InputError

ROOT = Path(__file__).parents[1]

COUNTS = {
    "4.5 million": 4_500_000,
    "17 thousand": 17_000,
    "6.5\u4e07": 65_000,
    "1.2\u4ebf": 120_000_000,
    "14.5\ub9cc": 145_000,
    "1,2 Mio.": 1_200_000,
    "1,2 Mio": 1_200_000,
    "3 Mrd.": 3_000_000_000,
    "2 cr": 20_000_000,
    "3 lakh": 300_000,
    "1.2 crore": 12_000_000,
    "2 \u0932\u093e\u0916": 200_000,
    "12 \u0442\u044b\u0441.": 12_000,
    "1,5 \u043c\u043b\u043d": 1_500_000,
    "2 millones": 2_000_000,
    "1,2 mi": 1_200_000,
    "12 rb": 12_000,
    "1,5 jt": 1_500_000,
    "3 bin": 3_000,
    "5 \u0645\u0644\u064a\u0648\u0646": 5_000_000,
    "12,34,567": 1_234_567,
    "15K+": 15_000,
    "15,000+": 15_000,
    "\u0661\u0662\u066c\u0663\u0664\u0665": 12_345,
    "\u06f1\u06f2": 12,
    "\uff11\uff12\uff0c\uff13\uff14\uff15": 12_345,
}
PRICES = {
    "$1,840": (1_840, "$"),
    "1\u00a0840 \u20ac": (1_840, "\u20ac"),
    "1.840 \u20ac": (1_840, "\u20ac"),
    "USD 1840": (1_840, "USD"),
    "1 552 \u20bd": (1_552, "\u20bd"),
    "900 \u20bd": (900, "\u20bd"),
    "R$ 1.200,50": (1_200.5, "R$"),
    "CHF 1'200": (1_200, "CHF"),
    "-$5": (-5, "$"),
    "$.50": (0.5, "$"),
    "Rs. 2 crore": (20_000_000, "Rs."),
    "\u20ac1.2bn": (1_200_000_000, "\u20ac"),
    "$5 USD": (5, "USD"),
    "1840 usd": (1_840, "usd"),
    "\u00a512,000": (12_000, "\u00a5"),
    "3 z\u0142": (3, "z\u0142"),
    "500 LKR": (500, "LKR"),
    "NT$ 20": (20, "NT$"),
    "20 NT$": (20, "NT$"),
    "20k NT$": (20_000, "NT$"),
}
NO_NUMBERS = [
    "12 monkeys",
    "12 km",
    "10 TOP",
    "$5 EUR",
    "5 mad",
    "$$5",
    "Followers: 5",
    "555-12-99",
]


@pytest.mark.parametrize(("word", "value"), [*COUNTS.items()])
def test_count_with_word_for_size_is_read(word, value):
    assert parse_number(word, "count").value(None) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(("word", "expected"), [*PRICES.items()])
def test_price_with_currency_is_read(word, expected):
    parsed = parse_number(word, "any")
    assert (parsed.value("."), parsed.currency) == expected


@pytest.mark.parametrize(
    ("word", "decimal", "value"),
    [
        ("(2.7%)", ".", -0.027),
        ("( 12,5 % )", ",", -0.125),
        ("(0.5)", ".", -0.5),
        ("2.7-", ".", -2.7),
        ("3,1%-", ",", -0.031),
        ("%5,6", ",", 0.056),
    ],
)
def test_rate_below_zero_or_behind_its_sign_is_read(word, decimal, value):
    parsed = parse_number(word, "rate")
    assert parsed.value(decimal) == pytest.approx(value, rel=1e-15)
    assert parsed.formatted


def test_amount_in_brackets_is_below_zero():
    assert parse_number("($1,200)", "any").value(".") == -1200
    assert not parse_number("(1,200)", "count").readable


@pytest.mark.parametrize("word", NO_NUMBERS)
def test_other_text_stays_unreadable(word):
    assert not parse_number(word, "any").readable


def test_followers_in_dollars_are_no_count():
    assert not parse_number("$900", "count").readable


@pytest.mark.parametrize("word", ["10-20k", "10k - 20k", "10\u201320", "5 to 10"])
def test_range_is_refused_with_reason(word):
    cells = pa.array([word, "5"])
    read = learn_number_rule("Followers", cells).read_numbers(cells)
    assert math.isnan(read.values[0])
    assert read.unclear.tolist() == [True, False]
    rules = {"Followers": ColumnRule(column="Followers", kind="count")}
    _, errors = RecordReader(rules).read([{"Followers": word}])
    assert errors == {0: f"Followers '{word}' is a range: write one number"}


@pytest.mark.parametrize(
    "word",
    [
        "<1K",
        "> 10K",
        "\u226510K",
        "under 1,000",
        "10K or more",
        "mehr als 10.000",
        "1\u4e07\u4ee5\u4e0a",
    ],
)
def test_bound_is_refused_with_reason(word):
    rules = {"Followers": ColumnRule(column="Followers", kind="count")}
    _, errors = RecordReader(rules).read([{"Followers": word}])
    assert errors == {0: f"Followers '{word}' is a bound: write one number"}


def test_rough_figures_are_read_and_noted(tmp_path):
    rows = "".join(f"c{i},~{i + 1},approx. {i + 1}00,{i % 2}\n" for i in range(30))
    (tmp_path / "a.csv").write_text(f"id,Followers,Bid,Sponsored\n{rows}")
    creators = read_creators(tmp_path / "a.csv")
    ledger = creators.irregularities.set_index(["code", "column"])
    for column in ("Followers", "Bid"):
        assert ledger.loc[("number-format", column), "count"] == 30
    assert creators.table["Followers"].tolist() == [*range(1, 31)]


def test_mil_is_thousand_or_million_unless_decimal_comma_tells():
    for words in (["3 mil"], ["1.2 mil", "7"]):
        cells = pa.array(words)
        assert learn_number_rule("Followers", cells).read_numbers(cells).unclear[0]
    cells = pa.array(["3 mil", "1,2 mil"])
    read = learn_number_rule("Followers", cells).read_numbers(cells)
    assert read.values.tolist() == [3_000, 1_200]
    assert parse_number("3 mil.", "count").value(None) == 3_000_000  # Czech and Romanian


def test_plus_and_currency_are_in_ledger(tmp_path):
    rows = "".join(f"c{i},{i + 1}00K+,${i + 1},{i % 2}\n" for i in range(30))
    (tmp_path / "a.csv").write_text(f"id,Followers,Bid,Sponsored\n{rows}")
    creators = read_creators(tmp_path / "a.csv")
    ledger = creators.irregularities.set_index("code")
    assert ledger.loc["lower-bound", ["column", "count"]].tolist() == ["Followers", 30]
    assert ledger.loc["currency", ["column", "count", "action"]].tolist() == [
        "Bid",
        30,
        "$ taken off",
    ]
    assert creators.table["Followers"].iloc[0] == 100_000


def test_range_in_standard_column_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("id,Followers\n1,5000\n2,10-20k\n")
    with pytest.raises(InputError, match=r"row 3: Followers '10-20k' is a range"):
        read_creators(tmp_path / "a.csv")


def test_counts_larger_than_any_creator_has_are_asked_about():
    cells = ["7,9 B", "2,0 B", "1,2 Mn", "14 B", "850", "3,5 Mn"]
    with pytest.raises(InputError, match="3 of its figures, such as '7,9 B', exceed 1,000,000,000"):
        read_creators(pa.table({"id": list("abcdef"), "Takip\u00e7i": cells}))
    spelled = [cell.replace("B", "bin") for cell in cells]
    read = read_creators(pa.table({"id": list("abcdef"), "Takip\u00e7i": spelled}))
    assert read.table["Followers"].tolist() == [7_900, 2_000, 1_200_000, 14_000, 850, 3_500_000]
    slips = pa.table({"id": range(100), "Followers": [2_000_000_000] * 2 + [5_000] * 98})
    assert read_creators(slips).table["Followers"].max() == 2_000_000_000


def test_column_of_two_currencies_is_no_feature():
    extra = read_extra("Bid", pa.array(["$5", "$7", "9 \u20ac"] * 20))
    assert extra.role.role == "unused"
    assert extra.role.reason == "amounts in $ and \u20ac: write them in one currency"
    assert read_extra("Bid", pa.array(["$5", "USD 7", "9"] * 20)).role.role == "feature"


def test_extra_column_of_doubtful_sizes_says_so():
    cells = pa.array(["12 mil", "340 mil", "7 mil"] * 20)
    role = read_extra("Alcance", cells).role
    assert role.role == "unused"
    assert role.reason == "Alcance '12 mil' may be 12000000 or 12000: write 12000000 or 12000"
    assert read_extra("Alcance", cells, elsewhere=",").role.role == "feature"
    assert read_extra("Alcance", pa.array(["12 mil", "3,4 mil"] * 20)).role.role == "feature"


def test_ranges_of_an_extra_column_are_levels():
    extra = read_extra("Budget", pa.array(["1-5k", "5-10k", "10-50k"] * 20))
    assert (extra.role.role, extra.role.kind) == ("feature", "levels")


def test_amount_in_another_currency_is_refused():
    cells = pa.array(["$5", "$7", "9"])
    rule = learn_number_rule("Bid", cells)
    assert rule.currency == "$"
    read = rule.read_numbers(pa.array(["5", "USD 5", "5 \u20ac"]))
    assert read.values[:2].tolist() == [5, 5]
    assert read.unclear.tolist() == [False, False, True]
    _, errors = RecordReader({"Bid": rule}).read([{"Bid": "5 \u20ac"}])
    assert errors == {0: "Bid '5 \u20ac' is not in $ like its column: write it in $"}


def test_table_of_words_equals_cldr():
    """Written anew by ``python tools/cldr.py`` when Babel's data change."""
    pytest.importorskip("babel")
    spec = importlib.util.spec_from_file_location("tools_cldr", ROOT / "tools" / "cldr.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    stored = json.loads((Path(cldr.__file__).parent / "cldr.json").read_text("utf-8"))
    assert tool.table() == stored
