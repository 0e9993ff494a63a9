"""What another budget would bring a campaign: one point after another, and its swaps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from sqlalchemy import Row

from durhampulse.creators.outcome import OutcomeWords
from durhampulse.decision.figures import quantity
from durhampulse.desk.campaigns.brief import AIMS, Brief
from durhampulse.desk.campaigns.campaigns import find
from durhampulse.desk.campaigns.proposal import has_changed_since, propose
from durhampulse.desk.campaigns.trade import TRIED, Frontier, Point, Swap, point_now, swaps
from durhampulse.desk.review.blind import hidden_from
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer, Viewer
from durhampulse.desk.web.outlooks import money
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.desk.web.unseen import refuse_unseen

__all__ = ["picture_of", "router", "trade_words"]

router = APIRouter(prefix="/campaigns", include_in_schema=False, route_class=PageRoute)
_TOP, _BOTTOM, _MARGIN = 20.0, 150.0, 6.0
_ROOM = 32.0
"""Percent of the picture's width that two labels keep apart; on a phone it is 110 pixels."""


@dataclass(frozen=True, kw_only=True)
class _Mark:
    """A point of the picture: across in percent, down in pixels; `anchor` of its label, if any."""

    x: float
    y: float
    budget: float
    chosen: bool = False
    anchor: str = ""


class FrontierContext(Context, template="frontier.html"):
    """What other budgets would bring: the set now, and once they are found the one at `at`.

    `is_old` says whether the list has changed since the set was proposed.
    """

    campaign: Row[Any]
    brief: Brief
    aim: str
    now: Point | None
    tried: int
    is_old: bool
    frontier: Frontier | None
    at: int = 0
    point: Point | None = None
    picture: Mapping[str, Any] | None = None
    trades: Sequence[tuple[Swap, str]] = ()
    whole: str = ""
    gap: str = ""


def picture_of(frontier: Frontier, at: int, *, digits: int = 1) -> dict[str, Any]:
    """Return the picture of a frontier: ``points, now, rules``, with a point that is chosen.

    It shows what each budget brings: the chosen point has a label, and so have the ends that leave
    it room.
    """
    all_points = [*frontier.points, frontier.now]
    low, high = (end(point.budget for point in all_points) for end in (min, max))
    least, most = (end(point.aim for point in all_points) for end in (min, max))

    def mark(point: Point, *, chosen: bool = False) -> _Mark:
        across = (point.budget - low) / ((high - low) or 1.0)
        up = (point.aim - least) / ((most - least) or 1.0)
        return _Mark(
            x=round(_MARGIN + (100 - 2 * _MARGIN) * across, 2),
            y=round(_BOTTOM - (_BOTTOM - _TOP) * up, 1), budget=point.budget, chosen=chosen,
        )  # fmt: skip

    points = [mark(point, chosen=i == at) for i, point in enumerate(frontier.points)]
    return {
        "points": _labelled(points, at),
        "now": mark(frontier.now),
        "rules": [
            {"y": y, "text": f"{aim:,.{digits}f}"} for y, aim in ((_TOP, most), (_BOTTOM, least))
        ],
    }


def _labelled(points: Sequence[_Mark], at: int) -> list[_Mark]:
    """Return points with labels at the one at `at` and at the ends not too near to it."""
    ends = [i for i in (0, len(points) - 1) if abs(points[i].x - points[at].x) >= _ROOM]

    def anchor(x: float) -> str:
        return "start" if x < _ROOM / 2 else "end" if x > 100 - _ROOM / 2 else "middle"

    return [
        replace(point, anchor=anchor(point.x)) if i in (at, *ends) else point
        for i, point in enumerate(points)
    ]


def trade_words(aim: float, fee: float, brief: Brief, words: OutcomeWords) -> str:
    """Return what a swap costs, in words.

    Examples
    --------
    >>> trade_words(-0.314, -400.0, Brief(name="x", number=3, currency="EUR"), OutcomeWords())
    '0.31 deals fewer, 400 EUR saved'
    >>> trade_words(0.001, 0.0, Brief(name="x", number=3), OutcomeWords())
    'the same deals, the same fees'
    """
    what = words.deals if brief.aim == "deals" else AIMS[brief.aim]
    size = f"{abs(aim):,.2f}" if brief.aim == "deals" else f"{abs(aim):,.0f}"
    same = not float(size.replace(",", ""))
    brings = f"the same {what}" if same else f"{size} {what} {'more' if aim > 0 else 'fewer'}"
    if round(abs(fee), 2) == 0:
        return f"{brings}, the same fees"
    return f"{brings}, {money(round(abs(fee), 2), brief.currency)} {'more' if fee > 0 else 'saved'}"


@router.get("/{number}/frontier")
def show(
    request: Request, desk: DeskOf, who: Viewer, number: Number,
    at: Annotated[int | None, Query(ge=0, lt=100)] = None, wait: bool = False,
) -> Response:  # fmt: skip
    """Show what other budgets would bring, and how the set becomes that of one of them.

    The first look shows the present set at once, and asks for the others with `wait`: where the
    list has to be read for them, that takes up to some seconds.
    """
    with desk.store.reading() as db:
        current, rules = find(db, number), desk.catalogue.current(db)
        hidden = hidden_from(db, who)
        is_old = has_changed_since(db, current)
    look = desk.frontiers.of if wait or at is not None else desk.frontiers.kept
    frontier = look(desk.store, desk.catalogue, number)
    now = frontier.now if frontier else point_now(desk.store, number)
    for point in (*([now] if now else []), *(frontier.points if frontier else [])):
        refuse_unseen(hidden, point.table["id"])
    brief, words = current.brief, rules.outcome
    context = FrontierContext(
        campaign=current.row, brief=brief, now=now, tried=TRIED, is_old=is_old,
        frontier=frontier, aim=words.deals if brief.aim == "deals" else AIMS[brief.aim],
    )  # fmt: skip
    if frontier is not None and frontier.points:
        last = len(frontier.points) - 1
        at = frontier.at_now if at is None else min(at, last)
        point = frontier.points[at]
        context = replace(
            context, at=at, point=point,
            picture=picture_of(frontier, at, digits=1 if brief.aim == "deals" else 0),
            trades=[(swap, trade_words(swap.aim, swap.fee, brief, words))
                    for swap in swaps(frontier.now, point)],
            whole=trade_words(point.aim - frontier.now.aim, point.cost - frontier.now.cost,
                              brief, words),
            gap=f"{math.ceil(round(frontier.gap * 1e4, 6)) / 100:g}%",
        )  # fmt: skip
    return render(request, who, context)


@router.post("/{number}/budget")
def take(
    desk: DeskOf, who: Reviewer, number: Number,
    budget: Annotated[float, Form(ge=0, allow_inf_nan=False)],
    edition: Annotated[int, Form(ge=0, lt=2**31)],
) -> Response:  # fmt: skip
    """Return to a draft whose budget is another, with a new proposal by it."""
    with desk.store.reading() as db:
        brief = find(db, number).brief
    new = propose(desk.store, desk.catalogue, number, who.name,
                  brief=replace(brief, budget=budget), edition=edition)  # fmt: skip
    creators = quantity(len(new.table), "creator")
    words = f"The budget is {money(budget, brief.currency)}: {creators} proposed."
    return redirect(f"/campaigns/{number}", words)
