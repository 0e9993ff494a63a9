"""Delimited text: CSV and its kin, read in chunks and written."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from durhampulse.exceptions import InputError
from durhampulse.files.beginnings import LOOKED_AT, Beginning, find_beginning, weight
from durhampulse.files.blanks import blank_rows
from durhampulse.files.chunks import Chunk, Stream, StreamOptions
from durhampulse.files.encodings import decide_encoding, misfit
from durhampulse.files.formats import suffix_of
from durhampulse.files.formulas import as_before, neutralised, restored, spreadsheet_safe, unwrapped
from durhampulse.files.headers import tidy
from durhampulse.files.options import TableOptions
from durhampulse.files.packed import open_bytes, share_read
from durhampulse.irregularities import Irregularity

__all__ = ["CommaSink", "DelimitedStream", "PackedCommaSink", "TabSink", "dialect"]

_LONGEST_LINE = 16 << 20
_BLOCK = 4 << 20
_HEAD = 1 << 20
_LINE_END = re.compile(r"\r\n|\n|\r")
_BLANK_LINES = re.compile(r"(?:[ \t,;|]*(?:\r\n|\n|\r))*")


class Dialect(NamedTuple):
    """How a file separates its cells, where its table begins, and how far it was looked at."""

    delimiter: str
    beginning: Beginning
    n_rows: int


class DelimitedStream(Stream):
    """A file of delimited text, compressed or not."""

    def __init__(self, path: Path, options: StreamOptions) -> None:
        super().__init__(path, options)
        asked = options.asked
        encoding = decide_encoding(self.name, partial(open_bytes, path), asked.encoding)
        self._encoding = encoding.name.removesuffix("-sig")
        if self._encoding not in ("utf-8", "ascii"):
            action, samples = f"read as {self._encoding}", encoding.samples
            action += f": {', '.join(map(repr, samples))}" if samples else ""
            self.ledger.note(Irregularity.ENCODING, "", 1, action, values=samples)
        with open_bytes(path) as stream:
            text = stream.read(_HEAD).decode(self._encoding, errors="ignore")
        self._dialect = dialect(self.name, text.removeprefix("\ufeff"), asked)
        self.take_beginning(self._dialect.beginning)

    def read(self, headers: Sequence[str]) -> Iterator[Chunk]:
        """Yield some columns, chunk by chunk, blank rows too."""
        if self._dialect.n_rows <= self._dialect.beginning.last:
            return
        odd: list[pa_csv.InvalidRow] = []
        size = self.path.stat().st_size
        good = noted = 0
        try:
            with self._opened() as file:
                for batch in self._batches(file, headers, odd):
                    new, noted = odd[noted:], len(odd)
                    self.blank += [row.number for row in new if not row.text.strip()]
                    first = good + 1 + self._dialect.beginning.last
                    rows = _numbered(first, len(batch), [row.number for row in odd])
                    good += len(batch)
                    cells = dict(zip(headers, map(restored, batch.columns), strict=True))
                    if new and self.sections is not None:
                        self.sections.footers.blank |= {*rows[blank_rows(cells)].tolist()}
                    yield Chunk(rows, cells, self._misshapen(new), share_read(file, size))
        except (pa.ArrowException, UnicodeError, OSError) as error:
            raise self._problem(error, odd, good + noted + 1) from error
        if noted < len(odd):
            self.blank += [row.number for row in odd[noted:] if not row.text.strip()]
            none = {header: pa.array([], pa.string()) for header in headers}
            yield Chunk(np.empty(0, np.int64), none, self._misshapen(odd[noted:]))

    def _opened(self) -> Any:
        """Return the file's bytes; Arrow's own reader of them is the fastest."""
        packed = suffix_of(self.path).endswith(".gz")
        return open_bytes(self.path) if packed else pa.OSFile(str(self.path))

    def _misshapen(self, rows: Sequence[pa_csv.InvalidRow]) -> list[tuple[int, str]]:
        bad = [row for row in rows if not self._is_no_creator(row)]
        if bad and self.options.strict:
            raise _error(self.name, bad[0], "")
        return [
            (row.number, f"{row.actual_columns} cells where the header has {row.expected_columns}")
            for row in bad
        ]

    def _is_no_creator(self, row: pa_csv.InvalidRow) -> bool:
        assert self.sections is not None  # noqa: S101 - for the type checker
        if not row.text.strip():
            self.sections.footers.blank.add(row.number)
            return True
        try:
            cells = next(csv.reader([row.text], delimiter=self._dialect.delimiter), [])
        except csv.Error:  # a cell of more than 128 KiB is neither a header nor a word for a sum
            return False
        return self.sections.take_misshapen(row.number, cells)

    def _batches(
        self, file: Any, headers: Sequence[str], odd: list[pa_csv.InvalidRow]
    ) -> pa_csv.CSVStreamingReader:
        def keep(row: pa_csv.InvalidRow) -> str:
            odd.append(row)
            return "skip"

        return pa_csv.open_csv(
            file,
            pa_csv.ReadOptions(
                use_threads=False,  # row numbers of bad rows are known only then
                block_size=_LONGEST_LINE if self.options.strict else _BLOCK,
                column_names=self.headers,
                skip_rows_after_names=self._dialect.beginning.last,
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

    def _problem(self, error: Exception, odd: Sequence[pa_csv.InvalidRow], row: int) -> InputError:
        """Return what is wrong with the file, by its bad row where one is known."""
        if isinstance(error, UnicodeError) or "UTF8" in str(error):
            return misfit(self.name, partial(open_bytes, self.path), self._encoding)
        if self.options.strict:
            bad = (each for each in odd if not self._is_no_creator(each))
            return _error(self.name, next(bad, None), str(error))
        return _error(self.name, None, f"after row {row}: {error}")


def dialect(name: str, text: str, asked: TableOptions) -> Dialect:
    """Return the separator under which a table begins best, or the one the file names.

    Raises
    ------
    InputError
        If no row holds headers.
    """
    if "\n" not in text and "\r" not in text and len(text) >= _HEAD // 4:
        raise InputError(
            f"{name}: the first line has no end within a megabyte.",
            "Check that this is a table with one creator a line.",
        )
    above = _BLANK_LINES.match(text)
    blank = len(_LINE_END.findall(above[0])) if above else 0
    first, *rest = _LINE_END.split(text[above.end() if above else 0 :], maxsplit=1)
    named = first.strip().strip('"').strip().casefold()
    if named.startswith("sep=") and len(named) == len("sep=;"):  # Excel's own note to itself
        rows = _rows(name, "".join(rest), named[-1], blank + 2, asked)
        beginning = find_beginning(name, rows, asked)
        above_all = (*range(1, blank + 1), *beginning.blank)
        return Dialect(named[-1], replace(beginning, blank=above_all), rows[-1][0])
    tables = {delimiter: _rows(name, text, delimiter, 1, asked) for delimiter in ",;\t|"}
    best = max(tables, key=lambda delimiter: weight(tables[delimiter], asked))
    return Dialect(best, find_beginning(name, tables[best], asked), tables[best][-1][0])


def _rows(
    name: str, text: str, delimiter: str, first: int, asked: TableOptions
) -> list[tuple[int, list[str]]]:
    """Return the first rows, numbered; of a text without any, one row without cells."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[tuple[int, list[str]]] = []
    try:
        for number, row in enumerate(lines, start=first):
            rows.append((number, [tidy(as_before(unwrapped(cell))) for cell in row]))
            if number >= max(LOOKED_AT, asked.header_row or 0) + 2:
                break
    except csv.Error as error:
        if not rows:
            raise InputError(
                f"{name}: the header cannot be read ({error}).", "Check the first line."
            ) from error
    return rows or [(first, [])]


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
        self._file = self.opened(path)
        self._writer = pa_csv.CSVWriter(self._file, self._schema, write_options=options)

    def opened(self, path: Path) -> Any:
        """Return where the bytes go."""
        return pa.OSFile(str(path), "wb")

    def write(self, batch: pa.RecordBatch) -> None:
        columns = [
            neutralised(column).cast(field.type)
            for column, field in zip(batch.columns, self._schema, strict=True)
        ]
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema))

    def close(self) -> None:
        self._writer.close()
        self._file.close()

    abandon = close


class CommaSink(_TextSink):
    """A CSV file."""


class PackedCommaSink(CommaSink):
    """A CSV file, compressed."""

    def opened(self, path: Path) -> Any:
        """Return where the bytes go."""
        return pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "gzip")


class TabSink(_TextSink):
    """A file of tab-separated values."""

    delimiter = "\t"


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
