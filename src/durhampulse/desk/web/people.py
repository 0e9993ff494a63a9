"""Signing in and out; people and keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy import Row, select

from durhampulse.decision.figures import quantity
from durhampulse.desk.people import people, sessions
from durhampulse.desk.people.factors import factor_dates, required_role
from durhampulse.desk.people.identities import known_as
from durhampulse.desk.people.people import PERSON_ROLES, PersonRole
from durhampulse.desk.review.conflicts import in_sentence
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.tables import api_key
from durhampulse.desk.web.access import (
    COOKIE,
    DEVICE,
    Admin,
    DeskOf,
    Number,
    PageRoute,
    SureAdmin,
    Viewer,
    refuse_foreign,
)
from durhampulse.desk.web.account import browser_of
from durhampulse.desk.web.entry import enter, show_sign_in
from durhampulse.desk.web.filling import fill_in
from durhampulse.desk.web.kept import LARGEST_FORM, KeptForm, is_same_origin, local_path
from durhampulse.desk.web.rendering import Context, redirect, render, searched
from durhampulse.exceptions import InputError

__all__ = ["door", "router"]


_DAYS = (90, 30, 365)


door = APIRouter(
    include_in_schema=False, route_class=PageRoute, dependencies=[Depends(refuse_foreign)],
    max_body_size=LARGEST_FORM,
)  # fmt: skip
router = APIRouter(include_in_schema=False, route_class=PageRoute)


class WelcomeContext(Context, template="welcome.html"):
    """What a one-time link is for, and for whom."""

    token: str
    purpose: str
    person: Row[Any] | None


class PeopleContext(Context, template="people.html"):
    """Everybody and all keys; `secret` is a link or key that was just made, `what` says of what."""

    search: str
    roles: Sequence[str]
    people: Sequence[Row[Any]]
    keys: Sequence[Row[Any]]
    factors: Mapping[int, datetime]
    required: str
    known_as: Mapping[int, str]
    provider: str | None
    passwords: bool
    sessions: Mapping[int, int]
    seen: Mapping[int, datetime]
    owners: Mapping[int, Row[Any]]
    lower_role: Callable[[PersonRole, PersonRole], PersonRole]
    now: datetime
    days: Sequence[int]
    secret: str
    what: str


@door.get("/sign-in")
def sign_in_page(request: Request) -> Response:
    """Ask who it is."""
    next_ = local_path(request.query_params.get("next", ""))
    return show_sign_in(request, next_=next_)


@door.post("/sign-in")
def sign_in(
    request: Request, desk: DeskOf, name: Annotated[str, Form()], password: Annotated[str, Form()],
    next: Annotated[str, Form()] = "",  # noqa: A002 - the customary name
    kept_for: Annotated[str, Form()] = "", kept: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Open a session for a name and password; any older session of the browser ends."""
    form = KeptForm.read(kept_for, kept) if kept_for and is_same_origin(request) else None
    address = request.client.host if request.client else "unknown"
    wrong = InputError("Name and password do not fit.", "", "password")
    token = None
    try:
        token = desk.sign_in.attempt(
            desk.store, name, password, address,
            browser=browser_of(request), earlier=request.cookies.get(COOKIE, ""),
            device=request.cookies.get(DEVICE, ""),
        )  # fmt: skip
    except InputError as error:
        wrong = error
    if token is None:
        page = show_sign_in(request, status=403, next_=local_path(next), form=form,
                            problem=None if desk.sign_in.passwords else wrong)  # fmt: skip
        return fill_in(page, "/sign-in", [("name", name)], wrong)
    return enter(request, token, next, form)


@door.post("/sign-out")
def sign_out(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """End the session."""
    with desk.store.writing() as db:
        sessions.sign_out(db, request.cookies.get(COOKIE, ""))
    response = redirect("/sign-in?left" if who.session.method == "provider" else "/sign-in")
    response.delete_cookie(COOKIE, path="/")
    return response


@door.get("/welcome/{token}")
def welcome_page(request: Request, desk: DeskOf, token: str) -> Response:
    """Show what a one-time link is for; it is used by the button, not by looking at it."""
    with desk.store.reading() as db:
        link = people.find_link(db, token)
        if link is None:
            raise InputError("This link was used, or is too old.",
                             "Ask an admin for a new one.")  # fmt: skip
        person = people.find_person(db, link.person_id) if link.purpose == "password" else None
    context = WelcomeContext(token=token, purpose=link.purpose, person=person)
    return render(request, None, context)


@door.post("/welcome/{token}")
def welcome(
    request: Request, desk: DeskOf, token: str,
    name: Annotated[str, Form()] = "", password: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Use a one-time link: the demo's door, the first admin, or a new password."""
    with desk.store.writing() as db:
        link = people.use_link(db, token)
        number = link.person_id
        if link.purpose == "first":
            number = people.add_person(db, name, "admin", "first run", password)
        elif link.purpose == "password":
            people.set_password(db, number, password, "by link")
        earlier = request.cookies.get(COOKIE, "")
        session = desk.sign_in.let_in(db, number, browser_of(request), earlier, "link")
    return enter(request, session)


def _people_page(
    request: Request, desk: DeskOf, who: Admin, secret: str = "", what: str = ""
) -> Response:
    search = searched(request)
    with desk.store.reading() as db:
        everybody = people.people(db)
        keys = db.execute(select(api_key).order_by(api_key.c.name)).all()
        factors, required = factor_dates(db), required_role(db)
        names, signed_in = known_as(db), sessions.session_counts(db, desk.limits)
        seen = sessions.last_seen(db)
    context = PeopleContext(
        search=search, roles=PERSON_ROLES, people=_called(everybody, search),
        keys=_called(keys, search), factors=factors, required=required, known_as=names,
        provider=desk.provider.settings.title if desk.provider else None,
        passwords=desk.sign_in.passwords, sessions=signed_in, seen=seen,
        owners={row.id: row for row in everybody}, lower_role=people.lower_role,
        now=clock.now(), days=_DAYS, secret=secret, what=what,
    )  # fmt: skip
    return render(request, who, context)


def _called(rows: Sequence[Row[Any]], part: str) -> list[Row[Any]]:
    """Return the people or keys whose name holds a part, whatever the case."""
    return [row for row in rows if part.casefold() in row.name.casefold()]


@router.get("/people")
def show(request: Request, desk: DeskOf, who: Admin) -> Response:
    """Show everybody and all keys, or those that a search finds."""
    return _people_page(request, desk, who)


@router.post("/people")
def add(
    request: Request, desk: DeskOf, who: SureAdmin,
    name: Annotated[str, Form()], role: Annotated[str, Form()],
) -> Response:  # fmt: skip
    """Add somebody; they choose their password themselves, by a one-time link."""
    with desk.store.writing() as db:
        number = people.add_person(db, name, role, who.name)
        if not desk.sign_in.passwords:
            return redirect(
                "/people", f"{in_sentence(name)} is added. Say what the provider calls them."
            )
        token = people.make_link(db, "password", who.name, number)
    return _people_page(request, desk, who, f"{desk.exposure.address}/welcome/{token}",
                        f"The link for {name}; it works once, within half an hour.")  # fmt: skip


@router.post("/people/{number}")
def change(
    desk: DeskOf, who: SureAdmin, number: Number,
    role: Annotated[str, Form()], active: Annotated[bool, Form()] = False,
    sure: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """Change what somebody may do; whoever lowers their own role is asked first."""
    known = role in PERSON_ROLES
    with desk.store.writing() as db:
        before = people.find_person(db, number)
        lower = PERSON_ROLES.index(before.role) > PERSON_ROLES.index(role) if known else False
        if number == who.id and (lower or not active) and not sure:
            raise InputError(
                "You would take your own rights away, and could not give them back yourself.",
                "Tick that you mean it.", "sure",
            )  # fmt: skip
        changed = people.change_person(db, number, who.name, role=role, active=active)
    if not changed:
        return redirect("/people", f"{in_sentence(before.name)} stays as before.")
    now = f"is {role} now, and signs in again" if active else "may not sign in any more"
    return redirect("/people", f"{in_sentence(before.name)} {now}.")


@router.post("/people/{number}/link")
def link(request: Request, desk: DeskOf, who: SureAdmin, number: Number) -> Response:
    """Make a link by which somebody chooses a new password."""
    if not desk.sign_in.passwords:
        raise InputError("Nobody signs in by a password here.", "The provider lets people in.")
    with desk.store.writing() as db:
        token = people.make_link(db, "password", who.name, number)
    what = "A link for a new password; it works once, within half an hour."
    return _people_page(request, desk, who, f"{desk.exposure.address}/welcome/{token}", what)


@router.post("/people/{number}/sessions/end")
def end_sessions(desk: DeskOf, who: Admin, number: Number) -> Response:
    """End all sessions of somebody, such as where a computer was lost; one's own but this one."""
    with desk.store.writing() as db:
        name = people.find_person(db, number).name
        keep = who.session.number if number == who.id else 0
        n = sessions.end_sessions(db, number, keep=keep)
        note(db, who.name, "session ended", name, {"sessions": n})
    return redirect("/people", f"{quantity(n, 'session')} of {in_sentence(name)} ended.")


@router.post("/keys")
def add_key(
    request: Request, desk: DeskOf, who: SureAdmin,
    name: Annotated[str, Form()], role: Annotated[str, Form()],
    days: Annotated[int, Form()] = 90,
) -> Response:  # fmt: skip
    """Make an API key, which ends by itself."""
    with desk.store.writing() as db:
        token = people.add_key(db, name, role, who.name, owner=who.id, days=days)
    return _people_page(request, desk, who, token, f"The key '{name}'; it is shown this once.")


@router.post("/keys/{number}/revoke")
def revoke(desk: DeskOf, who: SureAdmin, number: Number) -> Response:
    """End an API key."""
    with desk.store.writing() as db:
        people.revoke_key(db, number, who.name)
    return redirect("/people")
