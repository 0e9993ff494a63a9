"""Logs: a line for each request and event, for people or for programs, each with its request.

Lines hold routes rather than addresses, and numbers rather than names: no personal data.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import secrets
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = [
    "ASKED", "Asked", "JsonLines", "LogFormat", "RequestLog", "TextLines", "asked_of", "at_work_on",
    "log_config", "request_number",
]  # fmt: skip

LogFormat = Literal["text", "json"]

_log = logging.getLogger("durhampulse.requests")
_HEADER: Final = "x-request-id"
ASKED: Final = "durhampulse.asked"
"""Key of a scope that has its number."""
_WELL_FORMED = re.compile(r"[A-Za-z0-9._:-]{8,64}")
_QUIET = ("/healthz", "/readyz", "/metrics", "/static")
"""Routes that are asked for all the time: their lines are for debugging."""
_request: ContextVar[str] = ContextVar("durhampulse_request", default="")
_job: ContextVar[str] = ContextVar("durhampulse_job", default="")


@dataclass
class Asked:
    """A request as the log knows it; copies of its scope share it.

    Attributes
    ----------
    id
        Its number, of the proxy's header ``X-Request-ID`` where that is well formed.
    route
        The pattern of its path, set by what knows it.
    """

    id: str
    route: str = "other"


def asked_of(scope: Scope) -> Asked | None:
    """Return a request as the log knows it; None where nothing logs requests."""
    return scope.get(ASKED)


def request_number() -> str:
    """Return the number of the request that is being answered; empty outside of one."""
    return _request.get()


@contextlib.contextmanager
def at_work_on(job: str) -> Iterator[None]:
    """Have all lines of this context name a job."""
    token = _job.set(job)
    try:
        yield
    finally:
        _job.reset(token)


def log_config(style: LogFormat, level: str) -> dict[str, Any]:
    """Return the configuration of logging, as :func:`logging.config.dictConfig` takes it."""
    lines = {"handlers": ["lines"], "level": level.upper(), "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": JsonLines if style == "json" else TextLines}},
        "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "loggers": {"durhampulse": lines, "uvicorn": lines},
    }


def _ids() -> dict[str, str]:
    """Return what the present context is about."""
    ids = {"request": _request.get(), "job": _job.get()}
    return {name: value for name, value in ids.items() if value}


class TextLines(logging.Formatter):
    """Lines for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, with what it is about at the end of the first one."""
        first, *more = super().format(record).split("\n")
        about = "".join(f" ({name} {value})" for name, value in _ids().items())
        return "\n".join([f"{record.levelname}: {first}{about}", *more])


class JsonLines(logging.Formatter):
    """Lines for programs: an object each."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object of a record on one line."""
        at = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_ids(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class RequestLog:
    """ASGI middleware that numbers requests, answers with the number and logs each with one line.

    The outermost, so that what others refuse is logged too. A request that the application makes
    of itself is a part of the one that it answers.

    Parameters
    ----------
    app
        What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its number."""
        if scope["type"] != "http" or ASKED in scope:
            await self._app(scope, receive, send)
            return
        asked = scope[ASKED] = Asked(_number(Headers(scope=scope).get(_HEADER, "")))
        # Not reset: the task is the request's own, and the server's line about a failure follows.
        _request.set(asked.id)
        status, start = 0, time.perf_counter()

        async def numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[_HEADER] = asked.id
            await send(message)

        try:
            await self._app(scope, receive, numbered)
        except BaseException:
            status = status or 500
            raise
        finally:
            _note(scope["method"], asked.route, status, 1000 * (time.perf_counter() - start))


def _number(given: str) -> str:
    return given if _WELL_FORMED.fullmatch(given) else secrets.token_hex(8)


def _note(method: str, route: str, status: int, duration: float) -> None:
    level = logging.DEBUG if route.startswith(_QUIET) and status < 400 else logging.INFO
    fields = {"method": method, "route": route, "status": status, "ms": round(duration, 1)}
    _log.log(
        level, "%s %s: %d in %.1f ms", method, route, status, duration, extra={"fields": fields}
    )
