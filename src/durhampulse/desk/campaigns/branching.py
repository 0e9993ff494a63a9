"""The best set within limits, by branch and bound (Land and Doig, Econometrica 28, 1960)."""

from __future__ import annotations

import heapq
import itertools

import numpy as np

from durhampulse.desk.campaigns.relaxation import Flags, Relaxed, Task, improved, relaxed

__all__ = ["branched"]

_Branch = tuple[float, int, Flags, Flags, Relaxed]
_BRANCHES = 16
_EQUAL = 1e-12


def branched(task: Task, base: float, gap: float) -> tuple[Flags, float]:
    """Return a set, and what no set within the limits exceeds by more than the gap.

    The branch of the largest bound is split by whether somebody is in: of those by whom its
    relaxed sets differ, whoever asks for most, as a high fee leaves most of the budget unspent.
    Where that proves nothing, it ends after some branches.

    Parameters
    ----------
    base
        What the set brings besides; counts in the gap alone.
    gap
        By which share of the sum another set may bring more.
    """
    ties = itertools.count()
    nobody = np.zeros(len(task.gain), dtype=bool)
    best, most = nobody, 0.0
    open_branches: list[_Branch] = []

    def enough() -> float:
        return most + max(gap * abs(base + most), _EQUAL)

    def look(inside: Flags, outside: Flags) -> None:
        nonlocal best, most
        rest = task.given(inside, outside)
        if rest is None:
            return
        sets = relaxed(rest)
        bound = sets.bound + float(task.gain[inside].sum())
        chosen = inside.copy()
        chosen[sets.within] = True
        chosen = improved(chosen, task)
        if (brings := float(task.gain[chosen].sum())) > most:
            best, most = chosen, brings
        if bound > enough():
            heapq.heappush(open_branches, (-bound, next(ties), inside, outside, sets))

    look(nobody, nobody)
    for _ in range(_BRANCHES):
        if not open_branches or -open_branches[0][0] <= enough():
            break
        _, _, inside, outside, sets = heapq.heappop(open_branches)
        differ = np.setxor1d(sets.within, sets.beyond)
        at = int(differ[np.argmax(task.fee[differ])])
        look(inside | _preferable(at, task), outside)
        look(inside, outside | _no_better(at, task))
    largest = -open_branches[0][0] if open_branches else 0.0
    return best, max(most, largest)


def _preferable(at: int, task: Task) -> Flags:
    """Return whom some best set holds if it holds this creator.

    They are of the same niche, bring as much and ask for no more; of those who are alike the first
    come first. A set with this creator and without one of them is no better than with the two
    exchanged, and so some best set is the same after all such exchanges.
    """
    gain, fee = task.gain[at], task.fee[at]
    alike = (task.gain == gain) & (task.fee == fee)
    alike[: at + 1] = False
    better = (task.niche == task.niche[at]) & (task.gain >= gain) & (task.fee <= fee)
    return np.asarray(better & ~alike)


def _no_better(at: int, task: Task) -> Flags:
    """Return whom some best set lacks if it lacks this creator, who is preferable to them."""
    gain, fee = task.gain[at], task.fee[at]
    alike = (task.gain == gain) & (task.fee == fee)
    alike[at:] = False
    worse = (task.niche == task.niche[at]) & (task.gain <= gain) & (task.fee >= fee)
    return np.asarray(worse & ~alike)
