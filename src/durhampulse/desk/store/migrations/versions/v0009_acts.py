"""Who has a known outcome leaves the queue, so its indexes hold it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_UNLIKE = sa.text("flags >= 32768")
_QUEUE = {
    "ix_creator_queue": ["state", "deal", "probability", "lottery", "id"],
    "ix_creator_lottery": ["state", "deal", "lottery", "probability"],
}


def upgrade() -> None:
    """Bring the store to this version."""
    for name, columns in _QUEUE.items():
        op.drop_index(name, "creator")
        op.create_index(name, "creator", columns)
    op.drop_index("ix_creator_unlike", "creator")
    op.create_index(
        "ix_creator_unlike",
        "creator",
        ["state", "deal", "id"],
        sqlite_where=_UNLIKE,
        postgresql_where=_UNLIKE,
    )
