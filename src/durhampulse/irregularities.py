"""The ledger of irregularities: what was odd in a table, and what was done about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from durhampulse.deferred import pd

__all__ = ["EXPLANATIONS", "Irregularity", "Ledger"]


class Irregularity(StrEnum):
    """Stable codes; a reader of the ledger may rely on them."""

    ENCODING = "encoding"
    OTHER_FILES = "other-files"
    OTHER_SHEETS = "other-sheets"
    FORMULA = "formula-without-result"
    BLANK_ROW = "blank-row"
    TITLE_ROW = "title-row"
    TWO_HEADER_ROWS = "two-header-rows"
    UNITS_ROW = "units-row"
    REPEATED_HEADER = "repeated-header"
    TOTAL_ROW = "total-row"
    SECOND_TABLE = "second-table"
    FOOTER = "footer"
    DESCRIBED = "described-headers"
    NESTED = "nested"
    DUPLICATE_HEADER = "duplicate-header"
    RENAMED_COLUMN = "renamed-column"
    NOT_CLAIMED = "not-claimed"
    MISSING_COLUMN = "missing-column"
    EMPTY_COLUMN = "empty-column"
    EXTRA_COLUMN = "extra-column"
    MISSING = "missing"
    NULL_WORD = "null-word"
    STRAY_SPACE = "stray-space"
    SPELLING = "spelling"
    UNKNOWN_LEVEL = "unknown-level"
    NUMBER_FORMAT = "number-format"
    DECIMAL_COMMA = "decimal-comma"
    CURRENCY = "currency"
    LOWER_BOUND = "lower-bound"
    PERCENT_SIGN = "percent-sign"
    COUNTED = "counted"
    UNREADABLE = "unreadable"
    UNIT = "unit"
    FRACTIONAL_COUNT = "fractional-count"
    NEGATIVE_GROWTH = "negative-growth"
    IMPLAUSIBLE = "implausible"
    VIEWS_ABOVE_FOLLOWERS = "views-above-followers"
    IMPOSSIBLE = "impossible"
    INFINITY = "infinity"
    MISSING_ID = "missing-id"
    DUPLICATE_ROW = "duplicate-row"
    CONFLICTING_ID = "conflicting-id"
    JOINED = "joined"
    LABEL_WORD = "label-word"
    UNLABELLED = "unlabelled"
    PROTECTED = "protected"
    LEFT_OUT = "left-out"
    PROPOSED_ID = "proposed-id"
    CARRIED = "carried-column"
    CONSIDERED = "considered"


EXPLANATIONS: dict[Irregularity, str] = {
    Irregularity.ENCODING: "the file is not UTF-8 text",
    Irregularity.OTHER_FILES: "the archive holds further files, which are no tables",
    Irregularity.OTHER_SHEETS: "the workbook has further sheets with something in them",
    Irregularity.FORMULA: "a program wrote the formula, and no spreadsheet has calculated it yet",
    Irregularity.BLANK_ROW: "rows without a single value, as spreadsheets leave at their end",
    Irregularity.TITLE_ROW: "lines above the headers that are not part of the table",
    Irregularity.TWO_HEADER_ROWS: "merged cells, or headers that stand in two rows",
    Irregularity.UNITS_ROW: "a row under the headers that holds units, not a creator",
    Irregularity.REPEATED_HEADER: "the headers stand again among the rows, as at a new page",
    Irregularity.TOTAL_ROW: "a row that sums up others is no creator",
    Irregularity.SECOND_TABLE: "other headers follow after a blank row: another table begins",
    Irregularity.FOOTER: "a source, a note, a greeting or a signature below the table",
    Irregularity.DESCRIBED: "rows under the headers that describe them, or draw a line",
    Irregularity.NESTED: "the value is a list or an object within an object",
    Irregularity.DUPLICATE_HEADER: "two columns carry the same header",
    Irregularity.RENAMED_COLUMN: "the header is another name of a standard column",
    Irregularity.NOT_CLAIMED: "the header may mean a standard column, its figures do not",
    Irregularity.MISSING_COLUMN: "a standard column is not in the table",
    Irregularity.EMPTY_COLUMN: "the column has a header but no value",
    Irregularity.EXTRA_COLUMN: "the column is not one of the standard eight",
    Irregularity.MISSING: "the cell is empty: the figure was not collected or not passed on",
    Irregularity.NULL_WORD: "a word or spreadsheet error stands where a value should be",
    Irregularity.STRAY_SPACE: "blanks before or after the value, a trace of typing by hand",
    Irregularity.SPELLING: "one level is written in several ways, usually in upper and lower case",
    Irregularity.UNKNOWN_LEVEL: "the level is none of SD, HD and 4K, so it has no rank",
    Irregularity.NUMBER_FORMAT: (
        "a number written for people: thousands separators, K, M, B or a word for its size"
    ),
    Irregularity.DECIMAL_COMMA: "the comma is the decimal sign in this column",
    Irregularity.CURRENCY: "an amount with the sign or code of its currency",
    Irregularity.LOWER_BOUND: "a plus behind the figure: it is that or more",
    Irregularity.PERCENT_SIGN: "the rate carries a sign or word of its unit, which is certain then",
    Irregularity.COUNTED: "a word beside the figure says what it counts",
    Irregularity.UNREADABLE: "the cell is not a number in any known format",
    Irregularity.UNIT: "figures without a sign may be fractions or percentages, or in thousands",
    Irregularity.FRACTIONAL_COUNT: "a count should be whole; these are averages or estimates",
    Irregularity.NEGATIVE_GROWTH: "the creator lost followers over the month, which happens",
    Irregularity.IMPLAUSIBLE: "the value lies outside what is usual; it may be true or a slip",
    Irregularity.VIEWS_ABOVE_FOLLOWERS: (
        "a post is seen by more than 100 times the followers: a viral hit, bought views or a slip"
    ),
    Irregularity.IMPOSSIBLE: "the value cannot be true, so nothing about the row can be judged",
    Irregularity.INFINITY: "infinity is not a figure; a ratio divided by zero",
    Irregularity.MISSING_ID: "the creator has no identifier",
    Irregularity.DUPLICATE_ROW: "the same creator with the same values in every column",
    Irregularity.CONFLICTING_ID: "the same creator stands in several rows that differ",
    Irregularity.JOINED: "outcomes stand in a file of their own",
    Irregularity.LABEL_WORD: "the outcome is written as a word instead of 0 or 1",
    Irregularity.UNLABELLED: "the outcome is not known yet",
    Irregularity.PROTECTED: "the column looks like an attribute the law protects",
    Irregularity.LEFT_OUT: "the column cannot be learned from in this study",
    Irregularity.PROPOSED_ID: "no header says that it is the identifier, and this one may be",
    Irregularity.CARRIED: "the column says who a creator is or how to reach them",
    Irregularity.CONSIDERED: "where nobody looked, 'no deal' says nothing about the creator",
}

_EXAMPLES = 3


@dataclass
class Ledger:
    """Collects irregularities while a table is read.

    Attributes
    ----------
    entries
        What :meth:`note` was told, as plain data in the order of its discovery.
    """

    entries: list[dict[str, object]] = field(default_factory=list)

    def note(
        self,
        code: Irregularity,
        column: str,
        count: int,
        action: str,
        *,
        rows: Sequence[int] = (),
        values: Sequence[object] = (),
    ) -> None:
        """Add one irregularity; nothing is added when `count` is 0.

        Parameters
        ----------
        code
            What was odd.
        column
            Where; empty for the table as a whole.
        count
            Number of cells, rows or columns concerned.
        action
            What was done about it, or that nothing was.
        rows, values
            Row numbers and the values found there; the first few are kept as examples.
        """
        if count == 0:
            return
        self.entries.append(
            {
                "code": code.value,
                "column": column,
                "count": int(count),
                "rows": ", ".join(str(row) for row in rows[:_EXAMPLES]),
                "examples": ", ".join(_shown(value) for value in values[:_EXAMPLES]),
                "explanation": EXPLANATIONS[code],
                "action": action,
            }
        )

    def extend(self, other: Ledger) -> None:
        """Add all entries of another ledger."""
        self.entries += other.entries

    def frame(self) -> pd.DataFrame:
        """Return the ledger as a table, one irregularity a row, in the order of their discovery."""
        columns = ["code", "column", "count", "rows", "examples", "explanation", "action"]
        return pd.DataFrame(self.entries, columns=columns)


def _shown(value: object) -> str:
    whole = isinstance(value, float) and value.is_integer()
    text = f"{value:.0f}" if whole else repr(value) if isinstance(value, str) else f"{value}"
    return text if len(text) <= 40 else text[:37] + "..."
