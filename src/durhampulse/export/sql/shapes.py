"""How numbers are written, as patterns of GLOB: SQLite has no regular expressions.

In GLOB ``[0-9]`` is one digit and ``*`` anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

__all__ = ["globs"]

_BLANK = "[' ]"
_DIGIT, _LEAD = "[0-9]", "[1-9]"
_MOST_GROUPS = 5


def globs(text: str, shape: str) -> str:
    """Return the condition that a text has one of the shapes of :data:`.REGEX`, or another."""
    return {
        "plain": f"{_only(text, '0-9.')} AND {_at_most_one(text, '.')} AND {text} GLOB '*[0-9]*' "
        f"OR {text} GLOB '. *[0-9]' AND ltrim(substr({text}, 2), ' ') NOT GLOB '*[^0-9]*'",
        "either point": _any(text, _grouped(_heads(), "."), most=1),
        "either comma": _any(text, _grouped(_heads(), ","), most=1),
        "commas": _with_rest(text, _grouped(_heads(), ","), "."),
        "indian": _with_rest(text, _indian(), "."),
        "lone comma": f"{_only(text, '0-9,')} AND {_at_most_one(text, ',')} "
        f"AND {text} GLOB '[0-9]*,*[0-9]'",
        "points": _with_rest(text, _grouped(_heads(), "."), ","),
        "blanks": _with_rest(text, _grouped(_heads(_DIGIT), _BLANK), "."),
        "blanks and comma": _tailed(text, _grouped(_heads(_DIGIT), _BLANK), ","),
        "exponent": _exponent(text, ["[0-9]", "[0-9][0-9]", "0[0-9][0-9]"]),
        "far exponent": _exponent(text, ["[1-9][0-9][0-9]"]),
        "ascii": _only(text, " -~"),
        "digit": f"{text} GLOB '*[0-9]*'",
    }[shape]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _only(text: str, characters: str) -> str:
    return f"{text} NOT GLOB '*[^{characters}]*'"


def _at_most_one(text: str, sign: str) -> str:
    return f"{text} NOT GLOB '*{sign}*{sign}*'"


def _heads(first: str = _LEAD) -> list[str]:
    return [first + _DIGIT * more for more in range(3)]


def _grouped(heads: Iterable[str], sign: str) -> list[str]:
    """Return patterns of up to five groups of three digits, those of one group first."""
    groups = range(1, _MOST_GROUPS + 1)
    return [head + (sign + _DIGIT * 3) * n for n, head in product(groups, heads)]


def _indian() -> list[str]:
    heads = [_LEAD, _LEAD + _DIGIT]
    groups = range(1, _MOST_GROUPS + 1)
    return [head + ("," + _DIGIT * 2) * n + "," + _DIGIT * 3 for n, head in product(groups, heads)]


def _any(text: str, patterns: list[str], most: int = _MOST_GROUPS) -> str:
    some = patterns[: most * len(_heads())]
    return "(" + " OR ".join(f"{text} GLOB {_quoted(pattern)}" for pattern in some) + ")"


def _tailed(text: str, patterns: list[str], sign: str) -> str:
    """Return a condition for patterns with a decimal sign and digits behind."""
    behind = _any(text, [f"{pattern}{sign}[0-9]*" for pattern in patterns])
    return f"({behind} AND {text} NOT GLOB '*{sign}*[^0-9]*')"


def _with_rest(text: str, patterns: list[str], sign: str) -> str:
    return f"({_any(text, patterns)} OR {_tailed(text, patterns, sign)})"


def _exponent(text: str, powers: Sequence[str]) -> str:
    head = f"ltrim(substr({text}, 1, instr({text}, 'e') - 1), '+-')"
    power = f"ltrim(substr({text}, instr({text}, 'e') + 1), '+-')"
    ends = " OR ".join(f"{power} GLOB '{shape}'" for shape in powers)
    return (
        f"{text} GLOB '*[0-9.,]e*' AND {text} NOT GLOB '[+-][+-]*' "
        f"AND {text} NOT GLOB '*e[+-][+-]*' AND {_only(head, '0-9.,')} AND {head} GLOB '*[0-9]*' "
        f"AND {head} NOT GLOB '*[.,]*[.,]*' AND ({ends})"
    )
