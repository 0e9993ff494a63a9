"""Uploads keep how they are read as one object; creators keep who they are, as their lists say."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_UPLOAD = sa.table(
    "upload",
    sa.column("id", sa.BigInteger),
    sa.column("state", sa.String),
    sa.column("model_version", sa.String),
    *(sa.column(name, sa.JSON) for name in ("columns", "units", "options")),
)


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_table(
        "recipe",
        sa.Column("shape", sa.String(64), nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("file_name", sa.String(300), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("shape", name="pk_recipe"),
    )
    for table in ("creator", "staged"):
        op.add_column(table, sa.Column("name", sa.String(200)))
        op.add_column(table, sa.Column("carried", sa.JSON))
    for name in ("recipe", "shape"):
        op.add_column("upload", sa.Column(name, sa.String(64)))
    op.add_column("upload", sa.Column("options", sa.JSON, nullable=False, server_default="{}"))
    _take_over_choices()
    for name in ("columns", "units"):
        op.drop_column("upload", name)


def _take_over_choices() -> None:
    """Put what people have chosen for each upload into its options."""
    db = op.get_bind()
    for row in db.execute(sa.select(_UPLOAD)).all():
        chosen = {name: getattr(row, name) for name in ("columns", "units") if getattr(row, name)}
        if chosen:
            change = _UPLOAD.update().where(_UPLOAD.c.id == row.id)
            db.execute(change.values(options=chosen))
    waiting = _UPLOAD.c.state.in_(("checking", "checked", "applying"))
    db.execute(_UPLOAD.update().where(waiting).values(model_version=None))  # checked again
