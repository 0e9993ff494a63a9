"""When sessions and keys were last used."""

from __future__ import annotations

import threading
from datetime import datetime

from sqlalchemy import Table, update

from durhampulse.desk.store import clock
from durhampulse.desk.store.database import AWAY, Store
from durhampulse.desk.store.space import shortage_of

__all__ = ["LastUse"]


class LastUse:
    """When sessions and keys were last used: written now and then, by :meth:`write`.

    So a request that only looks never waits for the lock of an import.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unwritten: dict[tuple[Table, int], datetime] = {}

    def note(self, table: Table, number: int) -> None:
        """Note that a session or key is used now."""
        with self._lock:
            self._unwritten[table, number] = clock.now()

    def latest(self, table: Table, number: int, stored: datetime) -> datetime:
        """Return the later of the stored moment and the noted one."""
        return max(stored, self._unwritten.get((table, number), stored))

    def write(self, store: Store) -> None:
        """Write down what was noted; where the store is away it stays noted."""
        with self._lock:
            noted, self._unwritten = self._unwritten, {}
        if not noted:
            return
        try:
            with store.writing() as db:
                for (table, number), at in noted.items():
                    db.execute(update(table).where(table.c.id == number).values(used_at=at))
        except Exception as error:
            with self._lock:
                self._unwritten = {**noted, **self._unwritten}
            if not isinstance(error, AWAY) and not shortage_of(error):
                raise
