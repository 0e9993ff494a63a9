"""Lists and saved views over REST, for programs with a key."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from durhampulse.desk.people.people import Principal, lower_role
from durhampulse.desk.shortlist import lists, saved
from durhampulse.desk.store.identifiers import find_numbers
from durhampulse.desk.web.access import DeskOf, Number, needs_key
from durhampulse.desk.web.api import (
    KEPT_BEFORE,
    Body,
    Kept,
    Name,
    ReviewerName,
    Writer,
    named_reviewer,
    program_router,
)
from durhampulse.desk.web.filters import FilterBody
from durhampulse.exceptions import InputError

__all__ = ["lists_router", "views_router"]

lists_router = program_router("/v1/lists")
views_router = program_router("/v1/views")

Reader = Annotated[Principal, needs_key("viewer")]
_Line = Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Title = Annotated[_Line, Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f]")]


class ListBody(Body):
    """What is said of a list."""

    name: _Title
    client: _Line = ""
    note: str = Field("", max_length=2_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")


class ListItem(BaseModel):
    """A list made by hand; ``GET /v1/creators?list=`` with its number gives its creators."""

    id: int
    name: str
    client: str
    note: str
    creators: int
    by: str
    at: datetime


class MembersBody(Body):
    """Who comes into a list and who leaves it; sent again, it changes nothing more."""

    add: list[Name] = Field([], max_length=1_000)
    remove: list[Name] = Field([], max_length=1_000)


class MembersChange(BaseModel):
    """How many came and left, and which names nobody of the list has."""

    added: int
    removed: int
    unknown: list[str]


class ViewBody(Body):
    """A name for filters, under the name of a person; in place of their own of that name."""

    name: _Title
    filters: FilterBody
    shared: bool = False
    reviewer: ReviewerName


class ViewItem(BaseModel):
    """A saved view that everybody sees; `query` is what stands in the list's address."""

    id: int
    name: str
    by: str
    query: dict[str, list[str]]
    gone: str = Field("", description="What of it is no more, in words.")


@lists_router.get("", dependencies=[needs_key("viewer")])
def all_lists(desk: DeskOf) -> list[ListItem]:
    """Return the lists made by hand, by name."""
    with desk.store.reading() as db:
        own = lists.own_lists(db)
        return [ListItem.model_validate(row, from_attributes=True) for row in own]


@lists_router.post("", status_code=201, responses=KEPT_BEFORE)
def make_list(desk: DeskOf, who: Writer, body: ListBody, response: Response) -> Kept:
    """Make an empty list; the same list sent twice by one key is made once."""
    with desk.store.writing() as db:
        values = {**body.model_dump(), "name": " ".join(body.name.split()),
                  "client": " ".join(body.client.split())}  # fmt: skip
        for row in lists.own_lists(db):
            if row.by == who.name and {name: getattr(row, name) for name in values} == values:
                response.status_code = 200
                return Kept(id=row.id, new=False)
        number = lists.make_list(db, body.name, who.name, client=body.client, note=body.note)
    return Kept(id=number, new=True)


@lists_router.put("/{number}")
def change_list(desk: DeskOf, who: Writer, number: Number, body: ListBody) -> dict[str, str]:
    """Change what is said of a list."""
    with desk.store.writing() as db:
        _check(db, number)
        lists.change_list(db, number, who.name, body.name, body.client, body.note)
    return {"status": "kept"}


@lists_router.delete("/{number}", status_code=204)
def delete_list(desk: DeskOf, who: Writer, number: Number) -> None:
    """Delete a list; its creators stay."""
    with desk.store.writing() as db:
        _check(db, number)
        lists.delete_list(db, number, who.name)


@lists_router.post("/{number}/members")
def change_members(desk: DeskOf, who: Writer, number: Number, body: MembersBody) -> MembersChange:
    """Put creators into a list and take others out, by identifier."""
    names = [*dict.fromkeys([*body.add, *body.remove])]
    if twice := set(body.add).intersection(body.remove):
        raise InputError(f"'{min(twice)[:40]}' shall come and leave.", "Name each creator once.")
    with desk.store.writing() as db:
        _check(db, number)
        numbers = find_numbers(db, names)
        come, leave = ([numbers[name] for name in part if name in numbers]
                       for part in (body.add, body.remove))  # fmt: skip
        added = lists.add_members(db, number, come, who.name) if come else 0
        removed = lists.remove_members(db, number, leave, who.name) if leave else 0
    unknown = [name for name in names if name not in numbers]
    return MembersChange(added=added, removed=removed, unknown=unknown)


def _check(db: Connection, number: int) -> None:
    """Raise the answer for a list that is not there."""
    try:
        lists.find_list(db, number)
    except InputError as error:
        raise HTTPException(404, error.problem) from error


@views_router.get("")
def all_views(desk: DeskOf, who: Reader) -> list[ViewItem]:
    """Return the saved views that everybody sees, by name."""
    with desk.store.reading() as db:
        return [_item(row) for row in saved.views_for(db, who)]


def _item(row: Any, gone: str = "") -> ViewItem:
    query = parse_qs(row.query)
    return ViewItem(id=row.id, name=row.name, by=row.maker, query=query, gone=gone)


@views_router.get("/{number}")
def one_view(desk: DeskOf, who: Reader, number: Number) -> ViewItem:
    """Return a saved view that everybody sees, and what of it is no more."""
    with desk.store.reading() as db:
        row = _view(db, number, who)
        _, gone = saved.open_view(db, row, desk.catalogue.current(db))
    return _item(row, gone)


def _view(db: Connection, number: int, who: Principal) -> Any:
    try:
        return saved.find_view(db, number, who)
    except InputError as error:
        raise HTTPException(404, error.problem) from error


@views_router.post("", status_code=201)
def save_view(desk: DeskOf, who: Writer, body: ViewBody) -> dict[str, int]:
    """Save filters under a name; sent twice, the view is saved once."""
    with desk.store.writing() as db:
        view = body.filters.view(desk.catalogue.current(db))
        reviewer = named_reviewer(db, body.reviewer)
        number = saved.save_view(
            db, body.name, view.query(), reviewer, shared=body.shared, through=who.name
        )
    return {"id": number}


@views_router.delete("/{number}", status_code=204)
def delete_view(
    desk: DeskOf, who: Writer, number: Number, reviewer: Annotated[ReviewerName, Query()]
) -> None:
    """Delete a view of a person's own; an admin's key under an admin's name deletes any shared."""
    with desk.store.writing() as db:
        named = named_reviewer(db, reviewer)
        person = replace(named, role=lower_role(named.role, who.role))
        _view(db, number, person)
        saved.delete_view(db, number, person, through=who.name)
