"""The set that brings most within a brief's limits, and what other limits would change."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from durhampulse.desk.campaigns.branching import branched
from durhampulse.desk.campaigns.brief import MOST_AMOUNT, MOST_CREATORS, Brief
from durhampulse.desk.campaigns.highs import best_wholes
from durhampulse.desk.campaigns.relaxation import (
    Flags,
    Floats,
    Places,
    Task,
    reduced_gains,
    relaxed,
)
from durhampulse.desk.campaigns.value import gains
from durhampulse.exceptions import CannotJudgeError
from durhampulse.scoring.record import UNLIKE_BIT

__all__ = ["BUDGETS", "GAP", "BestSet", "MoreBudget", "best_set", "keeps", "more_budget", "solve"]

BUDGETS = (1.1, 1.25, 1.5, 2.0)
"""Times the budget of which the page says what they would add."""
_SECONDS, _SECONDS_ELSE = 10.0, 3.0
"""How long a set is looked for, and one under other limits, before the best so far is taken."""
GAP = 1e-4
"""By which share another set may bring more, and the search ends."""
_SHOWN = {"deals": 0.05, "views": 0.5, "engagements": 0.5, "return": 0.5}
"""What an aim must grow by for its page to show more than before."""


@dataclass(frozen=True)
class MoreBudget:
    """What a larger budget would add.

    Attributes
    ----------
    budgets
        ``budget, creators, aim, added`` of each larger budget that adds something.
    binding
        The limits that bind now: of "budget", "number" and "niches".
    """

    budgets: list[dict[str, float]]
    binding: list[str]


@dataclass(frozen=True)
class BestSet:
    """The best set that was found.

    Attributes
    ----------
    table
        Its rows, the best first.
    gap
        By which share of its sum another set may bring more; 0 where none does but for 1 in 10,000.
    """

    table: pd.DataFrame
    gap: float


def solve(table: pd.DataFrame, brief: Brief, *, seconds: float = _SECONDS) -> pd.DataFrame:
    """Return the rows of :func:`best_set`, the best first."""
    return best_set(table, brief, seconds=seconds).table


def best_set(table: pd.DataFrame, brief: Brief, *, seconds: float = _SECONDS) -> BestSet:
    """Return the rows that bring most, the best first.

    The set brings the most there is but for 1 in 10,000, or is the best known when the time is
    over. Branch and bound by a price of the budget, and exchanges, find and prove nearly every set
    in a few steps; what is left, as with many equal fees, is a small integer program.

    Parameters
    ----------
    table
        Candidates with the columns of :func:`~durhampulse.desk.campaigns.candidates.candidates`;
        those with ``fixed`` are in whatever they bring. A fee that is not known counts as 0, which
        no limit sees where there is no budget.
    brief
        The limits and the aim.
    seconds
        How long the integer program may take; with 0 there is none.

    Raises
    ------
    CannotJudgeError
        If no set keeps within the limits, as where the creators put in by hand cost too much.
    """
    if table.empty:
        return BestSet(table, 0.0)
    gain = gains(table, brief)
    fixed = table["fixed"].to_numpy(dtype=bool)
    task = _task(table, brief, gain)
    rest = task.given(fixed, ~fixed & (gain <= 0))
    if rest is None:
        raise CannotJudgeError(
            "No set of creators keeps within these limits.",
            "Raise number or budget, or take out creators that were put in by hand.",
        )
    free = np.flatnonzero(rest.fits)
    inside, gap = _best(rest.of(free), float(task.gain[fixed].sum()), seconds)
    chosen = fixed.copy()
    chosen[free[inside]] = True
    # A number that no page shows orders nobody.
    shown = table["probability"].where(table["flags"].astype(int) < UNLIKE_BIT, -1.0)
    order = np.lexsort((table["id"], -shown, -gain))
    return BestSet(table.iloc[[at for at in order if chosen[at]]].reset_index(drop=True), gap)


def _task(table: pd.DataFrame, brief: Brief, gain: Floats) -> Task:
    """Return everybody and the limits, with gains as shares of the largest and fees of the budget.

    Those without a niche count as one more that has no limit.
    """
    n = len(table)
    fee, niche, most = np.zeros(n), np.zeros(n, dtype=np.intp), [n]
    if brief.budget is not None:
        fee = np.nan_to_num(table["fee"].to_numpy(dtype=float)) / (brief.budget or 1.0)
    if brief.most_per_niche is not None:
        codes, names = pd.factorize(table["niche"])
        niche = np.where(codes < 0, len(names), codes)
        most = [*[brief.most_per_niche] * len(names), n]
    return Task(
        gain=gain / (np.abs(gain).max() or 1.0), fee=fee, niche=niche, most=np.array(most),
        number=brief.number, budget=0.0 if brief.budget == 0 else 1.0,
    )  # fmt: skip


def keeps(table: pd.DataFrame, brief: Brief) -> bool:
    """Return whether a set keeps within the limits of a brief."""
    all_of_them = np.ones(len(table), dtype=bool)
    return _task(table, brief, gains(table, brief)).given(all_of_them, all_of_them) is not None


def _best(task: Task, base: float, seconds: float) -> tuple[Flags, float]:
    """Return who is in the set that brings most, and by which share another may bring more."""
    chosen, bound = branched(task, base, GAP)
    now = float(task.gain[chosen].sum())
    if bound - now > (allowed := GAP * abs(base + now)) and seconds:
        chosen, most = _of_few(task, chosen, seconds=seconds, gap=allowed)
        now, bound = float(task.gain[chosen].sum()), min(bound, most)
    share = (bound - now) / abs(base + now) if base + now else 0.0
    return chosen, share if share > GAP * (1 + 1e-6) else 0.0


def _of_few(task: Task, chosen: Flags, *, seconds: float, gap: float) -> tuple[Flags, float]:
    """Return a set no worse than the chosen one, and what no set exceeds, by an integer program.

    What a price of the budget leaves of each one's gain says of most whether they are in every
    better set or in none (variable fixing by reduced costs: Wolsey, *Integer Programming*, section
    7.4), so the program is that of the others.
    """
    now, sets = float(task.gain[chosen].sum()), relaxed(task)
    reduced = reduced_gains(task, sets.price)
    inside = reduced > sets.bound - now
    few = np.flatnonzero(np.abs(reduced) <= sets.bound - now)
    rest = task.given(inside, inside)
    if rest is None:  # no set holds all of those that every better one holds
        return chosen, now
    least = float(task.gain[inside].sum())
    wholes, most = best_wholes(task.gain[few], *_limits(rest, few), seconds=seconds, gap=gap)
    if wholes is not None:
        inside[few] = wholes > 0.5
        if task.gain[inside].sum() > now:
            chosen = inside
    return chosen, max(float(task.gain[chosen].sum()), least + most)


def _limits(task: Task, few: Places) -> tuple[Floats, Floats]:
    """Return the limits of some as rows of weights, shape (n_limits, n_few), and their bounds."""
    niches = [at for at, most in enumerate(task.most) if most < len(task.gain)]
    rows = [np.ones(len(few)), task.fee[few]]
    rows += [(task.niche[few] == at).astype(float) for at in niches]
    return np.array(rows), np.array([task.number, task.budget, *task.most[niches]], dtype=float)


def more_budget(
    table: pd.DataFrame, brief: Brief, chosen: pd.DataFrame, *, proposable: int = 0
) -> MoreBudget:
    """Return what a larger budget would add to a set, and which limits bind it.

    A limit binds if without it, the others as they are, the set could bring more. The budget binds
    too where nobody else among the candidates is cheap enough, and dearer creators are left.

    Parameters
    ----------
    table, brief
        The candidates and limits of :func:`solve`.
    chosen
        The set it returned.
    proposable
        How many creators the brief allows, those dearer than all candidates included.
    """
    now = float(gains(chosen, brief).sum())

    def added(other: Brief) -> tuple[pd.DataFrame, float]:
        then = solve(table, other, seconds=_SECONDS_ELSE)
        return then, float(gains(then, brief).sum()) - now

    freed = {
        "budget": replace(brief, budget=None) if brief.budget is not None else None,
        "number": replace(brief, number=min(brief.number + 1, MOST_CREATORS)),
        "niches": replace(brief, most_per_niche=None) if brief.most_per_niche else None,
    }
    shown = _SHOWN[brief.aim]
    binding = [name for name, other in freed.items() if other and added(other)[1] >= shown]
    if "budget" not in binding and _leaves_dearer(brief, chosen, proposable):
        binding.insert(0, "budget")
    rows: list[dict[str, float]] = []
    for step in BUDGETS if "budget" in binding else ():
        budget = min(step * float(brief.budget or 0.0), MOST_AMOUNT)
        then, more = added(replace(brief, budget=budget))
        if more >= (rows[-1]["added"] if rows else 0.0) + shown:
            rows.append({"budget": budget, "creators": len(then), "aim": now + more, "added": more})
    return MoreBudget(rows, binding)


def _leaves_dearer(brief: Brief, chosen: pd.DataFrame, proposable: int) -> bool:
    """Whether a set has places left, and only its budget keeps creators out of them."""
    is_short = len(chosen) < min(brief.number, proposable)
    return (
        is_short and brief.budget is not None
        and brief.most_per_niche is None and brief.aim != "return"
    )  # fmt: skip
