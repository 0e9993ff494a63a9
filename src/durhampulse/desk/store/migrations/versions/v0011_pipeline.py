"""Runs keep a preview and what is unlike in their list, reviews when they were begun."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Bring the store to this version."""
    for name in ("unlike", "preview"):
        op.add_column("run", sa.Column(name, sa.JSON(none_as_null=True)))
    op.add_column("review", sa.Column("claimed_at", sa.DateTime(timezone=True)))
