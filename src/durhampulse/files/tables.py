"""Files and databases as whole tables: all cells as found, headers as written."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from durhampulse.deferred import pd
from durhampulse.exceptions import InputError
from durhampulse.files.blanks import blank_rows
from durhampulse.files.cage import Cage
from durhampulse.files.checks import require_local, require_path
from durhampulse.files.chunks import Stream
from durhampulse.files.databases import is_database, read_rows
from durhampulse.files.headers import tidy, unique_headers
from durhampulse.files.options import TableOptions
from durhampulse.files.places import copied, is_elsewhere
from durhampulse.files.stream import open_stream
from durhampulse.irregularities import Irregularity, Ledger

__all__ = ["RawTable", "look_over", "read_source", "table_of"]


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """What a source holds, before anything is read into it.

    Attributes
    ----------
    cells
        The cells, shape (n_rows, n_columns), under headers that differ. Text, null where a cell is
        empty, of text files and workbooks; each column's own type of Parquet and databases.
    rows
        Number of each row, as a spreadsheet counts for text and workbooks, else from 1; shape
        (n_rows,).
    name
        The source's name without folder or password.
    sha256
        Hash of the file, or of the cells of a database table.
    simulated
        Whether the source says of itself that it is simulated.
    notes
        What was not read of it, in words.
    outcomes
        Name and hash of the second file whose outcomes were joined to it; else none.
    """

    cells: pa.Table
    rows: npt.NDArray[np.int64]
    name: str
    sha256: str
    simulated: bool = False
    notes: tuple[str, ...] = ()
    outcomes: tuple[str, str] | None = None

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The cells as pandas has them: text, numbers, times; the index is the row number."""
        columns = {
            name: _as_pandas(column)
            for name, column in zip(self.cells.column_names, self.cells.columns, strict=True)
        }
        frame = pd.DataFrame(columns)
        return frame.set_axis(pd.Index(self.rows, name="row"), axis=0)


def table_of(cells: pa.Table, name: str) -> RawTable:
    """Return a table in memory as a source, its rows counted from 1."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, cells.schema) as writer:
        writer.write_table(cells)
    sha256 = hashlib.sha256(sink.getvalue()).hexdigest()
    rows = np.arange(1, len(cells) + 1)
    return RawTable(cells=cells, rows=rows, name=name, sha256=sha256)


def read_source(
    source: str | Path,
    ledger: Ledger,
    options: TableOptions | None = None,
    *,
    cage: Cage | None = None,
) -> RawTable:
    """Return a file read by its ending, or a database's rows by its address.

    Parameters
    ----------
    source
        The file, the address of a database or of a file in an object store, or ``-`` for standard
        input.
    ledger
        Where what is odd is noted.
    options
        Which of its tables or rows, and where it begins.
    cage
        The process that reads a file, since it is foreign; this one if not given.

    Raises
    ------
    InputError
        If there is nothing to read, or it is not the kind of table its name promises.
    """
    options = options or TableOptions()
    if is_elsewhere(source):
        with copied(str(source)) as path:
            return read_source(path, ledger, options, cage=cage)
    require_local(source)
    if is_database(source):
        return _read_database(str(source), ledger, options)
    path = require_path(source)
    if options.query is not None:
        raise InputError(f"{path.name}: a file has no query.", "Leave it out.")
    stream = open_stream(path, options, strict=True, cage=cage)
    cells, rows = _join(stream)
    ledger.extend(stream.noted())
    _note_blank(ledger, stream.blank)
    empty = [h for h in stream.headers if h in stream.unnamed and _is_empty(cells[h])]
    cells = cells.drop_columns(empty)
    if not cells.num_columns:
        raise InputError(f"{path.name}: the header names no column.", "Add a header line.")
    if not cells.num_rows:
        raise InputError(f"{path.name}: there is a header, but no row.", "Add creators' rows.")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return RawTable(
        cells=cells,
        rows=rows,
        name=path.name,
        sha256=sha256,
        simulated=_says_simulated(path, sha256),
        notes=tuple(stream.notes),
    )


def look_over(source: str | None, options: TableOptions, cage: Cage) -> None:
    """Read a file to its end in a cage and keep nothing of it; a database is left alone.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if source is None or is_database(source):
        return
    stream = open_stream(source, options, strict=True, cage=cage)
    for _ in stream.chunks(stream.headers):
        pass


def _join(stream: Stream) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """Return all chunks as one table, text as text, and the numbers of its rows."""
    kinds = stream.types(stream.headers)
    schema = pa.schema([*zip(stream.headers, kinds, strict=True)])
    chunks = [*stream.chunks(stream.headers)]
    columns = [
        pa.chunked_array([chunk.cells[header].cast(kind) for chunk in chunks], kind)
        for header, kind in zip(stream.headers, kinds, strict=True)
    ]
    rows = np.concatenate([np.empty(0, np.int64), *(chunk.rows for chunk in chunks)])
    return pa.table(columns, schema=schema).unify_dictionaries(), rows


def _read_database(address: str, ledger: Ledger, options: TableOptions) -> RawTable:
    frame = read_rows(address, table=options.table, query=options.query)
    content = pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()
    headers = unique_headers([tidy(name) for name in frame.columns], ledger)
    cells = pa.table([_as_arrow(frame.iloc[:, i]) for i in range(len(headers))], names=headers)
    blank = blank_rows({name: cells[name].combine_chunks() for name in headers})
    rows = np.arange(1, cells.num_rows + 1)
    _note_blank(ledger, rows[blank].tolist())
    kept = np.delete(np.arange(cells.num_rows), blank)
    return RawTable(
        cells=cells.take(pa.array(kept)),
        rows=rows[kept],
        name=options.table or "query",
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _note_blank(ledger: Ledger, rows: list[int]) -> None:
    ledger.note(Irregularity.BLANK_ROW, "", len(rows), "dropped", rows=sorted(rows))


def _is_empty(column: pa.ChunkedArray) -> bool:
    return bool(column.null_count == len(column))


def _says_simulated(path: Path, sha256: str) -> bool:
    """Return what the note beside the file says, while the file is the one it speaks of."""
    note = path.with_name(path.name + ".provenance.json")
    try:
        facts = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if not isinstance(facts, dict):
        return False
    return facts.get("simulated") is True and facts.get("sha256") == sha256


def _nullable(kind: pa.DataType) -> Any:
    """Return pandas' type of whole numbers with gaps; None for what is no whole number."""
    if not pa.types.is_integer(kind):
        return None
    sign = "U" if pa.types.is_unsigned_integer(kind) else ""
    return pd.api.types.pandas_dtype(f"{sign}Int{kind.bit_width}")


def _as_pandas(column: pa.ChunkedArray) -> pd.Series:
    """Return numbers and times as they are, whole numbers exact, and all else as text."""
    nullable = _nullable if column.null_count else None
    series: pd.Series = column.to_pandas(types_mapper=nullable)
    numeric = pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series)
    if numeric or pd.api.types.is_datetime64_any_dtype(series):
        return series
    if pa.types.is_string(column.type):
        return series.astype("str")
    return series.astype(object).map(str, na_action="ignore").astype("str")


def _as_arrow(column: pd.Series) -> pa.Array | pa.ChunkedArray:
    """Return a database's column; values of several kinds as text."""
    try:
        return pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return pa.array(column.astype(object).map(str, na_action="ignore"), from_pandas=True)
