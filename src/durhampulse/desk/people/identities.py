"""Whom the provider means: its people, and those of the desk."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, func, select, update

from durhampulse.desk.people.people import add_person, find_person, is_called
from durhampulse.desk.people.provider import Claims
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import insert_or
from durhampulse.desk.store.tables import identity, person, session
from durhampulse.exceptions import InputError

__all__ = ["known_as", "person_of", "set_identity"]

_LONGEST, _LONGEST_NAME = 255, 100


def known_as(db: Connection) -> Mapping[int, str]:
    """Return what the provider calls people: person's number to e-mail address or subject."""
    rows = db.execute(select(identity.c.person_id, identity.c.known_as))
    return {row.person_id: row.known_as for row in rows}


def set_identity(db: Connection, number: int, name: str, by: str) -> None:
    """Store what the provider calls a person, and end their sessions by the provider.

    Parameters
    ----------
    db
        A connection that writes.
    number
        The person.
    name
        An e-mail address that the provider has verified, or its subject; nothing for none.
    by
        Who says it.

    Raises
    ------
    InputError
        If somebody else is called so, or it is too long.
    """
    i, whom = identity.c, find_person(db, number).name
    name = name.strip().lower() if "@" in name else name.strip()
    if len(name) > _LONGEST or not name.isprintable():
        raise InputError("That is no name of a provider.", "Write the e-mail address.", "known_as")
    other = db.scalar(select(i.person_id).where(i.known_as == name, i.person_id != number))
    if name and other is not None:
        raise InputError("Somebody else is known by that.", "Take it from them first.", "known_as")
    if known_as(db).get(number, "") == name:
        return
    db.execute(delete(identity).where(i.person_id == number))
    if name:
        db.execute(insert_or(db, identity).values(person_id=number, known_as=name))
    mine = session.c.person_id == number, session.c.method == "provider"
    db.execute(delete(session).where(*mine))
    note(db, by, "known to the provider" if name else "not known to the provider", whom)


def person_of(db: Connection, claims: Claims, new_role: str = "") -> int:
    """Return the number of the person whom the provider means.

    That is whom its subject was bound to by an earlier sign-in; else who is known by the subject,
    or by the e-mail address if it is verified, which binds it; else a new person, if one is made.

    Raises
    ------
    InputError
        If it is nobody who may sign in.
    """
    i = identity.c
    bound = i.issuer == claims.issuer, i.subject == claims.subject
    number = db.scalar(select(i.person_id).where(*bound))
    number = number or _bind(db, claims)
    if number is None and new_role:
        number = _add(db, claims, new_role)
    if number is None:
        named = claims.email or claims.subject
        raise InputError(f"Nobody here is known as {named}.", "Ask an admin to add that.")
    if not db.scalar(select(person.c.active).where(person.c.id == number)):
        raise InputError("You may not sign in here.", "Ask an admin.")
    return int(number)


def _bind(db: Connection, claims: Claims) -> int | None:
    """Bind a subject to the person who is known by it, or by the address; return their number."""
    i = identity.c
    # What looks like an address counts as one: a subject may be of its owner's choice.
    names = ["" if "@" in claims.subject else claims.subject, claims.email]
    waiting = [
        db.scalar(select(i.person_id).where(i.known_as == name, i.subject.is_(None)))
        for name in names
        if name
    ]
    number = next((number for number in waiting if number is not None), None)
    if number is None:
        return None
    values = {"issuer": claims.issuer, "subject": claims.subject, "bound_at": clock.now()}
    db.execute(update(identity).where(i.person_id == number).values(**values))
    name = find_person(db, number).name
    note(db, name, "bound to the provider", name)
    return int(number)


def _add(db: Connection, claims: Claims, role: str) -> int:
    name = claims.email or claims.subject
    if db.scalar(select(identity.c.person_id).where(identity.c.known_as == name)) is not None:
        raise InputError("Somebody else is known by that here.", "Ask an admin.")
    number = add_person(db, _new_name(db, claims), role, "provider")
    values = {"issuer": claims.issuer, "subject": claims.subject, "bound_at": clock.now()}
    row = insert_or(db, identity).values(person_id=number, known_as=name, **values)
    db.execute(row)
    return number


def _new_name(db: Connection, claims: Claims) -> str:
    """Return what to call a new person: the provider's name for them, or else their address."""
    letters = filter(str.isprintable, " ".join(claims.name.split()))
    name = "".join(letters)[:_LONGEST_NAME].strip()
    is_taken = db.scalar(select(func.count()).where(is_called(name)))
    return (claims.email or claims.subject)[:_LONGEST_NAME] if is_taken or not name else name
