"""Cards of rooms that were opened in order of probability get an order that is drawn."""

from __future__ import annotations

import secrets
from itertools import groupby

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Bring the store to this version."""
    db = op.get_bind()
    card = sa.table("room_card", sa.column("id"), sa.column("room_id"), sa.column("place"))
    rows = db.execute(sa.select(card.c.room_id, card.c.id).order_by(card.c.room_id)).all()
    for _, cards in groupby(rows, key=lambda row: row.room_id):
        drawn = [row.id for row in cards]
        secrets.SystemRandom().shuffle(drawn)
        for place, number in enumerate(drawn):
            db.execute(sa.update(card).where(card.c.id == number).values(place=place))
