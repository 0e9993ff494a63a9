"""Second factors: codes of an app, recovery codes, and who must have them."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from durhampulse.desk.people.people import (
    PERSON_ROLES,
    Principal,
    digest_of_token,
    find_person,
)
from durhampulse.desk.people.sessions import end_sessions
from durhampulse.desk.people.totp import fitting_step, new_secret
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import insert_or
from durhampulse.desk.store.settings import read_setting, write_setting
from durhampulse.desk.store.tables import person, recovery_code, second_factor, session
from durhampulse.exceptions import InputError

__all__ = [
    "Factor", "Missing", "begin_factor", "confirm_factor", "end_factor", "factor_dates",
    "factor_of", "missing_factor", "pending_secret", "renew_codes", "require_factor",
    "required_role", "use_code",
]  # fmt: skip

Missing = Literal["", "code", "factor"]
"""What a sign-in lacks after the password: nothing, a code, or the factor itself."""

_SETTING: Final = "second_factor"
_PENDING_MINUTES = 30
_CODES, _CODE_BYTES, _PART = 8, 15, 6


@dataclass(frozen=True)
class Factor:
    """A person's second factor.

    Attributes
    ----------
    since
        When it was set up; None without one.
    codes
        How many recovery codes are left.
    """

    since: datetime | None = None
    codes: int = 0


def factor_of(db: Connection, number: int) -> Factor:
    """Return a person's second factor."""
    since = factor_dates(db).get(number)
    mine = recovery_code.c.person_id == number, recovery_code.c.used_at.is_(None)
    left = db.scalar(select(func.count()).where(*mine)) if since else 0
    return Factor(since, left or 0)


def factor_dates(db: Connection) -> Mapping[int, datetime]:
    """Return who has a second factor, and since when."""
    f = second_factor.c
    rows = db.execute(select(f.person_id, f.since).where(f.secret.is_not(None)))
    return {row.person_id: row.since for row in rows}


def required_role(db: Connection) -> str:
    """Return the lowest role whose people must have a second factor; empty for none."""
    return str(read_setting(db, _SETTING, ""))


def require_factor(db: Connection, role: str, who: Principal) -> None:
    """Require a second factor of people with a role, or a higher one; of nobody if empty.

    Sessions of those who have none end: their next sign-in sets one up.

    Raises
    ------
    InputError
        If the role is none, or whoever requires it has no second factor.
    """
    if role and role not in PERSON_ROLES:
        raise InputError(f"There is no role '{role[:40]}'.", "Choose one of the list.", "role")
    has = factor_dates(db)
    if role and who.id not in has:
        raise InputError(
            "You have no second factor yourself.", "Set one up under your name first.", "role"
        )
    write_setting(db, _SETTING, role)
    if role:
        roles = [other for other in PERSON_ROLES if _rank(other) >= _rank(role)]
        lacking = select(person.c.id).where(person.c.role.in_(roles), person.c.id.not_in(has))
        db.execute(delete(session).where(session.c.person_id.in_(lacking)))
    note(db, who.name, "second factor required", role or "nobody")


def missing_factor(db: Connection, number: int) -> Missing:
    """Return what a person's sign-in lacks once the password, or a link, has let them in."""
    if number in factor_dates(db):
        return "code"
    role, lowest = find_person(db, number).role, required_role(db)
    return "factor" if lowest and _rank(role) >= _rank(lowest) else ""


def _rank(role: str) -> int:
    return [*PERSON_ROLES].index(role) if role in PERSON_ROLES else len(PERSON_ROLES)


def begin_factor(db: Connection, number: int) -> str:
    """Return a new secret for a person's app; it counts once a code of it was given."""
    secret = new_secret()
    values = {"pending": secret, "pending_at": clock.now()}
    row = insert_or(db, second_factor).values(person_id=number, last_step=0, **values)
    db.execute(row.on_conflict_do_update(index_elements=["person_id"], set_=values))
    return secret


def pending_secret(db: Connection, number: int) -> str | None:
    """Return the secret whose first code a person has still to give, within half an hour."""
    row = _row(db, number)
    since = clock.now() - timedelta(minutes=_PENDING_MINUTES)
    return row.pending if row and row.pending and row.pending_at > since else None


def confirm_factor(db: Connection, number: int, code: str, by: str, keep: int = 0) -> list[str]:
    """Take over the secret of a person's app; return new recovery codes, shown this once.

    Parameters
    ----------
    db
        A connection that writes.
    number
        The person.
    code
        The first code of the app.
    by
        Who does it.
    keep
        The session that stays; the person's others end (ASVS 5.0, 7.4.3).

    Raises
    ------
    InputError
        If the code does not fit, or the secret is too old.
    """
    secret, now = pending_secret(db, number), clock.now()
    if secret is None:
        raise InputError("That took more than half an hour.", "Begin again.", "code")
    step = fitting_step(secret, code, now)
    if step is None:
        raise InputError(
            "That is not the code of this secret.",
            "Type the six digits that your app shows now, and check its clock.", "code",
        )  # fmt: skip
    mine = update(second_factor).where(second_factor.c.person_id == number)
    db.execute(mine.values(secret=secret, since=now, last_step=step, pending=None))
    end_sessions(db, number, keep)
    note(db, by, "second factor set up", find_person(db, number).name)
    return _new_codes(db, number)


def renew_codes(db: Connection, number: int, by: str) -> list[str]:
    """Return new recovery codes of a person, shown this once; those before end.

    Raises
    ------
    InputError
        If they have no second factor.
    """
    if number not in factor_dates(db):
        raise InputError("There is no second factor.", "Set one up first.")
    note(db, by, "recovery codes renewed", find_person(db, number).name)
    return _new_codes(db, number)


def end_factor(db: Connection, number: int, by: str, keep: int = 0) -> bool:
    """End a person's second factor and their sessions, but one; whether they had a factor."""
    name = find_person(db, number).name
    had = number in factor_dates(db)
    for table in (recovery_code, second_factor):
        db.execute(delete(table).where(table.c.person_id == number))
    if had:
        end_sessions(db, number, keep)
        note(db, by, "second factor ended", name)
    return had


def use_code(db: Connection, number: int, code: str) -> bool:
    """Use up a code of a person's app, or one of their recovery codes; whether it is one.

    Each is taken once, also where it is sent twice at the same moment.
    """
    row = _row(db, number)
    if row is None or row.secret is None:
        return False
    step = fitting_step(row.secret, code, clock.now(), row.last_step)
    if step is not None:
        f = second_factor.c
        taken = update(second_factor).where(f.person_id == number, f.last_step < step)
        return bool(db.execute(taken.values(last_step=step)).rowcount)
    r = recovery_code.c
    digest = digest_of_token(_plain(code))
    mine = update(recovery_code).where(
        r.person_id == number, r.digest == digest, r.used_at.is_(None)
    )
    used = bool(db.execute(mine.values(used_at=clock.now())).rowcount)
    if used:
        name = find_person(db, number).name
        note(db, name, "recovery code used", name)
    return used


def _row(db: Connection, number: int) -> Row[Any] | None:
    return db.execute(select(second_factor).where(second_factor.c.person_id == number)).first()


def _new_codes(db: Connection, number: int) -> list[str]:
    """Return new codes of 120 bits, which need no slow hash (ASVS 5.0, 6.5.2: 112 bits)."""
    db.execute(delete(recovery_code).where(recovery_code.c.person_id == number))
    plain = [base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode() for _ in range(_CODES)]
    rows = [{"person_id": number, "digest": digest_of_token(code)} for code in plain]
    db.execute(insert(recovery_code), rows)
    return ["-".join(code[i : i + _PART] for i in range(0, len(code), _PART)) for code in plain]


def _plain(code: str) -> str:
    return "".join(code.replace("-", " ").split()).upper()
