"""Raw cells of a table to blocks a trained model understands: its columns, units and spellings.

What was decided on the table a model was trained on holds for every later table. A table that
contradicts it is refused; a cell that may be one number or another refuses its row.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from durhampulse.creators.amounts import same_currency
from durhampulse.creators.block import Block, Levels
from durhampulse.creators.cells import NumberCells, distinct_words
from durhampulse.creators.counted import COUNTED, without_words
from durhampulse.creators.numbers import (
    DecimalSign,
    decimal_evidence,
    mixed_commas,
    parse_number,
)
from durhampulse.creators.rows import (
    impossible,
    lone_codes,
    may_be_odd,
    refuse_codes,
    refuse_large,
)
from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.scales import header_size, refuse_full, scaled, scaled_rule
from durhampulse.creators.schema import COLUMNS, says_percent
from durhampulse.creators.text import NoTextError, as_text, is_number
from durhampulse.creators.units import (
    Unit,
    detect_unit,
    holds_counts,
    mixed_groups,
    refuse_small_unit,
    refuse_thousands,
)
from durhampulse.exceptions import InputError

__all__ = ["BlockCells", "BlockReader", "impossible_rows", "unclear_reason", "way_to_numbers"]

Floats = npt.NDArray[np.float64]

_FEWEST_TO_TELL = 1_000
_CHECKED = 2_048
_FIGURE = re.compile(r"[+-]?\d[\d.,]*(?: ?(?:%|[KMB]\b))?", re.IGNORECASE)


_POINTS = re.compile(
    r"([+-]?\d[\d.,]*) ?(?:%-?)?(?:pp|ppt|pts?|p\.p\.|percentage points?|prozentpunkte?)\.?",
    re.IGNORECASE,
)
"""Percentage points: a difference of two rates, or how some write a rate."""


@dataclass(frozen=True)
class BlockCells:
    """Some rows as read.

    Attributes
    ----------
    block
        The rows.
    unreadable
        By column how many cells are no numbers: they count as missing.
    unclear
        Row, from 0, and reason of rows with a cell that may be one number or another.
    """

    block: Block
    unreadable: dict[str, int] = field(default_factory=dict)
    unclear: dict[int, str] = field(default_factory=dict)


class BlockReader:
    """Reads chunks of one table by the rules of a model's columns.

    Parameters
    ----------
    name
        The table's name, for messages.
    rules
        Column to rule, in the order in which columns are checked.
    units
        Rate column to the unit that a person insists on: its numbers are not questioned. Other
        columns are in the unit that their header says, or else in that of their rule.
    headers
        Column to its header in this table, which may say percent, or thousands of a count.

    Raises
    ------
    InputError
        If a header's word for a size has two meanings, or it says per mille.
    """

    def __init__(
        self,
        name: str,
        rules: Mapping[str, ColumnRule],
        *,
        units: Mapping[str, Unit] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._rules = dict(rules)
        self._asked = dict(units or {})
        self._headers = dict(headers or {})
        self._in_percent: set[str] = set()
        self._sizes: dict[str, int] = {}
        for column, header in self._headers.items():
            self._take_header(column, header)
        self._elsewhere: DecimalSign | None = None
        self._proved: dict[str, DecimalSign | None] = {}

    def _take_header(self, column: str, header: str) -> None:
        """Learn what a header says of its figures, but for what a person has said at training."""
        rule = self._rules.get(column)
        if rule is None or column not in COLUMNS:
            return
        if rule.kind == "rate" and header != rule.header:
            refuse_small_unit(self._where(column), header)
        if rule.kind == "rate" and says_percent(header):
            if not (rule.insisted and header == rule.header):
                self._in_percent.add(column)
        elif rule.kind == "count":
            known = header == rule.header  # as it was read at training
            size = rule.size if known else header_size(self._where(column), header)
            if size != 1:
                self._rules[column], self._sizes[column] = scaled_rule(rule), size

    def _where(self, column: str) -> str:
        return f"{self.name}, column {column}"

    def _unit(self, column: str) -> Unit:
        in_percent = "percent" if column in self._in_percent else self._rules[column].unit
        return self._asked.get(column) or in_percent

    def settle(self, cells: Mapping[str, pa.Array]) -> None:
        """Check a table's first cells, and learn the decimal sign that they prove.

        Raises
        ------
        InputError
            If commas are used in two ways, most cells are no numbers, or a rate is not in the
            unit of the model's table.
        """
        signs: dict[str, set[DecimalSign]] = {}
        columns = {c: rule for c, rule in self._rules.items() if c in cells and rule.numeric}
        for column, rule in columns.items():
            if is_number(cells[column].type):
                continue
            words = self._words(column, cells[column])
            if mixed := mixed_commas(words, rule.number_kind):
                raise self._error(
                    column,
                    f"{mixed[0]!r} has a decimal comma and {mixed[1]!r} thousands commas",
                    "Write the whole column one way.",
                )
            signs[column] = decimal_evidence(words, rule.number_kind)
        proved = set().union(*signs.values())
        self._elsewhere = next(iter(proved)) if len(proved) == 1 else None
        for column, own in signs.items():
            usual = columns[column].decimal
            commas = self._elsewhere == ","
            if usual and (own - {usual} or (commas and usual == ".")):
                # The points of a table that proves decimal commas part thousands.
                self._proved[column] = "," if commas else None
            elif usual is None and own == {","}:
                self._proved[column] = ","
        for column in columns:
            self._read_numbers(column, cells[column], None)

    def read(self, cells: Mapping[str, pa.Array], first_row: int = 1) -> BlockCells:
        """Return some rows as read.

        Parameters
        ----------
        cells
            Column to cells, all of one length.
        first_row
            Number of the first row, for messages.

        Raises
        ------
        InputError
            If a column does not hold what the model needs.
        """
        columns: dict[str, Floats | Levels] = {}
        unreadable: dict[str, int] = {}
        unclear: dict[int, str] = {}
        n_rows = len(next(iter(cells.values()), ()))
        for column, rule in self._rules.items():
            if column not in cells:
                continue
            if not rule.numeric:
                columns[column] = self._read_levels(column, cells[column])
                continue
            numbers = self._read_numbers(column, cells[column], first_row)
            columns[column] = rule.to_fractions(numbers, self._unit(column))
            if count := np.count_nonzero(numbers.unreadable):
                unreadable[column] = int(count)
            for row in np.flatnonzero(numbers.unclear).tolist():
                word = str(as_text(cells[column].slice(row, 1))[0]).strip()
                unclear[row] = _joined(unclear.get(row), unclear_reason(column, word, rule))
        return BlockCells(Block(n_rows, columns), unreadable, unclear)

    def _read_numbers(self, column: str, cells: pa.Array, first_row: int | None) -> NumberCells:
        rule = self._rules[column]
        try:
            if column in self._proved:
                numbers = rule.read_signed(cells, self._proved[column])
            else:
                numbers = rule.read_numbers(cells, self._elsewhere)
        except NoTextError as error:
            raise self._error(column, f"it holds {error}", "Convert it.") from error
        if first_row is None or len(cells) >= _FEWEST_TO_TELL:
            self._require_numbers(column, cells, numbers, first_row)
            self._check_unit(column, numbers, first_row)
            self._refuse_odd(column, numbers, cells)
            if column in self._sizes:
                refuse_full(self._where(column), self._headers[column], numbers)
            elif rule.kind == "count" and rule.decimal != ".":
                refuse_thousands(self._where(column), column, numbers.values)
        size = self._sizes.get(column)
        return scaled(numbers, size) if size else numbers

    def _require_numbers(
        self, column: str, cells: pa.Array, numbers: NumberCells, first_row: int | None
    ) -> None:
        """Refuse a column of something else, from its first cells or further down."""
        filled = len(cells) - cells.null_count - np.count_nonzero(numbers.null_word)
        if np.count_nonzero(numbers.unreadable) > 0.5 * filled:
            example = str(cells[int(np.argmax(numbers.unreadable))].as_py()).strip()[:60]
            raise self._error(
                column,
                f"{_place(first_row)} most cells are no numbers, such as {example!r}",
                f"{way_to_numbers(column, example)}.",
            )

    @staticmethod
    def _some(numbers: NumberCells) -> slice:
        return slice(None, None, max(len(numbers.values) // _CHECKED, 1))

    def _refuse_odd(self, column: str, numbers: NumberCells, cells: pa.Array) -> None:
        """Refuse a table whose first cells, or a later chunk's, often hold no possible figure."""
        if column not in COLUMNS:
            return
        some = self._some(numbers)
        bare = np.where(numbers.percent[some], np.nan, numbers.values[some])
        unit = self._unit(column)
        by = 100 if self._rules[column].kind == "rate" and unit == "percent" else 1
        bare[np.isin(bare / by, self._rules[column].missing_codes(unit))] = np.nan
        full = bare * self._sizes.get(column, 1)
        if not may_be_odd(column, full) and not may_be_odd(column, bare):
            return
        refuse_large(self._where(column), column, full, cells[some])
        refuse_codes(self._where(column), column, bare, cells[some])

    def _check_unit(self, column: str, numbers: NumberCells, first_row: int | None) -> None:
        """Question the unit of a table's first cells, and of every later chunk that can tell."""
        rule = self._rules[column]
        in_percent = column in self._in_percent
        if rule.kind != "rate" or column in self._asked or (rule.insisted and not in_percent):
            return
        some = self._some(numbers)
        bare = numbers.values[some][~numbers.percent[some]]
        bare = bare[~lone_codes(bare)]
        where = f"{_place(first_row)} its numbers"
        if groups := mixed_groups(bare):
            raise self._error(
                column,
                f"{where} fall in two groups, around {groups[0]:.2g} and {groups[1]:.2g}, like "
                "fractions and percentages mixed",
                f"Write the column in one unit, or insist: --unit {column}={rule.unit}.",
            )
        if holds_counts(bare):
            raise self._error(
                column,
                f"{where} exceed 100, so they are neither fractions nor percentages, but counts",
                f"Name another column: --map {column}=HEADER, or insist: --unit {column}=percent.",
            )
        unit, expected = detect_unit(bare, np.empty(0)), self._unit(column)
        if unit is not None and unit != expected and np.isfinite(bare).any():
            noun = {"percent": "percentages", "fraction": "fractions"}
            held = f"the model's table held {noun[rule.unit]}"
            if in_percent:
                held = f"its header '{self._headers[column]}' says percent"
            raise self._error(
                column,
                f"{where} look like {noun[unit]}, but {held}",
                f"Say which: --unit {column}=percent or --unit {column}=fraction.",
            )

    def _read_levels(self, column: str, cells: pa.Array) -> Levels:
        try:
            return self._rules[column].read_levels(cells).levels
        except NoTextError as error:
            raise self._error(column, f"it holds {error}", "Convert it to text.") from error

    def _words(self, column: str, cells: pa.Array) -> list[str]:
        try:
            return [word.strip() for word in distinct_words(cells)[1]]
        except NoTextError as error:
            raise self._error(column, f"it holds {error}", "Convert it to numbers.") from error

    def _error(self, column: str, problem: str, way_out: str) -> InputError:
        return InputError(f"{self._where(column)}: {problem}.", way_out)


def unclear_reason(column: str, word: str, rule: ColumnRule) -> str:
    """Return why a cell that may be one number or another cannot be read, with the way out."""
    figure = without_words(word, rule.words) or word
    parsed, shown = parse_number(figure, rule.number_kind), f"{column} '{word[:40]}'"
    if parsed.ends:
        what = "range" if all(parsed.ends) else "bound"
        return f"{shown} is a {what}: write one number"
    if parsed.counted and parsed.counted != COUNTED.get(column):
        what = COUNTED.get(column, "what the column holds")
        reason = f"{shown} counts {parsed.counted}, not {what}"
        return f"{reason}: write {what}, or name the column that holds them"
    if parsed.currency and rule.currency and not same_currency(parsed.currency, rule.currency):
        return f"{shown} is not in {rule.currency} like its column: write it in {rule.currency}"
    known = [v for v in (parsed.rival, parsed.point, parsed.comma) if not math.isnan(v)]
    large, small = max(known), min(known)
    decimal = "" if small % 1 else f" or {small:.12g}" + (".0" if math.isnan(parsed.rival) else "")
    return f"{shown} may be {large:.12g} or {small:.12g}: write {large:.12g}{decimal}"


def way_to_numbers(column: str, cell: str) -> str:
    """Return what to do about a column most of whose cells are no numbers; no point behind.

    Examples
    --------
    >>> way_to_numbers("Followers", "12K fans")
    'Write figures without words, such as 12K; if another column holds it: --map Followers=HEADER'
    >>> way_to_numbers("Growth_Rate", "2.4 pp").partition(",")[::2]
    ('Write rates with a percent sign', ' such as 2.4%, unless they are differences of two rates; \
if another column holds it: --map Growth_Rate=HEADER')
    """
    other = f"another column holds it: --map {column}=HEADER"
    if points := _POINTS.fullmatch(cell):
        return (
            f"Write rates with a percent sign, such as {points[1]}%, unless they are differences "
            f"of two rates; if {other}"
        )
    if figure := _FIGURE.search(cell):
        return f"Write figures without words, such as {figure[0].strip()}; if {other}"
    return f"If {other}; if letters are garbled, say how the file is written: --encoding NAME"


def impossible_rows(block: Block) -> dict[int, str]:
    """Return row and reason of figures that cannot be true."""
    reasons: dict[int, str] = {}
    for column, values in block.columns.items():
        if column in COLUMNS and not isinstance(values, Levels):
            for row in np.flatnonzero(impossible(column, values)).tolist():
                reason = f"{column} cannot be {values[row]:g}"
                reasons[row] = _joined(reasons.get(row), reason)
    return reasons


def _joined(reason: str | None, another: str) -> str:
    return f"{reason}; {another}" if reason else another


def _place(first_row: int | None) -> str:
    return "from its first row on" if first_row is None else f"from row {first_row:,} on"
