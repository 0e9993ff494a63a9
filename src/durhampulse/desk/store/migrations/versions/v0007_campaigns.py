"""A campaign keeps what was proposed for it, and the state that people gave it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Bring the store to this version."""
    instant = sa.DateTime(timezone=True)
    for column in (
        sa.Column("state", sa.String(20), nullable=False, server_default="draft"),
        sa.Column("state_by", sa.String(100)),
        sa.Column("state_at", instant),
        sa.Column("note", sa.Text),
        sa.Column("edition", sa.Integer, nullable=False, server_default="0"),
        sa.Column("model_version", sa.String(64)),
        sa.Column("run_id", _ID),
        sa.Column("proposed_by", sa.String(100)),
        sa.Column("proposed_at", instant),
        sa.Column("facts", sa.JSON),
        sa.Column("erased", sa.Integer, nullable=False, server_default="0"),
    ):
        op.add_column("campaign", column)
    op.add_column("campaign_creator", sa.Column("fee", sa.Double))
    op.create_table(
        "proposal",
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("low", sa.Double, nullable=False),
        sa.Column("high", sa.Double, nullable=False),
        sa.Column("followers", sa.Double, nullable=False),
        sa.Column("engagement_rate", sa.Double),
        sa.Column("avg_views", sa.Double),
        sa.Column("niche", sa.String(200)),
        sa.Column("tier", sa.String(100), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("deal", sa.Boolean),
        sa.Column("flags", sa.Integer, nullable=False),
        sa.Column("fee", sa.Double),
        sa.Column("currency", sa.String(3)),
        sa.Column("fee_from", sa.String(20), nullable=False),
        sa.Column("by_hand", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "creator_id", name="pk_proposal"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"],
                                name="fk_proposal_campaign_id"),
        sa.ForeignKeyConstraint(["creator_id"], ["creator.id"], name="fk_proposal_creator_id"),
    )  # fmt: skip
    op.create_index("ix_proposal_creator_id", "proposal", ["creator_id"])
    _drop_unnamed_fees()


def _drop_unnamed_fees() -> None:
    """Drop fees of 0 from stored briefs: they stood where nobody had named one."""
    campaign = sa.table("campaign", sa.column("id", _ID), sa.column("brief", sa.JSON))
    db = op.get_bind()
    for row in db.execute(sa.select(campaign)).all():
        named = {tier: fee for tier, fee in row.brief.get("fees", {}).items() if fee}
        change = campaign.update().where(campaign.c.id == row.id)
        db.execute(change.values(brief={**row.brief, "fees": named}))
