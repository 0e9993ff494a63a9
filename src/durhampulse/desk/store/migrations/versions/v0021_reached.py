"""Creators are found by links and e-mail addresses, and what was decided is counted by indexes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from durhampulse.desk.store.search import refresh_search

revision = "0021"
down_revision = "0020"

_AT_ONCE = 10_000
_CHECK_AGAIN = """
    UPDATE upload SET model_version = NULL WHERE state IN ('checking', 'checked', 'applying')
"""


def upgrade() -> None:
    """Bring the store to this version."""
    decided = sa.text("state != 'open'")
    op.create_index(
        "ix_creator_decided", "creator", ["id"], sqlite_where=decided, postgresql_where=decided
    )
    single = sa.text("act_id IS NULL")
    op.create_index(
        "ix_review_single", "review", ["id"], sqlite_where=single, postgresql_where=single
    )
    _refresh()
    op.execute(_CHECK_AGAIN)  # what waits to be confirmed lacks these texts


def _refresh() -> None:
    """Write the search texts anew of creators of whom more is known than their figures."""
    db, last = op.get_bind(), 0
    creators = sa.table("creator", sa.column("id", sa.BigInteger), sa.column("carried"))
    while True:
        after = sa.select(creators.c.id).where(
            creators.c.id > last, creators.c.carried.is_not(None)
        )
        numbers = db.scalars(after.order_by(creators.c.id).limit(_AT_ONCE)).all()
        if not numbers:
            return
        refresh_search(db, numbers)
        last = numbers[-1]
