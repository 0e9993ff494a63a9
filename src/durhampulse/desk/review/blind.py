"""Second opinions: for a drawn share the model's number is hidden until somebody has decided.

A share of creators is drawn by their lot, which a hash of the identifier gives. Whoever meets one
in the queue decides without the number; afterwards somebody else is asked as well, who sees
neither the number nor what the first one said. What the second says changes no creator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, exists, func, select

from durhampulse.desk.models.rules import Rules
from durhampulse.desk.people.people import Principal
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import Store, insert_or
from durhampulse.desk.store.settings import read_setting, write_setting
from durhampulse.desk.store.tables import BLIND, claim, creator, opinion, person, review
from durhampulse.evaluation.agreement import Agreement, agreement
from durhampulse.exceptions import InputError

__all__ = [
    "OPINIONS", "SHARE", "Revealed", "agreement_of", "blind_share", "differing", "drawn_blind",
    "give_opinion", "hidden_from", "hides", "next_opinion", "set_blind_share",
]  # fmt: skip

SHARE: Final = 0.1
"""Of creators, unless an admin chose another."""
OPINIONS: Final = ("approve", "tentative", "decline")
_FROM, _MOST_SHARE = 0.5, 0.5
"""Lots from .5 on are drawn, far from those of the lottery of No."""
_SETTING = "blind_share"
_MOST_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Revealed:
    """What a second reviewer learns once they have decided.

    Attributes
    ----------
    own, other, by
        What they and the first reviewer said, and who that was.
    probability, band
        Of the model at that time.
    """

    own: str
    other: str
    by: str
    probability: float | None
    band: str


def blind_share(db: Connection) -> float:
    """Return the share of creators whose number is hidden until somebody has decided."""
    return float(read_setting(db, _SETTING, SHARE))


def set_blind_share(store: Store, share: float, by: str) -> None:
    """Choose the share of creators whose number is hidden at first.

    Raises
    ------
    InputError
        If it is not between 0 and a half.
    """
    if not 0 <= share <= _MOST_SHARE:
        raise InputError("That share cannot be drawn.", "Write 0% to 50%.", "share")
    with store.writing() as db:
        write_setting(db, _SETTING, share)
        note(db, by, "blind share", "settings", {"share": share})


def drawn_blind(lottery: float, share: float) -> bool:
    """Whether a creator's lot is among those drawn.

    Examples
    --------
    >>> drawn_blind(0.5, 0.1), drawn_blind(0.6, 0.1), drawn_blind(0.02, 0.1)
    (True, False, False)
    """
    return _FROM <= lottery < _FROM + share


def hidden_from(db: Connection, who: Principal) -> frozenset[int]:
    """Return the creators whose number somebody must not see yet: they judge them without it.

    These are who was drawn and is before them in the queue, and who waits for a second opinion of
    theirs. A program is nobody's eyes.
    """
    if not who.id or not who.may("reviewer"):
        return frozenset()
    share = blind_share(db)
    drawn = (
        select(claim.c.creator_id)
        .join(creator, creator.c.id == claim.c.creator_id)
        .where(claim.c.person_id == who.id, claim.c.expires_at > clock.now(),
               creator.c.lottery >= _FROM, creator.c.lottery < _FROM + share)
    )  # fmt: skip
    second = next_opinion(db, who.id)
    return frozenset([*db.scalars(drawn), *(() if second is None else (second,))])


def hides(db: Connection, row: Row[Any], person_id: int) -> bool:
    """Whether a creator's number is hidden from a reviewer: drawn, and theirs to decide now."""
    if not drawn_blind(row.lottery, blind_share(db)):
        return False
    mine = (claim.c.creator_id == row.id, claim.c.person_id == person_id)
    return db.scalar(select(claim.c.creator_id).where(*mine,
                     claim.c.expires_at > clock.now())) is not None  # fmt: skip


def _first_reviews() -> list[ColumnElement[bool]]:
    """Return the conditions of reviews that were made blind, stand, and say something."""
    r, later = review.c, review.alias()
    newer = exists().where(
        later.c.creator_id == r.creator_id, later.c.id > r.id, later.c.undone_at.is_(None),
        later.c.decision != "skip",
    )  # fmt: skip
    return [BLIND, r.undone_at.is_(None), r.decision.in_(OPINIONS), ~newer]


def next_opinion(db: Connection, person_id: int) -> int | None:
    """Return the creator on whom a reviewer's second opinion is wanted, the longest waiting.

    It is somebody whom another reviewer decided blind, of whom nobody else gave an opinion, and
    whose outcome is not known yet.
    """
    r = review.c
    given = exists().where(opinion.c.creator_id == r.creator_id)
    wanted = (
        select(r.creator_id)
        .join(creator, creator.c.id == r.creator_id)
        .where(*_first_reviews(), r.person_id != person_id, ~given, creator.c.deal.is_(None))
        .order_by(r.id)
        .limit(1)
    )
    number: int | None = db.scalar(wanted)
    return number


def give_opinion(
    store: Store, number: int, person_id: int, choice: str, by: str, rules: Rules
) -> Revealed:
    """Record a second opinion; return what was hidden. The creator stays as they are.

    Raises
    ------
    InputError
        If it is no opinion, or nobody's second opinion is wanted there, or not this person's.
    """
    if choice not in OPINIONS:
        raise InputError(f"'{choice[:40]}' is no opinion.", f"Use {', '.join(OPINIONS)}.")
    with store.writing() as db:
        row = db.execute(select(creator).where(creator.c.id == number).with_for_update()).first()
        first = db.execute(
            select(review, person.c.name.label("who"))
            .join(person, person.c.id == review.c.person_id)
            .where(*_first_reviews(), review.c.creator_id == number)
        ).first()
        if row is None or first is None or first.person_id == person_id:
            raise InputError("No second opinion of yours is wanted here.", "Take the next one.")
        band = rules.band(row.probability, row.flags)
        values = {"creator_id": number, "person_id": person_id, "verdict": choice,
                  "probability": row.probability, "band": band, "at": clock.now()}  # fmt: skip
        stored = insert_or(db, opinion).values(**values).on_conflict_do_nothing()
        if db.scalar(stored.returning(opinion.c.id)) is None:
            raise InputError("Somebody else was quicker.", "Take the next one.")
        note(db, by, "second opinion", f"creator {number}")
    return Revealed(own=choice, other=first.decision, by=first.who, probability=row.probability,
                    band=band)  # fmt: skip


def _pairs(db: Connection) -> list[Any]:
    """Return both opinions on each creator that two have judged blind, the latest first."""
    r, o = review.c, opinion.c
    both = (
        select(r.creator_id, r.decision.label("first"), o.verdict.label("second"),
               func.coalesce(creator.c.name, creator.c.external_id).label("called"))
        .join(opinion, o.creator_id == r.creator_id)
        .join(creator, creator.c.id == r.creator_id)
        .where(*_first_reviews(), o.person_id != r.person_id)
        .order_by(o.id.desc())
    )  # fmt: skip
    return list(db.execute(both))


def agreement_of(db: Connection) -> Agreement | None:
    """Return how far two reviewers agree, neither of whom saw number or colleague."""
    pairs = _pairs(db)
    return agreement([row.first for row in pairs], [row.second for row in pairs])


def differing(db: Connection) -> list[Any]:
    """Return the latest creators on whom two differ: ``creator_id, called, first, second``."""
    return [row for row in _pairs(db) if row.first != row.second][:_MOST_SHOWN]
