"""Cells to numbers and levels, in SQL: what :mod:`durhampulse.creators` does with single cells.

Numbers of a typed column are taken as they are. Text is read in the forms of
:mod:`durhampulse.export.forms`; what holds a digit and is written otherwise refuses its row, and so
does a level with letters beyond ASCII that is not spelled as the model knows it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.schema import COLUMNS
from durhampulse.creators.words import NULL_WORDS
from durhampulse.export.forms import BLANK_SIGNS, MINUS, SUFFIXES, Form, forms_of
from durhampulse.export.levels import spellings_of
from durhampulse.export.program import Input, Program
from durhampulse.export.sql.dialects import Dialect, literal, number
from durhampulse.export.sql.stages import Stages

__all__ = ["read_cells"]

_UNKNOWN = "'\u00bf'"
"""Stands for a level with letters beyond ASCII that the model does not know."""


def read_cells(program: Program, dialect: Dialect, stages: Stages) -> str:
    """Append the stages that read cells, and return the expression of a row's refusal.

    Afterwards ``v_3`` is the number, or the level as the model spells it, of input 3; NULL where it
    is missing. The refusal is empty text where a row is scored.
    """
    inputs = [*enumerate(program.inputs)]
    _trim(inputs, dialect, stages)
    numbers = [(at, each) for at, each in inputs if each.rule.numeric]
    levels = [(at, each) for at, each in inputs if not each.rule.numeric]
    _part(numbers, dialect, stages)
    stages.add(
        {f"f_{at}": _form(at, each.rule, dialect) for at, each in numbers}
        | {f"g_{at}": _collapsed(f"w_{at}") for at, _ in levels}
    )
    stages.add(
        {f"v_{at}": _value(at, each.rule, dialect) for at, each in numbers}
        | {f"v_{at}": _level(at, each, program, dialect) for at, each in levels}
    )
    return _refusal(program, dialect)


def _trim(inputs: Sequence[tuple[int, Input]], dialect: Dialect, stages: Stages) -> None:
    trimmed = {}
    for at, each in inputs:
        column = dialect.named(each.header)
        cell = dialect.trimmed(f"CAST({column} AS {dialect.text})", dialect.blanks)
        trimmed[f"t_{at}"] = f"lower({cell})"
        trimmed[f"k_{at}"] = f"CASE WHEN {dialect.is_text(column)} THEN 1 ELSE 0 END"
    stages.add(trimmed)
    nothing = ", ".join(map(literal, sorted(NULL_WORDS)))
    stages.add(
        {
            f"w_{at}": f"CASE WHEN t_{at} IN ({nothing}) THEN NULL ELSE t_{at} END"
            for at, _ in inputs
        }
    )


def _part(numbers: Sequence[tuple[int, Input]], dialect: Dialect, stages: Stages) -> None:
    """Append sign, power of ten and digits of written numbers."""
    minus = ", ".join(map(literal, MINUS))
    stages.add(
        {
            f"u_{at}": f"CASE WHEN substr(w_{at}, 1, 1) IN ('+', {minus}) "
            f"THEN ltrim(substr(w_{at}, 2), {dialect.blanks}) ELSE w_{at} END"
            for at, _ in numbers
        }
        | {
            f"n_{at}": f"CASE WHEN substr(w_{at}, 1, 1) IN ({minus}) THEN '-' ELSE '' END"
            for at, _ in numbers
        }
    )
    stages.add({f"p_{at}": _power(f"u_{at}") for at, _ in numbers})
    stages.add(
        {
            f"b_{at}": f"CASE WHEN p_{at} = '' THEN u_{at} ELSE rtrim(substr(u_{at}, 1, "
            f"length(u_{at}) - CASE WHEN substr(u_{at}, length(u_{at}), 1) = 'n' THEN 2 ELSE 1 END"
            f"), {dialect.blanks}) END"
            for at, _ in numbers
        }
    )


def _power(text: str) -> str:
    cases = " ".join(
        f"WHEN substr({text}, length({text}) - {len(suffix) - 1}, {len(suffix)}) = "
        f"{literal(suffix)} THEN {literal(power)}"
        for suffix, power in SUFFIXES.items()
    )
    return f"CASE WHEN length({text}) < 2 THEN '' {cases} ELSE '' END"


def _form(at: int, rule: ColumnRule, dialect: Dialect) -> str:
    """Return how a cell is written: which sign is decimal, or that it cannot be told."""
    body, cell, power = f"b_{at}", f"w_{at}", f"p_{at}"
    ends = {"any": "", "none": f" AND {power} = ''", "size": f" AND {power} NOT IN ('', 'e-2')"}
    cases = [
        (f"{cell} IS NULL", Form.MISSING),
        (f"k_{at} = 0", Form.TYPED),
        (f"length({cell}) > 40 AND {dialect.shaped(cell, 'digit')}", Form.UNREAD),
    ]
    if rule.kind == "count":
        cases.append((f"{power} = 'e-2' AND {dialect.shaped(body, 'digit')}", Form.MISSING))
    cases += [(dialect.shaped(body, s) + ends[end], form) for s, end, form in forms_of(rule)]
    beyond = f"{dialect.size(cell)} <> length({cell})"
    cases += [
        (dialect.shaped(cell, "exponent"), Form.EXPONENT),
        (f"{dialect.shaped(cell, 'digit')} OR {beyond}", Form.UNREAD),
        (f"ltrim({cell}, '+-') IN ('inf', 'infinity')", Form.UNREAD),
    ]
    return "CASE " + " ".join(f"WHEN {when} THEN {form:d}" for when, form in cases) + " ELSE 0 END"


def _value(at: int, rule: ColumnRule, dialect: Dialect) -> str:
    digits = f"b_{at}"
    for sign in BLANK_SIGNS:
        digits = f"replace({digits}, {literal(sign)}, '')"
    point = f"rtrim(replace({digits}, ',', ''), '.')"
    comma = f"replace(replace({digits}, '.', ''), ',', '.')"
    forms = {
        Form.POINT: dialect.number(f"n_{at} || '0' || {point} || p_{at}"),
        Form.COMMA: dialect.number(f"n_{at} || '0' || {comma} || p_{at}"),
        Form.EXPONENT: dialect.number(f"replace(w_{at}, ',', '.')"),
        Form.TYPED: dialect.number(f"w_{at}"),
    }
    cases = " ".join(f"WHEN {form:d} THEN {text}" for form, text in forms.items())
    value = f"CASE f_{at} {cases} ELSE NULL END"
    if rule.kind != "rate" or rule.unit == "fraction":
        return value
    return f"({value}) / CASE WHEN p_{at} = 'e-2' THEN 1e0 ELSE 100e0 END"


def _collapsed(text: str) -> str:
    """Return text with one blank between words."""
    for _ in range(4):
        text = f"replace({text}, '  ', ' ')"
    return text


def _level(at: int, each: Input, program: Program, dialect: Dialect) -> str:
    """Return a level as the model spells it; others as they are, in small letters."""
    cases = " ".join(
        f"WHEN g_{at} IN ({', '.join(map(literal, names))}) THEN {literal(level)}"
        for level, names in spellings_of(program, each).items()
    )
    beyond = f"{dialect.size(f'g_{at}')} <> length(g_{at})"
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
