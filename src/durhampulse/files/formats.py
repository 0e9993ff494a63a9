"""The formats of tables: which endings are read and written, by what, and as what they are sent.

A new format is a module with a stream, a sink or both, and its lines in `FORMATS`. Doors,
messages, help texts and the desk's lists follow from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["FORMATS", "READABLE", "WRITABLE", "Format", "listed", "suffix_of"]


@dataclass(frozen=True, kw_only=True)
class Format:
    """A kind of file.

    Attributes
    ----------
    name
        What people call it.
    stream, sink
        Who reads and who writes it, as ``module:class``, so that naming the formats loads none of
        their libraries; empty where it is not read or not written.
    media_type
        Its name in HTTP.
    sheets
        Whether a file holds several tables.
    text
        Whether it has an encoding.
    headed
        Whether its headers stand in a row that something may stand above.
    """

    name: str
    stream: str = ""
    sink: str = ""
    media_type: str
    sheets: bool = False
    text: bool = False
    headed: bool = False


_DELIMITED = "durhampulse.files.delimited"
_WORKBOOK = "durhampulse.files.workbooks:WorkbookStream"
_PARQUET = Format(
    name="Parquet",
    stream="durhampulse.files.parquet:ParquetStream",
    sink="durhampulse.files.parquet:ParquetSink",
    media_type="application/vnd.apache.parquet",
)
_ARROW = Format(
    name="Arrow",
    stream="durhampulse.files.ipc:ArrowStream",
    sink="durhampulse.files.ipc:ArrowSink",
    media_type="application/vnd.apache.arrow.file",
)
_OBJECTS = "durhampulse.files.objects"
_LINES = Format(
    name="JSON lines",
    stream=f"{_OBJECTS}:LinesStream",
    sink=f"{_OBJECTS}:LinesSink",
    media_type="application/x-ndjson",
    text=True,
)
FORMATS: dict[str, Format] = {
    ".csv": Format(
        name="CSV",
        stream=f"{_DELIMITED}:DelimitedStream",
        sink=f"{_DELIMITED}:CommaSink",
        media_type="text/csv",
        text=True,
        headed=True,
    ),
    ".tsv": Format(
        name="TSV",
        stream=f"{_DELIMITED}:DelimitedStream",
        sink=f"{_DELIMITED}:TabSink",
        media_type="text/tab-separated-values",
        text=True,
        headed=True,
    ),
    ".txt": Format(
        name="text",
        stream=f"{_DELIMITED}:DelimitedStream",
        media_type="text/plain",
        text=True,
        headed=True,
    ),
    ".csv.gz": Format(
        name="CSV, compressed",
        stream=f"{_DELIMITED}:DelimitedStream",
        sink=f"{_DELIMITED}:PackedCommaSink",
        media_type="application/gzip",
        text=True,
        headed=True,
    ),
    ".tsv.gz": Format(
        name="TSV, compressed",
        stream=f"{_DELIMITED}:DelimitedStream",
        media_type="application/gzip",
        text=True,
        headed=True,
    ),
    ".json": Format(
        name="JSON",
        stream=f"{_OBJECTS}:ArrayStream",
        media_type="application/json",
        text=True,
    ),
    ".jsonl": _LINES,
    ".ndjson": _LINES,
    ".jsonl.gz": Format(
        name="JSON lines, compressed",
        stream=f"{_OBJECTS}:LinesStream",
        media_type="application/gzip",
        text=True,
    ),
    ".xlsx": Format(
        name="Excel",
        stream=_WORKBOOK,
        sink="durhampulse.files.sheets:SheetSink",
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        sheets=True,
        headed=True,
    ),
    ".xlsm": Format(
        name="Excel with macros",
        stream=_WORKBOOK,
        media_type="application/vnd.ms-excel.sheet.macroEnabled.12",
        sheets=True,
        headed=True,
    ),
    ".xlsb": Format(
        name="binary Excel",
        stream=_WORKBOOK,
        media_type="application/vnd.ms-excel.sheet.binary.macroEnabled.12",
        sheets=True,
        headed=True,
    ),
    ".xls": Format(
        name="Excel before 2007",
        stream=_WORKBOOK,
        media_type="application/vnd.ms-excel",
        sheets=True,
        headed=True,
    ),
    ".ods": Format(
        name="OpenDocument",
        stream=_WORKBOOK,
        media_type="application/vnd.oasis.opendocument.spreadsheet",
        sheets=True,
        headed=True,
    ),
    ".parquet": _PARQUET,
    ".pq": _PARQUET,
    ".arrow": _ARROW,
    ".feather": _ARROW,
    ".zip": Format(
        name="an archive of one table",
        stream="durhampulse.files.stream:open_archive",
        media_type="application/zip",
        sheets=True,
        text=True,
        headed=True,
    ),
}
READABLE = tuple(suffix for suffix, kind in FORMATS.items() if kind.stream)
WRITABLE = tuple(suffix for suffix, kind in FORMATS.items() if kind.sink)


def suffix_of(path: str | Path) -> str:
    """Return a file's ending in lower case, as `FORMATS` spells it.

    Examples
    --------
    >>> suffix_of("May.2026.CSV"), suffix_of("May.2026.csv.gz")
    ('.csv', '.csv.gz')
    """
    inner, last = ["", "", *(suffix.lower() for suffix in Path(path).suffixes)][-2:]
    return inner + last if last == ".gz" else last


def listed(suffixes: tuple[str, ...] = READABLE) -> str:
    """Return endings as a sentence lists them.

    Examples
    --------
    >>> listed((".csv", ".tsv", ".xlsx"))
    '.csv, .tsv or .xlsx'
    """
    *most, end = suffixes
    return f"{', '.join(most)} or {end}" if most else end
