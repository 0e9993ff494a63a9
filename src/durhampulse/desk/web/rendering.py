"""Pages rendered from templates: what every page needs, and the formats of numbers."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version
from math import ceil
from typing import Any, ClassVar, dataclass_transform
from urllib.parse import quote, unquote

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from starlette.responses import RedirectResponse

from durhampulse.creators.outcome import SPONSORSHIP, OutcomeWords
from durhampulse.creators.schema import COLUMNS
from durhampulse.decision.bands import MAYBE, NO, NO_PRECEDENT, YES
from durhampulse.decision.figures import above, percent, quantity, with_minus
from durhampulse.desk.imports.problems import in_page_words
from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.conflicts import VERBS, ago, told
from durhampulse.desk.review.today import for_today as count_for_today
from durhampulse.desk.store import clock
from durhampulse.desk.store.carried import carried_cells, picture_of, profile_of
from durhampulse.desk.store.tables import LONGEST_ID
from durhampulse.desk.web.assets import asset_path
from durhampulse.desk.web.keymap import KEYS
from durhampulse.desk.web.outlooks import money
from durhampulse.desk.web.state import desk_of

__all__ = [
    "Context", "Frame", "compile_templates", "later", "redirect", "render", "searched",
]  # fmt: skip

_NOTICE, _UNDO = "durhampulse-notice", "durhampulse-undo"
_LARGEST_NOTICE, _MOST_SIGNS = 3_000, 12
"""Bytes of a notice in its cookie, which browsers drop above 4,096 (RFC 6265, 6.1), and of one
letter of it."""
_UNDOES = re.compile(
    r"/(acts/\d+/undo|queue/undo\?review=\d+(&back=/creators/\d+)?"
    r"|reminders/\d+\?on=[\d-]*(&back=today)?|today/undo\?change=\d+&back=/(today|creators/\d+)|today/unseen\?note=\d+"
    r"|deliverables/\d+\?change=[a-z]+(&due=[\d-]*)?(&back=(today|all))?)"
)
_ABSENT = "\u2013"
_SHAPES = {YES: "yes", MAYBE: "maybe", NO: "no", NO_PRECEDENT: "unlike", "": "none"}


def _of_100(share: float) -> str:
    """Return a share as a count of 100.

    Examples
    --------
    >>> _of_100(0.645), _of_100(0.8871)
    ('64', '89')
    """
    return f"{100 * share:.0f}"


def _rate(value: float | None) -> str:
    """Return an engagement or growth rate as text.

    Examples
    --------
    >>> _rate(0.0684), _rate(-0.00287), _rate(0.25), _rate(12.0)
    ('6.84%', '\u22120.29%', '25.0%', '1,200%')
    """
    if value is None:
        return _ABSENT
    digits = 2 if abs(value) < 0.1 else 1 if abs(value) < 1 else 0
    return f"{100 * value:,.{digits}f}%".replace("-", "\u2212")


def _count(value: float | None) -> str:
    return _ABSENT if value is None else f"{value:,.0f}"


def _short(value: float | None) -> str:
    """Return a number of followers as people write it.

    Examples
    --------
    >>> _short(85_000), _short(1_240_000), _short(950), _short(999_600)
    ('85K', '1.24M', '950', '1M')
    """
    if value is None:
        return _ABSENT
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if value >= 0.9995 * size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.0f}"


def _pairs(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return names as value and text of a choice."""
    return [(name, name) for name in names]


def _when_text(value: datetime | None) -> str:
    return "" if value is None else f"{value:%Y-%m-%d %H:%M} UTC"


def _when(value: datetime | None) -> str:
    """Return a moment that the browser shows in its own time; without scripts it is in UTC."""
    if value is None:
        return ""
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), _when_text(value))


def _initials(name: str) -> str:
    """Return the initials of a name, two at most.

    Examples
    --------
    >>> _initials("lena von Próbst"), _initials("@kaja"), _initials("!")
    ('LP', 'K', '')
    """
    words = [word for word in re.findall(r"\w+", name) if word[0].isalpha()]
    return "".join(word[0].upper() for word in (*words[:1], *words[1:][-1:]))


def _toggled(chosen: tuple[str, ...], choice: str) -> tuple[str, ...]:
    """Return choices with one more, or without it where it was chosen."""
    others = tuple(other for other in chosen if other != choice)
    return others if choice in chosen else (*chosen, choice)


def _minutes_left(until: datetime, now: datetime | None = None) -> str:
    """Return how long it is until a moment, in minutes begun.

    Examples
    --------
    >>> now = datetime(2026, 5, 2, 12, 0)
    >>> _minutes_left(datetime(2026, 5, 2, 12, 14, 1), now)
    '15 more minutes'
    """
    minutes = max(1, ceil((until - (now or clock.now())).total_seconds() / 60))
    return quantity(minutes, "more minute")


def _leading(text: str) -> str:
    """Return a text with a capital in front, the rest as it is."""
    return text[:1].upper() + text[1:]


def _detail_text(detail: Mapping[str, Any]) -> str:
    """Return an audit entry's detail as text.

    Examples
    --------
    >>> _detail_text({"columns": {"Followers": "Subs"}, "rows": 3})
    'columns (Followers Subs), rows 3'
    >>> _detail_text({"shows": ["handle", "niche"]})
    'shows (handle, niche)'
    >>> _detail_text({"deal": False, "second factor": True})
    'deal no, second factor yes'
    """
    return ", ".join(f"{key} {_detail_value(value)}" for key, value in detail.items())


def _detail_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"({_detail_text(value)})"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"({', '.join(map(str, value))})" if isinstance(value, list) else str(value)


_COMPILING = threading.RLock()


class _Templates(Environment):
    """Templates that are compiled once, however many requests ask for them first.

    Jinja compiles anew in each thread until one is done: forty pages at a desk that has just
    started would share its processor with forty compilations of the same templates.
    """

    def get_template(self, name: Any, *args: Any, **options: Any) -> Template:
        with _COMPILING:
            return super().get_template(name, *args, **options)


def _template(name: str) -> Template:
    """Return a template of the desk."""
    with _COMPILING:
        return _environment().get_template(name)


def compile_templates() -> None:
    """Compile all templates, each of which the first page of its kind would wait for."""
    for name in _environment().list_templates():
        _template(name)


@cache
def _environment() -> Environment:
    env = _Templates(
        loader=PackageLoader("durhampulse.desk.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(
        above=above,
        of_100=_of_100,
        percent=percent,
        rate=_rate,
        count=_count,
        quantity=quantity,
        money=money,
        short=_short,
        when=_when,
        when_text=_when_text,
        asset=asset_path,
        initials=_initials,
        toggled=_toggled,
        lookup=lambda choice, texts: texts[choice],
        ago=ago,
        told=told,
        minutes_left=_minutes_left,
        day=clock.day_text,
        leading=_leading,
        in_page_words=in_page_words,
        carried=carried_cells,
        profile=profile_of,
        picture=picture_of,
        minus=with_minus,
        pairs=_pairs,
        detail_text=_detail_text,
    )
    env.globals.update(
        shape=_SHAPES.__getitem__,
        answers={"yes": YES, "maybe": MAYBE, "no": NO, "unlike": NO_PRECEDENT},
        verbs=VERBS,
        keymap=json.dumps({key.act: key.key for key in KEYS}),
        no_precedent=NO_PRECEDENT,
        version=version("durhampulse"),
        stored_columns=[column for column in COLUMNS.values() if column.stored],
    )
    return env


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Context:
    """What a template is given beside its frame: a subclass for each, which is a frozen dataclass.

    ``class AccountContext(Context, template="account.html")`` names the template and, below, its
    variables.
    """

    template: ClassVar[str] = ""

    def __init_subclass__(cls, *, template: str = "") -> None:
        cls.template = template
        dataclass(frozen=True, kw_only=True)(cls)


class Frame(Context):
    """What every template is given.

    Attributes
    ----------
    who
        Whoever looks; none where nobody has signed in.
    path, navigation
        Address of the page, and all entries of the navigation.
    simulated, words
        Whether the model learned from simulated creators, and what it calls an outcome.
    to_review, for_today
        How many creators wait for reviewers, and how much waits for whoever looks.
    model_name
        What people call a model, by its version.
    notice, undo
        What was just done, and the address that undoes it.
    pictures
        Whether creators' pictures are shown.
    """

    who: Principal | None
    path: str
    navigation: Sequence[Any]
    simulated: bool
    words: OutcomeWords
    to_review: int
    for_today: int
    model_name: Callable[[str], str]
    notice: str
    undo: str
    pictures: bool


def render(
    request: Request, who: Principal | None, context: Context, *, status: int = 200
) -> Response:
    """Return a page, or a part of one, rendered from its template."""
    simulated, words, to_review, for_today = False, SPONSORSHIP, 0, 0
    desk = desk_of(request)
    if who is not None:
        with desk.store.reading() as db:
            rules = desk.catalogue.current(db)
            if who.may("reviewer") and "hx-request" not in request.headers:
                waiting = desk.waiting(db, rules)
                to_review = sum(waiting.value[:2]) if waiting else 0
            for_today = count_for_today(db, who.id) if who.may("reviewer") else 0
        simulated, words = rules.simulated, rules.outcome
    sent = {} if "hx-request" in request.headers else request.cookies
    notice, undo = (unquote(sent.get(name, "")) for name in (_NOTICE, _UNDO))
    frame = Frame(
        who=who, path=request.url.path, navigation=request.app.state.navigation,
        simulated=simulated, words=words, to_review=to_review, for_today=for_today, notice=notice,
        model_name=desk.catalogue.name_of, undo=undo if _UNDOES.fullmatch(undo) else "",
        pictures=desk.exposure.pictures,
    )  # fmt: skip
    text = _template(context.template).render(vars(frame), **vars(context))
    headers = {"cache-control": "no-store"}
    answer = Response(text, status, headers, "text/html; charset=utf-8")
    for name in (_NOTICE, _UNDO):
        if name in sent:
            answer.delete_cookie(name)
    return answer


class CountingContext(Context, template="counting.html"):
    """A page whose list is being counted."""


def later(request: Request, who: Principal | None) -> Response:
    """Return a page that a browser asks for again, since its list is being counted."""
    page = render(request, who, CountingContext())
    page.headers["refresh"] = "2"
    return page


def searched(request: Request) -> str:
    """Return what an address searches for; empty where it does not."""
    return request.query_params.get("search", "").strip()[:LONGEST_ID]


def redirect(path: str, notice: str = "", *, undo: str = "") -> Response:
    """Return a redirect to a page that shows a notice once.

    Parameters
    ----------
    path, notice
        Where to, and what it says there.
    undo
        Address of the desk to which the notice's button sends, to undo what was done.

    The notice travels in a cookie: in the address it would stay, and anybody could put words into
    the desk's mouth with a link.
    """
    if len(quote(notice)) > _LARGEST_NOTICE:
        notice = f"{notice[: _LARGEST_NOTICE // _MOST_SIGNS]}\u2026"
    answer = RedirectResponse(path, 303)
    for name, value in ((_NOTICE, notice), (_UNDO, undo)):
        if value:
            answer.set_cookie(name, quote(value), max_age=60, httponly=True, samesite="lax")
    return answer
