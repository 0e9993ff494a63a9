"""How creators are found: along an index in its order, or in the narrowest range of one, sorted.

Neither database can tell how few match several filters at once, and where in an order they lie. So
creators drawn by lot are looked at: what share of them matches, and lies in each range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select, true

from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.filters import (
    RANGES,
    WALKING,
    FoundBy,
    is_decided,
    is_of_niche,
    matching,
    spanned,
    spans,
)
from durhampulse.desk.shortlist.members import ANYBODYS, has_few, is_marked
from durhampulse.desk.shortlist.order import BY, BY_NICHE, BY_STATE
from durhampulse.desk.shortlist.view import GROUPED, View
from durhampulse.desk.store.counting import last_number
from durhampulse.desk.store.search import best_by
from durhampulse.desk.store.tables import PROBED, PROBES, creator

__all__ = ["best", "conditions", "found_by", "hinted", "ranges_beside"]

_BY: Mapping[FoundBy, str] = {
    "state": BY_STATE, "niche": BY_NICHE, "probability": BY["probability"],
    "followers": BY["followers"], "engagement_rate": BY["engagement_rate"],
}  # fmt: skip
"""Range to the index that has it."""
_SAMPLE = 1_000
_READ, _LOOKED_UP, _SORTED = 1.2, 40.0, 3.0
"""How much longer than a creator who is passed on a walk one takes in a range of another index, in
one that has not all that is asked for, and sorted in groups besides."""


def found_by(db: Connection, view: View) -> FoundBy:
    """Return how search, sets and flags are best looked up, where all the list is gone through."""
    for kind, name in view.sets.items():
        if has_few(db, name):
            return kind
    if view.flag and has_few(db, view.flagged):
        return "flag"
    return best_by(db, view.search) if view.search else "texts"


def conditions(
    db: Connection, view: View, rules: Rules, by: FoundBy, *, but: str = ""
) -> list[ColumnElement[bool]]:
    """Return a view's conditions, as of :func:`~durhampulse.desk.shortlist.filters.matching`.

    The creators of a long list are marked for a walk, or a range.
    """
    if by not in (*WALKING, *RANGES):
        return matching(view, rules, by, but=but)
    marked = [is_marked(db, name) for name in view.sets.values()]
    rest = view.without_sets()
    if rest.owner:
        marked.append(~is_marked(db, ANYBODYS))
        rest = replace(rest, owner="")
    return [*marked, *matching(rest, rules, by, but=but)]


def ranges_beside(view: View, rules: Rules) -> dict[FoundBy, ColumnElement[bool]]:
    """Return the ranges in which a view's creators lie, beside the one of its own order."""
    ranges: dict[FoundBy, ColumnElement[bool]] = {
        name: spanned(name, ends) for name, ends in spans(view, rules).items() if name != view.sort
    }
    passed = any(chosen and "open" not in chosen for chosen in (view.state, view.outcome))
    if passed and view.sort != "state":  # in whose order that index is walked anyway
        ranges["state"] = is_decided(view)
    if view.niche and view.sort != "niche":
        ranges["niche"] = is_of_niche(view)
    return ranges


def best(
    db: Connection, view: View, rules: Rules, by: FoundBy, size: int | None,
    group: ColumnElement[bool] | None = None,
) -> tuple[FoundBy, bool]:  # fmt: skip
    """Return how creators are found the soonest, and whether in the group first.

    Either on a walk along the view's order, in groups along that of probability, up to the last
    who is wanted; or by reading a range, or in groups all the list, and sorting whoever matches.

    Parameters
    ----------
    by
        How they are found where no range is narrow.
    size
        How many are wanted; None for all, of whom more is asked than what is filtered by.
    group
        The condition of the group in which they begin, if any.
    """
    ranges, grouped = ranges_beside(view, rules), view.sort in GROUPED
    if by not in WALKING or not (ranges or grouped):
        return by, False
    order = "probability" if grouped else view.sort
    own = {name: spanned(name, ends) for name, ends in spans(view, rules).items() if name == order}
    fits = and_(true(), *matching(view, rules, "row"))
    there = fits if group is None else fits & group
    start, end = PROBES
    last = last_number(db)
    share = 1.0 if last <= _SAMPLE else min(end - start, _SAMPLE / last)
    n, fitting, first, *counts = _sampled(db, share, [fits, there, *own.values(), *ranges.values()])
    if not n:
        return by, False
    wanted = math.inf if size is None else size * share
    shares: dict[FoundBy, float] = {}
    for name, count in zip(ranges, counts[len(own) :], strict=True):
        looked_up = name in ("state", "niche") or (size is None and name != "probability")
        shares[name] = (count + 1) / n * (_LOOKED_UP if looked_up else _READ)
    walked = _part(wanted, first) * (counts[0] / n if own else 1.0)
    here: dict[FoundBy, float] = {by: walked, **shares}
    if not grouped:
        return min(here, key=here.__getitem__), False
    costs = {(name, False): cost + _SORTED * fitting / n
             for name, cost in {by: _READ, **shares}.items()}  # fmt: skip
    if group is not None:
        others = _part(wanted, fitting) if _part(wanted, first) == 1.0 else 0.0
        costs |= {(name, True): cost + others for name, cost in here.items()}
    return min(costs, key=costs.__getitem__)


def _part(wanted: float, fitting: int) -> float:
    """Return what part of an order is walked to so many of those who fit, with some caution."""
    return min(1.0, wanted / max(fitting - math.sqrt(fitting), 1e-9))


def _sampled(db: Connection, share: float, asked: Sequence[ColumnElement[bool]]) -> Sequence[int]:
    """Return how many creators a share of the list has, and how many of them meet each condition.

    Where it is not all of them, they stand side by side in an index: PostgreSQL, after a pause,
    reads a thousand in half the time of a thousand who are found by their numbers, each in a place
    of its own.
    """
    counts = (func.count(case((condition, 1))) for condition in asked)
    query = select(func.count(), *counts).select_from(creator)
    if share < 1:
        query = query.where(PROBED, creator.c.lottery < PROBES[0] + share)
        query = query.with_hint(creator, "INDEXED BY ix_creator_probed", "sqlite")
    return db.execute(query).one()


def hinted(query: Select[*tuple[Any, ...]], index: str, by: FoundBy) -> Select[*tuple[Any, ...]]:
    """Return a query with SQLite's hint to walk an index, or to read a range of another.

    Few creators are looked up by their number.
    """
    walked = _BY.get(by, index if by in WALKING else "")
    hint = f"INDEXED BY {walked}" if walked else "NOT INDEXED"
    return query.with_hint(creator, hint, "sqlite")
