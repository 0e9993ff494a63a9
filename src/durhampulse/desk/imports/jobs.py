"""Uploads as jobs: leases of workers, retries, and jobs given up after too many crashes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, or_, select, update

from durhampulse.desk.store import clock
from durhampulse.desk.store.database import AWAY, Store
from durhampulse.desk.store.tables import act, run, upload

__all__ = ["LEASE", "Job", "LeaseLostError", "extend_lease", "give_up", "keep_lease", "next_job"]

LEASE = timedelta(seconds=20)
_MOST_TRIES = 10


class LeaseLostError(Exception):
    """The lease on an upload is lost: another worker has it, or it was discarded."""


@dataclass(frozen=True)
class Job:
    """An upload that a worker holds the lease of.

    Attributes
    ----------
    id
        Its number.
    state
        What is done with it: "checking", "applying" or "undoing".
    worker
        Name of the worker.
    """

    id: int
    state: str
    worker: str


def next_job(store: Store, worker: str) -> Job | None:
    """Return the next upload to work on, leased to a worker; none if none waits.

    An upload that crashed its workers ten times is given up, so that the next one is not starved.
    """
    u, now = upload.c, clock.now()
    free = or_(u.lease_until.is_(None), u.lease_until < now)
    waiting = select(u.id, u.state, u.tries).where(
        u.state.in_(("checking", "applying", "undoing")), free
    )
    with store.reading() as db:
        if db.execute(waiting.limit(1)).first() is None:
            return None
    with store.writing() as db:
        row = db.execute(waiting.order_by(u.id).limit(1)).first()
        if row is None:
            return None
        taken = update(upload).where(u.id == row.id, free)
        values = {"worker": worker, "lease_until": now + LEASE, "tries": u.tries + 1}
        if not db.execute(taken.values(**values)).rowcount:
            return None
    job = Job(row.id, row.state, worker)
    if row.tries < _MOST_TRIES:
        return job
    give_up(store, job, f"This was begun {row.tries} times and never came to an end.",
            "See why in the server's log: memory or disk may be full.")  # fmt: skip
    return next_job(store, worker)


@contextlib.contextmanager
def keep_lease(store: Store, job: Job) -> Iterator[None]:
    """Renew the lease in a thread for as long as the context is open."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(LEASE.total_seconds() / 4):
            with contextlib.suppress(LeaseLostError, MemoryError, *AWAY), store.writing() as db:
                extend_lease(db, job)

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def extend_lease(db: Connection, job: Job, **values: Any) -> None:
    """Change an upload and renew its lease, in one statement.

    Raises
    ------
    LeaseLostError
        If the worker no longer holds the lease.
    """
    mine = update(upload).where(
        upload.c.id == job.id, upload.c.worker == job.worker, upload.c.state == "checking"
    )
    until = clock.now() + LEASE
    if db.execute(mine.values(lease_until=until, **values)).rowcount != 1:
        raise LeaseLostError(job.id)


def give_up(store: Store, job: Job, problem: str, way_out: str) -> None:
    """Return an upload to the person who sent it, with the problem.

    Nothing of an import is in place then, or all of it. An undo that was given up has not happened:
    nobody has undone its act, and whoever asks for it again goes on where it was.
    """
    back = (
        {"state": "new", "model_version": None, "chunks_done": 0}
        if job.state == "checking"
        else {"state": "checked" if job.state == "applying" else "done"}
    )
    mine = update(upload).where(
        upload.c.id == job.id, upload.c.worker == job.worker, upload.c.state == job.state
    )
    with store.writing() as db:
        values = {"problem": problem, "way_out": way_out, "lease_until": None, "tries": 0, **back}
        if db.execute(mine.values(**values)).rowcount and job.state == "undoing":
            runs = select(run.c.id).where(run.c.upload_id == job.id)
            undone = update(act).where(act.c.run_id.in_(runs), act.c.undone_at.is_(None))
            db.execute(undone.values(undone_by=None))
