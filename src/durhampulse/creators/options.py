"""How a creators' table is to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from durhampulse.creators.units import Unit

__all__ = ["ReadOptions"]


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How a creators' table is to be read; its fields are keywords of :func:`read_creators`.

    Attributes
    ----------
    columns
        Standard column to header, where the header is not recognised.
    units
        Rate column to ``"fraction"`` or ``"percent"``, where the unit is known.
    table
        Table of a database or sheet of a workbook.
    query
        Which rows of a database to read.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, Unit] = field(default_factory=dict)
    table: str | None = None
    query: str | None = None

    def keywords(self) -> dict[str, Any]:
        """Return the fields of this class by name, without those that a subclass adds.

        Examples
        --------
        >>> ReadOptions(table="2025").keywords()
        {'columns': {}, 'units': {}, 'table': '2025', 'query': None}
        """
        return {option.name: getattr(self, option.name) for option in fields(ReadOptions)}
