"""Numbers as people of a locale write them, by CLDR's patterns; nothing here is the program's."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Literal

from babel.numbers import (
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
    get_decimal_symbol,
)

__all__ = ["CURRENCIES", "LOCALES", "written"]

CURRENCIES = {
    "en": "USD",
    "en_IN": "INR",
    "de": "EUR",
    "de_CH": "CHF",
    "fr": "EUR",
    "es": "EUR",
    "pt_BR": "BRL",
    "it": "EUR",
    "pl": "PLN",
    "ru": "RUB",
    "ja": "JPY",
    "zh": "CNY",
}
"""Twelve locales, each with the currency of its prices."""

LOCALES = tuple(CURRENCIES)


def written(number: float, form: str, locale: str) -> str:
    """Return a number as a cell of an export shows it.

    Parameters
    ----------
    number
        Its value; rates are fractions.
    form
        ``plain`` digits, ``grouped`` thousands, ``compact`` (1.2M), ``long`` (1.2 million),
        ``percent`` (5.62%), ``points`` (5.62), ``fraction`` (0.0562), ``money`` (€1,840.00) or
        ``code`` (EUR 1,840).
    locale
        One of :data:`LOCALES`.
    """
    return _WRITERS[form](Decimal(str(number)), locale)


def _decimal(value: Decimal, locale: str) -> str:
    digits = f"{value.normalize():f}"
    return digits.replace(".", get_decimal_symbol(locale))


def _compact(value: Decimal, locale: str, kind: Literal["short", "long"] = "short") -> str:
    return format_compact_decimal(int(value), format_type=kind, locale=locale, fraction_digits=2)


def _long(value: Decimal, locale: str) -> str:
    """Return a number in words; Japanese and Chinese have no longer form than the compact one."""
    return _compact(value, locale, "short" if locale in ("ja", "zh") else "long")


_WRITERS: dict[str, Callable[[Decimal, str], str]] = {
    "plain": lambda value, _: str(int(value)),
    "grouped": lambda value, locale: format_decimal(value, locale=locale),
    "compact": _compact,
    "long": _long,
    "percent": lambda value, locale: format_percent(
        value, locale=locale, decimal_quantization=False
    ),
    "points": lambda value, locale: _decimal(value * 100, locale),
    "fraction": _decimal,
    "money": lambda value, locale: format_currency(value, CURRENCIES[locale], locale=locale),
    "code": lambda value, locale: f"{CURRENCIES[locale]} {format_decimal(value, locale=locale)}",
}
