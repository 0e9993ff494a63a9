"""How many of a view's creators have each answer, state, outcome, tier and niche."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, case, func, literal, select

from durhampulse.desk.models.rules import Rules
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
    """Return the number of a view's creators for each combination of choices that occurs.

    Those of all kinds but the niche are one whole number to the database, which sorts by it in
    two thirds of the time that names take.
    """
    parts = _coded(rules)
    coded = [(kind, *parts[kind]) for kind in kinds if kind in parts]
    code: ColumnElement[int] = literal(0)
    for _, names, place in coded:
        code = code * len(names) + place
    keys = [code.label("code"), *([creator.c.niche] if "niche" in kinds else [])]
    query = select(*keys, func.count()).where(*matching(view, rules)).group_by(*keys)
    cells = []
    for at, *niche, n in db.execute(hinted(db, query, "probability", view)):
        choices = {"niche": niche[0] or ""} if niche else {}
        for kind, names, _ in reversed(coded):
            at, place = divmod(at, len(names))  # noqa: PLW2901 - what is left of the code
            choices[kind] = names[place]
        cells.append((tuple(choices[kind] for kind in kinds), int(n)))
    return cells


def _coded(rules: Rules) -> dict[str, tuple[list[str], ColumnElement[int]]]:
    """Return for each kind but the niche the names of its choices, and the place of a creator's."""
    c = creator.c
    bands = [(within(c.probability, [rules.band_ranges[band]]), name)
             for name, band in BAND_NAMES.items()]  # fmt: skip
    tiers = [(within(c.followers, [rules.tier_range(tier)]), tier) for tier in rules.tiers]
    conditions = {
        "band": [(HAS_NO_PRECEDENT, UNLIKE), *bands],
        "state": [(c.state == state, state) for state in STATES],
        "outcome": [(outcome_is(state), state) for state in OUTCOME_STATES],
        "tier": tiers,
    }
    return {
        kind: (["", *(name for _, name in some)],
               case(*((one, place) for place, (one, _) in enumerate(some, 1)), else_=0))
        for kind, some in conditions.items()
    }  # fmt: skip
