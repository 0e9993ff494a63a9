"""What follows a sign-in: the second factor where one is missing, then the desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request, Response
from markupsafe import Markup

from durhampulse.desk.people.factors import begin_factor, pending_secret
from durhampulse.desk.people.sessions import Waiting, find_session, find_waiting
from durhampulse.desk.people.totp import app_address
from durhampulse.desk.web.access import know_browser, let_in
from durhampulse.desk.web.kept import KeptForm, local_path
from durhampulse.desk.web.rendering import Context, redirect, render
from durhampulse.desk.web.state import desk_of
from durhampulse.exceptions import InputError

__all__ = ["ResendContext", "SetUp", "ask_second", "enter", "set_up_of", "show_sign_in"]


class SignInContext(Context, template="sign-in.html"):
    """The form to sign in; `ways` are the provider's title and addresses, if there is one."""

    next: str
    kept: KeptForm | None
    ways: Mapping[str, str]
    passwords: bool
    problem: InputError | None


class ResendContext(Context, template="resend.html"):
    """A form that arrived when its session had ended."""

    kept: KeptForm


class SecondContext(Context, template="second.html"):
    """The form for a code, or for the set-up of a second factor before the first one."""

    waiting: Waiting
    set_up: SetUp | None
    next: str
    kept: KeptForm | None


def show_sign_in(
    request: Request, *, status: int = 200, next_: str = "", form: KeptForm | None = None,
    problem: InputError | None = None,
) -> Response:  # fmt: skip
    """Return the page that asks who it is.

    Parameters
    ----------
    request
        What it answers.
    status
        Of the answer.
    next_, form
        As of :func:`enter`.
    problem
        Why the sign-in before has failed.
    """
    desk, ways = desk_of(request), {}
    if desk.provider is not None:
        title = desk.provider.settings.title
        ways = {"title": title, "next": urlencode({"next": next_}), "end": ""}
        if "left" in request.query_params:  # the provider still knows whoever signed out here
            ways["end"] = desk.provider.end_address(f"{desk.exposure.address}/sign-in")
    context = SignInContext(
        next=next_, kept=form, ways=ways, passwords=desk.sign_in.passwords, problem=problem
    )
    return render(request, None, context, status=status)


def enter(request: Request, token: str, next_: str = "", form: KeptForm | None = None) -> Response:
    """Return the answer to whoever has a new session: what they wanted, or the second step.

    Parameters
    ----------
    request
        What signed them in.
    token
        Of the session.
    next_
        Where they wanted to go.
    form
        What they sent when the session before had ended.
    """
    desk = desk_of(request)
    with desk.store.reading() as db:
        who = find_session(db, token, desk.limits)
        waiting = None if who else find_waiting(db, token)
    if waiting is not None:
        response = ask_second(request, waiting, next_, form)
    elif form is not None:
        response = render(request, who, ResendContext(kept=form))
    else:
        response = redirect(local_path(next_) or "/shortlist")
    let_in(request, response, token)
    if who is not None:
        know_browser(request, response, who.id)
    return response


def ask_second(
    request: Request, waiting: Waiting, next_: str = "", form: KeptForm | None = None,
    status: int = 200,
) -> Response:  # fmt: skip
    """Return the page that asks for a code, or for the set-up of a second factor first."""
    set_up = None
    if waiting.needs == "factor":
        with desk_of(request).store.writing() as db:
            secret = pending_secret(db, waiting.person) or begin_factor(db, waiting.person)
        set_up = set_up_of(request, secret, waiting.name)
    context = SecondContext(waiting=waiting, set_up=set_up, next=local_path(next_), kept=form)
    return render(request, None, context, status=status)


@dataclass(frozen=True)
class SetUp:
    """What an app needs to take over a secret.

    Attributes
    ----------
    secret
        In base 32.
    address
        Of the secret, for a link on the device that has the app.
    """

    secret: str
    address: str

    @property
    def parts(self) -> list[str]:
        """The secret in groups of four, as people type it."""
        return [self.secret[i : i + 4] for i in range(0, len(self.secret), 4)]

    @property
    def picture(self) -> Markup:
        """The address as a QR code, an SVG without any style of its own."""
        import segno

        code = segno.make(self.address, error="m", micro=False)
        svg = code.svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=True)
        return Markup(svg)  # noqa: S704 - segno's shapes alone; the address is in them as dots


def set_up_of(request: Request, secret: str, name: str) -> SetUp:
    """Return what an app needs to take over somebody's secret."""
    host = desk_of(request).exposure.host
    return SetUp(secret, app_address(secret, name, f"DurhamPulse {host}".strip()))
