"""The scorer over HTTP: score, explain, and what operations need."""

from __future__ import annotations

import asyncio
import gc
import math
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Scope

from durhampulse.creators.schema import IDENTIFIER
from durhampulse.decision.unlike import unlike_words
from durhampulse.exceptions import InputError
from durhampulse.scoring.record import score_items
from durhampulse.service.admission import admission
from durhampulse.service.bodies import Unpacked
from durhampulse.service.border import add_border
from durhampulse.service.documentation import DocumentedService, add_page
from durhampulse.service.errors import add_error_handlers, json_answer
from durhampulse.service.gates import ProgramRoute
from durhampulse.service.guard import Bucket, Guard, Metrics, too_late
from durhampulse.service.headers import API_HEADERS, DefaultHeaders, hsts_headers
from durhampulse.service.keys import KeyRing, Keys
from durhampulse.service.oversize import too_large
from durhampulse.service.schemas import (
    AccountAnswer,
    ErrorAnswer,
    ExplainRequest,
    ModelAnswer,
    ScoreAnswer,
    ScoreRequest,
)
from durhampulse.service.served import Served, ServedModel, Source
from durhampulse.service.settings import Limits
from durhampulse.service.work import Stopped, in_thread, measured

__all__ = ["build_app", "create_app"]

_IN_THREAD_FROM = 64
"""Creators from which scoring leaves the event loop free for others."""

_AT_ONCE = 500
"""Creators that are scored before the next look at whether somebody still waits."""
_WORK_SECONDS = 20.0
_PACKING = 3
"""Level of gzip: beyond it answers get a few percent smaller, for twice the time."""

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": meaning}
    for status, meaning in {
        400: "The body is not JSON.",
        401: "No key, or one that is not known.",
        403: "The key may not do this.",
        422: "The body is not of the documented form, or the creator cannot be judged.",
        429: "Too many requests.",
        503: "The request took too long.",
    }.items()
}
_ERRORS[413] = {"description": "The body is too large."}
_ERRORS[415] = {"model": ErrorAnswer, "description": "The body is packed otherwise than by gzip."}


def create_app(
    folder: str | Path, *, keys: KeyRing | None = None, limits: Limits | None = None,
    root_path: str = "",
) -> FastAPI:  # fmt: skip
    """Return the application that serves a model folder.

    Parameters
    ----------
    folder
        The model; another one moved into its place is loaded without dropping a request.
    keys
        Who may do what; everybody everything if not given.
    limits
        What one client may ask for.
    root_path
        Path under which a proxy shows it.

    Raises
    ------
    ModelError
        If the folder holds no model that can be used.
    """
    metrics = Metrics()

    def reloaded(good: bool) -> None:
        metrics.reloads.labels("loaded" if good else "refused").inc()

    looked = Gauge(
        "durhampulse_model_looked_at_seconds",
        "When the folder was last seen to hold the model that is served, Unix time.",
        registry=metrics.registry,
        multiprocess_mode="min",
    )
    served = ServedModel(Path(folder), reloaded, looked.set_to_current_time)
    looked.set_to_current_time()
    app = build_app(served, metrics, keys=keys, limits=limits, root_path=root_path)
    # Innermost, so that HEAD has the length that GET has. Not for the desk, where a cookie lets a
    # browser in and the length of an answer would tell what is in it (BREACH).
    packed = Middleware(GZipMiddleware, minimum_size=1000, compresslevel=_PACKING)
    app.user_middleware.append(packed)
    add_border(app, root_path)
    return app


def build_app(  # noqa: PLR0913 - each is a part of the application
    served: Source,
    metrics: Metrics,
    *,
    keys: Keys | None = None,
    limits: Limits | None = None,
    docs_url: str | None = "/docs",
    patient: tuple[str, ...] = (),
    late: Callable[[Scope], ASGIApp] = too_late,
    oversized: Callable[[Scope, InputError], ASGIApp] = too_large,
    headers: Mapping[str, str] = API_HEADERS,
    root_path: str = "",
) -> FastAPI:
    """Return the application around whatever says which model is served.

    Parameters
    ----------
    served
        The model now.
    metrics
        The counters.
    keys, limits
        As for :func:`create_app`.
    docs_url
        Where the page of documentation stands; none if not given.
    patient
        Beginnings of paths whose requests may take as long as they take.
    late
        What answers where the others' time is up.
    oversized
        What answers where a body is above its limit.
    headers
        Of every answer that has none of that name.
    root_path
        Path under which a proxy shows it, for the document.
    """
    limits = limits or Limits()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        gc.collect()
        gc.freeze()  # the libraries' many objects stay: looking through them again stalls requests
        watching = asyncio.create_task(served.watch())
        app.state.ready = True
        yield
        app.state.ready = False
        watching.cancel()

    app = DocumentedService(
        served,
        oversized,
        title="DurhamPulse",
        version=version("durhampulse"),
        description="Of the creators who apply, who gets the sponsorship deal?",
        lifespan=lifespan,
        docs_url=None,  # its page would load from another host
        redoc_url=None,
        max_body_size=limits.body,
        servers=[{"url": root_path}] if root_path else None,
    )
    app.state.served, app.state.ready, app.state.problem = served, False, str
    app.router.route_class = ProgramRoute
    app.add_middleware(Unpacked, limit=limits.body)
    app.add_middleware(Guard, seconds=limits.seconds, metrics=metrics, patient=patient, late=late)
    app.add_middleware(DefaultHeaders, headers={**headers, **hsts_headers(limits.hsts)})
    add_error_handlers(app)
    needs = admission(keys, Bucket(limits.rate), Bucket(limits.work, _WORK_SECONDS))
    _add_scoring(app, served, metrics, needs)
    _add_model(app, served, needs)
    _add_operations(app, metrics, admission(keys, Bucket(limits.rate)))
    if docs_url:
        add_page(app, docs_url)
    return app


def _add_scoring(
    app: FastAPI, served: Source, metrics: Metrics, needs: Callable[[str], Any]
) -> None:
    @app.post(
        "/v1/score",
        response_model=ScoreAnswer,
        responses=_ERRORS,
        dependencies=[needs("score")],
        tags=["scoring"],
    )
    async def score(request: Request, body: ScoreRequest) -> Response:
        """Score 1 to 10,000 creators; a creator that cannot be scored does not stop the others."""
        now, spend = served.current, request.state.spend
        if len(body.creators) < _IN_THREAD_FROM:
            results = measured(lambda: _score(now, body.creators), spend)
        else:
            results = await in_thread(
                request,
                lambda stop: measured(lambda: _score_parts(now, body.creators, stop), spend),
            )
        for result in results:
            metrics.creators.labels(result.get("recommendation") or "none").inc()
        return json_answer({"model": now.version, "results": results})

    @app.post(
        "/v1/explain",
        response_model=AccountAnswer,
        responses=_ERRORS,
        dependencies=[needs("explain")],
        tags=["scoring"],
    )
    async def explain(request: Request, body: ExplainRequest) -> Response:
        """Return why a creator is where they are, and what would change it."""
        now, spend = served.current, request.state.spend
        account = await in_thread(
            request, lambda _stop: measured(lambda: _explain(now, body.creator), spend)
        )
        return json_answer({"model": now.version, **account})


def _add_model(app: FastAPI, served: Source, needs: Callable[[str], Any]) -> None:
    @app.get(
        "/v1/model",
        response_model=ModelAnswer,
        responses=_ERRORS,
        dependencies=[needs("model")],
        tags=["scoring"],
    )
    async def model() -> Response:
        """Return what the served model is and how good it is."""
        now = served.current
        manifest = now.scorer.model.manifest
        answer = {
            "model": now.version,
            "name": manifest["name"],
            "columns": now.scorer.columns,
            "thresholds": manifest["thresholds"],
            **{part: manifest.get(part, {}) for part in ("verdict", "provenance")},
            "quality": manifest.get("quality", []),
        }
        return json_answer(answer)


def _score_parts(
    now: Served, creators: list[dict[str, Any]], stop: threading.Event
) -> list[dict[str, Any]]:
    """Return scores as :func:`_score` does, as long as somebody waits for them."""
    results: list[dict[str, Any]] = []
    for start in range(0, len(creators), _AT_ONCE):
        if stop.is_set():
            raise Stopped
        results += _score(now, creators[start : start + _AT_ONCE])
    return results


def _score(now: Served, creators: list[dict[str, Any]]) -> list[dict[str, Any]]:
    scorer, reader = now.scorer, now.reader
    parts = [scorer.part(creator) for creator in creators]
    creators = [figures for figures, _ in parts]
    block, errors = reader.read(creators)
    scores = scorer.compute(block)
    reasons = {**scorer.reasons_not_to(block, scores), **errors}
    absent = reader.absent(creators, scorer.columns)
    unlike = unlike_words(scorer.model.model, block)
    items = score_items(scorer.model.peers, scores, reasons, absent, unlike)
    return [
        {
            "id": _plain_id(figures.get(IDENTIFIER)),
            **({"carried": carried} if carried else {}),
            **item,
        }
        for (figures, carried), item in zip(parts, items, strict=True)
    ]


def _explain(now: Served, creator: dict[str, Any]) -> dict[str, Any]:
    return now.scorer.explain(creator).to_dict()


def _plain_id(value: object) -> object:
    """Return an identifier as it came, if JSON has a form for it; else as text."""
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value if isinstance(value, str | int | float | None) else str(value)


def _add_operations(app: FastAPI, metrics: Metrics, needs: Callable[[str], Any]) -> None:
    @app.get("/healthz", tags=["operations"])
    async def healthz() -> dict[str, str]:
        """Return that the process lives."""
        return {"status": "ok"}

    not_now = {"model": ErrorAnswer, "description": "Not now."}

    @app.get("/readyz", responses={503: not_now}, tags=["operations"])
    async def readyz() -> dict[str, str]:
        """Return whether requests should be sent here."""
        if not app.state.ready:
            raise HTTPException(503, "Starting or stopping.")
        if problem := await asyncio.to_thread(app.state.problem):
            raise HTTPException(503, problem)
        return {"status": "ready", "model": app.state.served.current.version}

    errors: dict[int | str, dict[str, Any]] = {s: _ERRORS[s] for s in (401, 403, 429)}

    @app.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, **errors},
        dependencies=[needs("metrics")],
        tags=["operations"],
    )
    async def prometheus() -> Response:
        """Return the counters, as Prometheus reads them."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)
