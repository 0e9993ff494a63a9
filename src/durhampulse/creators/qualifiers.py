"""Words and signs beside a figure that make it a rough one, or one end of what it may be."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import NamedTuple

__all__ = ["Qualified", "qualifiers", "split_qualified"]

_ROUGH_BEFORE = (
    "', ~, \u301c, ca., ca, circa, cca, c., approx., approx, approximately, about, around, "
    "roughly, etwa, rund, ungef\u00e4hr, gesch\u00e4tzt, env., env, environ, aprox., aprox, "
    "aproximadamente, ongeveer, oko\u0142o, ok., \u043e\u043a\u043e\u043b\u043e, "
    "\u043f\u0440\u0438\u043c\u0435\u0440\u043d\u043e, yakla\u015f\u0131k, sekitar, "
    "kho\u1ea3ng, \u7ea6, \u7d04, \u5927\u7ea6, \u304a\u3088\u305d, \uc57d, "
    "\u062d\u0648\u0627\u0644\u064a, \u0932\u0917\u092d\u0917"
)
"""The apostrophe is a spreadsheet's before a figure that it keeps as text: the figure itself."""
_ROUGH_BEHIND = "approx., approx, est., est, ca."
_BOUND_BEFORE = (
    "<, >, <=, >=, \u2264, \u2265, \u2a7d, \u2a7e, under, over, below, above, less than, "
    "fewer than, more than, at least, at most, up to, min., max., unter, \u00fcber, weniger als, "
    "mehr als, mindestens, h\u00f6chstens, bis zu, moins de, plus de, au moins, jusqu'\u00e0, "
    "menos de, m\u00e1s de, mais de, hasta, at\u00e9, meno di, pi\u00f9 di, fino a, minder dan, "
    "meer dan, ponad, powy\u017cej, poni\u017cej, \u0431\u043e\u043b\u0435\u0435, "
    "\u043c\u0435\u043d\u0435\u0435, \u0441\u0432\u044b\u0448\u0435, \u8d85\u8fc7, \u8d85\u904e"
)
_BOUND_BEHIND = (
    "or more, or less, or fewer, and above, and up, und mehr, oder mehr, et plus, ou plus, "
    "o m\u00e1s, y m\u00e1s, ou mais, o pi\u00f9, \u4ee5\u4e0a, \u4ee5\u4e0b, \u672a\u6e80, \u8d85"
)


class Qualified(NamedTuple):
    """A figure as written without the word beside it, and whether that makes it a bound."""

    figure: str
    is_bound: bool


@cache
def qualifiers() -> dict[str, list[str]]:
    """Return the words in small letters that stand before a figure or behind it, and the bounds.

    Examples
    --------
    >>> words = qualifiers()
    >>> "ca." in words["before"], "or more" in words["behind"], "<" in words["bounds"]
    (True, True, True)
    """
    rough, bounds, behind, bounds_behind = (
        [word.strip() for word in text.split(",")]
        for text in (_ROUGH_BEFORE, _BOUND_BEFORE, _ROUGH_BEHIND, _BOUND_BEHIND)
    )
    return {
        "before": sorted(rough + bounds, reverse=True),  # a longer word before its beginning
        "behind": sorted(behind + bounds_behind, reverse=True),
        "bounds": bounds + bounds_behind,
    }


def split_qualified(word: str) -> Qualified | None:
    """Return a figure without the word that makes it a rough one or a bound; None without one.

    Examples
    --------
    >>> split_qualified("ca. 4.2K"), split_qualified("<1%")
    (Qualified(figure='4.2K', is_bound=False), Qualified(figure='1%', is_bound=True))
    >>> split_qualified("4,200 (est.)"), split_qualified("overt 5") is None
    (Qualified(figure='4,200', is_bound=False), True)
    """
    match = _pattern().fullmatch(unicodedata.normalize("NFC", word))
    if match is None:
        return None
    before, first, second, joined, parted = match.groups()
    is_bound = (before or joined or parted).casefold() in qualifiers()["bounds"]
    return Qualified((first or second).strip(), is_bound)


@cache
def _pattern() -> re.Pattern[str]:
    before, behind = qualifiers()["before"], qualifiers()["behind"]
    signs, words, joined, parted = (
        "|".join(map(re.escape, some))
        for some in (
            [word for word in before if not word[-1].isalpha()],
            [word for word in before if word[-1].isalpha()],
            [word for word in behind if not word.isascii()],
            [word for word in behind if word.isascii()],
        )
    )
    return re.compile(
        rf"({signs}|(?:{words})(?=[\s\d]))\s*(.*\d.*)"
        rf"|(.*\d.*?)(?:[\s(]*({joined})|[\s(]+({parted}))\)?",
        re.IGNORECASE | re.DOTALL,
    )
