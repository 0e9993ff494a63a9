"""Authentication and authorisation: sessions in the browser, API keys, roles for both."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from pydantic import Field
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from durhampulse.desk.people.people import (
    SESSION_HOURS,
    PersonRole,
    Principal,
    find_key,
    find_session,
)
from durhampulse.desk.web.state import Desk, desk_of

__all__ = [
    "COOKIE", "Admin", "DeskOf", "Number", "Reviewer", "SentForm", "SignInNeededError",
    "StaleFormError", "Viewer", "let_in", "needs_key",
]  # fmt: skip

COOKIE = "durhampulse"
_SAFE = ("GET", "HEAD", "OPTIONS")


class SignInNeededError(Exception):
    """Nobody is signed in; the browser is redirected to the sign-in page."""

    def __init__(self, request: Request) -> None:
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        asked = request.method in _SAFE and "hx-request" not in request.headers
        self.location = "/sign-in" + (f"?{urlencode({'next': back})}" if asked else "")


class StaleFormError(HTTPException):
    """A form without the token of the session: of an earlier session, or of a foreign page."""

    def __init__(self) -> None:
        super().__init__(403, "This form is too old. Reload the page and try again.")


def _signed_in(request: Request) -> Principal:
    """Return the person who is signed in."""
    token = request.cookies.get(COOKIE, "")
    if token:
        with desk_of(request).store.reading() as db:
            if who := find_session(db, token):
                request.state.who = who  # for error pages
                return who
    raise SignInNeededError(request)


def _needs(role: PersonRole) -> Any:
    """Return the dependency that admits people with a role, or a higher one."""

    async def admit(request: Request, who: Annotated[Principal, Depends(_signed_in)]) -> Principal:
        if not who.may(role):
            raise HTTPException(403, f"This needs the role '{role}'; yours is '{who.role}'.")
        if request.method not in _SAFE:
            token = request.headers.get("x-csrf-token") or (await request.form()).get("csrf")
            if not hmac.compare_digest(str(token or "").encode(), who.csrf.encode()):
                raise StaleFormError
        return who

    return Depends(admit)


DeskOf = Annotated[Desk, Depends(desk_of)]
Number = Annotated[int, Field(ge=1, lt=2**31)]
Viewer = Annotated[Principal, _needs("viewer")]
Reviewer = Annotated[Principal, _needs("reviewer")]
Admin = Annotated[Principal, _needs("admin")]


async def _sent_form(request: Request, _who: Reviewer) -> AsyncIterator[FormData]:
    async with request.form() as form:
        yield form


SentForm = Annotated[FormData, Depends(_sent_form)]
"""A form with a file, read after authentication: FastAPI reads parameters of its own before."""


def needs_key(role: PersonRole) -> Any:
    """Return the dependency that admits programs whose key has a role, or a higher one."""

    def admit(request: Request) -> Principal:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        who = None
        if scheme.lower() == "bearer" and token:
            with desk_of(request).store.reading() as db:
                who = find_key(db, token.strip())
        if who is None:
            raise HTTPException(401, "A key is needed.", {"WWW-Authenticate": "Bearer"})
        if not who.may(role):
            raise HTTPException(403, f"This needs a key with the role '{role}'.")
        return who

    return Depends(admit)


def let_in(request: Request, response: Response, token: str) -> None:
    """Set the cookie of a new session, in place of any the browser had."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=SESSION_HOURS * 3600,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/",
    )
