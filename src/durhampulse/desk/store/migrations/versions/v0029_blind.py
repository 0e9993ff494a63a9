"""Reviews made without the model's number have an index of their own, asked at every page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Bring the store to this version."""
    blind = sa.column("blind", sa.Boolean).is_(True)
    op.create_index("ix_review_blind", "review", ["id"], sqlite_where=blind, postgresql_where=blind)
