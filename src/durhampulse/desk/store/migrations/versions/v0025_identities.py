"""People who sign in by a provider, and how each session was opened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Bring the store to this version."""
    method = sa.Column("method", sa.String(10), nullable=False, server_default="password")
    op.add_column("session", method)
    op.create_table(
        "identity",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("known_as", sa.String(255), nullable=False),
        sa.Column("issuer", sa.String(255)),
        sa.Column("subject", sa.String(255)),
        sa.Column("bound_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_identity_person_id"),
        sa.PrimaryKeyConstraint("person_id", name="pk_identity"),
        sa.UniqueConstraint("known_as", name="uq_identity_known_as"),
        sa.UniqueConstraint("issuer", "subject", name="uq_identity_issuer_subject"),
    )
