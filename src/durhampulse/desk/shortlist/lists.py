"""Lists: creators put together by hand, and those that an import or a campaign makes by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, literal, select, update

from durhampulse.desk.shortlist.members import follow
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note as write_note
from durhampulse.desk.store.bulk import insert_one, numbers_in
from durhampulse.desk.store.database import insert_or
from durhampulse.desk.store.missing import numbered_row
from durhampulse.desk.store.tables import (
    CONTROL,
    campaign,
    creator,
    creator_list,
    list_creator,
    proposal,
    run,
    score,
    upload,
)
from durhampulse.exceptions import InputError

__all__ = [
    "ListChoice", "add_members", "change_list", "delete_list", "find_list", "list_choices",
    "lists_of", "make_list", "own_lists", "put_in", "remove_members", "take_out",
]  # fmt: skip

_MOST_LISTS = 500
_OFFERED = 50
_LONGEST = {"name": 100, "client": 100, "note": 2_000}


@dataclass(frozen=True)
class ListChoice:
    """A list one can look at.

    Attributes
    ----------
    name
        As in a view.
    kind
        "list", "import" or "campaign".
    text
        What people call it.
    """

    name: str
    kind: str
    text: str


def own_lists(db: Connection) -> Sequence[Row[Any]]:
    """Return the lists made by hand, by name, each with the number of its creators."""
    size = (
        select(func.count())
        .where(list_creator.c.list_id == creator_list.c.id)
        .correlate(creator_list)
        .scalar_subquery()
    )
    return db.execute(
        select(creator_list, size.label("creators")).order_by(creator_list.c.name)
    ).all()


def list_choices(db: Connection) -> list[ListChoice]:
    """Return the lists one can look at: those made by hand, the latest imports and campaigns."""
    made = select(creator_list.c.id, creator_list.c.name).order_by(creator_list.c.name)
    imports = select(upload.c.id, upload.c.file_name).where(upload.c.state == "done")
    campaigns = select(campaign.c.id, campaign.c.name)
    latest = (imports.order_by(upload.c.id.desc()), campaigns.order_by(campaign.c.id.desc()))
    queries = {
        "list": made, "import": latest[0].limit(_OFFERED), "campaign": latest[1].limit(_OFFERED),
    }  # fmt: skip
    return [
        ListChoice(_name(kind, number), kind, text)
        for kind, query in queries.items()
        for number, text in db.execute(query)
    ]


def _name(kind: str, number: int) -> str:
    return str(number) if kind == "list" else f"{kind}-{number}"


def lists_of(db: Connection, creator_id: int) -> list[ListChoice]:
    """Return the lists, imports and campaigns that a creator is in."""
    queries = {
        "list": select(creator_list.c.id, creator_list.c.name)
        .join(list_creator, list_creator.c.list_id == creator_list.c.id)
        .where(list_creator.c.creator_id == creator_id)
        .order_by(creator_list.c.name),
        "campaign": select(campaign.c.id, campaign.c.name)
        .join(proposal, proposal.c.campaign_id == campaign.c.id)
        .where(proposal.c.creator_id == creator_id)
        .order_by(campaign.c.id),
        "import": select(upload.c.id, upload.c.file_name)
        .join(run, run.c.upload_id == upload.c.id)
        .join(score, score.c.run_id == run.c.id)
        .where(
            score.c.creator_id == creator_id, run.c.kind == "import", run.c.applied_at.is_not(None)
        )
        .order_by(upload.c.id),
    }
    return [
        ListChoice(_name(kind, number), kind, text)
        for kind, query in queries.items()
        for number, text in db.execute(query)
    ]


def find_list(db: Connection, number: int) -> Row[Any]:
    """Return a list made by hand.

    Raises
    ------
    MissingError
        If there is none of that number.
    """
    return numbered_row(
        db, creator_list, number, "There is no such list any more.", "Choose another."
    )


def make_list(db: Connection, name: str, by: str, *, client: str = "", note: str = "") -> int:
    """Make an empty list; return its number.

    Raises
    ------
    InputError
        If the name will not do, or is taken.
    """
    values = _checked(db, name, client, note)
    if (db.scalar(select(func.count()).select_from(creator_list)) or 0) >= _MOST_LISTS:
        raise InputError(f"There are {_MOST_LISTS} lists already.", "Delete one first.")
    number = insert_one(db, creator_list, **values, by=by, at=clock.now())
    write_note(db, by, "list made", f"list {number}")
    return number


def change_list(db: Connection, number: int, by: str, name: str, client: str, note: str) -> None:
    """Change what is said of a list.

    Raises
    ------
    InputError
        If there is no such list, or the name will not do, or is taken.
    """
    find_list(db, number)
    values = _checked(db, name, client, note, own=number)
    db.execute(update(creator_list).where(creator_list.c.id == number).values(**values))
    write_note(db, by, "list changed", f"list {number}")


def _checked(
    db: Connection, name: str, client: str, note: str, own: int | None = None
) -> dict[str, str]:
    values = {"name": " ".join(name.split()), "client": " ".join(client.split()), "note": note}
    for field, text in values.items():
        shown = text.replace("\r", " ").replace("\n", " ").replace("\t", " ")
        if len(text) > _LONGEST[field] or CONTROL.search(shown):
            raise InputError(f"This {field} is too long, or holds what is no text.",
                             f"Write at most {_LONGEST[field]} characters.", field)  # fmt: skip
    if not values["name"]:
        raise InputError("A list needs a name.", "Name it.", "name")
    same = select(creator_list.c.id).where(creator_list.c.name == values["name"])
    if db.scalar(same) not in (None, own):
        problem = f"There is a list '{values['name']}' already."
        raise InputError(problem, "Choose another name.", "name")
    return values


def delete_list(db: Connection, number: int, by: str) -> None:
    """Delete a list; its creators stay."""
    # The list's row lock first, as of whoever puts creators in.
    deleted = db.execute(delete(creator_list).where(creator_list.c.id == number)).rowcount
    size = db.execute(delete(list_creator).where(list_creator.c.list_id == number)).rowcount
    if deleted:
        write_note(db, by, "list deleted", f"list {number}", {"creators": size})


def put_in(db: Connection, number: int, creators: Sequence[int]) -> int:
    """Insert the places of creators in a list; return how many were not there yet."""
    edition = _renew(db, number)
    stored = creator.c.id.in_(numbers_in(db, creators))
    places = select(literal(number), creator.c.id).where(stored)
    into = insert_or(db, list_creator).from_select(["list_id", "creator_id"], places)
    new = into.on_conflict_do_nothing().returning(list_creator.c.creator_id)
    added = db.scalars(new).all()
    follow(db, number, edition, added, is_in=True)
    return len(added)


def take_out(db: Connection, number: int, creators: Sequence[int]) -> int:
    """Delete the places of creators in a list; return how many were there."""
    edition = _renew(db, number)
    place = list_creator.c
    mine = (place.list_id == number, place.creator_id.in_(numbers_in(db, creators)))
    gone = delete(list_creator).where(*mine).returning(place.creator_id)
    removed = db.scalars(gone).all()
    follow(db, number, edition, removed, is_in=False)
    return len(removed)


def _renew(db: Connection, number: int) -> int | None:
    """Return a list's next edition, with its row lock; None where it is gone."""
    c = creator_list.c
    renewed = update(creator_list).where(c.id == number).values(edition=c.edition + 1)
    edition: int | None = db.scalar(renewed.returning(c.edition))
    return edition


def add_members(db: Connection, number: int, creators: Sequence[int], by: str) -> int:
    """Put creators into a list; return how many were not there yet.

    Raises
    ------
    InputError
        If there is no such list.
    """
    find_list(db, number)
    added = put_in(db, number, creators)
    write_note(db, by, "put into list", f"list {number}", {"creators": added})
    return added


def remove_members(db: Connection, number: int, creators: Sequence[int], by: str) -> int:
    """Take creators out of a list; return how many were there.

    Raises
    ------
    InputError
        If there is no such list.
    """
    find_list(db, number)
    removed = take_out(db, number, creators)
    write_note(db, by, "taken out of list", f"list {number}", {"creators": removed})
    return removed
