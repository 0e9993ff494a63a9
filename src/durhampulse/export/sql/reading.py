"""Cells to numbers and levels, in SQL: what :mod:`durhampulse.creators` does with single cells.

Numbers of a typed column are taken as they are. What may be a level in letters beyond ASCII, in a
spelling that is not known, refuses its row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from durhampulse.creators.schema import COLUMNS
from durhampulse.creators.words import NULL_WORDS, folded
from durhampulse.export.forms import Form
from durhampulse.export.levels import look_alikes, spellings_of
from durhampulse.export.program import Input, Program
from durhampulse.export.spellings import ranges, small
from durhampulse.export.sql.dialects import Dialect, collapsed, literal, number
from durhampulse.export.sql.numbers import read_numbers
from durhampulse.export.sql.stages import Stages

__all__ = ["read_cells"]

_UNKNOWN = "'\u00bf'"
"""Stands for what may be a level, in letters beyond ASCII that the query cannot fold."""
_BLANKS_WITHIN = (9, 10, 11, 12, 13, 28, 29, 30, 31, 0xA0, 0x2009, 0x202F, 0x3000)
"""Those that are usual between words; others are folded by no query."""


def read_cells(program: Program, dialect: Dialect, stages: Stages) -> str:
    """Append the stages that read cells, and return the expression of a row's refusal.

    Afterwards ``v_3`` is the number, or the level as the model spells it, of input 3; NULL where it
    is missing. The refusal is empty text where a row is scored.
    """
    inputs = [*enumerate(program.inputs)]
    _trim(inputs, dialect, stages)
    numbers = [(at, each) for at, each in inputs if each.rule.numeric]
    levels = [(at, each) for at, each in inputs if not each.rule.numeric]
    read_numbers(numbers, dialect, stages)
    stages.add({f"g_{at}": _spaced(f"w_{at}", dialect) for at, _ in levels})
    stages.add({f"g_{at}": f"lower({collapsed(f'g_{at}')})" for at, _ in levels})
    stages.add({f"v_{at}": _level(at, each, program, dialect) for at, each in levels})
    return _refusal(program, dialect)


def _trim(inputs: Sequence[tuple[int, Input]], dialect: Dialect, stages: Stages) -> None:
    trimmed = {}
    for at, each in inputs:
        column = dialect.named(each.header)
        cell = dialect.trimmed(f"CAST({column} AS {dialect.text})", dialect.blanks)
        trimmed[f"t_{at}"] = cell
        trimmed[f"k_{at}"] = f"CASE WHEN {dialect.is_text(column)} THEN 1 ELSE 0 END"
    stages.add(trimmed)
    # Some databases know small letters of ASCII alone.
    forms = {small(form) for word in NULL_WORDS for form in (word, word.capitalize(), word.upper())}
    nothing = ", ".join(map(literal, sorted(forms)))
    stages.add(
        {
            f"w_{at}": f"CASE WHEN lower(t_{at}) IN ({nothing}) THEN NULL ELSE t_{at} END"
            for at, _ in inputs
        }
    )


def _spaced(text: str, dialect: Dialect) -> str:
    """Return text whose other blanks are spaces."""
    spaced = text
    for code in _BLANKS_WITHIN:
        spaced = f"replace({spaced}, {dialect.characters((code,))}, ' ')"
    return f"CASE WHEN {dialect.shaped(text, 'ascii')} THEN {text} ELSE {spaced} END"


def _level(at: int, each: Input, program: Program, dialect: Dialect) -> str:
    """Return a level as the model spells it; others as they are, in small letters."""
    spellings = spellings_of(program, each)
    cases = " ".join(
        f"WHEN g_{at} IN ({', '.join(map(literal, names))}) THEN {literal(level)}"
        for level, names in spellings.items()
    )
    letters = look_alikes(folded(name) for names in spellings.values() for name in names)
    unknown = dialect.only(f"g_{at}", f" -~{ranges(letters)}")
    beyond = f"{dialect.size(f'g_{at}')} <> length(g_{at}) AND {unknown}"
    return f"CASE {cases} WHEN {beyond} THEN {_UNKNOWN} ELSE g_{at} END" if cases else f"g_{at}"


def _refusal(program: Program, dialect: Dialect) -> str:
    """Return why a row is not scored, in words; empty text where it is."""
    cases = []
    for at, each in enumerate(program.inputs):
        if not each.rule.numeric:
            words = "has letters beyond ASCII, and its spelling is not one that the model knows"
            cases.append((f"v_{at} = {_UNKNOWN}", literal(f"{each.column} {words}")))
            continue
        cell = f"{literal(f'{each.column} ')} || {literal(chr(39))} || w_{at} || {literal(chr(39))}"
        cases.append((f"f_{at} = {Form.UNCLEAR:d}", f"{cell} || ' may be one number or another'"))
        cases.append((f"f_{at} = {Form.UNREAD:d}", f"{cell} || ' is not read by this query'"))
    for at, each in enumerate(program.inputs):
        if each.rule.numeric and each.column in COLUMNS:
            beyond = [
                f"v_{at} {sign} {number(end)}"
                for sign, end in (("<", each.low), (">", each.high))
                if math.isfinite(end)
            ]
            reason = f"{literal(f'{each.column} cannot be ')} || w_{at}"
            cases.append((" OR ".join(beyond), reason))
    missing = [f"CASE WHEN v_{at} IS NULL THEN 1 ELSE 0 END" for at in range(len(program.inputs))]
    empty, n = f"({' + '.join(missing)})", len(program.inputs)
    words = literal(f" of {n} columns of the model are empty")
    cases.append((f"{empty} > {n / 2}", f"CAST({empty} AS {dialect.text}) || {words}"))
    return "CASE " + " ".join(f"WHEN {when} THEN {text}" for when, text in cases) + " ELSE '' END"
