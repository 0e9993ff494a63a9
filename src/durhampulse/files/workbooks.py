"""Excel workbooks: one sheet's cells as found, whatever the file claims to hold."""

from __future__ import annotations

import contextlib
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from durhampulse.exceptions import InputError

__all__ = ["quoted", "read_sheet"]

_MOST_UNPACKED = 1 << 30
_MOST_CELLS = 40_000_000
_MOST_ROWS = 1_048_576
"""Of an Excel sheet, by its format (ECMA-376)."""
_HEADROOM = 100
"""Rows in which a sheet that is not read shows whether it holds anything."""


def read_sheet(path: Path, table: str | None) -> tuple[str, pd.DataFrame, list[str]]:
    """Give a sheet's name and cells, and the names of the other sheets that hold any.

    Parameters
    ----------
    path
        The workbook.
    table
        The sheet; the first if not given.

    Raises
    ------
    InputError
        If it is no workbook, holds more than memory should, or has no such sheet.
    """
    _require_moderate(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl's, about styles and dates not used here
            return _read(path, table)
    except (
        *(zipfile.BadZipFile, zlib.error, OSError, SyntaxError),  # the parts of a workbook
        *(ValueError, KeyError, IndexError, TypeError, AttributeError),  # what stands in them
    ) as error:
        raise InputError(
            f"{path.name}: not a readable Excel workbook ({error}).", "Save it again as .xlsx."
        ) from error


def _read(path: Path, table: str | None) -> tuple[str, pd.DataFrame, list[str]]:
    import openpyxl  # a third of a second that other formats need not wait

    with contextlib.closing(openpyxl.load_workbook(path, read_only=True, data_only=True)) as book:
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        name = table or book.worksheets[0].title
        if name not in sheets:
            raise InputError(
                f"{path.name}: no sheet is called '{name}'.", f"There are {quoted([*sheets])}."
            )
        cells = _cells_of(sheets.pop(name), path)
        return name, cells, [other for other, sheet in sheets.items() if _holds_any(sheet)]


def _cells_of(sheet: Any, path: Path) -> pd.DataFrame:
    """Give a sheet's cells row by row.

    Two cells in far corners are a small file, and a table of all cells between them fills any
    memory.
    """
    rows: list[list[object]] = []
    width = 0
    sheet.reset_dimensions()  # what the file says of them need not be so
    for row in sheet.iter_rows():
        cells = [_cell(cell) for cell in row]
        while cells and cells[-1] is None:
            cells.pop()
        rows.append(cells)
        width = max(width, len(cells))
        if len(rows) > _MOST_ROWS or len(rows) * width > _MOST_CELLS:
            raise InputError(
                f"{path.name}, row {len(rows)}: a table of {width:,} columns and so many rows "
                f"is more than is read from a workbook ({_MOST_CELLS:,} cells).",
                "Delete what stands far from the table, or save it as .csv or .parquet.",
            )
    while rows and not rows[-1]:
        rows.pop()
    return pd.DataFrame([cells + [None] * (width - len(cells)) for cells in rows], dtype=object)


def _holds_any(sheet: Any) -> bool:
    sheet.reset_dimensions()
    top = sheet.iter_rows(max_row=_HEADROOM)
    return any(_cell(cell) is not None for row in top for cell in row)


def _cell(cell: Any) -> object:
    value = cell.value
    if value == "" or cell.data_type == "e":  # an error such as #N/A
        return None
    # 5 and 5.0 are one number to a spreadsheet.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _require_moderate(path: Path) -> None:
    """Refuse a workbook that would unpack to more than memory should hold."""
    try:
        with zipfile.ZipFile(path) as book:
            unpacked = sum(part.file_size for part in book.infolist())
    except (zipfile.BadZipFile, OSError):
        return  # the reader says what is wrong with it
    if unpacked > _MOST_UNPACKED:
        raise InputError(
            f"{path.name}: the workbook unpacks to {unpacked / 1e9:.1f} GB.",
            "Save the table as .csv or .parquet.",
        )


def quoted(names: Sequence[str]) -> str:
    """Name sheets, the first few of them."""
    return ", ".join(f"'{name}'" for name in names[:5]) + (" and more" if len(names) > 5 else "")
