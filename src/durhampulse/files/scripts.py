"""How plausible it is that decoded text is what people wrote.

Bytes read in a wrong encoding show in the words: scripts mixed within a word, capitals after small
letters, signs between letters, single ideographs among Latin letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

__all__ = ["holds_controls", "is_latin", "odd_share", "words_beyond_ascii"]

_WORD = re.compile(r"[^\s\d_.,;:!?/|&@#()\[\]{}'\"*+=<>\\~%$^-]+")
_CONTROLS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ufffd\ufdd0-\ufdef\ue000-\uf8ff]")
_APOSTROPHES = str.maketrans("", "", "\u2019\u2018\u02bc\u00b4`\u00b7\u30fb")
_BETWEEN_WORDS = (
    "\u2013\u2014\u2026\u201c\u201d\u201e\u00ab\u00bb\u20ac\u00a3\u00a5\u00b0\u2122\u00ae"
)
"""Signs that Western text has around its words and figures."""
_EAST_ASIAN = frozenset(
    {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "FULLWIDTH", "HALFWIDTH"}
    | {"IDEOGRAPHIC"}
)
_MOSTLY = 0.7
"""Share of letters beyond ASCII above which a Latin word is none."""


def odd_share(cells: Iterable[str]) -> float:
    """Return the share of words with letters beyond ASCII that nobody writes so.

    Examples
    --------
    >>> odd_share(["Zo\u00eb", "Beyonc\u00e9", "\u0410\u043d\u043d\u0430"])
    0.0
    >>> odd_share(["Zo\u043b", "Beyonc\u00c8"])
    1.0
    """
    odd = [
        _is_odd(word) or _is_in_figure(cell, word)
        for cell in cells
        for word in words_beyond_ascii(cell)
    ]
    return sum(odd) / max(len(odd), 1)


def words_beyond_ascii(cell: str) -> list[str]:
    """Return a cell's words that have letters beyond ASCII, without the signs around them."""
    words = (word.translate(_APOSTROPHES).strip(_BETWEEN_WORDS) for word in _WORD.findall(cell))
    return [word for word in words if not word.isascii()]


def holds_controls(cells: Iterable[str]) -> bool:
    """Return whether a cell holds a control character, or one without a meaning."""
    return any(_CONTROLS.search(cell) for cell in cells)


def is_latin(cells: Iterable[str]) -> bool:
    """Return whether no letter belongs to another script."""
    return all(_script(letter) in {"LATIN", ""} for cell in cells for letter in cell)


def _is_in_figure(cell: str, word: str) -> bool:
    """Return whether a letter stands in a number, where a currency's sign or a blank should be."""
    if len(word) > 1 or _script(word) in _EAST_ASIAN:
        return False
    return any(map(str.isdigit, cell)) and all(len(part) == 1 for part in _WORD.findall(cell))


def _is_odd(word: str) -> bool:
    scripts = [_script(letter) for letter in word]
    kinds = {*scripts}
    if kinds & _EAST_ASIAN:
        return _is_lonely(word, scripts)
    if len(kinds) > 1 or "" in kinds:
        return True
    beyond = sum(not letter.isascii() for letter in word)
    if kinds == {"LATIN"} and len(word) >= 4 and beyond > _MOSTLY * len(word):
        return True
    return any(
        small.islower() and large.isupper() and not (small + large).isascii()
        for small, large in pairwise(word)
    )


def _is_lonely(word: str, scripts: list[str]) -> bool:
    """Return whether every ideograph stands by itself beside small Latin letters."""
    runs = "".join("x" if script in _EAST_ASIAN else " " for script in scripts)
    small = any(letter.islower() for letter in word)
    return small and all(len(run) == 1 for run in runs.split())


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    """Return a letter's script, by the first word of its Unicode name; empty for a sign."""
    name = unicodedata.name(letter, "").partition(" ")[0]
    return name if name in _EAST_ASIAN or unicodedata.category(letter)[0] in "LM" else ""
