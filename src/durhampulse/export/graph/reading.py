"""Cells to numbers and levels in a graph: text in, as far as regular expressions (RE2) can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from durhampulse.creators.schema import COLUMNS
from durhampulse.creators.words import NULL_WORDS, folded
from durhampulse.export.forms import Form
from durhampulse.export.graph.nodes import Nodes
from durhampulse.export.graph.numbers import Numbers, read_numbers
from durhampulse.export.graph.patterns import BLANK, words_pattern
from durhampulse.export.levels import look_alikes, spellings_of
from durhampulse.export.program import Input, Program
from durhampulse.export.spellings import ranges

__all__ = ["MISSING", "OTHER", "Cells", "read_cells"]

OTHER, MISSING = -1, -2
"""Places of levels that are not known, and of empty cells."""


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
    numbers = [each for each in program.inputs if each.rule.numeric]
    read = dict(zip([each.column for each in numbers], read_numbers(numbers, nodes), strict=True))
    for each in program.inputs:
        if each.rule.numeric:
            beyond += _number(each, read[each.column], nodes, cells)
        else:
            _level(each, program, nodes, cells)
    cells.reasons.extend(beyond)
    return cells


def _number(each: Input, read: Numbers, nodes: Nodes, cells: Cells) -> list[tuple[str, str]]:
    """Append when a number refuses its row, and return the reasons why it cannot be true."""
    column = each.column
    known = nodes.equals(read.form, Form.POINT, Form.COMMA, Form.EXPONENT)
    values = read.values
    if codes := each.rule.missing_codes():
        coded = nodes.either(*(nodes.add("Equal", values, nodes.number(code)) for code in codes))
        known = nodes.every(known, nodes.negated(coded))
        values = nodes.where(coded, nodes.number(0), values)
    cells.numbers[column], cells.missing[column] = values, nodes.negated(known)
    unclear, unread = (nodes.equals(read.form, form) for form in (Form.UNCLEAR, Form.UNREAD))
    cells.reasons.append((unclear, f"{column} may be one number or another"))
    cells.reasons.append((unread, f"{column} is not read by this graph"))
    ends = [("Less", each.low), ("Greater", each.high)] if column in COLUMNS else []
    outside = [nodes.add(sign, values, nodes.number(e)) for sign, e in ends if np.isfinite(e)]
    return [(nodes.every(known, o), f"{column} cannot be what it is") for o in outside]


def _level(each: Input, program: Program, nodes: Nodes, cells: Cells) -> None:
    raw, column = each.header, each.column
    spellings = spellings_of(program, each)
    levels = [*spellings]
    place = nodes.whole(OTHER)
    for at, words in enumerate(spellings.values()):
        pattern = f"(?i){_around(words)}"
        place = nodes.where(nodes.matches(raw, pattern), nodes.whole(at), place)
    missing = nodes.matches(raw, f"(?i){_around(sorted(NULL_WORDS))}")
    place = nodes.where(missing, nodes.whole(MISSING), place)
    other = nodes.equals(place, OTHER)
    letters = look_alikes(folded(word) for words in spellings.values() for word in words)
    plain = nodes.matches(raw, rf"(?s)(?:[\x00-\x7f]|{BLANK})*")
    alike = nodes.matches(raw, rf"(?s)(?:[\x00-\x7f{ranges(letters)}]|{BLANK})*")
    beyond = nodes.every(alike, nodes.negated(plain))
    reason = f"{column} has letters beyond ASCII, and its spelling is not one that the model knows"
    cells.reasons.append((nodes.every(other, beyond), reason))
    cells.levels[column], cells.places[column], cells.missing[column] = levels, place, missing


def _around(words: Sequence[str]) -> str:
    """Return the pattern of one of some words with any blanks around it."""
    return rf"{BLANK}*(?:{words_pattern(words)}){BLANK}*"
