"""The page of one's own account: sessions and password."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import Row

from durhampulse.decision.figures import quantity
from durhampulse.desk.people.factors import Factor, factor_of
from durhampulse.desk.people.people import find_person, set_password
from durhampulse.desk.people.sessions import SessionLimits, end_session, end_sessions, sessions_of
from durhampulse.desk.store.audit import note
from durhampulse.desk.web.access import DeskOf, Number, PageRoute, Viewer, keep_session
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.exceptions import InputError

__all__ = ["browser_of", "router"]

router = APIRouter(prefix="/account", include_in_schema=False, route_class=PageRoute)

_PROGRAMS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome",
             "Version": "Safari"}  # fmt: skip
_SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows",
            "Macintosh": "Mac", "Linux": "Linux"}  # fmt: skip


class AccountContext(Context, template="account.html"):
    """One's own account: where one is signed in, and by what."""

    sessions: Sequence[Row[Any]]
    has_password: bool
    factor: Factor
    limits: SessionLimits


@router.get("")
def show(request: Request, desk: DeskOf, who: Viewer) -> Response:
    """Show where one is signed in, and the form for another password."""
    with desk.store.reading() as db:
        rows = sessions_of(db, who.id, desk.limits)
        has_password = find_person(db, who.id).password_hash is not None and desk.sign_in.passwords
        factor = factor_of(db, who.id)
    context = AccountContext(
        sessions=rows, has_password=has_password, factor=factor, limits=desk.limits
    )
    return render(request, who, context)


@router.post("/sessions/{number}/end")
def end_one(desk: DeskOf, who: Viewer, number: Number) -> Response:
    """End a session of one's own."""
    with desk.store.writing() as db:
        end_session(db, who, number)
    return redirect("/account", "That session has ended.")


@router.post("/sessions/end")
def end_others(desk: DeskOf, who: Viewer) -> Response:
    """End all sessions of one's own but this one."""
    with desk.store.writing() as db:
        n = end_sessions(db, who.id, keep=who.session.number)
        note(db, who.name, "session ended", who.name, {"sessions": n})
    return redirect("/account", f"{quantity(n, 'session')} ended. This one goes on.")


@router.post("/password")
def change_password(
    request: Request, desk: DeskOf, who: Viewer,
    present: Annotated[str, Form()], password: Annotated[str, Form()],
) -> Response:  # fmt: skip
    """Change one's own password; one's other sessions end."""
    token = desk.sign_in.confirm(desk.store, who, present)
    if token is None:
        raise InputError("That is not your password.", "Type the one you sign in with.", "present")
    keep_session(request, token)
    with desk.store.writing() as db:
        set_password(db, who.id, password, who.name, keep=who.session.number)
    return redirect("/account", "Your password is changed. Your other sessions have ended.")


def browser_of(request: Request) -> str:
    """Return what a person will know a browser by, in coarse words.

    Examples
    --------
    >>> agent = "Mozilla/5.0 (X11; Linux x86_64; rv:149.0) Gecko/20100101 Firefox/149.0"
    >>> browser_of(Request({"type": "http", "headers": [(b"user-agent", agent.encode())]}))
    'Firefox on Linux'
    """
    agent = request.headers.get("user-agent", "")
    program = next((name for sign, name in _PROGRAMS.items() if f"{sign}/" in agent), "")
    program = program or (re.match(r"[A-Za-z]{1,20}", agent) or ["A program"])[0]
    system = next((name for sign, name in _SYSTEMS.items() if sign in agent), "")
    return f"{program} on {system}" if system else program
