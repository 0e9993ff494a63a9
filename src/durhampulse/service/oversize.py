"""Bodies above the limit of their route: refused unread, with the limit and a way out.

Starlette refuses them outside of every middleware and error handler, by three words of plain text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from durhampulse.exceptions import InputError
from durhampulse.service.errors import error_answer

__all__ = ["Oversize", "too_large", "too_large_error"]

_TOO_LARGE: Final = 413
_UNITS = ((30, "GB"), (20, "MB"), (10, "KB"))


class Oversize:
    """ASGI middleware, the outermost, that words the refusal of a body above its limit.

    Parameters
    ----------
    app
        What answers.
    refusal
        Returns what answers in place of the plain text.
    """

    def __init__(self, app: ASGIApp, refusal: Callable[[Scope, InputError], ASGIApp]) -> None:
        self._app, self._refusal = app, refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; answer for it where its body was refused."""
        wrong: InputError | None = None

        async def send_unless_bare(message: Message) -> None:
            nonlocal wrong
            if message["type"] == "http.response.start" and message["status"] == _TOO_LARGE:
                kind = Headers(raw=message["headers"]).get("content-type", "")
                wrong = too_large_error(scope) if kind.startswith("text/plain") else None
            if wrong is None:
                await send(message)

        await self._app(scope, receive, send_unless_bare)
        if wrong is not None:
            await self._refusal(scope, wrong)(scope, receive, send)


def too_large_error(scope: Scope) -> InputError:
    """Return the refusal of a request's body, with the limit of its route."""
    counter = scope.get("starlette._body_limit_responder")  # whose limit is the innermost one
    limit = int(getattr(counter, "max_body_size", scope.get(MAX_BODY_SIZE_SCOPE_KEY)) or 0)
    bits, unit = next((unit for unit in _UNITS if limit >= 1 << unit[0]), (0, "bytes"))
    size = f"{limit >> bits:,} {unit}"
    return InputError(f"This is larger than the {size} that are taken here.",
                      "Send less, or send it in parts.")  # fmt: skip


def too_large(_scope: Scope, error: InputError) -> Response:
    """Return the refusal for programs."""
    return error_answer(_TOO_LARGE, error.problem, error.way_out)
