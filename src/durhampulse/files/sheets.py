"""Workbooks written: native numbers, text that stays text, and where it all came from."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from durhampulse.exceptions import InputError
from durhampulse.files.addresses import link_of
from durhampulse.files.scratch import scratch_folder

__all__ = ["CARRIED_FIELD", "SheetSink"]

CARRIED_FIELD = b"carried"
"""Stands in the metadata of a field that tells who a creator is: its addresses become links."""

_MOST_ROWS = 1_048_575
_LONGEST_TEXT = 32_767
_EXACT = 10**15
"""From here on a spreadsheet rounds whole numbers (15 digits); they are written as text."""
_MOST_LINKS = 65_000
"""A sheet of Excel holds 65,530; what comes after stays text."""
_FIRST_YEAR = 1901
"""Days before 1900-03-01 are counted wrongly by Excel."""
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FORMATS = {
    "Predicted Sponsorship": "0.00%",
    "Interval Low": "0.00%",
    "Interval High": "0.00%",
    "Follower Count": "#,##0",
    "Engagement Rate": "0.0%",
    "Growth Rate": "0.0%",
    "Average Views": "#,##0",
    "Fee Amount": "#,##0.##",
    "Fee": "#,##0.00",
    "Cost So Far": "#,##0.00",
}
_WIDE = {"Top Reason": 48, "Review Note": 36, "Latest Note": 36}
"""Column to its width, where words stand in it."""


class SheetSink:
    """An ``.xlsx`` file of two sheets: the table, and its provenance."""

    def __init__(self, path: Path, schema: pa.Schema, provenance: Mapping[str, object]) -> None:
        from xlsxwriter import Workbook

        self._name = path.name
        self._provenance = dict(provenance)
        self._scratch = scratch_folder()
        self._book = Workbook(
            path,
            {
                "tmpdir": self._scratch.name,
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        self._sheet = self._book.add_worksheet("Decisions")
        self._formats = [
            self._book.add_format({"num_format": _FORMATS[name]}) if name in _FORMATS else None
            for name in schema.names
        ]
        self._linked = [CARRIED_FIELD in (field.metadata or {}) for field in schema]
        self._links = 0
        self._time = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._date = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._rows = 0
        self._sheet.freeze_panes(1, 0)
        bold = self._book.add_format({"bold": True})
        for place, name in enumerate(schema.names):
            self._sheet.set_column(place, place, _WIDE.get(name, max(14, len(name) + 3)))
            self._sheet.write_string(0, place, _text(name), bold)

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        self.append(zip(*(column.to_pylist() for column in batch.columns), strict=True))

    def append(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows of plain values."""
        for row in rows:
            self._rows += 1
            if self._rows > _MOST_ROWS:
                raise InputError(
                    f"{self._name}: a sheet of Excel holds {_MOST_ROWS:,} rows, and there "
                    "are more.",
                    "Write .parquet or .csv, or the best of them with --top.",
                )
            for place, (value, form) in enumerate(zip(row, self._formats, strict=True)):
                if not (self._linked[place] and self._put_link(place, value)):
                    self._put(self._sheet, self._rows, place, value, form)

    def _put(self, sheet: Any, row: int, place: int, value: Any, form: Any = None) -> None:
        value = value.item() if isinstance(value, np.generic) else value
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return
        if isinstance(value, bool):
            sheet.write_boolean(row, place, value)
        elif (isinstance(value, int) and abs(value) < _EXACT) or (
            isinstance(value, float) and math.isfinite(value)
        ):
            sheet.write_number(row, place, value, form)
        elif isinstance(value, dt.datetime) and value.tzinfo is None and value.year >= _FIRST_YEAR:
            sheet.write_datetime(row, place, value, self._time)
        elif type(value) is dt.date and value.year >= _FIRST_YEAR:
            sheet.write_datetime(row, place, value, self._date)
        else:
            sheet.write_string(row, place, _text(value))

    def _put_link(self, place: int, value: Any) -> bool:
        """Write text that leads somewhere as a link; say whether it does."""
        address = link_of(value) if isinstance(value, str) and self._links < _MOST_LINKS else None
        if address is None:
            return False
        self._links += 1
        return bool(self._sheet.write_url(self._rows, place, address, string=_text(value)) == 0)

    def close(self) -> None:
        """Finish the file."""
        from xlsxwriter.exceptions import FileCreateError

        if self._rows:
            self._sheet.autofilter(0, 0, self._rows, len(self._formats) - 1)
        about = self._book.add_worksheet("Provenance")
        for row, (key, value) in enumerate(self._provenance.items()):
            about.write_string(row, 0, _text(key))
            nested = isinstance(value, dict | list | tuple)
            self._put(about, row, 1, json.dumps(value) if nested else value)
        try:
            self._book.close()
        except FileCreateError as error:
            raise error.args[0] from error  # the OSError that it wraps
        finally:
            self._scratch.cleanup()

    def abandon(self) -> None:
        """Let go of the file, whatever state it is in."""
        self._book.fileclosed = True  # else its destructor would write it
        for sheet in self._book.worksheets():
            with contextlib.suppress(OSError):
                sheet.row_data_fh.close()
        self._scratch.cleanup()


def _text(value: object) -> str:
    """Return a value as text that Excel can hold."""
    text = _FORBIDDEN.sub("\ufffd", str(value))
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
