"""Webhooks: where other programs are told of decisions and outcomes, and how that goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from durhampulse.desk.hooks.endpoints import (
    BOTH_HOURS,
    MOST,
    Endpoint,
    add_hook,
    change_hook,
    hooks,
)
from durhampulse.desk.hooks.sender import KEPT_DAYS, MOST_TRIES
from durhampulse.desk.web.access import Admin, DeskOf, Number, PageRoute, SureAdmin
from durhampulse.desk.web.rendering import Context, redirect, render

__all__ = ["router"]

router = APIRouter(prefix="/hooks", include_in_schema=False, route_class=PageRoute)
_NOTICES = {
    "on": "Messages are sent again.",
    "off": "Nothing is sent there any more.",
    "again": "What was given up is sent again.",
}


class HooksContext(Context, template="hooks.html"):
    """All endpoints; the secret of one where it is new; and the rules they follow."""

    endpoints: Sequence[Endpoint]
    secret: str
    most: int
    tries: int
    days: int
    hours: int


def _page(request: Request, desk: DeskOf, who: Admin, secret: str = "") -> Response:
    with desk.store.reading() as db:
        endpoints = hooks(db)
    context = HooksContext(
        endpoints=endpoints, secret=secret, most=MOST, tries=MOST_TRIES, days=KEPT_DAYS,
        hours=BOTH_HOURS,
    )  # fmt: skip
    return render(request, who, context)


@router.get("")
def show(request: Request, desk: DeskOf, who: Admin) -> Response:
    """Show all endpoints with what waits, was sent and was given up."""
    return _page(request, desk, who)


@router.post("")
def add(request: Request, desk: DeskOf, who: SureAdmin, url: Annotated[str, Form()]) -> Response:
    """Add an endpoint; its secret is shown once."""
    with desk.store.writing() as db:
        _, secret = add_hook(db, url, who.name)
    return _page(request, desk, who, secret)


@router.post("/{number}")
def change(
    request: Request, desk: DeskOf, who: SureAdmin, number: Number, what: Annotated[str, Form()]
) -> Response:
    """Turn an endpoint on or off, send again, or make another secret, which is shown once."""
    with desk.store.writing() as db:
        secret = change_hook(db, number, what, who.name)
    return _page(request, desk, who, secret) if secret else redirect("/hooks", _NOTICES[what])
