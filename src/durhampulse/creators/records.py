"""Creators as JSON objects to a block, one by one and without a data frame."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.block import Block, Levels
from durhampulse.creators.cells import NULL_WORDS, NumberKind, folded, read_numbers
from durhampulse.creators.schema import (
    COLUMNS,
    IDENTIFIER,
    LABEL,
    QUALITY,
    QUALITY_LEVELS,
    canonical_name,
)

__all__ = ["RecordReader", "plain_text"]


class RecordReader:
    """Reads records for one model.

    Rates are fractions (0.056), or text with a percent sign ("5.6%").

    Parameters
    ----------
    numeric
        Columns that hold numbers.
    levels
        Other columns with their known levels, spelled as in training.
    """

    def __init__(self, *, numeric: Iterable[str], levels: Mapping[str, Iterable[str]]) -> None:
        self._levels = {
            column: {folded(level): level for level in known} for column, known in levels.items()
        }
        self._levels.get(QUALITY, {}).update(QUALITY_LEVELS)
        self._numeric = list(numeric)
        names = (*self._numeric, *self._levels, IDENTIFIER, *COLUMNS)
        self._names = {name: name for name in names}

    def read(self, records: Sequence[Mapping[str, Any]]) -> tuple[Block, dict[int, str]]:
        """Read records.

        Returns
        -------
        block, errors
            One row a record, and row and reason of those that cannot be read; their rows are
            empty.
        """
        numbers = {name: np.full(len(records), np.nan) for name in self._numeric}
        words: dict[str, list[str | None]] = {name: [None] * len(records) for name in self._levels}
        errors: dict[int, str] = {}
        for row, record in enumerate(records):
            try:
                for name, value in self._named(record).items():
                    if value is None:
                        continue
                    if name in numbers:
                        numbers[name][row] = _number(name, value)
                    elif name in words:
                        words[name][row] = self._level(name, value)
            except ValueError as error:
                errors[row] = str(error)
        columns: dict[str, npt.NDArray[np.float64] | Levels] = dict(numbers)
        for name, found in words.items():
            names = list(dict.fromkeys(word for word in found if word is not None))
            place: dict[str | None, int] = {word: i for i, word in enumerate(names)}
            place[None] = -1
            columns[name] = Levels(np.array([place[word] for word in found]), tuple(names))
        return Block(len(records), columns), errors

    def _named(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Give values by the names of the model's columns."""
        found: dict[str, Any] = {}
        for key, value in record.items():
            name = self._names.get(key) or canonical_name(key)
            if name is None:
                raise ValueError(f"there is no column {key[:60]!r}; known are {self._known()}")
            if name in found:
                raise ValueError(f"{name} is given twice")
            found[name] = value
        return found

    def _known(self) -> str:
        return ", ".join(name for name in self._names if name != LABEL)

    def _level(self, name: str, value: object) -> str | None:
        if not isinstance(value, str):
            raise ValueError(f"{name} must be text, but is {_shown(value)}")  # noqa: TRY004
        word = plain_text(value.strip())
        if word.casefold() in NULL_WORDS:
            return None
        return self._levels[name].get(folded(word), word)


def plain_text(text: str) -> str:
    """Give text without halves of characters, which JSON can hold and Arrow cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _number(name: str, value: object) -> float:
    if isinstance(value, str):
        kinds: dict[str, NumberKind] = {"count": "count", "rate": "rate"}
        kind = kinds.get(COLUMNS[name].kind, "any") if name in COLUMNS else "any"
        cell = read_numbers(pd.Series([value], dtype="str"), kind)
        if cell.unreadable[0]:
            raise ValueError(f"{name} must be a number, but is {_shown(value)}")
        return float(cell.values[0])
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a number, but is {_shown(value)}")  # noqa: TRY004
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number")
    return number


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
