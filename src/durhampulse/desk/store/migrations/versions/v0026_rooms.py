"""Rooms in which a client says by a link whom they like."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_table(
        "room",
        sa.Column("id", _ID, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("client", sa.String(100), nullable=False),
        sa.Column("colour", sa.String(7), nullable=False),
        sa.Column("shows", sa.JSON, nullable=False),
        sa.Column("campaign_id", _ID),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("revoked_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_room"),
        sa.UniqueConstraint("digest", name="uq_room_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_room_campaign_id", "room", ["campaign_id"])
    op.create_table(
        "room_card",
        sa.Column("id", _ID, nullable=False),
        sa.Column("room_id", _ID, nullable=False),
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("pitch", sa.Text, nullable=False),
        sa.Column("liked", sa.Boolean),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("answered_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_room_card"),
        sa.ForeignKeyConstraint(["room_id"], ["room.id"], name="fk_room_card_room_id"),
        sa.ForeignKeyConstraint(["creator_id"], ["creator.id"], name="fk_room_card_creator_id"),
        sa.UniqueConstraint("room_id", "creator_id", name="uq_room_card_room_id_creator_id"),
    )
    op.create_index("ix_room_card_creator_id", "room_card", ["creator_id"])
