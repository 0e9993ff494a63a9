"""Written numbers in SQL: what :mod:`durhampulse.creators.numbers` reads of a cell.

A cell is parted into its sign, the digits and what follows them, which is looked up in one table of
words; of a range both ends are. What is no number is missing, as for the program itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from durhampulse.creators.rules import ColumnRule
from durhampulse.export.forms import REGEX, Form, forms_of, unclear_before_mil
from durhampulse.export.program import Input
from durhampulse.export.spellings import RANGE_WORDS, SHORT, odd_letters, size_words
from durhampulse.export.sql.dialects import Dialect, literal
from durhampulse.export.sql.stages import Stages

__all__ = ["read_numbers", "words_table"]

_DIGITS = literal("0123456789.,' ")
_LONGEST = 40
_LONGEST_SHAPE = 24
"""Digits and signs that :mod:`.shapes` is sure to know; more of them are beyond all figures."""
_PERCENT = "'e-2'"
_ENDLESS = "'inf', 'infinity'"
_SIDES = ("left", "right")


def words_table(dialect: Dialect) -> str:
    """Return the table of what may follow digits, as a part of a query."""
    return dialect.table("dp_words", [(word, f"e{p}") for word, p in size_words().items()])


def read_numbers(numbers: Sequence[tuple[int, Input]], dialect: Dialect, stages: Stages) -> None:
    """Append the stages that read the cells ``w_3``.

    Afterwards ``v_3`` is the number of input 3, NULL where it is missing, and ``f_3`` its
    :class:`.Form`.
    """
    _simplify(numbers, dialect, stages)
    _part(numbers, dialect, stages)
    _look_up(numbers, stages)
    stages.add({f"left_form_{at}": _left_form(at, each.rule, dialect) for at, each in numbers})
    stages.add({f"f_{at}": _form(at, each.rule, dialect) for at, each in numbers})
    stages.add({f"v_{at}": _value(at, each.rule, dialect) for at, each in numbers})


def _simplify(numbers: Sequence[tuple[int, Input]], dialect: Dialect, stages: Stages) -> None:
    """Append cells in small letters, of the ASCII of :func:`.plain_characters`."""
    places = [at for at, _ in numbers]
    cell = "w"
    for step in dialect.plain:
        stages.add({
            f"letters_{at}": f"CASE WHEN {dialect.shaped(f'{cell}_{at}', 'ascii')} "
            f"THEN {cell}_{at} ELSE {step(f'{cell}_{at}')} END"
            for at in places
        })  # fmt: skip
        cell = "letters"
    stages.add({f"small_{at}": f"lower(letters_{at})" for at in places})
    stages.add(
        {f"plain_{at}": _respelled(f"small_{at}", each.rule, dialect) for at, each in numbers}
    )


def _respelled(text: str, rule: ColumnRule, dialect: Dialect) -> str:
    """Return a number below zero, or one behind its percent sign, as it is usually written."""
    if rule.kind == "count":
        return text
    bare = text
    for sign in "-+()":
        bare = f"replace({bare}, '{sign}', '')"
    figure = f"substr({text}, 1, length({text}) - 1)"
    in_brackets = (
        f"{text} LIKE '(%)' AND length({bare}) = length({text}) - 2 "
        f"AND {dialect.shaped(text, 'digit')}"
    )
    digits = f"replace({figure}, '%', '')"
    minus_behind = (
        f"{text} LIKE '%-' AND ltrim({figure}, {_DIGITS}) IN ('', '%') "
        f"AND rtrim({digits}, '0123456789') <> {digits}"
    )
    return (
        f"CASE WHEN substr({text}, 1, 1) = '%' AND rtrim(substr({text}, 2, 1), '0123456789') = '' "
        f"AND length({text}) > 1 THEN substr({text}, 2) || '%' "
        f"WHEN {in_brackets} THEN '-' || trim({bare}) "
        f"WHEN {minus_behind} THEN '-' || ltrim({figure}) ELSE {text} END"
    )


def _part(numbers: Sequence[tuple[int, Input]], dialect: Dialect, stages: Stages) -> None:
    """Append sign, digits and what follows them, for the left and the right end of a range."""
    places = [at for at, _ in numbers]

    def add(**texts: str) -> None:
        columns = {(name, at): text for name, text in texts.items() for at in places}
        stages.add({f"{n}_{at}": t.replace("_#", f"_{at}") for (n, at), t in columns.items()})

    add(minus="CASE WHEN plain_# LIKE '-%' THEN '-' ELSE '' END", unsigned=_unsigned("plain_#"))
    ends = "replace(unsigned_#, '-', '~')"
    for word in RANGE_WORDS:
        ends = f"replace({ends}, {literal(word)}, '~')"
    digits = "rtrim(unsigned_#, '0123456789.') = ''"
    add(ends=f"CASE WHEN {digits} OR minus_# = '-' THEN NULL ELSE {ends} END")
    add(range="CASE WHEN length(ends_#) - length(replace(ends_#, '~', '')) = 1 THEN ends_# END")
    letters = "replace(range_#, '~', '')"
    left, right = (
        f"rtrim(rtrim(range_#, {letters}), '~ ')",
        f"ltrim(ltrim(range_#, {letters}), '~ ')",
    )
    add(left=left, right=right)
    sides = [(f"{side}_{at}", each.rule) for side in _SIDES for at, each in numbers]
    stages.add({side: _respelled(side, rule, dialect) for side, rule in sides})
    whole = f"CASE WHEN range_# IS NULL THEN unsigned_# ELSE {_unsigned('left_#')} END"
    add(left=whole, right=_unsigned("right_#"))
    add(**{f"{side}_rest": f"ltrim({side}_#, {_DIGITS})" for side in _SIDES})
    parts: dict[str, str] = {}
    for side in _SIDES:
        rest = f"{side}_rest_#"
        body = f"substr({side}_#, 1, length({side}_#) - length({rest}))"
        plus = f"rtrim(substr({rest}, 1, length({rest}) - 1), ' ')"
        word = f"CASE WHEN {rest} LIKE '%+' THEN {plus} ELSE {rest} END"
        parts |= {
            f"{side}_body": f"rtrim({body}, ' ')",
            f"{side}_word": f"replace({word}, '  ', ' ')",
        }
    add(**parts)


def _unsigned(text: str) -> str:
    return (
        f"CASE WHEN substr({text}, 1, 1) IN ('+', '-') THEN ltrim(substr({text}, 2), ' ') "
        f"ELSE {text} END"
    )


def _look_up(numbers: Sequence[tuple[int, Input]], stages: Stages) -> None:
    """Append the power of ten that follows digits, as text; NULL where they make no number."""
    short = ", ".join(map(literal, SHORT))
    powers, joins = {}, []
    for at, end in [(at, end) for at, _ in numbers for end in _SIDES]:
        body, rest, word = f"{end}_body_{at}", f"{end}_rest_{at}", f"{end}_word_{at}"
        amount = f"({rest} LIKE '%+' OR {word} NOT IN ({short}))"
        powers[f"{end}_power_{at}"] = (
            f"CASE WHEN {body} LIKE '%.' AND {amount} OR {word} = '%' AND {rest} <> '%' THEN NULL "
            f"WHEN {word} = '' THEN '' ELSE {end}_words_{at}.power END"
        )
        joins.append(f"LEFT JOIN dp_words AS {end}_words_{at} ON {end}_words_{at}.word = {word}")
    stages.add(powers, joins)


def _left_form(at: int, rule: ColumnRule, dialect: Dialect) -> str:
    """Return how the cell, or the left end of a range, is written: which sign is decimal."""
    body, power = f"left_body_{at}", f"left_power_{at}"
    ends = {
        "any": "",
        "none": f" AND {power} = ''",
        "size": f" AND {power} NOT IN ('', {_PERCENT})",
    }
    nothing = f"{power} IS NULL"
    if rule.kind == "count":
        nothing += f" OR {power} = {_PERCENT}"
    cases = [(nothing, Form.MISSING)]
    cases += [(dialect.shaped(body, s) + ends[end], form) for s, end, form in forms_of(rule)]
    return _chosen(cases)


def _chosen(cases: Sequence[tuple[str, Form]], otherwise: str = "0") -> str:
    whens = " ".join(f"WHEN {when} THEN {form:d}" for when, form in cases)
    return f"CASE {whens} ELSE {otherwise} END"


def _form(at: int, rule: ColumnRule, dialect: Dialect) -> str:
    """Return how a cell is written, or that it cannot be told or is not read."""
    cell, plain = f"w_{at}", f"plain_{at}"
    is_range = f"range_{at} IS NOT NULL"
    left, right = (
        f"left_form_{at} <> 0",
        _is_number(f"right_body_{at}", f"right_power_{at}", rule, dialect),
    )
    ends = ((left, f"left_{at}"), (right, f"right_{at}"))
    both = " AND ".join(f"({short} OR {_is_long(end, dialect)})" for short, end in ends)
    digits = f"rtrim({cell}, '0123456789')"
    if rule.kind != "count":
        digits = f"rtrim(ltrim({cell}, '-'), '0123456789{'' if rule.decimal == ',' else '.'}')"
    cases = [
        (f"{cell} IS NULL", Form.MISSING),
        (f"k_{at} = 0", Form.TYPED),
        (f"length({cell}) > {_LONGEST} AND {digits} <> ''", Form.MISSING),
        (dialect.shaped(plain, "exponent"), Form.EXPONENT),
        (dialect.shaped(plain, "far exponent"), Form.UNREAD),
        (f"{is_range} AND {both}", Form.UNCLEAR),
        *((condition, Form.UNREAD) for condition in _unread(at, rule, dialect)),
        (is_range, Form.MISSING),
    ]
    if forms := unclear_before_mil(rule):
        some = ", ".join(f"{form:d}" for form in forms)
        cases.append((f"left_word_{at} = 'mil' AND left_form_{at} IN ({some})", Form.UNCLEAR))
    return _chosen(cases, f"left_form_{at}")


def _is_number(body: str, power: str, rule: ColumnRule, dialect: Dialect) -> str:
    """Return the condition that digits, and what follows them, make a number or two."""
    shapes = " OR ".join(dialect.shaped(body, shape) for shape in REGEX)
    percent = f" AND {power} <> {_PERCENT}" if rule.kind == "count" else ""
    return f"{power} IS NOT NULL{percent} AND ({shapes})"


def _is_long(text: str, dialect: Dialect) -> str:
    """Return the condition that text is a number with an exponent, or infinity."""
    exponents = " OR ".join(dialect.shaped(text, shape) for shape in ("exponent", "far exponent"))
    return f"{exponents} OR {text} IN ({_ENDLESS})"


def _unread(at: int, rule: ColumnRule, dialect: Dialect) -> list[str]:
    """Return conditions of cells that the program may read and this query does not."""
    letters = literal(odd_letters())
    conditions = [
        f"{end}_power_{at} IS NULL AND rtrim({end}_word_{at}, {letters}) = '' "
        f"AND {end}_word_{at} <> '' AND {end}_body_{at} <> '' AND {end}_body_{at} NOT LIKE '%.'"
        for end in _SIDES
    ]
    conditions.append(f"length(left_body_{at}) > {_LONGEST_SHAPE} AND left_form_{at} = 0")
    conditions.append(f"unsigned_{at} IN ({_ENDLESS})")
    if dialect.not_plain:
        conditions.append(dialect.not_plain(f"plain_{at}"))
    if rule.kind == "any":
        conditions.append(f"left_form_{at} = 0 AND {dialect.shaped(f'plain_{at}', 'digit')}")
    return conditions


def _value(at: int, rule: ColumnRule, dialect: Dialect) -> str:
    minus, power = f"minus_{at}", f"left_power_{at}"
    digits = f"replace(replace(left_body_{at}, ' ', ''), '''', '')"
    point = f"rtrim(replace({digits}, ',', ''), '.')"
    comma = f"replace(replace({digits}, '.', ''), ',', '.')"
    forms = {
        Form.POINT: dialect.number(f"{minus} || '0' || {point} || {power}"),
        Form.COMMA: dialect.number(f"{minus} || '0' || {comma} || {power}"),
        Form.EXPONENT: dialect.number(f"replace(plain_{at}, ',', '.')"),
        Form.TYPED: dialect.number(f"w_{at}"),
    }
    cases = " ".join(f"WHEN {form:d} THEN {text}" for form, text in forms.items())
    value = f"CASE f_{at} {cases} ELSE NULL END"
    if rule.kind != "rate" or rule.unit == "fraction":
        return value
    return f"({value}) / CASE WHEN {power} = {_PERCENT} THEN 1e0 ELSE 100e0 END"
