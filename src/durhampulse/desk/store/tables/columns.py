"""What the tables' columns are made of: types, limits, and the columns several tables share."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Double,
    Integer,
    MetaData,
    String,
    TypeDecorator,
)
from sqlalchemy.engine import Dialect

from durhampulse.creators.schema import COLUMNS

__all__ = [
    "CONTROL", "LONGEST_ID", "NUMBERS", "TEXTS", "Id", "Instant", "Name", "figures", "metadata",
    "number",
]  # fmt: skip

LONGEST_ID = 200
CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""Characters no text of the store has; all others, unprintable ones too, occur in names."""


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, in databases that keep time zones and in those that do not."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC, as the database keeps it."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Return the moment in UTC."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Name = String(LONGEST_ID).with_variant(String(LONGEST_ID, collation="C"), "postgresql")
Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up in INTEGER columns only


def number() -> Column[int]:
    """Return the column that counts a table's rows."""
    return Column("id", Id, primary_key=True)


_STORED = [column for column in COLUMNS.values() if column.stored]
NUMBERS = {column.name: column.stored for column in _STORED if column.numeric}
TEXTS = {column.name: column.stored for column in _STORED if not column.numeric}
"""Standard column to the column that stores it; a model's other columns stand in `extra`."""


def figures() -> list[Column[Any]]:
    """Return the columns of a creator's figures, fee and score, in whichever table."""
    return [
        Column("external_id", Name, nullable=False),
        *(Column(name, Double) for name in NUMBERS.values()),
        *(Column(name, String(200)) for name in TEXTS.values()),
        Column("extra", JSON(none_as_null=True)),
        Column("name", String(200)),
        Column("carried", JSON(none_as_null=True)),
        Column("fee", Double),
        Column("currency", String(3)),
        Column("probability", Double),
        Column("low", Double),
        Column("high", Double),
        Column("flags", Integer, nullable=False, default=0),
        Column("lottery", Double, nullable=False),
    ]
