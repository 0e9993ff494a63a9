"""People: who they are, what they may do, and how the desk knows them again."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.tables import api_key, attempt, link, person, session
from durhampulse.exceptions import InputError

__all__ = [
    "ROLES", "SESSION_HOURS", "Who", "add_key", "add_person", "change_person", "enter", "find_key",
    "find_link", "find_person", "find_session",
    "make_link", "people", "revoke_key", "set_password", "sign_in", "sign_out", "use_link",
]  # fmt: skip

ROLES: Final = ("viewer", "reviewer", "admin")
"""From the one who may least; each may do what those before may."""

SESSION_HOURS = 12
_LINK_MINUTES = 30
_FAILURES, _FAILURES_MINUTES = 5, 15
_SHORTEST, _LONGEST = 10, 200
_PATIENCE = 10.0
_signing_in = threading.Lock()
_PREFIX = "dp_"


@dataclass(frozen=True)
class Who:
    """Somebody who is signed in, or a program with a key.

    Attributes
    ----------
    id
        Number of the person; 0 for a program.
    name, role
        As they were entered.
    csrf
        What the forms of this session must carry; empty for a program.
    """

    id: int
    name: str
    role: str
    csrf: str = ""

    def may(self, role: str) -> bool:
        """Tell whether somebody may do what a role may."""
        return ROLES.index(self.role) >= ROLES.index(role)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    """Give a hash to compare with where there is no such person: the answer takes as long."""
    return _hasher().hash(secrets.token_hex())


def add_person(db: Connection, name: str, role: str, by: str, password: str | None = None) -> int:
    """Add somebody.

    Raises
    ------
    InputError
        If name, role or password will not do.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise InputError("A name needs 1 to 100 printable characters.", "Choose another.")
    if role not in ROLES:
        raise InputError(f"There is no role '{role[:40]}'.", f"Use {', '.join(ROLES)}.")
    if db.scalar(select(func.count()).where(func.lower(person.c.name) == name.lower())):
        raise InputError(f"There is somebody called '{name}' already.", "Choose another name.")
    values = {"name": name, "role": role, "active": True, "created_at": datetime.now(UTC),
              "password_hash": _hashed(password) if password is not None else None}  # fmt: skip
    number = insert_one(db, person, **values)
    note(db, by, "person added", name, {"role": role})
    return number


def people(db: Connection) -> Sequence[Row[Any]]:
    """Give everybody, by name."""
    return db.execute(select(person).order_by(person.c.name)).all()


def find_person(db: Connection, number: int) -> Row[Any]:
    """Give somebody, and let nobody else change them meanwhile.

    Raises
    ------
    InputError
        If there is nobody of that number.
    """
    found = db.execute(select(person).where(person.c.id == number).with_for_update()).first()
    if found is None:
        raise InputError("There is no such person.", "Reload the page.")
    return found


def change_person(db: Connection, number: int, by: str, *, role: str, active: bool) -> None:
    """Change what somebody may do; whoever may no longer sign in is signed out.

    Raises
    ------
    InputError
        If nobody would be left to administer the desk.
    """
    if role not in ROLES:
        raise InputError(f"There is no role '{role[:40]}'.", f"Use {', '.join(ROLES)}.")
    # Two admins who demote each other at once must see one another.
    admins = select(person.c.id).where(person.c.role == "admin").order_by(person.c.id)
    db.execute(admins.with_for_update())
    before = find_person(db, number)
    others = select(func.count()).where(
        person.c.role == "admin", person.c.active.is_(True), person.c.id != number
    )
    if (role != "admin" or not active) and before.role == "admin" and not db.scalar(others):
        raise InputError("Nobody else could administer the desk.", "Make another admin first.")
    db.execute(update(person).where(person.c.id == number).values(role=role, active=active))
    if not active or role != before.role:
        db.execute(delete(session).where(session.c.person_id == number))
    note(db, by, "person changed", before.name, {"role": role, "active": active})


def set_password(db: Connection, number: int, password: str, by: str) -> None:
    """Give somebody a password; their other sessions end.

    Raises
    ------
    InputError
        If it is too short or too long.
    """
    values = {"password_hash": _hashed(password)}
    db.execute(update(person).where(person.c.id == number).values(**values))
    db.execute(delete(session).where(session.c.person_id == number))
    name = find_person(db, number).name
    db.execute(delete(attempt).where(attempt.c.who == _tries_for(name)))
    note(db, by, "password set", name)


def _hashed(password: str) -> str:
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise InputError(
            f"A password has {_SHORTEST} to {_LONGEST} characters.", "Choose another one."
        )
    return _hasher().hash(password)


def sign_in(store: Store, name: str, password: str, address: str) -> str | None:
    """Give a new session's token, or none where name and password do not fit.

    One after another: a try is counted before the next is looked at, and many at once do not fill
    the memory that hashing takes.

    Raises
    ------
    InputError
        After five failures within a quarter of an hour for a name, or twenty for an address; or if
        too many try at this moment.
    """
    if not _signing_in.acquire(timeout=_PATIENCE):
        raise InputError("Too many people sign in at this moment.", "Try again.")
    try:
        return _sign_in(store, name, password, address)
    finally:
        _signing_in.release()


def _sign_in(store: Store, name: str, password: str, address: str) -> str | None:
    now = datetime.now(UTC)
    whom = (_tries_for(name), f"address {address[:60]}")
    with store.reading() as db:
        since = now - timedelta(minutes=_FAILURES_MINUTES)
        for who, most in zip(whom, (_FAILURES, 4 * _FAILURES), strict=True):
            recent = select(func.count()).where(attempt.c.who == who, attempt.c.at > since)
            if (db.scalar(recent) or 0) >= most:
                raise InputError(
                    "Too many tries.", f"Wait {_FAILURES_MINUTES} minutes, or ask an admin."
                )
        found = db.execute(
            select(person).where(
                func.lower(person.c.name) == _plain(name),
                person.c.active.is_(True),
            )
        ).first()
    fits = _fits((found.password_hash if found else None) or _nobody(), password)
    with store.writing() as db:
        if not (found and fits):
            db.execute(insert(attempt), [{"who": who, "at": now} for who in whom])
            # What was typed may be a password, so only a name that exists is kept.
            note(db, found.name if found else "unknown name", "sign-in failed", whom[1])
            return None
        db.execute(delete(attempt).where(attempt.c.who == whom[0]))
        db.execute(delete(attempt).where(attempt.c.at < now - timedelta(days=1)))
        note(db, found.name, "signed in", found.name)
        return _open_session(db, found.id)


def _tries_for(name: str) -> str:
    return f"name {_digest(_plain(name))}"


def _plain(name: str) -> str:
    """Give the one form in which a name is looked up, and its tries are counted."""
    return " ".join(name.replace("\0", "").split()).lower()


def _fits(kept: str, password: str) -> bool:
    try:
        return _hasher().verify(kept, password[: _LONGEST + 1])
    except VerificationError:
        return False


def _open_session(db: Connection, number: int) -> str:
    token, now = secrets.token_urlsafe(32), datetime.now(UTC)
    db.execute(delete(session).where(session.c.expires_at < now))
    values = {"digest": _digest(token), "person_id": number, "csrf": secrets.token_urlsafe(24),
              "expires_at": now + timedelta(hours=SESSION_HOURS)}  # fmt: skip
    db.execute(insert(session).values(**values))
    return token


def find_session(db: Connection, token: str) -> Who | None:
    """Give who has a session."""
    found = db.execute(
        select(person.c.id, person.c.name, person.c.role, session.c.csrf)
        .join(session, session.c.person_id == person.c.id)
        .where(
            session.c.digest == _digest(token),
            session.c.expires_at > datetime.now(UTC),
            person.c.active.is_(True),
        )
    ).first()
    return Who(*found) if found else None


def sign_out(db: Connection, token: str) -> None:
    """End a session."""
    db.execute(delete(session).where(session.c.digest == _digest(token)))


def make_link(db: Connection, purpose: str, by: str, number: int | None = None) -> str:
    """Make a token that lets somebody in once: the first admin, the demo, a new password.

    Their earlier links end.

    Raises
    ------
    InputError
        If they may not sign in.
    """
    if number is not None:
        whom = find_person(db, number)
        if not whom.active:
            raise InputError(f"'{whom.name}' may not sign in.", "Let them in first.")
        db.execute(delete(link).where(link.c.person_id == number, link.c.used_at.is_(None)))
        note(db, by, "link made", whom.name)
    token = secrets.token_urlsafe(24)
    until = datetime.now(UTC) + timedelta(minutes=_LINK_MINUTES)
    values = {"digest": _digest(token), "purpose": purpose, "person_id": number}
    db.execute(insert(link).values(**values, expires_at=until))
    return token


def find_link(db: Connection, token: str) -> Row[Any] | None:
    """Give a link that can still be used."""
    return db.execute(
        select(link).where(
            link.c.digest == _digest(token),
            link.c.used_at.is_(None),
            link.c.expires_at > datetime.now(UTC),
        )
    ).first()


def use_link(db: Connection, token: str) -> Row[Any]:
    """Use a link up.

    Raises
    ------
    InputError
        If it was used, is too old, or is none.
    """
    found = find_link(db, token)
    used = update(link).where(link.c.digest == _digest(token), link.c.used_at.is_(None))
    if found is None or db.execute(used.values(used_at=datetime.now(UTC))).rowcount != 1:
        raise InputError("This link was used, or is too old.", "Ask for a new one.")
    if found.purpose == "first":  # one for each start, and only one admin comes by them
        db.execute(delete(link).where(link.c.purpose == "first", link.c.digest != found.digest))
    return found


def enter(db: Connection, number: int) -> str:
    """Open a session for somebody whom a link has let in."""
    name = db.scalar(select(person.c.name).where(person.c.id == number))
    note(db, str(name), "signed in by link", str(name))
    return _open_session(db, number)


def add_key(db: Connection, name: str, role: str, by: str) -> str:
    """Make an API key and give it: only its hash is kept.

    Raises
    ------
    InputError
        If the name is taken or the role is none.
    """
    name = " ".join(name.split())[:100]
    if role not in ROLES or not name:
        raise InputError("A key needs a name and a role.", f"Roles are {', '.join(ROLES)}.")
    if db.scalar(select(func.count()).where(api_key.c.name == name)):
        raise InputError(f"There is a key '{name}' already.", "Choose another name.")
    token = _PREFIX + secrets.token_urlsafe(32)
    values = {"name": name, "digest": _digest(token), "role": role, "created_by": by}
    db.execute(insert(api_key).values(**values, created_at=datetime.now(UTC)))
    note(db, by, "key added", name, {"role": role})
    return token


def revoke_key(db: Connection, number: int, by: str) -> None:
    """End a key."""
    row = update(api_key).where(api_key.c.id == number, api_key.c.revoked_at.is_(None))
    if db.execute(row.values(revoked_at=datetime.now(UTC))).rowcount:
        note(db, by, "key revoked", str(number))


def find_key(db: Connection, token: str) -> Who | None:
    """Give the program that a key belongs to."""
    found = db.execute(
        select(api_key).where(api_key.c.digest == _digest(token), api_key.c.revoked_at.is_(None))
    ).first()
    return Who(0, f"key {found.name}", found.role) if found else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
