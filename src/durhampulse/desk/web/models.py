"""The model's page: how good it is, how it fares, its versions, and the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import Connection, Row, select

from durhampulse.desk.campaigns.crossings import Crossing, crossings
from durhampulse.desk.imports.activation import Activation
from durhampulse.desk.models.catalogue import forget_prepared, imports_since, prepared_run
from durhampulse.desk.models.preview import Preview, basis_of
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.models.unlikeness import StandingList, Unlikeness, standing_lists
from durhampulse.desk.outcomes.recording import bands_since
from durhampulse.desk.outcomes.watching import BandWatch
from durhampulse.desk.review.blind import hidden_from
from durhampulse.desk.store.counting import Kept
from durhampulse.desk.store.tables import creator, model, run
from durhampulse.desk.web.access import Admin, DeskOf, PageRoute, Viewer
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.exceptions import DurhamPulseError

__all__ = ["router"]

router = APIRouter(prefix="/model", include_in_schema=False, route_class=PageRoute)


class ActivationContext(Context, template="activation.html"):
    """The latest change of model, if there was one since the desk has started."""

    activation: Activation | None


class ModelContext(ActivationContext, template="model.html"):
    """The model's page."""

    rules: Rules
    manifest: Mapping[str, Any]
    versions: Sequence[Mapping[str, Any]]
    overrides: Kept | None
    since: Sequence[Mapping[Any, Any]]
    last: Row[Any] | None
    watched: Sequence[BandWatch]
    broken: Sequence[BandWatch]
    reliability: Sequence[Mapping[str, float]]
    unlike_lists: Sequence[StandingList]
    waiting: Row[Any] | None


class PreviewContext(Context, template="preview.html"):
    """What the model that waits would change; `stale` where it was asked by other rules."""

    waiting: Row[Any]
    preview: Preview
    campaigns: Mapping[int, Sequence[Crossing]]
    movers: Sequence[Mapping[str, Any]]
    later: int
    unlike: Unlikeness | None
    stale: bool


@router.get("")
def show(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show the model card, and how the model fares at this desk."""
    # A copy: an activation that ends while the page is made still shows as under way, and reloads.
    activation = desk.worker.latest_activation()
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        overrides = desk.overrides(db, rules)
        since = bands_since(db, rules).to_dict("records")
        watched = desk.watched.of(db, rules)
        unlike_lists, waiting = standing_lists(db), prepared_run(db)
        versions = _versions(db, desk, rules)
        last = db.execute(
            select(run).where(run.c.kind == "import", run.c.applied_at.is_not(None))
            .order_by(run.c.id.desc()).limit(1)
        ).first()  # fmt: skip
    manifest = rules.scorer.model.manifest
    context = ModelContext(
        rules=rules, manifest=manifest, versions=versions,
        overrides=overrides, since=since, last=last, watched=watched,
        broken=[band for band in watched if band.state == "broken"],
        reliability=_points(manifest.get("reliability", [])),
        activation=activation, unlike_lists=unlike_lists, waiting=waiting,
    )  # fmt: skip
    return render(request, who, context)


def _versions(db: Connection, desk: DeskOf, rules: Rules) -> list[dict[str, Any]]:
    """Return all models of the store, each with its own test figures, or why it has none."""
    rows = db.execute(select(model).order_by(model.c.added_at.desc())).mappings().all()
    versions = []
    for row in rows:
        try:
            manifest, problem = desk.catalogue.scorer(db, row["version"]).model.manifest, None
        except DurhamPulseError as error:
            manifest, problem = {}, error
        quality = {figure["metric"]: figure for figure in manifest.get("quality", [])}
        versions.append({**row, "quality": quality, "rows": manifest.get("rows", {}),
                      "problem": problem, "active": row["version"] == rules.version})  # fmt: skip
    return versions


def _points(reliability: list[dict[str, Any]]) -> list[dict[str, float]]:
    """Return predicted and measured rates as points of a picture of 200 by 200."""
    return [
        {
            "x": 200 * rates["predicted"],
            "y": 200 - 200 * rates["measured"],
            "low": 200 - 200 * rates["low"],
            "high": 200 - 200 * rates["high"],
        }
        for rates in reliability
    ]


@router.get("/preview")
def show_preview(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show what the model that waits would change."""
    with desk.store.reading() as db:
        waiting = prepared_run(db)
        if waiting is None:
            return redirect("/model", "No model waits to be activated.")
        rules, new = desk.catalogue.current(db), desk.catalogue.rules_of(db, waiting.model_version)
        preview = Preview(**waiting.preview["facts"])
        hidden = hidden_from(db, who)
        moved = crossings(db, rules, new, waiting.id, without=hidden)
        movers = [mover for mover in preview.movers if mover["id"] not in hidden]
        later, named = imports_since(db, waiting.id), _named(db, movers)
    context = PreviewContext(
        waiting=waiting, preview=preview, campaigns=moved, movers=named, later=later,
        unlike=Unlikeness(**waiting.unlike["facts"]) if waiting.unlike else None,
        stale=waiting.preview["basis"] != basis_of(rules),
    )  # fmt: skip
    return render(request, who, context)


def _named(db: Connection, movers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return those who move farthest, with their names; who was erased since is left out."""
    ids = [mover["id"] for mover in movers]
    rows = {row.id: row for row in db.execute(
        select(creator.c.id, creator.c.name, creator.c.external_id).where(creator.c.id.in_(ids))
    )}  # fmt: skip
    return [
        {**mover, "name": rows[mover["id"]].name or rows[mover["id"]].external_id}
        for mover in movers
        if mover["id"] in rows
    ]


@router.post("/preview")
def preview_model(desk: DeskOf, who: Admin, version: Annotated[str, Form()]) -> Response:
    """Find out what another version would change; nothing changes yet."""
    desk.worker.activate(version, who.name, only_preview=True)
    return redirect("/model")


@router.post("/preview/discard")
def discard_preview(desk: DeskOf, who: Admin) -> Response:  # noqa: ARG001 - who admits
    """Forget the model that waits; the one in force stays."""
    with desk.store.writing() as db:
        forget_prepared(db)
    return redirect("/model", "The preview is gone; nothing has changed.")


@router.post("/activate")
def switch(desk: DeskOf, who: Admin, version: Annotated[str, Form()]) -> Response:
    """Let another version decide; all creators are scored with it first."""
    desk.worker.activate(version, who.name)
    return redirect("/model")


@router.get("/progress")
def progress(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show how far a change of model is; the page is loaded anew when the model decides."""
    activation = desk.worker.latest_activation()
    part = render(request, who, ActivationContext(activation=activation))
    if activation is None or not activation.under_way:
        part.headers["HX-Refresh"] = "true"
    return part
