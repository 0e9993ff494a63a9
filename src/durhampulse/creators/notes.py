"""What a study notes of the columns it reads: odd cells, and what became of each column."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from durhampulse.creators.cells import LevelCells, NumberCells, distinct_words
from durhampulse.creators.numbers import parse_number
from durhampulse.creators.roles import Role
from durhampulse.creators.rows import impossible
from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.schema import COLUMNS, GROWTH, IDENTIFIER
from durhampulse.creators.text import as_text, is_number
from durhampulse.irregularities import Irregularity, Ledger

__all__ = ["Notes"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_MONTH = "(jan|feb|m[a\u00e4]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])"
_DAY = rf"(?i)^\s*(\d{{1,2}}[-. ]{_MONTH}|{_MONTH}[-. ]\d{{2}}|\d{{4}}-\d\d-\d\d( 00:00:00)?)\s*$"
_MOST_DAYS = 0.2
"""What a spreadsheet makes of a name such as ``mar12``, and the share of cells that may be so."""


class Notes:
    """Writes what is odd about a table's columns and cells into its ledger.

    Parameters
    ----------
    ledger
        Where it is written.
    rows
        The source's number of each row, shape (n_rows,).
    """

    def __init__(self, ledger: Ledger, rows: npt.NDArray[np.int64]) -> None:
        self._ledger, self._rows = ledger, rows

    def column(self, code: Irregularity, column: str, action: str) -> None:
        """Note something of a column as a whole."""
        self._ledger.note(code, column, 1, action)

    def cells(
        self,
        code: Irregularity,
        column: str,
        mask: Mask,
        action: str,
        cells: pa.Array | None = None,
    ) -> None:
        """Note the cells that a mask picks, the first three as examples where `cells` are given."""
        where = np.flatnonzero(mask)
        first = where[:3]
        shown = [] if cells is None else [cells[at].as_py() for at in first.tolist()]
        rows = self._rows[first].tolist()
        self._ledger.note(code, column, len(where), action, rows=rows, values=shown)

    def role(self, role: Role, rule: ColumnRule | None) -> None:
        """Note what a column that is not standard is used for."""
        if role.role == "carried" and rule is not None:
            action = f"carried along ({rule.carries}), not learned from; --feature COLUMN decides"
            self.column(Irregularity.CARRIED, role.column, action)
            return
        action = f"used as a feature ({role.kind})" if role.role == "feature" else "not used"
        protected = role.role == "protected"
        code = Irregularity.PROTECTED if protected else Irregularity.EXTRA_COLUMN
        self.column(code, role.column, f"{action}: {role.reason}")

    def numbers(self, rule: ColumnRule, numbers: NumberCells, cells: pa.Array) -> None:
        """Note cells of numbers that were not written plainly."""
        for code, mask, action in (
            (Irregularity.NULL_WORD, numbers.null_word, "read as missing"),
            (Irregularity.STRAY_SPACE, numbers.stray_space, "blanks removed"),
            (Irregularity.NUMBER_FORMAT, numbers.formatted, "read as the number it stands for"),
            (Irregularity.PERCENT_SIGN, numbers.percent, "read as a fraction"),
            (Irregularity.COUNTED, numbers.worded, "the word for what is counted taken off"),
            (Irregularity.CURRENCY, numbers.currency, f"{rule.currency} taken off"),
            (Irregularity.LOWER_BOUND, numbers.at_least, "read as the figure itself"),
            (Irregularity.UNREADABLE, numbers.unreadable, "read as missing"),
            (Irregularity.UNREADABLE, numbers.unclear, "no single figure, read as missing"),
        ):
            self.cells(code, rule.column, mask, action, cells)
        if is_number(cells.type):
            return
        text = as_text(cells)
        _, words = distinct_words(text.filter(pc.match_substring(text, ",")))
        if any(parse_number(word.strip(), rule.number_kind).sign == "," for word in words):
            self.column(Irregularity.DECIMAL_COMMA, rule.column, "commas read as decimal signs")

    def figures(self, name: str, values: Floats, cells: pa.Array) -> None:
        """Note figures that are odd for their column, though possible."""
        if COLUMNS[name].kind == "count":
            broken = np.isfinite(values) & (np.floor(values) != values)
            self.cells(Irregularity.FRACTIONAL_COUNT, name, broken, "kept as it is", cells)
        low, high = COLUMNS[name].plausible
        with np.errstate(invalid="ignore"):
            odd = np.isfinite(values) & ((values < low) | (values > high))
            falling = (values < 0) if name == GROWTH else np.zeros(len(values), dtype=bool)
        odd &= ~impossible(name, values)
        self.cells(Irregularity.IMPLAUSIBLE, name, odd, "kept as it is", cells)
        self.cells(Irregularity.NEGATIVE_GROWTH, name, falling & ~odd, "kept as it is", cells)

    def levels(self, name: str, levels: LevelCells, cells: pa.Array) -> None:
        """Note cells of levels that were not written as the column usually writes them."""
        self.cells(Irregularity.NULL_WORD, name, levels.null_word, "read as missing", cells)
        self.cells(Irregularity.STRAY_SPACE, name, levels.stray_space, "blanks removed", cells)
        action = "read as one level, in its usual spelling"
        self.cells(Irregularity.SPELLING, name, levels.respelled, action, cells)

    def identifiers(self, text: pa.Array, canonical: pa.Array, cells: pa.Array) -> None:
        """Note identifiers whose canonical form is not what stands in the cell."""
        trimmed = pc.utf8_trim_whitespace(text)
        empty, other = pc.equal(trimmed, ""), pc.not_equal(trimmed, canonical)
        for code, changed, action in (
            (Irregularity.NULL_WORD, pc.and_not(canonical.is_null(), empty), "read as missing"),
            (Irregularity.STRAY_SPACE, pc.not_equal(text, trimmed), "blanks removed"),
            (
                Irregularity.NUMBER_FORMAT,
                pc.and_(other, pc.match_substring_regex(trimmed, r"\.0+$")),
                "'.0' removed",
            ),
            (
                Irregularity.SPELLING,
                pc.and_(other, pc.starts_with(trimmed, "'")),
                "the apostrophe that an export adds is removed",
            ),
        ):
            there = pc.and_(text.is_valid(), pc.fill_null(changed, False))
            self.cells(code, IDENTIFIER, there.to_numpy(zero_copy_only=False), action, cells)
        days = pc.fill_null(pc.match_substring_regex(text, _DAY), False).to_numpy(
            zero_copy_only=False
        )
        if days.mean() < _MOST_DAYS:
            action = "kept as it is: a spreadsheet may have made a day of it"
            self.cells(Irregularity.SPELLING, IDENTIFIER, days, action, cells)

    def unit(self, name: str, bare: Floats, unit: str, why: str) -> None:
        """Note as what the figures without a percent sign were read, with a typical one."""
        finite = bare[np.isfinite(bare)]
        if not finite.size:
            return
        sensible = finite[~impossible(name, finite)]
        typical = float(np.median(np.abs(sensible))) if sensible.size else np.nan
        typical = typical / 100 if unit == "percent" else typical
        read = "percentages and divided by 100" if unit == "percent" else "fractions"
        action = f"read as {read}, {why}: a typical value is {typical:.2%}"
        self._ledger.note(Irregularity.UNIT, name, finite.size, action)
