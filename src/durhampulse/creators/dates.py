"""Columns of dates, in whatever spelling: a model would meet none of them again.

A date, a month or a year of the past is unknown when new creators are scored, and an epoch or
``20240615`` is no size. A year alone is a number like others, so its header has to say year.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from durhampulse.creators.amounts import plain_letters
from durhampulse.creators.cldr import months, weekdays
from durhampulse.creators.text import as_text, holds_bytes, is_number, is_text
from durhampulse.creators.words import NULL_WORDS

__all__ = ["is_date", "looks_like_dates"]

_SHARE = 0.95
_LOOKED_AT = 200

_YEAR = r"(?:19|20)\d\d"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_TWO_DIGIT_MONTH = r"(?:0[1-9]|1[0-2])"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_TWO_DIGIT_DAY = r"(?:0[1-9]|[12]\d|3[01])"
_OFFSET = r"(?:z|utc|gmt)?\s*(?:[+\-]\d{2}:?\d{2})?"
_CLOCK = rf"\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:[.,]\d+)?)?\s*(?:[ap]\.?m\.?)?\s*{_OFFSET}"

_FIGURES = re.compile(
    "|".join(
        (
            rf"{_YEAR}([\-/.]){_MONTH}\1{_DAY}",
            rf"(?:{_DAY}([\-/]){_MONTH}\2|{_MONTH}([\-/]){_DAY}\3)(?:{_YEAR}|\d\d)",
            rf"{_DAY}\.\s?{_MONTH}\.\s?{_YEAR}|{_TWO_DIGIT_DAY}\.{_TWO_DIGIT_MONTH}\.\d\d",
            rf"{_YEAR}[\-/.]{_TWO_DIGIT_MONTH}|{_TWO_DIGIT_MONTH}[\-/.]{_YEAR}",
            rf"{_YEAR}{_TWO_DIGIT_MONTH}(?:{_TWO_DIGIT_DAY}(?:t?\d{{6}}z?)?)?",
            rf"{_YEAR}[\s\-/]?(?:[qth][1-4]|w(?:0[1-9]|[1-4]\d|5[0-3]))",
            rf"[qth][1-4][\s\-/']*(?:fy\s?)?(?:{_YEAR}|\d\d)|[1-4][qt][\s\-/']*(?:{_YEAR}|\d\d)",
        )
    )
)
"""Dates in figures: days, months, quarters, half-years and weeks (ISO 8601 and its neighbours)."""

_EAST = re.compile(
    rf"(?:{_YEAR}|(?:\u4ee4\u548c|\u5e73\u6210|\u662d\u548c|\u6c11[\u56fd\u570b])\s?(?:\d{{1,3}}|\u5143))\s?[\u5e74\ub144]"
    rf"(?:\s?{_MONTH}\s?[\u6708\uc6d4](?:\s?{_DAY}\s?[\u65e5\uc77c\u53f7\u865f])?|\s?\u7b2c?[1-4\u4e00\u4e8c\u4e09\u56db]\u5b63\u5ea6?)?"
    rf"|{_MONTH}\s?[\u6708\uc6d4]\s?{_DAY}\s?[\u65e5\uc77c\u53f7\u865f]"
)
"""Chinese, Japanese (with its eras) and Korean dates."""

_CLOCK_TIME = re.compile(rf"(?:\s*[t,\s]\s*|^){_CLOCK}(?=\s|$)")
_TOKEN = re.compile(r"\d+|[^\W\d_]+[\u0900-\u0dff\u0e31-\u0e4e]*(?:[^\W\d_]|[\u0900-\u0dff])*")
_JOINING = frozenset(
    (
        *("a", "d", "da", "de", "del", "den", "dne", "do", "em", "er", "g", "le", "nd", "of", "r"),
        *("rd", "st", "th", "the", "\u0433", "\u0433\u043e\u0434\u0430", "\u0628"),
    )
)
"""Words between the parts of a date."""

_EPOCHS = ((10, 1), (13, 10**3), (16, 10**6))
_FIRST_EPOCH, _LAST_EPOCH = 946_684_800, 2_208_988_800
"""Seconds from 1970 to 2000 and to 2040."""

_YEAR_WORDS = re.compile(
    r"(?<![^\W\d_])(?:year|yr|jahr|ano|a\u00f1o|anno|ann\u00e9e|annee|tahun|y\u0131l|yil|rok|\u0433\u043e\u0434|\u0633\u0646\u0629|\u0639\u0627\u0645"
    r"|\u0938\u093e\u0932|\u0935\u0930\u094d\u0937|\u09ac\u099b\u09b0)(?![^\W\d_])|jahr$|\u5e74|\uc5f0\ub3c4"
)
_DATE_WORDS = re.compile(
    r"(?<![^\W\d_])(?:date|dates|datum|fecha|data d[eo]|tarih|tanggal"
    r"|\u0434\u0430\u0442\u0430|\u062a\u0627\u0631\u064a\u062e"
    r"|(?:created|joined|signed) (?:at|on))"
    r"(?![^\W\d_])|^data$|\u65e5\u671f|\u65e5\u4ed8"
)
_SERIAL_DAYS = range(36_526, 51_502)
"""Days from 1900 as spreadsheets count them, of the years 2000 to 2040."""
_SPLIT = re.compile(r"(?<=[a-z])(?=[A-Z])|_")


def looks_like_dates(header: str, cells: pa.Array) -> bool:
    """Whether a column holds dates, as 95 of 100 of some cells across it show.

    Parameters
    ----------
    header
        Its header: it tells a year, or a spreadsheet's count of days, from other numbers.
    cells
        As found, shape (n_rows,).

    Examples
    --------
    >>> looks_like_dates("Month", pa.array(["2024-03", "2024-04"]))
    True
    >>> [looks_like_dates(header, pa.array([2024, 1998])) for header in ("Posts", "Year")]
    [False, True]
    """
    if pa.types.is_temporal(cells.type):
        return True
    if not (is_text(cells.type) or is_number(cells.type) or holds_bytes(cells.type)):
        return False
    filled = cells.drop_null()
    some = filled.take(pa.array(np.arange(0, len(filled), max(len(filled) // _LOOKED_AT, 1))))
    words = [word.strip().casefold() for word in as_text(some).to_pylist()]
    words = [word for word in words if word not in NULL_WORDS]
    name = _SPLIT.sub(" ", header).casefold()
    return bool(words) and (
        _share(is_date(word) for word in words)
        or (bool(_YEAR_WORDS.search(name)) and _share(_is_year(word) for word in words))
        or (bool(_DATE_WORDS.search(name)) and _share(_is_serial(word) for word in words))
    )


def _share(flags: Iterable[bool]) -> bool:
    return float(np.mean([*flags])) >= _SHARE


def is_date(word: str) -> bool:
    """Whether a cell is a date, a month, a quarter or a time since 1970.

    Parameters
    ----------
    word
        In lower case.

    Examples
    --------
    >>> is_date("thu sep 08 13:20:35 +0000 2011"), is_date("15 de junho"), is_date("q1 2024")
    (True, True, True)
    >>> is_date("10.5"), is_date("1.2.31"), is_date("1-2"), is_date("20241361")
    (False, False, False, False)
    """
    if not any(map(str.isdecimal, word)):
        return False
    plain = plain_letters(word)
    plain = _CLOCK_TIME.sub(" ", plain).strip()
    return bool(
        _FIGURES.fullmatch(plain) or _EAST.fullmatch(plain) or _is_epoch(plain) or _is_worded(plain)
    )


def _is_epoch(word: str) -> bool:
    whole = word.partition(".")[0]
    return whole.isdecimal() and any(
        len(whole) == digits and _FIRST_EPOCH <= int(whole) // scale < _LAST_EPOCH
        for digits, scale in _EPOCHS
    )


def _is_worded(word: str) -> bool:
    """Whether a cell is one month's name with a day or year, or both."""
    tokens = _TOKEN.findall(word)
    figures = [token for token in tokens if token.isdecimal()]
    names = [token for token in tokens if not token.isdecimal()]
    others = [name for name in names if name not in months()]
    return (
        1 <= len(figures) <= 2
        and len(names) - len(others) == 1
        and all(other in _JOINING or other in weekdays() for other in others)
        and all(len(figure) in (1, 2, 4) for figure in figures)
    )


def _is_year(word: str) -> bool:
    return re.fullmatch(rf"{_YEAR}(?:\.0+)?", word) is not None


def _is_serial(word: str) -> bool:
    whole = word.partition(".")[0]
    return whole.isdecimal() and len(whole) == 5 and int(whole) in _SERIAL_DAYS
