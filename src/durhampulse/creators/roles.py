"""What each column of a table is for: feature, identifier, label, or left out and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from durhampulse.creators.cells import LevelCells, NumberCells, read_levels, read_numbers
from durhampulse.creators.schema import COLUMNS, header_key

__all__ = ["Role", "read_extra", "role_of_standard"]

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
    """Give the role of one of the eight columns."""
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


def read_extra(
    name: str, cells: pd.Series
) -> tuple[pd.Series, Role, NumberCells | LevelCells | None]:
    """Read a column that is not one of the eight, and decide what it is for.

    Parameters
    ----------
    name
        Its header.
    cells
        Its cells as found, shape (n_rows,).

    Returns
    -------
    values, role, noticed
        The values read, the role, and what was noticed on reading them.
    """
    if _named_protected(name):
        return cells, Role(name, "protected", "text", "decisions must not rest on it"), None
    if pd.api.types.is_datetime64_any_dtype(cells) or _looks_like_dates(cells):
        return cells, Role(name, "unused", "text", "dates are not learned from"), None
    # A first look at some cells spares reading a million names as numbers.
    if _mostly_numbers(cells.drop_duplicates().head(1_000), 0.5):
        numbers = read_numbers(cells)
        if _mostly_numbers(cells, 0.95, numbers):
            values = pd.Series(numbers.values, index=cells.index)
            return values, _numeric_role(name, values), numbers
    levels = read_levels(cells)
    return levels.values, _level_role(name, levels.values), levels


def _mostly_numbers(cells: pd.Series, share: float, numbers: NumberCells | None = None) -> bool:
    """Tell whether cells are numbers; codes with leading zeros, such as 00123, are not."""
    numbers = numbers or read_numbers(cells)
    readable = int(np.sum(~np.isnan(numbers.values)))
    if not readable or readable < share * (readable + numbers.unreadable.sum()):
        return False
    if pd.api.types.is_numeric_dtype(cells):
        return True
    return not bool(cells.astype("str").str.match(r"\s*0\d").any())


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
    """Tell whether a header names an attribute of the EU Charter, article 21, or like ones."""
    words = re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold())
    return not _PROTECTED.isdisjoint(words)


def _looks_like_dates(cells: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(cells):
        return False
    known = cells.dropna()
    some = known.iloc[:: max(len(known) // 200, 1)].astype("str").str.strip()
    if some.empty:
        return False
    pattern = (
        r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
        r"|\d{1,2}\.? [A-Za-z]{3,9}\.? \d{2,4}|[A-Za-z]{3,9} \d{1,2}, \d{4})([T ].*)?"
    )
    return bool(some.str.fullmatch(pattern).mean() >= 0.95)
