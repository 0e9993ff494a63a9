"""The spellings by which levels are known, for targets that compare text as it is."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import chain, permutations
from unicodedata import normalize

from durhampulse.creators.schema import NICHE, QUALITIES
from durhampulse.export.program import Input, Program
from durhampulse.export.spellings import small
from durhampulse.features.codes import LevelCode, NumberCode

__all__ = ["look_alikes", "spellings_of"]


def spellings_of(program: Program, each: Input) -> dict[str, list[str]]:
    """Return the levels of a column that a program tells apart, each with its spellings.

    Spellings are in small letters as far as ASCII goes, with single blanks.
    """
    wanted = {*_levels_of(program, each.column)}
    spellings: dict[str, set[str]] = {level: set() for level in sorted(wanted)}
    for folded, level in each.rule.spelling.items():
        if level in wanted:
            words = {folded, level, level.lower(), level.upper(), level.title()}
            if folded.lstrip("+-").isdecimal():
                words |= {f"{folded}.{'0' * n}" for n in (1, 2, 3)}
            forms = (_composed, _decomposed, _wide)
            spellings[level] |= {" ".join(form(word).split()) for word in words for form in forms}
    return {level: sorted(words) for level, words in spellings.items() if words}


def _composed(word: str) -> str:
    return small(normalize("NFC", word))


def _decomposed(word: str) -> str:
    return small(normalize("NFD", word))


def _wide(word: str) -> str:
    """Return a word with letters and digits of full width, as Japanese keyboards write them."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in word)


def look_alikes(words: Iterable[str]) -> str:
    """Return the characters beyond ASCII of which another spelling of some words may be made.

    A word with any other is none of them, however its case, its width and its blanks are folded.

    Parameters
    ----------
    words
        Folded, as :func:`.folded` does it.

    Examples
    --------
    >>> some = look_alikes(["fashion"])
    >>> "\uff46" in some, "\u017f" in some, "\u00f6" in some
    (True, True, False)
    """
    letters: set[str] = set()
    for letter in set("".join(words)):
        base, *marks = [*normalize("NFD", letter)]
        for some in chain.from_iterable(permutations(marks, n) for n in range(len(marks) + 1)):
            letters.update(some, normalize("NFC", base + "".join(some)))
    return "".join(c for c, parts in _folded_characters().items() if letters.issuperset(parts))


@cache
def _folded_characters() -> Mapping[str, str]:
    """Return what each character beyond ASCII is folded to."""
    beyond = map(chr, (*range(0x80, 0xD800), *range(0xE000, sys.maxunicode + 1)))
    return {c: normalize("NFKC", c).casefold() for c in beyond}


def _levels_of(program: Program, column: str) -> Iterator[str]:
    """Yield all levels that a program tells apart."""
    for code in program.codes:
        if isinstance(code, NumberCode):
            if code.ordered and code.column == column:
                yield from QUALITIES
        elif column == (code.column if isinstance(code, LevelCode) else NICHE):
            yield from code.levels
    if program.precedent:
        yield from program.precedent.levels.get(column, ())
