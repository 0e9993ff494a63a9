"""The number of a file of outcomes, or of a note, that is gone is not given again.

An old tab would record another file, or mark another note as seen.
"""

from __future__ import annotations

from alembic import op

revision = "0046"
down_revision = "0044"


def upgrade() -> None:
    """Bring the store to this version; PostgreSQL counts up by itself."""
    if op.get_bind().dialect.name != "sqlite":
        return
    # To make a table anew is to drop it, with which the rows that point to it would go.
    for table, pointing in (("outcome_file", "outcome_rows"), ("remark", "mention")):
        op.execute(f"CREATE TEMPORARY TABLE kept AS SELECT * FROM {pointing}")  # noqa: S608
        op.execute(f"DELETE FROM {pointing}")  # noqa: S608
        with op.batch_alter_table(
            table, recreate="always", table_kwargs={"sqlite_autoincrement": True},
            reflect_kwargs={"resolve_fks": False},  # of creators, whose indexes cannot be reflected
        ):  # fmt: skip
            pass
        op.execute(f"INSERT INTO {pointing} SELECT * FROM kept")  # noqa: S608
        op.execute("DROP TABLE kept")
