"""Endpoints: where messages go, turned on and off, with another secret, and begun again."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, update

from durhampulse.desk.hooks.signing import secret_of
from durhampulse.desk.hooks.target import check_url
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.outbox import OFF
from durhampulse.desk.store.tables import UNSENT, audit, delivery, hook
from durhampulse.exceptions import InputError

__all__ = [
    "BOTH_HOURS",
    "FAILING",
    "MOST",
    "ON",
    "Endpoint",
    "add_hook",
    "change_hook",
    "hooks",
    "secrets_of",
]

ON: Final = "on"
FAILING: Final = "failing"
MOST = 10
"""Endpoints of a store."""
_ROTATED = "webhook rotate"
BOTH_HOURS = 24
"""How long messages are signed with the former secret too."""


@dataclass(frozen=True)
class Endpoint:
    """An endpoint, and how many messages wait, were sent and were given up in 30 days."""

    row: Row[Any]
    waiting: int
    sent: int
    given_up: int


def add_hook(db: Connection, url: str, by: str, *, private: bool = False) -> tuple[int, str]:
    """Add an endpoint; return its number and its secret.

    Parameters
    ----------
    db
        A connection that writes.
    url, private
        Of :func:`.check_url`.
    by
        Who adds it.

    Raises
    ------
    InputError
        If messages may not be sent there, or there are ten endpoints.
    """
    url, now = check_url(url, private=private), clock.now()
    if (db.scalar(select(func.count()).select_from(hook)) or 0) >= MOST:
        raise InputError(f"There are {MOST} endpoints.", "Give one of them another address.", "url")
    name = secrets.token_hex(8)
    number = insert_one(
        db, hook, name=name, url=url, state=ON, private=private, generation=1, failures=0,
        next_at=now, problem="", by=by, at=now,
    )  # fmt: skip
    note(db, by, "webhook added", f"webhook {number}", {"url": url, "private": private})
    return number, secret_of(db, name, 1)


def change_hook(db: Connection, number: int, what: str, by: str) -> str:
    """Change an endpoint; return its new secret where it has one, else empty text.

    Parameters
    ----------
    db, number, by
        A connection that writes, the endpoint, and who changes it.
    what
        ``off``; ``on``, which after a failure begins again with all that waits; ``again``, which
        sends what was given up once more too; ``rotate``, another secret.

    Raises
    ------
    InputError
        If there is no such endpoint or change.
    """
    row = db.execute(select(hook).where(hook.c.id == number).with_for_update()).first()
    if row is None or what not in ("off", "on", "again", "rotate"):
        raise InputError("There is no such endpoint or change.", "Reload the page.")
    now, mine = clock.now(), update(hook).where(hook.c.id == number)
    note(db, by, f"webhook {what}", f"webhook {number}")
    if what == "rotate":
        db.execute(mine.values(generation=row.generation + 1, rotated_at=now))
        return secret_of(db, row.name, row.generation + 1)
    if what == "off":
        db.execute(mine.values(state=OFF))
        return ""
    db.execute(mine.values(state=ON, failures=0, next_at=now, problem=""))
    begun = update(delivery).where(delivery.c.hook_id == number, delivery.c.sent_at.is_(None))
    if what == "on":
        begun = begun.where(delivery.c.given_up_at.is_(None))
    db.execute(begun.values(tries=0, next_at=now, given_up_at=None))
    return ""


def secrets_of(db: Connection, row: Row[Any]) -> list[str]:
    """Return the secrets to sign with: the present one, and for a day each one before it."""
    since, former = clock.now() - timedelta(hours=BOTH_HOURS), 0
    if row.rotated_at and row.rotated_at > since:
        rotated = (audit.c.act == _ROTATED, audit.c.subject == f"webhook {row.id}")
        former = db.scalar(select(func.count()).where(*rotated, audit.c.at > since)) or 0
    generations = range(row.generation, row.generation - former - 1, -1)
    return [secret_of(db, row.name, generation) for generation in generations]


def hooks(db: Connection) -> Sequence[Endpoint]:
    """Return all endpoints, with the counts of their messages."""
    d = delivery.c
    counted = (
        select(
            d.hook_id, func.count().filter(UNSENT).label("waiting"),
            func.count(d.sent_at).label("sent"), func.count(d.given_up_at).label("given_up"),
        )
        .group_by(d.hook_id)
        .subquery()
    )  # fmt: skip
    query = (
        select(hook, *(func.coalesce(counted.c[name], 0).label(name)
                       for name in ("waiting", "sent", "given_up")))
        .join(counted, counted.c.hook_id == hook.c.id, isouter=True)
        .order_by(hook.c.id)
    )  # fmt: skip
    return [Endpoint(row, row.waiting, row.sent, row.given_up) for row in db.execute(query)]
