"""The tables of the store.

What follows from the thresholds (band, edge) or from the tiers is not stored, but for the band a
reviewer saw: it is a range of probabilities or followers, so moving a threshold changes no row.
Tables that are written by the million (`creator`, `score`, `staged`) carry no foreign keys: each
row is written by one statement that takes it from the table it points to, and checking a million of
them costs PostgreSQL half the import.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    literal_column,
)
from sqlalchemy.engine import Dialect

from durhampulse.creators.schema import COLUMNS
from durhampulse.scoring.record import UNLIKE_BIT

__all__ = [
    "CONTROL", "HAS_NO_PRECEDENT", "HAS_PRECEDENT", "LONGEST_ID", "NUMBERS", "STATES", "TEXTS",
    "Instant", "api_key", "attempt", "audit", "campaign", "campaign_creator", "claim", "creator",
    "link", "metadata", "model", "model_file", "objection", "outcome", "person", "receipt",
    "recipe", "refused", "review", "run", "score", "session", "setting", "staged", "upload",
]  # fmt: skip

LONGEST_ID = 200
CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""Characters no text of the store has; all others, unprintable ones too, occur in names."""
STATES = ("open", "approved", "declined", "tentative")
"""What people have decided about a creator."""


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
_Name = String(LONGEST_ID).with_variant(String(LONGEST_ID, collation="C"), "postgresql")
_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up in INTEGER columns only


def _id() -> Column[int]:
    return Column("id", _Id, primary_key=True)


_STORED = [column for column in COLUMNS.values() if column.stored]
NUMBERS = {column.name: column.stored for column in _STORED if column.numeric}
TEXTS = {column.name: column.stored for column in _STORED if not column.numeric}
"""Standard column to the column that stores it; a model's other columns stand in `extra`."""


def _figures() -> list[Column[Any]]:
    """Return the columns of a creator's figures and score, in whichever table."""
    return [
        Column("external_id", _Name, nullable=False),
        *(Column(name, Double) for name in NUMBERS.values()),
        *(Column(name, String(200)) for name in TEXTS.values()),
        Column("extra", JSON(none_as_null=True)),
        Column("name", String(200)),
        Column("carried", JSON(none_as_null=True)),
        Column("probability", Double),
        Column("low", Double),
        Column("high", Double),
        Column("flags", Integer, nullable=False, default=0),
        Column("lottery", Double, nullable=False),
    ]


setting = Table(
    "setting", metadata,
    Column("name", String(50), primary_key=True),
    Column("value", JSON, nullable=False),
)  # fmt: skip
model = Table(
    "model", metadata,
    Column("version", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("origin", String(300), nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("added_by", String(100), nullable=False),
    Column("compared", JSON(none_as_null=True)),
)  # fmt: skip
model_file = Table(
    "model_file", metadata,
    Column("version", ForeignKey("model.version"), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)  # fmt: skip
person = Table(
    "person", metadata, _id(),
    Column("name", String(100), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("password_hash", String(300)),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
)  # fmt: skip
session = Table(
    "session", metadata,
    Column("digest", String(64), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("expires_at", Instant, nullable=False),
)  # fmt: skip
link = Table(
    "link", metadata,
    Column("digest", String(64), primary_key=True),
    Column("person_id", ForeignKey("person.id")),
    Column("purpose", String(20), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)  # fmt: skip
attempt = Table(
    "attempt", metadata, _id(),
    Column("who", String(300), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_attempt_who_at", "who", "at"),
)  # fmt: skip
api_key = Table(
    "api_key", metadata, _id(),
    Column("name", String(100), nullable=False, unique=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)  # fmt: skip
upload = Table(
    "upload", metadata, _id(),
    Column("file_name", String(300), nullable=False),
    Column("path", Text, nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("options", JSON, nullable=False, server_default="{}"),
    Column("recipe", String(64)),
    Column("shape", String(64)),
    Column("chunks_done", Integer, nullable=False, default=0),
    Column("progress", Float, nullable=False, default=0.0),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("problem", Text),
    Column("way_out", Text),
    Column("summary", JSON(none_as_null=True)),
    Column("model_version", ForeignKey("model.version")),
    Column("by", String(100), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("worker", String(100)),
    Column("lease_until", Instant),
)  # fmt: skip
recipe = Table(
    "recipe", metadata,
    Column("shape", String(64), primary_key=True),
    Column("options", JSON, nullable=False),
    Column("file_name", String(300), nullable=False),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip
run = Table(
    "run", metadata, _id(),
    Column("kind", String(20), nullable=False),
    Column("model_version", ForeignKey("model.version"), nullable=False),
    Column("upload_id", ForeignKey("upload.id")),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("applied_at", Instant),
    Column("creators", Integer, nullable=False, default=0),
    Column("drift", JSON(none_as_null=True)),
)  # fmt: skip
creator = Table(
    "creator", metadata, _id(), *_figures(),
    Column("state", String(20), nullable=False),
    Column("run_id", _Id, nullable=False),
    UniqueConstraint("external_id"),
    sqlite_autoincrement=True,  # a number stands in the audit log and never names somebody else
)  # fmt: skip
_COVER = ("external_id", "followers", "engagement_rate", "probability", "niche", "state", "flags")
for _name in ("probability", "followers", "engagement_rate", "external_id"):
    # Each carries all that can be filtered by, so that a page is found without touching the table.
    _more = ("low", "high") if _name == "probability" else ()  # for the totals
    _rest = [creator.c[name] for name in (*_COVER, *_more) if name != _name]
    Index(f"ix_creator_by_{_name}", creator.c[_name], creator.c.id, *_rest)
Index("ix_creator_queue", creator.c.state, creator.c.probability, creator.c.lottery, creator.c.id)
HAS_PRECEDENT = creator.c.flags < literal_column(str(UNLIKE_BIT))
HAS_NO_PRECEDENT = creator.c.flags >= literal_column(str(UNLIKE_BIT))
"""Conditions on creators, written out so that an index of few rows serves them."""
Index("ix_creator_unlike", creator.c.state, creator.c.id,
      sqlite_where=HAS_NO_PRECEDENT, postgresql_where=HAS_NO_PRECEDENT)  # fmt: skip
Index("ix_creator_lottery", creator.c.state, creator.c.lottery, creator.c.probability)

score = Table(
    "score", metadata,
    Column("creator_id", _Id, primary_key=True),
    Column("run_id", _Id, primary_key=True),
    Column("probability", Double),
    Column("low", Double),
    Column("high", Double),
    Column("flags", Integer, nullable=False),
    sqlite_with_rowid=False,
)  # fmt: skip
staged = Table(
    "staged", metadata, _id(),
    Column("upload_id", _Id, nullable=False),
    Column("row", Integer, nullable=False),
    *_figures(),
    Index("ix_staged_upload_id_external_id", "upload_id", "external_id"),
)  # fmt: skip
refused = Table(
    "refused", metadata, _id(),
    Column("upload_id", ForeignKey("upload.id"), nullable=False, index=True),
    Column("row", Integer, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
)  # fmt: skip
claim = Table(
    "claim", metadata,
    Column("creator_id", ForeignKey("creator.id"), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("why", String(20), nullable=False),
    Column("expires_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)  # fmt: skip
review = Table(
    "review", metadata, _id(),
    Column("creator_id", ForeignKey("creator.id"), nullable=False, index=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("decision", String(20), nullable=False),
    Column("reason", String(100), nullable=False),
    Column("note", Text, nullable=False),
    Column("probability", Double),
    Column("band", String(40), nullable=False),
    Column("why", String(20), nullable=False),
    Column("previous", String(20), nullable=False),
    Column("request", String(100), nullable=False, unique=True),
    Column("at", Instant, nullable=False),
    Column("undone_at", Instant),
    Index("ix_review_person_id_at", "person_id", "at"),
)  # fmt: skip
outcome = Table(
    "outcome", metadata, _id(),
    Column("creator_id", ForeignKey("creator.id"), nullable=False, index=True),
    Column("deal", Boolean, nullable=False),
    Column("on", Date, nullable=False),
    Column("figures", JSON, nullable=False),
    Column("probability", Double),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("replaced_at", Instant),
)  # fmt: skip
campaign = Table(
    "campaign", metadata, _id(),
    Column("name", String(200), nullable=False),
    Column("brief", JSON, nullable=False),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_autoincrement=True,  # as a creator's
)  # fmt: skip
campaign_creator = Table(
    "campaign_creator", metadata,
    Column("campaign_id", ForeignKey("campaign.id"), primary_key=True),
    Column("creator_id", ForeignKey("creator.id"), primary_key=True, index=True),
    Column("choice", String(20), nullable=False),
)  # fmt: skip
audit = Table(
    "audit", metadata, _id(),
    Column("at", Instant, nullable=False),
    Column("who", String(100), nullable=False),
    Column("act", String(50), nullable=False),
    Column("subject", String(200), nullable=False, index=True),
    Column("detail", JSON, nullable=False),
)  # fmt: skip
objection = Table(
    "objection", metadata,
    Column("digest", String(64), primary_key=True),
    Column("at", Instant, nullable=False),
)  # fmt: skip
receipt = Table(
    "receipt", metadata, _id(),
    Column("at", Instant, nullable=False),
    Column("act", String(50), nullable=False),
    Column("detail", JSON, nullable=False),
)  # fmt: skip
