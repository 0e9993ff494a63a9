"""The list has an index by niche and the probability that is shown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"

_SHOWN = "(CASE WHEN flags < 32768 THEN coalesce(probability, -1.0) ELSE -1.0 END)"


def upgrade() -> None:
    """Bring the store to this version."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    niche = "niche" if is_sqlite else 'niche COLLATE "C"'
    op.create_index("ix_creator_by_niche", "creator", [sa.text(niche), sa.text(_SHOWN), "id"])
