"""Authentication and authorisation: sessions in the browser, API keys, roles for both."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from durhampulse.desk.people.devices import DEVICE_DAYS, remember_device
from durhampulse.desk.people.people import PersonRole, Principal, find_key
from durhampulse.desk.people.sessions import find_session
from durhampulse.desk.store.database import AWAY
from durhampulse.desk.web.kept import is_foreign, page_named
from durhampulse.desk.web.state import Desk, desk_of
from durhampulse.exceptions import InputError
from durhampulse.service.admission import key_needed
from durhampulse.service.bodies import RequestError
from durhampulse.service.gates import Gated, bearer_token, behind

__all__ = [
    "AGAIN",
    "COOKIE",
    "DEVICE",
    "Admin",
    "ConfirmNeededError",
    "DeskOf",
    "Number",
    "PageRoute",
    "Reviewer",
    "SentForm",
    "SignInNeededError",
    "StaleFormError",
    "SureAdmin",
    "SureViewer",
    "Viewer",
    "asking_person",
    "keep_session",
    "know_browser",
    "let_in",
    "needs_key",
    "new_session",
    "refuse_foreign",
    "set_cookie",
]  # fmt: skip

_log = logging.getLogger("durhampulse")
COOKIE, DEVICE = "durhampulse", "durhampulse-device"
AGAIN = "password_again"
"""The field in which a heavy act's form brings the password."""
_SAFE = ("GET", "HEAD", "OPTIONS")
_UNSTORABLE = re.compile("[\\0\ud800-\udfff]")


class SignInNeededError(Exception):
    """Nobody is signed in; the browser is redirected to the sign-in page."""

    def __init__(self, request: Request) -> None:
        back = ""
        if "hx-request" in request.headers:  # a part of the page that the browser shows
            back = page_named(request, "hx-current-url")
        elif request.method in _SAFE:
            back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.location = "/sign-in" + (f"?{urlencode({'next': back})}" if back else "")


class StaleFormError(HTTPException):
    """A form without the token of the session: of an earlier session, or of a foreign page."""

    def __init__(self) -> None:
        super().__init__(403, "This form is too old. Reload the page and try again.")


class ConfirmNeededError(Exception):
    """A heavy act of a session whose password was given too long ago.

    Attributes
    ----------
    problem
        What was wrong with the password that came along; empty where none did.
    """

    def __init__(self, problem: str = "") -> None:
        super().__init__(problem)
        self.problem = problem


class PageRoute(Gated):
    """A route that asks who is there, and what they may do, before it reads what they send."""


def _signed_in(request: Request) -> Principal:
    """Return the person who is signed in."""
    token = request.cookies.get(COOKIE, "")
    if token:
        desk = desk_of(request)
        desk.counting.quiet.asked()
        with desk.store.reading() as db:
            if who := find_session(db, token, desk.limits, desk.last_use):
                request.state.who = who  # for error pages
                return who
    raise SignInNeededError(request)


def asking_person(request: Request) -> Principal | None:
    """Return the person who is signed in; none where nobody is, or the store does not answer."""
    try:
        return _signed_in(request)
    except (SignInNeededError, MemoryError, *AWAY):
        return None


def _needs(role: PersonRole) -> Any:
    """Return the dependency that admits people with a role, or a higher one."""

    async def gate(request: Request) -> Principal:
        who = await run_in_threadpool(_signed_in, request)
        if not who.may(role):
            problem = f"This needs the role '{role}'; yours is '{who.role}'."
            raise RequestError(403, problem, "An admin can give you another one, under People.")
        return who

    admitted = behind(gate)

    # By its default: an annotation of this module could not name what is made here.
    async def admit(request: Request, who: Principal = admitted) -> Principal:
        if request.method not in _SAFE:
            form = await request.form()
            token = request.headers.get("x-csrf-token") or form.get("csrf")
            if not hmac.compare_digest(str(token or "").encode(), who.csrf.encode()):
                raise StaleFormError
            request.state.sent = form  # for error pages
            _require_storable(form.multi_items())
        _require_storable(request.query_params.multi_items())
        return who

    return Depends(admit)


def _require_storable(sent: Iterable[tuple[str, object]]) -> None:
    """Raise if a text or a file's name holds a character that PostgreSQL cannot store."""
    for field, value in sent:
        text = value if isinstance(value, str) else getattr(value, "filename", None) or ""
        if _UNSTORABLE.search(text):
            problem = f"What was given for '{field}' holds a null character."
            raise InputError(problem, "Write it anew.", field)


DeskOf = Annotated[Desk, Depends(desk_of)]
Number = Annotated[int, Field(ge=1, lt=2**31)]
Viewer = Annotated[Principal, _needs("viewer")]
Reviewer = Annotated[Principal, _needs("reviewer")]
Admin = Annotated[Principal, _needs("admin")]


def refuse_foreign(request: Request) -> None:
    """Refuse a form of another site, so that it cannot sign a browser in as somebody else."""
    if request.method == "POST" and is_foreign(request):
        raise HTTPException(403, "This form was sent by another site.")


async def _confirmed(request: Request, who: Viewer) -> Principal:
    """Return somebody who has given the password a short while ago, or gives it with the form."""
    if who.session.confirmed:
        return who
    given = (await request.form()).get(AGAIN)
    if given is None:
        raise ConfirmNeededError
    desk = desk_of(request)
    try:
        token = await asyncio.to_thread(desk.sign_in.confirm, desk.store, who, str(given))
    except InputError as error:
        raise ConfirmNeededError(f"{error.problem} {error.way_out}") from error
    if token is None:
        raise ConfirmNeededError("That is not your password.")
    keep_session(request, token)
    return who


async def _confirmed_admin(request: Request, who: Admin) -> Principal:
    """Return an admin who has done so."""
    return await _confirmed(request, who)


SureViewer = Annotated[Principal, Depends(_confirmed)]
"""For what lets oneself in."""
SureAdmin = Annotated[Principal, Depends(_confirmed_admin)]
"""For the few heavy acts: people, keys, thresholds, erasure."""


async def _sent_form(request: Request, _who: Reviewer) -> AsyncIterator[FormData]:
    async with request.form() as form:
        yield form


SentForm = Annotated[FormData, Depends(_sent_form)]
"""A form with a file, read after authentication: FastAPI reads parameters of its own before."""


def needs_key(role: PersonRole) -> Any:
    """Return the dependency that admits programs whose key has a role, or a higher one."""

    async def gate(request: Request) -> Principal:
        who = await run_in_threadpool(_program, request)
        if who is None:
            raise key_needed()
        if not who.may(role):
            problem = f"This needs a key with the role '{role}'."
            raise RequestError(403, problem, "An admin makes one, under People.")
        _require_storable(request.query_params.multi_items())
        return who

    return behind(gate)


def _program(request: Request) -> Principal | None:
    """Return whoever the key of a request belongs to; none without one that is known."""
    token, desk = bearer_token(request), desk_of(request)
    if not token:
        return None
    with desk.store.reading() as db:
        return find_key(db, token, desk.last_use)


def keep_session(request: Request, token: str) -> None:
    """Renew the token of a request's session; the answer sets it."""
    before = request.cookies.get(COOKIE, "").encode()
    request.scope["headers"] = [  # for the page that is asked for anew where the form is refused
        (name, value.replace(before, token.encode()) if name == b"cookie" else value)
        for name, value in request.scope["headers"]
    ]
    request.state.new_session = token


def new_session(request: Request) -> str:
    """Return the token that the answer to a request must set; empty if it need not."""
    return str(getattr(request.state, "new_session", ""))


def let_in(request: Request, response: Response, token: str) -> None:
    """Set the cookie of a session, in place of any the browser had."""
    set_cookie(request, response, COOKIE, token, int(desk_of(request).limits.hours * 3600))


def know_browser(request: Request, response: Response, number: int) -> None:
    """Set the cookie by which the browser of a person who has just signed in is known.

    Where the store fails just then they are signed in all the same, and the browser is not known.
    """
    try:
        with desk_of(request).store.writing() as db:
            token = remember_device(db, number, request.cookies.get(DEVICE, ""))
    except (*AWAY, MemoryError) as error:
        _log.warning("A browser could not be remembered: %s", error.__cause__ or error)
        return
    set_cookie(request, response, DEVICE, token, DEVICE_DAYS * 86_400)


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """Set a cookie that scripts cannot read, and other sites' forms do not bring."""
    secure = request.url.scheme == "https"
    response.set_cookie(
        name, value, seconds, httponly=True, samesite="lax", secure=secure, path="/"
    )
