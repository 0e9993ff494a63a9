"""Parquet: the index that pandas keeps, and types that stay what they are."""

from __future__ import annotations

import decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from durhampulse.exceptions import InputError
from durhampulse.files.export import open_sink
from durhampulse.files.parquet import DISTINCT_FIELD
from durhampulse.files.stream import open_stream
from durhampulse.files.tables import read_source
from durhampulse.irregularities import Ledger

FRAME = pd.DataFrame({"Followers": [5, 6, 7]})


def both_doors(path):
    """Header to cells, as a study and as a score read them."""
    whole = read_source(path, Ledger()).cells.to_pydict()
    opened = open_stream(path)
    parts = [*opened.chunks(opened.headers)]
    streamed = {
        name: [cell for part in parts for cell in part.cells[name].to_pylist()]
        for name in opened.headers
    }
    assert [*whole] == opened.headers
    assert whole == streamed
    return whole


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (pd.Index(["a", "b", "c"], name="Influencer_ID"), {"Influencer_ID": ["a", "b", "c"]}),
        (pd.RangeIndex(1001, 1007, 2, name="Influencer_ID"), {"Influencer_ID": [1001, 1003, 1005]}),
        (pd.RangeIndex(3), {}),
        (pd.RangeIndex(1001, 1004), {}),
        (pd.Index([9, 4, 1]), {}),  # what is left after rows were filtered
        (
            pd.MultiIndex.from_arrays([[1, 1, 2], ["x", "y", "z"]], names=["team", "id"]),
            {"team": [1, 1, 2], "id": ["x", "y", "z"]},
        ),
    ],
)
def test_an_index_with_a_name_is_a_column_for_study_and_score(tmp_path, index, expected):
    FRAME.set_axis(index, axis=0).to_parquet(tmp_path / "a.parquet")
    assert both_doors(tmp_path / "a.parquet") == expected | {"Followers": [5, 6, 7]}


def test_a_counted_index_goes_on_over_row_groups(tmp_path):
    frame = pd.DataFrame({"Followers": range(5)}, index=pd.RangeIndex(10, 15, name="id"))
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "a.parquet", row_group_size=2)
    for headers in (["id", "Followers"], ["id"]):
        late = [*open_stream(tmp_path / "a.parquet", row_groups=(1, 3)).chunks(headers)]
        assert [row for chunk in late for row in chunk.rows] == [3, 4, 5]
        assert [one for chunk in late for one in chunk.cells["id"].to_pylist()] == [12, 13, 14]


def test_notes_of_pandas_that_make_no_sense_are_no_index(tmp_path):
    for note in (b"{", b"[]", b'{"columns": 3}', b'{"columns": [], "index_columns": [{}]}'):
        table = pa.table({"a": [1]}).replace_schema_metadata({b"pandas": note})
        pq.write_table(table, tmp_path / "a.parquet")
        assert both_doors(tmp_path / "a.parquet") == {"a": [1]}


def test_columns_keep_their_types(tmp_path):
    table = pa.table(
        {
            "bytes": pa.array([b"x", None]),
            "bool": pa.array([True, None]),
            "level": pa.array(["a", "b"]).dictionary_encode(),
            "decimal": pa.array([decimal.Decimal("1.50"), None]),
            "date": pa.array([1, None], pa.date32()),
            "list": pa.array([["x"], None]),
            "int": pa.array([2**63 - 1, None]),
            "text": pa.array(["", "x"]),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    raw = read_source(tmp_path / "a.parquet", Ledger())
    assert raw.cells.schema.remove_metadata() == table.schema
    assert raw.cells.to_pydict() == table.to_pydict()
    assert raw.frame["int"].tolist()[0] == 2**63 - 1


def test_the_frame_is_what_pandas_reads(tmp_path):
    frame = pd.DataFrame(
        {
            "n": [1, 2], "x": [0.5, None], "s": ["a", None], "b": [True, False],
            "when": pd.to_datetime(["2026-01-01", None]),
        }
    )  # fmt: skip
    frame.to_parquet(tmp_path / "a.parquet")
    read = read_source(tmp_path / "a.parquet", Ledger()).frame
    assert read["b"].tolist() == ["True", "False"]
    read = read.reset_index(drop=True)
    pd.testing.assert_frame_equal(
        read.drop(columns="b"), frame.drop(columns="b"), check_dtype=False
    )


def test_text_of_any_arrow_kind_can_be_blank(tmp_path):
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        table = pa.table({"a": pa.array(["x", " ", None], kind), "b": [1.0, float("nan"), 2.0]})
        pq.write_table(table, tmp_path / "a.parquet")
        opened = open_stream(tmp_path / "a.parquet")
        assert [chunk.rows.tolist() for chunk in opened.chunks(["a"])] == [[1, 3]]
        assert opened.blank == [2]


def test_polars_writes_the_same(tmp_path):
    pl.DataFrame({"id": [1, None], "a": ["x", "y"]}).write_parquet(tmp_path / "a.parquet")
    assert both_doors(tmp_path / "a.parquet") == {"id": [1, None], "a": ["x", "y"]}


def test_two_columns_of_one_name_are_refused(tmp_path):
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), tmp_path / "a.parquet")
    for door in (open_stream, lambda path: read_source(path, Ledger())):
        with pytest.raises(InputError, match="two columns are called 'a'"):
            door(tmp_path / "a.parquet")


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_text_is_read_in_each_encoding_of_parquet(tmp_path, encoding):
    """Writers of the format's second version fall back to these; Arrow makes them no dictionary."""
    words = ["@ann", "@ann", None, "@bo"]
    pq.write_table(
        pa.table({"Handle": words, "n": [1, 2, 3, 4]}), tmp_path / "a.parquet",
        use_dictionary=False, column_encoding={"Handle": encoding},
    )  # fmt: skip
    assert both_doors(tmp_path / "a.parquet")["Handle"] == words


def test_a_row_group_without_rows_is_read(tmp_path):
    table = pa.table({"Handle": ["@ann"]})
    with pq.ParquetWriter(tmp_path / "a.parquet", table.schema) as writer:
        for rows in (0, 1, 0):
            writer.write_table(table.slice(0, rows))
    assert both_doors(tmp_path / "a.parquet") == {"Handle": ["@ann"]}
    late = open_stream(tmp_path / "a.parquet", row_groups=(2, 3))
    assert [*late.chunks(["Handle"])] == []


def test_a_chunk_holds_no_texts_of_the_rows_before_it(tmp_path):
    """A row group's dictionary grows while it is read: 5 bytes an index, 12 a text are its own."""
    n = 150_000
    table = pa.table(
        {
            "Handle": [f"@{at:07}" for at in range(n)],
            "Country": pa.array(["Germany", "France"] * (n // 2)),
            "Notes": pa.array(["x" * 100, "y" * 100] * (n // 2)),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    opened = open_stream(tmp_path / "a.parquet")
    last = None
    for chunk in opened.chunks(opened.headers):
        assert chunk.cells["Handle"].nbytes < 13 * len(chunk.rows)
        assert chunk.cells["Country"].nbytes < 5 * len(chunk.rows)
        assert chunk.cells["Notes"].nbytes < 5 * len(chunk.rows) + 210
        last = chunk
    assert last.cells["Handle"][-1].as_py() == f"@{n - 1:07}"
    assert last.cells["Notes"][-1].as_py() == "y" * 100


def test_columns_whose_cells_differ_are_written_without_a_dictionary(tmp_path):
    schema = pa.schema(
        [pa.field("Handle", pa.string(), metadata={DISTINCT_FIELD: b""}), ("Country", pa.string())]
    )
    with open_sink(tmp_path / "a.parquet", ".parquet", schema, {}) as sink:
        sink.write(pa.record_batch([["@ann", "@bo"], ["Peru", "Peru"]], schema=schema))
    group = pq.read_metadata(tmp_path / "a.parquet").row_group(0)
    assert [group.column(at).has_dictionary_page for at in range(2)] == [False, True]
