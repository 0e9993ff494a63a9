"""Requests as spans of OpenTelemetry, where that is installed and the environment asks for it.

Exporter, sampler, resource and headers follow the standard variables (``OTEL_...``). A span has the
route and never the address, the number of the log's line, and no name of a client.
"""

from __future__ import annotations

import os
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from durhampulse.extras import require_modules
from durhampulse.service.logs import asked_of

__all__ = ["Traced", "add_tracing"]

_WHERE = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def add_tracing(app: FastAPI) -> None:
    """Trace the requests of an application, if an endpoint for traces is set; to be called last.

    Raises
    ------
    ModuleNotFoundError
        If an endpoint is set and the extra ``otel`` is not installed.
    """
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if off or not any(os.environ.get(name) for name in _WHERE):
        return
    require_modules("Tracing", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME", "durhampulse")})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    app.add_middleware(Traced, tracer=provider.get_tracer("durhampulse"))


class Traced:
    """ASGI middleware that makes a span of each request, a part of the caller's trace.

    Parameters
    ----------
    app
        What answers.
    tracer
        OpenTelemetry's.
    """

    def __init__(self, app: ASGIApp, tracer: Any) -> None:
        self._app, self._tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, within its span."""
        if scope["type"] != "http" or asked_of(scope):
            await self._app(scope, receive, send)
            return
        from opentelemetry import propagate, trace

        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        caller = propagate.extract(dict(Headers(scope=scope)))
        with self._tracer.start_as_current_span(
            scope["method"], context=caller, kind=trace.SpanKind.SERVER,
            record_exception=False, set_status_on_exception=False,  # its text may name somebody
        ) as span:  # fmt: skip
            try:
                await self._app(scope, receive, noted)
            finally:
                asked = asked_of(scope)
                route = asked.route if asked else "other"
                span.update_name(f"{scope['method']} {route}")
                span.set_attributes({
                    "http.request.method": scope["method"],
                    "http.route": route,
                    "http.response.status_code": status,
                    "durhampulse.request": asked.id if asked else "",
                })  # fmt: skip
                if status >= 500:
                    span.set_status(trace.StatusCode.ERROR)
