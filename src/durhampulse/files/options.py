"""Which table of a file or database is meant, and where it begins."""

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
    """

    table: str | None = None
    query: str | None = None
