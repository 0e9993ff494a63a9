"""Text that begins like a formula: neutral in a spreadsheet, and back again."""

from __future__ import annotations

import csv

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from durhampulse.files.export import open_sink
from durhampulse.files.formulas import as_before, neutralised, spreadsheet_safe

TEXTS = st.text(st.sampled_from("'=+-@\t\r\nab é"), max_size=6) | st.text(max_size=8)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"), ("+44", "'+44"), ("-1", "'-1"), ("@lena", "'@lena"), ("\tx", "'\tx"),
        ("\rx", "'\rx"), ("'@lena", "''@lena"), ("''=x", "'''=x"), ("'tis", "'tis"), ("a=b", "a=b"),
        ("", ""), ("'", "'"), ("\n=1", "\n=1"),
    ],
)  # fmt: skip
def test_one_apostrophe_is_put_before_what_begins_like_a_formula(text, safe):
    assert spreadsheet_safe(text) == safe
    assert as_before(safe) == text
    assert neutralised(pa.array([text, None])).to_pylist() == [safe, None]


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


def test_headers_are_text_too(tmp_path):
    schema = pa.schema([("=cmd()", pa.string()), ("n", pa.int64())])
    with open_sink(tmp_path / "a.csv", ".csv", schema, {}) as sink:
        sink.write(pa.record_batch([["@x"], [-5]], schema=schema))
    with (tmp_path / "a.csv").open(newline="") as stream:
        assert [*csv.reader(stream)] == [["'=cmd()", "n"], ["'@x", "-5"]]
