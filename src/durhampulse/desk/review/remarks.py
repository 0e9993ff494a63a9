"""Remarks: what people note about a creator without deciding, and whom of the desk they name.

Whoever is named, as in ``@Ann Lee``, finds the remark under Today until they have seen it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from durhampulse.desk.shortlist.owners import possible_owners
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.missing import MissingError
from durhampulse.desk.store.tables import UNSEEN, creator, mention, person, remark
from durhampulse.exceptions import InputError

__all__ = [
    "LONGEST_REMARK", "KeptRemark", "Remark", "add_remark", "delete_remark", "mark_seen",
    "named_in", "remarks_of",
]  # fmt: skip

LONGEST_REMARK = 2_000


@dataclass(frozen=True, kw_only=True)
class Remark:
    """A remark on a creator.

    Attributes
    ----------
    id, text, by, at
        As stored.
    names
        Whom of the desk it names.
    """

    id: int
    text: str
    by: str
    at: datetime
    names: tuple[str, ...]

    @property
    def parts(self) -> list[tuple[str, bool]]:
        """The text in parts, each with whether it names somebody."""
        if not self.names:
            return [(self.text, False)]
        parts, end = list[tuple[str, bool]](), 0
        for match in _pattern(self.names).finditer(self.text):
            parts += [(self.text[end : match.start()], False), (match[0], True)]
            end = match.end()
        return [(text, named) for text, named in [*parts, (self.text[end:], False)] if text]


@dataclass(frozen=True)
class KeptRemark:
    """The number of a remark, the names of those who will find it, and whether it is new."""

    id: int
    names: tuple[str, ...]
    new: bool = True


def add_remark(
    store: Store, creator_id: int, text: str, by: str, *, through: str = ""
) -> KeptRemark:
    """Note something about a creator; the audit log says that and whom it names, and not what.

    What waited for the writer about this creator counts as seen.

    Parameters
    ----------
    store, creator_id, text, by
        Where, of whom, what, and who writes it.
    through
        The API key that sent it, which may send it again: the same text is kept once.

    Raises
    ------
    InputError
        If nothing is written, or too much, or there is no such creator.
    """
    words = text.strip()
    if not words or len(words) > LONGEST_REMARK:
        raise InputError(
            "The note is empty." if not words else f"The note has {len(words):,} characters.",
            f"Write up to {LONGEST_REMARK:,} characters.",
            "text",
        )
    with store.writing() as db:
        # Row lock: the same note sent twice at a time is kept once.
        locked = select(creator.c.id).where(creator.c.id == creator_id).with_for_update()
        if db.scalar(locked) is None:
            raise MissingError("There is no such creator.", "They may have been erased.")
        r = remark.c
        alike = select(r.id).where(r.creator_id == creator_id, r.by == by, r.text == words)
        if through and (kept := db.scalar(alike.limit(1))):
            return KeptRemark(int(kept), (), new=False)
        now = clock.now()
        values = {"creator_id": creator_id, "text": words, "by": by, "at": now}
        number = insert_one(db, remark, **values)
        people = {row.name: row.id for row in possible_owners(db)}
        names = tuple(name for name in named_in(words, [*people]) if name != by)
        rows = [
            {"remark_id": number, "person_id": people[name], "creator_id": creator_id}
            for name in names
        ]
        if rows:
            db.execute(insert(mention), rows)
        writer = select(person.c.id).where(person.c.name == by).scalar_subquery()
        answered = (mention.c.creator_id == creator_id, mention.c.person_id == writer, UNSEEN)
        db.execute(update(mention).where(*answered).values(seen_at=now))
        detail = {"names": [*names]} if names else {}
        note(db, by, "note written", f"creator {creator_id}",
             detail | ({"through": through} if through else {}))  # fmt: skip
    return KeptRemark(number, names)


def named_in(text: str, names: Sequence[str]) -> list[str]:
    """Return which names a text mentions with an at sign, in its order.

    Examples
    --------
    >>> people = ["Ann", "Ann Lee", "Bob"]
    >>> named_in("@ann lee and @Bob: mail x@ann.example, see @bobby", people)
    ['Ann Lee', 'Bob']
    """
    if not names:
        return []
    by_form = {name.lower(): name for name in names}
    forms = (" ".join(match[1].split()).lower() for match in _pattern(names).finditer(text))
    return [by_form[form] for form in dict.fromkeys(forms) if form in by_form]


def _pattern(names: Sequence[str]) -> re.Pattern[str]:
    """Return the pattern of an at sign with one of some names, the longest that fits."""
    longest = sorted(names, key=len, reverse=True)
    forms = "|".join(r"\s+".join(map(re.escape, name.split())) for name in longest)
    return re.compile(rf"(?<!\w)@({forms})(?!\w)", re.IGNORECASE)


def delete_remark(store: Store, number: int, creator_id: int, by: str) -> None:
    """Delete a person's own remark.

    Raises
    ------
    InputError
        If there is none of that number, or another person wrote it.
    """
    mine = (remark.c.id == number, remark.c.creator_id == creator_id, remark.c.by == by)
    with store.writing() as db:
        theirs = select(remark.c.id).where(*mine)
        db.execute(delete(mention).where(mention.c.remark_id.in_(theirs)))
        if not db.execute(delete(remark).where(*mine)).rowcount:
            raise InputError("This note is not yours, or is gone already.", "Reload the page.")
        note(db, by, "note deleted", f"creator {creator_id}")


def mark_seen(db: Connection, number: int, person_id: int, *, seen: bool) -> None:
    """Mark a remark as seen by somebody whom it names, or as not seen yet.

    Raises
    ------
    InputError
        If it does not name them, or is gone.
    """
    theirs = (mention.c.remark_id == number, mention.c.person_id == person_id)
    marked = update(mention).where(*theirs).values(seen_at=clock.now() if seen else None)
    if not db.execute(marked).rowcount:
        raise InputError("This note is gone.", "Reload the page.")


def remarks_of(db: Connection, creator_id: int) -> list[Remark]:
    """Return the remarks on a creator, the latest first."""
    rows = select(remark).where(remark.c.creator_id == creator_id).order_by(remark.c.id.desc())
    named = (
        select(mention.c.remark_id, person.c.name)
        .join(person, person.c.id == mention.c.person_id)
        .where(mention.c.creator_id == creator_id)
    )
    names: dict[int, list[str]] = {}
    for number, name in db.execute(named):
        names.setdefault(number, []).append(name)
    return [
        Remark(id=row.id, text=row.text, by=row.by, at=row.at, names=tuple(names.get(row.id, ())))
        for row in db.execute(rows)
    ]
