"""Sessions: opened by a sign-in, ended by people, by time and by the next sign-in."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    delete,
    func,
    insert,
    select,
    union_all,
    update,
)

from durhampulse.desk.people.people import Principal, SignedIn, digest_of_token
from durhampulse.desk.people.uses import LastUse
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.tables import device, person, session

__all__ = [
    "Opening", "SessionLimits", "Waiting", "complete_session", "confirm_session", "end_session",
    "end_sessions", "find_session", "find_waiting", "last_seen", "open_session", "session_counts",
    "sessions_of", "sign_out",
]  # fmt: skip

_MOST_SESSIONS = 10
_WAITING_MINUTES = 10


@dataclass(frozen=True)
class SessionLimits:
    """When sessions end, and when they are asked for the password again.

    Attributes
    ----------
    hours
        From the sign-in on.
    idle_minutes
        Without a request. NIST SP 800-63B-4, 2.2.3, has 24 hours and one hour at most for AAL2.
    confirm_minutes
        From the latest password on, until the few heavy acts ask for it again.
    """

    hours: float = 12
    idle_minutes: float = 60
    confirm_minutes: float = 15


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A session whose person has still to give a second factor; it admits to nothing else.

    Attributes
    ----------
    session, person
        Their numbers.
    name
        Of the person.
    csrf
        The token that its form must carry.
    needs
        What it waits for: a code, or the set-up of a factor.
    """

    session: int
    person: int
    name: str
    csrf: str
    needs: str


@dataclass(frozen=True)
class Opening:
    """How a session is opened.

    Attributes
    ----------
    method
        By password, link or provider.
    waits_for
        The second factor that it lacks, which has to come within ten minutes.
    confirmed_at
        When the person proved who they are; None for now.
    """

    method: str = "password"
    waits_for: str = ""
    confirmed_at: datetime | None = None


def open_session(
    db: Connection, number: int, limits: SessionLimits, browser: str = "", earlier: str = "",
    *, opening: Opening | None = None,
) -> str:  # fmt: skip
    """Open a session; return its token, of which only the hash is stored.

    Parameters
    ----------
    db
        A connection that writes.
    number
        The person.
    limits
        When it ends.
    browser
        What the person will know the session by.
    earlier
        The token that the browser had; that session ends.
    opening
        How it is opened; whole and by password if not given.
    """
    token, now, opening = secrets.token_urlsafe(32), clock.now(), opening or Opening()
    hours, minutes = limits.hours, _WAITING_MINUTES
    lasts = timedelta(minutes=minutes) if opening.waits_for else timedelta(hours=hours)
    db.execute(delete(session).where(session.c.expires_at < now))
    sign_out(db, earlier)
    values = {
        "digest": digest_of_token(token),
        "person_id": number,
        "csrf": secrets.token_urlsafe(24),
        "browser": browser[:60],
        "begun_at": now,
        "used_at": now,
        "confirmed_at": opening.confirmed_at or now,
        "expires_at": now + lasts,
        "waits_for": opening.waits_for,
        "method": opening.method,
    }
    db.execute(insert(session).values(**values))
    _end_oldest(db, number, opening.waits_for)
    return token


def _end_oldest(db: Connection, number: int, waits_for: str) -> None:
    """End all but a person's latest sessions of a kind: waiting ones displace no others."""
    mine = session.c.person_id == number, session.c.waits_for == waits_for
    kept = select(session.c.id).where(*mine)
    kept = kept.order_by(session.c.used_at.desc(), session.c.id.desc()).limit(_MOST_SESSIONS)
    others = session.c.id.not_in(db.scalars(kept).all())
    db.execute(delete(session).where(*mine, others))


def find_waiting(db: Connection, token: str) -> Waiting | None:
    """Return the session that waits for a second factor; none if there is no such, or no more."""
    s = session.c
    row = db.execute(
        select(s.id, s.person_id, s.csrf, s.waits_for, person.c.name)
        .join(person, person.c.id == s.person_id)
        .where(
            s.digest == digest_of_token(token), s.expires_at > clock.now(),
            s.waits_for != "", person.c.active.is_(True),
        )
    ).first()  # fmt: skip
    return row and Waiting(
        session=row.id, person=row.person_id, name=row.name, csrf=row.csrf, needs=row.waits_for
    )


def complete_session(db: Connection, waiting: Waiting, limits: SessionLimits) -> str:
    """Return the new token of a session whose second factor has come; the old one ends."""
    token, now = secrets.token_urlsafe(32), clock.now()
    values = {
        "digest": digest_of_token(token),
        "csrf": secrets.token_urlsafe(24),
        "used_at": now,
        "expires_at": now + timedelta(hours=limits.hours),
        "waits_for": "",
    }
    db.execute(update(session).where(session.c.id == waiting.session).values(**values))
    _end_oldest(db, waiting.person, "")
    return token


def find_session(
    db: Connection, token: str, limits: SessionLimits | None = None, uses: LastUse | None = None
) -> Principal | None:
    """Return the person a session belongs to; none if it has ended."""
    limits, uses, now = limits or SessionLimits(), uses or LastUse(), clock.now()
    s = session.c
    row = db.execute(
        select(person.c.id, person.c.name, person.c.role, person.c.password_hash,
               s.id.label("session"), s.csrf, s.used_at, s.confirmed_at, s.method)
        .join(session, s.person_id == person.c.id)
        .where(s.digest == digest_of_token(token), s.expires_at > now, s.waits_for == "",
               person.c.active.is_(True))
    ).first()  # fmt: skip
    if row is None:
        return None
    idle = now - uses.latest(session, row.session, row.used_at)
    if idle > timedelta(minutes=limits.idle_minutes):
        return None
    uses.note(session, row.session)
    fresh = now - row.confirmed_at <= timedelta(minutes=limits.confirm_minutes)
    # Whoever came by the demo's link has no password to be asked for.
    asked = row.method == "provider" or row.password_hash is not None
    signed_in = SignedIn(row.session, row.csrf, fresh or not asked, row.method)
    return Principal(row.id, row.name, row.role, signed_in)


def sign_out(db: Connection, token: str) -> None:
    """End a session."""
    db.execute(delete(session).where(session.c.digest == digest_of_token(token)))


def confirm_session(db: Connection, number: int) -> str:
    """Return the new token of a session whose password was given again; the old one ends."""
    token = secrets.token_urlsafe(32)
    values = {"digest": digest_of_token(token), "confirmed_at": clock.now()}
    db.execute(update(session).where(session.c.id == number).values(**values))
    return token


def sessions_of(db: Connection, number: int, limits: SessionLimits) -> Sequence[Row[Any]]:
    """Return a person's sessions that have not ended, the one used last first."""
    s = session.c
    mine = select(session).where(s.person_id == number, *_is_open(limits))
    return db.execute(mine.order_by(s.used_at.desc(), s.id.desc())).all()


def session_counts(db: Connection, limits: SessionLimits) -> dict[int, int]:
    """Return how many sessions have not ended, by person."""
    counts = select(session.c.person_id, func.count().label("n")).where(*_is_open(limits))
    return {row.person_id: row.n for row in db.execute(counts.group_by(session.c.person_id))}


def last_seen(db: Connection) -> dict[int, datetime]:
    """Return when each person was last here: in a session, or at a sign-in of the past year."""
    uses = union_all(*(select(table.c.person_id, table.c.used_at) for table in (session, device)))
    each = uses.subquery()
    latest = select(each.c.person_id, func.max(each.c.used_at, type_=each.c.used_at.type))
    return {row[0]: row[1] for row in db.execute(latest.group_by(each.c.person_id))}


def _is_open(limits: SessionLimits) -> tuple[ColumnElement[bool], ...]:
    s, now = session.c, clock.now()
    since = now - timedelta(minutes=limits.idle_minutes)
    return s.expires_at > now, s.used_at > since, s.waits_for == ""


def end_session(db: Connection, who: Principal, number: int) -> None:
    """End a session of a person's own; another's is none of theirs, and stays."""
    mine = delete(session).where(session.c.id == number, session.c.person_id == who.id)
    if db.execute(mine).rowcount:
        note(db, who.name, "session ended", who.name)


def end_sessions(db: Connection, number: int, keep: int = 0) -> int:
    """End a person's sessions, but one; return how many."""
    others = delete(session).where(session.c.person_id == number, session.c.id != keep)
    return db.execute(others).rowcount
