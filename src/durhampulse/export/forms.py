"""How numbers are written, for targets that read text by patterns.

The forms are those of :mod:`durhampulse.creators.numbers`: a sign, digits with signs between them,
and what :mod:`durhampulse.export.spellings` holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Literal

from durhampulse.creators.rules import ColumnRule

__all__ = ["REGEX", "End", "Form", "forms_of", "unclear_before_mil"]

_SEPARATOR = "[' ]"
"""Signs that part thousands and are no decimal sign, of ASCII."""
_GROUP = f"{_SEPARATOR}[0-9]{{3}}"
REGEX = {
    "plain": r"[0-9]+[.]?[0-9]*|[.] *[0-9]+",
    "either point": r"[1-9][0-9]{0,2}[.][0-9]{3}",
    "either comma": r"[1-9][0-9]{0,2},[0-9]{3}",
    "commas": r"[1-9][0-9]{0,2}(,[0-9]{3}){1,5}([.][0-9]+)?",
    "indian": r"[1-9][0-9]?(,[0-9]{2}){1,5},[0-9]{3}([.][0-9]+)?",
    "lone comma": r"[0-9]+,[0-9]+",
    "points": r"[1-9][0-9]{0,2}([.][0-9]{3}){1,5}(,[0-9]+)?",
    "blanks": rf"[0-9]{{1,3}}({_GROUP}){{1,5}}([.][0-9]+)?",
    "blanks and comma": rf"[0-9]{{1,3}}({_GROUP}){{1,5}},[0-9]+",
}
"""Shapes of digits and the signs between them, matched as a whole."""

End = Literal["any", "none", "size", "price"]
"""What stands around the digits: anything that may, nothing, a size, or a currency alone.

Prices of three decimals are no ``price``: three digits behind the only sign of others are
thousands.
"""


class Form(IntEnum):
    """How a cell is to be read."""

    MISSING = 0
    POINT = 1
    COMMA = 2
    EXPONENT = 3
    TYPED = 4
    UNCLEAR = 8
    UNREAD = 9


def forms_of(rule: ColumnRule) -> Iterator[tuple[str, End, Form]]:
    """Yield shapes with what may follow, and the form that each is; the first that fits counts.

    Examples
    --------
    >>> next(forms_of(ColumnRule(column="Followers", kind="count")))[::2]
    ('either point', <Form.POINT: 1>)
    """
    signs = {".": Form.POINT, ",": Form.COMMA, "": Form.UNCLEAR}
    by_sign = signs[rule.decimal or ("." if rule.kind == "any" else "")]
    if rule.kind == "rate":
        yield "either point", "any", Form.POINT
        yield "either comma", "any", Form.COMMA
    else:
        if rule.kind == "any":
            yield "either point", "price", Form.COMMA
            yield "either comma", "price", Form.POINT
        yield "either point", "size", Form.POINT
        yield "either point", "any", by_sign
        if rule.kind == "count":
            yield "either comma", "none", Form.POINT
        yield "either comma", "any", by_sign
    for shape in ("plain", "commas", "indian", "blanks"):
        yield shape, "any", Form.POINT
    for shape in ("lone comma", "points", "blanks and comma"):
        yield shape, "any", Form.COMMA


def unclear_before_mil(rule: ColumnRule) -> tuple[Form, ...]:
    """Return the forms that ``mil`` behind the digits makes unclear.

    It is a million in English and a thousand elsewhere, which a decimal comma proves.
    """
    decimal = rule.decimal or ("." if rule.kind == "any" else None)
    return {",": (), None: (Form.POINT,)}.get(decimal, (Form.POINT, Form.COMMA))
