"""Parts of the shortlist that a browser asks for after the page: its counts, totals and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from durhampulse.decision.bands import Thresholds
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.blind import hidden_from
from durhampulse.desk.shortlist import pages as shortlist
from durhampulse.desk.shortlist.facets import Facets, facets_of
from durhampulse.desk.shortlist.view import BAND_NAMES, View
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Viewer
from durhampulse.desk.web.counts import counts_of
from durhampulse.desk.web.rendering import Context, later, render
from durhampulse.desk.web.rows import ListRow, list_rows

__all__ = ["MOST_CHOSEN", "CountsContext", "router", "view_of"]

router = APIRouter(include_in_schema=False, route_class=PageRoute)
MOST_CHOSEN = 1000


class CountsContext(Context, template="counts.html"):
    """The line that says what to do, and the tabs; `swapped` where they come after the page."""

    counts: Facets | None
    tabs: Facets | None
    todo: Mapping[str, int] | None
    everybody: int
    counted_at: datetime | None
    view: View
    swapped: bool


class LaterContext(Context, template="later.html"):
    """What stands in the place of totals until they are counted."""

    view: View


class TotalsContext(Context, template="totals.html"):
    """What a view comes to; `bins` and `band_bins` are creators and deals by hundredths."""

    totals: shortlist.Totals
    view: View
    rules: Rules
    bins: Sequence[Sequence[float]]
    band_bins: Mapping[str, Sequence[Sequence[float]]]
    band_names: Mapping[str, str]
    counted_at: datetime | None


class TotalsPageContext(TotalsContext, template="totals-page.html"):
    """The same as a page of its own."""


class FacetsContext(Context, template="facets.html"):
    """How many creators each choice of a filter has."""

    counts: Facets
    counted_at: datetime | None
    view: View


class FacetsPageContext(FacetsContext, template="facets-page.html"):
    """The same as a page of its own."""


class ChosenContext(Context, template="chosen.html"):
    """What those ticked come to."""

    totals: shortlist.Totals


class ReasonsContext(Context, template="reasons.html"):
    """The reasons of rows that came without one."""

    rows: Sequence[ListRow]


def view_of(db: Connection, request: Request, who: Principal, rules: Rules) -> View:
    """Return the view of an address, without those whom one judges without the number."""
    query = request.query_params
    view = View.read({name: query.getlist(name) for name in query}, rules)
    return replace(view, without=tuple(sorted(hidden_from(db, who))))


@router.get("/shortlist/counts")
def count_states(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show whom to contact, to review and to confirm, and the tabs with their counts."""
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        view = view_of(db, request, who, rules)
        context = CountsContext(view=view, swapped=True, **counts_of(desk, db, view, rules))
    return render(request, who, context)


@router.get("/shortlist/totals")
def totals(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show what the view comes to, and what other thresholds would do."""
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        view = view_of(db, request, who, rules)
        sums = desk.totals(db, view, rules)
        everybody = View(without=view.without)  # thresholds hold for everybody
        bins = desk.histogram(db, everybody, rules)
    is_part = "hx-request" in request.headers
    if sums is None or bins is None:
        return render(request, who, LaterContext(view=view)) if is_part else later(request, who)
    kind = TotalsContext if is_part else TotalsPageContext
    context = kind(
        totals=sums.value, view=view, rules=rules, bins=bins.value,
        band_bins=_band_bins(bins.value, rules.thresholds), band_names=BAND_NAMES,
        counted_at=sums.at,
    )  # fmt: skip
    return render(request, who, context)


@router.get("/shortlist/facets")
def count_choices(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show how many creators each choice of a filter has."""
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        view = view_of(db, request, who, rules)
        cells = desk.cells(db, view, rules)
    if cells is None:
        return later(request, who)
    counts = facets_of(cells.value, view, rules)
    kind = FacetsContext if "hx-request" in request.headers else FacetsPageContext
    return render(request, who, kind(counts=counts, view=view, counted_at=cells.at))


def _band_bins(bins: list[Any], thresholds: Thresholds) -> dict[str, list[Any]]:
    """Return the hundredths of probability that belong to each band, by its short name."""
    ranges = thresholds.ranges()
    return {
        name: bins[max(0, round(100 * ranges[band][0])) : round(100 * ranges[band][1])]
        for name, band in BAND_NAMES.items()
    }


@router.get("/shortlist/chosen")
def chosen_totals(
    request: Request, desk: DeskOf, who: Viewer,
    chosen: Annotated[list[Number], Query(default_factory=list)],
) -> Response:  # fmt: skip
    """Show what those ticked come to."""
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        view = View(without=tuple(hidden_from(db, who)))
        sums = shortlist.totals(db, view, rules, chosen[:MOST_CHOSEN])
    return render(request, who, ChosenContext(totals=sums))


@router.get("/shortlist/reasons")
def explain_rows(
    request: Request, desk: DeskOf, who: Viewer,
    creator: Annotated[list[Number], Query(default_factory=list)],
) -> Response:  # fmt: skip
    """Show the main reasons of some rows of a page."""
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        numbers = sorted(set(creator[: shortlist.PAGE]) - hidden_from(db, who))
        creators = shortlist.rows_of(db, numbers)
        rows = list_rows(rules, desk.top_reasons, creators, explained=len(creators))
    return render(request, who, ReasonsContext(rows=rows))
