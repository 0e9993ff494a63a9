"""Sets within a number, a budget and limits of niches, and what none of them exceeds.

With a price on each unit of fees in place of the budget, the best set takes one creator after
another, whoever brings most beyond the price of their fee: limits of number and niches alone form a
matroid (Edmonds, "Matroids and the greedy algorithm", Mathematical Programming 1, 1971). At the
price at which that set spends the budget, what it brings and what it leaves of the budget, at the
price, bound every set (Fisher, "The Lagrangian relaxation method for solving integer programming
problems", Management Science 27, 1981).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

__all__ = [
    "TOLERANCE",
    "Flags",
    "Floats",
    "Places",
    "Relaxed",
    "Task",
    "improved",
    "reduced_gains",
    "relaxed",
]

TOLERANCE = 1e-9
_EQUAL = 1e-12
_EXCHANGES = 50


@dataclass(frozen=True, kw_only=True)
class Task:
    """Creators to choose from, and the limits of a set.

    Attributes
    ----------
    gain, fee
        What each brings and asks for; shape (n,).
    niche
        The number of each one's niche; shape (n,).
    most
        How many of each niche there may be; shape (n_niches,).
    number, budget
        How many there may be at all, and their fees together.
    barred
        Who is not to choose from; shape (n,).
    """

    gain: Floats
    fee: Floats
    niche: Places
    most: Places
    number: int
    budget: float
    barred: Flags | None = None

    @property
    def fits(self) -> Flags:
        """Return who is to choose from and asks for no more than the budget."""
        fits = self.fee <= self.budget + TOLERANCE
        return fits if self.barred is None else fits & ~self.barred

    @cached_property
    def groups(self) -> list[Places]:
        """Return who is to choose from of each niche."""
        places = np.flatnonzero(self.fits)
        if len(self.most) == 1:
            return [places]
        niche = self.niche[places]
        by_niche = places[np.argsort(niche, kind="stable")]
        starts = np.cumsum(np.bincount(niche, minlength=len(self.most)))
        return np.split(by_niche, starts[:-1])

    def given(self, inside: Flags, outside: Flags) -> Task | None:
        """Return what is left to choose with some in and some out; none if a limit is exceeded."""
        most = self.most - np.bincount(self.niche[inside], minlength=len(self.most))
        number = self.number - int(inside.sum())
        budget = self.budget - float(self.fee[inside].sum())
        if number < 0 or budget < -TOLERANCE or (most < 0).any():
            return None
        barred = inside | outside if self.barred is None else self.barred | inside | outside
        return replace(self, most=most, number=number, budget=max(0.0, budget), barred=barred)

    def of(self, places: Places) -> Task:
        """Return the same limits for some to choose from alone."""
        return replace(self, gain=self.gain[places], fee=self.fee[places],
                       niche=self.niche[places], barred=None)  # fmt: skip


@dataclass(frozen=True)
class Relaxed:
    """The best sets at the price at which the budget is spent.

    Attributes
    ----------
    price
        Of a unit of fees; 0 where the budget limits nothing.
    within, beyond
        A set within the budget and one beyond it, each a best one at the price; the same where the
        budget limits nothing.
    bound
        What no set within the limits exceeds.
    """

    price: float
    within: Places
    beyond: Places
    bound: float


def relaxed(task: Task) -> Relaxed:
    """Return the best sets at the price at which the budget is spent.

    What a set brings at a price falls along a line with it. Where the lines of a set within the
    budget and of one beyond it cross, either no set is better, or that set replaces one of them.
    """
    beyond = _best_at(task.gain, task)
    high = _sums(beyond, task)
    if high[1] <= task.budget + TOLERANCE:
        return Relaxed(0.0, beyond, beyond, high[0])
    within = _best_at(np.where(task.fee > 0, 0.0, task.gain), task)
    low = _sums(within, task)
    while True:
        price = (high[0] - low[0]) / (high[1] - low[1])
        at_price = _best_at(task.gain - price * task.fee, task)
        sums = _sums(at_price, task)
        if sums[0] - price * sums[1] <= low[0] - price * low[1] + _EQUAL * abs(high[0]):
            return Relaxed(price, within, beyond, low[0] + price * (task.budget - low[1]))
        if sums[1] <= task.budget:
            within, low = at_price, sums
        else:
            beyond, high = at_price, sums


def _sums(places: Places, task: Task) -> tuple[float, float]:
    return float(task.gain[places].sum()), float(task.fee[places].sum())


def _best_at(reduced: Floats, task: Task) -> Places:
    """Return the set that brings most beyond the price of its fees, whatever the budget."""
    pairs = zip(task.groups, task.most.tolist(), strict=True)
    tops = [_top(group, reduced, most) for group, most in pairs]
    return _top(np.concatenate(tops), reduced, task.number)


def _top(places: Places, reduced: Floats, most: int) -> Places:
    places = places[reduced[places] > 0]
    if len(places) <= most:
        return places
    return places[np.argpartition(-reduced[places], most)[:most]]


def reduced_gains(task: Task, price: float) -> Floats:
    """Return what each brings beyond what the limits are worth at a price of the fees.

    A place in the set is worth what the best creator without one would bring, and a place of a
    niche what the best one of that niche without such a place would bring more.
    """
    reduced = np.asarray(task.gain - price * task.fee)
    pairs = [*zip(task.groups, task.most.tolist(), strict=True)]
    tops = np.concatenate([_top(group, reduced, most) for group, most in pairs])
    place = _next_best(reduced[tops], task.number)
    worth = np.full(len(task.most), place)
    for niche, (group, most) in enumerate(pairs):
        worth[niche] = max(place, _next_best(reduced[group], most))
    return np.asarray(reduced - worth[task.niche])


def _next_best(amounts: Floats, most: int) -> float:
    """Return the largest of the amounts after so many larger ones; 0 if it is none above 0."""
    return max(0.0, float(-np.partition(-amounts, most)[most])) if len(amounts) > most else 0.0


def improved(chosen: Flags, task: Task) -> Flags:
    """Return a set within the limits after exchanges, until none of those tried brings more.

    Each is the best one of all that bring one creator in and take at most one out.
    """
    chosen = chosen.copy()
    gain, fee = np.append(task.gain, 0.0), np.append(task.fee, 0.0)  # nobody is at -1
    by_fee = np.argsort(task.fee, kind="stable")
    for _ in range(_EXCHANGES):
        room = task.budget - float(task.fee[chosen].sum()) + TOLERANCE
        pairs = _exchangeable(chosen, by_fee, task)
        moves = [_exchange(come, leave, gain, fee, room) for come, leave in pairs]
        added, come, leave = max(moves, default=(0.0, -1, -1))
        if added <= _EQUAL:
            break
        chosen[come] = True
        if leave >= 0:
            chosen[leave] = False
    return chosen


def _exchangeable(chosen: Flags, by_fee: Places, task: Task) -> list[tuple[Places, Places]]:
    """Return who may come, the lowest fee first, and in place of whom, -1 being nobody."""
    others = by_fee[~chosen[by_fee]]
    inside = np.flatnonzero(chosen)
    has_room = np.bincount(task.niche[inside], minlength=len(task.most)) < task.most
    leave = inside if len(inside) >= task.number else np.append(inside, -1)
    pairs = [(others[has_room[task.niche[others]]], leave)]
    for niche in np.unique(task.niche[inside]):
        if not has_room[niche]:
            of_niche = others[task.niche[others] == niche]
            pairs.append((of_niche, inside[task.niche[inside] == niche]))
    return [(come, leave) for come, leave in pairs if len(come) and len(leave)]


def _exchange(
    come: Places, leave: Places, gain: Floats, fee: Floats, room: float
) -> tuple[float, int, int]:
    """Return what the best exchange adds, who comes, and who leaves."""
    gains = gain[come]
    last = np.searchsorted(fee[come], room + fee[leave], side="right") - 1
    added = np.where(last >= 0, np.maximum.accumulate(gains)[last] - gain[leave], -np.inf)
    at = int(added.argmax())
    who = int(come[gains[: last[at] + 1].argmax()]) if last[at] >= 0 else -1
    return float(added[at]), who, int(leave[at])
