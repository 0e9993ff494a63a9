"""Campaigns and the creators in them."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, String, Table

from durhampulse.desk.store.tables.columns import Instant, metadata, number

__all__ = ["campaign", "campaign_creator"]

campaign = Table(
    "campaign", metadata, number(),
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
