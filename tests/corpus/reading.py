"""What became of an export when it was read: right, asked about, or wrong and where."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from durhampulse.creators.options import ReadOptions
from durhampulse.creators.reading import read_creators
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL
from durhampulse.creators.table import Creators
from durhampulse.exceptions import InputError
from tests.corpus.exports import Export, Field
from tests.corpus.files import HEADER_ROWS, write
from tests.corpus.stock import ROWS, Cell, cells_of
from tests.corpus.variants import Variant

__all__ = ["Fault", "Reading", "read"]

OPTIONS = {
    "map": "columns",
    "id": "identifier",
    "unit": "units",
    "deal-is": "deal_is",
    "no-deal-is": "no_deal_is",
    "encoding": "encoding",
    "header-row": "header_row",
    "keep": "keep",
    "drop": "drop",
    "feature": "feature",
    "protect": "protect",
    "allow": "allow",
}
"""Option of the command line, without its dashes, to the field of :class:`ReadOptions`."""

_IDENTIFYING = ("carried", "carried:handle", "carried:name", "carried:link", "carried:email")
"""What may be the identifier too, where no column says that it is."""

_LEVELS = {"1080p": "HD"}
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True)
class Fault:
    """One thing that was read wrongly.

    Attributes
    ----------
    kind
        ``role``, ``value``, ``rows``, ``mojibake``, ``outcome`` (learned from), ``person`` (a
        person's field learned from), ``silent`` (not asked), ``no way out`` or ``crash``.
    header
        The column; empty for the table as a whole.
    note
        What was right and what came instead.
    """

    kind: str
    header: str
    note: str


@dataclass(frozen=True)
class Reading:
    """The end of a dialogue about one file.

    Attributes
    ----------
    asked
        The options that were asked for, in order.
    answered
        Whether each question had a declared answer, so that the table was read in the end.
    faults
        What was wrong; empty if nothing was.
    """

    export: Export
    variant: Variant
    asked: tuple[str, ...]
    answered: bool
    faults: tuple[Fault, ...]

    @property
    def state(self) -> str:
        """``right``, ``asked`` or ``wrong``."""
        return "wrong" if self.faults else "asked" if self.asked else "right"


def read(export: Export, variant: Variant, folder: Path) -> Reading:
    """Write an export, read it, answer what is asked for and judge what was read."""
    path = write(export, variant, folder)
    replies = _replies(export, variant)
    given: dict[str, Any] = dict(export.given)
    asked: list[str] = []
    while True:
        try:
            creators = read_creators(path, ReadOptions(**_fields(given)))
        except InputError as error:
            options = [
                name for name in re.findall(r"--([a-z-]+)", error.way_out) if name in OPTIONS
            ]
            if not options:
                fault = Fault("no way out", "", f"{error.problem} / {error.way_out}")
                return Reading(export, variant, tuple(asked), False, (fault,))
            asked += options[:1]
            news = {name: replies[name] for name in options if name in replies}
            if all(given.get(name) == reply for name, reply in news.items()) or not _fields(news):
                return Reading(export, variant, tuple(asked), False, ())
            given |= news
        except Exception as error:  # noqa: BLE001 - whatever a reader raises is a finding
            fault = Fault("crash", "", f"{type(error).__name__}: {error}")
            return Reading(export, variant, tuple(asked), False, (fault,))
        else:
            faults = tuple(_faults(export, variant, creators, asked))
            return Reading(export, variant, tuple(asked), True, faults)


def _replies(export: Export, variant: Variant) -> dict[str, Any]:
    """Return what a person who knows the table answers, by option: what is declared, and more."""
    names = {"id": IDENTIFIER, "label": LABEL, **{name: name for name in COLUMNS}}
    firsts = {names[field.rights[0]]: field for field in export.fields if field.rights[0] in names}
    columns = {name: field.header for name, field in firsts.items()}
    units = {
        name: {"points": "percent", "fraction": "fraction"}[form]
        for name, field in firsts.items()
        if COLUMNS[name].kind == "rate" and (form := field.form) in ("points", "fraction")
    }
    known: dict[str, Any] = {"header-row": HEADER_ROWS[variant.top]}
    if variant.format != "xlsx":
        known["encoding"] = variant.encoding
    if IDENTIFIER in columns:
        known["id"] = columns[IDENTIFIER]
    if LABEL in firsts and isinstance(words := firsts[LABEL].cells, Mapping) and "yes" in words:
        known |= {"deal-is": [words["yes"]], "no-deal-is": [words["no"]]}
    declared = dict(export.answers)
    return {
        "unit": units,
        **known,
        **declared,
        "map": columns | dict(declared.get("map", {})),
    }


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as fields of :class:`ReadOptions`, lists as tuples."""
    known = {field.name for field in dataclasses.fields(ReadOptions)}
    fields = {OPTIONS[name]: value for name, value in given.items()}
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in fields.items()
        if name in known
    }


def _faults(
    export: Export, variant: Variant, creators: Creators, asked: Sequence[str]
) -> Iterator[Fault]:
    if export.ask and not set(export.ask) & set(asked):
        yield Fault("silent", "", f"nothing of {', '.join(export.ask)} was asked for")
    if len(creators.table) != ROWS:
        yield Fault("rows", "", f"{len(creators.table)} of {ROWS} rows")
        return
    texts = {_plain(text) for text in (*COLUMNS, *_LEVELS.values())}
    for field in export.fields:
        cells = cells_of(export, field, variant.locale)
        texts |= {_plain(field.header), *(_plain(cell.text) for cell in cells)}
        yield from _field_faults(field, cells, creators, workbook=variant.format == "xlsx")
    for column in creators.table.columns:
        for text in (column, *creators.table[column]):
            if isinstance(text, str) and not text.isascii() and _plain(text) not in texts:
                yield Fault("mojibake", str(column), repr(text))
                return


def _plain(text: str) -> str:
    """Return text with one kind of blank, and without what an unknown column's name adds."""
    return _BLANKS.sub(" ", text).strip().removesuffix(" (as found)")


def _field_faults(
    field: Field, cells: Sequence[Cell], creators: Creators, *, workbook: bool
) -> Iterator[Fault]:
    came, column = _became(field.header, creators)
    if not any(_is_right(right, came) for right in field.rights):
        learned = came == "feature"
        persons = all(
            right.startswith(("carried", "protected", "id", "apart")) for right in field.rights
        )
        kind = "role"
        if learned and "label" in field.rights:
            kind = "outcome"
        elif learned and persons:
            kind = "person"
        yield Fault(kind, field.header, f"{field.right} became {came}")
        return
    unread = field.right == "any" or came in ("unused", "protected", "left out")
    if unread or column not in creators.table:
        return
    for row, (cell, value) in enumerate(zip(cells, creators.table[column], strict=True), start=1):
        if not _is_worth(cell, value, came, workbook=workbook):
            yield Fault("value", field.header, f"row {row}: {cell.text!r} was read as {value!r}")
            return


def _became(header: str, creators: Creators) -> tuple[str, str]:
    """Return what a header was read as, and the column of the table that holds it."""
    for column, rule in creators.rules.items():
        if rule.header == header and column in COLUMNS:
            return {IDENTIFIER: "id", LABEL: "label"}.get(column, column), column
    carried: Mapping[str, str] = getattr(creators, "carried", {})
    if header in carried:
        return f"carried:{carried[header]}", header
    for role in creators.roles:
        if role.column in (header, f"{header} (as found)"):
            return role.role, role.column
    return "nothing", header


def _is_right(right: str, came: str) -> bool:
    if right == "any":
        return True
    if right == "apart":
        return came not in ("feature", *COLUMNS) and came != "label"
    if came == "id" and right in _IDENTIFYING:
        return True
    return right == came or (right == "carried" and came.startswith("carried"))


def _is_worth(cell: Cell, value: object, came: str, *, workbook: bool) -> bool:
    """Whether a cell was read as what it is worth."""
    if cell.number is None and (came == "label" or cell.text == ""):
        return value is None or (isinstance(value, float) and math.isnan(value))
    if cell.number is not None and (came in COLUMNS or came in ("feature", "label")):
        sizes = (
            [cell.number]
            if came in COLUMNS or came == "label"
            else [cell.number, cell.number * 100]
        )
        return any(_near(value, size) for size in sizes)
    if cell.number is not None and workbook:
        return True
    return _plain(str(value)) == _LEVELS.get(cell.text, _plain(cell.text))


def _near(value: object, size: float) -> bool:
    try:
        return math.isclose(float(value), size, rel_tol=1e-9, abs_tol=1e-12)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
