"""The audit log is a chain of hashes; entries of earlier versions are chained as they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from durhampulse.desk.store.chain import FIRST, HEAD_SETTING, entry_hash
from durhampulse.desk.store.tables import Instant

revision = "0017"
down_revision = "0016"

_AT_ONCE = 5_000
_AUDIT = sa.table(
    "audit",
    sa.column("id", sa.BigInteger),
    sa.column("at", Instant),
    *(sa.column(name, sa.String) for name in ("who", "act", "subject", "hash")),
    sa.column("detail", sa.JSON),
)
_REFUSED = "BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END"


def upgrade() -> None:
    """Bring the store to this version."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.add_column("audit", sa.Column("hash", sa.String(64), nullable=False, server_default=""))
    if is_sqlite:
        op.execute("DROP TRIGGER audit_no_update")
    else:
        op.execute("ALTER TABLE audit DISABLE TRIGGER audit_only_grows")
    entry, before = _chain()
    if is_sqlite:
        op.execute(f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit {_REFUSED}")
        # REPLACE deletes without the trigger of a deletion.
        later = "WHEN EXISTS (SELECT 1 FROM audit WHERE id >= NEW.id)"
        op.execute(f"CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit {later} {_REFUSED}")
    else:
        op.execute("ALTER TABLE audit ENABLE TRIGGER audit_only_grows")
    setting = sa.table("setting", sa.column("name", sa.String), sa.column("value", sa.JSON))
    op.execute(setting.insert().values(name=HEAD_SETTING, value={"entry": entry, "hash": before}))


def _chain() -> tuple[int, str]:
    """Return the number and the hash of the last entry, once all have their hashes."""
    db, last, before = op.get_bind(), 0, FIRST
    change = sa.update(_AUDIT).where(_AUDIT.c.id == sa.bindparam("number"))
    change = change.values(hash=sa.bindparam("new"))
    while True:
        some = sa.select(_AUDIT).where(_AUDIT.c.id > last).order_by(_AUDIT.c.id).limit(_AT_ONCE)
        rows = db.execute(some).mappings().all()
        if not rows:
            return last, before
        hashes = []
        for row in rows:
            before = entry_hash(before, {**row})
            hashes.append({"number": row["id"], "new": before})
        db.execute(change, hashes)
        last = rows[-1]["id"]
