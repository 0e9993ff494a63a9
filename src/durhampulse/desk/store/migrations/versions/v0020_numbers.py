"""The number of an erased review is not given again: pages name the latest review they know."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Bring the store to this version; PostgreSQL counts up by itself."""
    if op.get_bind().dialect.name == "sqlite":
        options = {"sqlite_autoincrement": True}
        with op.batch_alter_table("review", recreate="always", table_kwargs=options):
            pass
