"""Spans of requests: a part of the caller's trace, by the route, without anything personal."""

from __future__ import annotations

from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from starlette.testclient import TestClient

from durhampulse.service.app import create_app
from durhampulse.service.tracing import Traced, add_tracing


def test_request_is_a_span_of_the_callers_trace(demo_model):
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    app = create_app(demo_model)
    app.add_middleware(Traced, tracer=provider.get_tracer("test"))
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"  # of W3C's example
    with TestClient(app) as client:
        answer = client.get(
            "/v1/model?name=Ann", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        )
    (span,) = spans.get_finished_spans()
    assert f"{span.context.trace_id:032x}" == trace
    assert span.name == "GET /v1/model"
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "http.route": "/v1/model",
        "http.response.status_code": 200,
        "durhampulse.request": answer.headers["x-request-id"],
    }


def test_span_of_a_failure_has_nothing_of_its_text():
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    app = FastAPI()
    app.add_middleware(Traced, tracer=provider.get_tracer("test"))

    @app.get("/fails")
    def fails():
        raise ValueError("Ann Example")

    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/fails").status_code == 500
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert "Ann" not in span.to_json()


def test_nothing_is_traced_unless_an_endpoint_is_set(monkeypatch):
    app = FastAPI()
    add_tracing(app)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    add_tracing(app)
    assert app.user_middleware == []
    monkeypatch.delenv("OTEL_SDK_DISABLED")
    add_tracing(app)
    assert [layer.cls for layer in app.user_middleware] == [Traced]
