"""Settings of the desk: named values in its store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, select

from durhampulse.desk.store.database import insert_or
from durhampulse.desk.store.tables import setting

__all__ = ["read_setting", "write_setting"]

_SETTING = select(setting.c.value).where(setting.c.name == bindparam("name"))


def read_setting(db: Connection, name: str, default: Any = None) -> Any:
    """Return a setting's value; the default where it was never set."""
    row = db.execute(_SETTING, {"name": name}).first()
    return default if row is None else row.value


def write_setting(db: Connection, name: str, value: Any) -> None:
    """Replace the value of a setting by another, which JSON has."""
    row = insert_or(db, setting).values(name=name, value=value)
    db.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
