"""Reminders of one's own, beside the owner's, and an index of what is due of campaigns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_table(
        "reminder",
        sa.Column("id", _ID, nullable=False),
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("remind_on", sa.Date),
        sa.Column("text", sa.String(300), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reminder"),
        sa.ForeignKeyConstraint(["creator_id"], ["creator.id"], name="fk_reminder_creator_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_reminder_person_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reminder_creator_id", "reminder", ["creator_id"])
    _index("reminder", "waiting", ["person_id", "remind_on"], "remind_on IS NOT NULL")
    _index("deliverable", "open", ["due"], "done_at IS NULL AND removed_at IS NULL")


def _index(table: str, name: str, columns: list[str], which: str) -> None:
    where = sa.text(which)
    op.create_index(f"ix_{table}_{name}", table, columns,
                    sqlite_where=where, postgresql_where=where)  # fmt: skip
