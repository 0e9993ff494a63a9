"""What today's data would change of a campaign, and taking it over."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import Row

from durhampulse.desk.campaigns import campaigns
from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.campaigns import Campaign
from durhampulse.desk.campaigns.proposal import (
    Difference,
    UnpricedError,
    difference,
    propose,
)
from durhampulse.desk.campaigns.value import outlook
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.review.blind import hidden_from
from durhampulse.desk.store.counting import has_few
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer
from durhampulse.desk.web.campaigns import records_of
from durhampulse.desk.web.outlooks import Line, lines
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.desk.web.unseen import refuse_unseen
from durhampulse.exceptions import CannotJudgeError

__all__ = ["router"]

router = APIRouter(prefix="/campaigns", include_in_schema=False, route_class=PageRoute)


@dataclass(frozen=True, kw_only=True)
class Change:
    """What today's data would change of a draft; `digest` names the set that is shown."""

    leave: Sequence[Mapping[str, Any]]
    come: Sequence[Mapping[str, Any]]
    digest: str
    changed: bool
    figures: Sequence[tuple[str, Line | None, Line | None]]


class DifferenceContext(Context, template="campaign-difference.html"):
    """A draft beside the set that today's data would propose, once that is found.

    `problem` says why there is none, and `unpriced` who has to be given a fee or left out first.
    """

    campaign: Row[Any]
    brief: Brief
    rules: Rules
    change: Change | None
    problem: UnpricedError | CannotJudgeError | None
    unpriced: UnpricedError | None


@router.post("/{number}/propose")
def propose_anew(
    desk: DeskOf, who: Reviewer, number: Number,
    seen: Annotated[str, Form(max_length=64)] = "",
    edition: Annotated[int | None, Form(ge=0, lt=2**31)] = None,
) -> Response:  # fmt: skip
    """Propose by today's data: whatever comes, or exactly the set that was shown."""
    new = propose(desk.store, desk.catalogue, number, who.name, seen=seen, edition=edition)
    return redirect(f"/campaigns/{number}", f"Proposed {len(new.table)} by today's data.")


@router.get("/{number}/difference")
def show_difference(
    request: Request, desk: DeskOf, who: Reviewer, number: Number, wait: bool = False
) -> Response:
    """Show what today's data would change of a draft; it stays as it is.

    For a long list the first look shows no set and asks for it with `wait`: finding one takes some
    tenths of a second.
    """
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        current = campaigns.find_draft(db, number, lock=False)
        hidden = hidden_from(db, who)
        wait = wait or has_few(db)
    change, problem = None, None
    if wait:
        try:
            change = _change(difference(desk.store, desk.catalogue, number), current, rules, hidden)
        except (UnpricedError, CannotJudgeError) as error:
            problem = error
    context = DifferenceContext(
        campaign=current.row, brief=current.brief, rules=rules, change=change, problem=problem,
        unpriced=problem if isinstance(problem, UnpricedError) else None,
    )  # fmt: skip
    return render(request, who, context)


def _change(change: Difference, current: Campaign, rules: Rules, hidden: Collection[int]) -> Change:
    """Return what today's data would change; refuse to show whom the reader must not see."""
    for table in (change.before, change.after):
        refuse_unseen(hidden, table["id"])
    now, then = (lines(outlook(table, current.brief), current.brief, rules.outcome)
                 for table in (change.before, change.after))  # fmt: skip
    names = list(dict.fromkeys(line.name for line in [*now, *then]))
    return Change(
        leave=records_of(change.leave), come=records_of(change.come), digest=change.digest,
        changed=change.is_one,
        figures=[(name, _named(now, name), _named(then, name)) for name in names],
    )  # fmt: skip


def _named(lines: Sequence[Line], name: str) -> Line | None:
    """Return the line of a name, if there is one."""
    return next((line for line in lines if line.name == name), None)
