"""The page of the pipeline: from an import to an outcome, and what deciding costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from durhampulse.desk.outcomes.pipeline import Effort, Stage
from durhampulse.desk.web.access import DeskOf, PageRoute, Viewer
from durhampulse.desk.web.rendering import Context, later, render

__all__ = ["router"]

router = APIRouter(include_in_schema=False, route_class=PageRoute)
_PERIODS = {30: "last 30 days", 90: "last 90 days", 0: "all"}


class PipelineContext(Context, template="pipeline.html"):
    """How far creators came, and what deciding costs, in a period of `days`."""

    stages: Sequence[Stage]
    effort: Effort
    days: int
    periods: Mapping[int, str]
    counted_at: datetime | None


@router.get("/pipeline")
def show(
    request: Request, desk: DeskOf, who: Viewer,
    days: Annotated[int, Query(ge=0, le=3650)] = 0,
) -> Response:  # fmt: skip
    """Show how many creators came how far, in the last days or ever."""
    with desk.store.reading() as db:
        counted = desk.pipeline(db, desk.catalogue.current(db), days or None)
    if counted is None:
        return later(request, who)
    context = PipelineContext(
        stages=counted.value.stages, effort=counted.value.effort, days=days, periods=_PERIODS,
        counted_at=counted.at,
    )  # fmt: skip
    return render(request, who, context)
