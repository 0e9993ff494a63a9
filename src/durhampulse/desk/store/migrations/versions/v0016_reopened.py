"""Reviews that re-open a creator have an index of their own, for the pipeline."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_REOPENS = sa.text("decision = 'reopen'")


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_index(
        "ix_review_reopened", "review", ["creator_id"], sqlite_where=_REOPENS,
        postgresql_where=_REOPENS,
    )  # fmt: skip
