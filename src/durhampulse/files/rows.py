"""Some rows of a table, as found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["Chunk"]


@dataclass(frozen=True)
class Chunk:
    """Some rows as found.

    Attributes
    ----------
    rows
        Row numbers as a spreadsheet counts them for text and workbooks, from 1 for Parquet.
    cells
        Header to cells: text where the file is text.
    misshapen
        Row number and reason of rows that have too few or too many cells.
    done
        How much of the file has been read, 0 to 1.
    """

    rows: npt.NDArray[np.int64]
    cells: dict[str, pa.Array]
    misshapen: list[tuple[int, str]] = field(default_factory=list)
    done: float = 0.0

    def take(self, places: npt.NDArray[np.intp], headers: Sequence[str]) -> Chunk:
        """Return some of the rows and columns."""
        kept = pa.array(places)
        cells = {header: self.cells[header].take(kept) for header in headers}
        return Chunk(self.rows[places], cells, self.misshapen, self.done)
