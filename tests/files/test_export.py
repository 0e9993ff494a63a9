"""Files written: whole or not at all, where a link leads, and readable by whom they were."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from decimal import Decimal

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from durhampulse.exceptions import InputError, OutputError
from durhampulse.files import sheets
from durhampulse.files.export import check_output, open_sink, replacing, write_xlsx
from durhampulse.files.formats import FORMATS, READABLE, WRITABLE, listed
from durhampulse.files.options import TableOptions
from durhampulse.files.stream import open_stream
from durhampulse.files.tables import read_source
from durhampulse.irregularities import Ledger
from tests.environment import without

SCHEMA = pa.schema([("Influencer ID", pa.string()), ("Follower Count", pa.int64())])
BATCH = pa.record_batch([["=x", "https://x.example", None], [1, 2, None]], schema=SCHEMA)


def write(path, suffix, batch=BATCH, provenance=None):
    with open_sink(path, suffix, batch.schema, provenance or {}) as sink:
        sink.write(batch)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("suffix", WRITABLE)
def test_what_is_written_in_any_format_is_read_back(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    ids = pa.record_batch([["x", "y"], [1, 2]], schema=SCHEMA)
    write(path, suffix, ids)
    cells = read_source(path, Ledger()).cells.to_pydict()
    assert cells["Influencer ID"] == ["x", "y"]
    assert [int(n) for n in cells["Follower Count"]] == [1, 2]


def test_the_formats_that_are_read_and_written():
    assert set(READABLE) >= {".csv", ".tsv", ".txt", ".xlsx", ".parquet", ".pq"}
    assert set(WRITABLE) >= {".csv", ".tsv", ".xlsx", ".parquet"}
    assert listed(("a", "b", "c")) == "a, b or c"
    assert FORMATS[".csv"].media_type == "text/csv"


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "shared").mkdir()
    target, link = tmp_path / "shared" / "scored.csv", tmp_path / "link.csv"
    target.write_text("old")
    link.symlink_to(target)
    check_output(link)
    with replacing(link) as (part,):
        part.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert [path.name for path in target.parent.iterdir()] == ["scored.csv"]
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    with pytest.raises(OutputError):
        check_output(loop)


def test_a_replaced_file_keeps_its_mode_and_lends_it_to_those_beside_it(tmp_path):
    out, note = tmp_path / "a.csv", tmp_path / "a.csv.provenance.json"
    out.touch(mode=0o600)
    with replacing(out, note) as parts:
        assert [mode_of(part) for part in parts] == [0o600, 0o600]
        for part in parts:
            part.write_text("new")
    assert (mode_of(out), mode_of(note)) == (0o600, 0o600)
    note.chmod(0o640)
    with replacing(out, note):
        pass
    assert (mode_of(out), mode_of(note)) == (0o600, 0o640)


def test_a_new_file_follows_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "a.csv"):
            pass
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "a.csv") == 0o640


def test_an_error_names_the_table_and_leaves_nothing(tmp_path):
    out, note = tmp_path / "a.xlsx", tmp_path / "a.xlsx.provenance.json"
    out.write_text("old")

    def fill():
        with replacing(out, note):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError) as caught:
        fill()
    assert caught.value.problem == f"{out}: No space left on device."
    assert "Make room" in caught.value.way_out
    assert [path.name for path in tmp_path.iterdir()] == ["a.xlsx"]
    assert out.read_text() == "old"


FULL_DISK = """
import resource, sys, signal
from pathlib import Path
import pyarrow as pa
from durhampulse.exceptions import OutputError
from durhampulse.files.export import open_sink, replacing
from durhampulse.files.formats import suffix_of

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
rows = [str(i) * 40 for i in range(3_000)]
batch = pa.record_batch({"a": pa.array(rows), "n": pa.array(range(3_000))})
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for out in map(Path, sys.argv[1:]):
    try:
        with replacing(out) as (part,), open_sink(part, suffix_of(out), batch.schema, {}) as sink:
            for _ in range(5):
                sink.write(batch)
    except OutputError as error:
        print(error.problem)
"""


def test_a_disk_that_fills_up_gets_one_message(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "tmp").mkdir()
    outs = [tmp_path / "out" / f"a{suffix}" for suffix in WRITABLE]
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", FULL_DISK, *map(str, outs)],
        capture_output=True,
        text=True,
        env=without("COVERAGE") | {"TMPDIR": str(tmp_path / "tmp")},
        check=True,
    )
    for out, line in zip(outs, done.stdout.splitlines(), strict=True):
        assert line.startswith(f"{out}: ")
        assert "File too large" in line
    assert "Exception ignored" not in done.stderr
    assert "Traceback" not in done.stderr
    assert [*(tmp_path / "out").iterdir(), *(tmp_path / "tmp").iterdir()] == []


def test_a_workbook_holds_text_as_text_and_numbers_as_numbers(tmp_path):
    batch = pa.record_batch(
        {
            "Influencer ID": pa.array(["=1+1", "https://x.example", "007", "_x0041_", "a\nb", ""]),
            "Follower Count": pa.array([85_000, None, 0, 1, 2, 3]),
            "long": pa.array([10**15 - 1, 10**15, 2**63 - 1, 1, 2, 3]),
            "share": pa.array([0.5, float("nan"), float("inf"), 1e300, 0.0, -1.0]),
            "yes": pa.array([True, None, False, True, True, True]),
            "day": pa.array(pd.to_datetime(["2026-03-01 05:06"] * 6)),
            "list": pa.array([[1]] * 6),
            "money": pa.array([Decimal("1.50")] * 6),
        }
    )
    write(tmp_path / "a.xlsx", ".xlsx", batch, {"model": "=m", "yes_at": 0.8, "all": [1]})
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    columns = [[cell.value for cell in column][1:] for column in book["Decisions"].columns]
    # openpyxl leaves the escape of "_x0041_" as it stands in the file
    assert columns[0] == ["=1+1", "https://x.example", "007", "_x005F_x0041_", "a\nb", ""]
    read = read_source(tmp_path / "a.xlsx", Ledger()).cells["Influencer ID"].to_pylist()
    assert read == ["=1+1", "https://x.example", "007", "_x0041_", "a\nb", None]
    assert columns[1] == [85_000, None, 0, 1, 2, 3]
    assert columns[2] == [10**15 - 1, str(10**15), str(2**63 - 1), 1, 2, 3]
    assert columns[3] == [0.5, None, "inf", 1e300, 0, -1]
    assert columns[4] == [True, None, False, True, True, True]
    assert columns[5][0].isoformat() == "2026-03-01T05:06:00"
    assert (columns[6][0], columns[7][0]) == ("[1]", "1.50")
    sheet = book["Decisions"]
    assert {cell.data_type for cell in sheet["A"] if cell.value} == {"s"}
    assert sheet["B2"].number_format == "#,##0"
    assert sheet["A1"].font.b
    assert sheet.freeze_panes == "A2"
    assert [*book["Provenance"].values] == [("model", "=m"), ("yes_at", 0.8), ("all", "[1]")]


def test_text_too_long_for_a_cell_is_cut_visibly(tmp_path):
    batch = pa.record_batch({"a": pa.array(["x" * 40_000])})
    write(tmp_path / "a.xlsx", ".xlsx", batch)
    value = openpyxl.load_workbook(tmp_path / "a.xlsx")["Decisions"]["A2"].value
    assert value == "x" * 32_766 + "…"


def test_more_rows_than_a_sheet_holds_leave_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "_MOST_ROWS", 2)
    with pytest.raises(InputError, match="holds 2 rows"):
        write(tmp_path / "a.xlsx", ".xlsx")
    assert [*tmp_path.iterdir()] == []


def test_a_frame_becomes_a_workbook(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": ["=x", None], "c": np.float32([0.5, np.nan])})
    write_xlsx(frame, tmp_path / "a.xlsx", {"n": np.int64(3)})
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert [*book["Decisions"].values] == [("a", "b", "c"), (1, "=x", 0.5), (2, None, None)]
    assert [*book["Provenance"].values] == [("n", 3)]


def test_provenance_goes_into_parquet(tmp_path):
    write(tmp_path / "a.parquet", ".parquet", provenance={"model": "m", "yes_at": 0.8})
    metadata = pq.read_metadata(tmp_path / "a.parquet").metadata
    assert (metadata[b"model"], json.loads(metadata[b"yes_at"])) == (b"m", 0.8)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("file:///data/x.csv", "Write /data/x.csv"),
        ("https://x.example/x.csv", "Download the file"),
        ("HTTP://x.example/x.csv", "Download the file"),
    ],
)
def test_addresses_say_what_can_be_done_with_them(address, words):
    for door in (open_stream, lambda source: read_source(source, Ledger())):
        with pytest.raises(InputError) as caught:
            door(address)
        assert words in caught.value.way_out


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://me:geheim@localhost/db", "pip install 'mysqlclient'"),
        ("mysql+pymysql://localhost/db", "pip install 'pymysql'"),
        ("oracle://localhost/db", "pip install"),
        ("snowflake://localhost/db", "brings SQLAlchemy's 'snowflake'"),
    ],
)
def test_a_missing_driver_is_named_with_what_to_install(address, words):
    with pytest.raises(InputError) as caught:
        read_source(address, Ledger(), TableOptions(table="creators"))
    assert words in caught.value.way_out
    assert "is not installed" in caught.value.problem
    assert "geheim" not in str(caught.value)


def test_a_database_keeps_its_types(tmp_path):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    address = f"sqlite:///{tmp_path}/a.db"
    engine = sqlalchemy.create_engine(address)
    with engine.begin() as db:
        db.exec_driver_sql("create table t (id text, n integer, x real, odd)")
        db.exec_driver_sql(
            "insert into t values ('a', 9007199254740993, .5, 1), ('b', null, 2, 'x')"
        )
        db.exec_driver_sql("insert into t values (null, null, null, ' ')")
    engine.dispose()
    ledger = Ledger()
    raw = read_source(address, ledger, TableOptions(table="t"))
    assert raw.rows.tolist() == [1, 2]
    assert raw.cells.to_pydict() == {
        "id": ["a", "b"], "n": [2**53 + 1, None], "x": [0.5, 2.0], "odd": ["1", "x"],
    }  # fmt: skip
    assert ledger.frame()["code"].tolist() == ["blank-row"]
