"""An export written to a file, as its tool would in one of many ways."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import xlsxwriter

from tests.corpus.exports import Export
from tests.corpus.stock import Cell, cells_of
from tests.corpus.variants import Variant, printable

__all__ = ["HEADER_ROWS", "write"]

_TOPS: dict[str, list[list[str]]] = {
    "none": [],
    "title": [["Creators, spring campaign"]],
    "blank": [[], []],
    "metadata": [["Report", "Creators"], ["Period", "2024-01-01 - 2024-06-30"], []],
}
HEADER_ROWS = {top: len(lines) + 1 for top, lines in _TOPS.items()}
"""The line of the header, as a spreadsheet counts, below each kind of top."""

_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}


def write(export: Export, variant: Variant, folder: Path) -> Path:
    """Write an export and return the file."""
    columns = [cells_of(export, field, variant.locale) for field in export.fields]
    rows = list(zip(*columns, strict=True))
    headers = [field.header for field in export.fields]
    top = [line + [""] * (len(headers) - len(line)) for line in _TOPS[variant.top]]
    if variant.format == "xlsx":
        return _write_workbook(folder / f"{export.name}.xlsx", [*top, headers], rows)
    path = folder / f"{export.name}.{'tsv' if variant.format == 'tab' else 'csv'}"
    text = io.StringIO()
    writer = csv.writer(text, delimiter=_DELIMITERS[variant.format], lineterminator="\r\n")
    writer.writerows([*top, headers, *([cell.text for cell in row] for row in rows)])
    path.write_bytes(printable(text.getvalue(), variant.encoding).encode(variant.encoding))
    return path


def _write_workbook(path: Path, top: list[list[str]], rows: list[tuple[Cell, ...]]) -> Path:
    """Write a workbook whose figures are numbers with formats where its tool would store them so."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Export")
        percent = book.add_format({"num_format": "0.00%"})
        for at, line in enumerate(top):
            sheet.write_row(at, 0, [text or None for text in line])
        for at, row in enumerate(rows, start=len(top)):
            for column, cell in enumerate(row):
                if cell.native is None:
                    sheet.write_string(at, column, cell.text) if cell.text else None
                else:
                    is_percent = cell.text.endswith("%")
                    sheet.write_number(at, column, cell.native, percent if is_percent else None)
    return path
