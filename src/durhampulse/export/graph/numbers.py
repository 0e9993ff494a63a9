"""Written numbers in a graph: what :mod:`durhampulse.creators.numbers` reads of a cell.

The cells of all columns of numbers are one long column here. Regular expressions (RE2) tell how a
cell is written and what follows its digits; only cells that are not plain are taken to pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.words import NULL_WORDS
from durhampulse.export.forms import REGEX, Form, forms_of, unclear_before_mil
from durhampulse.export.graph.amounts import Amounts, is_foreign, read_amounts, read_ends
from durhampulse.export.graph.nodes import Nodes
from durhampulse.export.graph.patterns import (
    BLANK,
    GAP,
    INNER,
    NO_BLANK,
    REMOVED_BLANKS,
    SIGN,
    escaped,
    words_pattern,
)
from durhampulse.export.graph.pieces import from_first_digit, halves, holds, replaced, without
from durhampulse.export.program import Input
from durhampulse.export.spellings import (
    RANGE_WORDS,
    SHORT,
    plain_characters,
    ranges,
    rough_words,
    size_words,
    unread_words,
)

__all__ = ["Numbers", "read_numbers"]

_READ = {*REMOVED_BLANKS, *"\u2019\u2212\u2010\u2011\u2012\u2013\u2014\u2015\u301c\u212a"}
"""Signs beyond ASCII, and blanks, that are read; for others a graph has no operator."""
_SEPARATOR = rf"[{REMOVED_BLANKS}'\x{{2019}}]"
_BEFORE = rf"{GAP}\(?{SIGN}{INNER}*"
"""What stands before the word behind the digits."""
_AFTER = rf"{GAP}\)?{GAP}"
_EXPONENT = r"[+\-\x{2212}]?(?:[0-9]*[.,]?[0-9]+|[0-9]+[.,])[eE][+\-\x{2212}]?0?[0-9]{1,2}"
_FAR_EXPONENT = r"[+\-\x{2212}]?(?:[0-9]*[.,]?[0-9]+|[0-9]+[.,])[eE][+\-\x{2212}]?[1-9][0-9]{2}"
_ENDLESS = r"[+\-\x{2212}]?(?i:inf|infinity)"
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212~\u301c"
_BETWEEN = f"(?:[{_DASHES[1:]}\\-]|{'|'.join(RANGE_WORDS)})"
_OTHER_BLANK = rf"[{REMOVED_BLANKS[1:]}]"
_MINUS_BEHIND = rf"{GAP}{INNER}*[0-9]%?[\-\x{{2212}}]{GAP}"
_PERCENT_BEFORE = rf"{GAP}%[0-9]{INNER}*{GAP}"


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
    figures = _figures(inputs, nodes)
    amounts = _amounts([each for each in inputs if each.rule.kind == "any"], figures, nodes)
    texts = [
        amounts[each.header].text if each.header in amounts else figures[each.header]
        for each in inputs
    ]
    raw = nodes.add("Concat", *texts, axis=0)
    powers = _powers(nodes, raw)
    ends = _ends(nodes, raw, powers)
    parts = {name: nodes.split(value, len(inputs)) for name, value in vars(ends).items()}
    forms = [
        _form(
            each,
            figures[each.header],
            nodes,
            _Ends(**{name: columns[at] for name, columns in parts.items()}),
            amounts.get(each.header),
        )
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


def _figures(inputs: Sequence[Input], nodes: Nodes) -> dict[str, str]:
    """Append what takes words for rough figures off, and return the cells by header.

    Words that end in a sign come off by it, others where digits follow.
    """
    raw = nodes.add("Concat", *(each.header for each in inputs), axis=0)
    signs, words = _rough_words()
    is_rough = nodes.matches(raw, rf"(?is){BLANK}*(?:{words_pattern(words)}){BLANK}*[0-9].*")
    cells = nodes.put(raw, is_rough, from_first_digit(nodes, nodes.chosen(raw, is_rough)))
    for end in sorted({word[-1] for word in signs}):
        some = words_pattern(word for word in signs if word[-1] == end)
        is_rough = nodes.matches(raw, rf"(?is){BLANK}*(?:{some}).*[0-9].*")
        _, figure = halves(nodes, nodes.chosen(raw, is_rough), end)
        cells = nodes.put(cells, is_rough, figure)
    columns = nodes.split(cells, len(inputs))
    return {each.header: text for each, text in zip(inputs, columns, strict=True)}


def _rough_words() -> tuple[list[str], list[str]]:
    """Return words before a rough figure: those that end in a sign, and others."""
    before, _ = rough_words()
    signs = [word for word in before if not word[-1].isalpha()]
    return signs, [word for word in before if word[-1].isalpha()]


def _amounts(
    inputs: Sequence[Input], figures: Mapping[str, str], nodes: Nodes
) -> dict[str, Amounts]:
    """Append what reads amounts, those of all columns at once; return it by their headers."""
    if not inputs:
        return {}
    texts = (figures[each.header] for each in inputs)
    amounts = read_amounts(nodes, nodes.add("Concat", *texts, axis=0))
    parts = {name: nodes.split(value, len(inputs)) for name, value in vars(amounts).items()}
    return {
        each.header: Amounts(**{name: columns[at] for name, columns in parts.items()})
        for at, each in enumerate(inputs)
    }


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
        power: nodes.matches(raw, rf"(?i){_BEFORE}(?:{words_pattern(some)}){GAP}\+?{_AFTER}")
        for power, some in words.items()
    }


def _ends(nodes: Nodes, raw: str, powers: dict[int, str], priced: str | None = None) -> _Ends:
    short = "|".join(escaped(word) for word in SHORT if word)
    is_short = nodes.matches(raw, rf"(?i){_BEFORE}(?:{short})?{_AFTER}")
    point = nodes.matches(raw, rf"(?s){_BEFORE}[.]{GAP}[^0-9.,'\x{{2019}}){REMOVED_BLANKS}].*")
    return _Ends(
        none=nodes.matches(raw, rf"{_BEFORE}(?:{GAP}\+)?{_AFTER}"),
        percent=nodes.matches(raw, rf"{_BEFORE}{GAP}%{_AFTER}|{_MINUS_BEHIND}|{_PERCENT_BEFORE}"),
        size=nodes.either(*powers.values(), *([priced] if priced else [])),
        mil=nodes.matches(raw, rf"(?i){_BEFORE}{GAP}mil{GAP}\+?{_AFTER}"),
        no_number=nodes.every(point, nodes.negated(is_short)),
    )


def _form(source: Input, figure: str, nodes: Nodes, ends: _Ends, amounts: Amounts | None) -> str:
    """Append what tells how a cell is written, a range too: a number of :class:`.Form`."""
    raw, rule = amounts.text if amounts else figure, source.rule
    several = nodes.matches(raw, rf"(?s).*{_BETWEEN}.*{_BETWEEN}.*")
    is_range = nodes.matches(raw, rf"(?s).*{_BETWEEN}.*")
    is_range = nodes.every(is_range, nodes.negated(several))
    left, right = _parted(nodes, nodes.chosen(raw, is_range))
    both = nodes.add("Concat", left, right, axis=0)
    priced = None
    if amounts:
        both, priced = read_ends(nodes, both)
    forms = _form_of(both, rule, nodes, _ends(nodes, both, _powers(nodes, both), priced))
    missing = nodes.equals(forms, Form.MISSING)
    numbers = nodes.every(*nodes.split(nodes.negated(missing), 2))
    is_range = nodes.put(is_range, is_range, numbers)
    form = _form_of(raw, rule, nodes, ends, is_range, amounts)
    if amounts is None or not rule.currency:
        return form
    number = nodes.equals(form, Form.POINT, Form.COMMA)
    foreign = is_foreign(nodes, figure, amounts, rule.currency)
    unclear = nodes.whole(Form.UNCLEAR)
    return nodes.where(nodes.every(number, foreign), unclear, form)


def _parted(nodes: Nodes, text: str) -> tuple[str, str]:
    """Return the two ends of ranges."""
    left = right = text
    for between in (*_DASHES, *RANGE_WORDS):
        left, _ = halves(nodes, left, between)
        _, end = halves(nodes, text, between)
        right = nodes.where(holds(nodes, text, between), end, right)
    return left, right


def _form_of(
    text: str,
    rule: ColumnRule,
    nodes: Nodes,
    ends: _Ends,
    is_range: str | None = None,
    amounts: Amounts | None = None,
) -> str:
    """Append what tells how text is written."""
    answer = nodes.whole(Form.MISSING)
    cases = [
        *([(amounts.is_unread, Form.UNREAD)] if amounts else []),
        *_odd_forms(text, rule, nodes, amounts, is_end=is_range is None),
        *([] if is_range is None else _ranges(text, is_range, nodes)),
        (ends.no_number, Form.MISSING),
        *_usual_forms(text, rule, nodes, ends, amounts),
        (nodes.matches(text, rf"{SIGN}{INNER}{{25,}}.*"), Form.UNREAD),
    ]
    for condition, case in reversed(cases):
        answer = nodes.where(condition, nodes.whole(case), answer)
    return answer


def _ranges(text: str, is_range: str, nodes: Nodes) -> list[tuple[str, Form]]:
    """Append ranges; of one behind a percent sign only digits are read."""
    behind_percent = rf"(?s){GAP}%[0-9].*{_BETWEEN}[^0-9]*[0-9].*"
    return [(is_range, Form.UNCLEAR), (nodes.matches(text, behind_percent), Form.UNREAD)]


def _odd_forms(
    text: str, rule: ColumnRule, nodes: Nodes, amounts: Amounts | None, *, is_end: bool
) -> list[tuple[str, Form]]:
    """Append the forms that come before all shapes of digits."""
    odd = ranges({*plain_characters()} - _READ)
    digits = ranges({c for c, sign in plain_characters().items() if sign.isdigit()})
    words = "|".join(word.strip() for word in RANGE_WORDS)
    unread = [rf"{GAP}{_FAR_EXPONENT}{GAP}", rf"{GAP}{_ENDLESS}{GAP}"]
    nothing = rf"(?s)[^0-9{digits}]*"
    if rule.kind != "count":
        unread.append(rf"{GAP}\({GAP}(?:{_EXPONENT}|{_FAR_EXPONENT}){GAP}\){GAP}")
        nothing += rf"|{GAP}%.*%{GAP}"
    patterns = [
        (rf"(?i){BLANK}*(?:{words_pattern(sorted(NULL_WORDS))}){BLANK}*", Form.MISSING),
        (_long_number(rule), Form.POINT),
        (rf"(?s){BLANK}*{NO_BLANK}.{{39,}}{NO_BLANK}{BLANK}*", Form.MISSING),
        ("|".join(unread), Form.UNREAD),
        (nothing, Form.MISSING),
        (_worded(rule, digits, is_end=is_end), Form.UNREAD),
        (rf"(?s).*[{odd}].*|.*[{REMOVED_BLANKS}]{{5,}}.*", Form.UNREAD),
        (
            rf"(?s).*{_OTHER_BLANK}(?:{words}){BLANK}.*|.*{BLANK}(?:{words}){_OTHER_BLANK}.*",
            Form.UNREAD,
        ),
        (rf"{GAP}{_EXPONENT}{GAP}", Form.EXPONENT),
    ]
    forms = [(nodes.matches(text, pattern), form) for pattern, form in patterns]
    if amounts:  # digits alone may be a price
        bare = nodes.negated(amounts.is_amount)
        forms = [(nodes.every(bare, has), form) for has, form in forms]
    return forms


def _usual_forms(
    text: str, rule: ColumnRule, nodes: Nodes, ends: _Ends, amounts: Amounts | None
) -> Iterator[tuple[str, Form]]:
    """Append the forms of digits with signs between them and a word behind."""
    some = [ends.none, ends.size] if rule.kind == "count" else [ends.none, ends.size, ends.percent]
    follows = {"any": nodes.either(*some), "none": ends.none, "size": ends.size}
    if amounts:
        follows["price"] = amounts.is_price
    mil = unclear_before_mil(rule)
    for shape, end, form in forms_of(rule):
        if end == "price" and amounts is None:
            continue
        pattern = _written(shape, rule.kind == "count")
        written = nodes.every(nodes.matches(text, pattern), follows[end])
        if form in mil:
            yield nodes.every(written, ends.mil), Form.UNCLEAR
        yield written, form


def _worded(rule: ColumnRule, digits: str, *, is_end: bool) -> str:
    """Return the pattern of a cell with digits and a word beside them, which is not read.

    A rough figure is no end of a range.
    """
    before, behind = unread_words(rule)
    signs, words = _rough_words()
    _, rough = rough_words()
    first, last = words_pattern(before), words_pattern(behind)
    if not is_end:
        first += rf"|{words_pattern(signs)}|(?:{words_pattern(words)}){BLANK}"
        last += rf"|(?:{BLANK}|\()(?:{words_pattern(rough)})\)?"
    digit = f"[0-9{digits}]"
    return rf"(?is){BLANK}*(?:{first}).*{digit}.*|.*{digit}.*(?:{last}){BLANK}*"


def _long_number(rule: ColumnRule) -> str:
    """Return the pattern of what is a number however long it is."""
    minus = "" if rule.kind == "count" else "-?"
    if minus and rule.decimal != ",":
        return rf"{GAP}-?(?:[0-9]+[.]?[0-9]*|[.][0-9]+){GAP}"
    return f"{GAP}{minus}[0-9]+{GAP}"


def _body(shape: str) -> str:
    return REGEX[shape].replace("[' ]", _SEPARATOR).replace(" *", GAP)


def _written(shape: str, is_count: bool) -> str:
    """Return the pattern of digits of a shape in a cell, whatever follows them."""
    body, rest = _body(shape), rf"(?:[^0-9.,'\x{{2019}}{REMOVED_BLANKS}()]"
    usual = rf"{SIGN}(?:{body}){GAP}{rest}[^0-9()]*)?"
    if is_count:
        return usual
    inner = rest.replace("()]", r"()+\-\x{2212}]")
    accounted = rf"{GAP}\({GAP}(?:{body}){GAP}{inner}[^0-9()+\-\x{{2212}}]*)?\){GAP}"
    return rf"{usual}|{accounted}|{GAP}(?:{body})%?[\-\x{{2212}}]{GAP}|{GAP}%(?:{body}){GAP}"


def _values(nodes: Nodes, raw: str, form: str, powers: dict[int, str]) -> str:
    """Append the numbers of cells of a known form, 0 for others."""
    known = nodes.equals(form, Form.POINT, Form.COMMA, Form.EXPONENT)
    text = nodes.where(known, raw, nodes.constant("0"))
    simple = nodes.matches(text, "-?[0-9]+(?:[.][0-9]+)?")
    odd = nodes.either(nodes.equals(form, Form.COMMA), nodes.negated(simple))
    some = nodes.chosen(text, odd)
    power = nodes.constant("")
    percent = nodes.matches(some, "(?s).*%.*")
    for size, matches in powers.items():
        power = nodes.where(nodes.chosen(matches, odd), nodes.constant(f"e{size}"), power)
    power = nodes.where(percent, nodes.constant("e-2"), power)
    comma, exponent = (
        nodes.chosen(nodes.equals(form, sign), odd) for sign in (Form.COMMA, Form.EXPONENT)
    )
    plain = _plain_text(nodes, some, comma, exponent, power)
    return nodes.cast(nodes.put(text, odd, plain), np.float64)


def _plain_text(nodes: Nodes, raw: str, comma: str, exponent: str, power: str) -> str:
    """Return a cell's number as text that every program reads: 145.5e3."""
    whole = raw
    for blank in REMOVED_BLANKS:
        whole = without(nodes, whole, blank)
    digits = whole
    for sign in "'\u2019+-\u2212()%":
        digits = without(nodes, digits, sign)
    worded = nodes.negated(nodes.matches(digits, "[0-9.,]*(?:[eE][0-9]*)?"))
    heads = nodes.chosen(digits, worded)
    letters = {letter for word in size_words() for letter in (word[0], word[0].upper())}
    for letter in sorted(letters | {"\u212a"} - {"%"}):
        heads, _ = halves(nodes, heads, letter)
    digits = nodes.put(digits, worded, heads)
    by_point = without(nodes, digits, ",")
    by_comma = replaced(nodes, without(nodes, digits, "."), ",", ".")
    minus = nodes.matches(raw, rf"(?s){GAP}[(\-\x{{2212}}].*|.*[\-\x{{2212}}]{GAP}")
    sign = nodes.where(minus, nodes.constant("-0"), nodes.constant("0"))
    text = nodes.joined(sign, nodes.where(comma, by_comma, by_point), power)
    for _ in ("mantissa", "power"):
        whole = replaced(nodes, whole, "\u2212", "-")
    return nodes.where(exponent, replaced(nodes, whole, ",", "."), text)
