"""The pace of work on many rows: steps so short that whoever else writes hardly waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from durhampulse.desk.store.database import Store

__all__ = ["Pace"]

_SECONDS, _SECONDS_OF_ROW_LOCKS = 0.1, 0.5
_PAUSE = 1.0  # at most, of a step's time, while others of this process wait to write
_BREATH = 0.05  # likewise, in any case: other programs write then
_GLANCE = 0.001
_FIRST, _LEAST, _MOST = 2_000, 2_000, 20_000
_LEAST_AWAITED = 500
"""While somebody waits to write: on a busy machine 2,000 rows take half a second."""


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
