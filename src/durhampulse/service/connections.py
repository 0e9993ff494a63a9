"""Connections that a server holds: how many, and how long one may take to ask for something.

uvicorn bounds the idle time between two requests and nothing before the end of a request's head:
half a head, or silence, would hold a connection for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["MOST_CONNECTIONS", "BoundedProtocol"]

MOST_CONNECTIONS: Final = 1_000
"""Held at once; of others the server closes each as it comes."""
_SECONDS_TO_HEAD = 20.0
"""From the connection, or the answer before, to the end of a request's head."""
_LARGEST_HEAD = 64 << 10
_SPARE_FILES = 64
"""Kept for models, uploads and databases of the files that a process may open."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection of uvicorn's that is closed when no request comes of it."""

    _head: asyncio.TimerHandle | None = None
    _received = 0
    _in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request's head, unless there are connections enough."""
        super().connection_made(transport)
        if len(self.connections) > _most():
            transport.abort()
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._forget_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what arrived; a head that does not end is refused."""
        super().data_received(data)
        if not (self._head is None or self._in_body or self.transport.is_closing()):
            self._received += len(data)
            if self._received > _LARGEST_HEAD:
                self.send_400_response("The request's head is too large.")

    def on_headers_complete(self) -> None:
        """Wait no longer: a request is there, whose time others bound."""
        self._forget_head()
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that what follows is another head."""
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request's head."""
        super().on_response_complete()
        if self.cycle is None or self.cycle.response_complete:
            self._await_head()

    def _await_head(self) -> None:
        self._forget_head()
        self._head = self.loop.call_later(_SECONDS_TO_HEAD, self._close)

    def _forget_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
        self._head, self._received = None, 0

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def _most() -> int:
    """Return how many connections may be held, fewer where the system gives few files."""
    try:
        import resource
    except ModuleNotFoundError:  # where there is no such limit
        return MOST_CONNECTIONS
    files: Any = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    unlimited = files == resource.RLIM_INFINITY
    return MOST_CONNECTIONS if unlimited else min(MOST_CONNECTIONS, max(files - _SPARE_FILES, 16))
