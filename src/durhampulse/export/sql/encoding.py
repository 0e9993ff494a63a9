"""Encoded figures in SQL: what :mod:`durhampulse.features.codes` makes of a row."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from durhampulse.export.program import Program
from durhampulse.export.sql.dialects import literal, number
from durhampulse.export.sql.stages import Stages, clipped
from durhampulse.features.codes import FARTHEST, Code, LevelCode, NumberCode, RelativeCode
from durhampulse.features.precedent import REACH

__all__ = ["Encoded", "encode_row"]

Encoded = list[str]
"""Names of the encoded figures."""


def encode_row(program: Program, stages: Stages) -> tuple[Encoded, Encoded]:
    """Append the stages that encode a row.

    Returns
    -------
    wide, near
        The figures within the reach of precedents, and within that of the model; those of levels
        are the same in both.
    """
    place = {each.column: f"v_{at}" for at, each in enumerate(program.inputs)}
    raw: dict[str, str] = {}
    flags: set[str] = set()
    for code in program.codes:
        numbers, conditions = _encoded(code, place)
        for text in numbers:
            raw[f"r_{len(raw)}"] = text
        for condition in conditions:
            name = f"r_{len(raw)}"
            flags.add(name)
            raw[name] = f"CASE WHEN {condition} THEN 1e0 ELSE 0e0 END"
    stages.add(raw)

    def limited(letter: str, limit: float) -> Encoded:
        names = {name: name if name in flags else f"{letter}{name[1:]}" for name in raw}
        stages.add({names[n]: clipped(n, number(limit)) for n in raw if n not in flags})
        return [*names.values()]

    return limited("y", REACH), limited("x", FARTHEST)


def _encoded(code: Code, place: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return a code's figures that are numbers, and the conditions of those that are 0 or 1."""
    match code:
        case NumberCode():
            return _number(code, place[code.column])
        case LevelCode():
            return [], _levels(code, place[code.column])
        case RelativeCode():
            return [_relative(code, place)], []


def _number(code: NumberCode, value: str) -> tuple[list[str], list[str]]:
    if code.ordered:
        value = f"CASE {value} WHEN 'SD' THEN 0e0 WHEN 'HD' THEN 1e0 WHEN '4K' THEN 2e0 END"
    scaled = value if code.ordered else _scaled(code, value)
    missing = f"({value}) IS NULL"
    filled = f"CASE WHEN {missing} THEN {number(code.fill)} ELSE {scaled} END"
    normal = f"(({filled}) - {number(code.mean)}) * {number(1 / code.sd)}"
    return [normal], [missing] if code.indicator else []


def _scaled(code: NumberCode, value: str) -> str:
    if code.scale == "linear":
        return value
    if code.scale == "log":
        return f"ln({_positive(value)} * {number(1 / code.unit)} + 1e0)"
    part = f"(abs({value}) / {number(code.unit)})"
    size = f"ln({part} + sqrt({part} * {part} + 1e0))"
    return f"CASE WHEN {value} < 0e0 THEN -{size} ELSE {size} END"


def _positive(value: str) -> str:
    return f"CASE WHEN {value} > 0e0 THEN {value} ELSE 0e0 END"


def _levels(code: LevelCode, value: str) -> list[str]:
    conditions = [f"{value} = {literal(level)}" for level in code.levels]
    if code.rare:
        known = ", ".join(map(literal, code.levels))
        other = f" AND {value} NOT IN ({known})" if known else ""
        conditions.append(f"{value} IS NOT NULL{other}")
    return [*conditions, *([f"{value} IS NULL"] if code.missing else [])]


def _relative(code: RelativeCode, place: Mapping[str, str]) -> str:
    """Return the logarithm of a figure less the usual for size and niche; 0 if it is not known."""
    value, followers = place[code.column], place[code.columns[1]]
    own = f"ln({_positive(value)} + {number(code.unit)}) / {number(code.sd)}"
    size = f"ln({_positive(followers)} + 1e0)"
    heights = [usual / -code.sd for usual in code.usual]
    cases = [f"WHEN {size} < {number(code.knots[0])} THEN {number(heights[0])}"]
    for (start, end), (low, high) in zip(pairwise(code.knots), pairwise(heights), strict=True):
        slope = (high - low) / (end - start)
        line = f"{number(slope)} * ({size} - {number(start)}) + {number(low)}"
        cases.append(f"WHEN {size} < {number(end)} THEN {line}")
    terms = [own, f"CASE {' '.join(cases)} ELSE {number(heights[-1])} END"]
    if code.levels:
        shifts = " ".join(
            f"WHEN {literal(level)} THEN {number(shift / -code.sd)}"
            for level, shift in zip(code.levels, code.shifts, strict=True)
        )
        terms.append(f"CASE {place[code.columns[2]]} {shifts} ELSE 0e0 END")
    unknown = f"{value} IS NULL OR {followers} IS NULL"
    return f"CASE WHEN {unknown} THEN 0e0 ELSE {' + '.join(terms)} END"
