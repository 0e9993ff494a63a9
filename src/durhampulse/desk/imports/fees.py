"""Fees as amounts: what the carried column of fees asks for each creator, and in which currency."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from durhampulse.creators.amounts import same_currency
from durhampulse.creators.cells import distinct_words
from durhampulse.creators.cldr import currency_codes
from durhampulse.creators.numbers import DecimalSign, Parsed, learn_decimal, parse_number
from durhampulse.creators.words import NULL_WORDS

__all__ = ["Fees", "fee_column", "read_fees"]

_LARGEST = 1e12
_LONGEST_CODE = 3
_BETWEEN = re.compile(r"[\s()\[\]{}<>/|_,;:.]+")

Fee = tuple[float | None, str | None]


@dataclass(frozen=True)
class Fees:
    """The fees of some rows.

    Attributes
    ----------
    amounts, currencies
        Both of shape (n_rows,), None where not known. A currency is its ISO 4217 code, or its sign
        as written where several currencies share it.
    unclear
        The number of cells that are not empty, and not one amount either.
    """

    amounts: list[float | None]
    currencies: list[str | None]
    unclear: int


def fee_column(kinds: Mapping[str, str]) -> str | None:
    """Return the header of the carried column that fees are read from, the first one of them."""
    return next((header for header, kind in kinds.items() if kind == "fee"), None)


def read_fees(header: str, cells: pa.Array) -> Fees:
    """Return a column's fees; what may be two amounts, a range or a least one is left empty.

    Parameters
    ----------
    header
        Of the column; it may name the currency.
    cells
        Text as found, shape (n_rows,).

    Examples
    --------
    >>> import pyarrow as pa
    >>> fees = read_fees("Fee (EUR)", pa.array(["1.200", "500-700", "$90", "n/a", "2k"]))
    >>> fees.amounts, fees.currencies, fees.unclear
    ([1200.0, None, None, None, 2000.0], ['EUR', None, None, None, 'EUR'], 2)
    """
    codes, raw = distinct_words(cells)
    words = [word.strip() for word in raw]
    decimal, currency = learn_decimal(words, "any"), _currency_in(header)
    blank = [word.casefold() in NULL_WORDS for word in words] + [True]
    fees = [_fee(word, decimal, currency) for word in words] + [(None, None)]
    return Fees(
        amounts=[fees[code][0] for code in codes.tolist()],
        currencies=[fees[code][1] for code in codes.tolist()],
        unclear=sum(fees[code][0] is None and not blank[code] for code in codes.tolist()),
    )


def _fee(word: str, decimal: DecimalSign | None, currency: str) -> Fee:
    """Return the amount and currency of a cell."""
    number = _parsed(word, currency)
    value = number.value(decimal)
    foreign = currency and number.currency and not same_currency(number.currency, currency)
    no_price = number.at_least or number.percent or number.counted
    if not 0 <= value <= _LARGEST or no_price or foreign:
        return None, None
    return value, _code(number.currency, currency)


def _parsed(word: str, currency: str) -> Parsed:
    """Return a cell as a price where it or its header names a currency, else as a count."""
    number = parse_number(word, "any")
    if number.currency:
        return number
    return parse_number(f"{word} {currency}", "any") if currency else parse_number(word, "count")


def _code(*signs: str) -> str | None:
    """Return the code, or the sign, that says most of a currency."""
    sign = min(filter(None, signs), key=lambda name: len(currency_codes(name)), default="")
    codes = currency_codes(sign)
    return next(iter(codes)) if len(codes) == 1 else sign[:_LONGEST_CODE] or None


def _currency_in(header: str) -> str:
    """Return the currency that a header names; empty where it names none.

    Examples
    --------
    >>> _currency_in("Fee per post (EUR)"), _currency_in("price_usd"), _currency_in("FEE ALL IN")
    ('EUR', 'usd', '')
    """
    parts = [part for part in _BETWEEN.split(header) if part]
    if header.isupper():  # where ALL is a word rather than the code of Albania's
        parts = [part.lower() for part in parts]
    return next((part for part in parts if currency_codes(part)), "")
