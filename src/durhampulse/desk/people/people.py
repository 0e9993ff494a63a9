"""People and their roles, one-time links and API keys."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from durhampulse.desk.people.passwords import hash_password
from durhampulse.desk.people.uses import LastUse
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.missing import numbered_row
from durhampulse.desk.store.tables import api_key, attempt, device, link, person, session
from durhampulse.exceptions import InputError

__all__ = [
    "PERSON_ROLES", "PersonRole", "Principal", "SignedIn", "add_key", "add_person", "attempt_key",
    "change_person", "digest_of_token", "find_key", "find_link", "find_person", "is_called",
    "lower_role", "make_link", "people", "revoke_key", "set_password", "use_link",
]  # fmt: skip

PersonRole = Literal["viewer", "reviewer", "admin"]
"""What a person, or a program with a key, may do."""

PERSON_ROLES: Final[tuple[PersonRole, ...]] = get_args(PersonRole)
"""From the least; each role may do what those before it may."""

_LINK_MINUTES = 30
_PREFIX = "dp_"
_LONGEST_KEY = 90  # so that what it is called by the store's rows has the length of a name
_MOST_DAYS = 365


@dataclass(frozen=True)
class SignedIn:
    """A person's session.

    Attributes
    ----------
    number
        Of the session; 0 for a program.
    csrf
        The token that forms of this session must carry; empty for a program.
    confirmed
        Whether the password was given a short while ago.
    method
        How it was opened: by password, link or provider.
    """

    number: int = 0
    csrf: str = ""
    confirmed: bool = False
    method: str = ""


@dataclass(frozen=True)
class Principal:
    """Whom a request comes from: a person with a session, or a program with a key.

    Attributes
    ----------
    id
        Number of the person; 0 for a program.
    name, role
        As in the store.
    session
        How they are signed in.
    """

    id: int
    name: str
    role: PersonRole
    session: SignedIn = SignedIn()

    @property
    def csrf(self) -> str:
        """The token that forms of their session must carry."""
        return self.session.csrf

    def may(self, role: PersonRole) -> bool:
        """Whether they may do what a role may."""
        return PERSON_ROLES.index(self.role) >= PERSON_ROLES.index(role)


def add_person(db: Connection, name: str, role: str, by: str, password: str | None = None) -> int:
    """Add a person; return their number.

    Raises
    ------
    InputError
        If name, role or password will not do.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise InputError("A name needs 1 to 100 printable characters.", "Choose another.", "name")
    if role not in PERSON_ROLES:
        raise _no_role(role)
    if db.scalar(select(func.count()).where(is_called(name))):
        raise InputError(
            f"There is somebody called '{name}' already.", "Choose another name.", "name"
        )
    hashed = None if password is None else hash_password(password, [name])
    values = {"name": name, "role": role, "active": True, "created_at": clock.now()}
    number = insert_one(db, person, **values, password_hash=hashed)
    note(db, by, "person added", name, {"role": role})
    return number


def people(db: Connection) -> Sequence[Row[Any]]:
    """Return all people, by name."""
    return db.execute(select(person).order_by(person.c.name)).all()


def find_person(db: Connection, number: int) -> Row[Any]:
    """Return a person, with a row lock.

    Raises
    ------
    MissingError
        If there is nobody of that number.
    """
    problem, way_out = "There is no such person.", "Reload the page."
    return numbered_row(db, person, number, problem, way_out, lock=True)


def change_person(db: Connection, number: int, by: str, *, role: str, active: bool) -> bool:
    """Change a person's role, or whether they may sign in.

    Sessions end with either. Whoever may not sign in any more loses their open link too.

    Returns
    -------
    bool
        Whether anything has changed.

    Raises
    ------
    InputError
        If nobody would be left to administer the desk.
    """
    if role not in PERSON_ROLES:
        raise _no_role(role)
    # Row locks in one order: two admins who demote each other at once see one another.
    admins = select(person.c.id).where(person.c.role == "admin").order_by(person.c.id)
    db.execute(admins.with_for_update())
    before = find_person(db, number)
    others = select(func.count()).where(
        person.c.role == "admin", person.c.active.is_(True), person.c.id != number
    )
    if (role != "admin" or not active) and before.role == "admin" and not db.scalar(others):
        raise InputError(
            "Nobody else could administer the desk.", "Make another admin first.", "role"
        )
    if (role, active) == (before.role, before.active):
        return False
    db.execute(update(person).where(person.c.id == number).values(role=role, active=active))
    db.execute(delete(session).where(session.c.person_id == number))
    if not active:
        _end_links(db, number)
    note(db, by, "person changed", before.name, {"role": role, "active": active})
    return True


def _no_role(role: str) -> InputError:
    return InputError(f"There is no role '{role[:40]}'.", f"Use {', '.join(PERSON_ROLES)}.", "role")


def set_password(db: Connection, number: int, password: str, by: str, keep: int = 0) -> None:
    """Set a person's password; their sessions, but one, end, and so does their open link.

    Their browsers are no longer known, and failed sign-ins no longer count.

    Raises
    ------
    InputError
        If it is too short, too long or easily guessed.
    """
    name = find_person(db, number).name
    values = {"password_hash": hash_password(password, [name])}
    db.execute(update(person).where(person.c.id == number).values(**values))
    db.execute(delete(session).where(session.c.person_id == number, session.c.id != keep))
    _end_links(db, number)
    db.execute(delete(device).where(device.c.person_id == number))
    db.execute(delete(attempt).where(attempt.c.who.startswith(attempt_key(name))))
    note(db, by, "password set", name)


def attempt_key(name: str) -> str:
    """Return the key under which failed sign-ins of a name are counted."""
    return f"name {digest_of_token(_tidy_name(name).lower())}"


def is_called(name: str) -> ColumnElement[bool]:
    """Return the condition on people who have a name, whatever its case and the blanks in it.

    The database makes both names lower case: it may know other letters than Python.
    """
    return func.lower(person.c.name) == func.lower(_tidy_name(name))


def _tidy_name(name: str) -> str:
    return " ".join(name.replace("\0", "").split())


def make_link(db: Connection, purpose: str, by: str, number: int | None = None) -> str:
    """Return the token of a new one-time link: for the first admin, the demo, or a password.

    The person's earlier links end.

    Raises
    ------
    InputError
        If they may not sign in.
    """
    if number is not None:
        whom = find_person(db, number)
        if not whom.active:
            raise InputError(f"'{whom.name}' may not sign in.", "Let them in first.")
        _end_links(db, number)
        note(db, by, "link made", whom.name)
    token = secrets.token_urlsafe(24)
    until = clock.now() + timedelta(minutes=_LINK_MINUTES)
    values = {"digest": digest_of_token(token), "purpose": purpose, "person_id": number}
    db.execute(insert(link).values(**values, expires_at=until))
    return token


def _end_links(db: Connection, number: int) -> None:
    db.execute(delete(link).where(link.c.person_id == number, link.c.used_at.is_(None)))


def find_link(db: Connection, token: str) -> Row[Any] | None:
    """Return a link that can still be used."""
    return db.execute(
        select(link).where(
            link.c.digest == digest_of_token(token),
            link.c.used_at.is_(None),
            link.c.expires_at > clock.now(),
        )
    ).first()


def use_link(db: Connection, token: str) -> Row[Any]:
    """Use up a link and return it.

    Raises
    ------
    InputError
        If it was used, is too old, or is none.
    """
    row = find_link(db, token)
    used = update(link).where(link.c.digest == digest_of_token(token), link.c.used_at.is_(None))
    if row is None or db.execute(used.values(used_at=clock.now())).rowcount != 1:
        raise InputError("This link was used, or is too old.", "Ask for a new one.")
    if row.purpose == "first":  # one for each start; only one admin may come by them
        db.execute(delete(link).where(link.c.purpose == "first", link.c.digest != row.digest))
    return row


def add_key(
    db: Connection, name: str, role: str, by: str,
    *, owner: int | None = None, days: int | None = None,
) -> str:  # fmt: skip
    """Return a new API key; only its hash is stored.

    Parameters
    ----------
    db
        A connection that writes.
    name, role, by
        What it is called, what it may do, and who makes it.
    owner
        The person than whom it may do no more, now or later.
    days
        After which it ends; never if not given.

    Raises
    ------
    InputError
        If the name is taken, the role is none, or the days are not 1 to 365.
    """
    if days is not None and not 1 <= days <= _MOST_DAYS:
        raise InputError(f"A key cannot last {days} days.", f"Choose 1 to {_MOST_DAYS}.", "days")
    name = " ".join(name.split())[:_LONGEST_KEY]
    if role not in PERSON_ROLES or not name or not name.isprintable():
        raise InputError(
            "A key needs a name of printable characters, and a role.",
            f"Roles are {', '.join(PERSON_ROLES)}.",
            "name" if role in PERSON_ROLES else "role",
        )  # fmt: skip
    if db.scalar(select(func.count()).where(api_key.c.name == name)):
        raise InputError(f"There is a key '{name}' already.", "Choose another name.", "name")
    token = _PREFIX + secrets.token_urlsafe(32)
    values = {"name": name, "digest": digest_of_token(token), "role": role, "created_by": by}
    now = clock.now()
    ends = None if days is None else now + timedelta(days=days)
    row = insert(api_key).values(**values, person_id=owner, created_at=now, expires_at=ends)
    db.execute(row)
    note(db, by, "key added", name, {"role": role, **({"days": days} if days else {})})
    return token


def revoke_key(db: Connection, number: int, by: str) -> None:
    """Revoke a key."""
    row = update(api_key).where(api_key.c.id == number, api_key.c.revoked_at.is_(None))
    if db.execute(row.values(revoked_at=clock.now())).rowcount:
        note(db, by, "key revoked", str(number))


def find_key(db: Connection, token: str, uses: LastUse | None = None) -> Principal | None:
    """Return the program that a key belongs to; none if it was revoked or has ended.

    It may do what both the key and whoever made it may do, and nothing once they may not sign in.
    """
    k = api_key.c
    key = db.execute(
        select(k.id, k.name, k.role, person.c.role.label("of_owner"), person.c.active)
        .outerjoin(person, person.c.id == k.person_id)
        .where(
            k.digest == digest_of_token(token), k.revoked_at.is_(None),
            k.expires_at.is_(None) | (k.expires_at > clock.now()),
        )
    ).first()  # fmt: skip
    if key is None or key.active is False:
        return None
    if uses is not None:
        uses.note(api_key, key.id)
    return Principal(0, f"key {key.name}"[:100], lower_role(key.role, key.of_owner or key.role))


def lower_role(one: PersonRole, other: PersonRole) -> PersonRole:
    """Return the role that may do less.

    Examples
    --------
    >>> lower_role("admin", "viewer"), lower_role("reviewer", "admin")
    ('viewer', 'reviewer')
    """
    return min(one, other, key=PERSON_ROLES.index)


def digest_of_token(token: str) -> str:
    """Return the hash under which a session, link or key is stored."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
