"""What every request passes first, whatever is served: its number, and the path it came by."""

from __future__ import annotations

import re

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from durhampulse.service.bodies import HeadAsGet
from durhampulse.service.logs import RequestLog
from durhampulse.service.tracing import add_tracing

__all__ = ["BelowPath", "add_border"]


def add_border(app: FastAPI, root_path: str = "") -> None:
    """Add the outermost middleware of an application; to be called last.

    Parameters
    ----------
    app
        Complete but for this.
    root_path
        Path under which a proxy shows it; empty for none.
    """
    app.add_middleware(HeadAsGet)  # outside of whatever packs or rewrites a body, for its length
    if root_path:
        app.add_middleware(BelowPath, path=root_path)
    app.add_middleware(RequestLog)
    add_tracing(app)


class BelowPath:
    """ASGI middleware that takes the path of a proxy off, where the proxy has not done so.

    Parameters
    ----------
    app
        What answers.
    path
        Such as ``/pulse``.
    """

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app, self._path = app, path
        self._own = re.compile(rb"^(https?://[^/]+)" + re.escape(path.encode()) + rb"/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on as if nothing stood above it."""
        if scope["type"] == "http" and f"{scope['path']}/".startswith(f"{self._path}/"):
            raw = scope.get("raw_path", b"").removeprefix(self._path.encode())
            path = scope["path"].removeprefix(self._path) or "/"
            scope = {**scope, "path": path, "raw_path": raw or b"/"}
        if scope["type"] == "http":
            headers = [(name, self._page(name, value)) for name, value in scope["headers"]]
            scope = {**scope, "headers": headers}
        await self._app(scope, receive, send)

    def _page(self, name: bytes, value: bytes) -> bytes:
        """Return a header's value, the address of an own page without the path."""
        if name not in (b"referer", b"hx-current-url"):
            return value
        return self._own.sub(rb"\1/", value)
