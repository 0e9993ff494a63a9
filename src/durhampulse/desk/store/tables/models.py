"""Settings, the models of the store, and the runs that scored the list."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Integer, LargeBinary, String, Table

from durhampulse.desk.store.tables.columns import Instant, metadata, number

__all__ = ["kept_count", "model", "model_file", "run", "setting"]

setting = Table(
    "setting", metadata,
    Column("name", String(50), primary_key=True),
    Column("value", JSON, nullable=False),
)  # fmt: skip
kept_count = Table(
    "kept_count", metadata,
    Column("name", String(64), primary_key=True),
    Column("value", JSON),
    Column("counted_at", Instant),
    Column("due_at", Instant),
    Column("lease_until", Instant),
)  # fmt: skip
"""What was counted last, by the HMAC of what it is of; under a lease while it is counted."""
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
run = Table(
    "run", metadata, number(),
    Column("kind", String(20), nullable=False),
    Column("model_version", ForeignKey("model.version"), nullable=False),
    Column("upload_id", ForeignKey("upload.id")),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("applied_at", Instant),
    Column("creators", Integer, nullable=False, default=0),
    Column("drift", JSON(none_as_null=True)),
    Column("unlike", JSON(none_as_null=True)),
    Column("preview", JSON(none_as_null=True)),
    sqlite_autoincrement=True,  # scores of a run that was forgotten never become another's
)  # fmt: skip
