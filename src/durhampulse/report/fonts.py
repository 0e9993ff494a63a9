"""Fonts for the letters of pictures, where they are installed."""

from __future__ import annotations

from functools import cache

from matplotlib import font_manager

from durhampulse.creators import Creators

__all__ = ["font_files", "letters_without_font"]

_FONTS = (
    "DejaVu Sans", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei",
    "Microsoft YaHei", "PingFang SC", "Hiragino Sans", "Yu Gothic", "Noto Sans CJK JP",
    "Malgun Gothic", "Apple SD Gothic Neo", "Noto Sans CJK KR", "Noto Sans Arabic",
    "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai", "Leelawadee UI", "Nirmala UI",
    "Segoe UI", "Arial Unicode MS", "Noto Sans",
)  # fmt: skip
"""The first has Latin, Greek and Cyrillic letters; the others are asked for what it lacks."""
_LETTERS_NAMED = 8


@cache
def font_files() -> dict[str, str]:
    """Return the fonts in use that are installed, by name, with their files."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return {name: font_manager.findfont(name) for name in _FONTS if name in installed}


def letters_without_font(creators: Creators) -> str:
    """Return the first few letters of headers and levels that no font in use has."""
    texts = [str(name) for name in creators.table.columns]
    for role in creators.features:
        if role.kind != "numeric":
            texts += creators.table[role.column].dropna().astype("str").unique().tolist()
    letters = {letter for letter in "".join(texts) if letter.isprintable()}
    for path in font_files().values():
        letters -= {chr(code) for code in font_manager.get_font(path).get_charmap()}
    return "".join(sorted(letters)[:_LETTERS_NAMED])
