"""Errors of the service as answers: a code, what is wrong and a way out."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from durhampulse.exceptions import DurhamPulseError, InputError
from durhampulse.files.shortage import shortage
from durhampulse.service.logs import request_number

__all__ = ["add_error_handlers", "json_answer", "not_said_to_be_json"]

_WAYS_OUT = {
    404: "See /docs for what there is.",
    405: "See /docs for the method.",
    413: "Send less, or send it in parts.",
    503: "Send it again in a while.",
}
"""Of refusals that bring none themselves."""


def add_error_handlers(app: FastAPI) -> None:
    """Have an application answer errors of each kind."""
    codes = {
        400: "bad-request", 401: "no-key", 403: "forbidden", 404: "not-found",
        405: "method-not-allowed", 413: "too-large", 422: "not-valid", 429: "too-many",
        503: "not-ready",
    }  # fmt: skip

    async def refused(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
        code = codes.get(error.status_code, "error")
        way_out = getattr(error, "way_out", _WAYS_OUT.get(error.status_code, ""))
        return _error(error.status_code, code, str(error.detail), way_out, headers=error.headers)

    async def misformed(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
        first = error.errors()[0]
        if unlike := not_said_to_be_json(first):
            return _error(422, codes[422], unlike.problem, unlike.way_out)
        where = ".".join(str(part) for part in first["loc"])
        is_json = first["type"] != "json_invalid"
        return _error(422 if is_json else 400, codes[422 if is_json else 400],
                      f"{where}: {first['msg']}.", "See /openapi.json for the form.")  # fmt: skip

    async def deliberate(_request: Request, error: Exception) -> Response:
        assert isinstance(error, DurhamPulseError)  # noqa: S101 - registered for it alone
        return _error(422, "not-judged", error.problem, error.way_out)

    async def short(_request: Request, error: Exception) -> Response:
        return _error(503, codes[503], shortage(error) + " Nothing was scored.", "Try again.")

    async def failed(_request: Request, _raised: Exception) -> Response:
        way_out = f"Tell whoever runs it this number: {request_number()}."
        answer = _error(500, "failed", "The service failed here; its log says why.", way_out)
        answer.headers["x-request-id"] = request_number()  # sent outside of all middleware
        return answer

    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        HTTPException: refused, RequestValidationError: misformed, DurhamPulseError: deliberate,
        MemoryError: short, Exception: failed,
    }  # fmt: skip
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def not_said_to_be_json(first: Mapping[str, Any]) -> InputError | None:
    """Return what is wrong with a body that was taken for text, since no header says it is JSON.

    Parameters
    ----------
    first
        The first error of a request's validation; None of any other kind.
    """
    if first["loc"] != ("body",) or not isinstance(first.get("input"), bytes):
        return None
    return InputError(
        "The body is not said to be JSON.",
        "Send it with the header Content-Type: application/json.",
    )


def _error(
    status: int, code: str, problem: str, way_out: str = "", *, headers: Any = None
) -> Response:
    body = {"error": {"code": code, "problem": problem, "way_out": way_out}}
    return json_answer(body, status, headers)


def json_answer(body: dict[str, Any], status: int = 200, headers: Any = None) -> Response:
    """Return an answer; half a character, which UTF-8 has no form for, becomes a question mark."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, default=str)
    return Response(text.encode("utf-8", "replace"), status, headers, "application/json")
