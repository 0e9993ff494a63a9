"""Parquet files: read in chunks, with the index that pandas keeps beside them, and written."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from durhampulse.exceptions import InputError
from durhampulse.files.bounds import has_lengths, require_proportion, require_short, unpacked_bytes
from durhampulse.files.chunks import CHUNK_ROWS, Chunk, Stream, StreamOptions, spans
from durhampulse.files.headers import tidy, unique_headers
from durhampulse.irregularities import Ledger

__all__ = [
    "DISTINCT_FIELD", "FAULTS", "ParquetSink", "ParquetStream", "columns_of", "damaged",
    "metadata_of", "misnamed", "open_writer",
]  # fmt: skip

DISTINCT_FIELD = b"distinct"
"""Stands in the metadata of a field nearly all of whose cells differ: it gets no dictionary."""

_BUFFER = 1 << 20
_PAGE_ROWS = 8_192
_INDEX_BYTES = 4
_BY_DIFFERENCES = {"DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"}
FAULTS = (
    *(pa.ArrowException, OSError, MemoryError),
    *(UnicodeError, IndexError, KeyError, OverflowError),
)
"""What Arrow's readers raise for damaged bytes: names that are no text, indices without a value."""


@dataclass(frozen=True)
class ParquetColumn:
    """A column as people see it.

    Attributes
    ----------
    name
        Its name in the file; none for an index that pandas counts up instead of storing it.
    type
        Its Arrow type.
    start, step
        First value and step of a counted index.
    """

    name: str | None
    type: pa.DataType
    start: int = 0
    step: int = 1

    def count(self, rows: npt.NDArray[np.int64]) -> pa.Array:
        """Return a counted index's values in some rows of the file, the first of which is 1."""
        return pa.array(self.start + self.step * (rows - 1), self.type)


class ParquetStream(Stream):
    """A Parquet file, or some of its row groups."""

    def __init__(self, path: Path, options: StreamOptions) -> None:
        super().__init__(path, options)
        try:
            schema = pq.read_schema(path)
            metadata = pq.read_metadata(path)
            self._columns = columns_of(self.name, schema, self.ledger)
        except UnicodeDecodeError as error:
            raise misnamed(self.name, error) from error
        except FAULTS as error:
            raise damaged(self.name, error) from error
        self.headers = [*self._columns]
        first, last = options.row_groups or (0, metadata.num_row_groups)
        sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        self._spans = [(first + a, first + b) for a, b in spans(sizes[first:last], CHUNK_ROWS)]
        self._before = sum(sizes[:first])
        self.n_rows = sum(sizes[first:last])

    def types(self, headers: Sequence[str]) -> list[pa.DataType]:
        """Return the types of some columns."""
        return [self._columns[header].type for header in headers]

    def read(self, headers: Sequence[str]) -> Iterator[Chunk]:
        """Yield some columns, chunk by chunk, blank rows too."""
        columns = {header: self._columns[header] for header in headers}
        stored = [str(column.name) for column in columns.values() if column.name is not None]
        size, start, unpacked = self.path.stat().st_size, 0, 0
        try:
            for batch in self._batches(stored):
                batch.validate(full=True)
                require_short(self.name, batch, self._before + start)
                unpacked += unpacked_bytes(batch)
                require_proportion(self.name, unpacked, size)
                rows = np.arange(start + 1, start + len(batch) + 1) + self._before
                cells = {header: _cells(column, batch, rows) for header, column in columns.items()}
                start += len(batch)
                yield Chunk(rows, cells, done=start / max(self.n_rows or 1, 1))
        except FAULTS as error:
            raise damaged(self.name, error, self._before + start) from error
        if start != self.n_rows:
            raise damaged(self.name, f"{start:,} of {self.n_rows:,} rows are there")

    def _batches(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        """Yield some row groups at a time: one iteration over all keeps a buffer for each.

        Texts that repeat come as a dictionary, so that they take no more memory than in the file.
        """
        types = {column.name: column.type for column in self._columns.values()}
        texts = [name for name in names if has_lengths(types[name])]
        with self._opened(texts) as file:
            repeating = [name for name in texts if self._repeats(file, name)]
        with self._opened(repeating) as file:
            for first, last in self._spans:
                yield from file.iter_batches(CHUNK_ROWS, list(range(first, last)), names)

    def _opened(self, texts: list[str]) -> pq.ParquetFile:
        """Return the file with some columns of text as dictionaries; its checksums are verified.

        It is buffered, so that a row group of any size passes in constant memory.
        """
        return pq.ParquetFile(
            self.path,
            buffer_size=_BUFFER,
            read_dictionary=texts,
            page_checksum_verification=True,
        )

    def _repeats(self, file: pq.ParquetFile, name: str) -> bool:
        """Whether the file holds a column of text by dictionaries and hardly anything beside them.

        A dictionary comes with every chunk anew and grows through its row group, so texts that
        never repeat would be copied ever more often. Writers go on without it once it is full,
        which takes more than an index for each row. Arrow reads other encodings as texts only.
        """
        groups = range(self._spans[0][0], self._spans[-1][1]) if self._spans else ()
        at = [column.path for column in file.schema].index(name)
        chunks = {group: file.metadata.row_group(group).column(at) for group in groups}
        if not chunks or any(_BY_DIFFERENCES & {*chunk.encodings} for chunk in chunks.values()):
            return False
        largest = max(groups, key=lambda group: chunks[group].total_uncompressed_size)
        beside = chunks[largest].total_uncompressed_size - _INDEX_BYTES * chunks[largest].num_values
        row = next(file.iter_batches(1, [largest], [name]), None) if beside > 0 else None
        if row is not None:
            beside -= row.column(0).dictionary.nbytes
        return bool(beside <= 0)


def _cells(column: ParquetColumn, batch: pa.RecordBatch, rows: npt.NDArray[np.int64]) -> pa.Array:
    """Return a column's cells in a batch, which are those of some rows of the file."""
    if column.name is None:
        return column.count(rows)
    cells = batch.column(column.name)
    if pa.types.is_dictionary(cells.type) and pa.types.is_binary(column.type):
        return cells.dictionary_decode()
    return _cast(cells, column.type)


def columns_of(name: str, schema: pa.Schema, ledger: Ledger) -> dict[str, ParquetColumn]:
    """Return header to column: an index that has a name first, as pandas shows it.

    Parameters
    ----------
    name
        The file's, for messages.
    schema
        Its Arrow schema, with what pandas has noted in it. An index without a name is the
        numbering of the rows and no column.
    ledger
        Where columns of one name are noted.

    Raises
    ------
    InputError
        If two columns carry the very same name.
    """
    names = schema.names
    if twice := next((header for header in names if names.count(header) > 1), None):
        raise damaged(name, f"two columns are called '{twice}'")
    columns = {header: ParquetColumn(header, _plain(schema.field(header).type)) for header in names}
    index: dict[str, ParquetColumn] = {}
    for level, known_as in _index_of(schema):
        if isinstance(level, dict):
            start, step = int(level.get("start", 0)), int(level.get("step", 1))
            column: ParquetColumn | None = ParquetColumn(None, pa.int64(), start, step)
        else:
            column = columns.pop(level, None)
        if column is not None and known_as is not None and known_as not in columns:
            index[known_as] = column
    columns = index | columns
    headers = unique_headers([tidy(header) for header in columns], ledger)
    return dict(zip(headers, columns.values(), strict=True))


def _index_of(schema: pa.Schema) -> list[tuple[str | dict[str, Any], str | None]]:
    """Return the index that pandas has noted: a column's name or a range, and what it is called."""
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        noted = json.loads((schema.metadata or {})[b"pandas"])
        names = {column["field_name"]: column["name"] for column in noted["columns"]}
        levels = noted["index_columns"]
        return [
            (level, level["name"] if isinstance(level, dict) else names.get(level))
            for level in levels
            if isinstance(level, str) or level["kind"] == "range"
        ]
    return []


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type that Arrow's functions know, for the views that only some do."""
    if pa.types.is_string_view(kind):
        return pa.large_string()
    return pa.large_binary() if pa.types.is_binary_view(kind) else kind


def _cast(cells: pa.Array, kind: pa.DataType) -> pa.Array:
    return cells.cast(kind) if _plain(cells.type) != cells.type else cells


def damaged(name: str, error: object, rows: int | None = None) -> InputError:
    """Return what is wrong with a file, after some of its rows are read if any are."""
    where = "" if rows is None else f" after row {rows:,}"
    return InputError(
        f"{name}: not a readable Parquet file{where} ({str(error)[:120]}).", "Write it again."
    )


def misnamed(name: str, error: UnicodeDecodeError) -> InputError:
    """Return what is wrong with a file of which a column's name is no text."""
    shown = error.object.decode("utf-8", "replace")[:60]
    return InputError(
        f"{name}: the name of a column is no UTF-8 ('{shown}').",
        "Rename it where the file is made, and write it again.",
    )


def metadata_of(provenance: Mapping[str, object]) -> dict[str, str]:
    """Return where a file came from as its metadata hold it: texts as they are, else JSON."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in provenance.items()
    }


def open_writer(to: Path | BinaryIO, schema: pa.Schema, **options: Any) -> pq.ParquetWriter:
    """Return a writer of Parquet that verifies by checksums and survives a lack of memory.

    Where memory lacks, Snappy and the indices of a page beyond some 16,000 rows throw what nothing
    catches, and a dictionary of integers is written without being there: both end the process.
    Zstandard reports it, such indices stay below 64 KiB, and integers, which seldom repeat, have no
    dictionary, nor have texts that seldom do. Fractions are not packed: it takes longer than all
    else and saves a sixth.
    """
    packing = {f.name: "none" if pa.types.is_floating(f.type) else "zstd" for f in schema}
    return pq.ParquetWriter(
        to,
        schema,
        compression=packing,
        use_dictionary=[f.name for f in schema if _may_repeat(f)],
        max_rows_per_page=_PAGE_ROWS,
        write_page_checksum=True,
        **options,
    )


def _may_repeat(field: pa.Field) -> bool:
    return not pa.types.is_integer(field.type) and DISTINCT_FIELD not in (field.metadata or {})


class ParquetSink:
    """A Parquet file that carries its provenance."""

    def __init__(self, path: Path, schema: pa.Schema, provenance: Mapping[str, object]) -> None:
        self._writer = open_writer(path, schema, store_schema=False)
        self._writer.add_key_value_metadata(metadata_of(provenance))

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        self._writer.write_batch(batch)

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()

    abandon = close
