"""Signing in with name and password, and the limit on failed attempts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from durhampulse.desk.people.passwords import password_fits
from durhampulse.desk.people.people import Principal, attempt_key, folded_name
from durhampulse.desk.people.sessions import SessionLimits, confirm_session, open_session
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

    Parameters
    ----------
    limits
        When the sessions end that are opened.
    """

    def __init__(self, limits: SessionLimits | None = None) -> None:
        self.limits = limits or SessionLimits()
        self._lock = threading.Lock()

    def attempt(
        self, store: Store, name: str, password: str, address: str,
        *, browser: str = "", earlier: str = "",
    ) -> str | None:  # fmt: skip
        """Return a new session's token, or none where name and password do not fit.

        Parameters
        ----------
        store
            The desk's store.
        name, password
            As they were typed.
        address
            Where from.
        browser, earlier
            As of :func:`open_session`.

        Raises
        ------
        InputError
            After five failures within a quarter of an hour for a name, or twenty for an address;
            or if too many others are signing in at this moment.
        """
        with self._turn():
            number = _attempt(store, name, password, address)
            if number is None:
                return None
            with store.writing() as db:
                return open_session(db, number, self.limits, browser, earlier)

    def confirm(self, store: Store, who: Principal, password: str) -> str | None:
        """Return the new token of a session, or none where the password is not its person's.

        Raises
        ------
        InputError
            After five failures within a quarter of an hour for a session; or if too many others
            are signing in at this moment.
        """
        counter = f"session {who.session.number}"
        with self._turn():
            with store.reading() as db:
                _require_few(db, counter, _FAILURES, datetime.now(UTC))
                stored = db.scalar(select(person.c.password_hash).where(person.c.id == who.id))
            fits = password_fits(stored, password)
            with store.writing() as db:
                if fits:
                    return confirm_session(db, who.session.number)
                db.execute(insert(attempt).values(who=counter, at=datetime.now(UTC)))
                note(db, who.name, "password not confirmed", who.name)
                return None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=_PATIENCE):
            raise InputError("Too many people sign in at this moment.", "Try again.")
        try:
            yield
        finally:
            self._lock.release()


def _attempt(store: Store, name: str, password: str, address: str) -> int | None:
    """Return the number of the person whose name and password fit."""
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
        return int(somebody.id)


def _require_few(db: Connection, who: str, most: int, now: datetime) -> None:
    since = now - timedelta(minutes=_FAILURES_MINUTES)
    failures = select(func.count()).where(attempt.c.who == who, attempt.c.at > since)
    if (db.scalar(failures) or 0) >= most:
        raise InputError("Too many tries.", f"Wait {_FAILURES_MINUTES} minutes, or ask an admin.")
