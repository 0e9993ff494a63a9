"""A view's filters as conditions on the table of creators."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, or_

from durhampulse.desk.models.rules import Range, Rules
from durhampulse.desk.shortlist.members import IS_OWNED, is_member, is_one_of_few, members
from durhampulse.desk.shortlist.view import BAND_NAMES, NOBODY, UNLIKE, View
from durhampulse.desk.store.search import SearchBy, held
from durhampulse.desk.store.tables import HAS_NO_PRECEDENT, HAS_PRECEDENT, creator, outcome_is
from durhampulse.scoring.record import STEP_BITS

__all__ = ["FEW", "FoundBy", "matching", "on_edge", "within"]

FoundBy = SearchBy | Literal["list", "owner", "flag"]
FEW: Collection[FoundBy] = ("list", "owner", "flag")
"""Ways of looking few creators up first, of whom each is then looked at alone."""


def matching(view: View, rules: Rules, by: FoundBy = "index") -> list[ColumnElement[bool]]:
    """Return a view's filters as conditions on the table `creator`.

    Parameters
    ----------
    by
        How search, list, owner and flags are looked up: as of
        :func:`~durhampulse.desk.store.search.held`, or one of the sets first and the rest in its
        creators only.
    """
    c = creator.c
    conditions = [*_choices(view, rules), *_bounds(view)]
    if view.without:
        conditions.append(c.id.not_in(view.without))
    if view.edge:
        conditions.append(HAS_PRECEDENT & on_edge(rules))
    for kind, name in view.sets.items():
        if kind == by:
            conditions.append(is_one_of_few(name))
        elif by == "row" or by in FEW:
            conditions.append(is_member(name))
        else:
            conditions.append(c.id.in_(members(name)))
    if view.owner == NOBODY:
        conditions.append(~IS_OWNED)
    if by == "flag":
        conditions.append(is_one_of_few(view.flagged))
    elif view.flag:
        conditions.append(c.flags.bitwise_and(view.flag_bits) == view.flag_bits)
    if view.search:
        # mypy narrows the type by each comparison, not by a set of them.
        way: SearchBy = "row" if by == "list" or by == "owner" or by == "flag" else by  # noqa: PLR1714
        conditions.append(held(view.search, way))
    return conditions


def _choices(view: View, rules: Rules) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of the filters whose choices are alternatives."""
    c = creator.c
    if view.band:
        ranges = [rules.band_ranges[BAND_NAMES[band]] for band in view.band if band != UNLIKE]
        banded = HAS_PRECEDENT & within(c.probability, ranges)
        yield or_(banded, HAS_NO_PRECEDENT) if UNLIKE in view.band else banded
    if view.tier:
        yield within(c.followers, [rules.tier_range(tier) for tier in view.tier])
    if view.niche:
        yield c.niche.in_(view.niche)
    if view.state:
        yield c.state.in_(view.state)
    if view.outcome:
        yield or_(*(outcome_is(state) for state in view.outcome))


def _bounds(view: View) -> Iterator[ColumnElement[bool]]:
    c = creator.c
    bounds = ((c.followers, view.min_followers, view.max_followers),
              (c.engagement_rate, view.min_engagement, view.max_engagement))  # fmt: skip
    for column, low, high in bounds:
        if low is not None:
            yield column >= low
        if high is not None:
            yield column <= high


def on_edge(rules: Rules) -> ColumnElement[bool]:
    """Return the condition that a creator has a good chance to belong to another band.

    Ranges widen with the steps, so that all of them lie between the ends of the last.
    """
    p, (complete, *wider) = creator.c.probability, rules.edge_ranges
    steps = creator.c.flags.bitwise_rshift(STEP_BITS)
    each = [and_(steps == -at, within(p, ranges)) for at, ranges in enumerate(wider, 1)]
    if not each:
        return within(p, complete)
    lows, highs = zip(*wider[-1], strict=True)
    ends = within(p, [(min(lows), max(highs))])
    return and_(ends, or_(within(p, complete), and_(creator.c.flags < 0, or_(*each))))


def within(column: ColumnElement[Any], ranges: Sequence[Range]) -> ColumnElement[bool]:
    """Return the condition that a column lies in one of some ranges."""

    def between(low: float, high: float) -> ColumnElement[bool]:
        return column >= low if high == float("inf") else and_(column >= low, column < high)

    if not ranges:
        return column.is_(None) & column.is_not(None)
    if len(ranges) == 1:
        return between(*ranges[0])
    lows, highs = zip(*ranges, strict=True)
    # An index is read from the lowest to the highest; by alternatives alone it is read whole.
    return and_(between(min(lows), max(highs)), or_(*(between(*part) for part in ranges)))
