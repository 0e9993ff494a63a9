"""The thread that sends what waits: in order, again after a failure, and at last not any more."""

from __future__ import annotations

import http.client
import os
import secrets
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, or_, select, update

from durhampulse.desk.hooks.endpoints import FAILING, ON, secrets_of
from durhampulse.desk.hooks.signing import body_of, headers_of
from durhampulse.desk.hooks.target import RefusedError, post
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.outbox import OFF
from durhampulse.desk.store.polling import poll
from durhampulse.desk.store.tables import UNSENT, creator, delivery, hook, outcome, review

__all__ = ["KEPT_DAYS", "MOST_TRIES", "Sender", "sweep_deliveries", "wait_after"]

MOST_TRIES = 12
KEPT_DAYS = 30
_EVERY = 1.0
_SWEEP_EVERY = timedelta(hours=1)
_LEASE = timedelta(seconds=60)
_AT_ONCE = 50
_TURN_SECONDS = 20.0
"""After which an endpoint's other messages wait until the others have had their turn."""
_LONGEST_PROBLEM = 200
_FIRST, _LONGEST = 5.0, 3600.0


def wait_after(tries: int) -> timedelta:
    """Return how long after a number of failures the next try is made.

    Examples
    --------
    >>> [wait_after(tries).total_seconds() for tries in (1, 2, 3, 10, 11, 12)]
    [5.0, 10.0, 20.0, 2560.0, 3600.0, 3600.0]
    """
    return timedelta(seconds=min(_FIRST * 2 ** (tries - 1), _LONGEST))


class Sender:
    """A thread that sends waiting messages, each endpoint's one after the other.

    An endpoint is leased to one process, so that several may serve one store. A message is marked
    as sent after its answer: where a process ends in between, it is sent once more, under the same
    identifier.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._swept = clock.now() - _SWEEP_EVERY

    def start(self) -> None:
        """Start the thread, or start it again once it has come to its end."""
        self.stop()
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the messages that are under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def work(self) -> int:
        """Send what is due; return how many messages arrived."""
        if clock.now() - self._swept >= _SWEEP_EVERY:
            sweep_deliveries(self._store)
            self._swept = clock.now()
        with self._store.reading() as db:
            numbers = db.scalars(select(hook.c.id).where(*_due(), _waits().exists())).all()
        if not numbers:
            return 0
        with ThreadPoolExecutor(len(numbers)) as pool:  # a slow endpoint holds up no other
            return sum(pool.map(self._send_some, numbers))

    def _send_some(self, number: int) -> int:
        """Send an endpoint's messages until one fails or its turn ends; return how many arrived."""
        with self._store.writing() as db:
            taken = update(hook).where(hook.c.id == number, *_due())
            values = {"worker": self._name, "lease_until": clock.now() + _LEASE}
            if not db.execute(taken.values(**values)).rowcount:
                return 0
            rows = _next(db, number)
        sent, end = 0, time.monotonic() + _TURN_SECONDS
        for message in rows:
            with self._store.reading() as db:  # it may be off by now, or a creator erased
                row = db.execute(
                    select(hook).where(*self._mine(number), hook.c.state == ON)
                ).first()
                signed = secrets_of(db, row) if row else ()
                waits = db.scalar(select(delivery.c.id).where(delivery.c.id == message.id, UNSENT))
            if row is None or self._stop.is_set():
                break
            if waits is None:
                continue
            if not self._send(row, message, signed):
                break
            sent += 1
            if time.monotonic() >= end:
                break
        with self._store.writing() as db:
            db.execute(update(hook).where(*self._mine(number)).values(lease_until=None))
        return sent

    def _mine(self, number: int) -> tuple[Any, ...]:
        """Return the conditions on an endpoint that this process holds the lease of."""
        return (hook.c.id == number, hook.c.worker == self._name)

    def _send(self, to: Row[Any], message: Row[Any], signed: Sequence[str]) -> bool:
        """Send a message and write down what came of it; return whether it arrived."""
        body, at = body_of(message), int(clock.now().timestamp())
        headers = headers_of(signed, f"msg_{to.name}_{message.id}", at, body)
        try:
            status = post(to.url, body, headers, private=to.private)
            problem = "" if 200 <= status < 300 else f"The answer was {status}."
        except (OSError, http.client.HTTPException, RefusedError) as error:
            status, problem = 0, f"No answer: {_words_of(error)}"
        with self._store.writing() as db:
            held = update(hook).where(*self._mine(to.id)).values(lease_until=clock.now() + _LEASE)
            if not db.execute(held).rowcount:  # another process took over meanwhile
                return False
            if not problem:
                _arrived(db, to.id, message.id)
            else:
                _failed(db, to.id, message.id, problem[:_LONGEST_PROBLEM], gone=status == 410)
        return not problem

    def _run(self) -> None:
        poll(self.work, lambda: self._stop.wait(_EVERY), self._stop)


def _due() -> tuple[Any, ...]:
    """Return the conditions on endpoints to which something may be sent now."""
    now, h = clock.now(), hook.c
    free = or_(h.lease_until.is_(None), h.lease_until < now)
    return (h.state == ON, h.next_at <= now, free)


def _waits() -> Any:
    d = delivery.c
    return select(d.id).where(d.hook_id == hook.c.id, UNSENT, d.next_at <= clock.now())


def _next(db: Connection, number: int) -> Sequence[Row[Any]]:
    """Return messages to send with what they say; of each creator only the earliest."""
    d, earlier = delivery.c, delivery.alias("earlier")
    before = (
        select(earlier.c.id)
        .where(
            earlier.c.hook_id == d.hook_id, earlier.c.creator_id == d.creator_id,
            earlier.c.id < d.id, earlier.c.sent_at.is_(None), earlier.c.given_up_at.is_(None),
        )
        .exists()
    )  # fmt: skip
    decides = d.kind.startswith("decision.")
    query = (
        select(delivery, creator.c.external_id, review.c.decision, outcome.c.deal, outcome.c.on)
        .join(creator, creator.c.id == d.creator_id)
        .join(review, (review.c.id == d.source_id) & decides, isouter=True)
        .join(outcome, (outcome.c.id == d.source_id) & ~decides, isouter=True)
        .where(d.hook_id == number, UNSENT, d.next_at <= clock.now(), ~before)
        .order_by(d.tries, d.id)  # one that is never taken does not stand before the others
        .limit(_AT_ONCE)
    )
    return db.execute(query).all()


def _arrived(db: Connection, hook_id: int, number: int) -> None:
    db.execute(update(hook).where(hook.c.id == hook_id).values(failures=0, problem=""))
    done = update(delivery).where(delivery.c.id == number)
    db.execute(done.values(sent_at=clock.now(), problem="", tries=delivery.c.tries + 1))


def _failed(db: Connection, hook_id: int, number: int, problem: str, *, gone: bool) -> None:
    """Put a message off, or give it or its endpoint up, visibly."""
    now = clock.now()
    row = db.execute(select(hook).where(hook.c.id == hook_id)).one()
    tries = db.scalar(select(delivery.c.tries).where(delivery.c.id == number))
    if tries is None:  # its creator was erased meanwhile
        return
    tries, failures = tries + 1, row.failures + 1
    state = OFF if gone else FAILING if failures >= MOST_TRIES else row.state
    values = {"failures": failures, "next_at": now + wait_after(failures), "problem": problem}
    db.execute(update(hook).where(hook.c.id == hook_id).values(state=state, **values))
    put_off = {"tries": tries, "next_at": now + wait_after(tries), "problem": problem}
    if state != row.state:
        note(db, "desk", f"webhook {state}", f"webhook {hook_id}", {"problem": problem})
    elif tries >= MOST_TRIES:  # others arrive: this message alone is not taken
        put_off["given_up_at"] = now
        note(db, "desk", "webhook message given up", f"webhook {hook_id}", {"delivery": number})
    db.execute(update(delivery).where(delivery.c.id == number).values(**put_off))


def sweep_deliveries(store: Store) -> int:
    """Delete messages of more than 30 days ago; return how many. Those never sent are noted."""
    old = delivery.c.at < clock.now() - timedelta(days=KEPT_DAYS)
    with store.reading() as db:
        if db.scalar(select(delivery.c.id).where(old).limit(1)) is None:
            return 0
    with store.writing() as db:
        lost = select(delivery.c.hook_id, func.count()).where(old, delivery.c.sent_at.is_(None))
        for number, n in db.execute(lost.group_by(delivery.c.hook_id)).all():
            note(db, "desk", "webhook messages dropped", f"webhook {number}", {"messages": n})
        return db.execute(delete(delivery).where(old)).rowcount


def _words_of(error: Exception) -> str:
    """Return what went wrong, without the number that a system gives it.

    Examples
    --------
    >>> _words_of(OSError(-2, "Name or service not known")), _words_of(TimeoutError())
    ('Name or service not known', 'TimeoutError')
    """
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
