"""Forms that could not be taken: the page they stand on, as it was sent, and what is wrong."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlencode

from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.types import Message, Scope

from durhampulse.desk.web.below import SHOWN_BELOW
from durhampulse.desk.web.exposure import HOST_COOKIES
from durhampulse.desk.web.filling import Sent, fill_form
from durhampulse.desk.web.kept import page_named
from durhampulse.exceptions import DurhamPulseError
from durhampulse.service.logs import ASKED

__all__ = ["PARTS", "page_before", "return_form", "sent_fields"]

_ELSEWHERE = {"/keys": "/people", "/views/": "/lists", "/views": "/shortlist",
              "/bulk": "/shortlist", "/lists/members": "/shortlist",
              "/campaigns/add": "/shortlist"}  # fmt: skip
"""Forms whose path is not below the page they stand on."""
_OF_THE_BODY = (
    "content-length", "content-type", "transfer-encoding", "x-csrf-token", "range",
    "accept-encoding",
)  # fmt: skip
_KEPT = (
    "type", "asgi", "http_version", "scheme", "server", "client", "extensions",
    ASKED, HOST_COOKIES, SHOWN_BELOW,
)  # fmt: skip
_MOST_PAGES = 5
PARTS = {"HX-Retarget": "main", "HX-Reselect": "main", "HX-Reswap": "outerHTML"}
"""Headers by which htmx shows a returned page instead of the part that was asked for."""


async def return_form(request: Request, error: DurhamPulseError) -> Response | None:
    """Return the page a form was sent from, filled in as it was sent; None if there is none.

    The page is asked for anew, by the same session, so it shows what has happened since.
    """
    sent = await sent_fields(request)
    asked = request.method in ("GET", "HEAD")
    for address in _pages(request, sent, error.field)[:_MOST_PAGES]:
        page = await _look(request, address)
        filled = page and fill_form(page, request.url.path, sent, error, kept=asked)
        if filled:
            headers = {"cache-control": "no-store"}
            headers |= PARTS if "hx-request" in request.headers else {}
            return Response(filled, 422, headers, "text/html; charset=utf-8")
    return None


async def sent_fields(request: Request) -> Sent:
    """Return what people have sent: the fields of a form, or of the address."""
    if request.method in ("GET", "HEAD"):
        return request.query_params.multi_items()
    try:
        form = getattr(request.state, "sent", None) or await request.form()
    except (HTTPException, RuntimeError):  # a body that could not be read
        return []
    return [(name, value) for name, value in form.multi_items()
            if name != "csrf" and isinstance(value, str)]  # fmt: skip


def page_before(request: Request) -> str:
    """Return the page of this desk that a browser says it comes from; empty if it says none."""
    return page_named(request, "referer")


def _pages(request: Request, sent: Sent, wrong: str) -> list[str]:
    """Return the addresses where the form may stand, the likeliest first."""
    path = request.url.path
    if request.method in ("GET", "HEAD"):
        if "/export/" in path:  # a file, made of all creators; no form stands in it
            return []
        others = [(name, value) for name, value in sent if name != wrong]
        return [f"{path}?{urlencode(others)}"] if len(others) < len(sent) else []
    parts = path.strip("/").split("/")
    above = ["/" + "/".join(parts[:n]) for n in range(len(parts), 0, -1)]
    pages = [page_before(request), _page_of(path, dict(sent)), *above]
    return [page for page in dict.fromkeys(pages) if page]


def _page_of(path: str, sent: dict[str, str]) -> str:
    """Return the page a form stands on that is not above its own path; empty for any other.

    The shortlist's forms say which part of the list it showed.
    """
    page = _ELSEWHERE.get(path.rstrip("0123456789"), "")
    view = sent.get("back") or sent.get("query")
    return f"{page}?{view}" if page == "/shortlist" and view else page


async def _look(request: Request, address: str) -> str:
    """Return a page of the desk as the same browser would get it; empty if it gets none."""
    parts: list[Message] = []
    request_body: Message = {"type": "http.request", "body": b"", "more_body": False}
    arriving = iter([request_body])

    async def receive() -> Message:  # answers that are files wait for the end of the connection
        return next(arriving, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        parts.append(message)

    await request.app(_scope(request, address), receive, send)
    headers = dict(parts[0].get("headers", [])) if parts else {}
    if not headers.get(b"content-type", b"").startswith(b"text/html"):
        return ""
    return b"".join(part.get("body", b"") for part in parts[1:]).decode()


def _scope(request: Request, address: str) -> Scope:
    path, _, query = address.partition("?")
    headers = [
        (name, value)
        for name, value in request.scope["headers"]
        if name.decode("latin-1") not in _OF_THE_BODY and not name.startswith(b"hx-")
    ]
    kept: dict[str, Any] = {name: request.scope[name] for name in _KEPT if name in request.scope}
    return {
        **kept, "method": "GET", "path": unquote(path), "raw_path": path.encode(), "root_path": "",
        "query_string": query.encode(), "headers": headers, "state": {},
    }  # fmt: skip
