"""A creators' table in memory, row by row: nothing dropped, nothing refused.

What is learned from the table that was trained on, a column's kind, unit and spelling, is applied
unchanged to every later one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.cells import read_levels, read_numbers
from durhampulse.creators.roles import Role, read_extra, role_of_standard
from durhampulse.creators.schema import COLUMNS, IDENTIFIER, QUALITY_LEVELS
from durhampulse.creators.units import Unit, detect_unit

__all__ = ["FrameReader"]


class FrameReader:
    """Reads tables of the same columns in the same way.

    Parameters
    ----------
    frame
        The table to learn from, shape (n_rows, n_columns); standard columns by their names.
    named
        Whether the columns' names mean something: then identifiers and protected attributes among
        them are known, and left out.

    Attributes
    ----------
    features
        Roles of the columns to learn from.
    """

    def __init__(self, frame: pd.DataFrame, *, named: bool = True) -> None:
        self._named = named
        self._units: dict[str, Unit] = {}
        self._spelling: dict[str, dict[str, str]] = {}
        roles = [self._learn(str(name), cells) for name, cells in frame.items()]
        self.features = tuple(role for role in roles if role.role == "feature")

    def _learn(self, name: str, cells: pd.Series) -> Role:
        column = COLUMNS.get(name)
        if column is None:
            if not self._named:
                return Role(name, "feature", "numeric", "an extra column of numbers")
            values, role, _ = read_extra(name, cells)
        else:
            values = self._learn_standard(name, cells)
            role = role_of_standard(name, values)
        if role.role == "feature" and role.kind != "numeric":
            self._spelling[name] = {level.casefold(): level for level in values.dropna().unique()}
        return role

    def _learn_standard(self, name: str, cells: pd.Series) -> pd.Series:
        kind = COLUMNS[name].kind
        if kind == "rate":
            numbers = read_numbers(cells, "rate")
            loose, signed = (numbers.values[part] for part in (~numbers.percent, numbers.percent))
            self._units[name] = detect_unit(loose, signed) or "fraction"
        if kind in ("count", "rate"):
            return pd.Series(self._numbers(name, cells), cells.index)
        if kind in ("category", "quality"):
            return read_levels(cells, QUALITY_LEVELS if kind == "quality" else None).values
        return cells.astype("str")

    def read(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Read the features of a table, and the identifiers where there are any."""
        table: dict[str, pd.Series] = {}
        for role in self.features:
            cells = frame[role.column]
            if role.kind == "numeric":
                table[role.column] = pd.Series(self._numbers(role.column, cells), frame.index)
            else:
                table[role.column] = self._levels(role.column, cells)
        if IDENTIFIER in frame:
            table[IDENTIFIER] = frame[IDENTIFIER].astype("str").fillna("")
        return pd.DataFrame(table, index=frame.index)

    def _numbers(self, name: str, cells: pd.Series) -> npt.NDArray[np.float64]:
        if pd.api.types.is_numeric_dtype(cells):
            values = cells.to_numpy(np.float64, na_value=np.nan)
            bare = np.ones(len(values), dtype=bool)
        else:
            numbers = read_numbers(cells, "rate" if _kind(name) == "rate" else "count")
            values, bare = numbers.values, ~numbers.percent
        values = np.where(np.isinf(values), np.nan, values)
        percent = self._units.get(name) == "percent"
        return np.where(bare & percent, values / 100, values)

    def _levels(self, name: str, cells: pd.Series) -> pd.Series:
        known = self._spelling[name]
        levels = read_levels(cells, QUALITY_LEVELS if _kind(name) == "quality" else None).values
        spelled = levels.map(lambda level: known.get(level.casefold(), level), na_action="ignore")
        return spelled.astype("str")


def _kind(name: str) -> str:
    return COLUMNS[name].kind if name in COLUMNS else ""
