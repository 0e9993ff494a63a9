"""JSON, compressed files, archives and Arrow files as tables."""

from __future__ import annotations

import gzip
import json
import zipfile

import pyarrow as pa
import pytest

from durhampulse.exceptions import InputError
from durhampulse.files import bounds
from durhampulse.files.cage import Cage
from durhampulse.files.options import TableOptions
from durhampulse.files.stream import open_stream
from durhampulse.files.tables import read_source
from durhampulse.irregularities import Ledger


def read(path, **options):
    """Cells row by row and codes of the whole table, once a stream has given the same."""
    ledger, asked = Ledger(), TableOptions(**options)
    raw = read_source(path, ledger, asked)
    stream = open_stream(path, asked)
    chunks = [*stream.chunks(stream.headers)]
    assert [row for chunk in chunks for row in chunk.rows.tolist()] == raw.rows.tolist()
    cells = raw.cells.to_pylist()
    assert [
        row for c in chunks for row in pa.table(c.cells).select([*cells[0]]).to_pylist()
    ] == cells
    return cells, [*ledger.frame()["code"]]


def test_values_of_json_stay_as_they_are_written(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(
        '[{"id": 9007199254740993, "rate": 0.10, "live": true, "name": "Zo\\u00eb", "x": null},'
        ' {"id": "007", "rate": 1e-2, "live": false, "name": "", "late": -1.50}]'
    )
    cells, codes = read(path)
    assert cells == [
        {
            "id": "9007199254740993",
            "rate": "0.10",
            "live": "True",
            "name": "Zoë",
            "x": None,
            "late": None,
        },
        {"id": "007", "rate": "1e-2", "live": "False", "name": None, "x": None, "late": "-1.50"},
    ]
    assert codes == []


LINES = '{"id": "a", "stats": {"followers": 12, "by": {"m": 1}}, "tags": ["x", "y"]}\n\n{"id": "b", "tags": "z"}\n'


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json", "a.jsonl.gz"])
def test_objects_within_objects_are_flattened_once(tmp_path, name):
    data = LINES.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    cells, codes = read(tmp_path / name)
    assert cells == [
        {"id": "a", "stats.followers": "12", "tags": None},
        {"id": "b", "stats.followers": None, "tags": "z"},
    ]
    assert codes == ["nested", "nested"]


def test_object_around_one_list_is_a_table(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"total": 1, "tags": ["x"], "data": [{"id": 1}]}))
    assert read(path)[0] == [{"id": "1"}]
    for value in ({"a": [{"id": 1}], "b": [{"id": 2}]}, {"id": 1}, 7, {"a": []}):
        path.write_text(json.dumps(value))
        with pytest.raises(InputError, match="neither an array of objects"):
            read(path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"a": 1, "a": 2}', "the key 'a' comes twice"),
        ('{"a": {"b": 1}, "a.b": 2}', "the key 'a.b' comes twice"),
        ("[1, 2]", "this is no object"),
        ('{"a": 1', "not JSON"),
        ('{"a":' * 100_000, "too deeply nested"),
    ],
)
def test_broken_line_is_named(tmp_path, line, words):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"a": 0}}\n{line}\n{{"a": 3}}\n')
    with pytest.raises(InputError, match=f"line 2: {words}"):
        read_source(path, Ledger())
    (chunk,) = open_stream(path).chunks(["a"])
    assert (chunk.rows.tolist(), chunk.cells["a"].to_pylist()) == ([1, 3], ["0", "3"])
    assert [(row, words in why) for row, why in chunk.misshapen] == [(2, True)]


def test_half_a_surrogate_pair_is_no_letter(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"a": "x\\ud83d"}\n')
    assert read(tmp_path / "a.jsonl")[0] == [{"a": "x?"}]


TABLE = "id,Name\n1,Zoé\n2,Anna\n"
CELLS = [{"id": "1", "Name": "Zoé"}, {"id": "2", "Name": "Anna"}]


def test_compressed_text_is_read_like_text(tmp_path):
    parts = gzip.compress(TABLE[:12].encode()) + gzip.compress(TABLE[12:].encode())
    for name, data in (
        ("a.csv.gz", gzip.compress(TABLE.encode())),
        ("b.csv.gz", parts),  # several members, as bgzip and log writers leave them
        ("c.tsv.gz", gzip.compress(TABLE.replace(",", "\t").encode("utf-16"))),
    ):
        (tmp_path / name).write_bytes(data)
        assert read(tmp_path / name)[0] == CELLS


def test_damaged_or_swollen_gzip_is_refused(tmp_path):
    whole = gzip.compress(TABLE.encode() * 1_000)
    for data in (whole[:-20], b"\x1f\x8b" + b"x" * 50, TABLE.encode()):
        (tmp_path / "a.csv.gz").write_bytes(data)
        with pytest.raises(InputError, match="damaged, it cannot be unpacked"):
            read_source(tmp_path / "a.csv.gz", Ledger())


def test_gzip_that_swells_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "_MODERATE", 1 << 20)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"id,Name\n" + b"1,aaaaaaa\n" * 1_000_000))
    with pytest.raises(InputError, match="more than 200 times its size"):
        read_source(path, Ledger())
    monkeypatch.setattr(bounds, "_MOST_TIMES", 10_000)
    stream = open_stream(path)
    monkeypatch.setattr(bounds, "_MOST_TIMES", 100)
    with pytest.raises(InputError, match="more than 100 times its size"):
        [*stream.chunks(["id"])]


def archive(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, data in members.items():
            book.writestr(name.replace("_", "."), data)
    return path


def test_archive_of_one_table_is_read(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("../../out/creators.csv", TABLE)  # a name is never a path
        book.writestr("__MACOSX/._creators.csv", "x")
        book.writestr("out/.DS_Store", "x")
    assert read(path)[0] == CELLS
    assert not [*tmp_path.parent.parent.glob("out")]


@pytest.mark.parametrize("beside", ["README.txt", "terms.pdf", "docs/about.csv"])
@pytest.mark.parametrize("caged", [False, True])
def test_archive_of_a_table_and_what_is_none_says_which_it_reads(tmp_path, beside, caged):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(beside, "Exported today\n")
        book.writestr("out/creators.csv", TABLE)
    with Cage() as cage:
        stream = open_stream(path, cage=cage if caged else None)
        for notes in (stream.notes, [*stream.chunks(["id"])] and stream.notes):
            assert notes == [f"a.zip: 'out/creators.csv' is read of the archive, not '{beside}'"]


def test_archive_of_anything_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "_MODERATE", 1 << 20)
    path = tmp_path / "a.zip"
    for members, words in (
        ({"a_csv": TABLE, "b_csv": TABLE}, "holds 2 files: 'a.csv', 'b.csv'"),
        ({}, "holds 0 files"),
        ({"a_exe": TABLE}, "'.exe' is not a known format"),
        ({"a_zip": TABLE}, "holds another archive"),
        ({"a_csv": "a,b\n" + "1,2\n" * 1_000_000}, "more than 200 times its size"),
    ):
        archive(path, **members)
        with pytest.raises(InputError, match=words):
            open_stream(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="not a readable archive"):
        open_stream(path)


@pytest.mark.parametrize("write", [pa.ipc.new_file, pa.ipc.new_stream])
@pytest.mark.parametrize("compression", [None, "zstd"])
def test_arrow_files_and_streams_are_read(tmp_path, write, compression):
    table = pa.table(
        {
            "id": pa.array([9007199254740993, 2], pa.int64()),
            "niche": pa.array(["Tech", None]).dictionary_encode(),
            "note": pa.array(["a", "b"], pa.string_view()),
        }
    )
    options = pa.ipc.IpcWriteOptions(compression=compression)
    for name in ("a.arrow", "a.feather"):
        with write(str(tmp_path / name), table.schema, options=options) as writer:
            writer.write_table(table, 1)
        cells, _ = read(tmp_path / name)
        assert cells == [
            {"id": 9007199254740993, "niche": "Tech", "note": "a"},
            {"id": 2, "niche": None, "note": "b"},
        ]


def test_damaged_arrow_file_is_refused(tmp_path):
    path = tmp_path / "a.arrow"
    table = pa.table({"name": ["x" * 100] * 500})
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)
    whole = path.read_bytes()
    bad = whole.replace(b"\x64\x00\x00\x00\xc8\x00\x00\x00", b"\xff\xff\xff\x7f\xc8\x00\x00\x00", 1)
    for data in (whole[:-50], b"ARROW1" + b"x" * 50, b"FEA1" + b"x" * 50, bad):
        path.write_bytes(data)
        with pytest.raises(InputError, match="not a readable Arrow file"):
            read_source(path, Ledger())


def test_options_of_other_kinds_of_files_are_refused(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n')
    pa.ipc.new_file(str(tmp_path / "a.arrow"), pa.schema([("a", pa.int64())])).close()
    with pytest.raises(InputError, match="only a text file has an encoding"):
        open_stream(tmp_path / "a.arrow", TableOptions(encoding="utf-8"))
    for name in ("a.jsonl", "a.arrow"):
        with pytest.raises(InputError, match="its columns have their names"):
            open_stream(tmp_path / name, TableOptions(header_row=2))
