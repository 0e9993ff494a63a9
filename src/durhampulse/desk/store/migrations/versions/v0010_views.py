"""Views with a name, lists of creators, and work on all creators that a view matches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the store to this version."""
    _add_views()
    _add_lists()
    _add_bulk()
    op.create_index("ix_score_run_id_creator_id", "score", ["run_id", "creator_id"])


def _add_views() -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_view"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_saved_view_person_id"),
        sa.UniqueConstraint("person_id", "name", name="uq_saved_view_person_id_name"),
        sqlite_autoincrement=True,
    )


def _add_lists() -> None:
    op.create_table(
        "creator_list",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("client", sa.String(100), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_creator_list"),
        sa.UniqueConstraint("name", name="uq_creator_list_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "list_creator",
        sa.Column("list_id", _ID, nullable=False),
        sa.Column("creator_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("list_id", "creator_id", name="pk_list_creator"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_list_creator_creator_id", "list_creator", ["creator_id"])


def _add_bulk() -> None:
    op.create_table(
        "bulk",
        sa.Column("id", _ID, nullable=False),
        sa.Column("request", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("selection", sa.JSON, nullable=False),
        sa.Column("order", sa.JSON, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("finished_at", _INSTANT),
        sa.Column("act_id", _ID),
        sa.Column("position", _ID, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("held", sa.Integer, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.Column("problem", sa.Text),
        sa.Column("worker", sa.String(100)),
        sa.Column("lease_until", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_bulk"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_bulk_person_id"),
        sa.UniqueConstraint("request", name="uq_bulk_request"),
    )
    op.create_index("ix_bulk_state", "bulk", ["state"])
