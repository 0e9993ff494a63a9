"""Tables of any size as streams of raw cells, a chunk of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from durhampulse.files.blanks import blank_rows
from durhampulse.files.options import TableOptions
from durhampulse.irregularities import Irregularity, Ledger

__all__ = ["CHUNK_ROWS", "Chunk", "Stream", "StreamOptions", "spans"]

CHUNK_ROWS = 65_536
_NOTED = (Irregularity.OTHER_SHEETS, Irregularity.FORMULA)


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


@dataclass(frozen=True, kw_only=True)
class StreamOptions:
    """How a file is to be read.

    Attributes
    ----------
    name
        What it is called in messages, where that is not its name.
    asked
        Which of its tables, and where it begins.
    row_groups
        First and before last of the row groups to read, for Parquet.
    strict
        Whether a misshapen row is an error; else it is named in its chunk and left out.
    """

    name: str | None = None
    asked: TableOptions = field(default_factory=TableOptions)
    row_groups: tuple[int, int] | None = None
    strict: bool = False


class Stream:
    """A file that can be read in chunks.

    Attributes
    ----------
    name
        The file's name.
    headers
        All headers, each once.
    unnamed
        Those of them that stand for a column without a header.
    n_rows
        Number of rows, where the file says.
    above
        Numbers of blank rows above the header.
    ledger
        What was odd about the file, except blank rows.
    blank
        Numbers of the rows without a single value; they are in no chunk. Complete after the last.
    """

    def __init__(self, path: Path, options: StreamOptions) -> None:
        self.path = path
        self.options = options
        self.name = options.name or path.name
        self.headers: list[str] = []
        self.unnamed: frozenset[str] = frozenset()
        self.n_rows: int | None = None
        self.ledger = Ledger()
        self.above: tuple[int, ...] = ()
        self.blank: list[int] = []

    @property
    def notes(self) -> list[str]:
        """What is not read of the file, in words."""
        odd = self.ledger.frame()
        notes = [f"{self.name}: {a}" for a in odd.loc[odd["code"].isin(_NOTED), "action"]]
        if self.blank:
            n = len(self.blank)
            rows = f"1 row (row {self.blank[0]})" if n == 1 else f"{n:,} rows"
            notes.append(f"{self.name}: {rows} without a single value, passed over")
        return notes

    def types(self, headers: Sequence[str]) -> list[pa.DataType]:
        """Return the types of some columns."""
        return [pa.string() for _ in headers]

    def chunks(self, headers: Sequence[str]) -> Iterator[Chunk]:
        """Yield some columns, chunk by chunk, without the rows that are blank in all columns.

        Raises
        ------
        InputError
            Where the file turns out to be damaged.
        """
        self.blank = [*self.above]
        read: Sequence[str] = headers
        chunks, row, odd_row = self.read(headers), 0, 0
        while (chunk := next(chunks, None)) is not None:
            if not len(chunk.rows) and not chunk.misshapen:
                continue
            blank = blank_rows(chunk.cells)
            if blank.size and len(read) < len(self.headers):
                # Only all of its columns tell whether a row is blank: they are read from here on.
                read, self.blank = self.headers, [*self.above]
                chunks = map(partial(_after, row=row, odd_row=odd_row), self.read(read))
                continue
            row = max([row, *chunk.rows[-1:].tolist()])
            odd_row = max([odd_row, *(number for number, _ in chunk.misshapen)])
            self.blank += chunk.rows[blank].tolist()
            if blank.size or read is not headers:
                chunk = chunk.take(np.delete(np.arange(len(chunk.rows)), blank), headers)
            yield chunk
            del chunk  # else two chunks are held in memory at once

    def read(self, headers: Sequence[str]) -> Iterator[Chunk]:
        """Yield some columns, chunk by chunk, blank rows too."""
        raise NotImplementedError


def _after(chunk: Chunk, row: int, odd_row: int) -> Chunk:
    """Return what of a chunk comes after a row, and after a misshapen row."""
    places = np.flatnonzero(chunk.rows > row)
    odd = [(number, why) for number, why in chunk.misshapen if number > odd_row]
    return replace(chunk.take(places, [*chunk.cells]), misshapen=odd)


def spans(sizes: Sequence[int], rows: int) -> Iterator[tuple[int, int]]:
    """Yield first and before last of neighbouring row groups that together have enough rows.

    Examples
    --------
    >>> list(spans([600_000, 600_000, 5], 1_000_000))
    [(0, 2), (2, 3)]
    """
    start = count = 0
    for number, size in enumerate(sizes, start=1):
        count += size
        if count >= rows or number == len(sizes):
            yield start, number
            start, count = number, 0
