"""The desk below a path of a proxy: its own pages know nothing of the path, what leaves has it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["SHOWN_BELOW", "ShownBelow"]

SHOWN_BELOW = "durhampulse.shown_below"
"""Key of a scope whose answer is given its path by somebody else."""
_ADDRESSES = re.compile(
    rb'(\s(?:href|action|src|formaction|hx-(?:get|post|put|delete|push-url|replace-url))=")/(?!/)'
)
"""In text, quotation marks are escaped: what looks like an attribute is one."""
_LEADING = ("location", "hx-redirect", "hx-location", "hx-push-url", "hx-replace-url")


class ShownBelow:
    """ASGI middleware that writes a path before all addresses of pages, redirects and cookies.

    To be placed inside of what compresses.

    Parameters
    ----------
    app
        What answers.
    path
        Such as ``/pulse``.
    """

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app, self._path = app, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; its answer gets the path."""
        if scope["type"] != "http" or SHOWN_BELOW in scope:
            await self._app(scope, receive, send)
            return
        start: Message = {}
        parts: list[bytes] = []

        async def send_below(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=self._headers(message["headers"]))
                message = {**message, "headers": headers.raw}
                if headers.get("content-type", "").startswith("text/html"):
                    start = message  # its length is known once the page is whole
                    return
            elif start:
                parts.append(message.get("body", b""))
                if message.get("more_body", False):
                    return
                page = _ADDRESSES.sub(rb"\1" + self._path.encode() + b"/", b"".join(parts))
                MutableHeaders(scope=start)["content-length"] = str(len(page))
                await send(start)
                message = {"type": "http.response.body", "body": page}
            await send(message)

        await self._app({**scope, SHOWN_BELOW: True}, receive, send_below)

    def _headers(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        path, below = self._path.encode(), []
        for name, value in headers:
            if name.decode("latin-1").lower() in _LEADING and re.match(rb"/(?!/)", value):
                below.append((name, path + value))
            elif name.lower() == b"set-cookie":
                below.append((name, re.sub(rb"(?i); path=/(?=;|$)", b"; Path=" + path, value)))
            else:
                below.append((name, value))
        return below
