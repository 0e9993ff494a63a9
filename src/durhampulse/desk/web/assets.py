"""The desk's own style and script: served compressed, and kept by browsers for as long as they are.

An address holds the hash of the file's content, so a new version of the file has a new address.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Assets", "Compressed", "asset_path"]

_FOREVER = "public, max-age=31536000, immutable"


@cache
def asset_path(name: str) -> str:
    """Return the address of a static file, which changes with its content."""
    content = files("durhampulse.desk.web").joinpath("static", name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:16]}"


class Assets(StaticFiles):
    """The wheel's own files: for good by their hash, else revalidated by ETag once an hour."""

    def file_response(self, full_path: Any, stat_result: Any, scope: Scope, *args: Any) -> Response:
        """Return a file with the time for which it may be kept."""
        response = super().file_response(full_path, stat_result, scope, *args)
        query = scope["query_string"].decode("latin-1")
        by_hash = query and asset_path(Path(full_path).name).endswith(f"?{query}")
        response.headers["cache-control"] = _FOREVER if by_hash else "max-age=3600"
        return response


class Compressed:
    """Middleware that compresses what an attacker cannot put words into.

    Style and script, and pages that are asked for by their bare address: these reflect nothing of
    the request, so the length of an answer tells nothing about the secrets in it (BREACH). Answers
    to forms and to addresses with a query are sent as they are.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._plain, self._compressing = (
            app,
            GZipMiddleware(app, minimum_size=1000, compresslevel=6),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        app = self._compressing if scope["type"] == "http" and _is_safe(scope) else self._plain
        await app(scope, receive, send)


def _is_safe(scope: Scope) -> bool:
    path = scope["path"]
    if path.startswith("/static/"):
        return True
    downloads = "/export" in path or path.startswith("/v1/")
    return scope["method"] == "GET" and not scope["query_string"] and not downloads
