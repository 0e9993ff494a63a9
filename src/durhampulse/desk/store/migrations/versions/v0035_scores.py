"""Scores have an index by run and probability, in which the list of a past day is found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

_INDEXES = {
    "by_probability": (["run_id", "probability", "creator_id"],
                       "flags < 32768 AND probability IS NOT NULL"),
    "without_number": (["creator_id", "run_id"], "flags >= 32768 OR probability IS NULL"),
}  # fmt: skip
"""Name to columns and condition."""


def upgrade() -> None:
    """Bring the store to this version."""
    for name, (columns, which) in _INDEXES.items():
        where = sa.text(which)
        op.create_index(f"ix_score_{name}", "score", columns,
                        sqlite_where=where, postgresql_where=where)  # fmt: skip
