"""Creators keep their fee and known outcome; acts that concern many rows can be undone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_COVER = ("external_id", "followers", "engagement_rate", "probability", "niche", "state", "deal",
          "flags")  # fmt: skip
_TAKE_OVER = """
    UPDATE creator SET deal = outcome.deal FROM outcome
    WHERE outcome.creator_id = creator.id AND outcome.replaced_at IS NULL
"""


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_table(
        "act",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("undone_by", sa.String(100)),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_act"),
    )
    for table in ("review", "outcome"):
        op.add_column(
            table, sa.Column("act_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"))
        )
        op.create_index(f"ix_{table}_act_id", table, ["act_id"])
    for table in ("creator", "staged"):
        op.add_column(table, sa.Column("fee", sa.Double))
        op.add_column(table, sa.Column("currency", sa.String(3)))
    op.add_column("creator", sa.Column("deal", sa.Boolean))
    op.execute(_TAKE_OVER)
    for name in ("probability", "followers", "engagement_rate", "external_id"):
        more = ("low", "high") if name == "probability" else ()
        rest = [other for other in (*_COVER, *more) if other != name]
        op.drop_index(f"ix_creator_by_{name}", "creator")
        op.create_index(f"ix_creator_by_{name}", "creator", [name, "id", *rest])
