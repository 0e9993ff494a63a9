"""Objections are kept as hashes by the store's key: those there are become hashes of hashes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from durhampulse.desk.store.keyed import keyed_hash

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Bring the store to this version."""
    db, objection = op.get_bind(), sa.table("objection", sa.column("digest", sa.String))
    for digest in db.scalars(sa.select(objection.c.digest)).all():
        mine = sa.update(objection).where(objection.c.digest == digest)
        db.execute(mine.values(digest=keyed_hash(db, digest)))
