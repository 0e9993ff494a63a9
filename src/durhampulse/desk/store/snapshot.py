"""What several parts of a page read of one snapshot of the database, read once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from sqlalchemy import Connection

__all__ = ["once"]

Read = TypeVar("Read")


def once(db: Connection, what: Hashable, read: Callable[[], Read]) -> Read:
    """Return what a function reads; what it returned before, where the snapshot is the same.

    Parameters
    ----------
    db
        A connection of `Store.reading`; of one that writes, each call reads anew.
    what
        Names what is read.
    read
        Reads it from the connection. Nobody may change what it returns.
    """
    seen: dict[Hashable, Read] | None = db.get_execution_options().get("seen")
    if seen is None:
        return read()
    if what not in seen:
        seen[what] = read()
    return seen[what]
