"""Sessions know when they began, were used and confirmed, and end with the upgrade."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the store to this version."""
    op.drop_table("session")
    op.create_table(
        "session",
        sa.Column("id", _ID, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("browser", sa.String(60), nullable=False),
        *(
            sa.Column(name, _INSTANT, nullable=False)
            for name in ("begun_at", "used_at", "confirmed_at", "expires_at")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        sa.UniqueConstraint("digest", name="uq_session_digest"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_session_person_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_session_person_id", "session", ["person_id"])
