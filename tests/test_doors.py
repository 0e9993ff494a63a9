"""The contract between all ways in: one cell is one number, one level, one identifier, or none.

Each door takes a creator's cells as text, brings them into the form it reads, and gives what it
read of them: a number or level by column, None where it has none, and whether the row was refused.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import durhampulse as dp
from durhampulse.creators.block import Levels
from durhampulse.creators.framereader import FrameReader
from durhampulse.creators.frames import raw_cells
from durhampulse.creators.identifiers import canonical_identifier
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.reading import read_creators
from durhampulse.creators.records import RecordReader
from durhampulse.exceptions import InputError
from durhampulse.files.options import TableOptions
from durhampulse.files.tables import read_source
from durhampulse.irregularities import Ledger
from durhampulse.scoring.chunks import open_table, score_chunk, scored_schema
from tests.examples import examples
from tests.models import write_logistic

BASE = {
    "Influencer_ID": "7",
    "Followers": "12000",
    "Engagement_Rate": "0.034",
    "Growth_Rate": "0.011",
    "Niche": "Tech",
    "Video_Quality": "HD",
    "Avg_Views_per_Post": "3000",
    "Reach": "120",
    "Online": "5 years",
    "Team": "7",
}
NUMBERS = ("Followers", "Engagement_Rate", "Growth_Rate", "Avg_Views_per_Post", "Reach", "Online")
LEVELS = ("Niche", "Video_Quality", "Team")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doors")
    table = dp.simulate_market(400, seed=5).table
    rng = np.random.default_rng(0)
    table["Reach"] = rng.integers(50, 900, len(table))
    table["Online"] = [f"{n} year{'s' if n > 1 else ''}" for n in rng.integers(1, 9, len(table))]
    table["Team"] = pd.array(rng.choice([5, 7, 11], len(table)), "Int64")
    table["Team"] = table["Team"].astype("str")
    table["Team"] = table["Team"].where(table["Team"] != "11", "x11")
    table.to_csv(folder / "creators.csv", index=False)
    return write_logistic(folder / "creators.csv", folder / "model"), raw_cells(table)


def of_block(scorer, block, row=0):
    values = {}
    for column in (*NUMBERS, *LEVELS):
        cells = block.columns[column]
        if isinstance(cells, Levels):
            values[column] = cells.names[cells.codes[row]] if cells.codes[row] >= 0 else None
        else:
            values[column] = None if np.isnan(cells[row]) else float(cells[row])
    return values


def by_file(scorer, path):
    table = open_table(scorer, path, ReadOptions())
    (chunk,) = table.stream.chunks([*table.columns.values()])
    cells = {column: chunk.cells[header] for column, header in table.columns.items()}
    cells.pop("Influencer_ID")
    read = table.reader.read(cells)
    return None if read.unclear else of_block(scorer, read.block)


def delimited(separator, suffix):
    def door(scorer, _learned, row, folder):
        path = folder / f"one{suffix}"
        cells = ['"' + (row[name] or "").replace('"', '""') + '"' for name in row]
        path.write_text(separator.join(row) + "\n" + separator.join(cells) + "\n", "utf-8")
        return by_file(scorer, path)

    return door


def parquet(_kind):
    def door(scorer, _learned, row, folder):
        arrays = [pa.array([cell], pa.string()).cast(_kind) for cell in row.values()]
        pq.write_table(pa.table(arrays, names=[*row]), folder / "one.parquet")
        return by_file(scorer, folder / "one.parquet")

    return door


def packed(scorer, _learned, row, folder):
    lines = [
        ",".join('"' + (cell or "").replace('"', '""') + '"' for cell in line)
        for line in (row, row.values())
    ]
    (folder / "one.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return by_file(scorer, folder / "one.csv.gz")


def arrow_file(scorer, _learned, row, folder):
    arrays = [pa.array([cell], pa.string()).dictionary_encode() for cell in row.values()]
    table = pa.table(arrays, names=[*row])
    with pa.ipc.new_file(str(folder / "one.arrow"), table.schema) as writer:
        writer.write_table(table)
    return by_file(scorer, folder / "one.arrow")


def objects(suffix):
    def door(scorer, _learned, row, folder):
        path = folder / f"one{suffix}"
        path.write_text(json.dumps([row] if suffix == ".json" else row), "utf-8")
        return by_file(scorer, path)

    return door


def workbook(scorer, _learned, row, folder):
    pd.DataFrame([row]).to_excel(folder / "one.xlsx", index=False)
    return by_file(scorer, folder / "one.xlsx")


def database(scorer, _learned, row, folder):
    (folder / "one.db").unlink(missing_ok=True)
    with sqlite3.connect(folder / "one.db") as db:
        pd.DataFrame([row]).to_sql("creators", db, index=False)
    db.close()
    raw = read_source(f"sqlite:///{folder / 'one.db'}", Ledger(), TableOptions(table="creators"))
    return in_memory(scorer, raw.cells)


def in_memory(scorer, table):
    cells = scorer.read_table("the table", raw_cells(table))
    return None if cells.unclear else of_block(scorer, cells.block)


def record(scorer, _learned, row, _folder):
    block, errors = RecordReader(scorer.rules).read([row])
    return None if errors else of_block(scorer, block)


def estimator(_scorer, learned, row, _folder):
    reader = FrameReader(learned)
    frame = reader.read(raw_cells(pd.DataFrame([row], dtype="str")))
    values = {name: frame[name].iloc[0] for name in (*NUMBERS, *LEVELS)}
    return {name: None if pd.isna(value) else value for name, value in values.items()}


def stored(scorer, _learned, row, folder):
    """What the desk keeps of an import, read back."""
    staging = pytest.importorskip("durhampulse.desk.imports.staging")
    from durhampulse.desk.models.rules import stored_frame

    path = folder / "one.csv"
    cells = ['"' + (cell or "").replace('"', '""') + '"' for cell in row.values()]
    path.write_text(",".join(row) + "\n" + ",".join(cells) + "\n", "utf-8")
    table = open_table(scorer, path, ReadOptions())
    (chunk,) = table.stream.chunks([*table.columns.values()])
    scored = score_chunk(scorer, table, chunk, scored_schema(pa.string()))
    if scored.refused:
        return None
    rows = np.array([0])
    fees = staging.fees_of(scored, {}, rows)
    columns = staging.staged_columns(scored, {}, scored.batch["Influencer ID"], rows, fees)
    kept = SimpleNamespace(**{name: values[0] for name, values in columns.items()})
    frame = stored_frame(scorer, [kept])
    values = {name: frame[name].iloc[0] for name in (*NUMBERS, *LEVELS)}
    return {name: None if pd.isna(value) else value for name, value in values.items()}


def duckdb_relation(scorer, _learned, row, _folder):
    duckdb = pytest.importorskip("duckdb")
    frame = pd.DataFrame([row], dtype="str")  # noqa: F841 - DuckDB finds it by its name
    return in_memory(scorer, duckdb.sql("select * from frame"))


DOORS = {
    "csv": delimited(",", ".csv"),
    "tsv": delimited("\t", ".tsv"),
    "semicolons": delimited(";", ".csv"),
    "parquet": parquet(pa.string()),
    "parquet of bytes": parquet(pa.binary()),
    "packed csv": packed,
    "json file": objects(".json"),
    "json lines": objects(".jsonl"),
    "arrow file": arrow_file,
    "workbook": workbook,
    "database": database,
    "pandas": lambda scorer, _l, row, _f: in_memory(scorer, pd.DataFrame([row], dtype="str")),
    "pandas objects": lambda s, _l, row, _f: in_memory(s, pd.DataFrame([row], dtype=object)),
    "polars": lambda s, _l, row, _f: in_memory(
        s, pl.DataFrame([row], schema=dict.fromkeys(row, pl.String))
    ),
    "arrow": lambda s, _l, row, _f: in_memory(
        s, pa.table({k: pa.array([v], pa.string()) for k, v in row.items()})
    ),
    "duckdb": duckdb_relation,
    "json": record,
    "estimator": estimator,
    "desk": stored,
}


def through(doors, trained, row, folder):
    """What each door read of a row; None where the row or its table was refused."""
    answers = {}
    for name in doors:
        try:
            answers[name] = DOORS[name](*trained, row, folder)
        except InputError:
            answers[name] = None
    return answers


def assert_one_answer(answers, column):
    values = {
        name: answer[column]
        for name, answer in answers.items()
        if answer is not None and answer[column] is not None
    }
    assert len(set(values.values())) <= 1, f"{column}: {answers}"


ODD_NUMBERS = {
    "12000": 12_000, "12,000": 12_000, "12 000": 12_000, "12'000": 12_000, "1.2M": 1_200_000,
    "34.5K": 34_500, " 42 ": 42, "2.5": 2.5, "+7": 7, "1e3": 1_000, "1.234.567": 1_234_567,
    "12.000": None, "145.000": None, "abc": None, "N/A": None, "": None, "#VALOR!": None,
    "5%": None, "12,34,5": None, "-": None, "0x1A": None, "\u00a0900\u00a0": 900,
    "17 thousand": 17_000, "6.5\u4e07": 65_000, "15K+": 15_000, "3 lakh": 300_000,
    "12,34,567": 1_234_567, "10-20k": None, "3 mil": None, "3,4 mil": 3_400, "$900": None,
    "\u0661\u0662\u0663": 123, "ca. 4.2K": 4_200, "~4.2K": 4_200, "approx. 4,200": 4_200, "4,200 (est.)": 4_200,
    "ca. 4.200": None, ">10K": None, "<1K": None, "over 10K": None, "10K or more": None, "10K+": 10_000,
    "'12000": 12_000, "\u200b12,000": 12_000, "12000\ufeff": 12_000,
}  # fmt: skip
ODD_RATES = {
    "0.056": 0.056,
    "0,056": 0.056,
    "5.6%": 0.056,
    "5,6 %": 0.056,
    "+1.5%": 0.015,
    ".05": 0.05,
    "1e-2": 0.01,
    "n/a": None,
    "": None,
    "none": None,
    "high": None,
    "822%": 8.22,
    "~5%": 0.05,
    "ca. 5,6 %": 0.056,
    "<1%": None,
    "5-6%": None,
}
ODD_LEVELS = {
    "Tech": "Tech",
    "tech ": "Tech",
    "TECH": "Tech",
    "\uff34\uff45\uff43\uff48": "Tech",
    "Unheard of": "Unheard of",
    "N/A": None,
    "Brak danych": None,
    "\u041d\u0435 \u0443\u043a\u0430\u0437\u0430\u043d\u043e": None,
    "\u672a\u8a2d\u5b9a": None,
    "nicht angegeben": None,
    "": None,
    " ": None,
}


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        *(("Followers", cell, value) for cell, value in ODD_NUMBERS.items()),
        *(("Engagement_Rate", cell, value) for cell, value in ODD_RATES.items()),
        *(("Niche", cell, value) for cell, value in ODD_LEVELS.items()),
        ("Team", "7.0", "7"),
        ("Team", "x11", "x11"),
        ("Team", "X11 ", "x11"),
        ("Reach", "5,125", 5_125),
        ("Reach", "1.234", 1.234),
        ("Reach", "1,5", 1.5),
        ("Reach", "$1,840", 1_840),
        ("Reach", "1.200 \u20ac", 1_200),
        ("Reach", "1,2 Mio. \u20ac", 1_200_000),
        ("Reach", "10-20", None),
        ("Reach", "~10", 10),
        ("Reach", ">10", None),
        ("Online", "7 years", 7),
        ("Online", "1 YEAR", 1),
        ("Online", "7", 7),
        ("Online", "2,5 years", 2.5),
        ("Online", "ca. 3 years", 3),
        ("Online", "30 months", None),
        ("Online", "5-6 years", None),
        ("Video_Quality", "4k uhd", "4K"),
        ("Video_Quality", "1080P", "HD"),
    ],
)
def test_every_reader_parses_unusual_cell_alike(column, cell, expected, trained, tmp_path):
    answers = through(DOORS, trained, {**BASE, column: cell}, tmp_path)
    for name, answer in answers.items():
        value = None if answer is None else answer[column]
        if isinstance(expected, float):
            assert value == pytest.approx(expected, rel=1e-15), name
        else:
            assert value == expected, name


QUICK = (
    "csv",
    "parquet",
    "parquet of bytes",
    "pandas",
    "polars",
    "arrow",
    "json",
    "estimator",
    "desk",
)
WRITTEN = st.one_of(
    st.text("0123456789.,'-+%KkMmbn \u00a0", max_size=12),
    st.text(max_size=8),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**6), 10**9).map(str),
    st.integers(0, 10**9).map("{:,}".format),
    st.floats(0, 200).map("{:.1f}%".format),
    st.none(),
).filter(lambda cell: cell is None or not any(c in cell for c in '\0\r\n"'))


@examples(30)
@given(
    column=st.sampled_from(
        ["Followers", "Engagement_Rate", "Growth_Rate", "Reach", "Niche", "Team"]
    ),
    cell=WRITTEN,
)
def test_readers_agree_on_any_cell(column, cell, trained, tmp_path):
    try:
        str(cell).encode()
    except UnicodeEncodeError:
        return
    answers = through(QUICK, trained, {**BASE, column: cell}, tmp_path)
    for name in (*NUMBERS, *LEVELS):
        assert_one_answer(answers, name)


IDENTIFIERS = {
    "1001": "1001",
    "1001.0": "1001",
    " 1001": "1001",
    "'@lena": "@lena",
    "@lena": "@lena",
    "ABC": "ABC",
    "007": "007",
    "9007199254740993": "9007199254740993",
}


@pytest.mark.parametrize(("cell", "expected"), [*IDENTIFIERS.items()])
def test_every_reader_returns_same_identifier(cell, expected, trained, tmp_path):
    scorer, _ = trained
    row = {**BASE, "Influencer_ID": cell}
    path = tmp_path / "one.csv"
    path.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n", "utf-8")
    out = tmp_path / "scored.csv"
    from durhampulse.scoring.batch import score_files

    score_files(scorer, [path], out)
    scored = pd.read_csv(out, dtype="str")["Influencer ID"].map(canonical_identifier)
    study = read_creators(path).table["Influencer_ID"].astype("str")
    frame = scorer.score(pd.DataFrame([row], dtype="str"))["Influencer ID"].astype("str")
    records = RecordReader(scorer.rules).identifiers([row])
    assert [*scored, *study, *frame, *records.to_pylist()] == [expected] * 4


def test_frame_floats_and_bytes_match_file_levels(trained):
    scorer, _ = trained
    for team in (7, 7.0, b"7", "7", "7.0"):
        table = pa.table({**{k: [v] for k, v in BASE.items()}, "Team": pa.array([team])})
        assert in_memory(scorer, table)["Team"] == "7"
    mixed = pd.DataFrame(
        [{**BASE, "Followers": 12_000, "Team": 7.0}, {**BASE, "Followers": "1.2M"}]
    )
    cells = scorer.read_table("the table", raw_cells(mixed))
    assert cells.block.numbers("Followers").tolist() == [12_000, 1_200_000]


def test_truth_values_of_json_are_the_levels_of_a_file(tmp_path):
    table = dp.simulate_market(300, seed=5).table
    table["Verified"] = np.arange(300) % 3 == 0
    table.to_csv(tmp_path / "creators.csv", index=False)
    scorer = write_logistic(tmp_path / "creators.csv", tmp_path / "model")
    assert scorer.rules["Verified"].levels == ("False", "True")
    for value, level in ((True, "True"), (False, "False"), ("true", "True"), ("TRUE ", "True")):
        block, errors = RecordReader(scorer.rules).read([{"Followers": 5_000, "Verified": value}])
        assert (errors, block.columns["Verified"].names) == ({}, (level,))


def test_model_of_a_european_table_reads_a_creator_alone(tmp_path):
    """Two counts in thousands and commas in the rates: the model's own column is European."""
    table = dp.read_creators(dp.simulate_market(300, seed=5).table).table
    european = table.assign(
        Followers=table["Followers"].map("{:.0f}".format),
        Avg_Views_per_Post=table["Avg_Views_per_Post"].map("{:.0f}".format),
        Engagement_Rate=table["Engagement_Rate"].map(lambda x: f"{x:.4f}".replace(".", ",")),
        Growth_Rate=table["Growth_Rate"].map(lambda x: f"{x:.4f}".replace(".", ",")),
    ).replace("nan", "")
    european.iloc[0, european.columns.get_loc("Followers")] = "145.000"
    european.to_csv(tmp_path / "creators.csv", index=False, sep=";")
    scorer = write_logistic(tmp_path / "creators.csv", tmp_path / "model")
    assert scorer.rules["Followers"].decimal == ","
    block, errors = RecordReader(scorer.rules).read([{"Followers": "88.500", "Niche": "Tech"}])
    assert (errors, block.columns["Followers"].tolist()) == ({}, [88_500])
