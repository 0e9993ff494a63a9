"""What other budgets would bring: the best set of each, and what a swap towards it costs."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import select

from durhampulse.desk.campaigns.brief import MOST_AMOUNT, Brief
from durhampulse.desk.campaigns.campaigns import find
from durhampulse.desk.campaigns.candidates import COLUMNS, candidates
from durhampulse.desk.campaigns.kept import kept_candidates
from durhampulse.desk.campaigns.proposal import latest_run, read_proposal
from durhampulse.desk.campaigns.solver import GAP, BestSet, best_set, keeps
from durhampulse.desk.campaigns.value import gains
from durhampulse.desk.models.catalogue import Catalogue
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.tables import creator
from durhampulse.exceptions import CannotJudgeError

__all__ = ["TRIED", "Frontier", "Frontiers", "Point", "Swap", "frontier_of", "point_now", "swaps"]

_TIMES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0)
"""Budgets that are tried, times the present one."""
TRIED = len(_TIMES)
_KEPT, _FRESH = 32, 300.0
_Key = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Point:
    """The best set of one budget.

    Attributes
    ----------
    budget
        The limit.
    cost, aim
        Its fees together, and what it brings of the brief's aim.
    table
        Its creators, with `gain` and `person`.
    gap
        By which share another set within the budget may bring more.
    """

    budget: float
    cost: float
    aim: float
    table: pd.DataFrame
    gap: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Frontier:
    """The present set among the best ones of other budgets.

    Attributes
    ----------
    now
        The present set, whatever people changed by hand.
    points
        By budget, the smallest first; without those that bring no more than the one before. Where
        the present set keeps within a budget it is the point, unless another brings more.
    is_of_proposal
        Whether the figures are those the set was proposed with, not today's.
    """

    now: Point
    points: list[Point]
    is_of_proposal: bool

    @property
    def gap(self) -> float:
        """By which share another set than a point's may bring more, of whichever point."""
        return max((point.gap for point in self.points), default=0.0)

    @property
    def at_now(self) -> int:
        """Return which point is the present set, or has the budget nearest to its."""
        away = [
            -1.0 if point.table is self.now.table else abs(point.budget - self.now.budget)
            for point in self.points
        ]
        return away.index(min(away))


@dataclass(frozen=True, kw_only=True)
class Swap:
    """One creator in place of another, or one who comes or goes alone.

    Attributes
    ----------
    out, into
        Who goes and who comes: ``id, person``; either may be none.
    aim, fee
        How much more of the aim the set brings, and costs; below 0 for less.
    """

    out: dict[str, Any] | None
    into: dict[str, Any] | None
    aim: float
    fee: float


def point_now(store: Store, number: int) -> Point | None:
    """Return a campaign's present set, whatever people changed; none where no money is planned."""
    with store.reading() as db:
        brief = find(db, number).brief
        table = read_proposal(db, number)[[*COLUMNS]]
    budget = brief.budget or float(np.nansum(table["fee"].to_numpy(dtype=float)))
    if not budget or table.empty or table["fee"].isna().any():
        return None
    return _point(budget, BestSet(table, 0.0), brief, _people(store, [table]))


def frontier_of(store: Store, catalogue: Catalogue, number: int) -> Frontier | None:
    """Return what other budgets would bring; none where no money is planned.

    They are found among the candidates kept with the proposal, by its figures. Where more of these
    are gone than were kept to spare, they are found in the list, by today's. What people said of
    creators stands: those put in by hand are in every set. A budget that these alone exceed is left
    out.
    """
    now = point_now(store, number)
    if now is None:
        return None
    budgets = [min(now.budget * times, MOST_AMOUNT) for times in _TIMES]
    with store.reading() as db:
        current, rules = find(db, number), catalogue.current(db)
        brief = current.brief
        wide = replace(brief, budget=budgets[-1])
        kept = kept_candidates(db, current, wide, rules, now.table)
        table = kept if kept is not None else candidates(
            db, wide, rules, number, choices=current.choices
        )  # fmt: skip
    sets: list[tuple[Brief, BestSet]] = []
    for budget in budgets:
        limited = replace(brief, budget=budget)
        try:
            sets.append((limited, best_set(table, limited, seconds=0.0)))
        except CannotJudgeError:
            continue
    people = _people(store, [best.table for _, best in sets])
    points = [_point(float(limited.budget or 0.0), best, brief, people) for limited, best in sets]
    if kept is not None and now.table["id"].isin(table["id"]).all():
        limits = [limited for limited, _ in sets]
        points = [_now_or(*pair, now) for pair in zip(points, limits, strict=True)]
    return Frontier(now=now, points=_rising(points, now), is_of_proposal=kept is not None)


def _now_or(point: Point, limited: Brief, now: Point) -> Point:
    """Return the present set where it keeps within a budget's limits, unless a point beats it."""
    if not keeps(now.table, limited) or now.aim < point.aim - GAP * abs(point.aim):
        return point
    return replace(now, budget=point.budget, gap=max(GAP, _gap_up_to(point, now)))


def _gap_up_to(point: Point, shown: Point) -> float:
    """Return by which share of what is shown the best set of another point may bring more."""
    may_be = point.aim + point.gap * abs(point.aim)
    return (may_be - shown.aim) / abs(shown.aim) if shown.aim else 0.0


def _rising(points: list[Point], now: Point) -> list[Point]:
    """Return the points that bring more than the one before, and the first of the present set.

    The one before a point that is left out stands for its budget too, so its gap covers both.
    """
    rising: list[Point] = []
    for point in points:
        is_more = not rising or point.aim > rising[-1].aim + 1e-9
        is_first = point.table is now.table and all(p.table is not now.table for p in rising)
        if is_more or is_first:
            rising.append(point)
        else:
            last = rising[-1]
            rising[-1] = replace(last, gap=max(last.gap, _gap_up_to(point, last)))
    return rising


def _point(budget: float, best: BestSet, brief: Brief, people: dict[int, str]) -> Point:
    table = best.table
    gain = gains(table, brief)
    rows = table.assign(gain=gain, person=[people.get(int(at), "") for at in table["id"]])
    cost = float(np.nansum(table["fee"].to_numpy(dtype=float)))
    return Point(
        budget=budget, cost=cost, aim=float(gain.sum()), table=rows, gap=max(best.gap, GAP)
    )


def _people(store: Store, tables: list[pd.DataFrame]) -> dict[int, str]:
    numbers = {int(at) for table in tables for at in table["id"]}
    c = creator.c
    with store.reading() as db:
        rows = db.execute(select(c.id, c.external_id, c.name).where(c.id.in_(numbers)))
        return {row.id: row.name or row.external_id for row in rows}


def swaps(before: Point, after: Point) -> list[Swap]:
    """Return how one set becomes another, swap by swap, and what each of them costs.

    Whoever brings most of those who go is put beside whoever brings most of those who come; the
    swaps' sums are the sets' whole difference.
    """
    leave = before.table[~before.table["id"].isin(after.table["id"])]
    come = after.table[~after.table["id"].isin(before.table["id"])]
    outs, ins = (
        table.sort_values(["gain", "id"], ascending=[False, True]).to_dict("records")
        for table in (leave, come)
    )
    pairs = [
        (outs[at] if at < len(outs) else None, ins[at] if at < len(ins) else None)
        for at in range(max(len(outs), len(ins)))
    ]
    return [
        Swap(
            out=_who(out), into=_who(into),
            aim=_amount(into, "gain") - _amount(out, "gain"),
            fee=_amount(into, "fee") - _amount(out, "fee"),
        )
        for out, into in pairs
    ]  # fmt: skip


def _who(row: Any) -> dict[str, Any] | None:
    return None if row is None else {"id": int(row["id"]), "person": row["person"]}


def _amount(row: Any, name: str) -> float:
    return 0.0 if row is None else float(np.nan_to_num(row[name]))


class Frontiers:
    """Cache of frontiers, for as long as somebody tries one budget after another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, tuple[float, Frontier]] = OrderedDict()

    def of(self, store: Store, catalogue: Catalogue, number: int) -> Frontier | None:
        """Return a campaign's frontier, at most five minutes old, and of its present set."""
        key = _key(store, catalogue, number)
        if kept := self._fresh(key):
            return kept
        new = frontier_of(store, catalogue, number)
        if new is not None:
            with self._lock:
                self._kept[key] = (time.monotonic(), new)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return new

    def kept(self, store: Store, catalogue: Catalogue, number: int) -> Frontier | None:
        """Return a campaign's frontier if it is kept; none where it would have to be computed."""
        return self._fresh(_key(store, catalogue, number))

    def _fresh(self, key: _Key) -> Frontier | None:
        with self._lock:
            at, frontier = self._kept.get(key, (0.0, None))
        return frontier if time.monotonic() - at < _FRESH else None


def _key(store: Store, catalogue: Catalogue, number: int) -> _Key:
    """Return what a frontier depends on."""
    with store.reading() as db:
        rules = catalogue.current(db)
        edition = find(db, number).row.edition
        return (number, edition, latest_run(db), rules.version, rules.thresholds)
