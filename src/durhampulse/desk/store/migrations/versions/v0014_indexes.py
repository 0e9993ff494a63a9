"""Fewer and narrower indexes of the list: a change of state rewrites each that holds it.

The queue is read from the index by probability; those of creators without precedent and of those
drawn by lot hold only who waits. Identifiers are looked for in texts of their own, so no other
index carries them. That by followers carries what a campaign is planned with.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_FILTERED = ("followers", "engagement_rate", "probability", "niche", "state", "deal", "flags")
_ADDED_UP = {"probability": ("low", "high"), "followers": ("avg_views", "fee", "currency")}
_WAITS = "state = 'open' AND deal IS NULL"
_FEW = {"unlike": ("id", "flags >= 32768"), "lottery": ("lottery", "lottery < 0.05")}
"""Name to column and condition of an index of few rows."""


def upgrade() -> None:
    """Bring the store to this version."""
    op.drop_index("ix_creator_queue", "creator")
    for name in ("probability", "followers", "engagement_rate", "external_id"):
        rest = [other for other in (*_FILTERED, *_ADDED_UP.get(name, ())) if other != name]
        op.drop_index(f"ix_creator_by_{name}", "creator")
        op.create_index(f"ix_creator_by_{name}", "creator", [name, "id", *rest])
    for name, (column, which) in _FEW.items():
        where = sa.text(f"{which} AND {_WAITS}")
        op.drop_index(f"ix_creator_{name}", "creator")
        op.create_index(
            f"ix_creator_{name}", "creator", [column], sqlite_where=where, postgresql_where=where
        )
