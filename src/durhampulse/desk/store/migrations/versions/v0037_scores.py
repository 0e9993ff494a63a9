"""The indexes of scores hold the flags, so that SQLite finds a far page of a past day in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"

_INDEXES = {
    "by_probability": (["run_id", "probability", "creator_id", "flags"],
                       "flags < 32768 AND probability IS NOT NULL"),
    "without_number": (["creator_id", "run_id", "flags", "probability"],
                       "flags >= 32768 OR probability IS NULL"),
}  # fmt: skip
"""Name to columns and condition."""


def upgrade() -> None:
    """Bring the store to this version."""
    for name, (columns, which) in _INDEXES.items():
        where = sa.text(which)
        op.drop_index(f"ix_score_{name}", "score")
        op.create_index(f"ix_score_{name}", "score", columns,
                        sqlite_where=where, postgresql_where=where)  # fmt: skip
