"""Signing in and out; people, keys and the audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import select

from durhampulse.desk.people import people
from durhampulse.desk.people.people import ROLES
from durhampulse.desk.store.audit import latest
from durhampulse.desk.store.tables import api_key, receipt
from durhampulse.desk.web.access import COOKIE, Admin, DeskOf, Number, Viewer, let_in
from durhampulse.desk.web.rendering import redirect, render
from durhampulse.exceptions import InputError

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
def sign_in_page(request: Request) -> Response:
    """Ask who it is."""
    return render(request, None, "sign-in.html", next=_local(request.query_params.get("next", "")),
                  problem="")  # fmt: skip


@router.post("/sign-in")
def sign_in(
    request: Request, desk: DeskOf, name: Annotated[str, Form()], password: Annotated[str, Form()],
    next: Annotated[str, Form()] = "",  # noqa: A002 - the customary name
) -> Response:  # fmt: skip
    """Let somebody in who knows the password; any older session of the browser is not kept."""
    address = request.client.host if request.client else "unknown"
    problem = "Name and password do not fit."
    token = None
    try:
        token = people.sign_in(desk.store, name, password, address)
    except InputError as error:
        problem = f"{error.problem} {error.way_out}"
    if token is None:
        return render(request, None, "sign-in.html", status=403, next=_local(next), problem=problem)
    response = redirect(_local(next) or "/shortlist")
    let_in(request, response, token)
    return response


def _local(path: str) -> str:
    """Give a path of this desk, or nothing: nobody is sent elsewhere from here."""
    fine = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path[:2000] if fine else ""


@router.post("/sign-out")
def sign_out(request: Request, desk: DeskOf, who: Viewer) -> Response:  # noqa: ARG001 - who admits
    """End the session."""
    with desk.store.writing() as db:
        people.sign_out(db, request.cookies.get(COOKIE, ""))
    response = redirect("/sign-in")
    response.delete_cookie(COOKIE, path="/")
    return response


@router.get("/welcome/{token}")
def welcome_page(request: Request, desk: DeskOf, token: str) -> Response:
    """Show what a one-time link is for; it is used by the button, not by looking at it."""
    with desk.store.reading() as db:
        found = people.find_link(db, token)
    if found is None:
        raise InputError("This link was used, or is too old.", "Ask for a new one.")
    return render(request, None, "welcome.html", token=token, purpose=found.purpose, problem="")


@router.post("/welcome/{token}")
def welcome(
    request: Request, desk: DeskOf, token: str,
    name: Annotated[str, Form()] = "", password: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Use a one-time link: the demo's door, the first admin, or a new password."""
    try:
        with desk.store.writing() as db:
            found = people.use_link(db, token)
            number = found.person_id
            if found.purpose == "first":
                number = people.add_person(db, name, "admin", "first run", password)
            elif found.purpose == "password":
                people.set_password(db, number, password, "by link")
            session = people.enter(db, number)
    except InputError as error:
        with desk.store.reading() as db:
            left = people.find_link(db, token)
        if left is None:
            raise
        return render(request, None, "welcome.html", status=422, token=token,
                      purpose=left.purpose, problem=f"{error.problem} {error.way_out}")  # fmt: skip
    response = redirect("/shortlist")
    let_in(request, response, session)
    return response


def _people_page(
    request: Request, desk: DeskOf, who: Admin, secret: str = "", what: str = ""
) -> Response:
    with desk.store.reading() as db:
        everybody = people.people(db)
        keys = db.execute(select(api_key).order_by(api_key.c.name)).all()
    return render(request, who, "people.html", people=everybody, keys=keys, roles=ROLES,
                  secret=secret, what=what)  # fmt: skip


@router.get("/people")
def show(request: Request, desk: DeskOf, who: Admin) -> Response:
    """Show everybody and all keys."""
    return _people_page(request, desk, who)


@router.post("/people")
def add(
    request: Request, desk: DeskOf, who: Admin,
    name: Annotated[str, Form()], role: Annotated[str, Form()],
) -> Response:  # fmt: skip
    """Add somebody; they choose their password themselves, by a one-time link."""
    with desk.store.writing() as db:
        number = people.add_person(db, name, role, who.name)
        token = people.make_link(db, "password", who.name, number)
    return _people_page(request, desk, who, f"{request.base_url}welcome/{token}",
                        f"The link for {name}; it works once, within half an hour.")  # fmt: skip


@router.post("/people/{number}")
def change(
    desk: DeskOf, who: Admin, number: Number,
    role: Annotated[str, Form()], active: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """Change what somebody may do."""
    with desk.store.writing() as db:
        people.change_person(db, number, who.name, role=role, active=active)
    return redirect("/people")


@router.post("/people/{number}/link")
def link(request: Request, desk: DeskOf, who: Admin, number: Number) -> Response:
    """Make a link by which somebody chooses a new password."""
    with desk.store.writing() as db:
        token = people.make_link(db, "password", who.name, number)
    what = "A link for a new password; it works once, within half an hour."
    return _people_page(request, desk, who, f"{request.base_url}welcome/{token}", what)


@router.post("/keys")
def add_key(
    request: Request, desk: DeskOf, who: Admin,
    name: Annotated[str, Form()], role: Annotated[str, Form()],
) -> Response:  # fmt: skip
    """Make an API key."""
    with desk.store.writing() as db:
        token = people.add_key(db, name, role, who.name)
    return _people_page(request, desk, who, token, f"The key '{name}'; it is shown this once.")


@router.post("/keys/{number}/revoke")
def revoke(desk: DeskOf, who: Admin, number: Number) -> Response:
    """End an API key."""
    with desk.store.writing() as db:
        people.revoke_key(db, number, who.name)
    return redirect("/people")


@router.get("/audit")
def audit(request: Request, desk: DeskOf, who: Admin) -> Response:
    """Show who did what, and the receipts of erasures."""
    text = request.query_params.get("before", "")
    before = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
    with desk.store.reading() as db:
        rows = latest(db, before)
        receipts = db.execute(select(receipt).order_by(receipt.c.id.desc()).limit(50)).all()
    return render(request, who, "audit.html", rows=rows, receipts=receipts)
