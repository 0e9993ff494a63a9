"""Response headers that every answer has unless it brings its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["API_HEADERS", "DefaultHeaders", "hsts_headers"]

API_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}
"""For answers to programs: never kept, and never taken for a page."""


def hsts_headers(asked: bool) -> dict[str, str]:
    """Return the header that tells browsers to use TLS only, for a year (RFC 6797), if asked."""
    year = "max-age=31536000; includeSubDomains"
    return {"strict-transport-security": year} if asked else {}


class DefaultHeaders:
    """ASGI middleware that adds headers where an answer has none of that name.

    Parameters
    ----------
    app
        What answers.
    headers
        Name to value, in lower case.
    """

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app, self._headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; its answer gets the headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)
