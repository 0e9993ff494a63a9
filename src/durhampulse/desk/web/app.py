"""The desk as an application: the scorer's routes, the REST routes and the pages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from durhampulse.desk.hooks.sender import Sender
from durhampulse.desk.store.database import AWAY
from durhampulse.desk.store.missing import MissingError
from durhampulse.desk.store.space import shortage_of
from durhampulse.desk.web.access import (
    AGAIN,
    ConfirmNeededError,
    SignInNeededError,
    StaleFormError,
    asking_person,
    let_in,
    new_session,
)
from durhampulse.desk.web.assets import Assets, Compressed
from durhampulse.desk.web.below import ShownBelow
from durhampulse.desk.web.entry import ResendContext, show_sign_in
from durhampulse.desk.web.exposure import (
    Exposure,
    HostCookies,
    KnownHost,
    Utf8Forms,
    page_headers,
)
from durhampulse.desk.web.kept import KeptForm, is_same_origin, is_urlencoded, keep_form
from durhampulse.desk.web.pages import PAGES, ROUTERS
from durhampulse.desk.web.readiness import make_ready
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.desk.web.returned import PARTS, page_before, return_form, sent_fields
from durhampulse.desk.web.state import ActiveModel, Desk, StoreKeys, desk_of
from durhampulse.exceptions import DurhamPulseError, InputError
from durhampulse.files.shortage import lacks_memory
from durhampulse.service.app import build_app
from durhampulse.service.bodies import RequestError
from durhampulse.service.border import BelowPath, add_border
from durhampulse.service.errors import not_said_to_be_json
from durhampulse.service.guard import Metrics, too_late
from durhampulse.service.logs import request_number
from durhampulse.service.oversize import too_large, too_large_error

__all__ = ["create_desk"]

_log = logging.getLogger("durhampulse")

_SECONDS_TO_WRITE = 30.0
_SECONDS_READ_AHEAD = 0.5
"""For long lists before the desk is ready; further ones are read ahead afterwards."""
_FOR_PROGRAMS = ("/v1/", "/metrics", "/healthz", "/readyz")
_PATIENT = ("/v1/campaigns", "/v1/bulk")


class ConfirmContext(Context, template="confirm.html"):
    """A heavy act's form, to be sent again with the password, or after the provider was asked."""

    wrong: str
    provider: str | None
    back: str
    field: str
    kept: KeptForm
    minutes: float


class ErrorContext(Context, template="error.html"):
    """What did not work, what was sent, and the ways on: each empty where there is none.

    `before` is the page before, `again` the page to be asked for again, `token` that of a form that
    may be sent again as it was, `elsewhere` the address under which the desk answers.
    """

    error: DurhamPulseError
    sent: KeptForm
    before: str = ""
    again: str = ""
    token: str = ""
    elsewhere: str = ""


def create_desk(desk: Desk, root_path: str = "") -> FastAPI:
    """Build the application of an open desk.

    Parameters
    ----------
    desk
        Its store, models and worker; the worker runs while the application does.
    root_path
        Path under which a proxy shows it; empty for none.
    """
    app = build_app(
        ActiveModel(desk.catalogue),
        Metrics(),
        keys=StoreKeys(desk.store, desk.last_use),
        docs_url=None,  # its page would load from another host
        patient=(*(path for page in PAGES for path in page.patient), *_PATIENT),
        late=_late,
        oversized=_oversized(root_path),
        headers=page_headers(desk.exposure),
        root_path=root_path,
    )
    app.state.desk, app.state.problem = desk, desk.problem
    app.router.lifespan_context = _with_worker(app, desk)
    app.state.navigation = PAGES
    app.add_api_route("/", _home, include_in_schema=False)
    app.mount("/static", Assets(packages=[("durhampulse.desk.web", "static")]))
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    _ErrorPages(app, root_path)
    app.router.redirect_slashes = False  # it would build the address from the Host header
    app.add_middleware(_NewSession)
    if root_path:
        app.add_middleware(ShownBelow, path=root_path)
    app.add_middleware(Compressed)
    app.add_middleware(Utf8Forms)
    app.add_middleware(HostCookies, path=root_path)
    elsewhere = _elsewhere(desk.exposure.address, root_path)  # which ends with the path
    app.add_middleware(KnownHost, host=desk.exposure.host, refusal=elsewhere)
    add_border(app, root_path)
    return app


def _with_worker(app: FastAPI, desk: Desk) -> Any:
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        async with inner(app) as state:
            await asyncio.to_thread(make_ready, app, desk)
            await asyncio.to_thread(desk.warm_lists, _SECONDS_READ_AHEAD)
            desk.worker.start(after_import=desk.warm_lists)
            sender = Sender(desk.store)
            sender.start()
            writing = asyncio.create_task(_write_last_use(desk))
            warming = asyncio.create_task(asyncio.to_thread(desk.warm_lists))
            try:
                yield state
            finally:
                writing.cancel()
                await warming
                await asyncio.to_thread(sender.stop)
                desk.worker.stop()
                await asyncio.to_thread(desk.counting.stop)
                desk.last_use.write(desk.store)

    return lifespan


async def _write_last_use(desk: Desk) -> None:
    """Write down now and then when sessions were used; cancelled to stop."""
    while True:
        await asyncio.sleep(_SECONDS_TO_WRITE)
        try:
            await asyncio.to_thread(desk.last_use.write, desk.store)
        except Exception:  # noqa: BLE001 - logged; written at the next turn
            _log.exception("When sessions were used could not be written.")


def _home() -> Response:
    return RedirectResponse("/shortlist", 303)


class _NewSession:
    """Middleware that sets the cookie of a session whose token is new."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        request = Request(scope)

        async def with_cookie(message: Message) -> None:
            token = new_session(request) if message["type"] == "http.response.start" else ""
            if token:
                answer = Response()
                let_in(request, answer, token)
                MutableHeaders(scope=message).append("set-cookie", answer.headers["set-cookie"])
            await send(message)

        await self._app(scope, receive, with_cookie)


class _ErrorPages:
    """Exception handlers: a page for people, and the scorer's JSON for programs."""

    def __init__(self, app: FastAPI, root_path: str) -> None:
        self._root_path = root_path
        self._plain: dict[Any, Any] = dict(app.exception_handlers)
        for kind in (HTTPException, RequestValidationError, DurhamPulseError):
            app.add_exception_handler(kind, self._explain)
        app.add_exception_handler(SignInNeededError, self._send_to_sign_in)
        app.add_exception_handler(StaleFormError, self._offer_again)
        app.add_exception_handler(ConfirmNeededError, self._ask_again)
        for away in (*AWAY, OSError, MemoryError):
            app.add_exception_handler(away, self._store_is_away)
        app.add_exception_handler(Exception, self._own_fault)

    async def _explain(self, request: Request, error: Exception) -> Response:
        _log_refusal(request, error)
        if request.url.path.startswith(_FOR_PROGRAMS):
            if isinstance(error, MissingError) and request.path_params:  # the address names it
                error = RequestError(404, error.problem, error.way_out)
            kinds = (HTTPException, RequestValidationError, DurhamPulseError)
            kind = next(kind for kind in kinds if isinstance(error, kind))
            answer: Response = await self._plain[kind](request, error)
            return answer
        status, wrong = _in_words(error)
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and not wrong.way_out:
            wrong = too_large_error(request.scope)  # of a body that did not say its size
        if status == HTTPStatus.UNPROCESSABLE_ENTITY and (
            page := await return_form(request, wrong)
        ):
            return page
        was_read = status == HTTPStatus.UNPROCESSABLE_ENTITY or hasattr(request.state, "sent")
        if isinstance(error, MissingError) and request.path_params:
            status = HTTPStatus.NOT_FOUND
        if status == HTTPStatus.NOT_FOUND and not hasattr(request.state, "who"):
            request.state.who = await run_in_threadpool(asking_person, request)
        sent = await sent_fields(request) if was_read and request.method == "POST" else []
        return _error_page(request, status, wrong, tuple(sent))

    @staticmethod
    async def _send_to_sign_in(request: Request, error: Exception) -> Response:
        location = getattr(error, "location", "/sign-in")
        is_part = "hx-request" in request.headers
        if kept := await keep_form(request):
            page = show_sign_in(request, status=422 if is_part else 403, form=kept)
            page.headers.update(PARTS if is_part else {})  # htmx shows a 422, and no 403
            return page
        if is_part:
            return Response(status_code=401, headers={"HX-Redirect": location})
        if request.method == "POST" and is_same_origin(request):
            return redirect(
                location, "Your session has ended, and nothing was kept. Send it again."
            )
        return RedirectResponse(location, 303)

    async def _offer_again(self, request: Request, error: Exception) -> Response:
        """Show a form of an earlier session, to be sent again by the session there is now."""
        if kept := await keep_form(request):
            return render(request, request.state.who, ResendContext(kept=kept), status=403)
        return await self._explain(request, error)

    @staticmethod
    async def _ask_again(request: Request, error: Exception) -> Response:
        """Show the form of a heavy act, to be sent again with the password."""
        fields = tuple(field for field in await sent_fields(request) if field[0] != AGAIN)
        wrong, who, provider = getattr(error, "problem", ""), request.state.who, None
        if who.session.method == "provider" and (known := desk_of(request).provider):
            provider = known.settings.title
        context = ConfirmContext(
            wrong=wrong, provider=provider, field=AGAIN, kept=KeptForm(request.url.path, fields),
            back=urlencode({"again": "", "next": page_before(request) or "/account"}),
            minutes=desk_of(request).limits.confirm_minutes,
        )  # fmt: skip
        return render(request, who, context, status=422)

    async def _store_is_away(self, request: Request, error: Exception) -> Response:
        if problem := shortage_of(error):
            short = f"{problem} Nothing was changed; what is stored can be read."
            status, way_out = 507, "Tell whoever runs the desk, and try again once there is room."
            if lacks_memory(error):
                status, way_out = 503, "Try again in a moment."
            return await self._explain(request, RequestError(status, short, way_out))
        if not isinstance(error, AWAY):
            raise error
        away = "The store does not answer right now. Nothing was changed."
        return await self._explain(request, RequestError(503, away, "Try again in a moment."))

    async def _own_fault(self, _request: Request, _error: Exception) -> Any:
        """Return what answers an unexpected error; the server's log has the traceback."""
        way_out = f"Tell whoever runs it this number: {request_number()}."
        fault = RequestError(500, "The desk failed here; its log says why.", way_out)

        async def page(request: Request) -> Response:
            answer = await self._explain(request, fault)
            answer.headers["x-request-id"] = request_number()
            return answer

        return _outermost(page, self._root_path)


def _log_refusal(request: Request, error: Exception) -> None:
    """Log who was refused what, by numbers and the pattern of the path, never by what it names."""
    if not isinstance(error, HTTPException) or error.status_code not in (401, 403):
        return
    who = getattr(request.state, "who", None)
    somebody = f"person {who.id}, {who.role}" if who else "nobody signed in, or a program"
    pattern = getattr(request.scope.get("route"), "path", "no such path")
    why = "form without its token" if isinstance(error, StaleFormError) else error.status_code
    _log.warning("Refused (%s): %s %s, %s", why, request.method, pattern, somebody)


def _late(scope: Scope) -> ASGIApp:
    if scope["path"].startswith(_FOR_PROGRAMS):
        return too_late(scope)
    late = InputError("This took too long.", "Try again, or ask for less.")
    return _error_page(Request(scope), 503, late)


def _oversized(root_path: str) -> Callable[[Scope, InputError], ASGIApp]:
    """Return what refuses a body above its limit."""

    def refusal(_scope: Scope, error: InputError) -> ASGIApp:
        async def page(request: Request) -> Response:
            if request.scope["path"].startswith(_FOR_PROGRAMS):
                return too_large(request.scope, error)
            return _error_page(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error)

        return _outermost(page, root_path)

    return refusal


def _elsewhere(address: str, root_path: str) -> ASGIApp:
    """Return what answers a request for another host than the desk's."""

    async def page(request: Request) -> Response:
        if request.scope["path"].startswith(_FOR_PROGRAMS):
            return PlainTextResponse("This desk has another address.\n", 421)
        wrong = InputError("This desk has another address.", f"It is {address}.")
        return _error_page(request, 421, wrong, elsewhere=f"{address}/")

    return _outermost(page, root_path)


def _outermost(page: Callable[[Request], Awaitable[Response]], root_path: str) -> ASGIApp:
    """Return what answers outside of all middleware: headers and addresses as that sets them."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        response = await page(Request(scope, receive))
        response.headers.update(page_headers(Exposure()))
        await response(scope, receive, send)

    return BelowPath(ShownBelow(answer, root_path), root_path) if root_path else answer


def _in_words(error: Exception) -> tuple[int, DurhamPulseError]:
    """Return a status, and the error as a problem with a way out."""
    if isinstance(error, DurhamPulseError):
        return 422, error
    if isinstance(error, HTTPException):
        if error.detail == HTTPStatus.NOT_FOUND.phrase:
            way_out = "Check its address, or start from the shortlist."
            return error.status_code, InputError("There is no such page.", way_out)
        return error.status_code, InputError(str(error.detail), getattr(error, "way_out", ""))
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": [""]}
    if unlike := not_said_to_be_json(first):
        return 422, unlike
    field = str(first["loc"][-1])
    if first.get("type") == "missing":
        return 422, InputError(f"Nothing was given for '{field}'.", "Fill it in.", field)
    return 422, InputError(f"This cannot be used for '{field}'.", "Correct it.", field)


def _error_page(
    request: Request, status: int, error: DurhamPulseError,
    fields: Sequence[tuple[str, str]] = (), *, elsewhere: str = "",
) -> Response:  # fmt: skip
    who = getattr(request.state, "who", None)
    unchanged = status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE)
    asked = request.method in ("GET", "HEAD") and status >= HTTPStatus.INTERNAL_SERVER_ERROR
    query = f"?{request.url.query}" if request.url.query else ""
    sent = KeptForm(request.url.path, tuple(fields))
    whole = bool(fields) and not sent.is_secret and is_urlencoded(request)
    context = ErrorContext(
        error=error, sent=sent, elsewhere=elsewhere,
        before="" if elsewhere else page_before(request),
        again=f"{request.url.path}{query}" if asked else "",
        token=who.csrf if who and whole and unchanged else "",
    )  # fmt: skip
    who = who if status < HTTPStatus.INTERNAL_SERVER_ERROR else None
    page = render(request, who, context, status=status)
    page.headers.update(PARTS if "hx-request" in request.headers else {})
    return page
