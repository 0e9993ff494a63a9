"""The list's niches: counted when a list is put in place, for pages only read."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from durhampulse.desk.store.database import read_setting, write_setting
from durhampulse.desk.store.tables import creator

__all__ = ["count_niches", "read_niches"]

_NICHES = "niches"
_MOST = 200


def count_niches(db: Connection) -> None:
    """Keep the list's niches, the most frequent first."""
    niche = creator.c.niche
    found = select(niche).where(niche.is_not(None)).group_by(niche)
    frequent = found.order_by(func.count().desc(), niche).limit(_MOST)
    write_setting(db, _NICHES, list(db.scalars(frequent)))


def read_niches(db: Connection) -> list[str]:
    """Give the niches kept."""
    return list(read_setting(db, _NICHES, []))
