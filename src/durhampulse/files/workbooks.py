"""Workbooks: one sheet's cells as found, whatever the file claims to hold."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from durhampulse.exceptions import InputError
from durhampulse.files.beginnings import LOOKED_AT, find_beginning
from durhampulse.files.chunks import CHUNK_ROWS, Chunk, Stream, StreamOptions
from durhampulse.files.extents import holds_any, measure, require_moderate, sheet_parts
from durhampulse.files.formats import suffix_of
from durhampulse.files.headers import tidy
from durhampulse.files.oldbooks import cell_text, read_apart
from durhampulse.irregularities import Irregularity

__all__ = ["WorkbookStream", "sheet_names"]

_EXACT = 2**53
_CELLS_AT_ONCE = 2_000_000
_MEASURED = (".xlsx", ".xlsm")


class WorkbookStream(Stream):
    """A sheet of a workbook; Excel has no more than a million rows, they are read at once."""

    def __init__(self, path: Path, options: StreamOptions) -> None:
        super().__init__(path, options)
        require_moderate(path)
        with _explained(self.name):
            sheet = (_open if suffix_of(path) in _MEASURED else _open_apart)(
                path, options.asked.table
            )
            rows = _Rows(sheet.rows)
            self._take_header(rows, sheet.name, sheet.others)
            self._chunks = [*rows.chunks(self.headers)]
        self.n_rows = sum(len(chunk.rows) for chunk in self._chunks)
        self._note(sheet)

    def _take_header(self, rows: _Rows, sheet: str, others: list[str]) -> None:
        asked = self.options.asked
        top = rows.peek(max(LOOKED_AT, asked.header_row or 0) + 2)
        if not any(any(cells) for _, cells in top):
            raise InputError(
                f"{self.name}: the sheet '{sheet}' is empty."
                + (f" There are cells in {_quoted(others)}." if others else ""),
                "Put the table there, or name its sheet: --table SHEET.",
            )
        beginning = find_beginning(self.name, top, asked)
        rows.skip(beginning.last)
        self.take_beginning(beginning)

    def _note(self, sheet: _Sheet) -> None:
        unsolved, others = sheet.unsolved, _quoted(sheet.others)
        action = f"'{sheet.name}' is read, these are not: {others}; --table SHEET reads another"
        self.ledger.note(Irregularity.OTHER_SHEETS, "", len(sheet.others), action)
        hold = "1 cell holds" if unsolved == 1 else f"{unsolved:,} cells hold"
        action = (
            f"{hold} a formula whose result is not stored, and count as empty: open the file in "
            "Excel and save it"
        )
        self.ledger.note(Irregularity.FORMULA, "", unsolved, action)

    def read(self, headers: Sequence[str]) -> Iterator[Chunk]:
        """Yield some columns, chunk by chunk, blank rows too."""
        last = self._chunks[-1].rows[-1] if self._chunks else 1
        for chunk in self._chunks:
            cells = {header: chunk.cells[header] for header in headers}
            yield replace(chunk, cells=cells, done=float(chunk.rows[-1] / last))


def sheet_names(path: Path) -> list[str]:
    """Return the names of a workbook's sheets, the first one first.

    Of other workbooks than ``.xlsx`` only those that hold anything are named.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    with _explained(path.name):
        require_moderate(path)
        if suffix_of(path) in _MEASURED:
            return [*sheet_parts(path)]
        about = next(read_apart(str(path.absolute()), None))
        return [*dict.fromkeys([about["sheet"], *about["filled"]])]


class _Rows:
    """A sheet's rows, numbered from 1."""

    def __init__(self, rows: Iterable[list[Any]]) -> None:
        self._rows = enumerate(rows, start=1)
        self._ahead: list[tuple[int, list[Any]]] = []

    def __iter__(self) -> Iterator[tuple[int, list[Any]]]:
        while self._ahead:
            yield self._ahead.pop(0)
        yield from self._rows

    def peek(self, most: int) -> list[tuple[int, list[str]]]:
        """Return the number and the tidy cells of the first rows, from the first filled one."""
        blank: list[tuple[int, list[Any]]] = []
        for number, row in self._rows:
            blank.append((number, row))
            if any(cell not in ("", None) for cell in row):
                break
        self._ahead = [*blank, *islice(self._rows, most)]
        return [(number, [tidy(cell_text(cell)) for cell in row]) for number, row in self._ahead]

    def skip(self, last: int) -> None:
        """Pass over the rows up to a number."""
        self._ahead = [(number, row) for number, row in self._ahead if number > last]

    def chunks(self, headers: Sequence[str]) -> Iterator[Chunk]:
        """Yield the rows as text."""
        rows = iter(self)
        at_once = max(1, min(CHUNK_ROWS, _CELLS_AT_ONCE // len(headers)))
        while part := [*islice(rows, at_once)]:
            columns = zip(*(cells for _, cells in part), strict=True)
            cells = {
                header: _texts(column) for header, column in zip(headers, columns, strict=True)
            }
            yield Chunk(np.array([number for number, _ in part], np.int64), cells)


class _Sheet(NamedTuple):
    """A sheet, the names of others that hold anything, and its formulas without a result."""

    name: str
    rows: Iterator[list[Any]]
    others: list[str]
    unsolved: int


def _open(path: Path, table: str | None) -> _Sheet:
    """Return a sheet of an ``.xlsx`` file, once it is known to be of a reasonable size."""
    from python_calamine import CalamineWorkbook

    parts = sheet_parts(path)
    name = table or next(iter(parts))
    if name not in parts:
        raise _no_sheet(path, table, [*parts])
    extent = measure(path, parts[name])
    with CalamineWorkbook.from_path(path) as book:
        sheet = book.get_sheet_by_name(name)
    others = [other for other, part in parts.items() if other != name and holds_any(path, part)]
    return _Sheet(name, sheet.iter_rows(), others, extent.unsolved)


def _open_apart(path: Path, table: str | None) -> _Sheet:
    """Return a sheet of a workbook of another format."""
    answers = read_apart(str(path.absolute()), table)
    try:
        about = next(answers)
    except KeyError as error:
        raise _no_sheet(path, table, error.args[0]) from error
    others = [other for other in about["filled"] if other != about["sheet"]]
    return _Sheet(about["sheet"], answers, others, 0)


def _no_sheet(path: Path, table: str | None, names: Sequence[str]) -> InputError:
    return InputError(f"{path.name}: no sheet is called '{table}'.", f"There are {_quoted(names)}.")


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn what a damaged workbook makes of its readers into one clear error."""
    try:
        yield
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(
            f"{name}: the workbook takes more memory than one should.",
            "Delete what stands far from the table, or save it as .csv or .parquet.",
        ) from error
    except BaseException as error:
        from python_calamine import CalamineError

        reader_errors = (
            *(CalamineError, zipfile.BadZipFile, zlib.error, OSError, SyntaxError),
            *(ValueError, KeyError, IndexError, StopIteration, NotImplementedError),
        )
        # A panic in a Rust reader is a BaseException whose class cannot be imported.
        if not isinstance(error, reader_errors) and type(error).__name__ != "PanicException":
            raise
        raise InputError(
            f"{name}: not a readable workbook ({str(error)[:120]}).",
            "Save it again as .xlsx; if it is text by another name, rename it to .csv.",
        ) from error


def _texts(cells: Sequence[Any]) -> pa.Array:
    """Return a column's cells as text, null where they are empty."""
    if set(map(type, cells)) == {float}:
        numbers = np.array(cells)
        if (np.floor(numbers) == numbers).all() and (np.abs(numbers) < _EXACT).all():
            return pa.array(numbers.astype(np.int64)).cast(pa.string())
    return pa.array([cell_text(cell) for cell in cells], pa.string())


def _quoted(names: Sequence[str]) -> str:
    """Return some sheets' names, the first few of them."""
    return ", ".join(f"'{name}'" for name in names[:5]) + (" and more" if len(names) > 5 else "")
