"""Uploads as jobs: which worker has one, for how long, and what becomes of those given up."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, or_, select, update

from durhampulse.desk.store.database import AWAY, Store
from durhampulse.desk.store.tables import upload

__all__ = ["Job", "Lost", "give_up", "hold", "leased", "next_job"]

_LEASE = timedelta(seconds=20)


class Lost(Exception):  # noqa: N818 - no error: somebody else does the work
    """Another worker has taken the upload over, or somebody has discarded it."""


@dataclass(frozen=True)
class Job:
    """An upload that a worker has.

    Attributes
    ----------
    id
        Its number.
    state
        What is done with it: "checking" or "applying".
    worker
        Who does it.
    """

    id: int
    state: str
    worker: str


def next_job(store: Store, worker: str) -> Job | None:
    """Take an upload that waits to be checked or put in place, and that nobody works on."""
    now = datetime.now(UTC)
    free = or_(upload.c.lease_until.is_(None), upload.c.lease_until < now)
    waiting = upload.c.state.in_(("checking", "applying"))
    with store.reading() as db:
        if db.scalar(select(func.count()).where(waiting, free)) == 0:
            return None
    with store.writing() as db:
        found = db.execute(
            select(upload.c.id, upload.c.state).where(waiting, free).order_by(upload.c.id).limit(1)
        ).first()
        if found is None:
            return None
        taken = update(upload).where(upload.c.id == found.id, free)
        if not db.execute(taken.values(worker=worker, lease_until=now + _LEASE)).rowcount:
            return None
    return Job(found.id, found.state, worker)


@contextlib.contextmanager
def leased(store: Store, job: Job) -> Iterator[None]:
    """Keep an upload from other workers, however long a part of the work takes."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(_LEASE.total_seconds() / 4):
            with contextlib.suppress(Lost, *AWAY), store.writing() as db:
                hold(db, job)

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def hold(db: Connection, job: Job, **values: Any) -> None:
    """Change an upload this worker has, and keep it a while longer."""
    mine = update(upload).where(
        upload.c.id == job.id, upload.c.worker == job.worker, upload.c.state == "checking"
    )
    until = datetime.now(UTC) + _LEASE
    if db.execute(mine.values(lease_until=until, **values)).rowcount != 1:
        raise Lost(job.id)


def give_up(store: Store, job: Job, problem: str, way_out: str) -> None:
    """Say to whoever brought an upload why it does not get on; nothing of it is in place."""
    back = (
        {"state": "new", "model_version": None, "chunks_done": 0}
        if job.state == "checking"
        else {"state": "checked"}
    )
    mine = update(upload).where(
        upload.c.id == job.id, upload.c.worker == job.worker, upload.c.state == job.state
    )
    with store.writing() as db:
        db.execute(mine.values(problem=problem, way_out=way_out, lease_until=None, **back))
