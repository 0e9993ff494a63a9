"""Counts of a long list are kept in the store, so that no page waits for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_table(
        "kept_count",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.JSON),
        sa.Column("counted_at", sa.DateTime(timezone=True)),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
    )
