"""Gates: who is there and what they may do is asked before anything is read of what they send.

FastAPI reads a body first and resolves dependencies then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

from fastapi import Depends, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from durhampulse.service.bodies import JsonRoute

__all__ = ["Gated", "ProgramRoute", "bearer_token", "behind"]

Gate = Callable[[Request], Awaitable[Any]]
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_GATES: dict[Any, Gate] = {}
"""By its dependency, what says who is there and may do something; it reads no body."""


class Gated(APIRoute):
    """A route that passes the gates of its dependencies before its body is read."""

    def get_route_handler(self) -> _Handler:
        """Return the handler, behind the gates."""
        handler, gates = super().get_route_handler(), [*dict.fromkeys(_gates_of(self.dependant))]

        async def handle(request: Request) -> Response:
            for gate in gates:
                request.state.admitted = await gate(request)
            return await handler(request)

        return handle if gates else handler


class ProgramRoute(Gated, JsonRoute):
    """A route of programs that asks for the key before it reads what they send."""


def _gates_of(dependant: Dependant) -> Iterator[Gate]:
    if gate := _GATES.get(dependant.call):
        yield gate
    for inner in dependant.dependencies:
        yield from _gates_of(inner)


def behind(gate: Gate) -> Any:
    """Return a gate as a dependency, which knows whom it has let through before the body came.

    Parameters
    ----------
    gate
        Returns whom it lets through, never None, and raises otherwise.
    """

    async def admitted(request: Request) -> Any:
        who = getattr(request.state, "admitted", None)
        return await gate(request) if who is None else who

    _GATES[admitted] = gate
    return Depends(admitted)


def bearer_token(request: Request) -> str:
    """Return the key that a request shows (RFC 6750, 2.1); empty where it shows none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
