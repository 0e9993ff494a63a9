"""A client's room: cards of some creators behind a link with an end, and what the client says.

What a client says is evidence beside the model's answer. It changes no state, is no outcome, and
nothing learns from it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from durhampulse.desk.people.people import digest_of_token
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.carried import picture_of
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.missing import numbered_row
from durhampulse.desk.store.tables import CONTROL, creator, room, room_card
from durhampulse.exceptions import InputError

__all__ = [
    "CARDS",
    "FIELDS",
    "MOST_DAYS",
    "Answer",
    "RoomWish",
    "answer",
    "cards_of",
    "client_answers",
    "find_room",
    "make_room",
    "open_room",
    "pitch",
    "revoke",
    "rooms",
]  # fmt: skip

CARDS: Final = (6, 30)
"""How many creators a room holds, at least and at most."""
MOST_DAYS: Final = 90
FIELDS: Final = {
    "handle": "handle",
    "platform": "platform",
    "country": "country",
    "link": "link to the profile",
    "picture": "picture",
    "followers": "followers",
    "engagement_rate": "engagement",
    "niche": "niche",
    "fee": "fee",
}
"""What a card may show beside the name; only what somebody chose is read from the store."""
_LONGEST_COMMENT, _LONGEST_PITCH, _LONGEST_NAME = 500, 300, 100
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_MOST_LISTED = 200
_CLIENT = "a client"
"""Who acted, in the audit log: nobody is signed in, and no name is kept."""


@dataclass(frozen=True, kw_only=True)
class RoomWish:
    """What a new room should be.

    Attributes
    ----------
    name, client
        What the client reads at its top.
    colour
        The client's, as ``#rrggbb``.
    days
        After how many its link ends.
    shows
        Keys of `FIELDS`.
    creators
        Numbers of those on its cards, in any order: the cards' own is drawn.
    campaign_id
        Whose set these are; none for others.
    """

    name: str
    client: str
    colour: str
    days: int
    shows: Sequence[str]
    creators: Sequence[int]
    campaign_id: int | None = None

    def __post_init__(self) -> None:
        for field in ("name", "client"):
            text = getattr(self, field)
            if not text.strip() or len(text) > _LONGEST_NAME or CONTROL.search(text):
                raise InputError("The client reads this at the top.",
                                 f"Write 1 to {_LONGEST_NAME} characters.", field)  # fmt: skip
        if not _COLOUR.fullmatch(self.colour):
            raise InputError(f"'{self.colour[:20]}' is no colour.", "Write it as #a8480f.",
                             "colour")  # fmt: skip
        if not 1 <= self.days <= MOST_DAYS:
            raise InputError("A link ends some day.", f"Write 1 to {MOST_DAYS} days.", "days")
        if unknown := [name for name in self.shows if name not in FIELDS]:
            raise InputError(f"'{unknown[0][:40]}' cannot be shown.",
                             f"Choose of {', '.join(FIELDS)}.", "shows")  # fmt: skip
        if not CARDS[0] <= (n := len({*self.creators})) <= CARDS[1]:
            least, most = CARDS
            problem = f"A room holds {least} to {most} creators, not {n}."
            raise InputError(problem, "Choose another set.", "source")


@dataclass(frozen=True)
class Answer:
    """What a client says of one card: thumb up, down or none, and a comment."""

    liked: bool | None
    comment: str = ""


def make_room(store: Store, wish: RoomWish, by: str) -> tuple[int, str]:
    """Store a room; return its number and the token of its link, which is not kept.

    The order of its cards is drawn: one by probability would tell a client, and whoever judges a
    creator without the model's number, how the model ranks them.

    Raises
    ------
    InputError
        If one of the creators is not there, as erased meanwhile.
    """
    token, now = secrets.token_urlsafe(32), clock.now()
    values = {"digest": digest_of_token(token), "name": wish.name.strip(),
              "client": wish.client.strip(), "colour": wish.colour, "shows": [*wish.shows],
              "campaign_id": wish.campaign_id, "by": by, "at": now,
              "expires_at": now + timedelta(days=wish.days)}  # fmt: skip
    with store.writing() as db:
        present = select(creator.c.id).where(creator.c.id.in_([*wish.creators]))
        if {*wish.creators} - {*db.scalars(present.with_for_update())}:
            raise InputError("One of these creators is not there any more.", "Choose the set anew.",
                             "source")  # fmt: skip
        number = insert_one(db, room, **values)
        cards = [{"room_id": number, "creator_id": at, "place": place, "pitch": "", "comment": ""}
                 for place, at in enumerate(_shuffled(wish.creators))]  # fmt: skip
        db.execute(insert(room_card), cards)
        note(db, by, "room opened", f"room {number}",
             {"cards": len(cards), "days": wish.days, "shows": [*wish.shows]})  # fmt: skip
    return number, token


def _shuffled(creators: Sequence[int]) -> list[int]:
    drawn = list(dict.fromkeys(creators))
    secrets.SystemRandom().shuffle(drawn)
    return drawn


def open_room(db: Connection, token: str) -> Row[Any] | None:
    """Return the room of a link that has not ended and was not revoked; else none."""
    c = room.c
    now = clock.now()
    wanted = (c.digest == digest_of_token(token), c.revoked_at.is_(None), c.expires_at > now)
    return db.execute(select(room).where(*wanted)).first()


def find_room(db: Connection, number: int) -> Row[Any]:
    """Return a room by its number.

    Raises
    ------
    MissingError
        If there is none.
    """
    return numbered_row(db, room, number, "There is no such room.", "Choose one of the list.")


def rooms(db: Connection, campaign_id: int | None = None) -> Sequence[Row[Any]]:
    """Return the latest rooms, each with its ``cards, yes, no, comments``; of a campaign if given.

    Which link leads there nobody can read: only its hash is kept.
    """
    k = room_card.c
    counts = (
        select(k.room_id, func.count().label("cards"),
               func.count().filter(k.liked.is_(True)).label("yes"),
               func.count().filter(k.liked.is_(False)).label("no"),
               func.count().filter(k.comment != "").label("comments"))
        .group_by(k.room_id).subquery()
    )  # fmt: skip
    names = ("cards", "yes", "no", "comments")
    wanted = select(room, *(func.coalesce(counts.c[name], 0).label(name) for name in names))
    wanted = wanted.outerjoin(counts, counts.c.room_id == room.c.id)
    if campaign_id is not None:
        wanted = wanted.where(room.c.campaign_id == campaign_id)
    return db.execute(wanted.order_by(room.c.id.desc()).limit(_MOST_LISTED)).all()


def cards_of(db: Connection, room_row: Any) -> list[dict[str, Any]]:
    """Return a room's cards in their order, with nothing of a creator that was not chosen.

    Returns
    -------
    list of dict
        ``creator_id, name, pitch, liked, comment, facts``; `facts` are those of the room's `shows`
        that are known: key to value.
    """
    c, shows = creator.c, set(room_row.shows)
    cards = (
        select(room_card, c.name, c.external_id, c.carried, c.followers, c.engagement_rate,
               c.niche, c.fee, c.currency)
        .join(creator, c.id == room_card.c.creator_id)
        .where(room_card.c.room_id == room_row.id)
        .order_by(room_card.c.place)
    )  # fmt: skip
    return [
        {"creator_id": row.creator_id, "name": row.name or row.external_id, "pitch": row.pitch,
         "liked": row.liked, "comment": row.comment, "facts": _facts(row, shows)}
        for row in db.execute(cards)
    ]  # fmt: skip


def _facts(row: Any, shows: set[str]) -> dict[str, Any]:
    carried = {kind: text for kind, _, text in reversed(row.carried or ())}
    facts = {
        **{kind: carried.get(kind) for kind in ("handle", "platform", "country", "link")},
        "picture": picture_of(row.carried) or None,
        "followers": row.followers,
        "engagement_rate": row.engagement_rate,
        "niche": row.niche,
        "fee": None if row.fee is None else (row.fee, row.currency or ""),
    }
    return {name: value for name, value in facts.items() if name in shows and value is not None}


def answer(store: Store, token: str, answers: Mapping[int, Answer]) -> int:
    """Store what a client says, in place of what they said before; return how many are answered.

    Parameters
    ----------
    token
        Of the room's link.
    answers
        By the creator's number; those of no card of this room are left out.

    Raises
    ------
    InputError
        If the link has ended, or a comment is too long.
    """
    for number, given in answers.items():
        if len(given.comment) > _LONGEST_COMMENT or "\0" in given.comment:
            raise InputError(f"A comment has up to {_LONGEST_COMMENT} characters.",
                             "Write it shorter.", f"comment-{number}")  # fmt: skip
    k = room_card.c
    with store.writing() as db:
        row = open_room(db, token)
        if row is None:
            raise InputError("This room is closed.", "Ask whoever sent you the link.")
        before = {card.creator_id: card for card in db.execute(
            select(room_card).where(k.room_id == row.id).with_for_update()
        )}  # fmt: skip
        changed = 0
        for number, given in answers.items():
            card = before.get(number)
            new = (given.liked, given.comment.strip())
            if card is None or (card.liked, card.comment) == new:
                continue
            values = {"liked": new[0], "comment": new[1], "answered_at": clock.now()}
            db.execute(update(room_card).where(k.id == card.id).values(**values))
            changed += 1
        if changed:
            note(db, _CLIENT, "room answered", f"room {row.id}", {"cards": changed})
        counted = select(func.count()).where(k.room_id == row.id, k.liked.is_not(None))
        return int(db.scalar(counted) or 0)


def pitch(store: Store, number: int, texts: Mapping[int, str], by: str) -> None:
    """Store what each card says of its creator, by the creator's number.

    Raises
    ------
    InputError
        If there is no such room, or a text is too long.
    """
    for at, text in texts.items():
        if len(text) > _LONGEST_PITCH or CONTROL.search(text):
            raise InputError(f"A card holds up to {_LONGEST_PITCH} characters.",
                             "Write it shorter, in one line.", f"pitch-{at}")  # fmt: skip
    k = room_card.c
    with store.writing() as db:
        find_room(db, number)
        for at, text in texts.items():
            which = (k.room_id == number, k.creator_id == at)
            db.execute(update(room_card).where(*which).values(pitch=text.strip()))
        note(db, by, "room cards written", f"room {number}", {"cards": len(texts)})


def revoke(store: Store, number: int, by: str) -> None:
    """End a room's link now; what the client said stays.

    Raises
    ------
    InputError
        If there is no such room.
    """
    with store.writing() as db:
        if find_room(db, number).revoked_at is None:
            ended = update(room).where(room.c.id == number, room.c.revoked_at.is_(None))
            db.execute(ended.values(revoked_at=clock.now()))
            note(db, by, "room closed", f"room {number}")


def client_answers(db: Connection, creator_id: int) -> Sequence[Any]:
    """Return what clients have said of a creator: ``room_id, client, name, liked, comment, at``."""
    k = room_card.c
    answers = (
        select(k.room_id, room.c.client, room.c.name, k.liked, k.comment, k.answered_at.label("at"))
        .join(room, room.c.id == k.room_id)
        .where(k.creator_id == creator_id, k.answered_at.is_not(None))
    )
    return db.execute(answers.order_by(k.answered_at.desc()).limit(_MOST_LISTED)).all()
