"""The few creators about whom something stands out are found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    """Bring the store to this version."""
    flagged = sa.text("(flags & 32767) != 0")
    op.create_index("ix_creator_flagged", "creator", ["flags", "id"],
                    sqlite_where=flagged, postgresql_where=flagged)  # fmt: skip
