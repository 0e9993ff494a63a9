"""Parts of regular expressions (RE2), as graphs match text by them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from durhampulse.export.spellings import BLANKS, ranges

__all__ = [
    "BLANK",
    "GAP",
    "INNER",
    "NO_BLANK",
    "REMOVED_BLANKS",
    "SIGN",
    "escaped",
    "words_pattern",
]

_BLANKS = "".join(
    f"\\x{{{ord(sign):x}}}" if sign != "-" else sign for sign in ranges(map(chr, BLANKS))
)
BLANK, NO_BLANK = f"[{_BLANKS}]", f"[^{_BLANKS}]"
"""A character that Python strips around a cell, and any other."""
REMOVED_BLANKS = " \t\n\r\u00a0\u2009\u202f"
"""Blanks in a number that a graph removes; one with others is not read."""
GAP = rf"[{REMOVED_BLANKS}]{{0,4}}"
INNER = rf"[0-9.,{REMOVED_BLANKS}'\x{{2019}}]"
"""A digit, or what may stand between digits."""
SIGN = rf"{GAP}[+\-\x{{2212}}]?{GAP}"


def escaped(text: str) -> str:
    """Return text with a backslash before what is a sign of patterns."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


def words_pattern(words: Iterable[str]) -> str:
    """Return the pattern of some words, with any blanks between the parts of one."""
    return "|".join(f"{BLANK}+".join(map(escaped, word.split())) for word in words)
