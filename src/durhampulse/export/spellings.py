"""What a written number may hold beside ASCII digits, for targets without the reader's own tables.

The one table of spellings that queries and graphs share: signs and digits that stand for those of
ASCII (:func:`.plain_letters`), and words for sizes (:func:`durhampulse.creators.cldr.sizes`) in the
spellings in which they are looked up.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache

from durhampulse.creators.amounts import plain_letters
from durhampulse.creators.cldr import sizes

__all__ = [
    "BLANKS",
    "COMMON",
    "RANGE_WORDS",
    "SHORT",
    "odd_letters",
    "plain_characters",
    "ranges",
    "size_words",
    "small",
]

BLANKS = (9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 133, 160, 5760, *range(8192, 8203), 8232, 8233,
          8239, 8287, 12288)  # fmt: skip
"""Characters that Python strips around a cell, and takes for blanks within."""
RANGE_WORDS = (" to ", " bis ", " do ", " \u0434\u043e ")
"""Words between the ends of a range."""
SHORT = {"": 0, "%": -2, "k": 3, "m": 6, "mn": 6, "b": 9, "bn": 9}
"""What may follow digits and a point too, in small letters, and the power of ten it stands for."""
_ONE_BY_ONE = {"\u2019": "'", "\u301c": "~", "\u212a": "K"}
_DASHES = range(0x2010, 0x2016)
COMMON = tuple(
    "\t\n\v\f\r\x1c\x1d\x1e\x1f\u00a0\u2007\u2009\u202f\u3000\u2019\u2212\u301c\u212a"
    "\u2010\u2011\u2012\u2013\u2014\u2015\uff0b\uff0c\uff0d\uff0e\uff05\uff5e\u066a\u066b\u066c\u200e\u200f\u061c"
    + "".join(chr(zero + digit) for zero in (0xFF10, 0x660, 0x6F0, 0x966) for digit in range(10))
)
"""Those that are replaced where only single ones can be: the digits of full width, Arabic, Persian
and Hindi.
"""


@cache
def plain_characters() -> Mapping[str, str]:
    """Return characters of written numbers and the ASCII that each stands for, at most a letter.

    A dash that parts the ends of a range and is no minus becomes a tilde.

    Examples
    --------
    >>> plain = plain_characters()
    >>> plain["\u0663"], plain["\uff0c"], plain["\u202f"], plain["\u2013"], plain["\u200e"]
    ('3', ',', ' ', '~', '')
    """
    beyond = map(chr, range(0x80, sys.maxunicode + 1))
    plain = {c: sign for c in beyond if (sign := plain_letters(c)) != c}
    blanks = {chr(code): " " for code in BLANKS if code != ord(" ")}
    return plain | blanks | {chr(code): "~" for code in _DASHES} | _ONE_BY_ONE


@cache
def size_words() -> Mapping[str, int]:
    """Return words for sizes in :func:`small` letters, and the power of ten that each stands for.

    Letters beyond ASCII are in small letters, in capitals or with one capital in front, composed or
    not.

    Examples
    --------
    >>> words = size_words()
    >>> words["mio."], words["mn"], words["\u0422\u042b\u0421"], words["\u4e07"]
    (6, 6, 3, 4)
    """
    words: dict[str, int] = {}
    for word, size in sizes().items():
        ends = {word, word[:-1] + "\u03c2"} if word.endswith("\u03c3") else {word}
        cased = {form(end) for end in ends for form in (str, str.upper, str.capitalize)}
        power = len(str(size)) - 1
        words |= {small(unicodedata.normalize(f, c)): power for c in cased for f in ("NFC", "NFD")}
    return words | {word: power for word, power in SHORT.items() if word}


@cache
def odd_letters() -> str:
    """Return the letters of size words beyond ASCII: a word of others is none for a size."""
    letters = {letter for word in size_words() for letter in word if not letter.isascii()}
    cased = {c for letter in letters for c in letter.upper() + letter.lower() if not c.isascii()}
    return "".join(sorted(letters | cased | {"\u017f"}))


def ranges(characters: Iterable[str]) -> str:
    """Return characters as a class of a pattern holds them.

    Examples
    --------
    >>> ranges("cbax")
    'a-cx'
    """
    ends: list[list[int]] = []
    for code in sorted(map(ord, characters)):
        if ends and ends[-1][1] == code - 1:
            ends[-1][1] = code
        else:
            ends.append([code, code])
    return "".join(f"{chr(a)}{'-' if a < b else ''}{chr(b) if a < b else ''}" for a, b in ends)


def small(text: str) -> str:
    """Return text in small letters as far as ASCII goes."""
    return "".join(c.lower() if c.isascii() else c for c in text)
