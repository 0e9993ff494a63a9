"""A campaign keeps the candidates among whom the best set of every other budget lies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_table(
        "campaign_candidate",
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("followers", sa.Double, nullable=False),
        sa.Column("engagement_rate", sa.Double),
        sa.Column("avg_views", sa.Double),
        sa.Column("niche", sa.String(200)),
        sa.Column("flags", sa.Integer, nullable=False),
        sa.Column("fee", sa.Double, nullable=False),
        sa.Column("named", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "creator_id", name="pk_campaign_candidate"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"],
                                name="fk_campaign_candidate_campaign_id"),
        sa.ForeignKeyConstraint(["creator_id"], ["creator.id"],
                                name="fk_campaign_candidate_creator_id"),
    )  # fmt: skip
    op.create_index("ix_campaign_candidate_creator_id", "campaign_candidate", ["creator_id"])
