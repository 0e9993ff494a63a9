"""The page of thresholds: what others would change, and their change by an admin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response

from durhampulse.creators.typed import read_typed
from durhampulse.decision.bands import Thresholds
from durhampulse.desk.campaigns.crossings import crossings
from durhampulse.desk.models.catalogue import save_thresholds
from durhampulse.desk.models.preview import Preview, threshold_moves
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.review.blind import hidden_from
from durhampulse.desk.web.access import DeskOf, PageRoute, SureAdmin, Viewer
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.exceptions import InputError

__all__ = ["router"]

router = APIRouter(include_in_schema=False, route_class=PageRoute)


class ThresholdsContext(Context, template="thresholds.html"):
    """The thresholds, and what others would change where some were typed."""

    rules: Rules
    new: Rules | None
    preview: Preview | None
    campaigns: Mapping[int, Sequence[Any]]
    back: str
    shown: Thresholds


@router.get("/thresholds")
def preview_thresholds(
    request: Request, desk: DeskOf, who: Viewer,
    yes_at: Annotated[str, Query()] = "", review_at: Annotated[str, Query()] = "",
    back: Annotated[str, Query()] = "",
) -> Response:  # fmt: skip
    """Show what other thresholds would change; nothing changes yet."""
    new, preview, moved = None, None, {}
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        if yes_at and review_at:
            new = Rules.of(rules.version, rules.scorer, _thresholds(yes_at, review_at))
            preview = Preview.of(threshold_moves(db, rules, new))
            moved = crossings(db, rules, new, without=hidden_from(db, who))
    context = ThresholdsContext(
        rules=rules, new=new, preview=preview, campaigns=moved, back=back,
        shown=(new or rules).thresholds,
    )  # fmt: skip
    return render(request, who, context)


@router.post("/thresholds")
def thresholds(
    desk: DeskOf, who: SureAdmin,
    yes_at: Annotated[str, Form()], review_at: Annotated[str, Form()],
    back: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Move the thresholds, for everybody."""
    rules = desk.catalogue.current()
    save_thresholds(desk.store, _thresholds(yes_at, review_at), who.name, rules)
    return redirect(f"/shortlist?{back}", "The thresholds were moved, for everybody.")


def _thresholds(yes_at: str, review_at: str) -> Thresholds:
    """Return thresholds as typed, in percent.

    Raises
    ------
    InputError
        At the field that holds no percentage, or none that fits the other.
    """
    shares = []
    for name, text in (("yes_at", yes_at), ("review_at", review_at)):
        share = read_typed(text, "rate", field=name)
        if share is None or not 0 < share < 1:
            raise InputError(f"'{text[:40]}' is no threshold.", "Use 1% to 99%.", name)
        shares.append(share)
    if shares[1] > shares[0]:
        raise InputError(
            f"Maybe cannot begin at {review_at}, above Yes at {yes_at}.", "Begin it lower.",
            "review_at",
        )  # fmt: skip
    return Thresholds(*shares)
