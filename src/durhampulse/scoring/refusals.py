"""Rows that cannot be scored, and the file that says why."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TextIO

import pyarrow as pa

from durhampulse.files.formulas import spreadsheet_safe
from durhampulse.files.stream import Chunk

__all__ = ["Refusal", "RefusalFile", "refusals_of"]


class Refusal(NamedTuple):
    """A row that cannot be scored.

    Attributes
    ----------
    file
        Its name.
    row
        The row's number in it.
    identifier
        The creator's; empty where there is none.
    reason
        Why, in words.
    """

    file: str
    row: int
    identifier: str
    reason: str


class RefusalFile:
    """A CSV file of refusals below a header; no cell of it is a formula.

    Parameters
    ----------
    stream
        Where it is written, opened with ``newline=""``.
    """

    def __init__(self, stream: TextIO) -> None:
        self._rows = csv.writer(stream)
        self._rows.writerow(("File", "Row", "Influencer ID", "Reason"))

    def write(self, refusals: Iterable[Refusal]) -> None:
        """Append refusals."""
        self._rows.writerows(map(spreadsheet_safe, refusal) for refusal in refusals)


def refusals_of(
    file: str, chunk: Chunk, identifiers: pa.Array, reasons: Mapping[int, str]
) -> Iterator[Refusal]:
    """Yield the refusals of a chunk: its misshapen rows, then those that a reason is given for.

    Parameters
    ----------
    file
        The name of the chunk's file.
    chunk, identifiers
        The chunk, and the identifiers of its well-shaped rows.
    reasons
        Place among the well-shaped rows to the reason.
    """
    for row, reason in chunk.misshapen:
        yield Refusal(file, row, "", reason)
    places = sorted(reasons)
    names = identifiers.take(pa.array(places, pa.int64())).to_pylist()
    for place, name in zip(places, names, strict=True):
        yield Refusal(file, int(chunk.rows[place]), "" if name is None else str(name),
                      reasons[place])  # fmt: skip
