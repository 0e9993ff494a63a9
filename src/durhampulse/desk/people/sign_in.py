"""Signing in with name and password, and the limits on failed attempts."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select

from durhampulse.desk.people.devices import is_known_device
from durhampulse.desk.people.factors import missing_factor, use_code
from durhampulse.desk.people.passwords import password_fits
from durhampulse.desk.people.people import (
    Principal,
    attempt_key,
    digest_of_token,
    find_person,
    is_called,
)
from durhampulse.desk.people.sessions import (
    Opening,
    SessionLimits,
    Waiting,
    complete_session,
    confirm_session,
    open_session,
)
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.tables import attempt, person
from durhampulse.exceptions import InputError

__all__ = ["SignIn", "count_attempt", "network_of"]

_FAILURES, _FAILURES_MINUTES = 5, 15
_OF_ADDRESS, _OF_NAME = 4 * _FAILURES, 10 * _FAILURES
_CODES_OF_A_DAY, _DAY_MINUTES = 20, 24 * 60
"""With three codes that fit at a time: one guesser in 16,000 a day gets through."""
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
    passwords
        Whether people may sign in by them.
    """

    def __init__(self, limits: SessionLimits | None = None, *, passwords: bool = True) -> None:
        self.limits = limits or SessionLimits()
        self.passwords = passwords
        self._lock = threading.Lock()

    def attempt(
        self, store: Store, name: str, password: str, address: str,
        *, browser: str = "", earlier: str = "", device: str = "",
    ) -> str | None:  # fmt: skip
        """Return a new session's token, or none where name and password do not fit.

        Where there is a second factor, or has to be one, the session waits for it: see
        :func:`find_waiting`.

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
            whatever others have tried. Or if too many others are signing in at this moment, or
            passwords are switched off.
        """
        if not self.passwords:
            raise InputError("Nobody signs in by a password here.", "Use the provider's button.")
        with self._turn():
            number = _attempt(store, name, password, address, device)
            if number is None:
                return None
            with store.writing() as db:
                return self.let_in(db, number, browser, earlier)

    def let_in(
        self, db: Connection, number: int, browser: str, earlier: str, method: str = "password",
        confirmed_at: datetime | None = None,
    ) -> str:  # fmt: skip
        """Return the token of a new session of a person who has shown who they are.

        Parameters
        ----------
        db
            A connection that writes.
        number
            The person.
        browser, earlier
            As of :func:`open_session`.
        method, confirmed_at
            As of :class:`Opening`. The session waits where a second factor is missing, which a
            provider asks for itself.
        """
        name = find_person(db, number).name
        missing = "" if method == "provider" else missing_factor(db, number)
        how = "" if method == "password" else f" by {method}"
        note(db, name, "asked for a second factor" if missing else f"signed in{how}", name)
        opening = Opening(method, missing, confirmed_at)
        return open_session(db, number, self.limits, browser, earlier, opening=opening)

    def second(self, store: Store, waiting: Waiting, code: str, device: str = "") -> str | None:
        """Return the token of a session that waited for a code, or none where it does not fit.

        Parameters
        ----------
        store
            The desk's store.
        waiting
            The session.
        code
            As it was typed: of the app, or a recovery code.
        device
            The token by which the browser is known, if it is; its tries are counted apart.

        Raises
        ------
        InputError
            After five wrong codes within a quarter of an hour, or twenty within a day.
        """
        with store.writing() as db:
            known = is_known_device(db, waiting.person, device)
            who = f"code {waiting.person}{f' {digest_of_token(device)}' if known else ''}"
            counted = count_attempt(db, {f"{who} day": _CODES_OF_A_DAY}, _DAY_MINUTES)
            counted += count_attempt(db, {who: _FAILURES})
            if not use_code(db, waiting.person, code):
                note(db, waiting.name, "second factor failed", waiting.name)
                return None
            db.execute(delete(attempt).where(attempt.c.id.in_(counted)))
            note(db, waiting.name, "signed in", waiting.name, {"second factor": True})
            return complete_session(db, waiting, self.limits)

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
            select(person).where(is_called(name), person.c.active.is_(True))
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

    What listens on both writes addresses of IPv4 into those of IPv6:

    >>> network_of("::ffff:203.0.113.7")
    '203.0.113.7'
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:60]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed.packed, 64), strict=False))
    return str(parsed)


def count_attempt(
    db: Connection, counters: Mapping[str, int], minutes: int = _FAILURES_MINUTES
) -> list[int]:
    """Count an attempt; return the numbers of its rows, by which it is taken back.

    Raises
    ------
    InputError
        If one of the counters is full.
    """
    if db.dialect.name == "postgresql":  # SQLite's write lock is held already
        db.execute(select(func.pg_advisory_xact_lock(_COUNTING)))
    now = clock.now()
    since = now - timedelta(minutes=minutes)
    db.execute(delete(attempt).where(attempt.c.at < now - timedelta(days=1)))
    for who, most in counters.items():
        failures = select(func.count()).where(attempt.c.who == who, attempt.c.at > since)
        if (db.scalar(failures) or 0) >= most:
            wait = "until tomorrow" if minutes == _DAY_MINUTES else f"{minutes} minutes"
            raise InputError("Too many tries.", f"Wait {wait}, or ask an admin for help.")
    return [insert_one(db, attempt, who=who, at=now) for who in counters]
