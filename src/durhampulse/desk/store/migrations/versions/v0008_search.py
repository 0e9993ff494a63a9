"""Creators are found by any part of what they are called; people leave remarks on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from durhampulse.desk.store.search import refresh_search

revision = "0008"
down_revision = "0007"

_AT_ONCE = 10_000
_INDEX = (
    "CREATE VIRTUAL TABLE search_index USING fts5(text, content='search',"
    " content_rowid='creator_id', tokenize='trigram case_sensitive 1', detail=none, columnsize=0)"
)
_ADD = "INSERT INTO search_index (rowid, text) VALUES (new.creator_id, new.text);"
_REMOVE = (
    "INSERT INTO search_index (search_index, rowid, text)"
    " VALUES ('delete', old.creator_id, old.text);"
)
_CHECK_AGAIN = """
    UPDATE upload SET model_version = NULL WHERE state IN ('checking', 'checked', 'applying')
"""
_KEPT = {
    "insert": _ADD,
    "delete": _REMOVE,
    "update": f"{_REMOVE} {_ADD}",
}
"""Event to what a trigger does then: as FTS5's manual keeps the index of an external table."""


def upgrade() -> None:
    """Bring the store to this version."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "search",
        sa.Column("creator_id", number, autoincrement=False, nullable=False),
        sa.Column("text", text, nullable=False),
        sa.PrimaryKeyConstraint("creator_id", name="pk_search"),
    )
    op.create_table(
        "remark",
        sa.Column("id", number, nullable=False),
        sa.Column("creator_id", number, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_remark"),
        sa.ForeignKeyConstraint(["creator_id"], ["creator.id"], name="fk_remark_creator_id"),
    )
    op.create_index("ix_remark_creator_id", "remark", ["creator_id"])
    op.add_column("staged", sa.Column("search", sa.Text))
    if op.get_bind().dialect.name == "sqlite":
        op.execute(_INDEX)
        for event, act in _KEPT.items():
            op.execute(f"CREATE TRIGGER search_{event} AFTER {event} ON search BEGIN {act} END")
    _fill()
    # What waits to be confirmed is checked again, with the texts and fees that it lacks.
    op.execute(_CHECK_AGAIN)


def _fill() -> None:
    """Give the creators of the list their texts."""
    db, last = op.get_bind(), 0
    creators = sa.table("creator", sa.column("id", sa.BigInteger))
    while True:
        after = sa.select(creators.c.id).where(creators.c.id > last).order_by(creators.c.id)
        numbers = db.scalars(after.limit(_AT_ONCE)).all()
        if not numbers:
            return
        refresh_search(db, numbers)
        last = numbers[-1]
