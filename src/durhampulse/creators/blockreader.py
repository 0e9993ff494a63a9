"""Raw cells to blocks a trained model understands: its columns, its units, its spellings.

What was decided on the table a model was trained on holds for every later table. A table that
contradicts it is refused, never reread in another way halfway through.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from durhampulse.creators.block import Block, Levels
from durhampulse.creators.cells import (
    NULL_WORDS,
    NumberCells,
    NumberKind,
    NumberStyle,
    folded,
    learn_style,
    read_numbers,
)
from durhampulse.creators.rows import impossible
from durhampulse.creators.schema import COLUMNS, QUALITY, QUALITY_LEVELS
from durhampulse.creators.units import Unit, detect_unit, mixed_groups
from durhampulse.exceptions import InputError

__all__ = ["BlockReader", "impossible_rows"]

Floats = npt.NDArray[np.float64]

_FEWEST_TO_TELL = 1_000
_CHECKED = 2_048


@dataclass(frozen=True)
class _Numbers:
    """A column's numbers, which cells had a percent sign, and how many could not be read."""

    values: Floats
    percent: npt.NDArray[np.bool_]
    unreadable: int = 0


class BlockReader:
    """Reads chunks of one table for one model.

    Parameters
    ----------
    name
        The table's name, for messages.
    numeric
        Columns that hold numbers.
    levels
        Other columns with their known levels, spelled as in training.
    units
        Rate column to the unit it is written in; columns not named hold fractions.
    asked
        Those of the units that a person has insisted on: their numbers are not questioned.
    """

    def __init__(
        self,
        name: str,
        *,
        numeric: Iterable[str],
        levels: Mapping[str, Iterable[str]],
        units: Mapping[str, Unit],
        asked: Iterable[str] = (),
    ) -> None:
        self.name = name
        self._numeric = set(numeric)
        self._spelling = {
            column: {folded(level): level for level in reversed([*known])}
            for column, known in levels.items()
        }
        self._units = dict(units)
        self._asked = set(asked)
        self._styles: dict[str, NumberStyle] = {}

    def settle(self, cells: Mapping[str, pa.Array]) -> None:
        """Learn from the first cells how the table writes its numbers.

        Raises
        ------
        InputError
            If commas are used in two ways, or a rate is not in the unit of the model's table.
        """
        for column in self._numeric.intersection(cells):
            if _is_text(cells[column].type):
                words = _distinct(cells[column])
                style, mixed = learn_style(words, _kind(column))
                if mixed:
                    raise self._error(
                        column,
                        f"{mixed[0]!r} has a decimal comma and {mixed[1]!r} thousands commas",
                        "Write the whole column one way.",
                    )
                self._styles[column] = style
                self._require_numbers(column, words, style)
            self._read_numbers(column, cells[column], None)

    def read(
        self, cells: Mapping[str, pa.Array], first_row: int = 1
    ) -> tuple[Block, dict[str, int]]:
        """Read some rows.

        Parameters
        ----------
        cells
            Column to cells, all of one length.
        first_row
            Number of the first row, for messages.

        Returns
        -------
        block, unreadable
            The rows, and by column how many cells are no numbers: they count as missing.

        Raises
        ------
        InputError
            If a column does not hold what the model needs.
        """
        columns: dict[str, Floats | Levels] = {}
        unreadable: dict[str, int] = {}
        n_rows = 0
        for column, array in cells.items():
            n_rows = len(array)
            if column in self._numeric:
                numbers = self._read_numbers(column, array, first_row)
                columns[column] = numbers.values
                if numbers.unreadable:
                    unreadable[column] = numbers.unreadable
            elif column in self._spelling:
                columns[column] = self._read_levels(column, array)
        return Block(n_rows, columns), unreadable

    def _read_numbers(self, column: str, array: pa.Array, first_row: int | None) -> _Numbers:
        kind = array.type
        if pa.types.is_dictionary(kind):
            array, kind = array.cast(kind.value_type), kind.value_type
        if _is_text(kind):
            numbers = self._parse(column, array, first_row)
        elif pa.types.is_null(kind) or (_is_number(kind)):
            values = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
            numbers = _Numbers(values, np.zeros(len(values), dtype=bool))
        else:
            raise self._error(column, f"it holds {kind} where numbers are needed", "Convert it.")
        if column in COLUMNS and COLUMNS[column].kind == "rate":
            self._check_unit(column, numbers, first_row)
            if self._units.get(column) == "percent":
                values = np.where(numbers.percent, numbers.values, numbers.values / 100)
                return replace(numbers, values=values)
        return numbers

    def _parse(self, column: str, array: pa.Array, first_row: int | None) -> _Numbers:
        """Read text; cells of digits and points at once, the others one distinct cell at a time."""
        array = array.cast(pa.string())
        odd = _odd_cells(array, plain=b"0123456789" if _kind(column) == "count" else _PLAIN)
        percent = np.zeros(len(array), dtype=bool)
        try:
            values = pc.if_else(pa.array(~odd), array, None).cast(pa.float64())
        except pa.ArrowInvalid:
            odd[:] = True
            values = pa.nulls(len(array), pa.float64())
        found = values.to_numpy(zero_copy_only=False).copy()
        if odd.any():
            cells = pd.Series(array.filter(pa.array(odd)).to_pandas(), dtype="str")
            style = self._styles.get(column, NumberStyle())
            read = read_numbers(cells, _kind(column), style)
            found[odd], percent[odd] = read.values, read.percent
            self._check_style(column, cells, style)
            self._check_readable(column, cells, read, len(array) - array.null_count, first_row)
            return _Numbers(found, percent, int(read.unreadable.sum()))
        return _Numbers(found, percent)

    def _check_readable(
        self, column: str, cells: pd.Series, read: NumberCells, filled: int, first_row: int | None
    ) -> None:
        """Refuse a column that turns into something else further down."""
        filled -= int(read.null_word.sum())
        if filled >= _FEWEST_TO_TELL and read.unreadable.sum() > 0.5 * filled:
            example = str(cells[read.unreadable].iloc[0])
            raise self._error(
                column,
                f"{_place(first_row)} most cells are no numbers, such as {example[:60]!r}",
                "Write the whole column as numbers.",
            )

    def _check_style(self, column: str, cells: pd.Series, style: NumberStyle) -> None:
        words = [str(word).strip() for word in cells.dropna().unique()]
        found, mixed = learn_style(words, _kind(column))
        if (
            mixed
            or (found.decimal_comma and not style.decimal_comma)
            or (found.thousands_dots != style.thousands_dots and found.thousands_dots)
        ):
            example = next((word for word in words if "," in word or "." in word), "")
            raise self._error(
                column,
                f"{example!r} and others are not written as the column's first cells are",
                "Write the whole column one way.",
            )

    def _require_numbers(self, column: str, words: list[str], style: NumberStyle) -> None:
        filled = [word for word in words if word.casefold() not in NULL_WORDS]
        read = read_numbers(pd.Series(filled, dtype="str"), _kind(column), style)
        if filled and read.unreadable.mean() > 0.5:
            example = filled[int(np.argmax(read.unreadable))]
            raise self._error(
                column,
                f"{example[:60]!r} is not a number, nor are most of its first cells",
                f"If another column holds it, say so: --map {column}=HEADER.",
            )

    def _check_unit(self, column: str, numbers: _Numbers, first_row: int | None) -> None:
        """Question the unit of a table's first cells, and of every later chunk that can tell."""
        late = first_row is not None and len(numbers.values) < _FEWEST_TO_TELL
        if column in self._asked or late:
            return
        some = slice(None, None, max(len(numbers.values) // _CHECKED, 1))
        bare = numbers.values[some][~numbers.percent[some]]
        unit = self._units.get(column, "fraction")
        where = f"{_place(first_row)} its numbers"
        if groups := mixed_groups(bare):
            raise self._error(
                column,
                f"{where} fall in two groups, around {groups[0]:.2g} and {groups[1]:.2g}, like "
                "fractions and percentages mixed",
                f"Write the column in one unit, or insist: --unit {column}={unit}.",
            )
        found = detect_unit(bare, np.empty(0))
        if found is not None and found != unit and np.isfinite(bare).any():
            noun = {"percent": "percentages", "fraction": "fractions"}
            raise self._error(
                column,
                f"{where} look like {noun[found]}, but the model's table held {noun[unit]}",
                f"Say which: --unit {column}=percent or --unit {column}=fraction.",
            )

    def _read_levels(self, column: str, array: pa.Array) -> Levels:
        if not pa.types.is_dictionary(array.type):
            array = self.text(column, array).dictionary_encode()
        codes = pc.fill_null(array.indices.cast(pa.int64()), -1).to_numpy().astype(np.intp)
        names = [self._spelled(column, str(word)) for word in array.dictionary.to_pylist()]
        return Levels(codes, tuple(names)).without("")

    def text(self, column: str, array: pa.Array) -> pa.Array:
        """Give a column's cells as text.

        Raises
        ------
        InputError
            If they are of a type that has none, such as lists or bytes.
        """
        if pa.types.is_floating(array.type):
            with contextlib.suppress(pa.ArrowInvalid):
                array = array.cast(pa.int64())  # whole numbers are written without a point
        try:
            return array.cast(pa.string())
        except pa.ArrowException as error:
            raise self._error(column, f"it holds {array.type}, not text", "Convert it.") from error

    def _spelled(self, column: str, word: str) -> str:
        """Give a level as training spelled it; empty for words that stand for nothing."""
        word = word.strip()
        if word.casefold() in NULL_WORDS:
            return ""
        key = folded(word)
        known = QUALITY_LEVELS.get(key) if column == QUALITY else None
        return known or self._spelling[column].get(key, word)

    def _error(self, column: str, problem: str, way_out: str) -> InputError:
        return InputError(f"{self.name}, column {column}: {problem}.", way_out)


def impossible_rows(block: Block) -> dict[int, str]:
    """Give row and reason of figures that cannot be true."""
    reasons: dict[int, str] = {}
    for column, values in block.columns.items():
        if column in COLUMNS and not isinstance(values, Levels):
            for row in np.flatnonzero(impossible(column, values)).tolist():
                said = f"{column} cannot be {values[row]:g}"
                reasons[row] = f"{reasons[row]}; {said}" if row in reasons else said
    return reasons


_PLAIN = b"0123456789."


def _odd_cells(array: pa.Array, plain: bytes) -> npt.NDArray[np.bool_]:
    """Find the cells that hold anything but some plain characters, by their bytes."""
    n = len(array)
    odd = np.zeros(n, dtype=bool)
    _, offsets, data = array.buffers()
    if data is None or n == 0:
        return odd
    ends = np.frombuffer(offsets, np.int32)[array.offset : array.offset + n + 1]
    unusual = np.ones(256, dtype=bool)
    unusual[list(plain)] = False
    where = np.flatnonzero(unusual[np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]]) + ends[0]
    odd[np.searchsorted(ends, where, side="right") - 1] = True
    return odd


def _place(first_row: int | None) -> str:
    return "from its first row on" if first_row is None else f"from row {first_row:,} on"


def _distinct(array: pa.Array) -> list[str]:
    words = array.cast(pa.string()).unique().drop_null().to_pylist()
    return list(dict.fromkeys(word.strip() for word in words))


def _kind(column: str) -> NumberKind:
    kind = COLUMNS[column].kind if column in COLUMNS else "any"
    return "count" if kind == "count" else "rate" if kind == "rate" else "any"


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    views = pa.types.is_string_view(kind)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or views)


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )
