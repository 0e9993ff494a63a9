"""API keys know who made them, when they end and when they were last used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Bring the store to this version."""
    op.add_column("api_key", sa.Column("person_id", _ID))
    for name in ("expires_at", "used_at"):
        op.add_column("api_key", sa.Column(name, sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE api_key SET person_id ="
        " (SELECT id FROM person WHERE person.name = api_key.created_by)"
    )
