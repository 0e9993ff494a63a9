"""Rooms in which a client says by a link whom they like."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from durhampulse.desk.store.tables.columns import Id, Instant, metadata, number

__all__ = ["room", "room_card"]

room = Table(
    "room", metadata, number(),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", String(100), nullable=False),
    Column("client", String(100), nullable=False),
    Column("colour", String(7), nullable=False),
    Column("shows", JSON, nullable=False),
    Column("campaign_id", Id, index=True),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    sqlite_autoincrement=True,  # a number in the audit log never comes to mean another
)  # fmt: skip
room_card = Table(
    "room_card", metadata, number(),
    Column("room_id", ForeignKey("room.id"), nullable=False),
    Column("creator_id", ForeignKey("creator.id"), nullable=False, index=True),
    Column("place", Integer, nullable=False),
    Column("pitch", Text, nullable=False),
    Column("liked", Boolean),
    Column("comment", Text, nullable=False),
    Column("answered_at", Instant),
    UniqueConstraint("room_id", "creator_id"),
)  # fmt: skip
