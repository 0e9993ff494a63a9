"""What each column of a table is for: feature, identifier, label, or left out and why."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from durhampulse.creators.cells import LevelCells, NumberCells, distinct_words, read_levels
from durhampulse.creators.numbers import DecimalSign, currencies
from durhampulse.creators.rules import (
    ColumnRule,
    learn_level_rule,
    learn_number_rule,
    level_series,
)
from durhampulse.creators.schema import COLUMNS, header_key
from durhampulse.creators.text import NoTextError, as_text, holds_bytes, is_number, is_text

__all__ = ["ExtraColumn", "Role", "read_extra", "role_of_standard"]

_MOST_LEVELS = 1_000
_FREE_TEXT = 60
_ID_ENDINGS = ("id", "url", "uuid", "link", "handle", "email", "username", "phone")
_PROTECTED = frozenset(
    {"gender", "sex", "age", "birthday", "birthdate", "birthyear", "dob", "ethnicity", "ethnic"}
    | {"race", "religion", "religious", "disability", "disabled", "nationality", "orientation"}
    | {"pregnant", "pregnancy", "marital"}
)
_NAME_KEYS = frozenset({"name", "fullname", "creatorname", "channelname", "account"})


@dataclass(frozen=True)
class Role:
    """What one column is used for.

    Attributes
    ----------
    column
        Name of the column.
    role
        ``feature`` (``numeric`` or ``levels`` tells its kind), ``identifier``, ``label``,
        ``unused``, ``protected`` by law, or ``left out`` of this study.
    kind
        How its values are stored.
    reason
        Why, in words.
    """

    column: str
    role: Literal["feature", "identifier", "label", "unused", "protected", "left out"]
    kind: Literal["numeric", "quality", "levels", "text"]
    reason: str


def role_of_standard(name: str, values: pd.Series) -> Role:
    """Return the role of one of the eight columns."""
    kind = COLUMNS[name].kind
    if kind == "identifier":
        return Role(name, "identifier", "text", COLUMNS[name].meaning)
    if kind == "label":
        return Role(name, "label", "numeric", COLUMNS[name].meaning)
    stored: Literal["numeric", "quality", "levels"] = (
        "quality" if kind == "quality" else "levels" if kind == "category" else "numeric"
    )
    if values.nunique() < 2:
        return Role(name, "unused", stored, "it holds no two different values")
    return Role(name, "feature", stored, COLUMNS[name].meaning)


@dataclass(frozen=True)
class ExtraColumn:
    """A column that is not one of the eight, as read.

    Attributes
    ----------
    role
        What it is for.
    cells
        Its values with what was noticed; None where it is not read.
    rule
        How it was read; None likewise.
    """

    role: Role
    cells: NumberCells | LevelCells | None = None
    rule: ColumnRule | None = None


def read_extra(
    name: str, cells: pa.Array, header: str = "", elsewhere: DecimalSign | None = None
) -> ExtraColumn:
    """Return a column that is not one of the eight, read, with what it is for.

    Parameters
    ----------
    name, header
        What it is called, and its header where that is another.
    cells
        Its cells as found, shape (n_rows,).
    elsewhere
        The decimal sign that the table's standard columns prove.
    """
    if _named_protected(name):
        return ExtraColumn(Role(name, "protected", "text", "decisions must not rest on it"))
    if pa.types.is_temporal(cells.type) or _looks_like_dates(cells):
        return ExtraColumn(Role(name, "unused", "text", "dates are not learned from"))
    if pa.types.is_nested(cells.type):
        return ExtraColumn(Role(name, "unused", "text", "lists are not learned from"))
    header = header or name
    rule = ColumnRule(column=name, kind="any", header=header)
    try:
        return _read_numeric(rule, cells, elsewhere) or _read_levels(name, cells, header)
    except NoTextError as error:
        return ExtraColumn(Role(name, "unused", "text", f"it holds {error}"))


def _read_numeric(
    rule: ColumnRule, cells: pa.Array, elsewhere: DecimalSign | None
) -> ExtraColumn | None:
    """Return a column of numbers; None where it is none."""
    name = rule.column
    # A first look at some cells spares reading a million names as numbers.
    written = is_number(cells.type) or is_text(cells.type) or holds_bytes(cells.type)
    if not (written and _mostly_numbers(cells.unique().slice(0, 1_000), 0.5, rule)):
        return None
    if not is_number(cells.type) and len(signs := currencies(distinct_words(cells)[1])) > 1:
        reason = f"amounts in {' and '.join(signs[:3])}: write them in one currency"
        return ExtraColumn(Role(name, "unused", "text", reason))
    rule = learn_number_rule(name, cells, rule.header)
    numbers = rule.read_numbers(cells, elsewhere)
    if not _mostly_numbers(cells, 0.95, rule, numbers):
        return None
    rule = replace(rule, decimal=rule.decimal or (elsewhere if is_text(cells.type) else None))
    return ExtraColumn(_numeric_role(name, pd.Series(numbers.values)), numbers, rule)


def _read_levels(name: str, cells: pa.Array, header: str) -> ExtraColumn:
    levels = read_levels(cells)
    rule = learn_level_rule(name, levels, header)
    return ExtraColumn(_level_role(name, level_series(levels.levels)), levels, rule)


def _mostly_numbers(
    cells: pa.Array, share: float, rule: ColumnRule, numbers: NumberCells | None = None
) -> bool:
    """Whether cells are numbers; codes with leading zeros, such as 00123, are not."""
    numbers = numbers or rule.read_numbers(cells)
    readable = int(np.sum(~np.isnan(numbers.values)))
    others = int(numbers.unreadable.sum() + numbers.unclear.sum())
    if not readable or readable < share * (readable + others):
        return False
    if is_number(cells.type):
        return True
    return not pc.any(pc.match_substring_regex(as_text(cells), r"^\s*0\d")).as_py()


def _numeric_role(name: str, values: pd.Series) -> Role:
    distinct = values.nunique()
    if distinct < 2:
        return Role(name, "unused", "numeric", "it holds no two different values")
    if _named_identifier(name) and distinct > 0.5 * values.count():
        return Role(name, "unused", "numeric", "an identifier says nothing about new creators")
    whole = bool((values.dropna() % 1 == 0).all())
    if whole and distinct == values.count() and distinct == values.max() - values.min() + 1:
        return Role(name, "unused", "numeric", "it merely counts the rows")
    return Role(name, "feature", "numeric", "an extra column of numbers")


def _level_role(name: str, levels: pd.Series) -> Role:
    present, distinct = int(levels.count()), levels.nunique()
    if distinct < 2:
        return Role(name, "unused", "levels", "it holds no two different values")
    if _named_identifier(name):
        return Role(name, "unused", "text", "a name or address says nothing about new creators")
    if distinct > min(_MOST_LEVELS, 0.5 * present):
        return Role(name, "unused", "text", f"{distinct:,} different values in {present:,} cells")
    if levels.dropna().str.len().mean() > _FREE_TEXT:
        return Role(name, "unused", "text", "free text is not learned from")
    return Role(name, "feature", "levels", "an extra column of categories")


def _named_identifier(name: str) -> bool:
    words = name.casefold().replace("_", " ").split()
    return header_key(name) in _NAME_KEYS or bool(words and words[-1] in _ID_ENDINGS)


def _named_protected(name: str) -> bool:
    """Return whether a header names an attribute of the EU Charter, article 21, or like ones."""
    words = re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold())
    return not _PROTECTED.isdisjoint(words)


def _looks_like_dates(cells: pa.Array) -> bool:
    if not is_text(cells.type):
        return False
    filled = cells.drop_null()
    some = filled.take(pa.array(np.arange(0, len(filled), max(len(filled) // 200, 1))))
    words = pc.utf8_trim_whitespace(as_text(some))
    if not len(words):
        return False
    pattern = (
        r"^(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
        r"|\d{1,2}\.? [A-Za-z]{3,9}\.? \d{2,4}|[A-Za-z]{3,9} \d{1,2}, \d{4})([T ].*)?$"
    )
    return bool(pc.mean(pc.match_substring_regex(words, pattern)).as_py() >= 0.95)
