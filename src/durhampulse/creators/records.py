"""Creators as JSON objects to a block, a column at a time and without a data frame."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from durhampulse.creators.block import Block, Levels
from durhampulse.creators.blockreader import unclear_reason
from durhampulse.creators.identifiers import canonical_identifier, is_rounded
from durhampulse.creators.numbers import DecimalSign, decimal_evidence
from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.schema import (
    COLUMNS,
    IDENTIFIER,
    LABEL,
    canonical_name,
    says_percent,
)
from durhampulse.creators.text import NoTextError, as_text, plain_text

__all__ = ["RecordReader"]

Floats = npt.NDArray[np.float64]


class RecordReader:
    """Reads records by the rules of a model's columns.

    Rates are fractions (0.056), or text with a percent sign ("5.6%").

    Parameters
    ----------
    rules
        Column to rule.
    """

    def __init__(self, rules: Mapping[str, ColumnRule]) -> None:
        self._rules = dict(rules)
        self._names = {name: name for name in (*rules, IDENTIFIER, *COLUMNS)}

    def read(self, records: Sequence[Mapping[str, Any]]) -> tuple[Block, dict[int, str]]:
        """Return records as rows.

        Returns
        -------
        block, errors
            One row a record, and row and reason of those that cannot be read; what could not be
            read of them is missing.
        """
        errors: dict[int, str] = {}
        values: dict[str, list[Any]] = {name: [None] * len(records) for name in self._rules}
        for row, record in enumerate(records):
            try:
                for name, value in self._named(record).items():
                    if name in values:
                        values[name][row] = value
            except ValueError as error:
                errors[row] = str(error)
        columns: dict[str, Floats | Levels] = {}
        for name, rule in self._rules.items():
            read = self._read_numbers if rule.numeric else self._read_levels
            columns[name] = read(rule, values, errors)
        return Block(len(records), columns), errors

    def absent(
        self, records: Sequence[Mapping[str, Any]], columns: Iterable[str]
    ) -> dict[int, list[str]]:
        """Return by row which of some columns a record does not name at all."""
        wanted = [*columns]
        gone: dict[int, list[str]] = {}
        for row, record in enumerate(records):
            named = {self._name(key) for key in record}
            if missing := [column for column in wanted if column not in named]:
                gone[row] = missing
        return gone

    def identifiers(self, records: Sequence[Mapping[str, Any]]) -> pa.Array:
        """Return the records' identifiers in their canonical form, null where there is none."""
        return pa.array([self._identifier(record) for record in records], pa.string())

    def _identifier(self, record: Mapping[str, Any]) -> str | None:
        value = next((v for k, v in record.items() if self._name(k) == IDENTIFIER), None)
        try:
            name = canonical_identifier(value)
        except (NoTextError, pa.ArrowException):
            name = str(value)
        return None if name is None else plain_text(name)

    def _name(self, key: str) -> str | None:
        return self._names.get(key) or canonical_name(key)

    def _named(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return values by the names of the model's columns."""
        values: dict[str, Any] = {}
        for key, value in record.items():
            name = self._name(key)
            if name is None:
                raise ValueError(f"there is no column {key[:60]!r}; known are {self._known()}")
            if name in values:
                raise ValueError(f"{name} is given twice")
            alias = key not in self._names
            if alias and says_percent(key) and not str(value or "%").rstrip().endswith("%"):
                raise ValueError(
                    f"{key[:60]!r} says percent: give {name} as a fraction such as 0.056, or text "
                    "such as '5.6%'"
                )
            if name == IDENTIFIER and is_rounded(value):
                raise ValueError(
                    f"{name} {value!r} is a long number as a spreadsheet rounds it: give it in full"
                )
            values[name] = value
        return values

    def _known(self) -> str:
        return ", ".join(name for name in self._names if name != LABEL)

    def _read_numbers(
        self, rule: ColumnRule, values: Mapping[str, list[Any]], errors: dict[int, str]
    ) -> Floats:
        numbers = np.full(len(values[rule.column]), np.nan)
        codes, texts = rule.missing_codes("fraction"), dict[int, str]()
        for row, value in enumerate(values[rule.column]):
            if isinstance(value, str):
                texts[row] = plain_text(value)
            elif value is not None and value not in codes:
                try:
                    numbers[row] = _number(rule, value)
                except ValueError as error:
                    errors.setdefault(row, str(error))
        if texts:
            self._read_texts(rule, texts, values, numbers, errors)
        return numbers

    def _read_texts(
        self,
        rule: ColumnRule,
        texts: Mapping[int, str],
        values: Mapping[str, list[Any]],
        numbers: Floats,
        errors: dict[int, str],
    ) -> None:
        """Read the numbers written as text; an ambiguous one by its record's other cells."""
        rows = [*texts]
        cells = rule.read_number_words([*texts.values()])
        numbers[rows] = cells.values
        for at in np.flatnonzero(cells.unclear).tolist():
            record = {name: column[rows[at]] for name, column in values.items()}
            again = rule.read_number_words([texts[rows[at]]], self._decimal(record))
            numbers[rows[at]] = again.values[0]
        numbers[np.isin(numbers, rule.missing_codes("fraction"))] = np.nan
        for at, row in enumerate(rows):
            word = texts[row].strip()
            if cells.unreadable[at]:
                errors.setdefault(row, f"{rule.column} must be a number, but is {_shown(word)}")
            elif cells.unclear[at] and np.isnan(numbers[row]):
                errors.setdefault(row, unclear_reason(rule.column, word, rule))
            elif not np.isnan(numbers[row]):
                try:
                    _checked(rule, float(numbers[row]), bare=not cells.percent[at])
                except ValueError as error:
                    errors.setdefault(row, str(error))

    def _decimal(self, record: Mapping[str, Any]) -> DecimalSign | None:
        """Return the decimal sign that a record's text proves."""
        signs: set[DecimalSign] = set()
        for name, rule in self._rules.items():
            if rule.numeric and isinstance(record[name], str):
                signs |= decimal_evidence([record[name].strip()], rule.number_kind)
        return signs.pop() if len(signs) == 1 else None

    def _read_levels(
        self, rule: ColumnRule, values: Mapping[str, list[Any]], errors: dict[int, str]
    ) -> Levels:
        words: list[str | None] = []
        for row, value in enumerate(values[rule.column]):
            try:
                words.append(_text(rule, value))
            except ValueError as error:
                errors.setdefault(row, str(error))
                words.append(None)
        return rule.read_level_words(words)


def _text(rule: ColumnRule, value: object) -> str | None:
    """Return a level as the study writes it: ``true`` as ``True``, ``7.0`` as ``7``."""
    if value is None or isinstance(value, str):
        return None if value is None else plain_text(value)
    if isinstance(value, bool | int | float) and not (
        isinstance(value, float) and not math.isfinite(value)
    ):
        return str(value) if isinstance(value, int) else str(as_text(pa.array([value]))[0])
    raise ValueError(f"{rule.column} must be text, but is {_shown(value)}")


def _number(rule: ColumnRule, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{rule.column} must be a number, but is {_shown(value)}")  # noqa: TRY004
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    return _checked(rule, number, bare=True)


def _checked(rule: ColumnRule, number: float, *, bare: bool) -> float:
    """Return a number that can be scored; a rate above 1 without a sign is a percentage."""
    if not math.isfinite(number):
        raise ValueError(f"{rule.column} must be a finite number")
    if rule.kind == "rate" and bare and abs(number) > 1:
        raise ValueError(
            f"{rule.column} must be a fraction such as 0.056, or text such as '5.6%', "
            f"but is {number:g}"
        )
    return number


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
