"""The page of the pipeline: from an import to an outcome, and what deciding costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from durhampulse.desk.outcomes.pipeline import Effort, Stage, pipeline
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
        listed = desk.in_list(db, desk.catalogue.current(db))
        if listed is None:
            return later(request, who)
        counted = pipeline(db, days or None, listed.value)
    context = PipelineContext(
        stages=counted.stages, effort=counted.effort, days=days, periods=_PERIODS,
        counted_at=listed.at,
    )  # fmt: skip
    return render(request, who, context)
