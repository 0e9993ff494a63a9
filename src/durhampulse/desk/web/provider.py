"""Signing in by a provider: the way there, and the way back."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from starlette.exceptions import HTTPException

from durhampulse.desk.people.identities import person_of, set_identity
from durhampulse.desk.people.people import find_person
from durhampulse.desk.people.provider import Claims, Flow, Provider
from durhampulse.desk.review.conflicts import in_sentence
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.web.access import (
    COOKIE,
    DeskOf,
    Number,
    PageRoute,
    SureAdmin,
    set_cookie,
)
from durhampulse.desk.web.account import browser_of
from durhampulse.desk.web.entry import enter, show_sign_in
from durhampulse.desk.web.kept import local_path
from durhampulse.desk.web.rendering import redirect
from durhampulse.exceptions import InputError

__all__ = ["admin_router", "door"]

door = APIRouter(prefix="/sign-in/provider", include_in_schema=False)
admin_router = APIRouter(prefix="/people", include_in_schema=False, route_class=PageRoute)

_FLOW, _SECONDS = "durhampulse-flow", 600


def _provider(desk: DeskOf) -> Provider:
    if desk.provider is None:
        raise HTTPException(404)
    return desk.provider


Known = Annotated[Provider, Depends(_provider)]


@door.get("")
def go_there(request: Request, desk: DeskOf, provider: Known) -> Response:
    """Send the browser to the provider; a link, since a form's redirect may not leave the desk."""
    flow = Flow.begin(local_path(request.query_params.get("next", "")))
    again = "again" in request.query_params
    try:
        max_age = int(desk.limits.hours * 3600)
        address = provider.address_for(flow, _way_back(desk), max_age=max_age, again=again)
    except InputError as error:
        return show_sign_in(request, status=503, next_=flow.next, problem=error)
    response = redirect(address)
    set_cookie(request, response, _FLOW, flow.cookie, _SECONDS)
    return response


@door.get("/callback")
def come_back(request: Request, desk: DeskOf, provider: Known) -> Response:
    """Open a session for whom the provider means."""
    flow = Flow.read(request.cookies.get(_FLOW, "")) or Flow.begin("")  # which nothing fits
    try:
        claims = provider.redeem(flow, _code(request, provider, flow), _way_back(desk))
        with desk.store.writing() as db:
            number = person_of(db, claims, provider.settings.new_role)
            session = desk.sign_in.let_in(
                db, number, browser_of(request), request.cookies.get(COOKIE, ""), "provider",
                _proved_at(claims),
            )  # fmt: skip
        response = enter(request, session, flow.next)
    except InputError as error:
        with desk.store.writing() as db:
            note(db, "provider", "sign-in failed", "by provider")
        response = show_sign_in(request, status=403, next_=flow.next, problem=error)
    response.delete_cookie(_FLOW, path="/")
    return response


@admin_router.post("/{number}/identity")
def set_known_as(
    desk: DeskOf, who: SureAdmin, number: Number, known_as: Annotated[str, Form()] = ""
) -> Response:
    """Return to the people once it is stored what the provider calls one of them."""
    with desk.store.writing() as db:
        set_identity(db, number, known_as, who.name)
        name = in_sentence(find_person(db, number).name)
    return redirect("/people", f"Kept. {name} signs in as {known_as.strip()}." if known_as.strip()
                    else f"{name} is not known to the provider any more.")  # fmt: skip


def _code(request: Request, provider: Provider, flow: Flow) -> str:
    """Return the code that came back for a sign-in of this browser.

    Raises
    ------
    InputError
        If it belongs to another sign-in or provider (RFC 9207), or the provider has refused.
    """
    sent = request.query_params
    if not hmac.compare_digest(sent.get("state", "").encode(), flow.state.encode()):
        raise InputError(
            "That sign-in was not begun in this browser, or took too long.", "Begin again."
        )
    if sent.get("iss", provider.settings.issuer) != provider.settings.issuer:
        raise InputError("Another provider has answered.", "Begin again.")
    if "error" in sent or not sent.get("code"):
        raise InputError(f"{provider.settings.title} has not let you in.", "Try again.")
    return sent["code"]


def _proved_at(claims: Claims) -> datetime | None:
    """Return when somebody proved who they are; None, for now, where the provider is silent."""
    if not claims.signed_in_at:
        return None
    return min(clock.now(), datetime.fromtimestamp(claims.signed_in_at, UTC))


def _way_back(desk: DeskOf) -> str:
    return f"{desk.exposure.address}/sign-in/provider/callback"
