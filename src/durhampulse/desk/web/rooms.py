"""Clients' rooms: made and read by the team, answered by whoever has the link, without account."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from sqlalchemy import Connection, Row, select
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from durhampulse.desk.campaigns import rooms
from durhampulse.desk.campaigns.campaigns import list_campaigns
from durhampulse.desk.campaigns.rooms import Answer, RoomWish
from durhampulse.desk.people.sign_in import count_attempt, network_of
from durhampulse.desk.shortlist.lists import own_lists
from durhampulse.desk.shortlist.members import members
from durhampulse.desk.store.tables import creator
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer, Viewer
from durhampulse.desk.web.colour import stylesheet
from durhampulse.desk.web.kept import is_foreign
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.desk.web.state import Desk
from durhampulse.exceptions import InputError

__all__ = ["door", "router"]

router = APIRouter(prefix="/rooms", include_in_schema=False, route_class=PageRoute)
door = APIRouter(prefix="/r", include_in_schema=False)
_SAVES, _WRONG = 120, 30
"""Within a quarter of an hour: answers kept of a room, and links tried from an address."""
_HEADERS = {"referrer-policy": "no-referrer", "x-robots-tag": "noindex, nofollow"}
_THUMBS = {"yes": True, "no": False, "": None}


class RoomsContext(Context, template="rooms.html"):
    """All rooms; the link of one where it is new; and what one may be made of."""

    rooms: Sequence[Row[Any]]
    sources: Sequence[tuple[str, str, int]]
    source: str
    link: str
    fields: Mapping[str, str]
    days: int
    cards: tuple[int, int]


class AnswersContext(Context, template="room-answers.html"):
    """A room as the team sees it."""

    room: Row[Any]
    cards: Sequence[Mapping[str, Any]]
    fields: Mapping[str, str]


class RoomContext(Context, template="room.html"):
    """A room as the client sees it."""

    room: Row[Any]
    cards: Sequence[Mapping[str, Any]]
    token: str
    answered: int
    is_simulated: bool


@router.get("")
def show_all(
    request: Request, desk: DeskOf, who: Viewer,
    campaign: Annotated[Number | None, Query()] = None,
) -> Response:  # fmt: skip
    """Show all rooms, and the form for a new one."""
    source = f"campaign-{campaign}" if campaign else ""
    return _page(request, desk, who, source=source)


def _page(request: Request, desk: Desk, who: Any, *, source: str = "", link: str = "") -> Response:
    with desk.store.reading() as db:
        listed = rooms.rooms(db)
        sources = [(f"campaign-{row.id}", row.name, row.creators) for row in list_campaigns(db)]
        sources += [(f"list-{row.id}", row.name, row.creators) for row in own_lists(db)]
    least, most = rooms.CARDS
    shown = {name: text for name, text in rooms.FIELDS.items()
             if name != "picture" or desk.exposure.pictures}  # fmt: skip
    sources.sort(key=lambda source: not least <= source[2] <= most)  # those that fit stand first
    context = RoomsContext(
        rooms=listed, sources=sources, source=source, link=link, fields=shown, days=14,
        cards=rooms.CARDS,
    )  # fmt: skip
    return render(request, who, context)


@router.post("")
def add(  # noqa: PLR0913 - one for each field of the form
    request: Request, desk: DeskOf, who: Reviewer,
    name: Annotated[str, Form()], client: Annotated[str, Form()],
    source: Annotated[str, Form()], days: Annotated[int, Form()],
    colour: Annotated[str, Form()] = "#333333",
    shows: Annotated[list[str], Form()] = [],  # noqa: B006
) -> Response:  # fmt: skip
    """Make a room; its link is shown once."""
    with desk.store.reading() as db:
        numbers = _creators_of(db, source)
    kind, _, number = source.rpartition("-")
    wish = RoomWish(
        name=name, client=client, colour=colour.lower(), days=days, shows=shows, creators=numbers,
        campaign_id=int(number) if kind == "campaign" else None,
    )  # fmt: skip
    _, token = rooms.make_room(desk.store, wish, who.name)
    address = desk.exposure.address or str(request.base_url).rstrip("/")
    return _page(request, desk, who, link=f"{address}/r/{token}")


def _creators_of(db: Connection, source: str) -> list[int]:
    """Return the creators of a campaign or list, one more than fit at most."""
    kind, _, number = source.rpartition("-")
    if kind not in ("campaign", "list") or not number.isdecimal() or len(number) > 9:
        raise InputError("Nobody is chosen for the room.", "Choose a campaign or list.", "source")
    wanted = select(creator.c.id).where(creator.c.id.in_(members(source)))
    return list(db.scalars(wanted.limit(rooms.CARDS[1] + 1)))


@router.get("/{number}")
def show(request: Request, desk: DeskOf, who: Viewer, number: Number) -> Response:
    """Show a room's cards by name, and what the client said of each."""
    with desk.store.reading() as db:
        room = rooms.find_room(db, number)
        cards = sorted(rooms.cards_of(db, room), key=lambda card: card["name"].casefold())
    return render(request, who, AnswersContext(room=room, cards=cards, fields=rooms.FIELDS))


@router.post("/{number}")
async def write_cards(request: Request, desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Keep what the cards say of their creators."""
    form = await request.form()
    texts = {int(at): str(text) for at, text in _numbered(form, "pitch")}
    await run_in_threadpool(rooms.pitch, desk.store, number, texts, who.name)
    return redirect(f"/rooms/{number}", "The cards are kept.")


@router.post("/{number}/close")
def close(desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """End a room's link now."""
    rooms.revoke(desk.store, number, who.name)
    return redirect("/rooms", "The room is closed. What the client said stays.")


def _numbered(form: FormData, prefix: str) -> list[tuple[str, Any]]:
    """Return the fields of a form that are named by a creator's number."""
    fields = [(name.removeprefix(f"{prefix}-"), value) for name, value in form.multi_items()
              if name.startswith(f"{prefix}-")]  # fmt: skip
    return [(at, value) for at, value in fields if at.isdecimal() and len(at) <= 10]


@door.get("/{token}")
def enter(request: Request, desk: DeskOf, token: str) -> Response:
    """Show a client the cards of a room."""
    room, cards = _open(request, desk, token)
    context = RoomContext(
        room=room, cards=cards, token=token,
        answered=sum(card["liked"] is not None for card in cards),
        is_simulated=desk.catalogue.current().simulated,
    )  # fmt: skip
    page = render(request, None, context)
    page.headers.update(_HEADERS)
    return page


@door.get("/{token}/colour.css")
def colour(request: Request, desk: DeskOf, token: str) -> Response:
    """Return the client's colour as a style, with what can be read on it."""
    room, _ = _open(request, desk, token)
    return Response(stylesheet(room.colour), 200, _HEADERS, "text/css")


def _open(request: Request, desk: Desk, token: str) -> tuple[Any, list[dict[str, Any]]]:
    """Return the room of a link and its cards.

    Raises
    ------
    HTTPException
        If the link has ended or never was one, in the same words; 429 after too many such tries.
    """
    with desk.store.reading() as db:
        room = rooms.open_room(db, token)
        if room is not None:
            return room, rooms.cards_of(db, room)
    address = request.client.host if request.client else "unknown"
    _limit(desk, f"room from {network_of(address)}", _WRONG)
    raise HTTPException(404, "This room is closed. Ask whoever sent you the link.")


def _limit(desk: Desk, who: str, most: int) -> None:
    with desk.store.writing() as db:
        try:
            count_attempt(db, {who: most})
        except InputError as error:
            raise HTTPException(429, "Too many tries. Wait a quarter of an hour.") from error


@door.post("/{token}")
async def say(request: Request, desk: DeskOf, token: str) -> Response:
    """Keep what a client says of the cards. Who has the link may: it is no session's form."""
    if is_foreign(request):
        raise HTTPException(403, "This form comes from another site.")
    room, cards = await asyncio.to_thread(_open, request, desk, token)
    await asyncio.to_thread(_limit, desk, f"room {room.id}", _SAVES)
    form = await request.form(max_files=0, max_fields=2 * rooms.CARDS[1] + 10)
    answers = {}
    for card in cards:
        at = card["creator_id"]
        thumb, comment = str(form.get(f"liked-{at}", "")), str(form.get(f"comment-{at}", ""))
        answers[at] = Answer(_THUMBS.get(thumb), comment)
    n = await asyncio.to_thread(rooms.answer, desk.store, token, answers)
    words = f"{n} of {len(cards)} answered. Kept."
    if "hx-request" in request.headers:
        return Response(words, 200, _HEADERS, "text/plain; charset=utf-8")
    answer = redirect(f"/r/{token}", words)
    answer.headers.update(_HEADERS)
    return answer
