"""Words of many languages for sizes, currencies and months, from the Unicode CLDR."""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["currencies", "currency_codes", "months", "size_of", "sizes", "weekdays"]

_FILE = Path(__file__).with_name("cldr.json")
"""Written by ``tools/cldr.py``."""
_LONGEST_WORD = 24
_NO_WORDS = ("AUD", "BRL", "CHF", "EUR", "GBP", "INR", "JPY", "RUB", "USD")
"""Codes that are known in small letters too."""


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))
    return table


@cache
def sizes() -> dict[str, int]:
    """Return words for sizes, in the form in which they are looked up, and what each multiplies."""
    full = {_key(word): size for word, size in _table()["sizes"].items()}
    # A point behind a short form is often left out.
    return {word.rstrip("."): size for word, size in full.items()} | full


@cache
def currencies() -> dict[str, frozenset[str]]:
    """Return signs and codes of currencies, and the ISO 4217 codes that each may stand for."""
    signs = {_key(sign): frozenset(codes) for sign, codes in _table()["signs"].items()}
    codes = {code: frozenset({code}) for code in _table()["codes"]}
    return signs | codes | {code.casefold(): codes[code] for code in _NO_WORDS}


@cache
def months() -> frozenset[str]:
    """Return the names and short names of months, in lower case and without points."""
    return frozenset(_key(name) for name in _table()["months"])


@cache
def weekdays() -> frozenset[str]:
    """Return the names and short names of the days of a week, in the same form."""
    return frozenset(_key(name) for name in _table()["weekdays"])


def size_of(word: str) -> int | None:
    """Return what a word for a size multiplies with, None where it is none.

    Examples
    --------
    >>> size_of("Mio."), size_of("lakh"), size_of("monkeys")
    (1000000, 100000, None)
    """
    return sizes().get(_key(word)) if len(word) <= _LONGEST_WORD else None


def currency_codes(word: str) -> frozenset[str]:
    """Return the ISO 4217 codes that a sign or code may stand for; none where it is neither.

    Most codes count in capitals only: ``try`` and ``mad`` are words.

    Examples
    --------
    >>> sorted(currency_codes("R$")), sorted(currency_codes("EUR")), sorted(currency_codes("mad"))
    (['BRL'], ['EUR'], [])
    """
    if len(word) > _LONGEST_WORD:
        return frozenset()
    known = currencies()
    return known.get(word) or known.get(_key(word), frozenset())


def _key(word: str) -> str:
    return " ".join(unicodedata.normalize("NFC", word).casefold().split())
