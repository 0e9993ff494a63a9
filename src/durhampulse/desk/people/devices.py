"""Browsers that somebody has signed in with before, known by a cookie.

Failed sign-ins of a known browser are counted apart, so that strangers who know a name cannot lock
its owner out: OWASP's "Device cookies" (Slow Down Online Guessing Attacks with Device Cookies).
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import Connection, delete, func, select

from durhampulse.desk.people.people import digest_of_token
from durhampulse.desk.store import clock
from durhampulse.desk.store.database import insert_or
from durhampulse.desk.store.tables import device

__all__ = ["DEVICE_DAYS", "is_known_device", "remember_device"]

DEVICE_DAYS = 365


def is_known_device(db: Connection, number: int | None, token: str) -> bool:
    """Whether a person has signed in with the browser that holds a token."""
    mine = device.c.digest == digest_of_token(token), device.c.person_id == number
    since = clock.now() - timedelta(days=DEVICE_DAYS)
    return bool(db.scalar(select(func.count()).where(*mine, device.c.used_at > since)))


def remember_device(db: Connection, number: int, token: str) -> str:
    """Remember a browser that a person has signed in with; return the token that it shall hold.

    Several people may share a browser. A token that the desk has not made itself is replaced.
    """
    now = clock.now()
    db.execute(delete(device).where(device.c.used_at < now - timedelta(days=DEVICE_DAYS)))
    made_here = select(func.count()).where(device.c.digest == digest_of_token(token))
    if not db.scalar(made_here):
        token = secrets.token_urlsafe(32)
    values = {"digest": digest_of_token(token), "person_id": number, "used_at": now}
    row = insert_or(db, device).values(**values)
    keys = ["digest", "person_id"]
    db.execute(row.on_conflict_do_update(index_elements=keys, set_={"used_at": now}))
    return token
