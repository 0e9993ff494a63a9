"""How a creators' table is to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from durhampulse.creators.carried import sort_of
from durhampulse.creators.scales import standard_name
from durhampulse.creators.schema import IDENTIFIER
from durhampulse.creators.units import Unit
from durhampulse.exceptions import InputError
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
    identifier
        The header of the column that tells creators apart.
    keep
        Headers of columns to carry along and not to learn from.
    drop
        Headers of columns to leave out of everything.
    feature
        Headers of columns to learn from though they look like carried ones.
    deal_is, no_deal_is
        Words of the outcome's column that mean a deal, and none; or one comparison of its figures,
        such as ``"Conversions>0"``. With both, any other word is not known; with the first alone,
        every other filled cell is none; ``""`` in the second stands for empty cells, and alone
        makes every filled cell a deal but a clear no and a zero. The column is the one that holds
        all the words, where no header says.
    outcomes
        A second file that holds the outcomes, joined by identifier.
    considered
        The header of the column that says which creators somebody looked at: only these are
        learned from and tested on.
    protect, allow
        Headers of columns that are never learned from; that are, though their names or cells
        look like an attribute the law protects.
    table, query, encoding, header_row
        As for :class:`durhampulse.files.options.TableOptions`.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, Unit] = field(default_factory=dict)
    identifier: str | None = None
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    feature: tuple[str, ...] = ()
    deal_is: tuple[str, ...] = ()
    no_deal_is: tuple[str, ...] = ()
    outcomes: str | None = None
    considered: str | None = None
    protect: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()

    def keywords(self) -> dict[str, Any]:
        """Return the fields of this class by name, without those that a subclass adds.

        Examples
        --------
        >>> ReadOptions(table="2025").keywords()["table"]
        '2025'
        """
        return {option.name: getattr(self, option.name) for option in fields(ReadOptions)}

    def asked(self) -> dict[str, str]:
        """Return standard column to header as a person has said, the identifier among them.

        Raises
        ------
        InputError
            If two options contradict each other.

        Examples
        --------
        >>> ReadOptions(identifier="Username", columns={"Niche": "topic"}).asked()
        {'Niche': 'topic', 'Influencer_ID': 'Username'}
        """
        asked = dict(self.columns)
        if self.identifier is not None:
            if asked.get(IDENTIFIER, self.identifier) != self.identifier:
                raise InputError(
                    f"--id {self.identifier} and --map {IDENTIFIER}={asked[IDENTIFIER]} name two "
                    "columns.",
                    "Leave one of them out.",
                )
            asked[IDENTIFIER] = self.identifier
        uses: dict[str, str] = {
            header: f"--id {header}" if column == IDENTIFIER else f"--map {column}={header}"
            for column, header in asked.items()
            if header
        }
        wishes: dict[str, tuple[str | None, ...]] = {
            "--keep": self.keep, "--drop": self.drop, "--feature": self.feature,
        }  # fmt: skip
        wishes |= {"--protect": self.protect, "--considered": (self.considered,)}
        for option, headers in wishes.items():
            for header in dict.fromkeys(filter(None, headers)):
                if header in uses:
                    raise InputError(
                        f"{option} {header} contradicts {uses[header]}.",
                        "Leave one of them out.",
                    )
                uses[header] = f"{option} {header}"
        return asked

    def names_column(self, header: str) -> bool:
        """Return whether a cell is a header that is known, or one that a person named."""
        named = {*self.columns.values(), self.identifier, self.considered}
        named |= {*self.keep, *self.drop, *self.feature}
        known = standard_name(header) is not None or sort_of(header) is not None
        return known or header in named
