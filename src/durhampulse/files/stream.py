"""Files as streams of raw cells, a chunk of rows at a time, for tables of any size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from durhampulse.exceptions import InputError
from durhampulse.files.tables import (
    delimited_error,
    dialect,
    read_source,
    require_file,
    sniff_encoding,
    unique_headers,
)
from durhampulse.irregularities import Irregularity, Ledger

__all__ = ["Chunk", "Stream", "open_stream", "spans"]

CHUNK_ROWS = 65_536
_CSV_BLOCK = 4 << 20
_SNIFFED = 64 << 20
_BUFFER = 1 << 20
_NO_LEDGER = Ledger()


@dataclass(frozen=True)
class Chunk:
    """Some rows as found.

    Attributes
    ----------
    rows
        Row numbers as a spreadsheet counts them for text and Excel, from 1 for Parquet.
    cells
        Header to cells: text where the file is text.
    misshapen
        Row number and reason of rows that have too few or too many cells.
    done
        How much of the file has been read, 0 to 1.
    """

    rows: npt.NDArray[np.int64]
    cells: dict[str, pa.Array]
    misshapen: list[tuple[int, str]] = field(default_factory=list)
    done: float = 0.0


class Stream:
    """A file that can be read in chunks.

    Attributes
    ----------
    name
        The file's name.
    headers
        All headers, each once.
    n_rows
        Number of rows, where the file says.
    notes
        What is not read of the file, in words.
    """

    notes: tuple[str, ...] = ()

    def __init__(
        self, path: Path, name: str | None, headers: list[str], n_rows: int | None = None
    ) -> None:
        self.path = path
        self.name = name or path.name
        self.headers = headers
        self.n_rows = n_rows

    def types(self, headers: Sequence[str]) -> list[pa.DataType]:
        """Give the types of some columns."""
        return [pa.string() for _ in headers]

    def chunks(self, headers: Sequence[str]) -> Iterator[Chunk]:
        """Read some columns, chunk by chunk.

        Raises
        ------
        InputError
            Where the file turns out to be damaged.
        """
        raise NotImplementedError


def open_stream(
    path: str | Path,
    *,
    name: str | None = None,
    table: str | None = None,
    row_groups: tuple[int, int] | None = None,
) -> Stream:
    """Open a ``.csv``, ``.tsv``, ``.txt``, ``.xlsx`` or ``.parquet`` file.

    Parameters
    ----------
    path
        The file.
    name
        What it is called in messages, where that is not its name.
    table
        The sheet of a workbook; the first if not given.
    row_groups
        First and before last of the row groups to read, for Parquet.

    Raises
    ------
    InputError
        If it cannot be read as a table.
    """
    path = Path(path)
    require_file(path)
    suffix = path.suffix.lower()
    if table is not None and suffix != ".xlsx":
        raise InputError(f"{path.name}: only a workbook has sheets.", "Leave --table out.")
    if suffix in (".parquet", ".pq"):
        return _ParquetStream(path, name, row_groups)
    if suffix in (".csv", ".tsv", ".txt"):
        return _TextStream(path, name)
    return _WorkbookStream(path, name, table)


class _ParquetStream(Stream):
    def __init__(self, path: Path, name: str | None, row_groups: tuple[int, int] | None) -> None:
        try:
            self._schema = pq.read_schema(path)
            found = pq.read_metadata(path)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            raise _damaged(name or path.name, error) from error
        names = self._schema.names
        if twice := next((one for one in names if names.count(one) > 1), None):
            raise _damaged(name or path.name, f"two columns are called '{twice}'")
        headers = unique_headers([" ".join(one.split()) for one in names], _NO_LEDGER)
        self._names = dict(zip(headers, self._schema.names, strict=True))
        first, last = row_groups or (0, found.num_row_groups)
        sizes = [found.row_group(i).num_rows for i in range(found.num_row_groups)]
        self._spans = [(first + a, first + b) for a, b in spans(sizes[first:last], CHUNK_ROWS)]
        self._before = sum(sizes[:first])
        super().__init__(path, name, headers, sum(sizes[first:last]))

    def types(self, headers: Sequence[str]) -> list[pa.DataType]:
        return [self._schema.field(self.headers.index(header)).type for header in headers]

    def chunks(self, headers: Sequence[str]) -> Iterator[Chunk]:
        names = [self._names[header] for header in headers]
        texts = [n for n, t in zip(names, self.types(headers), strict=True) if _is_text(t)]
        start = 0
        try:
            # Buffered, so that a row group of any size passes in constant memory.
            file = pq.ParquetFile(self.path, buffer_size=_BUFFER, read_dictionary=texts)
            with file:
                for batch in self._batches(file, names):
                    n = len(batch)
                    cells = {h: batch.column(m) for h, m in zip(headers, names, strict=True)}
                    rows = np.arange(start + 1, start + n + 1) + self._before
                    start += n
                    yield Chunk(rows, cells, done=start / max(self.n_rows or 1, 1))
        except (pa.ArrowException, OSError) as error:
            raise _damaged(self.name, error, self._before + start) from error
        if start != self.n_rows:
            raise _damaged(self.name, f"{start:,} of {self.n_rows:,} rows are there")

    def _batches(self, file: pq.ParquetFile, names: list[str]) -> Iterator[pa.RecordBatch]:
        """Read some row groups at a time: one iteration over all keeps a buffer for each."""
        for first, last in self._spans:
            yield from file.iter_batches(CHUNK_ROWS, list(range(first, last)), names)


class _TextStream(Stream):
    def __init__(self, path: Path, name: str | None) -> None:
        self._encoding = sniff_encoding(path, _SNIFFED)
        with path.open("rb") as stream:
            head = stream.read(_BUFFER)
        text = head.decode(
            "utf-8-sig" if self._encoding == "utf-8" else self._encoding, errors="ignore"
        )
        self._delimiter, header = dialect(path, text)
        self._has_rows = "\n" in text or "\r" in text
        super().__init__(path, name, unique_headers(header, _NO_LEDGER))

    def chunks(self, headers: Sequence[str]) -> Iterator[Chunk]:
        if not self._has_rows:
            return
        bad: list[pa_csv.InvalidRow] = []
        size = self.path.stat().st_size
        good = n_bad = 0
        try:
            with pa.OSFile(str(self.path)) as file:
                for batch in self._open(file, headers, bad):
                    new = [(r.number, _misshapen(r)) for r in bad[n_bad:]]
                    n_bad = len(bad)
                    rows = _numbered(good, len(batch), [r.number for r in bad])
                    good += len(batch)
                    cells = dict(zip(headers, batch.columns, strict=True))
                    yield Chunk(rows, cells, new, min(file.tell() / size, 1.0))
        except (pa.ArrowException, UnicodeError, OSError) as error:
            raise delimited_error(
                self.name, [], f"after row {good + n_bad + 1}: {error}"
            ) from error
        if n_bad < len(bad):
            rest = [(r.number, _misshapen(r)) for r in bad[n_bad:]]
            yield Chunk(
                np.empty(0, np.int64), {h: pa.array([], pa.string()) for h in headers}, rest
            )

    def _open(
        self, file: Any, headers: Sequence[str], bad: list[pa_csv.InvalidRow]
    ) -> pa_csv.CSVStreamingReader:
        def keep(row: pa_csv.InvalidRow) -> str:
            bad.append(row)
            return "skip"

        return pa_csv.open_csv(
            file,
            pa_csv.ReadOptions(
                use_threads=False,  # row numbers of bad rows are known only then
                block_size=_CSV_BLOCK,
                column_names=self.headers,
                skip_rows_after_names=1,
                encoding="utf8" if self._encoding == "utf-8" else self._encoding,
            ),
            pa_csv.ParseOptions(
                delimiter=self._delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,  # or later rows would be numbered wrongly
                invalid_row_handler=keep,
            ),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(self.headers, pa.string()),
                include_columns=list(headers),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            ),
        )


class _WorkbookStream(Stream):
    """Excel has no more than a million rows; they are read at once."""

    def __init__(self, path: Path, name: str | None, table: str | None) -> None:
        ledger = Ledger()
        self._frame = read_source(path, ledger, table=table).frame
        odd = ledger.frame()
        others = odd.loc[odd["code"] == Irregularity.OTHER_SHEETS, "action"]
        self.notes = tuple(f"{name or path.name}: {action}" for action in others)
        super().__init__(path, name, [str(name) for name in self._frame.columns], len(self._frame))

    def types(self, headers: Sequence[str]) -> list[pa.DataType]:
        return [pa.array(self._frame[header]).type for header in headers]

    def chunks(self, headers: Sequence[str]) -> Iterator[Chunk]:
        for start in range(0, len(self._frame), CHUNK_ROWS):
            part = self._frame.iloc[start : start + CHUNK_ROWS]
            cells = {header: _plain(pa.array(part[header])) for header in headers}
            done = (start + len(part)) / len(self._frame)
            yield Chunk(part.index.to_numpy(np.int64), cells, done=done)


def spans(sizes: Sequence[int], rows: int) -> Iterator[tuple[int, int]]:
    """Put neighbouring row groups together until they have enough rows.

    Gives the first and before last of each span.

    Examples
    --------
    >>> list(spans([600_000, 600_000, 5], 1_000_000))
    [(0, 2), (2, 3)]
    """
    start = count = 0
    for number, size in enumerate(sizes, start=1):
        count += size
        if count >= rows or number == len(sizes):
            yield start, number
            start, count = number, 0


def _plain(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _misshapen(row: pa_csv.InvalidRow) -> str:
    return f"{row.actual_columns} cells where the header has {row.expected_columns}"


def _numbered(before: int, n: int, bad: list[int]) -> npt.NDArray[np.int64]:
    """Give good rows their numbers, from 2 on, past the bad ones among them.

    Examples
    --------
    >>> _numbered(0, 3, [3]).tolist()
    [2, 4, 5]
    """
    good = np.arange(before + 2, before + n + 2)
    return good + np.searchsorted(np.array(bad) - np.arange(len(bad)), good, side="right")


def _damaged(name: str, error: object, rows: int | None = None) -> InputError:
    where = "" if rows is None else f" after row {rows:,}"
    return InputError(
        f"{name}: not a readable Parquet file{where} ({str(error)[:120]}).", "Write it again."
    )
