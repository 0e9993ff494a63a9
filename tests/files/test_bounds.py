"""Damaged files are refused by their own checksums, and none may unpack to fill any memory."""

from __future__ import annotations

import random
import zipfile

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from durhampulse.exceptions import InputError
from durhampulse.files import bounds, extents
from durhampulse.files.export import open_sink
from durhampulse.files.stream import open_stream
from durhampulse.files.tables import read_source
from durhampulse.irregularities import Ledger
from durhampulse.market.sampling import write_market

MIB = 1 << 20


def stream_all(path):
    stream = open_stream(path)
    return [*stream.chunks(stream.headers)]


DOORS = [stream_all, lambda path: read_source(path, Ledger())]


def spans_of_pages(path):
    """First and past the last byte of each column's pages."""
    metadata = pq.read_metadata(path)
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(column)
            start = chunk.dictionary_page_offset or chunk.data_page_offset
            yield start, start + chunk.total_compressed_size


def flipped(path, bit, to):
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    to.write_bytes(content)
    return to


def test_a_bit_flipped_in_any_page_is_noticed(tmp_path):
    """Parquet's CRC-32 covers the bytes of a page, not its header or the footer."""
    whole = tmp_path / "whole.parquet"
    write_market(whole, 2_000, seed=1)
    expected = read_source(whole, Ledger()).cells
    rng = random.Random(5)
    for start, end in spans_of_pages(whole):
        for _ in range(4):
            bit = rng.randrange(8 * start, 8 * end)
            damaged = flipped(whole, bit, tmp_path / "damaged.parquet")
            for door in DOORS:
                try:
                    read = door(damaged)
                except InputError:
                    continue
                # It hit a part of the page's header that changes no cell.
                assert isinstance(read, list) or read.cells.equals(expected), bit


def test_what_is_written_carries_checksums(tmp_path):
    schema = pa.schema([("Influencer ID", pa.int64()), ("Predicted Sponsorship", pa.float64())])
    path = tmp_path / "out.parquet"
    with open_sink(path, ".parquet", schema, {}) as sink:
        sink.write(pa.record_batch([pa.array(range(1_000)), pa.array([0.5] * 1_000)], schema))
    (_, end), *_ = spans_of_pages(path)
    flipped(path, 8 * (end - 1), path)  # the last byte of a page is data
    with pytest.raises(InputError, match="could not verify page integrity"):
        stream_all(path)


@pytest.mark.parametrize("door", DOORS)
def test_a_dictionary_of_one_long_text_is_refused(tmp_path, door):
    """A file of 2 kB that is 5 GB when each of its rows holds the text."""
    for text in (pa.string(), pa.large_string(), pa.binary()):
        long = pa.DictionaryArray.from_arrays([0] * 5_000, pa.array(["x" * MIB], text))
        pq.write_table(
            pa.table({"Influencer_ID": range(5_000), "Notes": long}),
            tmp_path / "bomb.parquet", compression="zstd", store_schema=False,
        )  # fmt: skip
        with pytest.raises(InputError, match=r"'Notes': after row 0 a cell of 1,048,576 bytes"):
            door(tmp_path / "bomb.parquet")


@pytest.mark.parametrize("door", DOORS)
def test_a_file_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path, door):
    """5,000 rows of one text of 100,000 bytes are 500 MB."""
    long = pa.DictionaryArray.from_arrays([0] * 5_000, ["x" * 100_000])
    pq.write_table(pa.table({"Notes": long}), tmp_path / "a.parquet", compression="zstd")
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as file:
        writer = pa.ipc.new_file(file, pa.schema([("Notes", long.type)]))
        writer.write_batch(pa.record_batch({"Notes": long}))
        writer.close()
    for path in (tmp_path / "a.parquet", tmp_path / "a.arrow"):
        with pytest.raises(InputError, match="more than 200 times its size"):
            door(path)


def test_a_column_that_is_not_asked_for_is_not_read(tmp_path):
    long = pa.DictionaryArray.from_arrays([0] * 5_000, ["x" * MIB])
    pq.write_table(
        pa.table({"a": range(5_000), "Notes": long}), tmp_path / "a.parquet", compression="zstd"
    )
    (chunk,) = open_stream(tmp_path / "a.parquet").chunks(["a"])
    assert chunk.cells["a"].to_pylist() == [*range(5_000)]


@pytest.mark.parametrize("door", DOORS)
def test_a_name_that_is_no_text_is_refused(tmp_path, door):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"Followers": [1, 2]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"Followers", b"Follow\xff\xfe\xfd"))
    with pytest.raises(InputError, match=r"a\.parquet"):
        door(path)


@pytest.mark.parametrize("door", DOORS)
def test_text_that_is_not_utf8_is_refused(tmp_path, door):
    offsets, data = pa.array([0, 1], pa.int32()).buffers()[1], pa.py_buffer(b"\xff")
    words = pa.StringArray.from_buffers(1, offsets, data)
    schema = pa.schema([("Niche", pa.string())])
    with pa.ipc.new_file(str(tmp_path / "a.arrow"), schema) as writer:
        writer.write_batch(pa.record_batch({"Niche": words}))
    with pytest.raises(InputError, match=r"a\.arrow: not a readable Arrow file"):
        door(tmp_path / "a.arrow")


@pytest.mark.parametrize("door", DOORS)
def test_an_index_beyond_its_dictionary_is_refused(tmp_path, door):
    words = pa.DictionaryArray.from_arrays(pa.array([0, 7]), pa.array(["a"]), safe=False)
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as file:
        writer = pa.ipc.new_file(file, pa.schema([("Niche", words.type)]))
        writer.write_batch(pa.record_batch({"Niche": words}))
        writer.close()
    with pytest.raises(InputError, match=r"a\.arrow"):
        door(tmp_path / "a.arrow")


@pytest.mark.parametrize(
    ("rows", "problem"),
    [(3_000, "more than 200 times its size"), (300, "more than 200,000 cells are not read")],
)
def test_a_sheet_of_more_cells_than_any_list_has_is_refused(tmp_path, monkeypatch, rows, problem):
    """3 million cells in 60 kB, and 300,000 where 200,000 are allowed."""
    monkeypatch.setattr(bounds, "_MODERATE", 1 << 24)
    monkeypatch.setattr(extents, "_MOST_CELLS", 200_000)
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["Influencer_ID"])
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    row = b"<row>" + b"<c><v>1</v></c>" * 1_000 + b"</row>"
    parts[sheet] = parts[sheet].replace(b"</sheetData>", row * rows + b"</sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(InputError, match=problem):
        open_stream(path)
