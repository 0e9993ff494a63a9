"""Requests whose bodies never end."""

from __future__ import annotations

import asyncio

CHUNK = 1 << 16


def send_to(app, path, receive, method="POST", **headers):
    """Give the status of the answer to a request whose body a function gives."""
    statuses = []

    async def send(message):
        statuses.append(message.get("status"))

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "client": ("192.0.2.1", 5), "server": ("testserver", 80), "state": {},
        "headers": [(b"host", b"testserver"),
                    *((name.replace("_", "-").encode(), value.encode())
                      for name, value in headers.items())],
    }  # fmt: skip
    asyncio.run(asyncio.wait_for(app(scope, receive, send), 5))
    return statuses[0]


def send_without_end(app, path, **headers):
    """Send a body that never ends; give the status and the bytes that were taken."""
    taken = 0

    async def receive():
        nonlocal taken
        taken += CHUNK
        assert taken < 64 * CHUNK
        return {"type": "http.request", "body": b"a" * CHUNK, "more_body": True}

    return send_to(app, path, receive, **headers), taken
