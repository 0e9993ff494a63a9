"""Writes the words for numbers, currencies and months that tables are read with.

``python tools/cldr.py`` takes them from the Unicode Common Locale Data Repository, as Babel ships
it, and writes ``src/durhampulse/creators/cldr.json``. Reading a table needs that file alone.
"""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import date
from pathlib import Path
from typing import Any

from babel import Locale, localedata
from babel.core import get_global
from babel.numbers import get_territory_currencies

TABLE = Path(__file__).parents[1] / "src" / "durhampulse" / "creators" / "cldr.json"

LANGUAGES = (
    "ar", "bn", "cs", "da", "de", "el", "en", "en_IN", "es", "fa", "fi", "fr", "he", "hi",
    "id", "it", "ja", "ko", "ms", "nb", "nl", "pl", "pt", "ro", "ru", "sv", "th", "tr",
    "uk", "ur", "vi", "zh", "zh_Hant",
)  # fmt: skip
AS_OF = date(2026, 1, 1)
"""Currencies that were legal tender on this day."""

_PATTERN = re.compile(r"(0+)\s*([^0]*)")
_LARGEST = 10**12

_MORE_SIZES = {
    10**3: ("thousands", "tsd.", "\u5343"),
    10**4: ("w",),
    10**5: ("lakh", "lakhs", "lac", "lacs"),
    10**6: ("mio",),
    10**7: ("crore", "crores"),
    10**9: ("mrd",),
}
"""What people write beside CLDR's forms; w is the Chinese 10,000 in Latin letters."""

_MORE_SIGNS = {
    ("AED",): ("\u062f.\u0625",),
    ("CHF",): ("fr.",),
    ("CNY", "TWD"): ("\u5143",),
    ("EUR",): ("euro", "euros"),
    ("INR", "LKR", "MUR", "NPR", "PKR", "SCR"): ("rs", "rs."),
    ("JPY",): ("\u5186",),
    ("KRW",): ("\uc6d0",),
    ("RON",): ("lei",),
    ("RUB",): ("\u0440\u0443\u0431", "\u0440\u0443\u0431.", "\u0440."),
    ("TRY",): ("tl",),
    ("UAH",): ("\u0433\u0440\u043d", "\u0433\u0440\u043d."),
}
_SIGNS_OF_LETTERS = {"ft", "kr", "kr.", "k\u010d", "nkr", "dkr", "rm", "rp", "z\u0142"}
"""Signs without a currency symbol that are no unit or word; km and den are left out."""


def sizes() -> dict[str, int]:
    """Return the words behind a compact number, such as ``Mio.``, by what they multiply with.

    A word for 10**12 in one language and less in another stands for less: no figure of a creator
    comes near. A word that still means two sizes is left out, and so are single Latin letters,
    which stand for too much; L is the lakh of Indian figures.
    """
    values: dict[str, set[int]] = {}
    for name in LANGUAGES:
        formats = Locale.parse(name).compact_decimal_formats
        for style in ("short", "long"):
            for forms in (formats.get(style) or {}).values():
                for power, pattern in forms.items():
                    if match := _PATTERN.fullmatch(_plain(pattern.pattern)):
                        zeros, word = match[1], " ".join(match[2].casefold().split())
                        values.setdefault(word, set()).add(int(power) // 10 ** (len(zeros) - 1))
    small = {word: {v for v in of if v < _LARGEST} or of for word, of in values.items()}
    single = {word: min(of) for word, of in small.items() if len(of) == 1}
    latin = {word for word in single if len(word) == 1 and word.isascii()} - {"l"}
    kept = {word: value for word, value in single.items() if word not in {"", *latin}}
    more = {word: value for value, words in _MORE_SIZES.items() for word in words}
    return dict(sorted((kept | more).items()))


def currency_signs() -> dict[str, list[str]]:
    """Return the signs of currencies that are no codes, each with the codes it may stand for."""
    codes = set(currency_codes())
    signs: dict[str, set[str]] = {}
    for name in localedata.locale_identifiers():
        for code, sign in Locale.parse(name).currency_symbols.items():
            plain = " ".join(_plain(sign).casefold().split())
            marked = any(unicodedata.category(letter) == "Sc" for letter in plain)
            if code in codes and (marked or plain in _SIGNS_OF_LETTERS):
                signs.setdefault(plain, set()).add(code)
    more = {sign: {*of} for of, words in _MORE_SIGNS.items() for sign in words}
    return {sign: sorted(of) for sign, of in sorted((signs | more).items())}


def currency_codes() -> list[str]:
    """Return the codes of ISO 4217 that are tender somewhere and no English word."""
    territories = get_global("territory_currencies")
    codes = {c for t in territories for c in get_territory_currencies(t, AS_OF, AS_OF)}
    return sorted(codes - {"ALL", "TOP"})


def months() -> list[str]:
    """Return the names of months and their short forms, without points, in lower case."""
    names = _names("months")
    return sorted(n for n in names if re.search(r"[^\W\d_]", n) and not re.search(r"[0-9]", n))


def weekdays() -> list[str]:
    """Return the names of the days of a week and their short forms, likewise."""
    return sorted(name for name in _names("days") if len(name) > 1)


def _names(kind: str) -> set[str]:
    """Return names of months or days, in full and abbreviated, in each language and context."""
    return {
        _plain(name).casefold().rstrip(".")
        for language in LANGUAGES
        for context in getattr(Locale.parse(language), kind).values()
        for width in ("wide", "abbreviated")
        for name in context[width].values()
    }


def _plain(text: str) -> str:
    """Return text without marks of direction and quotes."""
    return re.sub("[\u200e\u200f\u061c']", "", text)


def table() -> dict[str, Any]:
    """Return all that is written."""
    return {
        "sizes": sizes(),
        "signs": currency_signs(),
        "codes": currency_codes(),
        "months": months(),
        "weekdays": weekdays(),
    }


if __name__ == "__main__":
    TABLE.write_text(json.dumps(table(), ensure_ascii=False, indent=1) + "\n", "utf-8")
