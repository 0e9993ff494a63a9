"""The cells of an export: text of its language and figures written for a locale."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.corpus.exports import Export, Field
from tests.corpus.figures import written

__all__ = ["ROWS", "Cell", "cells_of"]

ROWS = 24
HERE = Path(__file__).parent
LATIN = ("kitchen", "trail", "pixel", "thrift")
PLATFORMS = ("Instagram", "TikTok", "YouTube")


@dataclass(frozen=True)
class Cell:
    """One cell: the text an export writes, and what it is worth.

    Attributes
    ----------
    text
        As written; empty where the cell is.
    number
        Its value where it is a figure, else None; a rate is a fraction.
    native
        The number a workbook holds where it shows this text; None where it holds text.
    """

    text: str
    number: float | None = None
    native: float | None = None


@cache
def _creators() -> Mapping[str, list[float]]:
    figures: dict[str, list[float]] = tomllib.loads((HERE / "creators.toml").read_text("utf-8"))
    return figures


@cache
def _words() -> Mapping[str, dict[str, Any]]:
    return tomllib.loads((HERE / "words.toml").read_text("utf-8"))


def cells_of(export: Export, field: Field, locale: str) -> list[Cell]:
    """Return a column's cells, one for each of :data:`ROWS` creators."""
    if not isinstance(field.cells, str):
        return _declared(field.cells)
    stock, _, form = field.cells.partition(":")
    if form:
        return [_figure(value, form, locale) for value in _creators()[stock]]
    return [Cell(text) for text in _texts(stock, export.language)]


def _figure(value: float, form: str, locale: str) -> Cell:
    native = None if form in ("compact", "long", "code") else value
    return Cell(
        written(value, form, locale),
        number=value,
        native=round(value * 100, 10) if form == "points" else native,
    )


def _declared(cells: Mapping[str, Any]) -> list[Cell]:
    """Return cells written in the declaration: words of an outcome, or figures with their values."""
    if "yes" in cells:
        words = {1: cells["yes"], 0: cells["no"], -1: cells.get("open", "")}
        worth = {1: 1.0, 0: 0.0, -1: None}
        return [Cell(words[int(deal)], worth[int(deal)]) for deal in _creators()["deal"]]
    texts = cells["cells"]
    values = cells.get("values", [None] * len(texts))
    return [Cell(texts[at % len(texts)], values[at % len(texts)]) for at in range(ROWS)]


def _texts(stock: str, language: str) -> list[str]:
    return [str(_text(stock, language, at)) for at in range(ROWS)]


def _text(stock: str, language: str, at: int) -> object:
    """Return one cell of text; whole columns are distinct where a person's would be."""
    words, handle = _words()[language], f"{LATIN[at % 4]}{at + 11:02d}"
    day, month = 1 + (at * 7) % 28, 1 + (at * 5) % 12
    repeated = {
        "niche": words["niches"][at % 5],
        "country": words["countries"][at % 3],
        "country-code": ("US", "GB", "CA")[at % 3],
        "language": ("en", "es", "pt")[at % 3],
        "platform": PLATFORMS[at % 3],
        "quality": ("HD", "4K", "SD", "HD", "4K", "1080p")[at % 6],
        "gender": ("female", "male", "Female")[at % 3],
        "owner": ("Sales North", "Sales South")[at % 2],
        "truth": ("true", "false", "false")[at % 3],
        "tags": ("vegan, family", "outdoor", "vegan")[at % 3],
    }
    distinct = {
        "handle": f"@{handle}",
        "username": handle,
        "name": f"{words['names'][at % 4]} {at + 11:02d}",
        "email": f"{handle}@example.org",
        "link": f"https://www.instagram.com/{handle}/",
        "channel-link": f"https://www.youtube.com/channel/UC{handle}xYz{at:04d}",
        "picture": f"https://cdn.example.org/p/{handle}.jpg",
        "phone": f"+1 202 555 {1_000 + at * 37:04d}",
        "note": f"{words['note']} ({at + 1})",
        "id18": f"006Qy00000Ab{at:02d}xIAB",
        "uuid": f"3f2504e0-4f89-41d3-9a0c-0305e82c{3_301 + at * 17:04d}",
        "long-number": str(17_841_400_000_000_000 + at * 7_919_311),
        "number-id": str(1_000_237 + at * 8_191),
        "day": f"2024-{month:02d}-{day:02d}",
        "day-us": f"{month:02d}/{day:02d}/2024",
        "day-de": f"{day:02d}.{month:02d}.2024",
        "day-text": f"{_MONTHS[month - 1]} {day}, 2024",
        "moment": f"2024-{month:02d}-{day:02d}T0{at % 10}:1{at % 6}:00Z",
        "moment-us": f"{month:02d}/{day:02d}/2024 0{at % 10}:1{at % 6}",
        "month": f"2024-{month:02d}",
        "epoch": str(1_704_067_200 + at * 1_209_611),
        "day-cjk": f"2024年{month}月{day}日",
        "born-day": f"{1980 + (at * 7) % 25}-{month:02d}-{day:02d}",
        "length": f"0:{10 + at:02d}:{(at * 13) % 60:02d}",
    }
    return repeated[stock] if stock in repeated else distinct[stock]


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
