"""A note that names somebody of the desk waits for them until they have seen it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0039"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_table(
        "mention",
        sa.Column("remark_id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("remark_id", "person_id", name="pk_mention"),
        sa.ForeignKeyConstraint(["remark_id"], ["remark.id"], name="fk_mention_remark_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_mention_person_id"),
        sa.ForeignKeyConstraint(["creator_id"], ["creator.id"], name="fk_mention_creator_id"),
    )
    op.create_index("ix_mention_creator_id", "mention", ["creator_id"])
    unseen = sa.text("seen_at IS NULL")
    op.create_index("ix_mention_unseen", "mention", ["person_id"],
                    sqlite_where=unseen, postgresql_where=unseen)  # fmt: skip
