"""Conflicts between reviewers: who holds a creator, who has decided since, and when."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from durhampulse.desk.store import clock
from durhampulse.desk.store.tables import claim, person
from durhampulse.exceptions import InputError

__all__ = [
    "VERBS", "ConflictError", "ago", "conflict_of", "held_by_other", "in_sentence", "told",
]  # fmt: skip

VERBS = {
    "approve": "approved",
    "decline": "declined",
    "tentative": "tentative",
    "reopen": "re-opened",
    "skip": "skipped",
}
"""What somebody is once it is decided about them; what was done is :func:`told`'s."""
_HOLDER = (
    select(person.c.name, claim.c.expires_at)
    .join(person, person.c.id == claim.c.person_id)
    .where(
        claim.c.creator_id == bindparam("creator"), claim.c.person_id != bindparam("asking"),
        claim.c.expires_at > bindparam("now"),
    )
)  # fmt: skip
_STEPS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def told(decision: str, whom: str) -> str:
    """Return a decision as something that was done to somebody.

    Examples
    --------
    >>> told("approve", "Lena"), told("tentative", "Lena")
    ('approved Lena', 'marked Lena tentative')
    """
    whom = in_sentence(whom)
    return f"marked {whom} tentative" if decision == "tentative" else f"{VERBS[decision]} {whom}"


def in_sentence(name: str) -> str:
    """Return a name as a sentence holds it, kept to itself where it runs from right to left.

    Without that, punctuation at its end and the words around it change places on the screen
    (isolates of the Unicode Bidirectional Algorithm, UAX 9).

    Examples
    --------
    >>> in_sentence("Kaja & Co."), in_sentence("\u05d3\u05e0\u05d4!")
    ('Kaja & Co.', '\u2068\u05d3\u05e0\u05d4!\u2069')
    """
    if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in name):
        return f"\u2068{name}\u2069"
    return name


class ConflictError(InputError):
    """Another reviewer holds the creator, or has decided since the page was made."""


def held_by_other(db: Connection, creator_id: int, person_id: int) -> Any:
    """Return the claim of a colleague who looks at a creator now: ``name, expires_at``."""
    now = clock.now()
    return db.execute(_HOLDER, {"creator": creator_id, "asking": person_id, "now": now}).first()


def conflict_of(db: Connection, review_row: Row[Any]) -> ConflictError:
    """Return the error that says who has decided meanwhile, what, and when."""
    name = db.scalar(select(person.c.name).where(person.c.id == review_row.person_id))
    return ConflictError(
        f"{name} {told(review_row.decision, 'this creator')} {ago(review_row.at)}.",
        "Look at it, or decide anyway: that counts instead.",
    )


def ago(at: datetime, now: datetime | None = None) -> str:
    """Return how long ago a moment was, in words.

    Examples
    --------
    >>> from datetime import UTC
    >>> noon = datetime(2026, 5, 31, 12, tzinfo=UTC)
    >>> ago(datetime(2026, 5, 31, 11, 58, 30, tzinfo=UTC), noon)
    '1 minute ago'
    >>> ago(datetime(2026, 5, 29, 9, tzinfo=UTC), noon), ago(noon, noon)
    ('2 days ago', 'just now')
    """
    seconds = ((now or clock.now()) - at).total_seconds()
    for size, name in _STEPS:
        if seconds >= size:
            n = int(seconds // size)
            return f"{n} {name}{'s' if n > 1 else ''} ago"
    return "just now"
