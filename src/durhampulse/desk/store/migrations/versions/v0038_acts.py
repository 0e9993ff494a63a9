"""No page goes through half a million decisions of one act, or all members of a long list anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"

_SHOWN = "(CASE WHEN flags < 32768 THEN coalesce(probability, -1.0) ELSE -1.0 END)"
_PLACE = (
    "(CASE WHEN deal IS {true} THEN 0 WHEN deal IS {false} THEN 1 WHEN state = 'approved' THEN 2"
    " WHEN state = 'tentative' THEN 3 WHEN state = 'declined' THEN 4 ELSE 5 END)"
)
_REVIEWS = {
    "standing": (["person_id", "at"], "undone_at IS NULL"),
    "single_person_id": (["person_id", "at"], "act_id IS NULL"),
    "sample": (["creator_id"], "why = 'sample'"),
}
"""Name to columns and condition."""


def upgrade() -> None:
    """Bring the store to this version."""
    op.drop_index("ix_review_person_id_at", "review")
    for name, (columns, which) in _REVIEWS.items():
        where = sa.text(which)
        op.create_index(f"ix_review_{name}", "review", columns,
                        sqlite_where=where, postgresql_where=where)  # fmt: skip
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    names = {"true": "1", "false": "0"} if is_sqlite else {"true": "true", "false": "false"}
    op.drop_index("ix_creator_decided", "creator")
    passed = sa.text("NOT (state = 'open' AND deal IS NULL)")
    place, shown = sa.text(_PLACE.format(**names)), sa.text(_SHOWN)
    op.create_index("ix_creator_by_state", "creator", [place, shown, "id", "state", "deal"],
                    sqlite_where=passed, postgresql_where=passed)  # fmt: skip
    edition = sa.Column("edition", sa.Integer, nullable=False, server_default="0")
    op.add_column("creator_list", edition)
