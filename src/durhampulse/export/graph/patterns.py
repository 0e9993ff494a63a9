"""Parts of regular expressions (RE2), as graphs match text by them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from durhampulse.export.spellings import BLANKS, ranges

__all__ = ["BLANK", "NO_BLANK", "escaped", "words_pattern"]

_BLANKS = "".join(
    f"\\x{{{ord(sign):x}}}" if sign != "-" else sign for sign in ranges(map(chr, BLANKS))
)
BLANK, NO_BLANK = f"[{_BLANKS}]", f"[^{_BLANKS}]"
"""A character that Python strips around a cell, and any other."""


def escaped(text: str) -> str:
    """Return text with a backslash before what is a sign of patterns."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


def words_pattern(words: Iterable[str]) -> str:
    """Return the pattern of some words, with any blanks between the parts of one."""
    return "|".join(f"{BLANK}+".join(map(escaped, word.split())) for word in words)
