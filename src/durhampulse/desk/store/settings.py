"""Settings of the desk: named values in its store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from durhampulse.desk.store.database import insert_or
from durhampulse.desk.store.snapshot import once
from durhampulse.desk.store.tables import setting

__all__ = ["read_setting", "write_setting"]

_SETTINGS = select(setting.c.name, setting.c.value)


def read_setting(db: Connection, name: str, default: Any = None) -> Any:
    """Return a setting's value; the default where it was never set."""
    settings = once(db, "settings", lambda: {row.name: row.value for row in db.execute(_SETTINGS)})
    return settings.get(name, default)


def write_setting(db: Connection, name: str, value: Any) -> None:
    """Replace the value of a setting by another, which JSON has."""
    row = insert_or(db, setting).values(name=name, value=value)
    db.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
