"""The thread that does the long work while pages are served: uploads, and changes of model."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from dataclasses import dataclass

from durhampulse.desk.catalogue import Catalogue, activate
from durhampulse.desk.intake import Lost, apply, check, next_job
from durhampulse.desk.store.database import AWAY, Store
from durhampulse.exceptions import DurhamPulseError, InputError

__all__ = ["Activation", "Worker"]

_log = logging.getLogger("durhampulse")
_EVERY = 0.5


@dataclass
class Activation:
    """A model on its way to decide.

    Attributes
    ----------
    version, by
        Which, and who wants it.
    share
        Of the creators scored so far, 0 to 1.
    creators
        Number scored; none until it decides.
    problem
        Why it does not come to decide.
    """

    version: str
    by: str
    share: float = 0.0
    creators: int | None = None
    problem: str = ""

    @property
    def under_way(self) -> bool:
        """Whether it is neither done nor given up."""
        return self.creators is None and not self.problem

    def reach(self, share: float) -> None:
        """Note how far it is."""
        self.share = share


class Worker:
    """Does what waits, one piece after another, until stopped.

    Attributes
    ----------
    activation
        The latest change of model this server was asked for. One that is under way when the
        server ends has changed nothing, and is asked for again.
    """

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store, self._catalogue = store, catalogue
        self._name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._stop, self._wake = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self.activation: Activation | None = None

    def start(self) -> None:
        """Begin, or begin again."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="uploads", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look for work now."""
        self._wake.set()

    def activate(self, version: str, by: str) -> None:
        """Let another model decide as soon as all creators are scored with it.

        Raises
        ------
        InputError
            If there is no such model, or another change is under way.
        """
        if self.activation is not None and self.activation.under_way:
            raise InputError("Another model is being activated.", "Wait until it decides.")
        with self._store.reading() as db:
            self._catalogue.scorer(db, version)
        self.activation = Activation(version, by)
        self.wake()

    def stop(self) -> None:
        """End after the chunk under way; what is left goes on at the next start."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def work(self) -> bool:
        """Do one piece of work; tell whether there was any."""
        if self.activation is not None and self.activation.under_way:
            self._activate(self.activation)
            return True
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

    def _activate(self, wanted: Activation) -> None:
        try:
            wanted.creators = activate(
                self._store, self._catalogue, wanted.version, wanted.by, wanted.reach
            )
        except AWAY:
            raise  # tried again
        except DurhamPulseError as error:
            wanted.problem = f"{error.problem} {error.way_out}"
        except Exception:  # noqa: BLE001 - whatever is wrong with it, uploads wait
            _log.exception("Model %s cannot be activated.", wanted.version)
            wanted.problem = "The creators could not be scored with it; the server's log says why."

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                busy = self.work()
            except AWAY as error:
                _log.warning("The store does not answer: %s", type(error).__name__)
                busy = False
            except Exception:  # noqa: BLE001 - whatever one upload does, the next ones are read
                _log.exception("A piece of work failed; others go on, this one is tried again.")
                busy = False
            if not busy:
                self._wake.wait(_EVERY)
                self._wake.clear()
