"""What was read of a waiting file of outcomes is stored beside it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_table(
        "outcome_rows",
        sa.Column(
            "outcome_file_id",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            sa.ForeignKey(
                "outcome_file.id", name="fk_outcome_rows_outcome_file_id", ondelete="CASCADE"
            ),
            nullable=False,
        ),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("outcome_file_id", name="pk_outcome_rows"),
    )
