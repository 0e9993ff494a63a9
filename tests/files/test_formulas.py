"""Text that begins like a formula: neutral in a spreadsheet, and back again."""

from __future__ import annotations

import csv

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from durhampulse.files.export import open_sink
from durhampulse.files.formulas import as_before, neutralised, restored, spreadsheet_safe
from durhampulse.files.tables import read_source
from durhampulse.irregularities import Ledger
from tests.examples import examples

TEXTS = st.text(st.sampled_from("'\"=+-@;,\t\r\nab é"), max_size=8) | st.text(max_size=8)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"), ("+44", "'+44"), ("-1", "'-1"), ("@lena", "'@lena"), ("\tx", "'\tx"),
        ("\rx", "'\rx"), ("'@lena", "''@lena"), ("''=x", "'''=x"), ("'tis", "'tis"), ("a=b", "a=b"),
        ("", ""), ("'", "'"), ("\n=1", "\n'=1"), ("x;=cmd|'/C calc'!A0", "x;'=cmd|'/C calc'!A0"),
        ("a\tb\t-1", "a\tb\t'-1"), ("one\r\n- two", "one\r\n'- two"), ("a;'=x", "a;''=x"),
        ('a;"=1"', "a;'\"=1\""), ("a; =x", "a; =x"), ("\t=x", "'\t'=x"), ("\uff1d1", "'\uff1d1"),
        ("one;two", "one;two"), ("rock 'n' roll", "rock 'n' roll"),
    ],
)  # fmt: skip
def test_one_apostrophe_is_put_before_what_begins_like_a_formula(text, safe):
    assert spreadsheet_safe(text) == safe
    assert as_before(safe) == text
    assert neutralised(pa.array([text, None])).to_pylist() == [safe, None]
    assert restored(pa.array([safe, None])).to_pylist() == [text, None]


@given(TEXTS)
@example("'@lena")
def test_every_text_comes_back(text):
    safe = spreadsheet_safe(text)
    assert isinstance(safe, str)
    assert safe[:1] not in {"=", "+", "-", "@", "\t", "\r"}
    assert as_before(safe) == text


@given(st.lists(st.none() | TEXTS.filter(lambda text: "\0" not in text), min_size=1))
def test_the_arrow_writer_follows_the_same_rule(texts):
    column = neutralised(pa.array(texts, pa.string()))
    assert column.to_pylist() == [
        None if text is None else spreadsheet_safe(text) for text in texts
    ]
    assert restored(column).to_pylist() == texts


def test_text_that_an_export_wraps_for_a_spreadsheet_is_that_text(tmp_path):
    cells = ['="00123"', '"=""1,947"""', '\'="7"', '=1&"x"', "12"]
    lines = ['="Followers";n', *(f"{cell};1" for cell in cells)]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    column = read_source(str(tmp_path / "a.csv"), Ledger()).cells["Followers"]
    assert column.to_pylist() == ["00123", "1,947", '="7"', '=1&"x"', "12"]


def test_headers_are_text_too(tmp_path):
    schema = pa.schema([("=cmd()", pa.string()), ("n", pa.int64())])
    with open_sink(tmp_path / "a.csv", ".csv", schema, {}) as sink:
        sink.write(pa.record_batch([["@x"], [-5]], schema=schema))
    with (tmp_path / "a.csv").open(newline="") as stream:
        assert [*csv.reader(stream)] == [["'=cmd()", "n"], ["'@x", "-5"]]


def cells_of(path, delimiter, quoting=csv.QUOTE_MINIMAL):
    """All cells as a reader of another separator sees them."""
    with path.open(newline="") as stream:
        return [c for row in csv.reader(stream, delimiter=delimiter, quoting=quoting) for c in row]


@examples(60)
@given(
    rows=st.lists(st.tuples(TEXTS, TEXTS).filter(lambda row: "\0" not in "".join(row)), max_size=4)
)
@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_no_cell_is_a_formula_by_whatever_separator_and_all_come_back(suffix, rows, tmp_path):
    first, second = ([pair[at] for pair in rows] for at in (0, 1))
    schema = pa.schema([("Handle", pa.string()), ("Niche", pa.string())])
    path = tmp_path / f"a{suffix}"
    with open_sink(path, suffix, schema, {}) as sink:
        sink.write(pa.record_batch([first, second], schema=schema))
    own = "," if suffix == ".csv" else "\t"
    for delimiter in (own, ";", "\t"):
        cells = cells_of(path, delimiter)
        assert not [cell for cell in cells if cell[:1] and cell[0] in "=+-@"]
    for delimiter in {";", "\t"} - {own}:  # where the quotes are not seen at all
        cells = cells_of(path, delimiter, csv.QUOTE_NONE)
        assert not [cell for cell in cells if cell[:1] and cell[0] in "=+-@"]
    with path.open(newline="") as stream:
        read = [*csv.reader(stream, delimiter=own)][1:]
    assert [[as_before(cell) for cell in row] for row in read if row] == [[*row] for row in rows]


def test_exported_text_comes_back_through_the_reader(tmp_path):
    texts = ["@lena", "'@lena", "Paris;=1+1", "line\n- point", "'tis", "a\t-b", "plain"]
    schema = pa.schema([("Handle", pa.string()), ("=Note", pa.string())])
    for suffix in (".csv", ".csv.gz", ".tsv"):
        path = tmp_path / f"a{suffix}"
        with open_sink(path, suffix, schema, {}) as sink:
            sink.write(pa.record_batch([[f"c{i}" for i in range(7)], texts], schema=schema))
        table = read_source(path, Ledger())
        assert table.cells.column_names == ["Handle", "=Note"]
        assert table.cells["=Note"].to_pylist() == texts
