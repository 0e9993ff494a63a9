"""The form of the import page: what was sent, as options to read the file by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast, get_args

from durhampulse.creators.labels import EMPTY
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.schema import COLUMNS
from durhampulse.creators.units import Unit
from durhampulse.desk.imports.choices import place_of
from durhampulse.desk.imports.problems import FieldError

__all__ = [
    "CARRIED",
    "LEFT_OUT",
    "MODEL",
    "RATES",
    "UNITS",
    "outcome_words_of",
    "read_form",
    "text_of",
    "words_of",
]

CARRIED, MODEL, LEFT_OUT = "carried", "model", "out"
"""What a column is that is no standard column."""
RATES = tuple(name for name, column in COLUMNS.items() if column.kind == "rate")
UNITS = get_args(Unit)
_ROLES = (*COLUMNS, CARRIED, MODEL, LEFT_OUT)
_LONGEST_NUMBER = 20  # Python reads no number of thousands of digits
_EMPTY_WORD = "(empty)"
"""What a form calls a cell that holds nothing, among the words of an outcome."""


def read_form(sent: Mapping[str, str], base: ReadOptions) -> ReadOptions:
    """Return the options that a form stands for.

    Parameters
    ----------
    sent
        Name of a field to its value.
    base
        The options that hold where the form has no field.

    Raises
    ------
    FieldError
        If a choice cannot be taken.
    """
    chosen: dict[str, Any] = {
        name: sent[name] or None for name in ("table", "encoding") if name in sent
    }
    if "header_row" in sent:
        chosen["header_row"] = _header_row(sent["header_row"])
    chosen |= outcome_words_of(sent)
    options = replace(base, **chosen)
    if "place" in sent and sent["place"] != place_of(options):
        sent = {}  # its columns are those of another table
    roles, units = _roles(sent), _units(sent)
    return replace(
        options,
        columns=_columns(roles),
        units=units,
        identifier=None,  # it is named among the columns
        keep=tuple(header for header, role in roles.items() if role == CARRIED),
        drop=tuple(header for header, role in roles.items() if role == LEFT_OUT),
    )


def _header_row(text: str) -> int | None:
    if not text.strip():
        return None
    if not (text.strip().isdecimal() and len(text) < _LONGEST_NUMBER and 0 < int(text) < 10_000):
        raise FieldError(
            f"'{text[:40]}' is no line of a file.", "Write its number, from 1 on.", "header_row"
        )
    return int(text)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text that has commas between them, ``(empty)`` for an empty cell.

    Examples
    --------
    >>> words_of("Declined, Lost"), words_of("(empty)"), words_of("")
    (('Declined', 'Lost'), ('',), ())
    """
    words = (part.strip() for part in text.split(","))
    return tuple(EMPTY if word == _EMPTY_WORD else word for word in words if word)


def outcome_words_of(sent: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the fields of a form that name words for outcomes, each with its words.

    Raises
    ------
    FieldError
        If words for no deal are named, and none for a deal.
    """
    chosen = {name: words_of(sent[name]) for name in ("deal_is", "no_deal_is") if name in sent}
    none = [word for word in chosen.get("no_deal_is", ()) if word != EMPTY]
    if none and not chosen.get("deal_is"):
        raise FieldError(
            f"'{none[0][:40]}' is no deal, and no word is one.",
            f"Write the words for a deal; {_EMPTY_WORD} alone as none makes every filled cell one.",
            "deal_is",
        )
    return chosen


def text_of(words: Iterable[str]) -> str:
    """Return words as a form shows them, the reverse of `words_of`."""
    return ", ".join(word or _EMPTY_WORD for word in words)


def _roles(sent: Mapping[str, str]) -> dict[str, str]:
    """Return header to role, in the order of the form."""
    roles = {
        name.removeprefix("role "): role
        for name, role in sent.items()
        if name.startswith("role ") and role in _ROLES
    }
    taken: dict[str, str] = {}
    for header, role in roles.items():
        if role not in COLUMNS:
            continue
        if role in taken:
            raise FieldError(
                f"'{taken[role]}' and '{header}' cannot both be {role}.",
                "Leave one of them out.", f"role {header}",
            )  # fmt: skip
        taken[role] = header
    return roles


def _columns(roles: Mapping[str, str]) -> dict[str, str]:
    """Return standard column to header, empty where the file has none."""
    if not roles:
        return {}
    headers = {role: header for header, role in roles.items()}
    return {column: headers.get(column, "") for column in COLUMNS}


def _units(sent: Mapping[str, str]) -> dict[str, Unit]:
    """Return the units that were chosen before, and the one of the button that was pressed."""
    asked = {name: sent.get(f"unit {name}", "") for name in RATES}
    column, _, unit = sent.get("as", "").partition("=")
    asked |= {column: unit} if column in RATES else {}
    return {name: cast("Unit", unit) for name, unit in asked.items() if unit in UNITS}
