"""Who may ask for what: sessions in the browser, keys for programs, roles for both."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from pydantic import Field
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from durhampulse.desk.people.people import SESSION_HOURS, Who, find_key, find_session
from durhampulse.desk.web.state import Desk, desk_of

__all__ = [
    "COOKIE", "Admin", "DeskOf", "Number", "Reviewer", "SentForm", "SignInNeededError", "Viewer",
    "let_in", "needs_key",
]  # fmt: skip

COOKIE = "durhampulse"
_SAFE = ("GET", "HEAD", "OPTIONS")


class SignInNeededError(Exception):
    """Nobody is signed in; the browser is sent to the page where one does."""

    def __init__(self, request: Request) -> None:
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        asked = request.method in _SAFE and "hx-request" not in request.headers
        self.location = "/sign-in" + (f"?{urlencode({'next': back})}" if asked else "")


def _signed_in(request: Request) -> Who:
    """Give whoever is signed in."""
    token = request.cookies.get(COOKIE, "")
    if token:
        with desk_of(request).store.reading() as db:
            if who := find_session(db, token):
                request.state.who = who  # for error pages
                return who
    raise SignInNeededError(request)


def _needs(role: str) -> Any:
    """Give the dependency that admits people of a role, and those who may do more."""

    async def admit(request: Request, who: Annotated[Who, Depends(_signed_in)]) -> Who:
        if not who.may(role):
            raise HTTPException(403, f"This needs the role '{role}'; yours is '{who.role}'.")
        if request.method not in _SAFE:  # was it sent from one of our own forms?
            given = request.headers.get("x-csrf-token") or (await request.form()).get("csrf")
            if not hmac.compare_digest(str(given or "").encode(), who.csrf.encode()):
                raise HTTPException(403, "This form is too old. Reload the page and try again.")
        return who

    return Depends(admit)


DeskOf = Annotated[Desk, Depends(desk_of)]
Number = Annotated[int, Field(ge=1, lt=2**31)]
Viewer = Annotated[Who, _needs("viewer")]
Reviewer = Annotated[Who, _needs("reviewer")]
Admin = Annotated[Who, _needs("admin")]


async def _sent_form(request: Request, _who: Reviewer) -> AsyncIterator[FormData]:
    async with request.form() as form:
        yield form


SentForm = Annotated[FormData, Depends(_sent_form)]
"""A form with a file. A parameter of FastAPI's own would be read before anybody is asked who
they are; this one after that."""


def needs_key(role: str) -> Any:
    """Give the dependency that admits programs whose key has a role."""

    def admit(request: Request) -> Who:
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
    """Give the browser a new session's cookie, in place of any it had."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=SESSION_HOURS * 3600,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/",
    )
