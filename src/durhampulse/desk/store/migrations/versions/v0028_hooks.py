"""Other programs are told of decisions and outcomes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_INSTANT = sa.DateTime(timezone=True)
_UNSENT = sa.text("sent_at IS NULL AND given_up_at IS NULL")


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_table(
        "hook",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("private", sa.Boolean, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("rotated_at", _INSTANT),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("next_at", _INSTANT, nullable=False),
        sa.Column("problem", sa.String(200), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("worker", sa.String(100)),
        sa.Column("lease_until", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_hook"),
        sa.UniqueConstraint("name", name="uq_hook_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "delivery",
        sa.Column("id", _ID, nullable=False),
        sa.Column("hook_id", _ID, nullable=False),
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("source_id", _ID, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_at", _INSTANT, nullable=False),
        sa.Column("problem", sa.String(200), nullable=False),
        sa.Column("sent_at", _INSTANT),
        sa.Column("given_up_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.ForeignKeyConstraint(["hook_id"], ["hook.id"], name="fk_delivery_hook_id"),
        sa.ForeignKeyConstraint(["creator_id"], ["creator.id"], name="fk_delivery_creator_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_delivery_creator_id", "delivery", ["creator_id"])
    op.create_index("ix_delivery_at", "delivery", ["at"])
    op.create_index(
        "ix_delivery_unsent", "delivery", ["hook_id", "id"],
        sqlite_where=_UNSENT, postgresql_where=_UNSENT,
    )  # fmt: skip
