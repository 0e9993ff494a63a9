"""Campaigns, the sets proposed for them, and what people changed by hand."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from durhampulse.desk.store.tables.columns import Id, Instant, metadata, number

__all__ = [
    "UNDELIVERED",
    "campaign",
    "campaign_candidate",
    "campaign_creator",
    "deliverable",
    "proposal",
]

campaign = Table(
    "campaign", metadata, number(),
    Column("name", String(200), nullable=False),
    Column("brief", JSON, nullable=False),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("state", String(20), nullable=False, server_default="draft"),
    Column("state_by", String(100)),
    Column("state_at", Instant),
    Column("note", Text),
    Column("edition", Integer, nullable=False, server_default="0"),
    Column("model_version", String(64)),
    Column("run_id", Id),
    Column("proposed_by", String(100)),
    Column("proposed_at", Instant),
    Column("facts", JSON(none_as_null=True)),
    Column("erased", Integer, nullable=False, server_default="0"),
    sqlite_autoincrement=True,  # as a creator's
)  # fmt: skip
campaign_creator = Table(
    "campaign_creator", metadata,
    Column("campaign_id", ForeignKey("campaign.id"), primary_key=True),
    Column("creator_id", ForeignKey("creator.id"), primary_key=True, index=True),
    Column("choice", String(20), nullable=False),
    Column("fee", Double),
)  # fmt: skip
proposal = Table(
    "proposal", metadata,
    Column("campaign_id", ForeignKey("campaign.id"), primary_key=True),
    Column("creator_id", ForeignKey("creator.id"), primary_key=True, index=True),
    Column("place", Integer, nullable=False),
    Column("probability", Double, nullable=False),
    Column("low", Double, nullable=False),
    Column("high", Double, nullable=False),
    Column("followers", Double, nullable=False),
    Column("engagement_rate", Double),
    Column("avg_views", Double),
    Column("niche", String(200)),
    Column("tier", String(100), nullable=False),
    Column("state", String(20), nullable=False),
    Column("deal", Boolean),
    Column("flags", Integer, nullable=False),
    Column("fee", Double),
    Column("currency", String(3)),
    Column("fee_from", String(20), nullable=False),
    Column("by_hand", Boolean, nullable=False),
)  # fmt: skip
campaign_candidate = Table(
    "campaign_candidate", metadata,
    Column("campaign_id", ForeignKey("campaign.id"), primary_key=True),
    Column("creator_id", ForeignKey("creator.id"), primary_key=True, index=True),
    Column("probability", Double, nullable=False),
    Column("followers", Double, nullable=False),
    Column("engagement_rate", Double),
    Column("avg_views", Double),
    Column("niche", String(200)),
    Column("flags", Integer, nullable=False),
    Column("fee", Double, nullable=False),
    Column("named", Boolean, nullable=False),
)  # fmt: skip
deliverable = Table(
    "deliverable", metadata, number(),
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False, index=True),
    Column("creator_id", ForeignKey("creator.id"), nullable=False, index=True),
    Column("text", String(300), nullable=False),
    Column("due", Date),
    Column("by", String(100), nullable=False),
    Column("at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("removed_at", Instant),
    sqlite_autoincrement=True,  # an address that undoes never comes to mean another
)  # fmt: skip
"""What a creator of a campaign is to deliver."""
UNDELIVERED = deliverable.c.done_at.is_(None) & deliverable.c.removed_at.is_(None)
"""Condition on what is to be delivered still."""
Index("ix_deliverable_open", deliverable.c.due,
      sqlite_where=UNDELIVERED, postgresql_where=UNDELIVERED)  # fmt: skip
