"""The second factor: asked for at the sign-in, and set up, renewed and ended by its owner."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from durhampulse.desk.people.factors import (
    begin_factor,
    confirm_factor,
    end_factor,
    missing_factor,
    pending_secret,
    renew_codes,
    require_factor,
)
from durhampulse.desk.people.people import find_person
from durhampulse.desk.people.sessions import (
    Waiting,
    complete_session,
    find_session,
    find_waiting,
)
from durhampulse.desk.store.audit import note
from durhampulse.desk.web.access import (
    COOKIE,
    DEVICE,
    DeskOf,
    Number,
    PageRoute,
    SureAdmin,
    SureViewer,
    Viewer,
    keep_session,
    know_browser,
    let_in,
    refuse_foreign,
)
from durhampulse.desk.web.entry import SetUp, ask_second, enter, set_up_of
from durhampulse.desk.web.filling import fill_in
from durhampulse.desk.web.kept import LARGEST_FORM, KeptForm, is_same_origin, local_path
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.exceptions import InputError

__all__ = ["admin_router", "door", "router"]

door = APIRouter(
    include_in_schema=False, route_class=PageRoute, dependencies=[Depends(refuse_foreign)],
    max_body_size=LARGEST_FORM,
)  # fmt: skip
router = APIRouter(prefix="/account/second", include_in_schema=False, route_class=PageRoute)
admin_router = APIRouter(prefix="/people", include_in_schema=False, route_class=PageRoute)


class CodesContext(Context, template="codes.html"):
    """New recovery codes, and where one goes on."""

    codes: Sequence[str]
    next: str


class SetUpContext(Context, template="set-up.html"):
    """A secret that waits for its first code."""

    set_up: SetUp


@door.get("/sign-in/second")
def ask_again(request: Request, desk: DeskOf) -> Response:
    """Ask for the code of a session that waits for it."""
    with desk.store.reading() as db:
        waiting = find_waiting(db, request.cookies.get(COOKIE, ""))
    if waiting is None:
        return redirect("/sign-in")
    return ask_second(request, waiting, request.query_params.get("next", ""))


@door.post("/sign-in/second")
def give_code(
    request: Request, desk: DeskOf, code: Annotated[str, Form(max_length=200)],
    csrf: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "",  # noqa: A002 - the customary name
    kept_for: Annotated[str, Form()] = "", kept: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Take a code for a session that waits: it opens, with another token."""
    form = KeptForm.read(kept_for, kept) if kept_for and is_same_origin(request) else None
    with desk.store.reading() as db:
        waiting = find_waiting(db, request.cookies.get(COOKIE, ""))
    if waiting is None or not hmac.compare_digest(csrf.encode(), waiting.csrf.encode()):
        return redirect("/sign-in", "That took too long. Sign in once more.")
    wrong = InputError("That code does not fit, or was used.", "Type the next one.", "code")
    try:
        if waiting.needs == "factor":
            return _set_up(request, desk, waiting, code, next)
        token = desk.sign_in.second(desk.store, waiting, code, request.cookies.get(DEVICE, ""))
        if token is not None:
            return enter(request, token, next, form)
    except InputError as error:
        wrong = error
    page = ask_second(request, waiting, next, form, status=403)
    return fill_in(page, "/sign-in/second", [], wrong)


def _set_up(request: Request, desk: DeskOf, waiting: Waiting, code: str, next_: str) -> Response:
    """Take over the factor that a sign-in had to set up; show its recovery codes."""
    with desk.store.writing() as db:
        if missing_factor(db, waiting.person) != "factor":  # done meanwhile, in another browser
            raise InputError("You have a second factor by now.", "Sign in once more.", "code")
        codes = confirm_factor(db, waiting.person, code, waiting.name, keep=waiting.session)
        note(db, waiting.name, "signed in", waiting.name, {"second factor": True})
        token = complete_session(db, waiting, desk.limits)
        who = find_session(db, token, desk.limits)
    context = CodesContext(codes=codes, next=local_path(next_) or "/shortlist")
    response = render(request, who, context)
    let_in(request, response, token)
    know_browser(request, response, waiting.person)
    return response


@router.get("")
def show(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show the secret that waits for its first code."""
    with desk.store.reading() as db:
        secret = pending_secret(db, who.id)
    if secret is None:
        return redirect("/account")
    context = SetUpContext(set_up=set_up_of(request, secret, who.name))
    return render(request, who, context)


@router.post("")
def begin(request: Request, desk: DeskOf, who: SureViewer) -> Response:
    """Begin with a new secret; the present one counts until the new one's first code has come."""
    with desk.store.writing() as db:
        if find_person(db, who.id).password_hash is None:
            raise InputError("You have no password that it would stand beside.", "Choose one.")
        secret = begin_factor(db, who.id)
    context = SetUpContext(set_up=set_up_of(request, secret, who.name))
    return render(request, who, context)


@router.post("/confirm")
def confirm(
    request: Request, desk: DeskOf, who: SureViewer, code: Annotated[str, Form(max_length=200)]
) -> Response:
    """Take over the secret whose code was given; show its recovery codes."""
    with desk.store.writing() as db:
        codes = confirm_factor(db, who.id, code, who.name, keep=who.session.number)
    return render(request, who, CodesContext(codes=codes, next="/account"))


@router.post("/codes")
def renew(request: Request, desk: DeskOf, who: SureViewer) -> Response:
    """Show new recovery codes; those before end."""
    with desk.store.writing() as db:
        codes = renew_codes(db, who.id, who.name)
    return render(request, who, CodesContext(codes=codes, next="/account"))


@router.post("/end")
def end(request: Request, desk: DeskOf, who: Viewer, present: Annotated[str, Form()]) -> Response:
    """End one's own second factor, after the password."""
    token = desk.sign_in.confirm(desk.store, who, present)
    if token is None:
        raise InputError("That is not your password.", "Type the one you sign in with.", "present")
    keep_session(request, token)
    with desk.store.writing() as db:
        end_factor(db, who.id, who.name, keep=who.session.number)
        needs = missing_factor(db, who.id)
    later = " You will be asked for a new one when you next sign in." if needs else ""
    return redirect("/account", f"Your second factor has ended.{later}")


@admin_router.post("/factor")
def require(desk: DeskOf, who: SureAdmin, role: Annotated[str, Form()] = "") -> Response:
    """Say who must have a second factor."""
    with desk.store.writing() as db:
        require_factor(db, role, who)
    return redirect("/people", "Kept. Whoever lacks one sets it up at the next sign-in."
                    if role else "Kept. Nobody has to have a second factor.")  # fmt: skip


@admin_router.post("/{number}/factor/end")
def end_anothers(desk: DeskOf, who: SureAdmin, number: Number) -> Response:
    """End somebody's second factor, such as after the loss of a phone; their sessions end."""
    with desk.store.writing() as db:
        name = find_person(db, number).name
        keep = who.session.number if number == who.id else 0
        had = end_factor(db, number, who.name, keep=keep)
    text = f"The second factor of {name} has ended, and so have their sessions."
    return redirect("/people", text if had else f"{name} has no second factor.")
