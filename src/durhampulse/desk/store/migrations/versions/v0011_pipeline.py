"""Runs keep what made their list unlike the training rows, reviews when they were begun."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Bring the store to this version."""
    op.add_column("run", sa.Column("unlike", sa.JSON(none_as_null=True)))
    op.add_column("review", sa.Column("claimed_at", sa.DateTime(timezone=True)))
