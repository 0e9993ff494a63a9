"""How a creators' table is to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from durhampulse.creators.schema import canonical_name
from durhampulse.creators.units import Unit
from durhampulse.files.options import TableOptions

__all__ = ["ReadOptions"]


@dataclass(frozen=True, kw_only=True)
class ReadOptions(TableOptions):
    """How a creators' table is to be read; its fields are keywords of :func:`read_creators`.

    Attributes
    ----------
    columns
        Standard column to header, where the header is not recognised.
    units
        Rate column to ``"fraction"`` or ``"percent"``, where the unit is known.
    table, query, encoding, header_row
        As for :class:`durhampulse.files.options.TableOptions`.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, Unit] = field(default_factory=dict)

    def keywords(self) -> dict[str, Any]:
        """Return the fields of this class by name, without those that a subclass adds.

        Examples
        --------
        >>> ReadOptions(table="2025").keywords()["table"]
        '2025'
        """
        return {option.name: getattr(self, option.name) for option in fields(ReadOptions)}

    def names_column(self, header: str) -> bool:
        """Return whether a cell is a header of a standard column, or one that was named."""
        return canonical_name(header) is not None or header in self.columns.values()
