"""Creators of whom no page shows a probability have an index of their own, and an order in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

_FILTERED = ("followers", "engagement_rate", "probability", "niche", "state", "deal", "flags")


def upgrade() -> None:
    """Bring the store to this version."""
    where = sa.text("flags >= 32768 OR probability IS NULL")
    op.create_index("ix_creator_without_number", "creator", ["id", *_FILTERED],
                    sqlite_where=where, postgresql_where=where)  # fmt: skip
