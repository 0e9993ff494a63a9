"""What a written number may hold beside ASCII digits, for targets without the reader's own tables.

The one table of spellings that queries and graphs share: signs and digits that stand for those of
ASCII (:func:`.plain_letters`), and words for sizes (:func:`durhampulse.creators.cldr.sizes`) in the
spellings in which they are looked up.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import product
from string import ascii_lowercase

from durhampulse.creators.amounts import plain_letters
from durhampulse.creators.cldr import currencies, currency_codes, sizes
from durhampulse.creators.counted import RATE_WORDS, counted_words
from durhampulse.creators.numbers import THREE_DECIMALS
from durhampulse.creators.qualifiers import qualifiers
from durhampulse.creators.rules import ColumnRule

__all__ = [
    "BLANKS",
    "COMMON",
    "RANGE_WORDS",
    "SHORT",
    "currencies_shared",
    "currency_words",
    "dotted_currencies",
    "plain_characters",
    "ranges",
    "rough_words",
    "same_currencies",
    "size_words",
    "small",
    "small_letters",
    "three_decimals",
    "unread_words",
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
    "\u25b2\u25b4\u25b3\u2191\u2b06\u2197\U0001f53a\u2248\u25bc\u25be\u25bd\u2193\u2b07\u2198\U0001f53b\ufe0f\u200b\ufeff"
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
    """Return words for sizes in small letters, and the power of ten that each stands for.

    Letters are composed or not.

    Examples
    --------
    >>> words = size_words()
    >>> words["mio."], words["mn"], words["\u0442\u044b\u0441"], words["\u4e07"]
    (6, 6, 3, 4)
    """
    words: dict[str, int] = {}
    for word, size in sizes().items():
        words |= dict.fromkeys(_composed(word), len(str(size)) - 1)
    return words | {word: power for word, power in SHORT.items() if word}


@cache
def currency_words() -> Mapping[str, str]:
    """Return signs and codes of currencies in all cases of ASCII, and the currency of each.

    A currency is called by its code (ISO 4217), or by a sign where that may stand for several.

    Examples
    --------
    >>> words = currency_words()
    >>> words["us$"], words["US$"], words["$"], words["NOK"], "nok" in words
    ('USD', 'USD', '$', 'NOK', False)
    """
    names: dict[frozenset[str], str] = {}
    words: dict[str, str] = {}
    for word, codes in currencies().items():
        name = min(codes) if len(codes) == 1 else names.setdefault(codes, word)
        forms = (
            {word}
            if word in codes
            else {form for text in _composed(word) for form in _all_cases(text)}
        )
        words |= dict.fromkeys(sorted(forms), name)
    return words


@cache
def _codes() -> Mapping[str, frozenset[str]]:
    """Return the codes that each currency of :func:`currency_words` may stand for."""
    return {name: currency_codes(word) for word, name in currency_words().items()}


def same_currencies(word: str) -> list[str]:
    """Return the currencies of :func:`currency_words` that a sign or code may stand for.

    Examples
    --------
    >>> same_currencies("\u20ac"), "CAD" in same_currencies("$"), same_currencies("C$")
    (['EUR'], True, ['$', 'CAD', 'NIO', 'c$'])
    """
    own = currency_codes(word)
    return sorted(name for name, codes in _codes().items() if codes & own)


def currencies_shared() -> Iterator[tuple[str, str, str]]:
    """Yield two currencies that may be one, before and behind digits, and which says more."""
    for before, behind in product(_codes(), repeat=2):
        ours, theirs = _codes()[before], _codes()[behind]
        if before != behind and ours & theirs:
            yield before, behind, before if len(ours) < len(theirs) else behind


def three_decimals() -> list[str]:
    """Return the currencies of :func:`currency_words` whose amounts may have three decimals."""
    return sorted({name for code in THREE_DECIMALS for name in same_currencies(code)})


def dotted_currencies() -> list[str]:
    """Return the currencies written with a point behind, in :func:`small` letters."""
    return sorted({small(word) for word in currency_words() if word.endswith(".")})


def _composed(word: str) -> set[str]:
    return {unicodedata.normalize(form, word) for form in ("NFC", "NFD")}


def _all_cases(word: str) -> set[str]:
    return {*map("".join, product(*({c, c.upper()} if c.isascii() else {c} for c in word)))}


@cache
def small_letters() -> Mapping[str, str]:
    """Return letters beyond ASCII, and the small letters that they are in words beside figures.

    Examples
    --------
    >>> letters = small_letters()
    >>> letters["\u0422"], letters["\u03c2"], letters["\u017f"], "\u0416" in letters
    ('\u0442', '\u03c3', 's', False)
    """
    words = (*size_words(), *map(str.casefold, currency_words()), *counted_words())
    known = {*ascii_lowercase}.union(*words, *qualifiers()["before"], *qualifiers()["behind"])
    beyond = ((c, c.casefold()) for c in map(chr, range(0x80, sys.maxunicode + 1)))
    return {c: letter for c, letter in beyond if letter != c and letter in known}


def unread_words(rule: ColumnRule) -> tuple[list[str], list[str]]:
    """Return words in small letters before a figure, and those behind, that make a cell unread.

    They are words for bounds such as ``<``, for a unit and for what is counted, the column's own
    too. Queries and graphs refuse such cells: the program reads them, or refuses bounds and what
    counts others.

    Examples
    --------
    >>> before, behind = unread_words(ColumnRule(column="Growth_Rate", kind="rate"))
    >>> "<" in before, "pct." in behind, "followers" in behind
    (True, True, False)
    """
    bounds = {*qualifiers()["bounds"]}
    before, behind = ([*bounds.intersection(qualifiers()[side])] for side in ("before", "behind"))
    if rule.kind == "count":
        before, behind = ([*words, *counted_words()] for words in (before, behind))
    if rule.kind == "rate":
        behind = [*behind, *(f"{word}{end}" for word in RATE_WORDS for end in ("", "."))]
    return _forms(before), _forms([*behind, *rule.words])


def rough_words() -> tuple[list[str], list[str]]:
    """Return words in small letters for rough figures: those before one, and those behind.

    Examples
    --------
    >>> before, behind = rough_words()
    >>> "ca." in before, "<" in before, behind
    (True, False, ['est.', 'est', 'ca.', 'approx.', 'approx'])
    """
    before, behind = (_forms(qualifiers()[side]) for side in ("before", "behind"))
    bounds = {*_forms(qualifiers()["bounds"])}
    rough = ([word for word in words if word not in bounds] for words in (before, behind))
    before, behind = (sorted(words, reverse=True) for words in rough)
    return before, behind


def _forms(words: Iterable[str]) -> list[str]:
    return sorted({form for word in words for form in _composed(word)})


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
