"""What is understood of an upload is stored beside it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_table(
        "understood",
        sa.Column("upload_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "digest", name="pk_understood"),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name="fk_understood_upload_id"),
    )
