"""The worker thread: imports, activations and work on many creators, while pages are served."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from durhampulse.desk.imports.activation import Activation, Board
from durhampulse.desk.imports.checking import check
from durhampulse.desk.imports.intake import apply, unstage
from durhampulse.desk.imports.jobs import Job, LeaseLostError, give_up, next_job
from durhampulse.desk.imports.understanding import understand_next
from durhampulse.desk.imports.undoing import undo_import
from durhampulse.desk.imports.uploaded import clear_orphans
from durhampulse.desk.models.catalogue import Catalogue, activate, prepare
from durhampulse.desk.review.bulk import (
    BulkJob,
    BulkLostError,
    give_up_bulk,
    next_bulk,
    run_bulk,
)
from durhampulse.desk.store import clock
from durhampulse.desk.store.acts import resume_undo, undos_under_way
from durhampulse.desk.store.database import AWAY, Store
from durhampulse.desk.store.polling import poll
from durhampulse.desk.store.space import shortage_of
from durhampulse.desk.store.traces import remove_waiting_traces
from durhampulse.exceptions import DurhamPulseError, InputError
from durhampulse.service.logs import at_work_on

__all__ = ["Worker"]

_log = logging.getLogger("durhampulse")
_EVERY = 0.5
_TRACES_EVERY = timedelta(minutes=1)


class Worker:
    """A thread that works through activations, bulk work and uploads, one at a time.

    Parameters
    ----------
    store, catalogue
        Those of the desk.
    folder
        Where uploads lie; orphans in it are deleted.
    board
        Where the processes of the desk show activations.

    Attributes
    ----------
    activation
        The latest change of model this process was asked for. One that is under way when the
        process ends has changed nothing, and is asked for again.
    """

    def __init__(
        self, store: Store, catalogue: Catalogue, folder: Path | None = None, *,
        board: Board | None = None,
    ) -> None:  # fmt: skip
        self._store, self._catalogue, self._folder = store, catalogue, folder
        self._board = board or Board()
        self._name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._stop, self._wake = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self.activation: Activation | None = None
        self._after_import: Callable[[], None] | None = None
        self._failed: set[int] = set()
        self._odd: set[int] = set()
        self._traces_at = clock.now()

    def start(self, after_import: Callable[[], None] | None = None) -> None:
        """Start the thread, or start it again once it has come to its end.

        Parameters
        ----------
        after_import
            Called by the thread after each import that it was to put in place.
        """
        self.stop()
        self._after_import = after_import
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="uploads", daemon=True)
        self._thread.start()

    def wake(self, job: str) -> None:
        """Look for work at once, rather than at the next poll.

        Parameters
        ----------
        job
            What a request has ordered, such as "upload 7": the log names both in one line.
        """
        _log.info("Ordered: %s.", job, extra={"fields": {"job": job}})
        self._wake.set()

    def activate(self, version: str, by: str, *, only_preview: bool = False) -> None:
        """Queue the activation of a model, or what it would change.

        Raises
        ------
        InputError
            If there is no such model, or another change is under way.
        """
        latest = self.latest_activation()
        if latest is not None and latest.under_way:
            raise InputError("Another model is being activated.", "Wait until it decides.")
        with self._store.reading() as db:
            self._catalogue.scorer(db, version)
        self.activation = Activation(
            version=version, by=by, process=os.getpid(), only_previews=only_preview
        )
        self._board.put(self.activation)
        self.wake(f"activation {version}")

    def latest_activation(self) -> Activation | None:
        """Return a copy of the latest change of model that the desk was asked for."""
        return self._board.latest()

    def stop(self) -> None:
        """Stop after the current chunk; the rest resumes at the next start."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def work(self) -> bool:
        """Do one piece of work; return whether there was any."""
        wanted = self.activation
        piece: Activation | BulkJob | Job | None
        if wanted is not None and wanted.under_way:
            piece = wanted
        else:
            piece = next_bulk(self._store, self._name) or next_job(self._store, self._name)
        if piece is None:
            self._remove_traces()
            return understand_next(self._store, self._catalogue, self._odd) or self._undo_next()
        with at_work_on(_name_of(piece)):
            self._work_on(piece)
        if isinstance(piece, Activation):
            self._board.put(piece)
        elif self._after_import and isinstance(piece, Job) and piece.state == "applying":
            self._after_import()
        return True

    def _work_on(self, piece: Activation | BulkJob | Job) -> None:
        start = time.perf_counter()
        try:
            self._do(piece)
            _log.info("Done in %.1f s.", time.perf_counter() - start)
        except (BulkLostError, LeaseLostError):
            _log.info("It goes on elsewhere.")
        except AWAY as error:
            if not shortage_of(error):
                raise  # retried when the store answers
            self._stop_for_room(piece, error)
        except DurhamPulseError as error:
            _log.info("It cannot be done; its page says why.")  # which may name somebody
            self._give_up(piece, error.problem, error.way_out)
        except Exception as error:  # noqa: BLE001 - logged; the worker goes on with others' uploads
            if shortage_of(error):
                self._stop_for_room(piece, error)
                return
            _log.exception("It failed.")
            self._give_up(piece, "This failed; the server's log says why.", "Nothing was changed.")

    def _remove_traces(self) -> None:
        """Remove what an erasure or an import has left: others read, or the disk failed."""
        if self._store.is_unscrubbed:
            self._store.scrub()
        if clock.now() >= self._traces_at:
            self._traces_at = clock.now() + _TRACES_EVERY
            remove_waiting_traces(self._store)
            if self._folder is not None:
                clear_orphans(self._store, self._folder)

    def _stop_for_room(self, piece: Activation | BulkJob | Job, error: Exception) -> None:
        """End work for which the disk has no room; what it has staged so far is removed."""
        _log.error("%s", error)
        self._give_up(piece, shortage_of(error), "Make room there, then start it again.")
        if isinstance(piece, Job) and piece.state == "checking":
            unstage(self._store, piece.id)

    def _do(self, piece: Activation | BulkJob | Job) -> None:
        if isinstance(piece, Activation):
            change = prepare if piece.only_previews else activate
            reach = partial(self._reach, piece)
            scored = change(self._store, self._catalogue, piece.version, piece.by, reach)
            piece.ended_at, piece.creators = clock.now(), scored
        elif isinstance(piece, BulkJob):
            run_bulk(self._store, self._catalogue, piece, self._stop)
        elif piece.state == "checking":
            check(self._store, self._catalogue, piece, self._stop)
        elif piece.state == "undoing":
            undo_import(self._store, self._catalogue, piece.id, self._stop)
        else:
            apply(self._store, self._catalogue, piece.id)

    def _reach(self, activation: Activation, share: float) -> None:
        activation.share = share
        self._board.put(activation)

    def _undo_next(self) -> bool:
        """Go on with the undo of an act; return whether one waited."""
        with self._store.reading() as db:
            waiting = undos_under_way(db)
        waiting = [number for number in waiting if number not in self._failed]
        for number in waiting[:1]:
            try:
                resume_undo(self._store, number, self._stop)
            except AWAY:
                raise
            except Exception:  # noqa: BLE001 - logged; tried again at the next start
                _log.exception("The undo of act %s failed.", number)
                self._failed.add(number)
        return bool(waiting)

    def _give_up(self, piece: Activation | BulkJob | Job, problem: str, way_out: str) -> None:
        if isinstance(piece, Activation):
            piece.problem = f"{problem} {way_out}"
        elif isinstance(piece, BulkJob):
            give_up_bulk(self._store, piece, problem)
        else:
            give_up(self._store, piece, problem, way_out)

    def _run(self) -> None:
        poll(self.work, self._wait, self._stop)

    def _wait(self) -> None:
        self._wake.wait(_EVERY)
        self._wake.clear()


def _name_of(piece: Activation | BulkJob | Job) -> str:
    """Return what the log calls a piece of work, as where it was ordered."""
    if isinstance(piece, Activation):
        return f"activation {piece.version}"
    return f"{'bulk' if isinstance(piece, BulkJob) else 'upload'} {piece.id}"
