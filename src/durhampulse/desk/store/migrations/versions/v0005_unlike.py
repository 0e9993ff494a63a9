"""Creators without precedent have an index of their own: the review queue begins with them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_UNLIKE = sa.text("flags >= 32768")


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_index(
        "ix_creator_unlike",
        "creator",
        ["state", "id"],
        sqlite_where=_UNLIKE,
        postgresql_where=_UNLIKE,
    )
