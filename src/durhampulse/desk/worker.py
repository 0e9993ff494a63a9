"""The thread that checks uploads and puts them in place while pages are served."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading

from sqlalchemy.exc import DBAPIError

from durhampulse.desk.catalogue import Catalogue
from durhampulse.desk.intake import Lost, apply, check, next_job
from durhampulse.desk.store.database import Store

__all__ = ["Worker"]

_log = logging.getLogger("durhampulse")
_EVERY = 0.5


class Worker:
    """Does what waits, one upload after another, until stopped."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store, self._catalogue = store, catalogue
        self._name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._stop, self._wake = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, or begin again."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="uploads", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look for work now."""
        self._wake.set()

    def stop(self) -> None:
        """End after the chunk under way; what is left goes on at the next start."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def work(self) -> bool:
        """Do one piece of work; tell whether there was any."""
        job = next_job(self._store, self._name)
        if job is None:
            return False
        number, state = job
        try:
            if state == "checking":
                check(self._store, self._catalogue, number, self._name, self._stop)
            else:
                apply(self._store, self._catalogue, number)
        except Lost:
            _log.info("Upload %d goes on elsewhere.", number)
        return True

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                busy = self.work()
            except DBAPIError as error:  # the database restarts: try again
                _log.warning("The store does not answer: %s", type(error.orig).__name__)
                busy = False
            if not busy:
                self._wake.wait(_EVERY)
                self._wake.clear()
