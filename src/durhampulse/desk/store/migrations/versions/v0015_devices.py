"""Browsers that somebody has signed in with are known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_table(
        "device",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", "person_id", name="pk_device"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_device_person_id"),
    )
    op.create_index("ix_device_person_id", "device", ["person_id"])
