"""A creators' table in memory, row by row: nothing dropped, nothing refused.

What a column is, its kind, decimal sign, unit and levels, is learned from the table that was
trained on, and applied unchanged to every later one. A cell that cannot be read, or cannot be
true, counts as missing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from durhampulse.creators.cells import NumberCells, read_levels
from durhampulse.creators.identifiers import canonical_identifiers
from durhampulse.creators.roles import Role, read_extra, role_of_standard
from durhampulse.creators.rows import impossible
from durhampulse.creators.rules import (
    ColumnRule,
    learn_level_rule,
    learn_number_rule,
    level_series,
    standard_kind,
)
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, QUALITY_LEVELS
from durhampulse.creators.text import whole_array
from durhampulse.creators.units import detect_unit, holds_counts, mixed_groups
from durhampulse.exceptions import InputError

__all__ = ["FrameReader"]


class FrameReader:
    """Reads tables of the same columns in the same way.

    Parameters
    ----------
    table
        The table to learn from; standard columns by their names.
    named
        Whether the columns' names mean something: then identifiers and protected attributes among
        them are known, and left out.

    Attributes
    ----------
    features
        Roles of the columns to learn from.
    rules
        How the cells of each column are read.

    Raises
    ------
    InputError
        If a rate mixes fractions and percentages, or its unit cannot be told.
    """

    def __init__(self, table: pa.Table, *, named: bool = True) -> None:
        self._named = named
        self.rules: dict[str, ColumnRule] = {}
        roles = [self._learn(name, whole_array(table[name])) for name in table.column_names]
        self.features = tuple(role for role in roles if role.role == "feature")

    def _learn(self, name: str, cells: pa.Array) -> Role:
        kind = standard_kind(name)
        if kind is None and not self._named:
            self.rules[name] = ColumnRule(column=name, kind="any")
            return Role(name, "feature", "numeric", "an extra column of numbers")
        if kind is None:
            extra = read_extra(name, cells)
            if extra.rule is not None:
                self.rules[name] = extra.rule
            return extra.role
        if kind in ("count", "rate"):
            self.rules[name] = self._number_rule(name, cells)
            return role_of_standard(name, pd.Series(self._numbers(name, cells)))
        if kind in ("levels", "quality"):
            levels = read_levels(cells, QUALITY_LEVELS if kind == "quality" else None)
            self.rules[name] = learn_level_rule(name, levels)
            return role_of_standard(name, level_series(levels.levels))
        return role_of_standard(name, pd.Series(canonical_identifiers(cells).to_pylist()))

    @staticmethod
    def _number_rule(name: str, cells: pa.Array) -> ColumnRule:
        rule = learn_number_rule(name, cells)
        if rule.kind != "rate":
            return rule
        numbers = rule.read_numbers(cells)
        bare, signed = (numbers.values[part] for part in (~numbers.percent, numbers.percent))
        unit = detect_unit(bare, signed)
        if holds_counts(bare):
            raise InputError(
                f"Column {name}: most of its numbers exceed 100, so they are counts, not rates.",
                "Leave it out, or divide it by the followers.",
            )
        if unit is None or mixed_groups(bare):
            raise InputError(
                f"Column {name}: its numbers may be fractions or percentages"
                + (", or both mixed." if unit else "."),
                "Write the whole column as fractions (0.056), or with percent signs.",
            )
        return replace(rule, unit=unit)

    def read(self, table: pa.Table) -> pd.DataFrame:
        """Return the features of a table, and the identifiers where there are any."""
        columns: dict[str, npt.NDArray[np.float64] | pd.Series] = {}
        for role in self.features:
            cells = whole_array(table[role.column])
            if role.kind == "numeric":
                columns[role.column] = self._numbers(role.column, cells)
            else:
                levels = self.rules[role.column].read_levels(cells).levels
                columns[role.column] = level_series(levels)
        if IDENTIFIER in table.column_names:
            identifiers = canonical_identifiers(whole_array(table[IDENTIFIER]))
            columns[IDENTIFIER] = identifiers.to_pandas().astype("str").fillna("")
        return pd.DataFrame(columns, index=pd.RangeIndex(len(table)))

    def _numbers(self, name: str, cells: pa.Array) -> npt.NDArray[np.float64]:
        rule = self.rules[name]
        numbers: NumberCells = rule.read_numbers(cells)
        values = rule.to_fractions(numbers)
        wrong = np.isinf(values)
        if name in COLUMNS:
            wrong |= impossible(name, values)
        return np.where(wrong, np.nan, values)
