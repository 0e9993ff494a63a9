"""Delimited text: CSV and its kin, read in chunks and written."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from durhampulse.exceptions import InputError
from durhampulse.files.chunks import Chunk, Stream, StreamOptions
from durhampulse.files.formulas import neutralised, spreadsheet_safe
from durhampulse.files.headers import require_header, tidy, unique_headers
from durhampulse.irregularities import Irregularity

__all__ = ["CommaSink", "DelimitedStream", "TabSink", "dialect", "sniff_encoding"]

_LONGEST_LINE = 16 << 20
_BLOCK = 4 << 20
_HEAD = 1 << 20
_SNIFFED = 64 << 20
_LINE_END = re.compile(r"\r\n|\n|\r")
_BLANK_LINES = re.compile(r"(?:[ \t,;|]*(?:\r\n|\n|\r))*")


class Dialect(NamedTuple):
    """How a file separates its cells, its headers, and the lines above them: blank ones, all."""

    delimiter: str
    headers: list[str]
    blank: int
    skipped: int


class DelimitedStream(Stream):
    """A file of delimited text."""

    def __init__(self, path: Path, options: StreamOptions) -> None:
        super().__init__(path, options)
        self._encoding = sniff_encoding(path, None if options.strict else _SNIFFED)
        if self._encoding != "utf-8":
            self.ledger.note(Irregularity.ENCODING, "", 1, f"read as {self._encoding}")
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
        text = head.decode(
            "utf-8-sig" if self._encoding == "utf-8" else self._encoding, errors="ignore"
        )
        self._dialect = dialect(path, text)
        self.headers = unique_headers(self._dialect.headers, self.ledger)
        pairs = zip(self.headers, self._dialect.headers, strict=True)
        self.unnamed = frozenset(header for header, written in pairs if not written)
        self.above = tuple(range(1, self._dialect.blank + 1))
        self._has_rows = len(text.splitlines()) > 1 + self._dialect.skipped

    def read(self, headers: Sequence[str]) -> Iterator[Chunk]:
        """Yield some columns, chunk by chunk, blank rows too."""
        if not self._has_rows:
            return
        odd: list[pa_csv.InvalidRow] = []
        size = self.path.stat().st_size
        good = noted = 0
        try:
            with pa.OSFile(str(self.path)) as file:
                for batch in self._batches(file, headers, odd):
                    new, noted = odd[noted:], len(odd)
                    self.blank += [row.number for row in new if not row.text.strip()]
                    first = good + 2 + self._dialect.skipped
                    rows = _numbered(first, len(batch), [row.number for row in odd])
                    good += len(batch)
                    cells = dict(zip(headers, batch.columns, strict=True))
                    yield Chunk(rows, cells, self._misshapen(new), min(file.tell() / size, 1.0))
        except (pa.ArrowException, UnicodeError, OSError) as error:
            where = "" if self.options.strict else f"after row {good + noted + 1}: "
            bad = odd[-1] if self.options.strict and odd else None
            raise _error(self.name, bad, f"{where}{error}") from error
        if noted < len(odd):
            self.blank += [row.number for row in odd[noted:] if not row.text.strip()]
            none = {header: pa.array([], pa.string()) for header in headers}
            yield Chunk(np.empty(0, np.int64), none, self._misshapen(odd[noted:]))

    def _misshapen(self, rows: Sequence[pa_csv.InvalidRow]) -> list[tuple[int, str]]:
        return [
            (row.number, f"{row.actual_columns} cells where the header has {row.expected_columns}")
            for row in rows
            if row.text.strip()
        ]

    def _batches(
        self, file: Any, headers: Sequence[str], odd: list[pa_csv.InvalidRow]
    ) -> pa_csv.CSVStreamingReader:
        def keep(row: pa_csv.InvalidRow) -> str:
            odd.append(row)
            return "error" if self.options.strict and row.text.strip() else "skip"

        return pa_csv.open_csv(
            file,
            pa_csv.ReadOptions(
                use_threads=False,  # row numbers of bad rows are known only then
                block_size=_LONGEST_LINE if self.options.strict else _BLOCK,
                column_names=self.headers,
                skip_rows=self._dialect.skipped,
                skip_rows_after_names=1,
                encoding="utf8" if self._encoding == "utf-8" else self._encoding,
            ),
            pa_csv.ParseOptions(
                delimiter=self._dialect.delimiter,
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


def sniff_encoding(path: Path, most: int | None = None) -> str:
    """Return the first encoding that fits the whole file, or its first `most` bytes."""
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


def dialect(path: Path, text: str) -> Dialect:
    """Return the separator under which the header has most columns, or the one the file names.

    Raises
    ------
    InputError
        If the first line is no header.
    """
    if "\n" not in text and "\r" not in text and len(text) >= _HEAD // 4:
        raise InputError(
            f"{path.name}: the first line has no end within a megabyte.",
            "Check that this is a table with one creator a line.",
        )
    above = _BLANK_LINES.match(text)
    blank = len(_LINE_END.findall(above[0])) if above else 0
    text = text[above.end() :] if above else text
    first, *rest = _LINE_END.split(text, maxsplit=1)
    named = first.strip().strip('"').strip().casefold()
    if named.startswith("sep=") and len(named) == len("sep=;"):  # Excel's own note to itself
        return Dialect(named[-1], _rows(path, "".join(rest), named[-1], 1)[0], blank, blank + 1)
    tables = {delimiter: _rows(path, text, delimiter, 3) for delimiter in ",;\t|"}
    best = max(tables, key=lambda delimiter: len(tables[delimiter][0]))
    headers = tables[best][0]
    below = [sum(map(bool, row)) for rows in tables.values() for row in rows[1:]]
    require_header(path.name, blank + 1, headers, below)
    return Dialect(best, headers, blank, blank)


def _rows(path: Path, text: str, delimiter: str, most: int) -> list[list[str]]:
    """Return the cells of the first rows; of a text without any, one row without cells."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        for row in lines:
            rows.append([tidy(cell) for cell in row])
            if len(rows) == most:
                break
    except csv.Error as error:
        if not rows:
            raise InputError(
                f"{path.name}: the header cannot be read ({error}).", "Check the first line."
            ) from error
    return rows or [[]]


def _error(name: str, row: pa_csv.InvalidRow | None, reason: str) -> InputError:
    """Return what is wrong with a delimited file, by its bad row where one is known."""
    if row is not None:
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
            f"{name}: a line is longer than {_BLOCK >> 20} MB, or a quote is never closed.",
            "Check that this is a table with one creator a line.",
        )
    return InputError(f"{name}: not a readable table ({reason}).", "Export it again as CSV.")


def _numbered(first: int, n: int, odd: list[int]) -> npt.NDArray[np.int64]:
    """Return the numbers of good rows, past the misshapen ones among them.

    Examples
    --------
    >>> _numbered(2, 3, [3]).tolist()
    [2, 4, 5]
    """
    good = np.arange(first, first + n)
    return good + np.searchsorted(np.array(odd) - np.arange(len(odd)), good, side="right")


class _TextSink:
    """Plain numbers, and text that no spreadsheet takes for a formula."""

    delimiter = ","

    def __init__(self, path: Path, schema: pa.Schema, _provenance: Mapping[str, object]) -> None:
        self._schema = pa.schema(
            [(str(spreadsheet_safe(field.name)), _plain(field.type)) for field in schema]
        )
        options = pa_csv.WriteOptions(
            delimiter=self.delimiter, quoting_style="needed", quoting_header="needed"
        )
        self._writer = pa_csv.CSVWriter(path, self._schema, write_options=options)

    def write(self, batch: pa.RecordBatch) -> None:
        columns = [
            neutralised(column.cast(field.type))
            for column, field in zip(batch.columns, self._schema, strict=True)
        ]
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema))

    def close(self) -> None:
        self._writer.close()

    def abandon(self) -> None:
        """Let go of the file, whatever state it is in."""
        self._writer.close()


class CommaSink(_TextSink):
    """A CSV file."""


class TabSink(_TextSink):
    """A file of tab-separated values."""

    delimiter = "\t"


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
