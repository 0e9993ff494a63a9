"""Rows kept in a CSV file one by one, so that a stopped run goes on where it was."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

__all__ = ["KeptRows"]


class KeptRows:
    """The rows of a CSV file, to which each finished row is added at once.

    Parameters
    ----------
    path
        The file; it is made with the first row.
    key
        The columns that tell rows apart.

    Attributes
    ----------
    table
        All rows so far.
    """

    def __init__(self, path: Path, *key: str) -> None:
        self._path, self._key = path, [*key]
        self.table = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=self._key)

    def __contains__(self, values: tuple[object, ...]) -> bool:
        return bool((self.table[self._key] == [*values]).all(axis=1).any())

    def add(self, row: Mapping[str, object]) -> None:
        """Append a row, in memory and in the file."""
        new = pd.DataFrame([row])
        self.table = new if self.table.empty else pd.concat([self.table, new], ignore_index=True)
        self.table.to_csv(self._path, index=False)
