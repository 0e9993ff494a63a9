"""Written numbers in a graph: what :mod:`durhampulse.creators.numbers` reads of a cell.

The cells of all columns of numbers are one long column here. Regular expressions (RE2) tell how a
cell is written and what follows its digits; only cells that are not plain are taken to pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.words import NULL_WORDS
from durhampulse.export.forms import REGEX, Form, forms_of, unclear_before_mil
from durhampulse.export.graph.nodes import Nodes
from durhampulse.export.graph.patterns import BLANK, NO_BLANK, escaped, words_pattern
from durhampulse.export.program import Input
from durhampulse.export.spellings import RANGE_WORDS, SHORT, plain_characters, ranges, size_words

__all__ = ["Numbers", "read_numbers"]

_REMOVED_BLANKS = " \t\n\r\u00a0\u2009\u202f"
_READ = {*_REMOVED_BLANKS, *"\u2019\u2212\u2010\u2011\u2012\u2013\u2014\u2015\u301c\u212a"}
"""Signs beyond ASCII, and blanks, that are read; for others a graph has no operator."""
_SEPARATOR = rf"[{_REMOVED_BLANKS}'\x{{2019}}]"
_INNER = rf"[0-9.,{_REMOVED_BLANKS}'\x{{2019}}]"
_G = rf"[{_REMOVED_BLANKS}]{{0,4}}"
"""Blanks in a number: no more than are removed."""
_SIGN = rf"{_G}[+\-\x{{2212}}]?{_G}"
_BEFORE = rf"{_G}\(?{_SIGN}{_INNER}*"
"""What stands before the word behind the digits."""
_AFTER = rf"{_G}\)?{_G}"
_EXPONENT = r"[+\-\x{2212}]?(?:[0-9]*[.,]?[0-9]+|[0-9]+[.,])[eE][+\-\x{2212}]?0?[0-9]{1,2}"
_FAR_EXPONENT = r"[+\-\x{2212}]?(?:[0-9]*[.,]?[0-9]+|[0-9]+[.,])[eE][+\-\x{2212}]?[1-9][0-9]{2}"
_ENDLESS = r"[+\-\x{2212}]?(?i:inf|infinity)"
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212~\u301c"
_BETWEEN = f"(?:[{_DASHES[1:]}\\-]|{'|'.join(RANGE_WORDS)})"
_OTHER_BLANK = rf"[{_REMOVED_BLANKS[1:]}]"
_MINUS_BEHIND = rf"{_G}{_INNER}*[0-9]%?[\-\x{{2212}}]{_G}"
_PERCENT_BEFORE = rf"{_G}%[0-9]{_INNER}*{_G}"
_MOST = 24
"""Pieces that a number has between separators of one kind."""


@dataclass(frozen=True)
class Numbers:
    """Numbers of a column, in double precision, and the :class:`.Form` of each cell."""

    values: str
    form: str


@dataclass(frozen=True, kw_only=True)
class _Ends:
    """Conditions on what follows the digits, in the cells of all columns."""

    none: str
    percent: str
    size: str
    mil: str
    no_number: str


def read_numbers(inputs: Sequence[Input], nodes: Nodes) -> list[Numbers]:
    """Append what reads columns of numbers, and return them in their order."""
    if not inputs:
        return []
    raw = nodes.add("Concat", *(each.header for each in inputs), axis=0)
    powers = _powers(nodes, raw)
    ends = _ends(nodes, raw, powers)
    parts = {name: nodes.split(value, len(inputs)) for name, value in vars(ends).items()}
    forms = [
        _form(each, nodes, _Ends(**{name: columns[at] for name, columns in parts.items()}))
        for at, each in enumerate(inputs)
    ]
    form = nodes.add("Concat", *forms, axis=0)
    values = _values(nodes, raw, form, powers)
    columns = nodes.split(values, len(inputs))
    percent = nodes.split(nodes.matches(raw, "(?s).*%.*"), len(inputs))
    return [
        Numbers(_fraction(each.rule, value, sign, nodes), its_form)
        for each, value, sign, its_form in zip(inputs, columns, percent, forms, strict=True)
    ]


def _fraction(rule: ColumnRule, value: str, percent: str, nodes: Nodes) -> str:
    if rule.kind != "rate" or rule.unit == "fraction":
        return value
    by = nodes.where(percent, nodes.number(1), nodes.number(100))
    return nodes.add("Div", value, by)


def _powers(nodes: Nodes, raw: str) -> dict[int, str]:
    """Append which cells have a word for which power of ten, a plus behind or not."""
    words: dict[int, list[str]] = {}
    for word, power in size_words().items():
        if word != "%":
            words.setdefault(power, []).append(word)
    return {
        power: nodes.matches(raw, rf"(?i){_BEFORE}(?:{words_pattern(some)}){_G}\+?{_AFTER}")
        for power, some in words.items()
    }


def _ends(nodes: Nodes, raw: str, powers: dict[int, str]) -> _Ends:
    short = "|".join(escaped(word) for word in SHORT if word)
    is_short = nodes.matches(raw, rf"(?i){_BEFORE}(?:{short})?{_AFTER}")
    point = nodes.matches(raw, rf"(?s){_BEFORE}[.]{_G}[^0-9.,'\x{{2019}}){_REMOVED_BLANKS}].*")
    return _Ends(
        none=nodes.matches(raw, rf"{_BEFORE}(?:{_G}\+)?{_AFTER}"),
        percent=nodes.matches(raw, rf"{_BEFORE}{_G}%{_AFTER}|{_MINUS_BEHIND}|{_PERCENT_BEFORE}"),
        size=nodes.either([*powers.values()]),
        mil=nodes.matches(raw, rf"(?i){_BEFORE}{_G}mil{_G}\+?{_AFTER}"),
        no_number=nodes.add("And", point, nodes.add("Not", is_short)),
    )


def _form(each: Input, nodes: Nodes, ends: _Ends) -> str:
    """Append what tells how a cell is written, a range too: a number of :class:`.Form`."""
    raw, rule = each.header, each.rule
    several = nodes.matches(raw, rf"(?s).*{_BETWEEN}.*{_BETWEEN}.*")
    is_range = nodes.matches(raw, rf"(?s).*{_BETWEEN}.*")
    is_range = nodes.add("And", is_range, nodes.add("Not", several))
    left, right = _parted(nodes, nodes.chosen(raw, is_range))
    both = nodes.add("Concat", left, right, axis=0)
    forms = _form_of(both, rule, nodes, _ends(nodes, both, _powers(nodes, both)))
    missing = nodes.add("Equal", forms, nodes.constant(Form.MISSING, np.int64))
    numbers = nodes.add("And", *nodes.split(nodes.add("Not", missing), 2))
    is_range = nodes.put(is_range, is_range, numbers)
    return _form_of(raw, rule, nodes, ends, is_range)


def _parted(nodes: Nodes, text: str) -> tuple[str, str]:
    """Return the two ends of ranges."""
    left = right = text
    for between in (*_DASHES, *RANGE_WORDS):
        left, _ = _halves(nodes, left, between)
        _, end = _halves(nodes, text, between)
        right = nodes.where(_holds(nodes, text, between), end, right)
    return left, right


def _form_of(
    text: str, rule: ColumnRule, nodes: Nodes, ends: _Ends, is_range: str | None = None
) -> str:
    """Append what tells how text is written."""
    other = Form.UNREAD if rule.kind == "any" and is_range is not None else Form.MISSING
    answer = nodes.constant(other, np.int64)
    cases = [
        *_odd_forms(text, rule, nodes),
        *([] if is_range is None else [(is_range, Form.UNCLEAR)]),
        (ends.no_number, Form.MISSING),
        *_usual_forms(text, rule, nodes, ends),
        (nodes.matches(text, rf"{_SIGN}{_INNER}{{25,}}.*"), Form.UNREAD),
    ]
    for condition, case in reversed(cases):
        answer = nodes.where(condition, nodes.constant(case, np.int64), answer)
    return answer


def _odd_forms(text: str, rule: ColumnRule, nodes: Nodes) -> list[tuple[str, Form]]:
    """Append the forms that come before all shapes of digits."""
    odd = ranges({*plain_characters()} - _READ)
    digits = ranges({c for c, sign in plain_characters().items() if sign.isdigit()})
    words = "|".join(word.strip() for word in RANGE_WORDS)
    unread = [
        rf"{_G}{_FAR_EXPONENT}{_G}",
        rf"{_G}{_ENDLESS}{_G}",
    ]
    nothing = rf"(?s)[^0-9{digits}]*"
    if rule.kind != "count":
        unread.append(rf"{_G}\({_G}(?:{_EXPONENT}|{_FAR_EXPONENT}){_G}\){_G}")
        nothing += rf"|{_G}%.*%{_G}"
    patterns = [
        (rf"(?i){BLANK}*(?:{words_pattern(sorted(NULL_WORDS))}){BLANK}*", Form.MISSING),
        (_long_number(rule), Form.POINT),
        (rf"(?s){BLANK}*{NO_BLANK}.{{39,}}{NO_BLANK}{BLANK}*", Form.MISSING),
        ("|".join(unread), Form.UNREAD),
        (nothing, Form.MISSING),
        (rf"(?s).*[{odd}].*|.*[{_REMOVED_BLANKS}]{{5,}}.*", Form.UNREAD),
        (
            rf"(?s).*{_OTHER_BLANK}(?:{words}){BLANK}.*|.*{BLANK}(?:{words}){_OTHER_BLANK}.*",
            Form.UNREAD,
        ),
        (rf"{_G}{_EXPONENT}{_G}", Form.EXPONENT),
    ]
    return [(nodes.matches(text, pattern), form) for pattern, form in patterns]


def _usual_forms(
    text: str, rule: ColumnRule, nodes: Nodes, ends: _Ends
) -> Iterator[tuple[str, Form]]:
    """Append the forms of digits with signs between them and a word behind."""
    some = [ends.none, ends.size] if rule.kind == "count" else [ends.none, ends.size, ends.percent]
    follows = {"any": nodes.either(some), "none": ends.none, "size": ends.size}
    mil = unclear_before_mil(rule)
    for shape, end, form in forms_of(rule):
        if end == "price":
            continue  # a graph reads no currency
        pattern = _written(shape, rule.kind == "count")
        written = nodes.add("And", nodes.matches(text, pattern), follows[end])
        if form in mil:
            yield nodes.add("And", written, ends.mil), Form.UNCLEAR
        yield written, form


def _long_number(rule: ColumnRule) -> str:
    """Return the pattern of what is a number however long it is."""
    minus = "" if rule.kind == "count" else "-?"
    if minus and rule.decimal != ",":
        return rf"{_G}-?(?:[0-9]+[.]?[0-9]*|[.][0-9]+){_G}"
    return f"{_G}{minus}[0-9]+{_G}"


def _body(shape: str) -> str:
    return REGEX[shape].replace("[' ]", _SEPARATOR).replace(" *", _G)


def _written(shape: str, is_count: bool) -> str:
    """Return the pattern of digits of a shape in a cell, whatever follows them."""
    body, rest = _body(shape), rf"(?:[^0-9.,'\x{{2019}}{_REMOVED_BLANKS}()]"
    usual = rf"{_SIGN}(?:{body}){_G}{rest}[^0-9()]*)?"
    if is_count:
        return usual
    inner = rest.replace("()]", r"()+\-\x{2212}]")
    accounted = rf"{_G}\({_G}(?:{body}){_G}{inner}[^0-9()+\-\x{{2212}}]*)?\){_G}"
    return rf"{usual}|{accounted}|{_G}(?:{body})%?[\-\x{{2212}}]{_G}|{_G}%(?:{body}){_G}"


def _values(nodes: Nodes, raw: str, form: str, powers: dict[int, str]) -> str:
    """Append the numbers of cells of a known form, 0 for others."""

    def has(*forms: Form) -> str:
        return nodes.either(
            [nodes.add("Equal", form, nodes.constant(one, np.int64)) for one in forms]
        )

    known = has(Form.POINT, Form.COMMA, Form.EXPONENT)
    text = nodes.where(known, raw, nodes.constant("0"))
    simple = nodes.matches(text, "-?[0-9]+(?:[.][0-9]+)?")
    odd = nodes.either([has(Form.COMMA), nodes.add("Not", simple)])
    some = nodes.chosen(text, odd)
    power = nodes.constant("")
    percent = nodes.matches(some, "(?s).*%.*")
    for size, matches in powers.items():
        power = nodes.where(nodes.chosen(matches, odd), nodes.constant(f"e{size}"), power)
    power = nodes.where(percent, nodes.constant("e-2"), power)
    comma, exponent = (nodes.chosen(has(one), odd) for one in (Form.COMMA, Form.EXPONENT))
    plain = _plain_text(nodes, some, comma, exponent, power)
    return nodes.cast(nodes.put(text, odd, plain), np.float64)


def _plain_text(nodes: Nodes, raw: str, comma: str, exponent: str, power: str) -> str:
    """Return a cell's number as text that every program reads: 145.5e3."""
    whole = raw
    for blank in _REMOVED_BLANKS:
        whole = _without(nodes, whole, blank)
    digits = whole
    for sign in "'\u2019+-\u2212()%":
        digits = _without(nodes, digits, sign)
    worded = nodes.add("Not", nodes.matches(digits, "[0-9.,]*(?:[eE][0-9]*)?"))
    heads = nodes.chosen(digits, worded)
    letters = {letter for word in size_words() for letter in (word[0], word[0].upper())}
    for letter in sorted(letters | {"\u212a"} - {"%"}):
        heads, _ = _halves(nodes, heads, letter)
    digits = nodes.put(digits, worded, heads)
    by_point = _without(nodes, digits, ",")
    by_comma = _replaced(nodes, _without(nodes, digits, "."), ",", ".")
    minus = nodes.matches(raw, rf"(?s){_G}[(\-\x{{2212}}].*|.*[\-\x{{2212}}]{_G}")
    sign = nodes.where(minus, nodes.constant("-0"), nodes.constant("0"))
    text = nodes.add("StringConcat", sign, nodes.where(comma, by_comma, by_point))
    text = nodes.add("StringConcat", text, power)
    for sign, by in (("\u2212", "-"), ("\u2212", "-"), (",", ".")):
        whole = _replaced(nodes, whole, sign, by)
    return nodes.where(exponent, whole, text)


def _without(nodes: Nodes, text: str, sign: str) -> str:
    """Return text without a sign."""
    first, *others = _pieces(nodes, text, sign, _MOST)
    for piece in others:
        first = nodes.add("StringConcat", first, piece)
    return first


def _replaced(nodes: Nodes, text: str, sign: str, by: str) -> str:
    """Return text whose first sign, if there is one, is replaced."""
    first, second = _halves(nodes, text, sign)
    joined = nodes.add("StringConcat", nodes.add("StringConcat", first, nodes.constant(by)), second)
    return nodes.where(_holds(nodes, text, sign), joined, text)


def _holds(nodes: Nodes, text: str, sign: str) -> str:
    return nodes.matches(text, f"(?s).*{escaped(sign)}.*")


def _halves(nodes: Nodes, text: str, sign: str) -> list[str]:
    """Return text before and behind the first sign; all of it and nothing where there is none."""
    return _pieces(nodes, text, sign, 2, maxsplit=1)


def _pieces(nodes: Nodes, text: str, sign: str, most: int, **options: int) -> list[str]:
    """Return the pieces of text between signs, as many for every text, the last ones empty.

    One more text is split and dropped again, so that there are as many pieces as wanted.
    """
    longer = nodes.add("Concat", text, nodes.constant([sign.join("0" * most)]), axis=0)
    split = nodes.add("StringSplit", longer, outputs=2, delimiter=sign, **options)
    start, end, rows = (nodes.constant([n], np.int64) for n in (0, -1, 0))
    ours = nodes.add("Slice", split, start, end, rows)
    return [nodes.column(ours, at) for at in range(most)]
