"""A person of the desk looks after a creator, and is reminded to look again on a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_STANDS = "replaced_at IS NULL"
_INDEXES = {
    "standing": (["creator_id"], _STANDS, True),
    "owner": (["person_id", "creator_id"], _STANDS, False),
    "reminder": (["person_id", "remind_on"], f"{_STANDS} AND remind_on IS NOT NULL", False),
    "undone": (["id"], "undone_at IS NOT NULL", False),
}
"""Name to columns, condition, and whether a value occurs once."""


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_table(
        "ownership",
        sa.Column("id", _ID, nullable=False),
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("person_id", _ID),
        sa.Column("remind_on", sa.Date),
        sa.Column("text", sa.String(300), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True)),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.Column("act_id", _ID),
        sa.PrimaryKeyConstraint("id", name="pk_ownership"),
        sa.ForeignKeyConstraint(["creator_id"], ["creator.id"], name="fk_ownership_creator_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_ownership_person_id"),
        sqlite_autoincrement=True,
    )
    for column in ("creator_id", "act_id"):
        op.create_index(f"ix_ownership_{column}", "ownership", [column])
    for name, (columns, which, unique) in _INDEXES.items():
        where = sa.text(which)
        op.create_index(f"ix_ownership_{name}", "ownership", columns, unique=unique,
                        sqlite_where=where, postgresql_where=where)  # fmt: skip
