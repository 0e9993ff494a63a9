"""Work that a thread looks for again and again, while the store comes and goes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from durhampulse.desk.store.database import AWAY

__all__ = ["poll"]

_log = logging.getLogger("durhampulse")


def poll(work: Callable[[], object], wait: Callable[[], object], stop: threading.Event) -> None:
    """Return once `stop` is set, having worked until then, and waited where there was no work.

    An error does not end the thread. It is logged, though of rounds that fail alike one after the
    other only the first is: a store that is away for a night would fill the disk with lines.

    Parameters
    ----------
    work
        Does one piece of work and returns something true, or finds none.
    wait
        Waits until it is worth looking again.
    """
    failed: object = None
    while not stop.is_set():
        try:
            busy = bool(work())
        except Exception as error:  # noqa: BLE001 - logged: without the thread nothing would go on
            kind = AWAY if isinstance(error, AWAY) else type(error)
            if kind is not failed:
                _report(error)
            busy, failed = False, kind
        else:
            if failed:
                _log.warning("%s: it goes on.", threading.current_thread().name)
            failed = None
        if not busy:
            wait()


def _report(error: Exception) -> None:
    name = threading.current_thread().name
    if isinstance(error, AWAY):
        _log.warning("%s: the store does not answer: %s", name, error.__cause__ or error)
    else:
        _log.error("%s: tried again after an error.", name, exc_info=error)
