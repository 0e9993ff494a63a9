"""Requests before an endpoint sees them: HEAD, packed bodies and the JSON of a body."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from durhampulse.service.errors import error_answer

__all__ = ["HEAD_ONLY", "HeadAsGet", "JsonRoute", "RequestError", "Unpacked"]

HEAD_ONLY = "durhampulse.head"
"""In the scope of a request that was HEAD and is answered as GET."""
_GZIP = 16 + zlib.MAX_WBITS
_SUSPECT = re.compile(r"\\u(0000|[dD][89a-fA-F])")
"""What a body holds that may spell such a character; pairs of halves are whole characters."""
_NULL = re.compile(r"(?<!\\)(\\\\)*\\u0000")


class RequestError(HTTPException):
    """A request that is not answered as asked, with what the client can do about it."""

    def __init__(
        self, status: int, problem: str, way_out: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, problem, headers)
        self.way_out = way_out


class HeadAsGet:
    """ASGI middleware that answers HEAD with the head of GET's answer (RFC 9110, 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; of the answer to HEAD, everything but the body comes back."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET", HEAD_ONLY: True}, receive, send_head)


class Unpacked:
    """ASGI middleware that unpacks gzip bodies as they arrive, and refuses other codings.

    Parameters
    ----------
    app
        What answers.
    limit
        Most bytes that a body may unpack to.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a body in plain."""
        if scope["type"] == "http":
            headers = MutableHeaders(scope=scope)
            coding = headers.get("content-encoding", "identity").strip().lower()
            if coding in ("gzip", "x-gzip"):  # one and the same (RFC 9110, 8.4.1.3)
                receive = _Unpacker(receive, self._limit).receive
                del headers["content-encoding"], headers["content-length"]
            elif coding != "identity":
                await _unknown_coding(coding)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _unknown_coding(coding: str) -> Response:
    """Return the refusal of a coding, which names the one that is taken (RFC 9110, 15.5.16)."""
    problem = f"The body's content-encoding is {coding[:60]!r}, which is not unpacked here."
    way_out = "Send it in plain or as gzip."
    return error_answer(415, problem, way_out, headers={"accept-encoding": "gzip"})


class _Unpacker:
    """Unpacks the parts of one body; never more than the limit is held."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._left = receive, limit
        self._gzip = zlib.decompressobj(_GZIP)

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request":
            return message
        try:
            body = self._gzip.decompress(message.get("body", b""), self._left + 1)
        except zlib.error as error:
            raise _not_gzip(str(error)) from error
        self._left -= len(body)
        if self._left < 0:
            raise RequestError(
                413, "The body unpacks to more than may be sent.", "Send it in parts."
            )
        complete = self._gzip.eof and not self._gzip.unused_data
        if not message.get("more_body", False) and not complete:
            raise _not_gzip("it breaks off" if not self._gzip.eof else "something follows its end")
        return {**message, "body": body}


def _not_gzip(why: str) -> RequestError:
    return RequestError(400, f"The body cannot be unpacked as gzip: {why}.", "Send it in plain.")


class JsonRoute(APIRoute):
    """A route whose JSON bodies may give each key of an object once only.

    JSON leaves open which of two equal keys counts (RFC 8259, 4), and :func:`json.loads` takes the
    last; a creator who is given 3,000 and 7 followers should not be scored with either.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, which reads bodies so."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(_JsonRequest(request.scope, request.receive))

        return handle


class _JsonRequest(Request):
    async def json(self) -> Any:
        """Return the body.

        Raises
        ------
        RequestError
            If an object gives a key twice, or a text holds what no database and no file takes.
        """
        body = await self.body()
        # Not by `json.loads`, which reads half a character that stands there as bytes.
        text = body.decode(json.detect_encoding(body))
        values = json.loads(text, object_pairs_hook=_distinct)
        if _SUSPECT.search(text):
            _require_plain(values)
        return values


def _require_plain(values: Any) -> None:
    """Raise if a text within holds a null character or half a character."""
    text = json.dumps(values, ensure_ascii=False)
    half = any("\ud800" <= letter <= "\udfff" for letter in text)
    if half or _NULL.search(text):
        what = "half a character (a lone surrogate)" if half else "a null character"
        raise RequestError(422, f"A text of the body holds {what}.", "Leave it out.")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        key = next(key for key in keys if keys.count(key) > 1)
        first, second = [json.dumps(value)[:60] for name, value in pairs if name == key][:2]
        problem = f"{key[:60]!r} is given twice in one object, as {first} and as {second}."
        raise RequestError(422, problem, "Give it once.")
    return values
