"""How many of a view's creators have each answer, state, outcome, tier and niche."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, literal, select

from durhampulse.desk.models.rules import Range, Rules
from durhampulse.desk.shortlist.pages import hinted, matching, within
from durhampulse.desk.shortlist.view import BAND_NAMES, UNLIKE, View
from durhampulse.desk.store.tables import (
    HAS_NO_PRECEDENT,
    OUTCOME_STATES,
    STATES,
    creator,
    outcome_is,
)

__all__ = ["FACETS", "Facets", "breakdown", "facets"]

FACETS = ("band", "state", "outcome", "tier", "niche")
"""Kinds of filter whose choices are counted; as in a view."""

Facets = dict[str, dict[str, int]]
"""Kind of filter to its choices to their numbers."""


def facets(db: Connection, view: View, rules: Rules) -> Facets:
    """Return the numbers of the choices of each kind of filter.

    A kind is counted among the creators that match all other kinds, so that the numbers say what
    one more choice of the same kind would add. All come from one pass over one index: creators are
    counted by all kinds at once, and those counts are added up.

    Returns
    -------
    dict
        Kind to choice to number; choices nobody has are at 0, niches are those that occur, the
        most frequent first.
    """
    rest = replace(view, band=(), state=(), outcome=(), tier=(), niche=())
    cells = _cells(db, rest, rules, FACETS)
    known: dict[str, Sequence[str]] = {
        "band": [*BAND_NAMES, UNLIKE], "state": STATES, "outcome": [*OUTCOME_STATES],
        "tier": rules.tiers, "niche": (),
    }  # fmt: skip
    return {kind: _added_up(cells, view, kind, known[kind]) for kind in FACETS}


def breakdown(db: Connection, view: View, rules: Rules) -> dict[tuple[str, str], int]:
    """Return how many of a view's creators have each answer and state: (band, state) to number."""
    cells = _cells(db, view, rules, ("band", "state"))
    return {(band, state): n for (band, state), n in cells}


def _added_up(
    cells: Iterable[tuple[tuple[str, ...], int]], view: View, kind: str, known: Sequence[str]
) -> dict[str, int]:
    """Return the counts of one kind's choices, of the creators that match the other kinds."""
    others = [(at, set(getattr(view, other))) for at, other in enumerate(FACETS)
              if other != kind and getattr(view, other)]  # fmt: skip
    at, counts = FACETS.index(kind), Counter[str]()
    for key, n in cells:
        if all(key[place] in wanted for place, wanted in others):
            counts[key[at]] += n
    counts.pop("", None)
    if known:
        return {choice: counts[choice] for choice in known}
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _cells(
    db: Connection, view: View, rules: Rules, kinds: Sequence[str]
) -> list[tuple[tuple[str, ...], int]]:
    """Return the number of a view's creators for each combination of choices that occurs."""
    c = creator.c
    tiers = {tier: rules.tier_range(tier) for tier in rules.tiers}
    bands = {name: rules.band_ranges[band] for name, band in BAND_NAMES.items()}
    codes = {
        "band": case((HAS_NO_PRECEDENT, UNLIKE), else_=_named(c.probability, bands)),
        "state": c.state,
        "outcome": case(*((outcome_is(state), state) for state in OUTCOME_STATES)),
        "tier": _named(c.followers, tiers),
        "niche": func.coalesce(c.niche, ""),
    }  # fmt: skip
    keys = [codes[kind].label(f"by_{kind}") for kind in kinds]
    query = select(*keys, func.count()).where(*matching(view, rules)).group_by(*keys)
    rows = db.execute(hinted(db, query, "probability", view))
    return [(tuple(str(name) for name in key), int(n)) for *key, n in rows]


def _named(column: Any, ranges: Mapping[str, Range]) -> ColumnElement[str]:
    """Return the expression for the name of the range in which a column lies; empty outside."""
    return case(
        *((within(column, [part]), literal(name)) for name, part in ranges.items()), else_=""
    )
