"""Second factors, their recovery codes, and sessions that wait for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the store to this version."""
    waits = sa.Column("waits_for", sa.String(10), nullable=False, server_default="")
    op.add_column("session", waits)
    op.create_table(
        "second_factor",
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("secret", sa.String(64)),
        sa.Column("since", _INSTANT),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("pending", sa.String(64)),
        sa.Column("pending_at", _INSTANT),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_second_factor_person_id"),
        sa.PrimaryKeyConstraint("person_id", name="pk_second_factor"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("used_at", _INSTANT),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_recovery_code_person_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_recovery_code"),
    )
    op.create_index("ix_recovery_code_person_id", "recovery_code", ["person_id"])
