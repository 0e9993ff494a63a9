"""What a creator of a campaign is to deliver, and by when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Bring the store to this version."""
    moments = ("done_at", "removed_at")
    op.create_table(
        "deliverable",
        sa.Column("id", _ID, nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("text", sa.String(300), nullable=False),
        sa.Column("due", sa.Date),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True)) for name in moments),
        sa.PrimaryKeyConstraint("id", name="pk_deliverable"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"],
                                name="fk_deliverable_campaign_id"),
        sa.ForeignKeyConstraint(["creator_id"], ["creator.id"], name="fk_deliverable_creator_id"),
        sqlite_autoincrement=True,
    )  # fmt: skip
    for column in ("campaign_id", "creator_id"):
        op.create_index(f"ix_deliverable_{column}", "deliverable", [column])
