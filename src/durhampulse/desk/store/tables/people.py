"""Who may do what, who did it, and whom the store forgets."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    UniqueConstraint,
)

from durhampulse.desk.store.tables.columns import Id, Instant, metadata, number

__all__ = [
    "api_key", "attempt", "audit", "device", "identity", "link", "objection", "person", "receipt",
    "recovery_code", "second_factor", "session",
]  # fmt: skip

person = Table(
    "person", metadata, number(),
    Column("name", String(100), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("password_hash", String(300)),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
)  # fmt: skip
session = Table(
    "session", metadata, number(),
    Column("digest", String(64), nullable=False, unique=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("browser", String(60), nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("used_at", Instant, nullable=False),
    Column("confirmed_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("waits_for", String(10), nullable=False, server_default=""),  # a second factor
    Column("method", String(10), nullable=False, server_default="password"),
    sqlite_autoincrement=True,  # a form that ends a session never comes to mean another
)  # fmt: skip
second_factor = Table(
    "second_factor", metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("secret", String(64)),
    Column("since", Instant),
    Column("last_step", BigInteger, nullable=False),  # whose code was taken, and is not again
    Column("pending", String(64)),
    Column("pending_at", Instant),
)  # fmt: skip
identity = Table(
    "identity", metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("known_as", String(255), nullable=False, unique=True),
    Column("issuer", String(255)),
    Column("subject", String(255)),
    Column("bound_at", Instant),
    UniqueConstraint("issuer", "subject"),
)  # fmt: skip
recovery_code = Table(
    "recovery_code", metadata,
    Column("digest", String(64), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("used_at", Instant),
)  # fmt: skip
device = Table(
    "device", metadata,
    Column("digest", String(64), primary_key=True),
    Column("person_id", ForeignKey("person.id"), primary_key=True, index=True),
    Column("used_at", Instant, nullable=False),
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
    "attempt", metadata, number(),
    Column("who", String(300), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_attempt_who_at", "who", "at"),
)  # fmt: skip
api_key = Table(
    "api_key", metadata, number(),
    Column("name", String(100), nullable=False, unique=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("person_id", Id),  # whoever made it: it may do no more than they may
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("used_at", Instant),
    Column("revoked_at", Instant),
)  # fmt: skip
audit = Table(
    "audit", metadata, number(),
    Column("at", Instant, nullable=False),
    Column("who", String(100), nullable=False),
    Column("act", String(50), nullable=False),
    Column("subject", String(200), nullable=False, index=True),
    Column("detail", JSON, nullable=False),
    Column("hash", String(64), nullable=False, server_default=""),
)  # fmt: skip
objection = Table(
    "objection", metadata,
    Column("digest", String(64), primary_key=True),
    Column("at", Instant, nullable=False),
)  # fmt: skip
receipt = Table(
    "receipt", metadata, number(),
    Column("at", Instant, nullable=False),
    Column("act", String(50), nullable=False),
    Column("detail", JSON, nullable=False),
)  # fmt: skip
