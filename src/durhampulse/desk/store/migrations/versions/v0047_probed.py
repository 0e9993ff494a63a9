"""The creators who stand for all where it is chosen how a page is found have an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    """Bring the store to this version."""
    probed = sa.text("lottery >= 0.25 AND lottery < 0.3")
    columns = ("lottery", "id", "followers", "engagement_rate", "probability", "niche", "state",
               "deal", "flags")  # fmt: skip
    op.create_index("ix_creator_probed", "creator", columns,
                    sqlite_where=probed, postgresql_where=probed)  # fmt: skip
