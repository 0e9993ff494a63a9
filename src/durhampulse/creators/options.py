"""How a creators' table is to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

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
    deal_is, no_deal_is
        Words of the outcome's column that mean a deal, and none; or one comparison of its figures,
        such as ``"Conversions>0"``. With both, any other word is not known; with the first alone,
        every other filled cell is none. The column is the one that holds all the words, where no
        header says.
    table, query
        As for :class:`durhampulse.files.options.TableOptions`.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, Unit] = field(default_factory=dict)
    deal_is: tuple[str, ...] = ()
    no_deal_is: tuple[str, ...] = ()

    def keywords(self) -> dict[str, Any]:
        """Return the fields of this class by name, without those that a subclass adds.

        Examples
        --------
        >>> ReadOptions(table="2025").keywords()["table"]
        '2025'
        """
        return {option.name: getattr(self, option.name) for option in fields(ReadOptions)}
