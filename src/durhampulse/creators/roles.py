"""What each column of a table is for: feature, identifier, label, or left out and why."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from durhampulse.creators.blockreader import unclear_reason
from durhampulse.creators.carried import CarriedKind, carried_column
from durhampulse.creators.cells import LevelCells, NumberCells, distinct_words, read_levels
from durhampulse.creators.dates import looks_like_dates
from durhampulse.creators.numbers import DecimalSign, currencies, parse_number
from durhampulse.creators.protected import holds_genders, protected_attribute
from durhampulse.creators.rules import (
    ColumnRule,
    learn_level_rule,
    learn_number_rule,
    level_series,
)
from durhampulse.creators.schema import COLUMNS, header_key
from durhampulse.creators.text import NoTextError, as_text, holds_bytes, is_number, is_text
from durhampulse.deferred import pd

__all__ = ["ExtraColumn", "Role", "Wish", "attribute_of", "read_extra", "role_of_standard"]

Wish = Literal["keep", "feature"]
"""What a person wants of a column: to carry it along, or to learn from it."""

_MOST_LEVELS = 1_000
_FREE_TEXT = 60
_ID_ENDINGS = (
    *("id", "ids", "uid", "uuid", "guid", "url", "link", "handle", "email", "username", "phone"),
    *(
        "tel",
        "telephone",
        "telefon",
        "postalcode",
        "zip",
        "zipcode",
        "postcode",
        "plz",
        "iban",
        "sku",
        "ean",
    ),
)
_ID_TAILS = ("nummer", "\u7f16\u53f7", "\u756a\u53f7", "\ubc88\ud638")
_NUMBERS_OF = [
    *([of, "number"] for of in ("account", "phone", "customer", "order", "invoice")),
    *([of, "code"] for of in ("postal", "zip", "post")),
]
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
        ``carried`` along, ``unused``, ``protected`` by law, ``left out`` of this study, or
        ``considered``: it says whom somebody looked at.
    kind
        How its values are stored.
    reason
        Why, in words.
    """

    column: str
    role: Literal[
        "feature",
        "identifier",
        "label",
        "carried",
        "unused",
        "protected",
        "left out",
        "considered",
    ]
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
    name: str,
    cells: pa.Array,
    header: str = "",
    elsewhere: DecimalSign | None = None,
    *,
    wish: Wish | None = None,
    protected: bool | None = None,
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
    wish
        What a person wants of it, whatever it looks like.
    protected
        Whether a person calls it protected, or allows to learn from it; None where nobody did.
    """
    header = header or name
    rule = ColumnRule(column=name, kind="any", header=header)
    named = wish is None and _named_identifier(name)
    try:
        if unread := _unread(name, header, cells, wish, protected):
            return unread
        return _read_numeric(rule, cells, elsewhere, named=named) or _read_levels(
            name, cells, header, named=named
        )
    except NoTextError as error:
        return ExtraColumn(Role(name, "unused", "text", f"it holds {error}"))


def _read_numeric(
    rule: ColumnRule, cells: pa.Array, elsewhere: DecimalSign | None, *, named: bool
) -> ExtraColumn | None:
    """Return a column of numbers; None where it is none."""
    name = rule.column
    if not (is_number(cells.type) or is_text(cells.type) or holds_bytes(cells.type)):
        return None
    # A first look at some cells spares reading a million names as numbers.
    some = cells.unique().slice(0, 1_000)
    rule = learn_number_rule(name, some, rule.header)
    if not _mostly_numbers(some, 0.5, look := rule.read_numbers(some, elsewhere)):
        return _two_meanings(rule, some, look)
    if not is_number(cells.type) and len(signs := currencies(distinct_words(cells)[1])) > 1:
        reason = f"amounts in {' and '.join(signs[:3])}: write them in one currency"
        return ExtraColumn(Role(name, "unused", "text", reason))
    rule = learn_number_rule(name, cells, rule.header)
    numbers = rule.read_numbers(cells, elsewhere)
    if not _mostly_numbers(cells, 0.95, numbers):
        return None
    rule = replace(rule, decimal=rule.decimal or (elsewhere if is_text(cells.type) else None))
    role = _numeric_role(name, pd.Series(numbers.values), named=named)
    return ExtraColumn(role, numbers, rule)


def _two_meanings(rule: ColumnRule, cells: pa.Array, read: NumberCells) -> ExtraColumn | None:
    """Return a column most of whose cells may be two numbers; None for any other."""
    texts = as_text(cells.filter(pa.array(read.unclear))).to_pylist()
    words = [word.strip() for word in texts if not parse_number(word.strip(), "any").ends]
    if len(words) <= 0.5 * len(cells):
        return None
    reason = unclear_reason(rule.column, words[0], rule)
    return ExtraColumn(Role(rule.column, "unused", "text", reason))


def _read_levels(name: str, cells: pa.Array, header: str, *, named: bool) -> ExtraColumn:
    levels = read_levels(cells)
    rule = learn_level_rule(name, levels, header)
    role = _level_role(name, level_series(levels.levels), named=named)
    return ExtraColumn(role, levels, rule)


def _unread(
    name: str, header: str, cells: pa.Array, wish: Wish | None, protected: bool | None
) -> ExtraColumn | None:
    """Return a column whose cells are not read as figures or levels, None if they may be."""
    if wish == "keep":
        return _carried(name, header, cells, carried_column(header, cells) or "other")
    attribute = "protected as asked" if protected else attribute_of(name, cells)
    if attribute and protected is not False:
        reason = f"{attribute}: decisions must not rest on it"
        reason += "; --allow COLUMN decides" if wish == "feature" else ""
        return ExtraColumn(Role(name, "protected", "text", reason))
    if wish is None and (kind := carried_column(header, cells)):
        return _carried(name, header, cells, kind)
    if pa.types.is_temporal(cells.type) or (wish is None and looks_like_dates(name, cells)):
        return ExtraColumn(Role(name, "unused", "text", "dates are not learned from"))
    if pa.types.is_nested(cells.type):
        return ExtraColumn(Role(name, "unused", "text", "lists are not learned from"))
    return None


def _carried(name: str, header: str, cells: pa.Array, kind: CarriedKind) -> ExtraColumn:
    try:
        as_text(cells)
    except NoTextError as error:
        return ExtraColumn(Role(name, "unused", "text", f"it holds {error}"))
    reason = "shown as found, not learned from"
    rule = ColumnRule(column=name, kind="carried", header=header, carries=kind)
    return ExtraColumn(Role(name, "carried", "text", reason), rule=rule)


def _mostly_numbers(cells: pa.Array, share: float, numbers: NumberCells) -> bool:
    """Whether a share of cells are numbers; codes with leading zeros, such as 00123, are not."""
    readable = int(np.sum(~np.isnan(numbers.values)))
    others = int(numbers.unreadable.sum() + numbers.unclear.sum())
    if not readable or readable < share * (readable + others):
        return False
    if is_number(cells.type):
        return True
    return not pc.any(pc.match_substring_regex(as_text(cells), r"^\s*0\d")).as_py()


def _numeric_role(name: str, values: pd.Series, *, named: bool) -> Role:
    distinct = values.nunique()
    if distinct < 2:
        return Role(name, "unused", "numeric", "it holds no two different values")
    if named and distinct > 2:
        return Role(name, "unused", "numeric", "a number given to something is no size")
    whole = bool((values.dropna() % 1 == 0).all())
    if whole and distinct == values.count() and distinct == values.max() - values.min() + 1:
        return Role(name, "unused", "numeric", "it merely counts the rows")
    return Role(name, "feature", "numeric", "an extra column of numbers")


def _level_role(name: str, levels: pd.Series, *, named: bool) -> Role:
    present, distinct = int(levels.count()), levels.nunique()
    if distinct < 2:
        return Role(name, "unused", "levels", "it holds no two different values")
    if named:
        return Role(name, "unused", "text", "a name or address says nothing about new creators")
    if distinct > min(_MOST_LEVELS, 0.5 * present):
        return Role(name, "unused", "text", f"{distinct:,} different values in {present:,} cells")
    if levels.dropna().str.len().mean() > _FREE_TEXT:
        return Role(name, "unused", "text", "free text is not learned from")
    return Role(name, "feature", "levels", "an extra column of categories")


def _named_identifier(name: str) -> bool:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[\W_]+", " ", name).casefold().split()
    if not words or header_key(name) in _NAME_KEYS:
        return bool(words)
    given = words[0] in ("id", "uid") or words[-1] in _ID_ENDINGS
    return given or words[-1].endswith(_ID_TAILS) or words[-2:] in _NUMBERS_OF


def attribute_of(name: str, cells: pa.Array) -> str | None:
    """Return the protected attribute that a column names or holds, None where there is none."""
    if attribute := protected_attribute(name):
        return attribute
    if is_text(cells.type) and holds_genders(distinct_words(cells.slice(0, 1_000))[1]):
        return "sex or gender"
    return None
