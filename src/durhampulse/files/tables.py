"""Files and databases to one raw table: all cells as found, headers as written."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from durhampulse.exceptions import InputError
from durhampulse.files.databases import is_database, read_rows
from durhampulse.files.workbooks import quoted, read_sheet
from durhampulse.irregularities import Irregularity, Ledger

__all__ = [
    "RawTable", "delimited_error", "dialect", "read_source", "require_file", "sniff_encoding",
    "unique_headers",
]  # fmt: skip


_FORMATS = ".csv, .tsv, .txt, .xlsx, .parquet"
_LONGEST_LINE = 16 << 20
_HEAD = 1 << 20


@dataclass(frozen=True)
class RawTable:
    """What a source holds, before anything is read into it.

    Attributes
    ----------
    frame
        The cells; text, or numbers where the source is typed. The index is the row number.
    name
        The source's name without folder or password.
    sha256
        Hash of the file, or of the cells of a database table.
    simulated
        Whether the source says of itself that it is simulated.
    """

    frame: pd.DataFrame
    name: str
    sha256: str
    simulated: bool = False

    @property
    def cells(self) -> pa.Table:
        """The cells as Arrow."""
        return pa.table(
            {name: pa.array(column, from_pandas=True) for name, column in self.frame.items()}
        )

    @property
    def rows(self) -> np.ndarray:
        return self.frame.index.to_numpy(np.int64)


def read_source(
    source: str | Path, ledger: Ledger, *, table: str | None = None, query: str | None = None
) -> RawTable:
    """Read a file by its ending, or a database by its address.

    Raises
    ------
    InputError
        If there is nothing to read, or it is not the kind of table its name promises.
    """
    if is_database(source):
        frame = read_rows(str(source), table=table, query=query)
        content = pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()
        frame = _without_blank_rows(_as_text(_numbered(frame, ledger)), ledger)
        return RawTable(frame, table or "query", hashlib.sha256(content).hexdigest())
    path = Path(source)
    require_file(path)
    suffix = path.suffix.lower()
    if query is not None or (table is not None and suffix != ".xlsx"):
        raise InputError(
            f"{path.name}: a file has no query, and only a workbook has tables.", "Leave them out."
        )
    if suffix in (".csv", ".tsv", ".txt"):
        frame = _read_delimited(path, ledger)
    elif suffix == ".xlsx":
        frame = _read_excel(path, ledger, table)
    elif suffix in (".parquet", ".pq"):
        frame = _read_parquet(path, ledger)
    else:
        raise InputError(f"{path.name}: '{suffix}' is not a known format.", f"Use {_FORMATS}.")
    frame = _without_blank_rows(frame, ledger)
    if frame.empty:
        raise InputError(f"{path.name}: there is a header, but no row.", "Add creators' rows.")
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return RawTable(frame, path.name, sha256, _says_simulated(path, sha256))


def require_file(path: Path) -> None:
    """Raise unless there is a file to read."""
    try:
        exists = path.exists()
    except OSError as error:
        raise InputError(f"{str(path)[:80]}: {error.strerror}.", "Check the path.") from error
    if not exists:
        raise InputError(f"{path}: no such file.", "Check the path.")
    if not path.is_file():
        raise InputError(f"{path}: not a file.", f"Name one file ({_FORMATS}).")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: no permission to read it.", "Ask its owner for access.")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name}: the file is empty.", "Export the table again.")


def _says_simulated(path: Path, sha256: str) -> bool:
    """Read the note beside the file; it counts only while the file is the one it speaks of."""
    note = path.with_name(path.name + ".provenance.json")
    try:
        said = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and said.get("simulated") is True and said.get("sha256") == sha256


def _read_delimited(path: Path, ledger: Ledger) -> pd.DataFrame:
    encoding = sniff_encoding(path)
    if encoding != "utf-8":
        ledger.note(Irregularity.ENCODING, "", 1, f"read as {encoding}")
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    return _with_headers(_parse_delimited(path, head, encoding), path.name, ledger)


def sniff_encoding(path: Path, most: int | None = None) -> str:
    """Give the first encoding that fits the whole file, or its first `most` bytes."""
    with path.open("rb") as stream:
        start = stream.read(2)
    if start in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    decoders = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8", "cp1252")}
    with path.open("rb") as stream:
        while (most is None or stream.tell() < most) and (block := stream.read(_HEAD)):
            if b"\0" in block:
                raise InputError(
                    f"{path.name}: this is not text, whatever its ending says.",
                    "Save the table as CSV, .xlsx or .parquet and give it that ending.",
                )
            for name in list(decoders):
                try:
                    decoders[name].decode(block)
                except UnicodeDecodeError:
                    del decoders[name]
    return next(iter(decoders), "latin-1")


def _parse_delimited(path: Path, head: bytes, encoding: str) -> pd.DataFrame:
    text = head.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="ignore")
    delimiter, header = dialect(path, text)
    bad: list[pa_csv.InvalidRow] = []

    def keep(row: pa_csv.InvalidRow) -> str:
        bad.append(row)
        return "error"

    try:
        table = pa_csv.read_csv(
            path,
            pa_csv.ReadOptions(
                use_threads=False,  # row numbers of bad rows are known only then
                block_size=_LONGEST_LINE,
                autogenerate_column_names=True,
                encoding="utf8" if encoding == "utf-8" else encoding,
            ),
            pa_csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,  # or later rows would be numbered wrongly
                invalid_row_handler=keep,
            ),
            pa_csv.ConvertOptions(
                column_types={f"f{i}": pa.string() for i in range(len(header))},
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except pa.ArrowInvalid as error:
        raise delimited_error(path.name, bad, str(error)) from error
    frame: pd.DataFrame = table.to_pandas()
    return frame


def dialect(path: Path, text: str) -> tuple[str, list[str]]:
    """Give the separator under which the header has most columns, and the header's cells."""
    if "\n" not in text and "\r" not in text and len(text) >= _HEAD // 4:
        raise InputError(
            f"{path.name}: the first line has no end within a megabyte.",
            "Check that this is a table with one creator a line.",
        )
    headers: dict[str, list[str]] = {}
    for delimiter in ",;\t|":
        try:
            cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
        except csv.Error as error:
            raise InputError(
                f"{path.name}: the header cannot be read ({error}).", "Check the first line."
            ) from error
        headers[delimiter] = [" ".join(cell.split()) for cell in cells]
    best = max(headers, key=lambda delimiter: len(headers[delimiter]))
    return best, headers[best]


def delimited_error(name: str, bad: list[pa_csv.InvalidRow], reason: str) -> InputError:
    """Say what is wrong with a delimited file, by its first bad row where one is known."""
    if bad:
        row = bad[0]
        return InputError(
            f"{name}, row {row.number}: {row.actual_columns} cells where the header has "
            f"{row.expected_columns}: {row.text[:80]!r}.",
            "A quote may be left open there."
            if row.text.count('"') % 2
            else "Quote cells that hold the separator, complete the row, or remove lines above "
            "the header.",
        )
    if "straddling" in reason:
        return InputError(
            f"{name}: a line is longer than {_LONGEST_LINE >> 20} MB, or a quote is never closed.",
            "Check that this is a table with one creator a line.",
        )
    return InputError(f"{name}: not a readable table ({reason}).", "Export it again as CSV.")


def _with_headers(cells: pd.DataFrame, name: str, ledger: Ledger) -> pd.DataFrame:
    """Take the first row as headers; the rows below are numbered as a spreadsheet numbers them."""
    headers = ["" if pd.isna(cell) else " ".join(str(cell).split()) for cell in cells.iloc[0]]
    frame = cells.iloc[1:].copy()
    frame.index = pd.RangeIndex(2, len(cells) + 1, name="row")
    frame.columns = pd.Index(unique_headers(headers, ledger))
    unnamed = [c for c, header in zip(frame.columns, headers, strict=True) if not header]
    frame = frame.drop(columns=[c for c in unnamed if frame[c].isna().all()])
    if frame.shape[1] == 0:
        raise InputError(f"{name}: the header names no column.", "Add a header line.")
    return frame


def _without_blank_rows(frame: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    filled = np.zeros(len(frame), dtype=bool)
    for name in frame.columns:
        column = frame[name]
        here = column.notna().to_numpy(bool, copy=True)
        if not pd.api.types.is_numeric_dtype(column) and here.any():
            here &= ~column.astype("str").str.fullmatch(r"\s*").fillna(value=True).to_numpy(bool)
        filled |= here
    rows = list(frame.index[~filled])
    ledger.note(Irregularity.BLANK_ROW, "", len(rows), "dropped", rows=rows)
    return frame[filled]


def unique_headers(headers: Sequence[str], ledger: Ledger) -> list[str]:
    """Name columns without a header by their place, and later ones of one name apart."""
    seen: dict[str, int] = {}
    unique = []
    for position, header in enumerate(headers, start=1):
        base = header or f"column {position}"
        seen[base] = seen.get(base, 0) + 1
        unique.append(base if seen[base] == 1 else f"{base} ({seen[base]})")
        if seen[base] > 1:
            action = f"the later one is called '{unique[-1]}'"
            ledger.note(Irregularity.DUPLICATE_HEADER, base, 1, action)
    return unique


def _read_excel(path: Path, ledger: Ledger, table: str | None) -> pd.DataFrame:
    name, cells, others = read_sheet(path, table)
    elsewhere = quoted(others)
    if cells.empty:
        raise InputError(
            f"{path.name}: the sheet '{name}' is empty."
            + (f" There are cells in {elsewhere}." if others else ""),
            "Put the table there, or name its sheet: --table SHEET.",
        )
    action = f"'{name}' is read, these are not: {elsewhere}; --table SHEET reads another"
    ledger.note(Irregularity.OTHER_SHEETS, "", len(others), action)
    return _as_text(_with_headers(cells, path.name, ledger))


def _read_parquet(path: Path, ledger: Ledger) -> pd.DataFrame:
    try:
        # Whole numbers with gaps stay exact as objects; as floats long identifiers would not.
        frame = pq.ParquetFile(path).read().to_pandas(integer_object_nulls=True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise InputError(
            f"{path.name}: not a readable Parquet file ({str(error)[:120]}).", "Write it again."
        ) from error
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    return _as_text(_numbered(frame, ledger))


def _numbered(frame: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    headers = [" ".join(str(column).split()) for column in frame.columns]
    frame = frame.set_axis(unique_headers(headers, ledger), axis=1)
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="row"), axis=0)


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn what is neither a number nor a date into text."""
    columns = {}
    for name, column in frame.items():
        numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
        if numeric or pd.api.types.is_datetime64_any_dtype(column):
            columns[name] = column
        else:
            columns[name] = column.astype(object).map(str, na_action="ignore").astype("str")
    return pd.DataFrame(columns, index=frame.index)
