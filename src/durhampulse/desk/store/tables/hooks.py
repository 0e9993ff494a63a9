"""Where other programs are told of decisions and outcomes, and what is still to be told."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, and_

from durhampulse.desk.store.tables.columns import Id, Instant, metadata, number

__all__ = ["UNSENT", "delivery", "hook"]

hook = Table(
    "hook", metadata, number(),
    Column("name", String(32), nullable=False, unique=True),
    Column("url", String(500), nullable=False),
    Column("state", String(10), nullable=False),
    Column("private", Boolean, nullable=False),
    Column("generation", Integer, nullable=False),  # of its secret
    Column("rotated_at", Instant),
    Column("failures", Integer, nullable=False),  # one after the other
    Column("next_at", Instant, nullable=False),
    Column("problem", String(200), nullable=False),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("worker", String(100)),
    Column("lease_until", Instant),
    sqlite_autoincrement=True,
)  # fmt: skip
delivery = Table(
    "delivery", metadata, number(),
    Column("hook_id", ForeignKey("hook.id"), nullable=False),
    Column("creator_id", ForeignKey("creator.id"), nullable=False, index=True),
    Column("kind", String(30), nullable=False),
    Column("source_id", Id, nullable=False),  # of the review or outcome that it tells of
    Column("at", Instant, nullable=False, index=True),
    Column("tries", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("problem", String(200), nullable=False),
    Column("sent_at", Instant),
    Column("given_up_at", Instant),
    sqlite_autoincrement=True,  # receivers know a message by its number
)  # fmt: skip
UNSENT = and_(delivery.c.sent_at.is_(None), delivery.c.given_up_at.is_(None))
"""Condition on deliveries that are still to be made."""
Index("ix_delivery_unsent", delivery.c.hook_id, delivery.c.id,
      sqlite_where=UNSENT, postgresql_where=UNSENT)  # fmt: skip
