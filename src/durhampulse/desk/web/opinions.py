"""Second opinions: the next creator to judge unseen, how far people agree, and one's own mirror."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil, floor
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import Row

from durhampulse.creators.typed import read_typed
from durhampulse.decision.bands import NO_PRECEDENT
from durhampulse.decision.figures import percent
from durhampulse.desk.models.rules import Rules, stored_frame
from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.blind import (
    agreement_of,
    blind_share,
    differing,
    give_opinion,
    next_opinion,
    set_blind_share,
)
from durhampulse.desk.review.conflicts import VERBS
from durhampulse.desk.review.effects import Place
from durhampulse.desk.review.mirror import Mirror, mirror_of
from durhampulse.desk.review.page import find_creator, places_of
from durhampulse.desk.web.access import Admin, DeskOf, Number, PageRoute, Reviewer
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.desk.web.state import Desk
from durhampulse.evaluation.agreement import Agreement, Lean

__all__ = ["lean_words", "model_said", "router"]

router = APIRouter(prefix="/opinions", include_in_schema=False, route_class=PageRoute)


def lean_words(lean: Lean, ways: tuple[str, str], than: str) -> str:
    """Return a mean difference in points of 100, its interval widened.

    Parameters
    ----------
    lean
        The difference.
    ways
        Words for one below and above 0.
    than
        What it differs from.

    Examples
    --------
    >>> ways, than = ("rarer", "more frequent"), "than it said"
    >>> lean_words(Lean(n=140, mean=-0.11, low=-0.194, high=-0.03), ways, than)
    '11 points (3 to 20) rarer than it said'
    >>> lean_words(Lean(n=40, mean=0.02, low=-0.05, high=0.091), ways, than)
    '2 points more frequent than it said (5 rarer to 10 more frequent), which may be chance'
    """
    size, ends = 100 * abs(lean.mean), sorted((100 * abs(lean.low), 100 * abs(lean.high)))
    fewer, more = ways
    way = more if lean.mean >= 0 else fewer
    if lean.is_beyond_chance:
        return f"{size:.0f} points ({floor(ends[0])} to {ceil(ends[1])}) {way} {than}"
    low, high = ceil(-100 * lean.low), ceil(100 * lean.high)
    between = f"{low} {fewer} to {high} {more}"
    return f"{size:.0f} points {way} {than} ({between}), which may be chance"


class OpinionsContext(Context, template="opinions.html"):
    """The next creator to judge unseen, if there is one, and what came of the others."""

    row: Row[Any] | None
    rules: Rules
    places: Mapping[str, Place]
    share: float
    both: Agreement | None
    differing: Sequence[Any]
    mirror: Mirror
    lean_words: Callable[[Lean, tuple[str, str], str], str]


@router.get("")
def show(request: Request, desk: DeskOf, who: Reviewer) -> Response:
    """Show the next creator of whom a second opinion is wanted, and what came of the others."""
    return _page(request, desk, who)


def _page(request: Request, desk: Desk, who: Principal) -> Response:
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        number = next_opinion(db, who.id)
        row = find_creator(db, number) if number is not None else None
        context = OpinionsContext(
            rules=rules, row=row, share=blind_share(db), both=agreement_of(db),
            differing=differing(db), mirror=mirror_of(db, who.id), lean_words=lean_words,
            places=places_of(rules, stored_frame(rules.scorer, [row])) if row else {},
        )  # fmt: skip
    return render(request, who, context)


@router.post("/share")
def choose_share(desk: DeskOf, who: Admin, share: Annotated[str, Form(max_length=20)]) -> Response:
    """Choose how many creators are judged without the number at first."""
    read = read_typed(share, "rate", field="share")
    set_blind_share(desk.store, 0.0 if read is None else read, who.name)
    return redirect("/opinions", "The share is kept.")


@router.post("/{number}")
def give(
    desk: DeskOf, who: Reviewer, number: Number, choice: Annotated[str, Form(max_length=20)]
) -> Response:
    """Keep a second opinion, and say what was hidden."""
    rules = desk.catalogue.current()
    shown = give_opinion(desk.store, number, who.id, choice, who.name, rules)
    same = "the same" if shown.own == shown.other else VERBS[shown.other]
    words = f"You: {VERBS[shown.own]}. {shown.by}: {same}."
    if shown.probability is not None:
        words += f" {model_said(shown.probability, shown.band)}"
    return redirect("/opinions", words)


def model_said(probability: float, band: str) -> str:
    """Return what the model said of a creator, once its number need not be hidden any more.

    Examples
    --------
    >>> model_said(0.765, "Maybe (review)"), model_said(0.765, "")
    ('The model said 76%, Maybe.', 'The model said 76%.')
    >>> model_said(0.02, NO_PRECEDENT)
    'The model said No precedent.'
    """
    answer = band.partition(" (")[0]
    if band == NO_PRECEDENT:
        return f"The model said {answer}."
    return f"The model said {percent(probability, 0)}{answer and f', {answer}'}."
