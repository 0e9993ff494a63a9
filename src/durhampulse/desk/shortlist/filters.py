"""A view's filters as conditions on the table of creators."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Double, LargeBinary, and_, bindparam, false, or_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from durhampulse.desk.models.rules import Range, Rules
from durhampulse.desk.shortlist.members import IS_OWNED, is_member, is_one_of_few, members
from durhampulse.desk.shortlist.order import places_of
from durhampulse.desk.shortlist.view import BAND_NAMES, NOBODY, UNLIKE, View
from durhampulse.desk.store.search import SearchBy, held
from durhampulse.desk.store.tables import (
    HAS_NO_PRECEDENT,
    HAS_PRECEDENT,
    PASSED,
    PLACE,
    UNSHOWN,
    InBytes,
    creator,
    outcome_is,
)
from durhampulse.scoring.record import STEP_BITS

__all__ = [
    "FEW", "RANGES", "WALKING", "Figure", "FoundBy", "bounds_of", "is_decided",
    "is_of_niche", "matching", "on_edge", "spanned", "spans", "within",
]  # fmt: skip

Figure = Literal["followers", "engagement_rate", "probability"]
FoundBy = SearchBy | Figure | Literal["list", "owner", "flag", "state", "niche"]
_WIDTH = 24
RANGES: Collection[FoundBy] = ("state", "niche", "followers", "engagement_rate", "probability")
"""Ways of reading ranges of an index: some states or niches, or between the bounds of a figure."""
FEW: Collection[FoundBy] = ("list", "owner", "flag", *RANGES)
"""Ways of looking some creators up first, of whom each is then looked at alone: a set's or flags'
own, or a range."""
WALKING: Collection[FoundBy] = ("texts", "others")
"""Ways of looking up for which the whole list is gone through."""
_HIDDEN, _ANY = (UNSHOWN, 0.0), (UNSHOWN, 2.0)
"""Where what is shown of those without a number lies, and of everybody."""
_UNBOUNDED, _NOBODY = (-math.inf, math.inf), (0.0, 0.0)


def matching(
    view: View, rules: Rules, by: FoundBy = "index", *, but: str = ""
) -> list[ColumnElement[bool]]:
    """Return a view's filters as conditions on the table `creator`.

    Parameters
    ----------
    by
        How search, list, owner and flags are looked up: as of
        :func:`~durhampulse.desk.store.search.held`, or one of `FEW` first and the rest in its
        creators only.
    but
        The figure whose bounds are left out.
    """
    c = creator.c
    decided = [is_decided(view)] if by == "state" else [is_of_niche(view)] if by == "niche" else []
    bounds = (spanned(name, ends) for name, ends in spans(view, rules).items() if name != but)
    conditions = [*bounds, *_choices(view, rules), *decided]
    if view.without:
        conditions.append(c.id.not_in(view.without))
    if view.edge:
        conditions.append(HAS_PRECEDENT & _on_edge(rules))
    for kind, name in view.sets.items():
        if kind == by:
            conditions.append(is_one_of_few(name))
        elif by in WALKING:
            conditions.append(c.id.in_(members(name)))
        else:
            conditions.append(is_member(name))
    if view.owner == NOBODY:
        conditions.append(~IS_OWNED)
    if by == "flag":
        conditions.append(is_one_of_few(view.flagged))
    elif view.flag:
        conditions.append(c.flags.bitwise_and(view.flag_bits) == view.flag_bits)
    if view.search:
        conditions.append(held(view.search, "row" if by in FEW else cast(SearchBy, by)))
    return conditions


def is_decided(view: View) -> ColumnElement[bool]:
    """Return the condition that creators are where a view has some, as it stands in their index."""
    return and_(PASSED, PLACE.in_(places_of(view)))


def is_of_niche(view: View) -> ColumnElement[bool]:
    """Return the condition that creators are of a niche that a view has, likewise."""
    return InBytes(creator.c.niche).in_(view.niche)


def _choices(view: View, rules: Rules) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of the filters whose choices are alternatives."""
    c = creator.c
    if view.band:
        ranges = [rules.band_ranges[BAND_NAMES[band]] for band in view.band if band != UNLIKE]
        banded = HAS_PRECEDENT & _among(c.probability, ranges)
        if UNLIKE in view.band:
            yield or_(banded, HAS_NO_PRECEDENT)
        else:
            yield banded if len(ranges) > 1 else HAS_PRECEDENT
    if len(view.tier) > 1:
        yield _among(c.followers, [rules.tier_range(tier) for tier in view.tier])
    if view.niche:
        yield c.niche.in_(view.niche)
    if view.state:
        yield c.state.in_(view.state)
    if view.outcome:
        yield or_(*(outcome_is(state) for state in view.outcome))


def spans(view: View, rules: Rules) -> dict[Figure, Range]:
    """Return from where to below where a view's creators lie, by each figure that it bounds."""
    followers = (view.min_followers, view.max_followers)
    bounds: dict[Figure, Range] = {
        "followers": _common(followers, [rules.tier_range(tier) for tier in view.tier]),
        "engagement_rate": _common((view.min_engagement, view.max_engagement), []),
    }
    if view.edge or (view.band and UNLIKE not in view.band):
        bounds["probability"] = bounds_of(view, rules)
    return {name: ends for name, ends in bounds.items() if ends != _UNBOUNDED}


def _common(ends: tuple[float | None, float | None], ranges: Sequence[Range]) -> Range:
    """Return the range of numbers between two bounds, both included, and the ends of ranges."""
    lowest, highest = ends
    lows, highs = zip(*(ranges or [_UNBOUNDED]), strict=True)
    low = -math.inf if lowest is None else lowest
    high = math.inf if highest is None else math.nextafter(highest, math.inf)
    return max(low, min(lows)), min(high, max(highs))


def spanned(figure: str, ends: Range) -> ColumnElement[bool]:
    """Return the condition that a figure lies in a range, with no bound where that is infinite."""
    column, (low, high) = creator.c[figure], ends
    bounds = [*([column >= low] if low > -math.inf else []),
              *([column < high] if high < math.inf else [])]  # fmt: skip
    return and_(*bounds)


def on_edge(rules: Rules) -> ColumnElement[bool]:
    """Return the condition that a creator has a good chance to belong to another band.

    Ranges widen with the steps, so that all of them lie between the ends of the last.
    """
    widest = rules.edge_ranges[-1] or [_NOBODY]
    ends = min(low for low, _ in widest), max(high for _, high in widest)
    return and_(spanned("probability", ends), _on_edge(rules))


def _on_edge(rules: Rules) -> ColumnElement[bool]:
    """Return the condition of the ranges, without the ends of the last."""
    p, (complete, *wider) = creator.c.probability, rules.edge_ranges
    if not wider:
        return _among(p, complete)
    steps = -creator.c.flags.bitwise_rshift(STEP_BITS)
    each = [and_(p >= _number_at(steps, lows), p < _number_at(steps, highs))
            for lows, highs in _tables(wider)]  # fmt: skip
    return or_(_among(p, complete), and_(creator.c.flags < 0, or_(*each)))


def bounds_of(view: View, rules: Rules) -> Range:
    """Return from where to below where a view's answers leave what is shown of creators."""
    ranges = [_HIDDEN if band == UNLIKE else rules.band_ranges[BAND_NAMES[band]]
              for band in view.band]  # fmt: skip
    edges = rules.edge_ranges[-1] if view.edge else []
    choices = [part for part in (ranges, edges) if part] or [[_ANY]]
    lows = (min(low for low, _ in part) for part in choices)
    return max(lows), min(max(high for _, high in part) for part in choices)


def _tables(wider: Sequence[Sequence[Range]]) -> Iterator[tuple[list[float], list[float]]]:
    """Yield the lower and the upper ends of each range by steps, equal where there is none."""
    for ranges in zip_longest(*wider, fillvalue=(0.0, 0.0)):
        lows, highs = zip(*ranges, strict=True)
        yield [*lows], [*highs]


class _NumberAt(FunctionElement[float]):
    """The number at a place of a table, counted from 1, which is sent as one parameter.

    With a condition for each place a statement has hundreds of parameters: to compile it takes
    longer than to run it, and what is kept of it weighs on every collection of garbage.
    """

    type = Double()
    inherit_cache = True
    name = "number_at"


@compiles(_NumberAt)
def _compile_number_at(element: _NumberAt, compiler: SQLCompiler, **options: Any) -> str:
    place, array, _ = (compiler.process(part, **options) for part in element.clauses)
    return f"({array})[{place}]"


@compiles(_NumberAt, "sqlite")
def _compile_number_at_sqlite(element: _NumberAt, compiler: SQLCompiler, **options: Any) -> str:
    place, _, text = (compiler.process(part, **options) for part in element.clauses)
    return f"CAST(substr({text}, {_WIDTH} * ({place} - 1) + 1, {_WIDTH}) AS REAL)"


def _number_at(place: ColumnElement[int], numbers: Sequence[float]) -> ColumnElement[float]:
    """Return the number at a place of a table, as SQL."""
    text = "".join(f"{number!r:{_WIDTH}}" for number in numbers).encode()
    sent = (bindparam("numbers", numbers, ARRAY(Double), unique=True),
            bindparam("numbers", text, LargeBinary, unique=True))  # fmt: skip
    return _NumberAt(place, *sent)


def within(column: ColumnElement[Any], ranges: Sequence[Range]) -> ColumnElement[bool]:
    """Return the condition that a column lies in one of some ranges."""
    if len(ranges) < 2:
        return _among(column, ranges)
    lows, highs = zip(*ranges, strict=True)
    # An index is read from the lowest to the highest; by alternatives alone it is read whole.
    return and_(_among(column, [(min(lows), max(highs))]), _among(column, ranges))


def _among(column: ColumnElement[Any], ranges: Sequence[Range]) -> ColumnElement[bool]:
    """Return the condition that a column lies in one of some ranges, as alternatives alone."""
    return or_(false(), *(
        column >= low if high == math.inf else and_(column >= low, column < high)
        for low, high in ranges
    ))  # fmt: skip
