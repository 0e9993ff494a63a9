"""Written numbers as queries and graphs read them, one cell each.

Values are worked out by hand from what :mod:`durhampulse.creators.numbers` documents; words for
sizes are those of the Unicode CLDR.
"""

from __future__ import annotations

import contextlib
import math
import re
import sqlite3
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from durhampulse.creators.block import Block
from durhampulse.creators.numbers import parse_number
from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.schema import COLUMNS
from durhampulse.decision.bands import Thresholds
from durhampulse.export.program import program_from
from durhampulse.export.sql.query import query_of
from durhampulse.features.codes import NumberCode
from durhampulse.features.encoding import Encoding
from durhampulse.models.fitted import FittedModel
from durhampulse.models.weights import Logistic
from tests.examples import examples
from tests.exported import ENGINES, answers, by_onnxruntime, identity
from tests.messy import written_amount

COLUMN = {"count": "Followers", "rate": "Growth_Rate", "any": "Fee"}
VALUES = {
    ("145,000", "count"): 145_000,
    ("12,34,567", "count"): 1_234_567,
    ("1'234'567", "count"): 1_234_567,
    ("1\u2019234", "count"): 1_234,
    ("1\u2009234\u202f567", "count"): 1_234_567,
    ("1\t234", "count"): 1_234,
    ("+15 k", "count"): 15_000,
    ("15K+", "count"): 15_000,
    ("15+", "count"): 15,
    ("5.k", "count"): 5_000,
    (". 5", "count"): 0.5,
    ("1.5E+005", "count"): 150_000,
    ("12.E3", "count"): 12_000,
    ("1,2 Mio.", "count"): 1_200_000,
    ("3 Mrd", "count"): 3_000_000_000,
    ("206,6 Tsd.", "count"): 206_600,
    ("1.2 lakh", "count"): 120_000,
    ("2 CRORE", "count"): 20_000_000,
    ("12 \u0442\u044b\u0441.", "count"): 12_000,
    ("12 \u0422\u042b\u0421", "count"): 12_000,
    ("6.5\u4e07", "count"): 65_000,
    ("14.5\ub9cc", "count"): 145_000,
    ("5 de  milioane", "count"): 5_000_000,
    ("3,5 mil", "count"): 3_500,
    ("\u0661\u0662\u0663", "count"): 123,
    ("\u0661\u066c\u0662\u0663\u0664", "count"): 1_234,
    ("\uff11\uff12\uff0c\uff10\uff10\uff10", "count"): 12_000,
    ("\u06f5\u06f0", "count"): 50,
    ("\u22120.5", "rate"): -0.5,
    ("6.8 %", "rate"): 0.068,
    ("6,8%", "rate"): 0.068,
    ("\u0665\u066a", "rate"): 0.05,
    ("\uff0b\uff15\uff0e\uff15\uff05", "rate"): 0.055,
    ("2.5e\u22123", "rate"): 0.0025,
    ("5,125", "rate"): 5.125,
    ("(2.7%)", "rate"): -0.027,
    ("\u25b2 2.3%", "rate"): 0.023,
    ("\u2b07\ufe0f2,3 %", "rate"): -0.023,
    ("\u2248 12k", "count"): 12_000,
    ("( 12,5 % )", "rate"): -0.125,
    ("0.5-", "rate"): -0.5,
    ("3,1%-", "rate"): -0.031,
    ("%5,6", "rate"): 0.056,
    ("(\u0660.\u0665)", "rate"): -0.5,
    ("1.2 k", "any"): 1_200,
    ("$1,200", "any"): 1_200,
    ("1.200 \u20ac", "any"): 1_200,
    ("R$ 1.200,50", "any"): 1_200.5,
    ("1,840 usd", "any"): 1_840,
    ("-$ .5", "any"): -0.5,
    ("$-5", "any"): -5,
    ("($1,200)", "any"): -1_200,
    ("5k\u20ac", "any"): 5_000,
    ("\u20ac1.2bn", "any"): 1_200_000_000,
    ("Rs. 2 crore", "any"): 20_000_000,
    ("-1,2 Mio. CHF", "any"): -1_200_000,
    ("20 NT$", "any"): 20,
    ("500 LKR", "any"): 500,
    ("$5 USD+", "any"): 5,
    ("5 C$", "any"): 5,
    ("3 Z\u0141", "any"): 3,
    ("45,5%", "any"): 0.455,
    ("ca. 4.2K", "count"): 4_200,
    ("~ 4,200", "count"): 4_200,
    ("Approx. 4,200", "count"): 4_200,
    ("ca4200", "count"): 4_200,
    ("\u041e\u041a\u041e\u041b\u041e 5", "count"): 5,
    ("\u7d044.2\u4e07", "count"): 42_000,
    ("~5%", "rate"): 0.05,
    ("'12345", "count"): 12_345,
    ("\u200b12,345\ufeff", "count"): 12_345,
    ("about 500 \u20ac", "any"): 500,
    ("2 \u0442\u042b\u0441. \u20bd", "any"): 2_000,
}  # fmt: skip
"""Cell and kind of its column to its value, where the column has not told its decimal sign."""
NOTHING = {
    ("about x1", "count"), ("5 best.", "count"), ("5 - ca. 6", "rate"),
    ("12 monkeys", "count"), ("12 \u043b\u044e\u0434\u0435\u0439", "count"), ("~", "count"),
    ("1,2,3", "count"), ("0.5x", "rate"), ("+-5", "rate"), ("--5", "rate"), ("5%", "count"),
    ("5. Mio.", "count"), ("5%+", "rate"), ("5 k 3", "count"), ("2024-06-15", "count"),
    ("10-20 people", "count"), ("10%-20%", "count"), ("5-", "count"), ("\u00b2", "count"),
    ("(5)", "count"), ("5-", "count"), ("(1.5", "rate"), ("% 5", "rate"), ("((5))", "rate"),
    ("n\u00e3o", "count"), (".-1M", "count"), ("\u041d\u0422\u0412", "count"), ("12 USD", "count"), ("0x1A", "count"),
    ("1" * 38 + "k 5", "count"), ("7 kk", "count"), ("5++", "count"), ("10 TO 20", "count"),
    ("x1", "any"), ("12 people", "any"), ("$5 EUR", "any"), ("5 mad", "any"), ("$$5", "any"),
    ("$5%", "any"), ("$5.", "any"), ("1e5 USD", "any"), ("$5-", "any"), ("5. USD", "any"), ("x - $5", "any"),
    ("no. 5", "any"), ("$.-5", "any"), ("5 USD k", "any"), ("kr .", "any"), ("5%\u20ac", "any"), ("2024-06-15", "any"),
}  # fmt: skip
UNCLEAR = {
    ("ca. 4.200", "count"), ("ca. 5-6%", "rate"), ("145.000", "count"), ("10-20k", "count"), ("10k \u2013 20k", "count"), ("10 to 20", "count"),
    ("1 \u043c\u043b\u043d \u0434\u043e 2 \u043c\u043b\u043d", "count"), ("+1-2", "count"),
    ("\uff11\uff5e\uff12", "count"), ("3 mil", "count"), ("3 mil+", "count"), ("10%-20%", "rate"),
    ("2024-06", "count"), ("%5-10", "rate"), ("(1)-(2)", "rate"),
    ("$10-$20", "any"), ("10-20 USD", "any"), ("USD 5 to 6", "any"), ("5 mil USD", "any"), ("($5) - 6k\u20ac", "any"),
}  # fmt: skip
"""Cells that are one number or another, or two."""


@cache
def program_for(kind, decimal=None, unit=1e3, currency=""):
    """A model whose log-odds are the number in units, to see how a cell is read."""
    column = COLUMN[kind]
    rule = ColumnRule(column=column, kind=kind, header="cell", decimal=decimal, currency=currency)
    return program_from(identity(column, unit), {column: rule}, Thresholds(), "")


ROUGH = re.compile(
    r"\s*(about|\u043e\u043a\u043e\u043b\u043e|\u7d04)\s+[^0-9\s].*|\s*(~|\uff5e|approx\.)\s*(~|\uff5e|approx|about|\u7d04|\u043e).*"
    r"|.*[\s(]approx\.\)?\s*",
    re.IGNORECASE | re.DOTALL,
)


def is_unread(engine, cell):
    """Whether a cell has signs that no operator of a graph replaces, or words that none reads.

    That is a tab beside the word between a range's ends too, and a word for a rough figure before
    anything but digits, or behind.
    """
    if engine == "onnxruntime" and ROUGH.fullmatch(cell) and any(map(str.isdecimal, cell)):
        return True
    if engine == "onnxruntime" and re.search(
        r"[^\S ](to|bis|do|\u0434\u043e)\s|\s(to|bis|do|\u0434\u043e)[^\S ]", cell
    ):
        return True
    return engine == "onnxruntime" and any(
        (c.isdecimal() and not c.isascii())
        or "\uff01" <= c <= "\uff5e"
        or c in "\u25b2\u2b07\u2248\u200b\ufeff"
        for c in cell
    )


def of_kind(cells, kind):
    return [cell for cell, its_kind in cells if its_kind == kind]


@pytest.mark.parametrize(("cell", "kind"), [*VALUES])
def test_the_reader_reads_numbers_as_people_write_them(cell, kind):
    assert parse_number(cell, kind).value(None) == pytest.approx(VALUES[cell, kind], rel=1e-12)


@pytest.mark.parametrize(("cell", "kind"), sorted(NOTHING))
def test_the_reader_finds_no_number(cell, kind):
    assert not parse_number(cell, kind).readable


@pytest.mark.parametrize("engine", [*ENGINES])
def test_numbers_are_read_as_people_write_them(engine):
    for (cell, kind), value in VALUES.items():
        unit = 10.0 ** math.ceil(
            math.log10(abs(value))
        )  # of the number's size, for its last digits
        (answer,) = answers(ENGINES[engine](program_for(kind, None, unit), [cell]))
        if is_unread(engine, cell):
            assert answer == "unread", cell
            continue
        assert isinstance(answer, float), (cell, answer)
        assert math.log(answer / (1 - answer)) == pytest.approx(value / unit, rel=1e-6), cell


@pytest.mark.parametrize(("decimal", "numbers"), [
    (",", {"145.000": 145_000, "1.234": 1_234, "-1,5": -1.5, "3 mil": 3_000, "145,000": 145,
           "$1.234": 1_234, "1,234 \u20ac": 1_234, "KWD 1.234": 1_234, "$1,5": 1.5, "$1,5k": 1_500}),
    (".", {"145.000": 145, "1.234": 1.234, "1,234.5": 1_234.5,
           "$1.234": 1_234, "1,234 \u20ac": 1_234, "KWD 1.234": 1.234, "$1.234k": 1_234, "1,5 USD": 1.5}),
])  # fmt: skip
@pytest.mark.parametrize("engine", [*ENGINES])
def test_the_column_tells_the_decimal_sign(engine, decimal, numbers):
    scored = ENGINES[engine](program_for("any", decimal, 1e6), [*numbers])
    expected = [1 / (1 + math.exp(-value / 1e6)) for value in numbers.values()]
    assert answers(scored) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("cells", "kind", "answer"), [
    (of_kind(cells, kind), kind, answer)
    for cells, answer in ((NOTHING, "nothing"), (UNCLEAR, "unclear"))
    for kind in ("count", "rate", "any")
])  # fmt: skip
@pytest.mark.parametrize("engine", [*ENGINES])
def test_cells_that_are_no_number_or_two_are_not_scored(engine, cells, kind, answer):
    read = answers(ENGINES[engine](program_for(kind), cells))
    assert dict(zip(cells, read, strict=True)) == {
        cell: "unread" if is_unread(engine, cell) else answer for cell in cells
    }


@pytest.mark.parametrize("engine", [*ENGINES])
def test_codes_for_missing_counts_are_missing(engine):
    cells = ["-99", "\u22121", "-9,999", "-5"]
    read = answers(ENGINES[engine](program_for("count"), cells))
    assert read[:3] == ["nothing"] * 3
    assert read[3].startswith("Followers cannot be")


@pytest.mark.parametrize(("kind", "cells"), [
    ("count", ["11.2K followers", "12,300 Views", "1.2\u4e07\u4eba", "Followers: 900", "850 TAKIPCI fans",
               ">10K", "10K or more", "1\u4e07\u4ee5\u4e0a"]),
    ("rate", ["3.4 pct", "38.9 \u2030", "240 BPS", "5 Prozent.", "<1%", "\u2264 1%", "up to 5%"]),
    ("any", ["> 500", "\u226550 \u20ac"]),
])  # fmt: skip
@pytest.mark.parametrize("engine", [*ENGINES])
def test_words_beside_a_figure_refuse_their_row(engine, kind, cells):
    assert answers(ENGINES[engine](program_for(kind), cells)) == ["unread"] * len(cells)


@pytest.mark.parametrize("engine", [*ENGINES])
def test_the_words_of_a_column_refuse_their_row(engine):
    rule = ColumnRule(column="Online", kind="any", header="cell", words=("years", "year"))
    program = program_from(identity("Online"), {"Online": rule}, Thresholds(), "")
    read = answers(ENGINES[engine](program, ["7 years", "1 YEAR", "30 months", "7"]))
    assert read[:3] == ["unread", "unread", "nothing"]
    assert read[3] == pytest.approx(1 / (1 + math.exp(-0.007)))


@pytest.mark.parametrize("engine", [*ENGINES])
def test_codes_that_no_rate_can_be_are_missing(engine):
    cells = ["-9", "\u221299", "-999", "-900%", "-5"]
    read = answers(ENGINES[engine](program_for("rate"), cells))
    assert read[:4] == ["nothing"] * 4
    assert read[4].startswith("Growth_Rate cannot be")


@pytest.mark.parametrize("engine", [*ENGINES])
def test_exponents_beyond_99_and_infinity_refuse_their_row(engine):
    cells = ["1e100", "2,5E-123", "\u22121e400", "inf", "-Infinity"]
    assert answers(ENGINES[engine](program_for("rate"), cells)) == ["unread"] * len(cells)


def test_a_graph_refuses_a_range_behind_a_percent_sign():
    """The sign belongs to the right end, as in %5-10; of other ends than digits it cannot tell."""
    cells = ["%5-10", "%5 k - 6", "%5 k"]
    assert answers(by_onnxruntime(program_for("rate"), cells)) == ["unclear", "unread", "nothing"]


SIGNS = ("", "", "+", "-", "\u2212", "~", "--", "+-", "- ")
DIGITS = (
    "1", "145", "0.5", ".5", "5.", "1.234", "1,234", "1,23", "1.234.567", "1,234.5", "1.234,5", "12,34,567",
    "1 234", "1'234'567", "1 234,5", "01,234", "0", "1.2.3", "1,2,3", "1.2.e5", "1e5", "1,5e-3", "",
)  # fmt: skip
WORDS = (
    "", "", "", "%", "K", "m", "MN", "bn", "mio", "Mrd.", "mil", "mil.", "lakh", "\u0442\u044b\u0441.",
    "\u0422\u042b\u0421", "\u4e07", "people", "x", "+", "k+", "%+", "mil+", "\u043b\u044e\u0434\u0435\u0439",
    "de mii", "de  mii", "\u03c7\u03b9\u03bb\u03b9\u03ac\u03b4\u03b5\u03c2", "5",
)  # fmt: skip
AROUND = (*["{}"] * 6, "({})", "( {})", "{}-", "%{}")
BETWEEN = ("-", " - ", "\u2013", "~", " to ", "to", " bis ", " \u0434\u043e ", "/")
SCRIPTS = {
    "as it is": {},
    "Arabic": {48 + digit: 0x660 + digit for digit in range(10)} | {ord("%"): 0x66A},
    "full width": {code: code + 0xFEE0 for code in map(ord, "0123456789.,%+-~")},
    "Hindi": {48 + digit: 0x966 + digit for digit in range(10)} | {ord("'"): 0x2019},
    "tabs": {ord(" "): ord("\t")},
}


@st.composite
def written_cells(draw):
    """Cells as people write numbers, ranges, and what looks like either."""

    def number():
        parts = (st.sampled_from(some) for some in (SIGNS, DIGITS, ("", " ", "\u00a0"), WORDS))
        return draw(st.sampled_from(AROUND)).format("".join(map(draw, parts)))

    text = number()
    if draw(st.integers(0, 3)) == 0:
        text += draw(st.sampled_from(BETWEEN)) + number()
    return text.translate(SCRIPTS[draw(st.sampled_from([*SCRIPTS]))])


def own_answers(kind, decimal, cells, currency=""):
    """What the program itself makes of cells, as a query would answer."""
    column = COLUMN[kind]
    rule = ColumnRule(column=column, kind=kind, decimal=decimal, currency=currency)
    read = rule.read_number_words(cells)
    low, high = COLUMNS[column].possible if column in COLUMNS else (-math.inf, math.inf)
    scores = identity(column).predict_proba(Block(len(cells), {column: read.values}))
    return [
        "unclear" if unclear else "nothing" if math.isnan(value) else
        "impossible" if not low <= value <= high else score
        for value, unclear, score in zip(read.values, read.unclear, scores, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize("engine", [*ENGINES])
@pytest.mark.parametrize("kind", ["count", "rate"])
@examples(25)
@example(decimal=None, cells=["1\tto\t1"])
@given(
    decimal=st.sampled_from([None, ".", ","]),
    cells=st.lists(written_cells(), min_size=1, max_size=40),
)
def test_exported_queries_read_what_the_program_reads(engine, kind, decimal, cells):
    expected = own_answers(kind, decimal, cells)
    program = program_for(kind, decimal)
    for cell, read, own in zip(
        cells, answers(ENGINES[engine](program, cells)), expected, strict=True
    ):
        if is_unread(engine, cell):
            assert read in (own, "unread"), cell
        elif own == "impossible":
            assert str(read).startswith(f"{COLUMN[kind]} cannot be"), cell
        elif isinstance(own, str):
            assert read == own, cell
        else:
            assert read == pytest.approx(own, abs=1e-12), cell


@pytest.mark.parametrize(
    ("decimal", "currency"), [(None, ""), (".", "$"), (",", "kr"), (None, "EUR")]
)
@pytest.mark.parametrize("engine", [*ENGINES])
def test_exported_queries_read_amounts_as_the_program_reads_them(engine, decimal, currency):
    """Cells whose parts are drawn by themselves; those in another currency refuse their row."""
    rng = np.random.default_rng(17)
    cells = [written_amount(rng) for _ in range(3_000)]
    read = answers(ENGINES[engine](program_for("any", decimal, 1e3, currency), cells))
    expected = own_answers("any", decimal, cells, currency)
    unread = [
        c for c, r in zip(cells, read, strict=True) if r == "unread" and not is_unread(engine, c)
    ]
    assert len(unread) < (len(cells) / 100 if engine == "onnxruntime" else 1), unread
    for cell, answer, own in zip(cells, read, expected, strict=True):
        if answer == "unread":
            continue
        if isinstance(own, str):
            assert answer == own, cell
        else:
            assert answer == pytest.approx(own, abs=1e-9), cell


def test_the_query_for_sqlite_takes_a_hundred_columns_of_numbers():
    """SQLite joins at most 64 tables at once."""
    codes = [
        NumberCode(
            column=f"c{at}", scale="linear", unit=1.0, mean=0.0, sd=1.0, fill=0.0, indicator=False
        )
        for at in range(100)
    ]
    weights = Logistic(np.full(100, 0.01), np.zeros(1))
    model = FittedModel(name="wide", encoding=Encoding((*codes,)), weights=weights)
    program = program_from(model, {}, Thresholds(), "")
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        table = pd.DataFrame({code.column: ["$1", "2"] for code in codes})
        table.to_sql("creators", database, index=False)
        scored = pd.read_sql(query_of(program, "sqlite", "creators", "0"), database)
    assert scored["probability"].tolist() == pytest.approx(
        [1 / (1 + math.exp(-1)), 1 / (1 + math.exp(-2))]
    )
