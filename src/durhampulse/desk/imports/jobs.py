"""Uploads as jobs: which worker has one, for how long, and what becomes of those given up."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, or_, select, update

from durhampulse.desk.store.database import AWAY, Store
from durhampulse.desk.store.tables import upload

__all__ = ["Job", "Lost", "give_up", "hold", "leased", "next_job"]

_LEASE = timedelta(seconds=20)
_MOST_TRIES = 10


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
    """Take an upload that waits to be checked or put in place, and that nobody works on.

    One that ended its workers again and again is given up, so that others get their turn.
    """
    u, now = upload.c, datetime.now(UTC)
    free = or_(u.lease_until.is_(None), u.lease_until < now)
    waiting = select(u.id, u.state, u.tries).where(u.state.in_(("checking", "applying")), free)
    with store.reading() as db:
        if db.execute(waiting.limit(1)).first() is None:
            return None
    with store.writing() as db:
        found = db.execute(waiting.order_by(u.id).limit(1)).first()
        if found is None:
            return None
        taken = update(upload).where(u.id == found.id, free)
        values = {"worker": worker, "lease_until": now + _LEASE, "tries": u.tries + 1}
        if not db.execute(taken.values(**values)).rowcount:
            return None
    job = Job(found.id, found.state, worker)
    if found.tries < _MOST_TRIES:
        return job
    give_up(store, job, f"This was begun {found.tries} times and never came to an end.",
            "See why in the server's log: memory or disk may be full.")  # fmt: skip
    return next_job(store, worker)


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
        db.execute(mine.values(problem=problem, way_out=way_out, lease_until=None, tries=0, **back))
