"""Cells to numbers and levels in a graph: text in, as far as regular expressions (RE2) can tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from durhampulse.creators.schema import COLUMNS
from durhampulse.creators.words import NULL_WORDS
from durhampulse.export.forms import REGEX, End, Form, forms_of
from durhampulse.export.graph.nodes import Nodes
from durhampulse.export.levels import spellings_of
from durhampulse.export.program import Input, Program

__all__ = ["MISSING", "OTHER", "Cells", "read_cells"]

OTHER, MISSING = -1, -2
"""Places of levels that are not known, and of empty cells."""

_BLANK = (
    r"[\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]"
)
_GAP = r"[ \t\n\r\x{a0}\x{202f}]{0,2}"
"""Blanks in a number: those that are removed, and no more than pieces are counted."""
_SIGN = rf"{_GAP}[+\-\x{{2212}}]?{_GAP}"
_SIZES = {"e3": "[kK]", "e6": "[mM][nN]?", "e9": "[bB][nN]?"}
_SIZE = f"(?:{'|'.join(_SIZES.values())})"
_ENDS: dict[End, str] = {"any": f"(?:{_SIZE}|%)?", "none": "", "size": _SIZE}
_REMOVED = (*" \t\n\r\u00a0\u202f", *"'\u2019+-\u2212%kKmMnNbB")
_BLANKS_REMOVED = 6
_MOST = 16
"""Pieces that a number has between separators of one kind."""


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A row's cells as values of the graph, by column.

    Attributes
    ----------
    numbers
        In double precision; 0 where missing.
    places
        Places among `levels`, or :data:`OTHER` or :data:`MISSING`.
    levels
        The levels that are told apart.
    missing
        Whether the cell is empty.
    reasons
        Conditions, and the text that each refuses a row with, the weightiest first.
    """

    numbers: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    levels: dict[str, list[str]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    reasons: list[tuple[str, str]] = field(default_factory=list)


def read_cells(program: Program, nodes: Nodes) -> Cells:
    """Append what reads the cells of a row, one input of the graph for each column."""
    cells = Cells()
    beyond: list[tuple[str, str]] = []
    for each in program.inputs:
        if each.rule.numeric:
            beyond += _number(each, nodes, cells)
        else:
            _level(each, program, nodes, cells)
    cells.reasons.extend(beyond)
    return cells


def _number(each: Input, nodes: Nodes, cells: Cells) -> list[tuple[str, str]]:
    """Append what reads a number, and return the reasons why it cannot be true."""
    raw, column = each.header, each.column
    form = _form(each, nodes)

    def has(wanted: Form) -> str:
        return nodes.add("Equal", form, nodes.constant(wanted, np.int64))

    known = nodes.either([has(Form.POINT), has(Form.COMMA), has(Form.EXPONENT)])
    text = _plain_text(nodes, raw, has(Form.COMMA), has(Form.EXPONENT))
    number = nodes.cast(nodes.where(known, text, nodes.constant("0")), np.float64)
    if each.rule.kind == "rate" and each.rule.unit == "percent":
        percent = nodes.matches(raw, rf"(?s).*%{_GAP}")
        by = nodes.where(percent, nodes.number(1), nodes.number(100))
        number = nodes.add("Div", number, by)
    cells.numbers[column], cells.missing[column] = number, nodes.add("Not", known)
    cells.reasons.append((has(Form.UNCLEAR), f"{column} may be one number or another"))
    cells.reasons.append((has(Form.UNREAD), f"{column} is not read by this graph"))
    ends = [("Less", each.low), ("Greater", each.high)] if column in COLUMNS else []
    outside = [nodes.add(sign, number, nodes.number(e)) for sign, e in ends if np.isfinite(e)]
    return [(nodes.add("And", known, o), f"{column} cannot be what it is") for o in outside]


def _form(each: Input, nodes: Nodes) -> str:
    """Append what tells how a cell is written: a number of :class:`.Form`."""
    cases: list[tuple[str, Form]] = [(f"(?i){_words(sorted(NULL_WORDS))}", Form.MISSING)]
    cases.append((r"(?s).{41,}", Form.UNREAD))
    if each.rule.kind == "count":
        cases.append((rf"(?s).*[0-9.]{_GAP}%{_GAP}", Form.MISSING))
    cases += [(_written(shape, end), form) for shape, end, form in forms_of(each.rule)]
    cases += [
        (rf"{_GAP}[+-]?[0-9]*[.,]?[0-9]+[eE][+-]?[0-9]{{1,2}}{_GAP}", Form.EXPONENT),
        (rf"(?i){_GAP}[+-]?(?:inf|infinity){_GAP}", Form.UNREAD),
        (rf"(?s)(?:[\x00-/:-\x7f]|{_BLANK})*", Form.MISSING),
    ]
    form = nodes.constant(Form.UNREAD, np.int64)
    for pattern, case in reversed(cases):
        form = nodes.where(
            nodes.matches(each.header, pattern), nodes.constant(case, np.int64), form
        )
    return form


def _written(shape: str, end: End) -> str:
    body = REGEX[shape].replace("[' ]", r"['\x{2019} \t\n\r\x{a0}\x{202f}]")
    return rf"{_SIGN}(?:{body}){_GAP}{_ENDS[end]}{_GAP}"


def _words(words: Sequence[str]) -> str:
    """Return the pattern of one of some words with any blanks around and between."""
    spelled = (
        rf"{_BLANK}+".join(re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", part) for part in word.split())
        for word in words
    )
    return rf"{_BLANK}*(?:{'|'.join(spelled)}){_BLANK}*"


def _plain_text(nodes: Nodes, raw: str, comma: str, exponent: str) -> str:
    """Return a cell's number as text that every program reads: 145.5e3."""
    digits = raw
    for sign in _REMOVED[:_BLANKS_REMOVED]:
        digits = _without(nodes, digits, sign)
    whole = digits
    for sign in _REMOVED[_BLANKS_REMOVED:]:
        digits = _without(nodes, digits, sign)
    by_point = _without(nodes, digits, ",")
    by_comma = _replaced(nodes, _without(nodes, digits, "."), ",", ".")
    minus = nodes.matches(raw, rf"(?s){_GAP}[\-\x{{2212}}].*")
    sign = nodes.where(minus, nodes.constant("-0"), nodes.constant("0"))
    text = nodes.add("StringConcat", sign, nodes.where(comma, by_comma, by_point))
    power = nodes.constant("")
    for name, size in {**_SIZES, "e-2": "%"}.items():
        ends = nodes.matches(raw, rf"(?s).*[0-9.]{_GAP}{size}{_GAP}")
        power = nodes.where(ends, nodes.constant(name), power)
    text = nodes.add("StringConcat", text, power)
    return nodes.where(exponent, _replaced(nodes, whole, ",", "."), text)


def _without(nodes: Nodes, text: str, sign: str) -> str:
    """Return text without a sign."""
    first, *others = _pieces(nodes, text, sign)
    for piece in others:
        first = nodes.add("StringConcat", first, piece)
    return first


def _replaced(nodes: Nodes, text: str, sign: str, by: str) -> str:
    """Return text whose first sign, if there is one, is replaced."""
    first, second, *_ = _pieces(nodes, text, sign)
    joined = nodes.add("StringConcat", first, nodes.constant(by))
    return nodes.add("StringConcat", joined, second)


def _pieces(nodes: Nodes, text: str, sign: str) -> list[str]:
    """Return the pieces of text between signs, as many for every text, the last ones empty.

    One more text is split and dropped again, so that there are as many pieces as wanted.
    """
    most = nodes.constant([sign.join("0" * _MOST)])
    longer = nodes.add("Concat", text, most, axis=0)
    split = nodes.add("StringSplit", longer, outputs=2, delimiter=sign)
    start, end, rows = (nodes.constant([n], np.int64) for n in (0, -1, 0))
    ours = nodes.add("Slice", split, start, end, rows)
    return [nodes.column(ours, at) for at in range(_MOST)]


def _level(each: Input, program: Program, nodes: Nodes, cells: Cells) -> None:
    raw, column = each.header, each.column
    spellings = spellings_of(program, each)
    levels = [*spellings]
    place = nodes.constant(OTHER, np.int64)
    for at, words in enumerate(spellings.values()):
        pattern = f"(?i){_words(words)}"
        place = nodes.where(nodes.matches(raw, pattern), nodes.constant(at, np.int64), place)
    missing = nodes.matches(raw, f"(?i){_words(sorted(NULL_WORDS))}")
    place = nodes.where(missing, nodes.constant(MISSING, np.int64), place)
    other = nodes.add("Equal", place, nodes.constant(OTHER, np.int64))
    beyond = nodes.add("Not", nodes.matches(raw, rf"(?s)(?:[\x00-\x7f]|{_BLANK})*"))
    reason = f"{column} has letters beyond ASCII, and its spelling is not one that the model knows"
    cells.reasons.append((nodes.add("And", other, beyond), reason))
    cells.levels[column], cells.places[column], cells.missing[column] = levels, place, missing
