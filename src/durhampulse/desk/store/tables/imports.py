"""Files on their way into the list, and how files of their shape are read."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from durhampulse.desk.store.tables.columns import Id, Instant, figures, metadata, number

__all__ = ["recipe", "refused", "staged", "understood", "upload"]

upload = Table(
    "upload", metadata, number(),
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
understood = Table(
    "understood", metadata,
    Column("upload_id", ForeignKey("upload.id"), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("version", String(64), nullable=False),
    Column("facts", JSON, nullable=False),
)  # fmt: skip
recipe = Table(
    "recipe", metadata,
    Column("shape", String(64), primary_key=True),
    Column("options", JSON, nullable=False),
    Column("file_name", String(300), nullable=False),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip
staged = Table(
    "staged", metadata, number(),
    Column("upload_id", Id, nullable=False),
    Column("row", Integer, nullable=False),
    *figures(),
    Column("search", Text),
    Index("ix_staged_upload_id_external_id", "upload_id", "external_id"),
)  # fmt: skip
refused = Table(
    "refused", metadata, number(),
    Column("upload_id", ForeignKey("upload.id"), nullable=False, index=True),
    Column("row", Integer, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
)  # fmt: skip
