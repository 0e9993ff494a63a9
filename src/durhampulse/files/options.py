"""Which table of a file or database is meant, and how it is written down."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TableOptions"]


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """What a person has to say for a source to be read as one table.

    Attributes
    ----------
    table
        Table of a database or sheet of a workbook; the first sheet if not given.
    query
        Which rows of a database to read.
    encoding
        Encoding of a text file, by any name Python knows; decided from its bytes if not given.
    header_row
        Number of the row that holds the headers, as a spreadsheet counts; looked for if not given.
    """

    table: str | None = None
    query: str | None = None
    encoding: str | None = None
    header_row: int | None = None

    def names_column(self, header: str) -> bool:  # noqa: ARG002 - for those who know columns
        """Return whether a cell is the known name of a column; this layer knows none."""
        return False
