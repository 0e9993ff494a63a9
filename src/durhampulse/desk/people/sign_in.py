"""Signing in with name and password, and the limits on failed attempts."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, select

from durhampulse.desk.people.devices import is_known_device
from durhampulse.desk.people.passwords import password_fits
from durhampulse.desk.people.people import (
    Principal,
    attempt_key,
    digest_of_token,
    folded_name,
)
from durhampulse.desk.people.sessions import SessionLimits, confirm_session, open_session
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.tables import attempt, person
from durhampulse.exceptions import InputError

__all__ = ["SignIn", "count_attempt", "network_of"]

_FAILURES, _FAILURES_MINUTES = 5, 15
_OF_ADDRESS, _OF_NAME = 4 * _FAILURES, 10 * _FAILURES
_PATIENCE = 10.0
_COUNTING = 0x64705F7369676E  # the lock under which PostgreSQL counts attempts


class SignIn:
    """Sign-ins of a desk.

    Each attempt is counted before its password is compared, so concurrent ones cannot race past
    the limit, in one process or several. In a process they come one at a time, so Argon2 (64 MiB
    each) cannot exhaust the memory.

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
        *, browser: str = "", earlier: str = "", device: str = "",
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
        device
            The token by which the browser is known, if it is.

        Raises
        ------
        InputError
            After five failures within a quarter of an hour for a name from one address, twenty
            for an address, fifty for a name; for a known browser after five of its own, and
            whatever others have tried. Or if too many others are signing in at this moment.
        """
        with self._turn():
            number = _attempt(store, name, password, address, device)
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
        with self._turn():
            with store.writing() as db:
                counted = count_attempt(db, {f"session {who.session.number}": _FAILURES})
                stored = db.scalar(select(person.c.password_hash).where(person.c.id == who.id))
            fits = password_fits(stored, password)
            with store.writing() as db:
                if fits:
                    db.execute(delete(attempt).where(attempt.c.id.in_(counted)))
                    return confirm_session(db, who.session.number)
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


def _attempt(store: Store, name: str, password: str, address: str, device: str) -> int | None:
    """Return the number of the person whose name and password fit."""
    with store.writing() as db:
        somebody = db.execute(
            select(person).where(
                func.lower(person.c.name) == folded_name(name), person.c.active.is_(True)
            )
        ).first()
        known = is_known_device(db, somebody.id if somebody else None, device)
        counters = _counters(name, address, device if known else "")
        counted = count_attempt(db, counters)
    fits = password_fits(somebody.password_hash if somebody else None, password)
    with store.writing() as db:
        if somebody is None or not fits:
            # What was typed may be a password, so only a name that exists is logged.
            who = somebody.name if somebody else "unknown name"
            note(db, who, "sign-in failed", who, {"known browser": known})
            return None
        forgiven = attempt.c.id.in_(counted) | (attempt.c.who == next(iter(counters)))
        db.execute(delete(attempt).where(forgiven))
        note(db, somebody.name, "signed in", somebody.name)
        return int(somebody.id)


def _counters(name: str, address: str, device: str) -> Mapping[str, int]:
    """Return what counts an attempt, and up to how many failures; the narrowest first."""
    if device:
        return {f"device {digest_of_token(device)}": _FAILURES}
    place = network_of(address)
    return {
        f"{attempt_key(name)} from {place}": _FAILURES,
        f"address {place}": _OF_ADDRESS,
        attempt_key(name): _OF_NAME,
    }


def network_of(address: str) -> str:
    """Return what one guesser has of addresses: one of IPv4, 2**64 of IPv6 (RFC 6177).

    Examples
    --------
    >>> network_of("203.0.113.7"), network_of("2001:db8:1:2:3:4:5:6"), network_of("unknown")
    ('203.0.113.7', '2001:db8:1:2::/64', 'unknown')
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:60]
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed.packed, 64), strict=False))
    return str(parsed)


def count_attempt(db: Connection, counters: Mapping[str, int]) -> list[int]:
    """Count an attempt; return the numbers of its rows, by which it is taken back.

    Raises
    ------
    InputError
        If one of the counters is full.
    """
    if db.dialect.name == "postgresql":  # SQLite's write lock is held already
        db.execute(select(func.pg_advisory_xact_lock(_COUNTING)))
    now = datetime.now(UTC)
    since = now - timedelta(minutes=_FAILURES_MINUTES)
    db.execute(delete(attempt).where(attempt.c.at < now - timedelta(days=1)))
    for who, most in counters.items():
        failures = select(func.count()).where(attempt.c.who == who, attempt.c.at > since)
        if (db.scalar(failures) or 0) >= most:
            raise InputError(
                "Too many tries.",
                f"Wait {_FAILURES_MINUTES} minutes, or ask an admin for a link.",
            )
    return [insert_one(db, attempt, who=who, at=now) for who in counters]
