"""Admission to a route: the key and its scope, and how much its client may still ask for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials

from durhampulse.service.bodies import RequestError
from durhampulse.service.gates import bearer_token, behind
from durhampulse.service.guard import Bucket
from durhampulse.service.keys import Key, Keys
from durhampulse.service.schemas import BEARER

__all__ = ["admission", "key_needed"]

_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]


def admission(
    keys: Keys | None, bucket: Bucket, work: Bucket | None = None
) -> Callable[[str], Any]:
    """Return what makes the dependency of a scope, which admits requests with a key for it.

    Parameters
    ----------
    keys
        Who may do what; everybody everything if not given.
    bucket
        How many requests a client has left.
    work
        How many seconds of a processor.
    """
    work = work or Bucket(0)

    def count(request: Request, client: str) -> None:
        if not bucket.take(client):
            raise _too_much("Too many requests.")
        if not work.take(client, 0.0):
            raise _too_much("Too much work for now.")
        request.state.spend = partial(work.spend, client)

    async def anybody(request: Request) -> str:
        client = request.client.host if request.client else ""
        count(request, client)
        return client

    def needs(scope: str) -> Any:
        if keys is None:
            return behind(anybody)

        async def gate(request: Request) -> str:
            name = (await _find(keys, bearer_token(request), scope)).name
            count(request, name)
            return name

        admitted = behind(gate)

        # By its default: an annotation of this module could not name what is made here.
        async def admit(_shown: _Bearer, name: str = admitted) -> str:
            return name

        return Depends(admit)

    return needs


def _too_much(problem: str) -> RequestError:
    return RequestError(429, problem, "Wait a second and send it again.", {"Retry-After": "1"})


def key_needed() -> RequestError:
    """Return the refusal of a request without a key, or with one that is not known."""
    way_out = "Send one that is in force, in the header Authorization: Bearer dp_..."
    return RequestError(401, "A key is needed.", way_out, {"WWW-Authenticate": "Bearer"})


async def _find(keys: Keys, token: str, scope: str) -> Key:
    key = await keys.find(token) if token else None
    if key is None:
        raise key_needed()
    if scope not in key.scopes:
        problem = f"This key does not have the scope '{scope}'."
        raise RequestError(403, problem, "Use one that has it: durhampulse key add --scope.")
    return key
