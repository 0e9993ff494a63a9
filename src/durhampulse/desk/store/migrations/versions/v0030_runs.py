"""The number of a run that is forgotten is not given again: scores know their run by it."""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Bring the store to this version; PostgreSQL counts up by itself."""
    if op.get_bind().dialect.name == "sqlite":
        options = {"sqlite_autoincrement": True}
        with op.batch_alter_table("run", recreate="always", table_kwargs=options):
            pass
