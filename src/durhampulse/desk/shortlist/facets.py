"""How many of a view's creators have each answer, state, outcome, tier and niche."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import ColumnElement, Connection, LargeBinary, case, cast, func, literal, select

from durhampulse.desk.models.rules import Range, Rules
from durhampulse.desk.shortlist.filters import within
from durhampulse.desk.shortlist.pages import counted
from durhampulse.desk.shortlist.view import BAND_NAMES, UNLIKE, View
from durhampulse.desk.store.tables import (
    HAS_NO_PRECEDENT,
    HAS_PRECEDENT,
    OUTCOME_STATES,
    STATES,
    WAITS,
    creator,
    outcome_is,
)

__all__ = [
    "FACETS", "Cells", "Facets", "Overview", "breakdown", "count_cells", "facets", "facets_of",
    "overview", "overview_of", "rest_of", "waiting_of",
]  # fmt: skip

FACETS = ("band", "state", "outcome", "tier", "niche")
"""Kinds of filter whose choices are counted; as in a view."""

_BETWEEN = "\0"  # which no text of the store holds

Facets = dict[str, dict[str, int]]
"""Kind of filter to its choices to their numbers."""

Cells = list[tuple[tuple[str, ...], int]]
"""Choices of each kind, and how many have them all."""


@dataclass(frozen=True)
class Overview:
    """The counts of a view.

    Attributes
    ----------
    counts
        Those of each kind of filter.
    tabs
        Those of each answer, state and outcome with no other of these chosen; of the state *open*,
        of whom no outcome is known.
    everybody
        The number of all answers, states and outcomes together.
    waiting
        Of the whole list, how many of each answer wait for a person: open, of no known outcome.
    """

    counts: Facets
    tabs: Facets
    everybody: int
    waiting: dict[str, int]


def facets(db: Connection, view: View, rules: Rules) -> Facets:
    """Return the numbers of the choices of each kind of filter.

    A kind is counted among the creators that match all other kinds, so that the numbers say what
    one more choice of the same kind would add. All come from one pass over one index: creators are
    counted by all kinds at once, and those counts are added up. All are exact.

    Returns
    -------
    dict
        Kind to choice to number; choices nobody has are at 0, niches are those that occur, the
        most frequent first.
    """
    return facets_of(count_cells(db, view, rules), view, rules)


def overview(db: Connection, view: View, rules: Rules) -> Overview:
    """Return what :func:`facets` does, the number of all states together, and who waits."""
    waiting = _waiting(db, view, rules) if rest_of(view).is_filtered else None
    return overview_of(count_cells(db, view, rules), view, rules, waiting)


def count_cells(db: Connection, view: View, rules: Rules) -> Cells:
    """Return what :func:`facets` adds up, of all kinds of filter; it takes a pass over the list."""
    return _cells(db, rest_of(view), rules, FACETS)


def overview_of(
    cells: Cells, view: View, rules: Rules, waiting: dict[str, int] | None = None
) -> Overview:
    """Return the overview of a view from its cells.

    Parameters
    ----------
    waiting
        Of the whole list, by answer; of the cells if None.
    """
    plain = replace(view, band=(), state=(), outcome=())
    tabs = facets_of(cells, plain, rules, ("band", "state", "outcome"))
    to_decide = _added_up(cells, replace(plain, outcome=("open",)), "state", STATES)
    tabs["state"]["open"] = to_decide["open"]
    return Overview(
        counts=facets_of(cells, view, rules),
        tabs=tabs,
        everybody=sum(_added_up(cells, plain, "state", STATES).values()),
        waiting=waiting_of(cells) if waiting is None else waiting,
    )


def waiting_of(cells: Cells) -> dict[str, int]:
    """Return how many of the cells of the whole list wait for a person, by answer."""
    waiting = dict.fromkeys([*BAND_NAMES, UNLIKE], 0)
    for (band, state, outcome, *_), n in cells:
        if band and state == outcome == "open":
            waiting[band] += n
    return waiting


def _waiting(db: Connection, view: View, rules: Rules) -> dict[str, int]:
    """Return how many of the whole list wait for a person, by answer."""
    shown = creator.c.id.not_in(view.without)
    counted = select(func.count()).select_from(creator).where(WAITS, shown)
    listed = counted.with_hint(creator, "INDEXED BY ix_creator_by_probability", "sqlite")
    counts = {
        name: listed.where(HAS_PRECEDENT, within(creator.c.probability, [rules.band_ranges[band]]))
        for name, band in BAND_NAMES.items()
    }
    counts[UNLIKE] = counted.where(HAS_NO_PRECEDENT)
    return {name: int(db.scalar(count) or 0) for name, count in counts.items()}


def rest_of(view: View) -> View:
    """Return a view without the filters whose choices are counted."""
    return replace(view, band=(), state=(), outcome=(), tier=(), niche=())


def facets_of(cells: Cells, view: View, rules: Rules, kinds: Sequence[str] = FACETS) -> Facets:
    """Return the facets of a view from its cells, of some kinds."""
    known: dict[str, Sequence[str]] = {
        "band": [*BAND_NAMES, UNLIKE], "state": STATES, "outcome": [*OUTCOME_STATES],
        "tier": rules.tiers, "niche": (),
    }  # fmt: skip
    return {kind: _added_up(cells, view, kind, known[kind]) for kind in kinds}


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


def _cells(db: Connection, view: View, rules: Rules, kinds: Sequence[str]) -> Cells:
    """Return the number of a view's creators for each combination of choices that occurs.

    Those of all kinds but the niche are one whole number to the database.
    """
    parts = _coded(rules)
    coded = [(kind, *parts[kind]) for kind in kinds if kind in parts]
    code: ColumnElement[int] = literal(0)
    for _, names, place in coded:
        code = code * len(names) + place
    niche = func.coalesce(creator.c.niche, "") if "niche" in kinds else literal("")
    cells = []
    for (at, value), n in _counted(db, view, rules, code, niche).items():
        choices = {"niche": value}
        for kind, names, _ in reversed(coded):
            at, nth = divmod(at, len(names))  # noqa: PLW2901 - what is left of the code
            choices[kind] = names[nth]
        cells.append((tuple(choices[kind] for kind in kinds), n))
    return cells


def _counted(
    db: Connection, view: View, rules: Rules, code: ColumnElement[int], niche: ColumnElement[str]
) -> dict[tuple[int, str], int]:
    """Return the number of a view's creators for each code and niche.

    SQLite would sort them all, in twice the time that it takes to hand them over as one text, a
    letter for the code of each. Arrow counts its parts without holding up Python's other threads.
    """
    if db.dialect.name == "sqlite":
        each = func.char(code + 1).concat(niche)
        joined = cast(func.group_concat(each, _BETWEEN), LargeBinary)  # decoding all takes a while
        text = pa.array([db.scalar(counted(db, select(joined), view, rules))], pa.large_binary())
        parts = pc.value_counts(pc.split_pattern(text, _BETWEEN).flatten())
        keys = parts.field("values").cast(pa.string()).to_pylist()
        numbers = parts.field("counts").to_pylist()
        return {(ord(key[0]) - 1, key[1:]): n for key, n in zip(keys, numbers, strict=True)}
    numbers = select(code.label("code"), niche.label("value"), func.count())
    query = counted(db, numbers, view, rules).group_by("code", "value")
    return {(at, value): n for at, value, n in db.execute(query)}


def _coded(rules: Rules) -> dict[str, tuple[list[str], ColumnElement[int]]]:
    """Return for each kind but the niche the names of its choices, and the place of a creator's."""
    c = creator.c
    bands = _place(c.probability, [rules.band_ranges[band] for band in BAND_NAMES.values()])
    placed = {
        "band": ([*BAND_NAMES, UNLIKE], case((HAS_NO_PRECEDENT, len(BAND_NAMES) + 1), else_=bands)),
        "state": (STATES, _first(c.state == state for state in STATES)),
        "outcome": ([*OUTCOME_STATES], _first(outcome_is(state) for state in OUTCOME_STATES)),
        "tier": (rules.tiers, _place(c.followers, [rules.tier_range(t) for t in rules.tiers])),
    }
    return {kind: (["", *names], place) for kind, (names, place) in placed.items()}


def _first(conditions: Iterable[ColumnElement[bool]]) -> ColumnElement[int]:
    """Return which of some conditions holds, from 1; 0 for none."""
    return case(*((condition, at) for at, condition in enumerate(conditions, 1)), else_=0)


def _place(column: ColumnElement[float], ranges: Sequence[Range]) -> ColumnElement[int]:
    """Return which of some adjoining ranges a value lies in, from 1; 0 for none."""
    order = sorted(enumerate(ranges, 1), key=lambda numbered: numbered[1])
    ends = [(column.is_not(None) if high == inf else column < high, at) for at, (_, high) in order]
    return case((column < order[0][1][0], 0), *ends, else_=0)
