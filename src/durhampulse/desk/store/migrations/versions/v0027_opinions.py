"""Reviews know whether the number was hidden; second reviewers say what they think."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Bring the store to this version."""
    op.add_column(
        "review", sa.Column("blind", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.create_table(
        "opinion",
        sa.Column("id", _ID, nullable=False),
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("probability", sa.Double),
        sa.Column("band", sa.String(40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_opinion"),
        sa.UniqueConstraint("creator_id", name="uq_opinion_creator_id"),
        sa.ForeignKeyConstraint(["creator_id"], ["creator.id"], name="fk_opinion_creator_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_opinion_person_id"),
    )
    op.create_index("ix_opinion_person_id", "opinion", ["person_id"])
