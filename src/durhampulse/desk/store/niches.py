"""The list's niches: counted when an import is put in place, only read by pages."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from durhampulse.desk.store.settings import read_setting, write_setting
from durhampulse.desk.store.tables import creator

__all__ = ["count_niches", "read_niches"]

_NICHES = "niches"
_MOST = 200


def count_niches(db: Connection) -> None:
    """Store the list's niches, the most frequent first."""
    niche = creator.c.niche
    niches = select(niche).where(niche.is_not(None)).group_by(niche)
    frequent = niches.order_by(func.count().desc(), niche).limit(_MOST)
    write_setting(db, _NICHES, list(db.scalars(frequent)))


def read_niches(db: Connection) -> list[str]:
    """Return the niches, the most frequent first."""
    return list(read_setting(db, _NICHES, []))
