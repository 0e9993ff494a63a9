"""Tables to files that open safely: CSV and Excel, with their provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

__all__ = ["write_csv", "write_provenance", "write_xlsx"]

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_EXCEL_ROWS = 100_000
_FORMATS = {
    "Predicted Sponsorship": "0.0000",
    "Follower Count": "#,##0",
    "Engagement Rate": "0.0%",
}


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write plain numbers, and text that no spreadsheet takes for a formula."""
    text = table.select_dtypes(["object", "str"]).columns
    table.assign(**{name: table[name].map(_neutral) for name in text}).to_csv(path, index=False)


def _neutral(cell: object) -> object:
    return "'" + cell if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


def write_provenance(path: Path, provenance: Mapping[str, object]) -> None:
    """Write where a file came from, beside it: ``FILE.provenance.json``."""
    text = json.dumps(provenance, indent=2, ensure_ascii=False)
    path.with_name(path.name + ".provenance.json").write_text(text + "\n", encoding="utf-8")


def write_xlsx(table: pd.DataFrame, path: Path, provenance: Mapping[str, object]) -> None:
    """Write a workbook: native numbers with formats, and a sheet that says where they came from.

    The first 100,000 rows, which spreadsheets still open with ease; where there are more, the
    second sheet says how many stand in the CSV only.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Decisions")
    sheet.freeze_panes = "A2"
    for i, name in enumerate(table.columns):
        sheet.column_dimensions[chr(65 + i)].width = max(14, len(name) + 3)
    header = [WriteOnlyCell(sheet, name) for name in table.columns]
    for cell in header:
        cell.font = Font(bold=True)
    sheet.append(header)
    formats = [_FORMATS.get(name) for name in table.columns]
    shown = table.head(_EXCEL_ROWS).astype(object)
    for row in shown.where(shown.notna(), None).itertuples(index=False):
        cells = []
        for value, number_format in zip(row, formats, strict=True):
            cell = WriteOnlyCell(sheet, value)
            if isinstance(value, str):
                cell.data_type = "s"  # text, even where it begins like a formula
            elif number_format and value is not None:
                cell.number_format = number_format
            cells.append(cell)
        sheet.append(cells)
    about = book.create_sheet("Provenance")
    if len(table) > _EXCEL_ROWS:
        provenance = {**provenance, "rows left out here": len(table) - _EXCEL_ROWS}
    for key, value in provenance.items():
        about.append([key, value if isinstance(value, int | float | str) else json.dumps(value)])
    book.save(path)
