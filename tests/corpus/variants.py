"""The ways in which one export may be written: encoding, locale of numbers, lines above, format."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import combinations, product
from itertools import pairwise as neighbours

from tests.corpus.exports import Export
from tests.corpus.figures import LOCALES
from tests.corpus.stock import cells_of

__all__ = ["ENCODINGS", "FORMATS", "TOPS", "Variant", "natural", "pairwise", "printable", "table"]

ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "cp1252",
    "cp1250",
    "cp1251",
    "cp932",
    "gb18030",
    "euc_kr",
    "big5",
)
TOPS = ("none", "title", "blank", "metadata")
FORMATS = ("comma", "semicolon", "tab", "xlsx")
SPACES = ("\u202f", "\u00a0", " ")
"""Blanks between thousands; where an encoding lacks one, exports write the next."""


@dataclass(frozen=True)
class Variant:
    """One way of writing an export."""

    encoding: str
    locale: str
    top: str
    format: str

    def __str__(self) -> str:
        return ", ".join(astuple(self))


def natural(export: Export) -> Variant:
    """Return the way the tool itself writes an export."""
    return Variant(export.encoding, export.locale, export.top, export.format)


def table(export: Export, locale: str) -> list[list[str]]:
    """Return an export's header and rows as text."""
    columns = [cells_of(export, field, locale) for field in export.fields]
    rows = [[cell.text for cell in row] for row in zip(*columns, strict=True)]
    return [[field.header for field in export.fields], *rows]


def printable(text: str, encoding: str) -> str:
    """Return text with the narrowest blanks that an encoding has.

    Raises
    ------
    UnicodeEncodeError
        If the encoding lacks another of its letters.
    """
    for blank, wider in neighbours(SPACES):
        try:
            blank.encode(encoding)
        except UnicodeEncodeError:
            text = text.replace(blank, wider)
    text.encode(encoding)
    return text


def pairwise(exports: Sequence[Export], seed: int = 7) -> list[tuple[Export, Variant]]:
    """Return variants in which any two choices that go together occur together.

    An export's choices are paired with it, and choices of two kinds with each other over all
    exports. Of fifty random variants that hold a pair still missing the one with the most is taken.
    """
    draw = random.Random(seed)
    holders: dict[tuple[object, ...], list[tuple[Export, Variant]]] = {}
    for export in exports:
        for variant in _possible(export):
            for pair in _pairs(export, variant):
                holders.setdefault(pair, []).append((export, variant))
    missing = dict.fromkeys(sorted(holders, key=lambda pair: len(holders[pair])))
    chosen: list[tuple[Export, Variant]] = []
    while missing:
        fitting = holders[next(iter(missing))]
        some = draw.sample(fitting, min(50, len(fitting)))
        best = max(some, key=lambda choice: sum(pair in missing for pair in _pairs(*choice)))
        chosen.append(best)
        for pair in _pairs(*best):
            missing.pop(pair, None)
    return chosen


def _pairs(export: Export, variant: Variant) -> list[tuple[object, ...]]:
    values = (export.name, variant.encoding, variant.locale, variant.top, variant.format)
    choices = enumerate(values)
    return [(*first, *second) for first, second in combinations(choices, 2)]


def _possible(export: Export) -> Iterator[Variant]:
    """Return each way in which an export can be written; a workbook has one encoding only."""
    texts = {locale: _text(export, locale) for locale in LOCALES}
    locales = [locale for locale in LOCALES if locale == export.locale or _differs(texts, locale)]
    for encoding, locale in product(ENCODINGS, locales):
        if _can_be_written(texts[locale], encoding):
            formats = FORMATS if encoding == "utf-8" else FORMATS[:-1]
            for top, form in product(TOPS, formats):
                yield Variant(encoding, locale, top, form)


def _text(export: Export, locale: str) -> str:
    return "\n".join("\t".join(row) for row in table(export, locale))


def _differs(texts: dict[str, str], locale: str) -> bool:
    """Whether a locale writes an export otherwise than those before it."""
    before = LOCALES[: LOCALES.index(locale)]
    return all(texts[locale] != texts[other] for other in before)


def _can_be_written(text: str, encoding: str) -> bool:
    try:
        printable(text, encoding)
    except UnicodeEncodeError:
        return False
    return encoding.startswith("utf") or not text.isascii()
