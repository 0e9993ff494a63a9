"""The pace of work on many rows: steps so short that whoever else writes hardly waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from durhampulse.desk.store.database import Store

__all__ = ["Pace", "Sparing"]

_SECONDS, _SECONDS_OF_ROW_LOCKS = 0.1, 0.5
_PAUSE = 1.0  # at most, of a step's time, while others of this process wait to write
_BREATH = 0.05  # likewise, in any case: other programs write then
_GLANCE = 0.001
_FIRST, _LEAST, _MOST = 2_000, 2_000, 20_000
_LEAST_AWAITED = 500
"""While somebody waits to write: on a busy machine 2,000 rows take half a second."""
_REST = 50
T = TypeVar("T")


class Pace:
    """The number of rows of a step, from how long the steps before took.

    In SQLite a step keeps all who write waiting, in PostgreSQL those who write the same rows.

    Parameters
    ----------
    store
        Where the work is done.

    Attributes
    ----------
    size
        Of the next step.
    """

    def __init__(self, store: Store) -> None:
        self.size = _FIRST
        self._store, self._took = store, 0.0
        self._wanted = _SECONDS if store.is_sqlite else _SECONDS_OF_ROW_LOCKS

    @contextmanager
    def step(self) -> Iterator[int]:
        """Take a step of the size that is given; the next takes about as long as one should."""
        start = time.monotonic()
        yield self.size
        self._took = time.monotonic() - start
        wanted = self.size * min(2.0, max(0.5, self._wanted / max(self._took, 1e-3)))
        least = _LEAST_AWAITED if self._store.others_wait else _LEAST
        self.size = min(max(int(wanted), least), _MOST)

    def pause(self) -> None:
        """Let others write: those of this process who wait, and for a moment other programs."""
        self._store.fold_long_log()
        end = time.monotonic() + _PAUSE * self._took
        time.sleep(_BREATH * self._took)
        while self._store.others_wait and time.monotonic() < end:
            time.sleep(_GLANCE)


class Sparing(Generic[T]):
    """Cache of counts of a long list, counted anew after fifty times as long as counting took.

    Parameters
    ----------
    few
        Whether a value is of so few creators that it is counted each time.
    """

    def __init__(self, few: Callable[[T], bool]) -> None:
        self._few, self._lock = few, threading.Lock()
        self._kept: tuple[Hashable, float, T] | None = None

    def of(self, key: Hashable, count: Callable[[], T]) -> T:
        """Return what is counted, as of a moment ago; whoever asks meanwhile gets the former one.

        Parameters
        ----------
        key
            What it depends on besides the list; with another one nothing former is given.
        count
            Counts it.
        """
        kept = self._kept
        if kept is not None and kept[0] == key:
            if time.monotonic() < kept[1] or not self._lock.acquire(blocking=False):
                return kept[2]
        else:
            self._lock.acquire()
        try:
            return self._count(key, count)
        finally:
            self._lock.release()

    def _count(self, key: Hashable, count: Callable[[], T]) -> T:
        """Return what is counted now, or was by whoever had the lock before."""
        kept, start = self._kept, time.monotonic()
        if kept is not None and kept[0] == key and start < kept[1]:
            return kept[2]
        value = count()
        end = time.monotonic()
        rest = 0.0 if self._few(value) else _REST * (end - start)
        self._kept = key, end + rest, value
        return value
