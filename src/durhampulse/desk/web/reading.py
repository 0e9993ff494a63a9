"""The fields of the import page: what can be chosen of how a file is read."""

from __future__ import annotations

from typing import Any

from durhampulse.creators.options import ReadOptions
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL
from durhampulse.desk.imports.form import CARRIED, LEFT_OUT, MODEL, RATES
from durhampulse.desk.imports.preview import FileColumn, Preview

__all__ = ["fields_of"]

_LINES = 10
_ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Western Europe (Windows-1252)",
    "mac_roman": "Western Europe (Macintosh)",
    "cp850": "Western Europe (DOS 850)",
    "cp1250": "Central Europe (Windows-1250)",
    "iso8859_2": "Central Europe (ISO 8859-2)",
    "cp1257": "Baltic (Windows-1257)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1251": "Cyrillic (Windows-1251)",
    "koi8_r": "Cyrillic (KOI8-R)",
    "cp1253": "Greek (Windows-1253)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "cp874": "Thai (Windows-874)",
    "gb18030": "Chinese (GB 18030)",
    "big5": "Chinese (Big5)",
    "cp932": "Japanese (Shift JIS)",
    "euc_jp": "Japanese (EUC-JP)",
    "cp949": "Korean (Windows-949)",
}
_NAMES = {
    IDENTIFIER: "Creator's identifier",
    LABEL: "Outcome",
    CARRIED: "Kept and shown",
    LEFT_OUT: "Left out",
    MODEL: "Used by the model",
}
"""What people call a role that is not called as its column is."""


def fields_of(preview: Preview) -> dict[str, Any]:
    """Return the page's fields for a file, and the choices each has.

    Returns
    -------
    dict
        ``fields``, the names of all; ``sheets``, ``lines`` and ``encodings`` as value and text;
        ``roles_of``, which returns the same for a column.
    """
    options = preview.options
    names = {f"role {column.header}" for column in preview.columns}
    names |= {f"unit {column.role}" for column in preview.columns if column.role in RATES}
    names |= {"roles"} if preview.columns else set()
    names |= {"table"} if len(preview.sheets) > 1 or options.table else set()
    names |= {"header_row"} if preview.format.headed else set()
    names |= {"encoding"} if preview.format.text else set()
    names |= {"deal_is", "no_deal_is"} if preview.labelled or options.deal_is else set()
    return {
        "fields": names,
        "sheets": [("" if at == 0 else name, name) for at, name in enumerate(preview.sheets)],
        "lines": [("", "found by itself"), *((line, str(line)) for line in _lines(options))],
        "encodings": _encodings(options),
        "roles_of": _roles_of,
        "rates": RATES,
        "identifier": IDENTIFIER,
        "label": LABEL,
    }


def _lines(options: ReadOptions) -> list[int]:
    """Return the lines that may name the columns: the first ones, and the one that was chosen."""
    chosen = options.header_row
    return sorted({*range(1, _LINES + 1), *([chosen] if chosen else [])})


def _encodings(options: ReadOptions) -> list[tuple[str, str]]:
    """Return the encodings one can choose, the one that was chosen among them."""
    chosen = options.encoding
    other = [(chosen, chosen)] if chosen and chosen not in _ENCODINGS else []
    return [("", "found by itself"), *_ENCODINGS.items(), *other]


def _roles_of(column: FileColumn) -> list[tuple[str, str]]:
    """Return what a column of the file may be."""
    roles = [*COLUMNS, *([MODEL] if column.role == MODEL else [])]
    roles += [CARRIED, LEFT_OUT]
    return [(role, _NAMES.get(role, role.replace("_", " "))) for role in roles]
