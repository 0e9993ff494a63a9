"""One written number at a time: what it is worth, and where that depends on the decimal sign."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache, partial
from typing import Literal, NamedTuple

from durhampulse.creators.amounts import (
    Amount,
    plain_letters,
    same_currency,
    split_amount,
    split_range,
)
from durhampulse.creators.counted import split_counted, split_rate
from durhampulse.creators.qualifiers import split_qualified

__all__ = [
    "THREE_DECIMALS",
    "DecimalSign",
    "NumberKind",
    "Parsed",
    "currencies",
    "decimal_evidence",
    "learn_decimal",
    "marked_count",
    "mixed_commas",
    "parse_number",
]

NumberKind = Literal["count", "rate", "any"]
DecimalSign = Literal[".", ","]

_SCALES = {
    "": Decimal(1),
    "%": Decimal("0.01"),
    "k": Decimal(10**3),
    "m": Decimal(10**6),
    "mn": Decimal(10**6),
    "b": Decimal(10**9),
    "bn": Decimal(10**9),
}
_NUMBER = re.compile(
    r"(?P<sign>[+\-]?)\s*(?P<digits>\d(?:[\d.,'\u2019\s]*\d)?\.?|\.\d+)"
    r"\s*(?:(?P<suffix>[kmb]|mn|bn)|(?P<percent>%))?",
    re.IGNORECASE,
)
_ACCOUNTED = re.compile(r"\(\s*([^-+\u2212()]*\d[^-+\u2212()]*)\)|([\d.,'\u2019\s]*\d%?)-")
"""A number below zero as accountants and SAP write it: ``(2.7%)`` and ``2.7-``."""
_EXPONENT = re.compile(r"([+\-]?(?:\d*[.,]?\d+|\d+[.,]))(e[+\-]?\d{1,3})", re.IGNORECASE)
_ENDLESS = re.compile(r"[+-]?(inf|infinity)", re.IGNORECASE)
_LONGEST_NUMBER = 40

_WITH_POINT = re.compile(
    r"\d+\.?\d*|\.\d+|[1-9]\d{0,2}(,\d{3})+(\.\d+)?|\d{1,3}(['\u2019\s]\d{3})+(\.\d+)?"
    r"|[1-9]\d?(,\d{2})+,\d{3}(\.\d+)?"  # 12,34,567 as India writes it
)
_WITH_COMMA = re.compile(
    r"\d+(,\d+)?|[1-9]\d{0,2}(\.\d{3})+(,\d+)?|\d{1,3}(['\u2019\s]\d{3})+(,\d+)?"
)
_ONE_COMMA = re.compile(r"[1-9]\d{0,2},\d{3}")
_PLAIN = re.compile(r"\d+\.?\d*|\.\d+")
_LONE_COMMA = re.compile(r"\d+,\d+")
_LONE_POINT = re.compile(r"\d+\.\d+")
_BLANKS = re.compile(r"['\u2019\s]")
_GROUPED = re.compile(r"[1-9]\d{0,2}(\.\d{3})+")
_FRACTION = re.compile(r"[+\-]?\d[\d,]*\.\d+")
_FEWEST_TO_TELL = 3
_FEW_FRACTIONS = 0.05
"""Share of fractions beside figures such as ``73.591`` up to which they may be slips."""
_FEWEST_GROUPED = 10
_MARKED_COUNT = re.compile(r"[+\-\u2212]?\s*[1-9]\d{0,2}([.,]\d{3})+")
_BARE_COUNT = re.compile(r"[+\-\u2212]?\s*\d{1,3}")
_BARE_HUNDREDS = re.compile(r"[+\-\u2212]?\s*[1-9]\d\d")
_ODD_LETTER = re.compile(r"[^\d.,'\u2019\s+\-%]")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
THREE_DECIMALS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
"""Currencies of a thousand parts (ISO 4217), whose amounts may have three decimals."""
_MILLION = 10**3
"""How much more ``mil`` is in English, where it is a million, than in Spanish and Portuguese."""


class Parsed(NamedTuple):
    """A written number under either decimal sign.

    Attributes
    ----------
    point, comma
        Its value where the point, or the comma, is the decimal sign; NaN where it cannot be
        written so. Cells with a percent sign are divided by 100.
    percent, formatted, sized
        Whether it has a percent sign; separators or a suffix; a letter or word for its size.
    currency
        The sign or code of its currency; empty where there is none.
    rival
        What it is worth to readers of another language, where its word of size has two meanings;
        a decimal comma proves the first.
    at_least
        Whether a plus follows it.
    counted
        What a word beside it says that it counts, such as followers; empty where there is none.
    ends
        The ends of a range, which is no number; of a bound such as ``<1%`` one of them is empty.
    """

    point: float = math.nan
    comma: float = math.nan
    percent: bool = False
    formatted: bool = False
    sized: bool = False
    currency: str = ""
    rival: float = math.nan
    at_least: bool = False
    counted: str = ""
    ends: tuple[str, str] | None = None

    @property
    def readable(self) -> bool:
        """Whether it is a number under either sign, or two."""
        return self.ends is not None or not (math.isnan(self.point) and math.isnan(self.comma))

    @property
    def sign(self) -> DecimalSign | None:
        """The only decimal sign it can be written with; None if either gives the same."""
        if math.isnan(self.point) == math.isnan(self.comma):
            return None
        return "," if math.isnan(self.point) else "."

    @property
    def ambiguous(self) -> bool:
        """Whether the two signs give two values."""
        both = not math.isnan(self.point) and not math.isnan(self.comma)
        return both and self.point != self.comma

    def value(self, decimal: DecimalSign | None) -> float:
        """Return its value, NaN where it is no number or the decimal sign would have to tell.

        Parameters
        ----------
        decimal
            The column's decimal sign, where it is known.
        """
        if not math.isnan(self.rival) and (decimal or self.sign) != ",":
            return math.nan
        if math.isnan(self.point):
            return self.comma
        if math.isnan(self.comma) or self.point == self.comma:
            return self.point
        return {".": self.point, ",": self.comma}.get(decimal or "", math.nan)


@lru_cache(maxsize=1 << 14)
def parse_number(word: str, kind: NumberKind) -> Parsed:
    """Return what a cell such as ``145,000``, ``1.2M``, ``6.8%`` or ``2.28E+11`` is worth.

    Parameters
    ----------
    word
        The cell without blanks around it.
    kind
        Of the column. In a count a lone comma before three digits parts thousands, and a percent
        sign makes no number; in a rate a lone comma or point is the decimal sign.

    Examples
    --------
    >>> parse_number("145,000", "count").point, parse_number("5,125", "rate").comma
    (145000.0, 5.125)
    >>> parse_number("145.000", "count").ambiguous
    True
    >>> parse_number("(2.7%)", "rate").point, parse_number("%5,6", "rate").comma
    (-0.027, 0.056)
    """
    word = word if word.isascii() else plain_letters(word).strip()
    match = _NUMBER.fullmatch(word) if len(word) <= _LONGEST_NUMBER else None
    if match is None:
        return _parse_rest(word, kind)
    sign, digits, suffix, percent = match.groups()
    if percent and kind == "count":
        return Parsed()
    scale = _SCALES["%" if percent else (suffix or "").lower()]
    scale = -scale if sign == "-" else scale
    point, comma = _readings(digits, kind, suffixed=bool(suffix))
    return Parsed(
        point=_worth(digits, ".", scale) if point else math.nan,
        comma=_worth(digits, ",", scale) if comma else math.nan,
        percent=bool(percent),
        formatted=bool(suffix) or not _PLAIN.fullmatch(digits),
        sized=bool(suffix),
    )


def _parse_rest(word: str, kind: NumberKind) -> Parsed:
    """Return a number with an exponent, infinity, or an amount."""
    if len(word) <= _LONGEST_NUMBER and (exponent := _EXPONENT.fullmatch(word)):
        number = float(exponent[1].replace(",", ".") + exponent[2])
        comma = "," in exponent[1]
        return Parsed(point=math.nan if comma else number, comma=number if comma else math.nan)
    if _ENDLESS.fullmatch(word):
        return Parsed(point=float(word), comma=float(word))
    return _parse_amount(word, kind) if any(map(str.isdigit, word)) else Parsed()


def _parse_amount(word: str, kind: NumberKind) -> Parsed:
    """Return a number with a currency or a word for its size, or a range."""
    if len(word) > _LONGEST_NUMBER:
        return Parsed()
    amount = split_amount(word)
    if amount is None and (usual := _respelled(word, kind)):
        return parse_number(usual, kind)._replace(formatted=True)
    if amount is None:
        ends = split_range(word)
        both = ends is not None and all(map(partial(_is_plain, kind=kind), ends))
        return Parsed(ends=ends) if both else _parse_qualified(word, kind)
    if amount.currency and kind != "any":
        return Parsed()
    scale = Decimal(-amount.size if amount.negative else amount.size)
    point, comma = _amount_readings(amount, kind)
    value = Parsed(
        point=_worth(amount.digits, ".", scale) if point else math.nan,
        comma=_worth(amount.digits, ",", scale) if comma else math.nan,
        formatted=amount.size != 1 or not _PLAIN.fullmatch(amount.digits),
        sized=amount.size != 1,
        currency=amount.currency,
        at_least=amount.at_least,
    )
    if amount.word.casefold() != "mil":
        return value
    known = value.comma if math.isnan(value.point) else value.point
    return value._replace(rival=known * _MILLION)


def _parse_qualified(word: str, kind: NumberKind) -> Parsed:
    """Return a rough figure such as ``ca. 4.2K``, or a bound such as ``<1%``, which is none."""
    qualified = split_qualified(word)
    if qualified is None:
        return _parse_worded(word, kind)
    if not _is_plain(qualified.figure, kind):
        return Parsed()
    if qualified.is_bound:
        return Parsed(ends=("", qualified.figure))
    return parse_number(qualified.figure, kind)._replace(formatted=True)


def _is_plain(word: str, kind: NumberKind) -> bool:
    """Whether a word is a number or range, and neither a rough one nor a bound."""
    return parse_number(word, kind).readable and split_qualified(word) is None


def _parse_worded(word: str, kind: NumberKind) -> Parsed:
    """Return a count with a word for what it counts, or a rate with one for its unit."""
    if kind == "count" and (parts := split_counted(word)):
        count = parse_number(parts.figure, kind)
        usable = count.readable and not count.ends
        return count._replace(counted=parts.what) if usable else Parsed()
    if kind == "rate" and (rate := split_rate(word)):
        figure, unit = rate
        number = parse_number(figure, kind)
        if not number.percent and number.ends is None:
            point, comma = (_times(value, unit) for value in (number.point, number.comma))
            return number._replace(point=point, comma=comma, percent=True)
    return Parsed()


def _times(value: float, by: Decimal) -> float:
    return float(Decimal(repr(value)) * by) if math.isfinite(value) else value


def _respelled(word: str, kind: NumberKind) -> str | None:
    """Return a number below zero, or one behind its percent sign, as it is usually written.

    A count is never below zero, so a figure in brackets is a note there, not a number.
    """
    if word.startswith("%") and word[1:2].isdecimal():
        return f"{word[1:]}%"
    below = _ACCOUNTED.fullmatch(word) if kind != "count" else None
    return f"-{(below[1] or below[2]).strip()}" if below else None


def _amount_readings(amount: Amount, kind: NumberKind) -> tuple[bool, bool]:
    """Return whether the point, and whether the comma, can be an amount's decimal sign.

    Three digits behind the only sign of a price are thousands: few currencies have three decimals.
    """
    point, comma = _readings(amount.digits, kind, suffixed=amount.size != 1)
    three_decimals = any(same_currency(amount.currency, code) for code in THREE_DECIMALS)
    if amount.currency and amount.size == 1 and not three_decimals:
        lone = _THOUSANDS.fullmatch(amount.digits)
        if lone and point and comma:
            return "," in amount.digits, "." in amount.digits
    return point, comma


def _readings(digits: str, kind: NumberKind, *, suffixed: bool) -> tuple[bool, bool]:
    """Return whether the point, and whether the comma, can be the decimal sign."""
    point = _WITH_POINT.fullmatch(digits) is not None
    comma = _WITH_COMMA.fullmatch(digits) is not None
    if point and comma:
        if kind == "rate" and _LONE_COMMA.fullmatch(digits):
            return False, True
        if _LONE_POINT.fullmatch(digits) and (kind == "rate" or suffixed):
            return True, False
        if kind == "count" and _ONE_COMMA.fullmatch(digits) and not suffixed:
            return True, False
    return point, comma


def _worth(digits: str, decimal: DecimalSign, scale: Decimal) -> float:
    plain = _BLANKS.sub("", digits).replace("," if decimal == "." else ".", "")
    # Decimal, because 64.9 * 1e6 is not a whole number in binary.
    return float(Decimal(plain.replace(",", ".")) * scale)


def decimal_evidence(words: Iterable[str], kind: NumberKind) -> set[DecimalSign]:
    """Return the decimal signs that cells prove, each cell that can be read in one way only.

    Examples
    --------
    >>> decimal_evidence(["5,6%", "7"], "rate"), decimal_evidence(["145.000"], "count")
    ({','}, set())
    """
    marked = (word for word in words if "," in word or "." in word)
    signs = {parse_number(word, kind).sign for word in marked}
    return {sign for sign in signs if sign is not None}


def currencies(words: Iterable[str]) -> list[str]:
    """Return the currencies of a column's cells, each by the sign or code that says most.

    Examples
    --------
    >>> currencies(["$5", "USD 7", "9"]), currencies(["$5", "7 \u20ac"])
    (['USD'], ['$', '\u20ac'])
    """
    kinds: list[str] = []
    marked = (word for word in words if _ODD_LETTER.search(word))
    for sign in dict.fromkeys(parse_number(word.strip(), "any").currency for word in marked):
        same = next((at for at, other in enumerate(kinds) if same_currency(sign, other)), None)
        if same is not None:
            kinds[same] = max(kinds[same], sign, key=len)
        elif sign:
            kinds.append(sign)
    return kinds


def learn_decimal(words: list[str], kind: NumberKind) -> DecimalSign | None:
    """Return a training column's decimal sign, None where its cells do not tell.

    Three counts or more with exactly three digits behind every point are in thousands. The point
    is a count's decimal sign only where fractions such as ``1234.5`` show that it has any: that
    of ``12.5K`` and the commas of ``145,000`` do not make ``73.591`` a fraction.

    Examples
    --------
    >>> learn_decimal(["145,000", "12.5K"], "count"), learn_decimal(["1234.5"], "count")
    (None, '.')
    """
    signs = decimal_evidence(words, kind)
    if kind != "count" or "," in signs:
        return signs.pop() if len(signs) == 1 else None
    dotted = [word for word in words if "." in word and word[-1:].isdigit()]
    grouped = [word for word in dotted if _GROUPED.fullmatch(word)]
    if not signs:
        return "," if len(grouped) == len(dotted) >= _FEWEST_TO_TELL else None
    fractions = sum(not _GROUPED.fullmatch(w) for w in dotted if _FRACTION.fullmatch(w))
    return "." if fractions > _FEW_FRACTIONS * len(grouped) else None


def marked_count(words: Iterable[str]) -> str | None:
    """Return a cell with a thousands mark, if a column's marks part thousands and no decimals.

    So they do where three digits stand behind each of ten marks or more, and some cells have none:
    among percentages of three decimals a tenth end in 0. Beside a bare ``320`` one mark is enough.

    Examples
    --------
    >>> marked_count([*(f"+{n},234" for n in range(1, 11)), "-52", "7", "0"])
    '+1,234'
    """
    cells = [word for word in words if any(map(str.isdigit, word))]
    marked = [word for word in cells if "," in word or "." in word]
    bare = sum(map(bool, map(_BARE_COUNT.fullmatch, cells)))
    few = len(marked) < _FEWEST_GROUPED or bare < max(_FEWEST_TO_TELL, len(cells) - len(marked))
    if not marked or (few and not any(map(_BARE_HUNDREDS.fullmatch, cells))):
        return None
    return marked[0] if all(map(_MARKED_COUNT.fullmatch, marked)) else None


def mixed_commas(words: Iterable[str], kind: NumberKind) -> tuple[str, str] | None:
    """Return a cell with a decimal comma and one with thousands commas, if a column has both."""
    decimal = thousands = None
    for word in words:
        if "," in word:
            parsed = parse_number(word, kind)
            decimal = decimal or (word if parsed.sign == "," else None)
            thousands = thousands or (word if parsed.sign == "." else None)
    return (decimal, thousands) if decimal and thousands else None
