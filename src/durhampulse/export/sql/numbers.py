"""Written numbers in SQL: what :mod:`durhampulse.creators.numbers` reads of a cell.

A cell is parted into what stands before the digits, the digits and what follows them, which are
looked up in tables of words; of a range both ends are. What is no number is missing, as for the
program itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from durhampulse.creators.rules import ColumnRule
from durhampulse.export.forms import REGEX, Form, forms_of, unclear_before_mil
from durhampulse.export.program import Input
from durhampulse.export.spellings import (
    RANGE_WORDS,
    SHORT,
    dotted_currencies,
    rough_words,
    same_currencies,
    three_decimals,
    unread_words,
)
from durhampulse.export.sql.amounts import look_up_amounts
from durhampulse.export.sql.dialects import Dialect, collapsed, literal, number
from durhampulse.export.sql.stages import MOST_JOINS, Stages, of_end, of_ends

__all__ = ["read_numbers"]

_DIGITS = literal("0123456789.,' ")
_LONGEST = 40
_LONGEST_SHAPE = 24
"""Digits and signs that :mod:`.shapes` is sure to know; more of them are beyond all figures."""
_PERCENT = "'e-2'"
_ENDLESS = ", ".join(
    literal(sign + word) for word in ("inf", "infinity") for sign in ("", "+", "-")
)
_SIDES = ("left", "right")
_JOIN = "LEFT JOIN dp_words AS *_words_# ON *_words_#.word = lower(*_tail_#)"
_MEANING = {"word": "*_words_#.word", "power": "*_words_#.power"}

Numbers = Sequence[tuple[int, Input]]
"""Places and inputs of columns of numbers."""


def read_numbers(numbers: Numbers, dialect: Dialect, stages: Stages) -> None:
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


def _simplify(numbers: Numbers, dialect: Dialect, stages: Stages) -> None:
    """Append cells of the ASCII of :func:`.plain_characters`, and these in small letters."""
    places = [at for at, _ in numbers]
    cell = "w"
    for step in dialect.plain:
        stages.add({
            f"letters_{at}": f"CASE WHEN {dialect.shaped(f'{cell}_{at}', 'ascii')} "
            f"THEN {cell}_{at} ELSE {step(f'{cell}_{at}')} END"
            for at in places
        })  # fmt: skip
        cell = "letters"
    stages.add({f"figure_{at}": _without_rough(f"letters_{at}", dialect) for at in places})
    stages.add(
        {f"cell_{at}": _respelled(f"figure_{at}", each.rule, dialect) for at, each in numbers}
    )
    stages.add({f"plain_{at}": f"lower(cell_{at})" for at in places})


def _without_rough(text: str, dialect: Dialect) -> str:
    """Return a figure without the word that makes it a rough one."""
    before, behind = rough_words()
    cases = [
        (f"{_begins(f'lower({text})', word)}", f"ltrim(substr({text}, {len(word) + 1}))")
        for word in before
    ]
    for word, (start, end) in product(behind, product(" (", ("", ")"))):
        figure = f"rtrim(substr({text}, 1, length({text}) - {len(word + end)}), ' (')"
        cases.append((f"lower({text}) LIKE {literal(f'%{start}{word}{end}')}", figure))
    whens = " ".join(f"WHEN {when} THEN {figure}" for when, figure in cases)
    digit = dialect.shaped(text, "digit")
    return f"CASE WHEN NOT {digit} THEN {text} {whens} ELSE {text} END"


def _begins(text: str, word: str) -> str:
    """Return the condition that text begins with a word, which another letter makes another."""
    begins = f"{text} LIKE {literal(f'{word}%')}"
    following = f"substr({text}, {len(word) + 1}, 1)"
    ended = f"ltrim({following}, '0123456789 ') = ''" if word[-1].isalpha() else ""
    return f"({begins} AND {ended})" if ended else begins


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


def _part(numbers: Numbers, dialect: Dialect, stages: Stages) -> None:
    """Append the parts of the cell, or of the left end of a range, and of the right end.

    They are a sign, a mark before the digits, a body of digits and signs between them, and a tail.
    """
    _part_ranges(numbers, dialect, stages)
    ends = [(side, at) for side in _SIDES for at, _ in numbers]

    def add(**texts: str) -> None:
        stages.add(of_ends(texts, ends))

    others = "*_#"
    for digit in "0123456789":
        others = f"replace({others}, '{digit}', '')"
    leads = "rtrim(substr(*_#, 1, 1), '0123456789') = ''"
    add(figure=f"CASE WHEN {leads} THEN *_# ELSE ltrim(*_#, {others}) END")
    before = "substr(*_#, 1, length(*_#) - length(*_figure_#))"
    unsigned = f"replace(replace({before}, '+', ''), '-', '')"
    add(before=before, mark=collapsed(f"trim({unsigned})"))
    dotted = ", ".join(map(literal, dotted_currencies()))
    add(point=f"CASE WHEN rtrim(*_before_#) LIKE '%.' AND lower(*_mark_#) NOT IN ({dotted}) "
        "THEN '.' ELSE '' END")  # fmt: skip
    signs = "length(*_before_#) - length(replace(replace(*_before_#, '+', ''), '-', ''))"
    add(
        sign="CASE WHEN *_before_# LIKE '%-%' THEN '-' ELSE '' END",
        mark="CASE WHEN *_point_# = '' THEN *_mark_# "
        "ELSE rtrim(substr(*_mark_#, 1, length(*_mark_#) - 1)) END",
        figure=f"CASE WHEN {signs} > 1 THEN '' ELSE *_point_# || *_figure_# END",
    )
    add(rest=f"ltrim(*_figure_#, {_DIGITS})")
    plus = "rtrim(substr(*_rest_#, 1, length(*_rest_#) - 1), ' ')"
    word = f"CASE WHEN *_rest_# LIKE '%+' THEN {plus} ELSE *_rest_# END"
    add(
        body="rtrim(substr(*_figure_#, 1, length(*_figure_#) - length(*_rest_#)), ' ')",
        tail=collapsed(word),
    )


def _part_ranges(numbers: Numbers, dialect: Dialect, stages: Stages) -> None:
    """Append whether a cell is parted as a range is, its left end or all of it, its right end."""
    places = [at for at, _ in numbers]

    def add(**texts: str) -> None:
        stages.add({
            f"{name}_{at}": text.replace("#", str(at))
            for name, text in texts.items()
            for at in places
        })  # fmt: skip

    between = "replace(cell_#, '-', '~')"
    for word in RANGE_WORDS:
        between = f"replace({between}, {literal(word)}, '~')"
    whole = "rtrim(cell_#, '0123456789.') = '' OR cell_# LIKE '-%'"
    add(ends=f"CASE WHEN {whole} THEN NULL ELSE {between} END")
    add(ends="CASE WHEN length(ends_#) - length(replace(ends_#, '~', '')) = 1 THEN ends_# END")
    letters = "replace(ends_#, '~', '')"
    add(
        left=f"rtrim(rtrim(ends_#, {letters}), '~ ')",
        right=f"ltrim(ltrim(ends_#, {letters}), '~ ')",
    )
    sides = [(f"{side}_{at}", each.rule) for side in _SIDES for at, each in numbers]
    stages.add({side: _respelled(side, rule, dialect) for side, rule in sides})
    digit = dialect.shaped("left_#", "digit")
    add(range=f"CASE WHEN {digit} OR lower(left_#) IN ({_ENDLESS}) THEN 1 ELSE 0 END")
    add(left="CASE WHEN range_# = 1 THEN left_# ELSE cell_# END")


def _look_up(numbers: Numbers, stages: Stages) -> None:
    """Append the power of ten that follows digits, as text, NULL where they make no number.

    Of amounts the currency too; empty text for none.
    """
    ends = [(side, at, each.rule.kind == "any") for at, each in numbers for side in _SIDES]
    amounts = [(side, at) for side, at, is_amount in ends if is_amount]
    others = [(side, at) for side, at, is_amount in ends if not is_amount]
    if amounts:
        look_up_amounts(amounts, stages)
    for some in (others[first : first + MOST_JOINS] for first in range(0, len(others), MOST_JOINS)):
        stages.add(of_ends(_MEANING, some), [of_end(_JOIN, side, at) for side, at in some])
    stages.add(
        of_ends({"power": _power(is_amount=True)}, amounts)
        | of_ends({"power": _power(is_amount=False)}, others)
    )


def _power(*, is_amount: bool) -> str:
    """Return the power of ten, NULL where a mark, a point or a sign makes it no number."""
    odd = f"*_rest_# LIKE '%+' OR *_word_# NOT IN ({', '.join(map(literal, SHORT))})"
    odd += " OR *_currency_# <> ''" if is_amount else ""
    nothing = "*_currency_# IS NULL" if is_amount else "*_mark_# <> ''"
    nothing += f" OR *_body_# LIKE '%.' AND ({odd})"
    nothing += " OR *_word_# = '%' AND (*_rest_# <> '%' OR *_mark_# <> '')"
    return f"CASE WHEN {nothing} THEN NULL ELSE *_power_# END"


def _left_form(at: int, rule: ColumnRule, dialect: Dialect) -> str:
    """Return how the cell, or the left end of a range, is written: which sign is decimal."""
    body, power = f"left_body_{at}", f"left_power_{at}"
    of_thousands = ", ".join(map(literal, three_decimals()))
    ends = {
        "any": "",
        "none": f" AND {power} = ''",
        "size": f" AND {power} NOT IN ('', {_PERCENT})",
        "price": f" AND {power} = '' AND left_currency_{at} NOT IN ('', {of_thousands})",
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
    is_range = f"range_{at} = 1"
    left, right = (
        f"left_form_{at} <> 0",
        _is_number(f"right_body_{at}", f"right_power_{at}", rule, dialect),
    )
    ends = ((left, f"lower(left_{at})"), (right, f"lower(right_{at})"))
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
    if rule.currency:
        same = ", ".join(map(literal, same_currencies(rule.currency)))
        foreign = f"left_form_{at} <> 0 AND left_currency_{at} NOT IN ('', {same})"
        cases.append((foreign, Form.UNCLEAR))
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
    conditions = [
        f"length(left_body_{at}) > {_LONGEST_SHAPE} AND left_form_{at} = 0",
        f"plain_{at} IN ({_ENDLESS})",
    ]
    worded = _worded(f"plain_{at}", rule, dialect)
    conditions.append(f"left_form_{at} = 0 AND {worded}")
    if dialect.not_plain:
        conditions.append(dialect.not_plain(f"plain_{at}"))
    return conditions


def _worded(plain: str, rule: ColumnRule, dialect: Dialect) -> str:
    """Return the condition that a cell has digits and a word beside them, which is not read."""
    before, behind = unread_words(rule)
    ends = [f"{plain} LIKE {literal(f'{word}%')}" for word in before]
    ends += [f"{plain} LIKE {literal(f'%{word}')}" for word in behind]
    return f"{dialect.shaped(plain, 'digit')} AND ({' OR '.join(ends)})"


def _value(at: int, rule: ColumnRule, dialect: Dialect) -> str:
    minus, power = f"left_sign_{at}", f"left_power_{at}"
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
    if rule.kind == "rate" and rule.unit == "percent":
        value = f"({value}) / CASE WHEN {power} = {_PERCENT} THEN 1e0 ELSE 100e0 END"
    for code in rule.missing_codes():
        value = f"NULLIF({value}, {number(code)})"
    return value
