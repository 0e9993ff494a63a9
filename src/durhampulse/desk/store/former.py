"""What an import replaced: kept for a while, so that the import can be undone."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, literal, select

from durhampulse.desk.store import clock
from durhampulse.desk.store.acts import change_act
from durhampulse.desk.store.settings import read_setting
from durhampulse.desk.store.tables import act, creator, replaced, staged

__all__ = ["FORMER_COLUMNS", "forget_former", "keep_former"]

_SETTING, _DAYS = "former_days", 30
FORMER_COLUMNS: Final = tuple(
    column.name
    for column in replaced.c
    if column.name not in ("run_id", "creator_id", "former_run_id")
)
"""What an import replaces of a creator."""


def keep_former(db: Connection, upload_id: int, run_id: int) -> int:
    """Keep the creators that an upload is about to replace, as they are; return their number."""
    columns = [creator.c[name] for name in FORMER_COLUMNS]
    both = staged.join(creator, creator.c.external_id == staged.c.external_id)
    former = (
        select(literal(run_id), creator.c.id, creator.c.run_id, *columns)
        .select_from(both)
        .where(staged.c.upload_id == upload_id)
        .order_by(staged.c.id)
    )
    names = ["run_id", "creator_id", "former_run_id", *FORMER_COLUMNS]
    kept = insert(replaced).from_select(names, former)
    return int(db.execute(kept.execution_options(preserve_rowcount=True)).rowcount)


def forget_former(db: Connection) -> int:
    """Delete what imports replaced some time ago (setting `former_days`); return how many rows.

    Those imports cannot be undone any more.
    """
    before = clock.now() - timedelta(days=read_setting(db, _SETTING, _DAYS))
    waiting = (act.c.undone_by.is_(None), act.c.kind == "import")  # for none that is being undone
    old = db.execute(select(act).where(*waiting, act.c.at < before)).all()
    runs = {row.id: row.run_id for row in old if row.detail["former"]}
    for number in runs:
        change_act(db, number, former=False)
    if not runs:
        return 0
    return int(db.execute(delete(replaced).where(replaced.c.run_id.in_(runs.values()))).rowcount)
