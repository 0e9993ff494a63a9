"""Views with a name, lists, and work on all creators that a view matches."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from durhampulse.desk.store.tables.columns import Id, Instant, metadata, number

__all__ = ["bulk", "creator_list", "list_creator", "saved_view"]

saved_view = Table(
    "saved_view", metadata, number(),
    Column("name", String(100), nullable=False),
    Column("query", Text, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("person_id", "name"),
    sqlite_autoincrement=True,  # an address never comes to mean another view
)  # fmt: skip
creator_list = Table(
    "creator_list", metadata, number(),
    Column("name", String(100), nullable=False, unique=True),
    Column("client", String(100), nullable=False),
    Column("note", Text, nullable=False),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("edition", Integer, nullable=False, server_default="0"),  # grows with each change
    sqlite_autoincrement=True,
)  # fmt: skip
list_creator = Table(
    "list_creator", metadata,
    Column("list_id", Id, primary_key=True),
    Column("creator_id", Id, primary_key=True),
    Index("ix_list_creator_creator_id", "creator_id"),
    sqlite_with_rowid=False,
)  # fmt: skip
bulk = Table(
    "bulk", metadata, number(),
    Column("request", String(100), nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("selection", JSON, nullable=False),
    Column("order", JSON, nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("act_id", Id),
    Column("position", Id, nullable=False),
    Column("done", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("problem", Text),
    Column("worker", String(100)),
    Column("lease_until", Instant),
)  # fmt: skip
