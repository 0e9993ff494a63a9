"""The page of a file before it is checked: what can be chosen of how it is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from durhampulse.creators.options import ReadOptions
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL
from durhampulse.desk.imports.form import CARRIED, LEFT_OUT, MODEL, RATES, text_of
from durhampulse.desk.imports.preview import FileColumn, Preview
from durhampulse.desk.imports.problems import Problem
from durhampulse.desk.web.rendering import Context

__all__ = ["PreviewContext", "preview_context"]

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


class PreviewContext(Context, template="import-preview.html"):
    """A file as it is understood, to be corrected; `refused` where the form sent was wrong.

    `fields` names the fields that the file has; their choices are pairs of value and text, those of
    a column by `roles_of`. `outcome_words` are those for a deal and for none, as fields show them.
    `rates, identifier, label` are roles that are shown in their own way.
    """

    upload: Row[Any]
    preview: Preview
    problem: Problem | None
    refused: bool
    sent: Mapping[str, str]
    recipe: Row[Any] | None
    previewed: str
    fields: Collection[str]
    sheets: Sequence[tuple[str, str]]
    lines: Sequence[tuple[int | str, str]]
    encodings: Sequence[tuple[str, str]]
    outcome_words: Mapping[str, str]
    roles_of: Callable[[FileColumn], Sequence[tuple[str, str]]]
    rates: Collection[str]
    identifier: str
    label: str


def preview_context(
    preview: Preview, *, upload: Row[Any], problem: Problem | None, refused: bool,
    sent: Mapping[str, str], recipe: Row[Any] | None, previewed: str,
) -> PreviewContext:  # fmt: skip
    """Return what the page of a file shows, with the fields it has and the choices of each."""
    options = preview.options
    names = {f"role {column.header}" for column in preview.columns}
    names |= {f"unit {column.role}" for column in preview.columns if column.role in RATES}
    names |= {"roles"} if preview.columns else set()
    names |= {"table"} if len(preview.sheets) > 1 or options.table else set()
    names |= {"header_row"} if preview.format.headed else set()
    names |= {"encoding"} if preview.format.text else set()
    worded = options.deal_is or options.no_deal_is
    names |= {"deal_is", "no_deal_is"} if preview.labelled or worded else set()
    return PreviewContext(
        preview=preview, upload=upload, problem=problem, refused=refused, sent=sent, recipe=recipe,
        previewed=previewed, fields=names,
        sheets=[("" if at == 0 else name, name) for at, name in enumerate(preview.sheets)],
        lines=[("", "found by itself"), *((line, str(line)) for line in _lines(options))],
        encodings=_encodings(options),
        outcome_words={
            "deal_is": text_of(options.deal_is), "no_deal_is": text_of(options.no_deal_is),
        },
        roles_of=_roles_of, rates=RATES, identifier=IDENTIFIER, label=LABEL,
    )  # fmt: skip


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
