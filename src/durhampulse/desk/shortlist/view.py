"""The view of the list: sort order, filters and cursor; kept in a page's address."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal
from urllib.parse import urlencode

from durhampulse.creators import schema
from durhampulse.creators.typed import read_typed
from durhampulse.decision.bands import BANDS
from durhampulse.decision.figures import axis_text
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.store.tables import CONTROL, LONGEST_ID, OUTCOME_STATES, STATES
from durhampulse.exceptions import InputError

__all__ = [
    "BAND_NAMES", "COLUMNS", "GROUPED", "NOBODY", "SORTS", "UNLIKE", "Cursor", "View",
    "read_cursor", "read_number", "require_possible", "write_cursor",
]  # fmt: skip

SORTS = {
    "probability": "Predicted sponsorship",
    "followers": "Followers",
    "engagement_rate": "Engagement rate",
    "external_id": "Creator",
    "niche": "Niche",
    "state": "State",
}
"""Column to its heading."""
GROUPED = ("niche", "state")
"""Columns by which the list is sorted in groups, the most probable first in each."""
_UPWARD = ("external_id", *GROUPED)
"""Columns whose least comes first unless the other direction is asked for."""

BAND_NAMES = {"yes": BANDS[0], "maybe": BANDS[1], "no": BANDS[2]}
UNLIKE = "unlike"
"""How an address calls creators without precedent."""
COLUMNS = ("growth", "views", "fee", "owner", "reviewer")
"""Columns of the list that one may add; the reviewer is whoever decided last."""
NOBODY = "none"
"""How an address calls the owner of creators whom nobody looks after."""
_OWNER = re.compile(f"{NOBODY}|[1-9][0-9]{{0,8}}")
_LIST = re.compile(r"(import-|campaign-)?[1-9][0-9]{0,8}")
_NUMBER = re.compile(r"[0-9]{1,18}")
_MOST_CHOICES = 100
_FIGURES = {"followers": schema.FOLLOWERS, "engagement": schema.ENGAGEMENT}
"""Figure of a filter to its column."""

Cursor = tuple[Any, int]
"""A row's value in the sort column, and its number."""


@dataclass(frozen=True, kw_only=True)
class View:
    """A sort order with filters; those of one kind are alternatives, the kinds add up.

    Attributes
    ----------
    sort, descending
        A key of `SORTS`, and its direction.
    band, niche, tier, state
        Names; none for all.
    outcome
        What is known of it: keys of `OUTCOME_STATES`; none for all.
    listed
        The number of a list, ``import-`` or ``campaign-`` with one of those; empty for all.
    owner
        The number of whoever looks after them, `NOBODY`, or empty for all.
    flag
        Flags that must all be there.
    edge
        Only creators who might well belong to another band.
    min_followers, max_followers, min_engagement, max_engagement
        Bounds, both included; engagement as a fraction.
    search
        Any part of a name or identifier, in capitals or not.
    column
        Further columns that are shown.
    without
        Numbers of creators who are left out for whoever looks: no link of a page passes them on.
    """

    sort: str = "probability"
    descending: bool = True
    band: tuple[str, ...] = ()
    niche: tuple[str, ...] = ()
    tier: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    flag: tuple[str, ...] = ()
    listed: str = ""
    owner: str = ""
    edge: bool = False
    min_followers: float | None = None
    max_followers: float | None = None
    min_engagement: float | None = None
    max_engagement: float | None = None
    search: str = ""
    column: tuple[str, ...] = ()
    without: tuple[int, ...] = ()

    @classmethod
    def read(cls, query: Mapping[str, list[str]], rules: Rules) -> View:
        """Return the view of an address.

        Raises
        ------
        InputError
            If a value is none that can be asked for.
        """
        known = {"band": [*BAND_NAMES, UNLIKE], "tier": rules.tiers, "state": [*STATES],
                 "outcome": [*OUTCOME_STATES], "column": COLUMNS,
                 "flag": [str(i) for i in range(len(rules.flag_names))]}  # fmt: skip
        filters: dict[str, Any] = {}
        for name in ("band", "niche", "tier", "state", "outcome", "flag", "column"):
            chosen = tuple(dict.fromkeys(value for value in query.get(name, []) if value))
            wrong = [value for value in chosen if name in known and value not in known[name]]
            if wrong:
                raise InputError(f"There is no {name} '{wrong[0][:40]}'.",
                                 f"Use {', '.join(known[name])}.", name)  # fmt: skip
            if len(chosen) > _MOST_CHOICES:
                raise InputError(f"{len(chosen)} are too many to choose of {name}.",
                                 f"Choose at most {_MOST_CHOICES}.", name)  # fmt: skip
            filters[name] = chosen
        for name in ("min_followers", "max_followers", "min_engagement", "max_engagement"):
            filters[name] = read_number(name, _last(query, name))
            require_possible(_FIGURES[name.partition("_")[2]], filters[name], field=name)
        sort = _last(query, "sort") or "probability"
        if sort not in SORTS:
            raise InputError(
                f"The list cannot be sorted by '{sort[:40]}'.", f"Use {', '.join(SORTS)}.", "sort"
            )
        of_list = _last(query, "list")
        if of_list and not _LIST.fullmatch(of_list):
            problem = f"There is no list '{of_list[:40]}'."
            raise InputError(problem, "Choose one of the lists.", "list")
        owner = _last(query, "owner")
        if owner and not _OWNER.fullmatch(owner):
            problem = f"There is no owner '{owner[:40]}'."
            raise InputError(problem, f"Give a person's number, or {NOBODY}.", "owner")
        ascending = _last(query, "order") or ("asc" if sort in _UPWARD else "desc")
        return cls(
            sort=sort,
            descending=ascending != "asc",
            listed=of_list,
            owner=owner,
            edge=_last(query, "edge") == "1",
            search=_last(query, "search").strip()[:LONGEST_ID],
            without=_numbers(query.get("without", [])),
            **filters,
        )

    def query(self, **changes: Any) -> str:
        """Return the view as an address's query, without what is as in the plain list."""
        return urlencode(self.pairs(**changes))

    def pairs(self, **changes: Any) -> list[tuple[str, str]]:
        """Return the names and values of :meth:`query`."""
        new = replace(self, **changes)
        pairs: list[tuple[str, str]] = []
        for field in fields(self):
            value = getattr(new, field.name)
            if field.name == "without":
                continue
            if field.name == "descending":
                if value != (new.sort not in _UPWARD):
                    pairs.append(("order", "desc" if value else "asc"))
            elif isinstance(value, tuple):
                pairs += [(field.name, choice) for choice in value]
            elif isinstance(value, bool):
                pairs += [(field.name, "1")] if value else []
            elif value is not None and value != field.default:
                text = f"{value:.12g}" if isinstance(value, float) else str(value)
                if field.name.endswith("engagement"):
                    text = f"{100 * value:.10f}".rstrip("0").rstrip(".") + "%"
                pairs.append(("list" if field.name == "listed" else field.name, text))
        return pairs

    def sorted_by(self, column: str) -> str:
        """Return the query of the view by a column, or the other way round where it is by that."""
        down = not self.descending if self.sort == column else column not in _UPWARD
        return self.query(sort=column, descending=down)

    @property
    def sets(self) -> dict[Literal["list", "owner"], str]:
        """The sets of creators that the view is within, as ``members`` knows them."""
        names: dict[Literal["list", "owner"], str] = {"list": self.listed} if self.listed else {}
        return names | ({"owner": f"owner-{self.owner}"} if self.owner not in ("", NOBODY) else {})

    @property
    def flag_bits(self) -> int:
        """The view's flags, as they are stored together."""
        return sum(1 << int(flag) for flag in self.flag)

    @property
    def flagged(self) -> str:
        """Those with all of the view's flags, as ``members`` knows them; empty without flags."""
        return f"flag-{self.flag_bits}" if self.flag else ""

    def without_sets(self) -> View:
        """Return the view of all creators, whatever sets they are in."""
        return replace(self, listed="", owner=self.owner if self.owner == NOBODY else "")

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out."""
        return replace(self, sort="probability", descending=True, column=(), without=()) != View()


def write_cursor(cursor: Cursor) -> str:
    """Return a cursor as text for an address."""
    return base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode().rstrip("=")


def read_cursor(text: str, sort: str) -> Cursor | None:
    """Return the cursor of an address; none for no text.

    Raises
    ------
    InputError
        If the text is no cursor of this sort order.
    """
    if not text:
        return None
    try:
        value, number = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError, binascii.Error, UnicodeError, RecursionError):
        value, number = None, None
    fits = value is None and sort not in GROUPED  # where a creator has no such figure
    if sort in GROUPED:
        kinds = {"niche": [_is_number, _is_text, _is_number], "state": [_is_number, _is_number]}
        fits = isinstance(value, list) and len(value) == len(kinds[sort])
        fits = fits and all(is_kind(x) for is_kind, x in zip(kinds[sort], value, strict=True))
    elif not fits:
        fits = (_is_text if sort == "external_id" else _is_number)(value)
    if not fits or not isinstance(number, int) or abs(number) >= 2**63:
        raise InputError("The address names no place in this list.", "Start at its top.")
    return (float(value) if isinstance(value, int) else value), number


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not CONTROL.search(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and abs(value) < 2**63


def _last(query: Mapping[str, list[str]], name: str) -> str:
    return (query.get(name) or [""])[-1]


def _numbers(texts: list[str]) -> tuple[int, ...]:
    return tuple(int(text) for text in texts[:_MOST_CHOICES] if _NUMBER.fullmatch(text))


def read_number(name: str, text: str) -> float | None:
    """Return a number of a form's field, read as everywhere; none for no text.

    Raises
    ------
    InputError
        If it is no number, or may be two; at the field of that name.
    """
    rate = name.endswith("engagement")
    amount = name in ("budget", "worth") or name.startswith("fee")
    return read_typed(text, "rate" if rate else "amount" if amount else "count", field=name)


def require_possible(column: str, figure: float | None, *, field: str) -> None:
    """Refuse a figure that no creator can have; one that is not given is none.

    Raises
    ------
    InputError
        With what can be, at the field of that name.
    """
    rule = schema.COLUMNS[column]
    if figure is not None and not rule.possible[0] <= figure <= rule.possible[1]:
        ends = " to ".join(axis_text(column, end) for end in rule.possible)
        problem = f"{rule.title} cannot be {axis_text(column, figure)}."
        raise InputError(problem, f"Write a figure from {ends}.", field)
