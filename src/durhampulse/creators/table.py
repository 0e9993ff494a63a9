"""A creators' table once it is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from durhampulse.creators.carried import CarriedKind
from durhampulse.creators.outcome import OutcomeWords, outcome_words
from durhampulse.creators.roles import Role
from durhampulse.creators.rules import ColumnRule
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.creators.units import Unit
from durhampulse.deferred import pd
from durhampulse.files.tables import RawTable
from durhampulse.irregularities import Irregularity, Ledger
from durhampulse.markup import table_html

__all__ = ["Creators"]


@dataclass(frozen=True, kw_only=True)
class Creators:
    """A creators' table, read.

    Attributes
    ----------
    table
        One row a creator, standard columns first; the index is the row number in the source.
        Rates are fractions, the label is 0.0, 1.0 or NaN, carried columns are text as found.
    roles
        What each column is used for, in the table's order.
    rules
        How each column that is used was read, and every later table is.
    irregularities
        The ledger, one irregularity a row.
    refused
        Rows that cannot be judged: row number, identifier and reason.
    source
        Where the table came from.
    rows_read, columns_read
        Shape of the source before anything was dropped.
    """

    table: pd.DataFrame
    roles: tuple[Role, ...]
    rules: Mapping[str, ColumnRule]
    irregularities: pd.DataFrame
    refused: pd.DataFrame
    source: RawTable
    rows_read: int
    columns_read: int

    def __repr__(self) -> str:
        return (
            f"Creators of {self.source.name}: {len(self.table):,} rows, "
            f"{len(self.features)} features; {len(self.labelled):,} outcomes known; "
            f"{len(self.irregularities)} lines in the ledger, {len(self.refused):,} rows refused"
        )

    def _repr_html_(self) -> str:
        roles = [(role.column, role.role, role.kind, role.reason) for role in self.roles]
        return table_html(repr(self), ["column", "role", "kind", "reason"], roles)

    @property
    def units(self) -> dict[str, Unit]:
        """Unit in which each rate column was written."""
        return {name: rule.unit for name, rule in self.rules.items() if rule.kind == "rate"}

    @property
    def carried(self) -> dict[str, CarriedKind]:
        """Columns that are carried along, each with what it tells of a creator."""
        return {
            role.column: self.rules[role.column].carries or "other"
            for role in self.roles
            if role.role == "carried"
        }

    @property
    def outcome(self) -> OutcomeWords:
        """What the two outcomes are called."""
        return outcome_words(self.rules.get(LABEL))

    @property
    def unit(self) -> str:
        """What a row with an outcome stands for, several of them: creators, or rows of theirs."""
        return "rows" if self.labelled[IDENTIFIER].duplicated().any() else "creators"

    @property
    def features(self) -> tuple[Role, ...]:
        """Columns a model may learn from."""
        return tuple(role for role in self.roles if role.role == "feature")

    @property
    def labelled(self) -> pd.DataFrame:
        """Rows whose outcome is known."""
        if LABEL not in self.table:
            return self.table.iloc[:0]
        return self.table[self.table[LABEL].notna()]

    @property
    def unlabelled(self) -> pd.DataFrame:
        """Rows whose outcome is not known; kept for scoring."""
        if LABEL not in self.table:
            return self.table
        return self.table[self.table[LABEL].isna()]

    def with_table(self, table: pd.DataFrame) -> Creators:
        """Return the same creators with other rows."""
        return replace(self, table=table)

    def without(self, columns: Collection[str], reason: str) -> Creators:
        """Return the table with some features left out of learning, and the ledger saying so."""
        ledger = Ledger()
        for column in columns:
            ledger.note(Irregularity.LEFT_OUT, column, 1, f"not used: {reason}")
        roles = tuple(
            replace(role, role="left out", reason=reason) if role.column in columns else role
            for role in self.roles
        )
        irregularities = pd.concat([self.irregularities, ledger.frame()], ignore_index=True)
        return replace(self, roles=roles, irregularities=irregularities)
