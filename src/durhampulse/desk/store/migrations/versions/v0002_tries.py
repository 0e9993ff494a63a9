"""Uploads count how often they were begun; the list's niches are kept rather than counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_CREATOR = sa.table("creator", sa.column("niche", sa.String))
_REFUSED = sa.table("refused", sa.column("external_id", sa.Text))
_SETTING = sa.table("setting", sa.column("name", sa.String), sa.column("value", sa.JSON))


def upgrade() -> None:
    """Bring the store to this version."""
    op.add_column("upload", sa.Column("tries", sa.Integer, nullable=False, server_default="0"))
    name = _REFUSED.c.external_id  # as creators' are: blanks hid refused rows from an erasure
    op.execute(
        _REFUSED.update().where(name != sa.func.trim(name)).values(external_id=sa.func.trim(name))
    )
    niche = _CREATOR.c.niche
    found = sa.select(niche).where(niche.is_not(None)).group_by(niche)
    frequent = found.order_by(sa.func.count().desc(), niche).limit(200)
    niches = list(op.get_bind().scalars(frequent))
    op.execute(_SETTING.insert().values(name="niches", value=niches))
