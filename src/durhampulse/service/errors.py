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

__all__ = ["add_error_handlers", "error_answer", "json_answer", "not_said_to_be_json"]

_WAYS_OUT = {
    404: "See /docs for what there is.",
    405: "See /docs for the method.",
    413: "Send less, or send it in parts.",
    503: "Send it again in a while.",
}
"""Of refusals that bring none themselves."""


_CODES = {
    400: "bad-request", 401: "no-key", 403: "forbidden", 404: "not-found",
    405: "method-not-allowed", 413: "too-large", 415: "not-taken", 422: "not-valid",
    429: "too-many", 503: "not-ready",
}  # fmt: skip


def add_error_handlers(app: FastAPI) -> None:
    """Have an application answer errors of each kind."""
    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        HTTPException: _refused, RequestValidationError: _misformed, DurhamPulseError: _deliberate,
        MemoryError: _short, Exception: _failed,
    }  # fmt: skip
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
    way_out = getattr(error, "way_out", _WAYS_OUT.get(error.status_code, ""))
    return error_answer(error.status_code, str(error.detail), way_out, headers=error.headers)


async def _misformed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
    first = error.errors()[0]
    if unlike := not_said_to_be_json(first):
        return error_answer(422, unlike.problem, unlike.way_out)
    where = ".".join(str(part) for part in first["loc"])
    status = 400 if first["type"] == "json_invalid" else 422
    return error_answer(status, f"{where}: {first['msg']}.", "See /openapi.json for the form.")


async def _deliberate(_request: Request, error: Exception) -> Response:
    assert isinstance(error, DurhamPulseError)  # noqa: S101 - registered for it alone
    return error_answer(422, error.problem, error.way_out, code="not-judged")


async def _short(_request: Request, error: Exception) -> Response:
    return error_answer(503, f"{shortage(error)} Nothing was scored.", "Try again.")


async def _failed(_request: Request, _raised: Exception) -> Response:
    number = request_number()
    return error_answer(
        500,
        "The service failed here; its log says why.",
        f"Tell whoever runs it this number: {number}.",
        code="failed",
        headers={"x-request-id": number},  # sent outside of all middleware
    )


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


def error_answer(
    status: int,
    problem: str,
    way_out: str,
    *,
    code: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the answer to a request that is not answered as asked.

    Parameters
    ----------
    status
        Of HTTP.
    problem, way_out
        What is wrong, and what the client can do about it.
    code
        What programs go by; that of the status if not given.
    headers
        Of the answer.
    """
    code = code or _CODES.get(status, "error")
    body = {"error": {"code": code, "problem": problem, "way_out": way_out}}
    return json_answer(body, status, headers)


def json_answer(body: dict[str, Any], status: int = 200, headers: Any = None) -> Response:
    """Return an answer; half a character, which UTF-8 has no form for, becomes a question mark."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, default=str)
    return Response(text.encode("utf-8", "replace"), status, headers, "application/json")
