"""What stands before the endpoints: time limits, rate limits, and the counters."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Receive, Scope, Send

from durhampulse.service.errors import error_answer
from durhampulse.service.logs import asked_of

__all__ = ["Bucket", "Guard", "Metrics", "too_late"]

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_MOST_BUCKETS = 10_000


class Metrics:
    """Prometheus counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "durhampulse_requests", "Requests.", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "durhampulse_request_seconds",
            "Time from the request's head to its answer.",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.creators = Counter(
            "durhampulse_creators", "Creators, by recommendation.", ["band"], registry=self.registry
        )
        self.reloads = Counter(
            "durhampulse_reloads", "Models put in place.", ["outcome"], registry=self.registry
        )

    def text(self) -> bytes:
        """Return the counters as Prometheus reads them, those of all processes."""
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


class Bucket:
    """A token bucket for each client.

    Parameters
    ----------
    rate
        Tokens a second; 0 for no limit.
    seconds
        For how many seconds' tokens there is room.
    """

    def __init__(self, rate: float, seconds: float = 2.0) -> None:
        self._rate, self._most = rate, max(seconds * rate, 1.0)
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()  # what was done is spent by threads

    def take(self, client: str, cost: float = 1.0) -> bool:
        """Return whether a client has so many tokens, and take them."""
        if not self._rate:
            return True
        with self._lock:
            left = self._refilled(client)
            allowed = left >= cost
            self._keep(client, left - cost * allowed)
        return allowed

    def spend(self, client: str, cost: float) -> None:
        """Take tokens for what was done, also such as the client does not have yet."""
        if self._rate:
            with self._lock:
                self._keep(client, self._refilled(client) - cost)

    def _refilled(self, client: str) -> float:
        now = time.monotonic()
        left, then = self._left.pop(client, (self._most, now))
        return min(left + (now - then) * self._rate, self._most)

    def _keep(self, client: str, left: float) -> None:
        self._left[client] = (left, time.monotonic())  # the latest last
        if len(self._left) > _MOST_BUCKETS:
            del self._left[next(iter(self._left))]


def too_late(_scope: Scope) -> ASGIApp:
    """Return the answer to a program whose request took too long."""
    way_out = "Ask for less at once, or send it again."
    headers = {"connection": "close"}
    return error_answer(503, "The request took too long.", way_out, code="timeout", headers=headers)


class Guard:
    """ASGI middleware that counts requests and bounds their time, the body's arrival included.

    Parameters
    ----------
    app
        What answers.
    seconds
        Longest time.
    metrics
        The counters.
    patient
        Beginnings of paths whose requests may take as long as they take: uploads and exports.
    late
        What answers a request whose time is up.
    """

    def __init__(
        self, app: ASGIApp, seconds: float, metrics: Metrics, patient: tuple[str, ...] = (),
        late: Callable[[Scope], ASGIApp] = too_late,
    ) -> None:  # fmt: skip
        self._app, self._seconds, self._metrics = app, seconds, metrics
        self._patient, self._late = patient, late

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, within its time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        answer = _Answer(send)
        hurried = not str(scope["path"]).startswith(self._patient)
        limit = asyncio.timeout(self._seconds if hurried else None)
        try:
            async with limit:
                await self._app(scope, receive, answer.send)
        except TimeoutError:
            if not limit.expired():  # something that it asked was late, which is no answer
                raise
            if not answer.status:
                await self._late(scope)(scope, receive, answer.send)
        finally:
            route = _route(scope)
            if asked := asked_of(scope):
                asked.route = route
            self._metrics.requests.labels(route, str(answer.status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - start)


def _route(scope: Scope) -> str:
    """Return the endpoint rather than the path, so that strangers cannot fill the counters."""
    return str(getattr(scope.get("route"), "path", "other"))


class _Answer:
    """Notes what is sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)
