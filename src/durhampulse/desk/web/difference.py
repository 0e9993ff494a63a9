"""What today's data would change of a campaign, and taking it over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import Row

from durhampulse.desk.campaigns import campaigns
from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.proposal import difference, propose
from durhampulse.desk.campaigns.value import outlook
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.review.blind import hidden_from
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Reviewer
from durhampulse.desk.web.campaigns import records_of
from durhampulse.desk.web.outlooks import Line, lines
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.desk.web.unseen import refuse_unseen

__all__ = ["router"]

router = APIRouter(prefix="/campaigns", include_in_schema=False, route_class=PageRoute)


class DifferenceContext(Context, template="campaign-difference.html"):
    """What today's data would change of a draft; `digest` names the set that is shown."""

    campaign: Row[Any]
    brief: Brief
    rules: Rules
    leave: Sequence[Mapping[str, Any]]
    come: Sequence[Mapping[str, Any]]
    digest: str
    changed: bool
    figures: Sequence[tuple[str, Line | None, Line | None]]


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
def show_difference(request: Request, desk: DeskOf, who: Reviewer, number: Number) -> Response:
    """Show what today's data would change of a draft; it stays as it is."""
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        current = campaigns.find_draft(db, number, lock=False)
        hidden = hidden_from(db, who)
    change = difference(desk.store, desk.catalogue, number)
    for table in (change.before, change.after):
        refuse_unseen(hidden, table["id"])
    sets = (change.before, change.after)
    now, then = (lines(outlook(table, current.brief), current.brief, rules.outcome)
                 for table in sets)  # fmt: skip
    names = list(dict.fromkeys(line.name for line in [*now, *then]))
    context = DifferenceContext(
        campaign=current.row, brief=current.brief, leave=records_of(change.leave),
        come=records_of(change.come), digest=change.digest, rules=rules, changed=change.is_one,
        figures=[(name, _named(now, name), _named(then, name)) for name in names],
    )  # fmt: skip
    return render(request, who, context)


def _named(lines: Sequence[Line], name: str) -> Line | None:
    """Return the line of a name, if there is one."""
    return next((line for line in lines if line.name == name), None)
