from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durhampulse.creators.identifiers import canonical_identifier, canonical_identifiers
from durhampulse.creators.text import NoTextError, as_text
from durhampulse.creators.words import NULL_WORDS
from durhampulse.files.formulas import spreadsheet_safe


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1001, "1001"), (1001.0, "1001"), ("1001", "1001"), (" 1001 ", "1001"), ("1001.0", "1001"),
        ("1001.00", "1001"), (Decimal("1001.00"), "1001"), (b"1001", "1001"), (2**53 + 1, "9007199254740993"),
        (1e16, "10000000000000000"), (2**64 - 1, "18446744073709551615"), ("007", "007"), ("ABC", "ABC"),
        ("abc", "abc"), ("'@lena", "@lena"), ("@lena", "@lena"), ("'tis", "'tis"), ("1.5", "1.5"),
        ("n/a", None), ("NaN", None), ("#N/A", None), ("", None), ("  ", None), (None, None), ("\u00a01001", "1001"),
    ],
)  # fmt: skip
def test_identifier_has_one_canonical_form(value, expected):
    assert canonical_identifier(value) == expected
    kind = pa.uint64() if value == 2**64 - 1 else None
    assert canonical_identifiers(pa.array([value, None], kind)).to_pylist() == [expected, None]


@pytest.mark.parametrize("word", sorted(NULL_WORDS))
def test_words_for_nothing_name_nobody(word):
    cells = [word, word.upper(), word.capitalize(), f" {word} "]
    assert [canonical_identifier(cell) for cell in cells] == [None] * 4
    assert canonical_identifiers(pa.array([*cells, "nadja"])).to_pylist() == [None] * 4 + ["nadja"]


def test_integers_above_2_to_53_stay_exact_beside_missing():
    cells = pa.array([9007199254740993, None, 1])
    assert canonical_identifiers(cells).to_pylist() == ["9007199254740993", None, "1"]


def test_lists_are_not_identifiers():
    with pytest.raises(NoTextError):
        canonical_identifiers(pa.array([["a"], None]))


@given(st.lists(st.one_of(st.none(), st.text(max_size=12))))
def test_column_and_single_cells_agree(words):
    expected = [None if word is None else canonical_identifier(word) for word in words]
    column = pa.concat_arrays([pa.array(["x"]), pa.array(words, pa.string())]).slice(1)
    assert canonical_identifiers(column).to_pylist() == expected
    dictionary = pa.array(words, pa.string()).dictionary_encode()
    assert canonical_identifiers(dictionary).to_pylist() == expected


@given(st.text(min_size=1, max_size=12).filter(lambda word: word == word.strip()))
def test_canonical_form_is_idempotent(word):
    once = canonical_identifier(word)
    if once is not None and not once.startswith("'"):
        assert canonical_identifier(once) == once


def test_levels_have_one_text_form():
    for cells in (pa.array([7, None]), pa.array([7.0, None]), pa.array([7.0, None], pa.float32())):
        assert as_text(cells).to_pylist() == ["7", None]
    assert as_text(pa.array([0.1], pa.float32())).to_pylist() == ["0.1"]
    assert as_text(pa.array([True, None])).to_pylist() == ["True", None]
    with pytest.raises(NoTextError):
        as_text(pa.array([b"\xff"]))


def test_exported_handle_round_trips():
    assert canonical_identifier(spreadsheet_safe("@lena")) == "@lena"
