"""The time machine: the list as of the day of a decision, an import or a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from durhampulse.desk.review.blind import hidden_from
from durhampulse.desk.shortlist.then import (
    Then,
    end_of_day,
    moment_of_review,
    moment_of_run,
    then,
    then_counts,
)
from durhampulse.desk.store import clock
from durhampulse.desk.store.counting import has_few
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Viewer
from durhampulse.desk.web.rendering import Context, render
from durhampulse.exceptions import InputError

__all__ = ["router"]

router = APIRouter(prefix="/then", include_in_schema=False, route_class=PageRoute)
_MOST_PAGES = 1_000


class ThenContext(Context, template="then.html"):
    """The list as it was; `named` is what the address says of the moment."""

    past: Then
    named: str
    page: int
    day: str
    counts: Mapping[str, int] | None
    more: bool


@router.get("")
def show(  # noqa: PLR0913 - what an address may name
    request: Request, desk: DeskOf, who: Viewer,
    day: Annotated[str, Query(max_length=10)] = "",
    review: Annotated[Number | None, Query()] = None,
    run: Annotated[Number | None, Query()] = None,
    page: Annotated[int, Query(ge=0, lt=_MOST_PAGES)] = 0,
    counted: Annotated[bool, Query()] = False,
) -> Response:  # fmt: skip
    """Show the list as it was then; of a long one the page asks for the counts afterwards."""
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        if review is not None:
            at, named = moment_of_review(db, review), f"review={review}"
        elif run is not None:
            at, named = moment_of_run(db, run), f"run={run}"
        else:
            at, named = (end_of_day(day) if day else clock.now()), f"day={day}"
        if at is None:
            raise InputError("No such moment is known.", "Write a day as 2026-11-12.", "day")
        without = hidden_from(db, who)
        past = then(db, rules, at, page=page, without=without)
        is_counted = counted or has_few(db)
        counts = then_counts(db, rules, at, without=without) if is_counted else None
    context = ThenContext(
        past=past, named=named, page=page, day=at.date().isoformat(), counts=counts,
        more=past.more and page + 1 < _MOST_PAGES,
    )  # fmt: skip
    return render(request, who, context)
