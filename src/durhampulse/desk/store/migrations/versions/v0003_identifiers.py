"""Creators' identifiers get their canonical form: 1001.0 is 1001, '@lena is @lena."""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_CREATOR = sa.table("creator", sa.column("id", sa.Integer), sa.column("external_id", sa.String))
_UPLOAD = sa.table("upload", sa.column("state", sa.String), sa.column("model_version", sa.String))
_POINT = re.compile(r"(\d+)\.0+")
_QUOTED = re.compile(r"'([=+\-@\t\r].*)", re.DOTALL)
_AT_ONCE = 500


def upgrade() -> None:
    """Bring the store to this version.

    A creator stored in two forms stays two: their reviews and outcomes are not merged here.
    """
    db, name = op.get_bind(), _CREATOR.c.external_id
    odd = sa.select(_CREATOR).where(name.like("%.0%") | name.like("'%"))
    rows = db.execute(odd.order_by(_CREATOR.c.id)).all()
    renamed: dict[str, int] = {}
    for row in rows:
        if match := _POINT.fullmatch(row.external_id) or _QUOTED.fullmatch(row.external_id):
            renamed.setdefault(match[1], row.id)
    names = [*renamed]
    for start in range(0, len(names), _AT_ONCE):
        taken = sa.select(name).where(name.in_(names[start : start + _AT_ONCE]))
        for canonical in db.scalars(taken).all():
            del renamed[canonical]
    if renamed:
        change = _CREATOR.update().where(_CREATOR.c.id == sa.bindparam("number"))
        db.execute(
            change.values(external_id=sa.bindparam("canonical")),
            [{"number": number, "canonical": word} for word, number in renamed.items()],
        )
    waiting = _UPLOAD.c.state.in_(("checking", "checked", "applying"))
    op.execute(_UPLOAD.update().where(waiting).values(model_version=None))  # checked again
