"""Signing in with name and password, and the limit on failed attempts."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from durhampulse.desk.people.passwords import password_fits
from durhampulse.desk.people.people import attempt_key, folded_name, open_session
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.tables import attempt, person
from durhampulse.exceptions import InputError

__all__ = ["SignIn"]

_FAILURES, _FAILURES_MINUTES = 5, 15
_PATIENCE = 10.0


class SignIn:
    """Sign-ins of a desk, serialised.

    One at a time, so that concurrent attempts cannot race past the limit, and Argon2 (64 MiB each)
    cannot exhaust the memory.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def attempt(self, store: Store, name: str, password: str, address: str) -> str | None:
        """Return a new session's token, or none where name and password do not fit.

        Raises
        ------
        InputError
            After five failures within a quarter of an hour for a name, or twenty for an address;
            or if too many others are signing in at this moment.
        """
        if not self._lock.acquire(timeout=_PATIENCE):
            raise InputError("Too many people sign in at this moment.", "Try again.")
        try:
            return _attempt(store, name, password, address)
        finally:
            self._lock.release()


def _attempt(store: Store, name: str, password: str, address: str) -> str | None:
    now = datetime.now(UTC)
    by_name, by_address = attempt_key(name), f"address {address[:60]}"
    with store.reading() as db:
        _require_few(db, by_name, _FAILURES, now)
        _require_few(db, by_address, 4 * _FAILURES, now)
        somebody = db.execute(
            select(person).where(
                func.lower(person.c.name) == folded_name(name), person.c.active.is_(True)
            )
        ).first()
    fits = password_fits(somebody.password_hash if somebody else None, password)
    with store.writing() as db:
        if somebody is None or not fits:
            db.execute(insert(attempt), [{"who": who, "at": now} for who in (by_name, by_address)])
            # What was typed may be a password, so only a name that exists is logged.
            note(db, somebody.name if somebody else "unknown name", "sign-in failed", by_address)
            return None
        db.execute(delete(attempt).where(attempt.c.who == by_name))
        db.execute(delete(attempt).where(attempt.c.at < now - timedelta(days=1)))
        note(db, somebody.name, "signed in", somebody.name)
        return open_session(db, somebody.id)


def _require_few(db: Connection, who: str, most: int, now: datetime) -> None:
    since = now - timedelta(minutes=_FAILURES_MINUTES)
    failures = select(func.count()).where(attempt.c.who == who, attempt.c.at > since)
    if (db.scalar(failures) or 0) >= most:
        raise InputError("Too many tries.", f"Wait {_FAILURES_MINUTES} minutes, or ask an admin.")
