"""Fonts for the letters of pictures, where they are installed."""

from __future__ import annotations

from functools import cache

from matplotlib import font_manager

from durhampulse.creators.table import Creators

__all__ = ["MAIN_FONT", "fallback_fonts", "letters_without_font"]

MAIN_FONT = "DejaVu Sans"
"""Comes with the library that draws; it has Latin, Greek and Cyrillic letters."""
_FALLBACKS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "Microsoft YaHei", "SimHei", "PingFang SC", "Hiragino Sans GB",
    "Noto Sans CJK JP", "Noto Sans JP", "Hiragino Sans", "Yu Gothic", "Meiryo", "IPAexGothic",
    "Noto Sans CJK KR", "Noto Sans KR", "Malgun Gothic", "Apple SD Gothic Neo", "NanumGothic",
    "Noto Sans CJK TC", "Microsoft JhengHei", "PingFang TC", "Noto Sans Arabic", "Geeza Pro",
    "Noto Sans Hebrew", "Noto Sans Devanagari", "Kohinoor Devanagari", "Nirmala UI",
    "Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Telugu", "Noto Sans Thai", "Thonburi",
    "Leelawadee UI", "Segoe UI", "Arial Unicode MS", "Noto Sans", "FreeSans", "Unifont",
)  # fmt: skip
_LETTERS_NAMED = 8


@cache
def fallback_fonts() -> tuple[str, ...]:
    """Return the installed fonts that are asked for letters which the main one lacks."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return tuple(name for name in _FALLBACKS if name in installed)


def letters_without_font(creators: Creators) -> str:
    """Return the first few letters of headers and levels that no font in use has."""
    texts = [str(name) for name in creators.table.columns]
    for role in creators.features:
        if role.kind != "numeric":
            texts += creators.table[role.column].dropna().astype("str").unique().tolist()
    letters = {letter for letter in "".join(texts) if letter.isprintable()}
    for name in (MAIN_FONT, *fallback_fonts()):
        font = font_manager.get_font(font_manager.findfont(name))
        letters -= {chr(code) for code in font.get_charmap()}
    return "".join(sorted(letters)[:_LETTERS_NAMED])
