from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durhampulse.creators.blockreader import BlockReader
from durhampulse.creators.cells import read_levels, read_numbers
from durhampulse.creators.labels import read_labels
from durhampulse.creators.numbers import mixed_commas
from durhampulse.creators.reading import read_creators
from durhampulse.creators.records import RecordReader
from durhampulse.creators.rules import ColumnRule, learn_number_rule
from durhampulse.exceptions import InputError


def numbers(*cells, column="Price"):
    """A column of numbers, read by the rule learned from it."""
    column_cells = pa.array(list(cells), pa.string())
    return learn_number_rule(column, column_cells).read_numbers(column_cells)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("145,000", 145_000),
        ("1.2M", 1_200_000),
        ("34.5K", 34_500),
        ("64.9M", 64_900_000),
        ("6.8%", 0.068),
        ("+18.2 %", 0.182),
        ("-0.9%", -0.009),
        ("2bn", 2e9),
        ("1 234 567", 1_234_567),
        ("1.234.567", 1_234_567),
        ("1'234'567.5", 1_234_567.5),
        ("1e5", 1e5),
        (" 42 ", 42),
        ("0,056", 0.056),
        ("\u2212 3.5", -3.5),
        (".5", 0.5),
    ],
)
def test_formatted_numbers_are_read(cell, value):
    assert numbers(cell).values[0] == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("cell", ["1.2.e5", "1,2,e5", "1.2,e5"])
def test_exponent_behind_two_decimal_signs_makes_no_number(cell):
    assert read_numbers(pa.array([cell]), "any").unreadable.tolist() == [True]


def test_decimal_sign_before_an_exponent_needs_no_digits_behind():
    assert read_numbers(pa.array(["1.e5", "12,E3"]), "any").values.tolist() == [1e5, 12e3]


@pytest.mark.parametrize("cell", ["abc", "12,34,5", "1.2.3", "--5", "5%%", "12 monkeys", "0x1A"])
def test_text_without_number_is_unreadable(cell):
    read = numbers(cell, "5")
    assert math.isnan(read.values[0])
    assert read.unreadable.tolist() == [True, False]


@pytest.mark.parametrize(
    "word", ["N/A", "#VALOR!", "null", "-", "nan", "N/A'", "\u2014", "\u2013", ".", "\u2026"]
)
def test_null_words_are_missing_and_noted(word):
    read = numbers(word, "1")
    assert math.isnan(read.values[0])
    assert read.null_word.tolist() == [True, False]
    assert not read.unreadable.any()


def test_comma_has_one_meaning_per_column():
    assert numbers("1,5", "1,234").values.tolist() == [1.5, 1.234]
    assert numbers("1,234", "5").values.tolist() == [1234, 5]
    assert mixed_commas(["1,5", "1,234,567"], "any") == ("1,5", "1,234,567")


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_plain_numbers_round_trip(values):
    read = numbers(*(repr(v) for v in values))
    np.testing.assert_allclose(read.values, values, rtol=1e-14)
    assert not (read.formatted | read.percent | read.unreadable).any()


@given(st.integers(0, 10**12))
def test_thousands_separators_change_nothing(value):
    assert numbers(f"{value:,}").values[0] == value


@given(st.lists(st.text(max_size=12), min_size=1, max_size=20))
def test_any_text_is_number_missing_or_noted(cells):
    read = numbers(*cells)
    unaccounted = np.isnan(read.values) & ~read.null_word & ~read.unreadable
    empty = np.array([cell.strip() == "" for cell in cells])
    # blanks are stripped, ASCII and Unicode alike, so only blank cells may vanish without a note
    assert (unaccounted <= empty).all()


def test_dash_of_any_length_is_no_level():
    cells = read_levels(pa.array(["Food", "\u2013", "\u2014", "Food", "\u2026", "-"]))
    assert cells.levels.names == ("Food",)
    assert cells.levels.codes.tolist() == [0, -1, -1, 0, -1, -1]


def test_level_spellings_fold_to_most_frequent():
    read = read_levels(pa.array(["Fashion", "fashion ", "FASHION", "Fashion", "Tech", None]))
    assert read.levels.names == ("Fashion", "Tech")
    assert read.levels.codes.tolist() == [0, 0, 0, 0, 1, -1]
    assert read.stray_space.sum() == 1
    assert read.respelled.sum() == 2


def test_yes_no_and_binary_labels_are_read():
    cells = pa.array(["Yes", "no", "1", "0.0", "TRUE", "n/a", "maybe", None])
    labels = read_labels(cells)
    np.testing.assert_array_equal(labels.values, [1, 0, 1, 0, 1, np.nan, np.nan, np.nan])
    assert labels.worded.tolist() == [True, True, False, False, True, False, False, False]
    assert labels.unreadable.tolist() == [False] * 6 + [True, False]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2.253", "145.000", "1.145.000"], [2_253, 145_000, 1_145_000]),
        (["2.253", "1.234,5"], [2_253, 1_234.5]),
        (["2.253", "145.000", "90.100"], [2_253, 145_000, 90_100]),
        (["2.5", "145.000", "90.100"], [2.5, 145, 90.1]),
    ],
)
def test_dots_are_thousands_where_column_proves_it(cells, expected):
    assert numbers(*cells, column="Followers").values.tolist() == pytest.approx(expected)


def test_two_ambiguous_counts_are_unclear():
    read = numbers("145.000", "88.000", "900", column="Followers")
    assert read.unclear.tolist() == [True, True, False]
    assert np.isnan(read.values).tolist() == [True, True, False]
    by_elsewhere = read_numbers(pa.array(["145.000"]), "count", ",")
    assert by_elsewhere.values.tolist() == [145_000]


@pytest.mark.parametrize(
    ("learned", "expected"),
    [
        (["145,000", "88,500", "73"], math.nan),  # commas in thousands prove no fraction
        (["12.5K", "1.2M", "800"], math.nan),
        ([*(f"{n}.591" for n in range(70, 95)), "12.5"], math.nan),  # a slip among thousands
        (["98.4", "1234.567", "1,234.5"], 73.591),  # averages
    ],
)
def test_point_before_three_digits_is_a_fraction_only_of_counts_that_have_any(learned, expected):
    rule = learn_number_rule("Followers", pa.array(learned))
    cells = rule.read_number_words(["73.591"])
    np.testing.assert_array_equal(cells.values, [expected])
    block, errors = RecordReader({"Followers": rule}).read([{"Followers": "73.591"}])
    np.testing.assert_array_equal(block.columns["Followers"], [expected])
    refused = {0: "Followers '73.591' may be 73591 or 73.591: write 73591"}
    assert errors == (refused if math.isnan(expected) else {})


@pytest.mark.parametrize(
    ("rates", "followers", "expected"),
    [
        (["5,48%", "7%"], ["73.591", "800"], [73_591, 800]),
        (["5,48%", "7%"], ["73.591", "1.234.567"], [73_591, 1_234_567]),
        (["5.48%", "7%"], ["73.591", "800"], [73.591, 800]),  # as the model's table was written
        (["5.48%", "7%"], ["73.591", "1.234.567"], [math.nan, 1_234_567]),
    ],
)
def test_table_with_decimal_commas_beats_a_model_with_points(rates, followers, expected):
    kinds = {"Followers": "count", "Engagement_Rate": "rate"}
    rules = {c: ColumnRule(column=c, kind=kind, decimal=".") for c, kind in kinds.items()}
    cells = {"Followers": pa.array(followers), "Engagement_Rate": pa.array(rates)}
    reader = BlockReader("later.csv", rules)
    reader.settle(cells)
    read = reader.read(cells)
    np.testing.assert_array_equal(read.block.columns["Followers"], expected)
    assert [*read.unclear] == np.flatnonzero(np.isnan(expected)).tolist()


@given(
    st.lists(
        st.sampled_from(["145,000", "6.8%", "0,5", "1.234", "7", " 8 ", "x", "N/A", "-2.5", None])
    )
)
def test_cell_is_read_independently_of_other_rows(cells):
    together = read_numbers(pa.array(cells, pa.string()), "rate")
    for at, cell in enumerate(cells):
        alone = read_numbers(pa.array([cell], pa.string()), "rate")
        np.testing.assert_array_equal(alone.values[0], together.values[at])
        for flag in ("percent", "unreadable", "unclear", "null_word", "stray_space"):
            assert getattr(alone, flag)[0] == getattr(together, flag)[at]


@pytest.mark.parametrize(
    "word", ["k. A.", "TBD", "(blank)", "n.v.", "s.o.", "Unknown", "#NV", "--None--"]
)
def test_words_for_nothing_are_no_level_of_their_own(word):
    cells = read_levels(pa.array(["Fashion", word, "Tech"]))
    assert cells.levels.codes.tolist() == [0, -1, 1]
    assert cells.null_word.tolist() == [False, True, False]


@pytest.mark.parametrize(
    "figures", [["73.591", "845", "12.4", "1.204"], [73.591, 845, 12.4, 1.204]]
)
def test_thousands_that_a_program_took_for_fractions_are_refused(figures):
    table = pa.table({"id": ["a", "b", "c", "d"], "Followers": figures})
    with pytest.raises(InputError, match=r"such as 73\.591: a program has taken the point"):
        read_creators(table)
    averages = table.set_column(1, "Avg Views", pa.array([73.591, 845, 12.4, 1204.5]))
    assert read_creators(averages).table["Avg_Views_per_Post"].tolist() == [
        73.591,
        845,
        12.4,
        1204.5,
    ]
    reader = BlockReader(
        "later.parquet", {"Followers": ColumnRule(column="Followers", kind="count")}
    )
    with pytest.raises(InputError, match=r"such as 73\.591: a program has taken the point"):
        reader.settle({"Followers": pa.array([73.591, 845, 12.4, 1.204])})


def test_cells_with_words_are_refused_with_the_figure_to_write():
    table = pa.table(
        {"id": [*"abcd"], "Followers": ["12.5K people", "800 people", "7 people", "9"]}
    )
    with pytest.raises(InputError, match=r"Write figures without words, such as 12\.5K;"):
        read_creators(table)
    reader = BlockReader("x.csv", {"Followers": ColumnRule(column="Followers", kind="count")})
    with pytest.raises(InputError, match=r"Write figures without words, such as 12\.5K;"):
        reader.settle({"Followers": table["Followers"].combine_chunks()})


@pytest.mark.parametrize(
    "cells", [["-99", "-1", "-5", "12"], [-99, -1, -5, 12], [-99.0, -1, -5, 12]]
)
def test_codes_for_missing_counts_are_missing(cells):
    read = read_numbers(pa.array(cells), "count")
    np.testing.assert_array_equal(read.values, [math.nan, math.nan, -5, 12])
    assert read.null_word.tolist() == [True, True, False, False]
    assert read_numbers(pa.array(cells), "any").values.tolist() == [-99, -1, -5, 12]
    rule = ColumnRule(column="Followers", kind="count")
    block, errors = RecordReader({"Followers": rule}).read([{"Followers": cell} for cell in cells])
    np.testing.assert_array_equal(block.columns["Followers"], [math.nan, math.nan, -5, 12])
    assert errors == {}


@pytest.mark.parametrize(("value", "expected"), [(5.6, None), ("0.056", None), ("5.6%", 0.056)])
def test_record_whose_name_says_percent_needs_a_sign(value, expected):
    """0.5 under such a name may be half a percent, or a fraction as all records have."""
    rule = ColumnRule(column="Engagement_Rate", kind="rate")
    block, errors = RecordReader({"Engagement_Rate": rule}).read([{"ER in %": value}])
    assert bool(errors) == (expected is None)
    assert expected is None or block.numbers("Engagement_Rate")[0] == expected
    assert expected is not None or "says percent: give Engagement_Rate as a fraction" in errors[0]


@pytest.mark.parametrize("code", ["99", "-99", "9999"])
@pytest.mark.parametrize("sign", ["", "%"])
def test_codes_among_rates_that_come_again_and_again_are_no_figures(code, sign):
    rates = [code] * 5 + [f"{at / 37:.3f}{sign}" for at in range(5, 200)]
    counts = [*range(1_000, 1_200)]
    table = pa.table({"id": counts, "Followers": counts, "ER": rates, "Score": rates})
    named = {"columns": {"Engagement_Rate": "ER"}, "units": {"Engagement_Rate": "percent"}}
    if code == "-99":  # no engagement is below 0
        assert read_creators(table, **named).table["Engagement_Rate"].isna().sum() == 5
    else:
        with pytest.raises(InputError, match=rf"Engagement_Rate: .*{code}"):
            read_creators(table, **named)
    notes = read_creators(table, columns={"Engagement_Rate": ""}).irregularities
    noted = notes.query("code == 'implausible'").set_index("column")["count"]
    assert noted.to_dict() == {"ER": 5, "Score": 5}


def test_nines_that_come_again_and_again_are_no_counts():
    counts = [1_000 + 7 * at for at in range(200)]
    table = {"id": [*range(200)], "Followers": [999_999] * 5 + counts[5:]}
    with pytest.raises(InputError, match="5 of its figures are '999999', as where it stands for a"):
        read_creators(pa.table(table))
    often = pa.table({**table, "Followers": [999] * 5 + [1_000] * 3 + counts[8:]})
    assert read_creators(often).table["Followers"].iloc[0] == 999


def growth(codes, unit="fraction", decimals=3):
    """A column of growth that begins with some codes, and the rule by which it is read."""
    usual = np.round(np.linspace(-0.047, 0.153, 197) * (100 if unit == "percent" else 1), decimals)
    rule = ColumnRule(column="Growth_Rate", kind="rate", unit=unit)
    cells = [*codes, *usual][:190]
    return pa.table({"id": range(len(cells)), "Growth_Rate": cells}), rule


@pytest.mark.parametrize(
    ("codes", "unit"),
    [([-9, -9, -9], "fraction"), ([-99, -999, -9999], "fraction"), ([-999] * 3, "percent")],
)
def test_codes_that_no_rate_can_be_are_missing_ones(codes, unit):
    """Nobody loses more than all followers, which is -1, or -100%."""
    table, rule = growth(codes, unit)
    read = read_creators(table)
    assert read.table["Growth_Rate"].isna().tolist() == [True] * 3 + [False] * 187
    notes = read.irregularities.query("code == 'null-word'")
    assert notes[["column", "count"]].to_numpy().tolist() == [["Growth_Rate", 3]]
    reader = BlockReader("later", {"Growth_Rate": rule})
    cells = {"Growth_Rate": table["Growth_Rate"].combine_chunks()}
    reader.settle(cells)
    assert np.isnan(reader.read(cells).block.numbers("Growth_Rate")[:4]).tolist() == [True] * 3 + [
        False
    ]


@pytest.mark.parametrize("value", [-9, -99.0, "-999", "-9"])
def test_record_with_a_code_for_its_rate_has_none(value):
    rule = ColumnRule(column="Growth_Rate", kind="rate", unit="percent")
    block, errors = RecordReader({"Growth_Rate": rule}).read([{"Growth_Rate": value}])
    assert np.isnan(block.numbers("Growth_Rate")[0])
    assert errors == {}


@pytest.mark.parametrize(
    ("codes", "unit", "refused"),
    [
        ([-1] * 3, "fraction", True), ([-9] * 3, "percent", True), ([-99] * 3, "percent", True),
        ([-1] * 3, "percent", False), ([-9] * 2, "percent", False), ([-9, -9, -9, -8], "percent", False),
    ],
)  # fmt: skip
def test_code_as_the_only_whole_rate_below_zero_is_refused(codes, unit, refused):
    table, rule = growth(codes, unit)
    reader = BlockReader("later", {"Growth_Rate": rule})
    cells = {"Growth_Rate": table["Growth_Rate"].combine_chunks()}
    if refused:
        match = rf"3 of its figures are '{codes[0]}\.0', as where it stands for a missing one"
        with pytest.raises(InputError, match=match):
            read_creators(table)
        with pytest.raises(InputError, match=match):
            reader.settle(cells)
    else:
        figure = codes[0] / 100
        assert read_creators(table).table["Growth_Rate"].iloc[0] == figure
        reader.settle(cells)
        assert reader.read(cells).block.numbers("Growth_Rate")[0] == figure


def test_nines_are_refused_in_a_later_table_too():
    counts = pa.array([9_999_999] * 3 + [1_000 + 7 * at for at in range(100)])
    reader = BlockReader("later", {"Followers": ColumnRule(column="Followers", kind="count")})
    with pytest.raises(InputError, match="3 of its figures are '9999999'"):
        reader.settle({"Followers": counts})
    reader.settle({"Followers": counts[2:]})
    assert reader.read({"Followers": counts[2:]}).block.numbers("Followers")[0] == 9_999_999
