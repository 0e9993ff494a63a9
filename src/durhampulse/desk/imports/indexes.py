"""The indexes of the list while much of it is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Index, func, select

from durhampulse.desk.store.tables import creator

__all__ = ["rebuilt_indexes"]

_MANY = 50_000


@contextmanager
def rebuilt_indexes(db: Connection, coming: int) -> Iterator[None]:
    """Build the list's indexes anew after a change, where that is faster than row by row.

    Dropping an index locks PostgreSQL's table until the end of the transaction, so there only an
    empty list qualifies; SQLite's readers keep their snapshot.

    Parameters
    ----------
    db
        The connection that writes.
    coming
        How many creators the change concerns.
    """
    indexes = _worth_it(db, coming)
    for index in indexes:
        index.drop(db)
    yield
    for index in indexes:
        index.create(db)


def _worth_it(db: Connection, coming: int) -> list[Index]:
    stored = db.scalar(select(func.count()).select_from(creator)) or 0
    allowed = db.dialect.name == "sqlite" or stored == 0
    if coming <= max(stored // 4, _MANY) or not allowed:
        return []
    return sorted(creator.indexes, key=lambda index: str(index.name))
