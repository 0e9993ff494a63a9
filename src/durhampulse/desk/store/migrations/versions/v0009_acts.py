"""Acts can be undone: what an import replaces is kept, and an outcome can be undone.

Who has a known outcome leaves the queue, so its indexes hold that.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_NUMBERS = ("followers", "engagement_rate", "growth_rate", "avg_views")
_UNLIKE = sa.text("flags >= 32768")
_QUEUE = {
    "ix_creator_queue": ["state", "deal", "probability", "lottery", "id"],
    "ix_creator_lottery": ["state", "deal", "lottery", "probability"],
}


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_table(
        "replaced_creator",
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("former_run_id", _ID, nullable=False),
        *(sa.Column(name, sa.Double) for name in _NUMBERS),
        *(sa.Column(name, sa.String(200)) for name in ("niche", "video_quality")),
        sa.Column("extra", sa.JSON),
        sa.Column("name", sa.String(200)),
        sa.Column("carried", sa.JSON),
        sa.Column("fee", sa.Double),
        sa.Column("currency", sa.String(3)),
        sa.Column("probability", sa.Double),
        sa.Column("low", sa.Double),
        sa.Column("high", sa.Double),
        sa.Column("flags", sa.Integer, nullable=False),
        sa.Column("lottery", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("creator_id", "run_id", name="pk_replaced_creator"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outcome_file",
        sa.Column("id", _ID, nullable=False),
        sa.Column("file_name", sa.String(300), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("on", sa.Date, nullable=False),
        sa.Column("options", sa.JSON),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outcome_file"),
    )
    op.add_column("act", sa.Column("run_id", _ID))
    op.add_column("outcome", sa.Column("undone_at", sa.DateTime(timezone=True)))
    for name, columns in _QUEUE.items():
        op.drop_index(name, "creator")
        op.create_index(name, "creator", columns)
    op.drop_index("ix_creator_unlike", "creator")
    op.create_index(
        "ix_creator_unlike",
        "creator",
        ["state", "deal", "id"],
        sqlite_where=_UNLIKE,
        postgresql_where=_UNLIKE,
    )
