"""The spellings by which levels are known, for targets that compare text as it is."""

from __future__ import annotations

from collections.abc import Iterator

from durhampulse.creators.schema import NICHE, QUALITIES
from durhampulse.export.program import Input, Program
from durhampulse.features.codes import LevelCode, NumberCode

__all__ = ["spellings_of"]


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
            spellings[level] |= {" ".join(_small(word).split()) for word in words}
    return {level: sorted(words) for level, words in spellings.items() if words}


def _small(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


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
