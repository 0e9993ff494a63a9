"""Tables to files that open safely: CSV, Excel and Parquet, with their provenance.

A file appears under its name when it is complete, and not before.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from durhampulse.exceptions import InputError, OutputError

__all__ = ["Sink", "as_before", "check_output", "open_sink", "replacing", "spreadsheet_safe",
           "write_csv", "write_provenance", "write_xlsx"]  # fmt: skip

FORMATS = (".parquet", ".csv", ".tsv", ".xlsx")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_FORMULA = r"^[=+\-@\t\r]"
_EXCEL_SHOWN = 100_000
_EXCEL_ROWS = 1_048_575
_FORMATS = {
    "Predicted Sponsorship": "0.0000",
    "Follower Count": "#,##0",
    "Engagement Rate": "0.0%",
}


class Sink(Protocol):
    """A file being written, a batch of rows at a time."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


def check_output(path: Path) -> None:
    """Raise unless a table can be written there, before any work is done.

    Raises
    ------
    OutputError
        If the format is not known or the folder cannot be written to.
    """
    if path.suffix.lower() not in FORMATS:
        raise OutputError(
            f"{path.name}: '{path.suffix}' cannot be written.", f"Use {', '.join(FORMATS)}."
        )
    if path.is_dir():
        raise OutputError(f"{path}: this is a folder.", "Name a file.")
    folder = path.absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise OutputError(f"{folder}: no folder that can be written to.", "Choose another place.")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; moved to `path` when all went well, else removed.

    Raises
    ------
    OutputError
        If the system would not write it.
    """
    _clear_left_over(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        full = error.errno == errno.ENOSPC
        raise OutputError(
            f"{path}: {error.strerror or error}.",
            "Make room and run it again." if full else "Choose another place.",
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _clear_left_over(path: Path) -> None:
    """Remove what runs left behind that were killed while they wrote this file."""
    mine = re.compile(re.escape(f".{path.name}.") + r"(\d+)\.part")
    for part in path.absolute().parent.iterdir():
        found = mine.fullmatch(part.name)
        if found and os.name == "posix" and not _alive(int(found[1])):
            part.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def open_sink(
    path: Path, suffix: str, schema: pa.Schema, provenance: Mapping[str, object]
) -> Iterator[Sink]:
    """Open a file of the format that `suffix` names."""
    kinds: dict[str, Callable[..., Sink]] = {".parquet": _ParquetSink, ".xlsx": _ExcelSink}
    sink = kinds.get(suffix, _TextSink)(path, suffix, schema, provenance)
    try:
        yield sink
    finally:
        sink.close()


class _ParquetSink:
    def __init__(
        self, path: Path, _suffix: str, schema: pa.Schema, provenance: Mapping[str, object]
    ) -> None:
        said = {key: value if isinstance(value, str) else json.dumps(value)
                for key, value in provenance.items()}  # fmt: skip
        self._writer = pq.ParquetWriter(path, schema, store_schema=False)
        self._writer.add_key_value_metadata(said)

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()


class _TextSink:
    def __init__(
        self, path: Path, suffix: str, schema: pa.Schema, _provenance: Mapping[str, object]
    ) -> None:
        self._schema = pa.schema([(f.name, _plain_type(f.type)) for f in schema])
        options = pa_csv.WriteOptions(
            delimiter="\t" if suffix == ".tsv" else ",",
            quoting_style="needed",
            quoting_header="needed",
        )
        self._writer = pa_csv.CSVWriter(path, self._schema, write_options=options)

    def write(self, batch: pa.RecordBatch) -> None:
        columns = [
            _neutralised(column.cast(field.type))
            for column, field in zip(batch.columns, self._schema, strict=True)
        ]
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


def _plain_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _neutralised(column: pa.Array) -> pa.Array:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    if not pa.types.is_string(column.type):
        return column
    formula = pc.match_substring_regex(column, _FORMULA)
    if not pc.any(formula).as_py():
        return column
    return pc.if_else(formula, pc.binary_join_element_wise("'", column, ""), column)


class _ExcelSink:
    """A workbook with native numbers and a sheet that says where they came from."""

    def __init__(
        self, path: Path, _suffix: str, schema: pa.Schema, provenance: Mapping[str, object]
    ) -> None:
        from openpyxl import Workbook

        self._path = path
        self._provenance = dict(provenance)
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("Decisions")
        self._names = list(schema.names)
        self._rows = 0
        self._begin()

    def _begin(self) -> None:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Font
        from openpyxl.utils import get_column_letter

        self._sheet.freeze_panes = "A2"
        for i, name in enumerate(self._names, start=1):
            self._sheet.column_dimensions[get_column_letter(i)].width = max(14, len(name) + 3)
        header = [WriteOnlyCell(self._sheet, name) for name in self._names]
        for cell in header:
            cell.font = Font(bold=True)
        self._sheet.append(header)

    def write(self, batch: pa.RecordBatch) -> None:
        self.append(zip(*(column.to_pylist() for column in batch.columns), strict=True))

    def append(self, rows: Iterator[Sequence[Any]]) -> None:
        from openpyxl.cell import WriteOnlyCell

        formats = [_FORMATS.get(name) for name in self._names]
        for row in rows:
            self._rows += 1
            if self._rows > _EXCEL_ROWS:
                raise InputError(
                    f"{self._path.name}: a sheet of Excel holds {_EXCEL_ROWS:,} rows, and there "
                    "are more.",
                    "Write .parquet or .csv, or the best of them with --top.",
                )
            cells = []
            for value, number_format in zip(row, formats, strict=True):
                if isinstance(value, str):
                    cells.append(self._text(self._sheet, value))
                    continue
                cell = WriteOnlyCell(self._sheet, value)
                if number_format and value is not None:
                    cell.number_format = number_format
                cells.append(cell)
            self._sheet.append(cells)

    @staticmethod
    def _text(sheet: Any, value: object) -> Any:
        """Give a cell that is text, even where it begins like a formula."""
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

        words = value if isinstance(value, str) else json.dumps(value)
        cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\ufffd", words))
        cell.data_type = "s"
        return cell

    def close(self) -> None:
        about = self._book.create_sheet("Provenance")
        for key, value in self._provenance.items():
            plain = value if isinstance(value, int | float) else self._text(about, value)
            about.append([key, plain])
        self._book.save(self._path)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write plain numbers, and text that no spreadsheet takes for a formula."""
    text = table.select_dtypes(["object", "str"]).columns
    table.assign(**{name: table[name].map(spreadsheet_safe) for name in text}).to_csv(
        path, index=False
    )


def spreadsheet_safe(cell: object) -> object:
    """Give a cell that no spreadsheet takes for a formula."""
    return "'" + cell if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


def as_before(cell: str) -> str:
    """Give back a cell that :func:`spreadsheet_safe` has changed, or one it has left alone.

    Examples
    --------
    >>> as_before(spreadsheet_safe("@handle")), as_before("'tis")
    ('@handle', "'tis")
    """
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA_STARTS) else cell


def write_provenance(path: Path, provenance: Mapping[str, object]) -> None:
    """Write where a file came from, beside it: ``FILE.provenance.json``."""
    text = json.dumps(provenance, indent=2, ensure_ascii=False)
    path.with_name(path.name + ".provenance.json").write_text(text + "\n", encoding="utf-8")


def write_xlsx(table: pd.DataFrame, path: Path, provenance: Mapping[str, object]) -> None:
    """Write a workbook: native numbers with formats, and a sheet that says where they came from.

    The first 100,000 rows, which spreadsheets still open with ease; where there are more, the
    second sheet says how many stand in the CSV only.
    """
    if len(table) > _EXCEL_SHOWN:
        provenance = {**provenance, "rows left out here": len(table) - _EXCEL_SHOWN}
    schema = pa.schema([(str(name), pa.null()) for name in table.columns])
    sink = _ExcelSink(path, ".xlsx", schema, provenance)
    shown = table.head(_EXCEL_SHOWN).astype(object)
    sink.append(shown.where(shown.notna(), None).itertuples(index=False))
    sink.close()
