"""Counts of a long list: the last are kept in the store, and counted anew in the background."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from durhampulse.desk.store import clock
from durhampulse.desk.store.database import AWAY, Store, insert_or
from durhampulse.desk.store.keyed import keyed_hash, read_key, with_key
from durhampulse.desk.store.quiet import Patience, Quiet
from durhampulse.desk.store.snapshot import once
from durhampulse.desk.store.tables import creator, kept_count

__all__ = ["Counting", "Kept", "has_few", "last_number"]

_log = logging.getLogger("durhampulse")
_FEW = 20_000
"""Up to so many creators are counted for each page."""
_REST = 50
"""So many times as long as a count took, it stands."""
_LEASE = timedelta(minutes=2)
"""After which another process counts, where the one that had begun is gone."""
_FORGOTTEN = timedelta(days=30)
_MOST_ORDERS = 20
_SECONDS_TO_STOP = 30
_STEPS = 100_000
"""Instructions of SQLite's virtual machine between two looks at who asks: some milliseconds."""


@dataclass(frozen=True)
class Kept:
    """What was counted.

    Attributes
    ----------
    value
        As JSON keeps it.
    at
        When it was counted; None for just now.
    """

    value: Any
    at: datetime | None


def has_few(db: Connection) -> bool:
    """Whether the list is so short that its creators are counted while a page is made."""
    return last_number(db) <= _FEW


def last_number(db: Connection) -> int:
    """Return the last creator's number, so many there are at most; 0 of an empty list."""
    last = select(func.max(creator.c.id))
    return once(db, "last creator", lambda: db.scalar(last) or 0)


class Counting:
    """Counts that are kept in the store, counted anew by one thread of one process at a time.

    A count is due after fifty times as long as it took. Whoever asks gets the last one, and waits
    for none. The thread runs while there is something to count. A short list is counted at once.

    Attributes
    ----------
    quiet
        What a count waits for.
    """

    def __init__(self) -> None:
        self.quiet = Quiet()
        self._lock = threading.Lock()
        self._orders: dict[str, tuple[Store, Callable[[Connection], Any]]] = {}
        self._thread: threading.Thread | None = None

    def last(
        self, store: Store, db: Connection, key: str, count: Callable[[Connection], Any]
    ) -> Kept | None:
        """Return what was counted last; None before the first count. One that is due is begun.

        Parameters
        ----------
        store, db
            Where the counts are kept, and a connection to it.
        key
            What is counted, and all it depends on besides the list. The store keeps its HMAC alone.
        count
            Counts it, to something that JSON can keep.
        """
        if has_few(db):
            return Kept(count(db), None)
        hash_key = read_key(db)
        row = None
        if hash_key is not None:
            name = with_key(hash_key, key)
            kept = select(kept_count).where(kept_count.c.name == name)
            row = once(db, ("count", name), lambda: db.execute(kept).first())
        now = clock.now()
        if row is None or (_is_past(row.due_at, now) and _is_past(row.lease_until, now)):
            self._order(key, store, count)
        return None if row is None or row.counted_at is None else Kept(row.value, row.counted_at)

    def stop(self) -> None:
        """Wait for the count that has begun, and begin no other."""
        with self._lock:
            self._orders.clear()
            thread = self._thread
        if thread is not None:
            thread.join(timeout=_SECONDS_TO_STOP)

    def _order(self, key: str, store: Store, count: Callable[[Connection], Any]) -> None:
        with self._lock:
            self._orders[key] = store, count
            while len(self._orders) > _MOST_ORDERS:  # a page that still waits asks again
                del self._orders[next(iter(self._orders))]
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="counts", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while order := self._next():
            try:
                self._count(*order)
            except AWAY as error:
                _log.warning("The list could not be counted: %s", error.__cause__ or error)
            except Exception:  # noqa: BLE001 - logged; begun again once the lease has ended
                _log.exception("The list could not be counted.")

    def _next(self) -> tuple[str, Store, Callable[[Connection], Any]] | None:
        """Return the oldest order once it is quiet; None where the thread may end."""
        Patience(self.quiet).wait(lambda: self._orders)
        with self._lock:
            if not self._orders:
                self._thread = None
                return None
            key = next(iter(self._orders))
            return key, *self._orders.pop(key)

    def _count(self, key: str, store: Store, count: Callable[[Connection], Any]) -> None:
        """Count what is due, unless another thread or process does or has."""
        claimed = _claim(store, key)
        if claimed is None:
            return
        name, lease_until = claimed
        at, start, patience = clock.now(), time.perf_counter(), Patience(self.quiet)
        with store.reading() as db, _stepping_aside(db, patience):
            value = count(db)
        rest = timedelta(seconds=_REST * (time.perf_counter() - start - patience.waited))
        c = kept_count.c  # whoever took too long writes nothing over the count of the next
        row = update(kept_count).where(c.name == name, c.lease_until == lease_until)
        with store.writing(durable=False) as db:
            db.execute(row.values(value=value, counted_at=at, due_at=clock.now() + rest,
                                  lease_until=None))  # fmt: skip


@contextmanager
def _stepping_aside(db: Connection, patience: Patience) -> Iterator[None]:
    """Leave the cores to pages that are asked for meanwhile: SQLite waits, PostgreSQL takes one."""
    if db.dialect.name == "postgresql":
        db.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")
        yield
        return
    driver: Any = db.connection.driver_connection
    driver.set_progress_handler(patience.wait, _STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, _STEPS)


def _claim(store: Store, key: str) -> tuple[str, datetime] | None:
    """Return the name and the end of a lease that this process now has, if the count is due."""
    c, now = kept_count.c, clock.now()
    lease_until = now + _LEASE
    with store.writing(durable=False) as db:
        name = keyed_hash(db, key)
        latest = func.coalesce(c.counted_at, c.lease_until)
        db.execute(delete(kept_count).where(latest < now - _FORGOTTEN))
        row = insert_or(db, kept_count).values(name=name, lease_until=lease_until)
        claimed = row.on_conflict_do_update(
            index_elements=["name"], set_={"lease_until": lease_until},
            where=and_(*(or_(at.is_(None), at <= now) for at in (c.due_at, c.lease_until))),
        )  # fmt: skip
        is_ours = db.scalar(claimed.returning(c.name)) is not None
    return (name, lease_until) if is_ours else None


def _is_past(at: datetime | None, now: datetime) -> bool:
    return at is None or at <= now
