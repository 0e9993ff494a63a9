"""Some rows of a creators' table as plain arrays: what models are fed with, whatever the source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from durhampulse.deferred import pd

__all__ = ["Block", "Levels"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Levels:
    """A column of categories.

    Attributes
    ----------
    codes
        Place of each row's level in `names`, -1 where it is missing; shape (n_rows,).
    names
        The levels.
    """

    codes: npt.NDArray[np.intp]
    names: tuple[str, ...]

    @classmethod
    def of(cls, values: pd.Series) -> Levels:
        """Return a column of text as levels."""
        codes, names = pd.factorize(values)
        return cls(codes, tuple(str(name) for name in names))

    def find(self, order: Mapping[str, int]) -> npt.NDArray[np.intp]:
        """Return each row's place in other names, shape (n_rows,): -1 not among them, -2 missing.

        Examples
        --------
        >>> Levels(np.array([0, 1, -1]), ("Tech", "Pets")).find({"Pets": 4}).tolist()
        [-1, 4, -2]
        """
        places = [*(order.get(name, -1) for name in self.names), -2]
        return np.array(places, dtype=np.intp)[self.codes]

    def take(self, rows: npt.NDArray[np.intp]) -> Levels:
        """Return some of the rows."""
        return Levels(self.codes[rows], self.names)


@dataclass(frozen=True)
class Block:
    """Some rows of a creators' table.

    Attributes
    ----------
    n_rows
        Number of rows.
    columns
        Numbers, NaN where missing, or levels, by column; a column that is not there is missing
        everywhere.
    """

    n_rows: int
    columns: Mapping[str, Floats | Levels]

    @classmethod
    def of(cls, table: pd.DataFrame | Block) -> Block:
        """Return a table that is read as a block: numbers as such, all other columns as levels."""
        if isinstance(table, Block):
            return table
        columns: dict[str, Floats | Levels] = {}
        for name, values in table.items():
            if pd.api.types.is_numeric_dtype(values):
                columns[str(name)] = values.to_numpy(np.float64, na_value=np.nan)
            else:
                columns[str(name)] = Levels.of(values)
        return cls(len(table), columns)

    def numbers(self, name: str) -> Floats:
        """Return a column of numbers, shape (n_rows,).

        Raises
        ------
        TypeError
            If the column holds levels.
        """
        values = self.columns.get(name)
        if isinstance(values, Levels):
            if (values.codes >= 0).any():
                raise TypeError(f"Column {name} holds text, but the model needs numbers.")
            values = None
        return np.full(self.n_rows, np.nan) if values is None else values

    def levels(self, name: str) -> Levels:
        """Return a column of levels; numbers become levels of that name."""
        values = self.columns.get(name)
        if values is None:
            return Levels(np.full(self.n_rows, -1), ())
        return values if isinstance(values, Levels) else Levels.of(pd.Series(values))

    def missing(self, name: str) -> npt.NDArray[np.bool_]:
        """Return in which rows a column is empty, shape (n_rows,)."""
        values = self.columns.get(name)
        if values is None:
            return np.ones(self.n_rows, dtype=np.bool_)
        return values.codes < 0 if isinstance(values, Levels) else np.isnan(values)

    def empty(self, names: Iterable[str]) -> npt.NDArray[np.intp]:
        """Return how many of some columns are empty in each row, shape (n_rows,)."""
        counts = np.zeros(self.n_rows, dtype=np.intp)
        for name in names:
            missing = self.missing(name)
            if missing.any():
                counts += missing
        return counts

    def to_dict(self) -> dict[str, npt.NDArray[Any] | pd.Series]:
        """Return the columns as pandas takes them, levels as text."""
        return {
            name: pd.Series(pd.array([*values.names, None], dtype="str")[values.codes])
            if isinstance(values, Levels)
            else values
            for name, values in self.columns.items()
        }

    def part(self, start: int, stop: int) -> Block:
        """Return the rows from `start` to before `stop`, none of their cells copied."""
        columns: dict[str, Floats | Levels] = {
            name: Levels(values.codes[start:stop], values.names)
            if isinstance(values, Levels)
            else values[start:stop]
            for name, values in self.columns.items()
        }
        return Block(len(range(self.n_rows)[start:stop]), columns)

    def take(self, rows: npt.NDArray[np.intp]) -> Block:
        """Return some of the rows."""
        return Block(
            len(rows),
            {
                name: values.take(rows) if isinstance(values, Levels) else values[rows]
                for name, values in self.columns.items()
            },
        )
