"""Tables of any size as streams of raw cells, a chunk of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from durhampulse.files.beginnings import Beginning
from durhampulse.files.blanks import blank_rows
from durhampulse.files.headers import unique_headers
from durhampulse.files.options import TableOptions
from durhampulse.files.rows import Chunk
from durhampulse.files.sections import Sections
from durhampulse.irregularities import Irregularity, Ledger

__all__ = ["CHUNK_ROWS", "Chunk", "Stream", "StreamOptions", "spans"]

CHUNK_ROWS = 65_536
_NOTED = (
    *(Irregularity.OTHER_FILES, Irregularity.ENCODING),
    *(Irregularity.OTHER_SHEETS, Irregularity.FORMULA),
    *(Irregularity.TITLE_ROW, Irregularity.TWO_HEADER_ROWS, Irregularity.UNITS_ROW),
    *(Irregularity.REPEATED_HEADER, Irregularity.TOTAL_ROW, Irregularity.SECOND_TABLE),
    *(Irregularity.NESTED, Irregularity.FOOTER, Irregularity.DESCRIBED),
)
"""What whoever scores a file is told of it."""


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
    around
        What was odd about the archive that holds it.
    blank
        Numbers of the rows without a single value; they are in no chunk. Complete after the last.
    sections
        What else is in no chunk, of a table that people wrote; complete after the last.
    """

    def __init__(self, path: Path, options: StreamOptions) -> None:
        self.path = path
        self.options = options
        self.name = options.name or path.name
        self.headers: list[str] = []
        self.unnamed: frozenset[str] = frozenset()
        self.n_rows: int | None = None
        self.ledger, self.around = Ledger(), Ledger()
        self.above: tuple[int, ...] = ()
        self.blank: list[int] = []
        self.sections: Sections | None = None

    @property
    def notes(self) -> list[str]:
        """What is not read of the file, in words."""
        odd = self.noted().entries
        notes = [f"{self.name}: {entry['action']}" for entry in odd if entry["code"] in _NOTED]
        if self.blank:
            n = len(self.blank)
            rows = f"1 row (row {self.blank[0]})" if n == 1 else f"{n:,} rows"
            notes.append(f"{self.name}: {rows} without a single value, passed over")
        return notes

    def noted(self) -> Ledger:
        """Return what was odd about the file and its rows, except blank ones."""
        ledger = Ledger([*self.around.entries, *self.ledger.entries])
        if self.sections is not None:
            self.sections.note(ledger)
        return ledger

    def take_beginning(self, beginning: Beginning) -> None:
        """Take the headers of a table that people wrote, and what stands above them."""
        beginning.note(self.ledger)
        self.above = beginning.blank
        self.headers = unique_headers(beginning.headers, self.ledger)
        written = dict(zip(self.headers, beginning.headers, strict=True))
        self.unnamed = frozenset(header for header in written if not written[header])
        self.sections = Sections(written, self.options.asked.names_column)

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
        read = self.sections.with_first(headers) if self.sections else headers
        chunks, row, odd_row = self.read(read), 0, 0
        while (chunk := next(chunks, None)) is not None:
            if not len(chunk.rows) and not chunk.misshapen:
                continue
            last = chunk.rows[-1:].tolist()
            blank = blank_rows(chunk.cells)
            self.blank += chunk.rows[blank].tolist()
            if blank.size:
                chunk = chunk.take(np.delete(np.arange(len(chunk.rows)), blank), [*read])
            below = self.sections.below_blank(chunk, self.blank) if self.sections else blank[:0]
            if (blank.size or below.size) and len(read) < len(self.headers):
                # Only all of its columns tell whether a row is blank: they are read from here on.
                read, self.blank = self.headers, [*self.above]
                chunks = map(partial(_after, row=row, odd_row=odd_row), self.read(read))
                continue
            row = max([row, *last])
            odd_row = max([odd_row, *(number for number, _ in chunk.misshapen)])
            if self.sections is not None:
                chunk = self.sections.creators(chunk, below.tolist())
            if read is not headers:
                chunk = replace(chunk, cells={header: chunk.cells[header] for header in headers})
            yield chunk
            del chunk  # else two chunks are held in memory at once
            if self.sections is not None and self.sections.second is not None:
                return

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
