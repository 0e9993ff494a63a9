"""A written amount in its parts: sign, digits, word for its size, currency."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache, lru_cache
from typing import NamedTuple

from durhampulse.creators.cldr import currency_codes, size_of

__all__ = ["Amount", "plain_letters", "same_currency", "split_amount", "split_range"]

_ARABIC = {"\u066a": "%", "\u066b": ".", "\u066c": "'", "\u200e": "", "\u200f": "", "\u061c": ""}
_UNSEEN = dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff", "")
"""Characters of no width, which copies from a page bring along."""
_MINUS = {"\u2212": "-"}
_ARROWS = {
    **dict.fromkeys("\u25b2\u25b4\u25b3\u2191\u2b06\u2197\U0001f53a\u2248", "+"),
    **dict.fromkeys("\u25bc\u25be\u25bd\u2193\u2b07\u2198\U0001f53b", "-"),
    "\ufe0f": "",
}
"""Arrows up and down before a change; what is nearly so is read as the figure itself."""

_SIGN = re.compile(r"[+\-]")
_AMOUNT = re.compile(r"(\D*)(\d(?:[\d.,'\u2019\s]*\d)?)(\D*)")
_RANGE = re.compile(r"\s*[\-\u2010-\u2015\u2212~\u301c]\s*|\s+(?:to|bis|do|\u0434\u043e)\s+")


class Amount(NamedTuple):
    """An amount in its parts.

    Attributes
    ----------
    negative
        Whether it has a minus sign.
    digits
        Its digits with the signs between them.
    size
        What it is multiplied with; 1 without a word for its size.
    word
        That word, empty where there is none.
    currency
        The sign or code of its currency; empty where there is none.
    at_least
        Whether a plus follows, as in ``15K+``.
    """

    negative: bool
    digits: str
    size: int = 1
    word: str = ""
    currency: str = ""
    at_least: bool = False


def plain_letters(word: str) -> str:
    """Return digits of all scripts, full-width and Arabic signs as the ASCII that they stand for.

    An arrow up is a plus, one down a minus.

    Examples
    --------
    >>> plain_letters("\u0661\u066c\u0662\u0663\u0664"), plain_letters("\uff15\uff05")
    ("1'234", '5%')
    >>> plain_letters("\u25bc 2.3%"), plain_letters("\u2248 12k")
    ('- 2.3%', '+ 12k')
    """
    return word if word.isascii() else word.translate(_letters())


@cache
def _letters() -> dict[int, str]:
    beyond = map(chr, range(0x80, sys.maxunicode + 1))
    digits = {c: str(unicodedata.digit(c)) for c in beyond if c.isdecimal()}
    signs = {chr(0xFF01 + at): chr(0x21 + at) for at in range(94)}
    return str.maketrans(digits | signs | _ARABIC | _UNSEEN | _MINUS | _ARROWS)


def split_amount(word: str) -> Amount | None:
    """Return the parts of an amount with a currency or a word for its size.

    Examples
    --------
    >>> split_amount("R$ 1.200,50")
    Amount(negative=False, digits='1.200,50', size=1, word='', currency='R$', at_least=False)
    >>> split_amount("-1,2 Mio. CHF")
    Amount(negative=True, digits='1,2', size=1000000, word='Mio.', currency='CHF', at_least=False)
    >>> split_amount("12 monkeys") is None
    True
    """
    match = _AMOUNT.fullmatch(word)
    if match is None:
        return None
    before, digits, after = match.groups()
    before, signs = _SIGN.subn("", before)
    before, after = before.strip(), after.strip()
    if match[1].rstrip().endswith(".") and not currency_codes(before):
        before, digits = before[:-1].strip(), f".{digits}"
    if signs > 1 or (before and not currency_codes(before)):
        return None
    plus = after.endswith("+")
    tail = _split_tail(after.removesuffix("+").rstrip())
    if tail is None or (before and tail[2] and not same_currency(before, tail[2])):
        return None
    size, name, behind = tail
    # Of "$5 USD" the code says more than the sign.
    currency = min((c for c in (behind, before) if c), key=_number_of_codes, default="")
    return Amount("-" in match[1], digits, size, name, currency, plus)


def _split_tail(tail: str) -> tuple[int, str, str] | None:
    """Return size, its word and currency of what follows the digits.

    A currency is looked for first: ``LKR`` is no lakh of ``KR``.
    """
    if currency_codes(tail):
        return 1, "", tail
    for at in range(len(tail), -1, -1):
        name, currency = tail[:at].strip(), tail[at:].strip()
        size = _size(name) if name else 1
        if size and (not currency or currency_codes(currency)):
            return size, name, currency
    return None


def _size(name: str) -> int | None:
    return {"k": 10**3, "m": 10**6, "mn": 10**6, "b": 10**9, "bn": 10**9}.get(
        name.casefold()
    ) or size_of(name)


def _number_of_codes(currency: str) -> int:
    return len(currency_codes(currency))


@lru_cache(maxsize=1 << 10)
def same_currency(first: str, second: str) -> bool:
    """Whether two signs or codes may stand for one currency.

    Examples
    --------
    >>> same_currency("$", "USD"), same_currency("$", "EUR")
    (True, False)
    """
    return not currency_codes(first).isdisjoint(currency_codes(second))


def split_range(word: str) -> tuple[str, str] | None:
    """Return the two ends of a range such as ``10-20k`` as written; None where there are not two.

    Examples
    --------
    >>> split_range("10k \u2013 20k"), split_range("2024-06-15")
    (('10k', '20k'), None)
    """
    parts = _RANGE.split(word)
    return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else None
