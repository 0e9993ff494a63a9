"""Who may ask for what: sessions in the browser, keys for programs, roles for both."""

from __future__ import annotations

import hmac
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from starlette.exceptions import HTTPException

from durhampulse.desk.people import SESSION_HOURS, Who, find_key, find_session
from durhampulse.desk.web.state import desk_of

__all__ = ["COOKIE", "SignInNeededError", "let_in", "needs", "needs_key", "signed_in"]

COOKIE = "durhampulse"
_SAFE = ("GET", "HEAD", "OPTIONS")


class SignInNeededError(Exception):
    """Nobody is signed in; the browser is sent to the page where one does."""

    def __init__(self, request: Request) -> None:
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        asked = request.method in _SAFE and "hx-request" not in request.headers
        self.location = "/sign-in" + (f"?{urlencode({'next': back})}" if asked else "")


def signed_in(request: Request) -> Who:
    """Give whoever is signed in."""
    token = request.cookies.get(COOKIE, "")
    if token:
        with desk_of(request).store.reading() as db:
            if who := find_session(db, token):
                request.state.who = who  # for error pages
                return who
    raise SignInNeededError(request)


async def _checked(request: Request, who: Annotated[Who, Depends(signed_in)]) -> Who:
    """Make sure that a change was sent from one of our own forms."""
    if request.method not in _SAFE:
        given = request.headers.get("x-csrf-token") or (await request.form()).get("csrf")
        if not hmac.compare_digest(str(given or "").encode(), who.csrf.encode()):
            raise HTTPException(403, "This form is too old. Reload the page and try again.")
    return who


def needs(role: str) -> Any:
    """Give the dependency that admits people of a role, and those who may do more."""

    def admit(who: Annotated[Who, Depends(_checked)]) -> Who:
        if not who.may(role):
            raise HTTPException(403, f"This needs the role '{role}'; yours is '{who.role}'.")
        return who

    return Depends(admit)


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
