"""The set that brings most within a brief's limits, and what other limits would change."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.desk.campaigns.brief import MOST_CREATORS, Brief
from durhampulse.desk.campaigns.highs import best_fractions, best_wholes
from durhampulse.desk.campaigns.value import gains
from durhampulse.exceptions import CannotJudgeError
from durhampulse.scoring.record import UNLIKE_BIT

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

__all__ = ["BUDGETS", "BestSet", "MoreBudget", "best_set", "more_budget", "solve"]

BUDGETS = (1.1, 1.25, 1.5, 2.0)
"""Times the budget of which the page says what they would add."""
_SECONDS, _SECONDS_ELSE = 10.0, 3.0
"""How long a set is looked for, and one under other limits, before the best so far is taken."""
_GAP, _TOLERANCE = 1e-4, 1e-9
_TRIED = 500
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
    """Return the rows that bring most, by mixed-integer programming (HiGHS), the best first.

    What creators may bring in fractions bounds what they bring as wholes, and says of most whether
    they are in (variable fixing by reduced costs: Wolsey, *Integer Programming*, section 7.4), so
    the program is that of the few others. The set brings the most there is but for 1 in 10,000, or
    is the best known when the time is over.

    Parameters
    ----------
    table
        Candidates with the columns of :func:`~durhampulse.desk.campaigns.candidates.candidates`;
        those with ``fixed`` are in whatever they bring. A fee that is not known counts as 0, which
        no limit sees where there is no budget.
    brief
        The limits and the aim.
    seconds
        How long the integer program may take.

    Raises
    ------
    CannotJudgeError
        If no set keeps within the limits, as where the creators put in by hand cost too much.
    """
    if table.empty:
        return BestSet(table, 0.0)
    gain = gains(table, brief)
    fixed = table["fixed"].to_numpy(dtype=bool)
    weights, most = _limits(table, brief)
    if (weights @ fixed > most + _TOLERANCE).any():
        raise CannotJudgeError(
            "No set of creators keeps within these limits.",
            "Raise number or budget, or take out creators that were put in by hand.",
        )
    chosen, gap = _best(gain / (np.abs(gain).max() or 1.0), fixed, weights, most, seconds)
    chosen &= fixed | (gain > 0)
    # A number that no page shows orders nobody.
    shown = table["probability"].where(table["flags"].astype(int) < UNLIKE_BIT, -1.0)
    order = np.lexsort((table["id"], -shown, -gain))
    return BestSet(table.iloc[[at for at in order if chosen[at]]].reset_index(drop=True), gap)


def _best(
    gain: Floats, fixed: Flags, weights: Floats, most: Floats, seconds: float
) -> tuple[Flags, float]:
    """Return who is in the set that brings most, and by which share another may bring more."""
    fits = fixed | (weights <= most[:, None] + _TOLERANCE).all(axis=0)
    ends = np.column_stack([fixed, fits]).astype(float)
    fractions, prices = best_fractions(gain, weights, most, ends)
    reduced = gain - prices @ weights  # what each brings more than the limits are worth
    worth = np.where(fits, np.where(fixed, reduced, np.maximum(reduced, 0.0)), 0.0)
    bound = float(prices @ most + worth.sum())
    chosen = _filled_up(fixed | (fractions > 1 - _TOLERANCE), reduced, gain, weights, most)
    sum_now = float(gain @ chosen)
    if (gap := bound - sum_now) <= _GAP * abs(sum_now):
        return chosen, 0.0
    inside = fixed | (fits & (reduced > gap))
    left = np.flatnonzero(~inside & fits & (reduced >= -gap))
    room = most - weights @ inside
    few = best_wholes(gain[left], weights[:, left], room, seconds=seconds, gap=_GAP)
    bound = min(bound, float(gain @ inside) + few[1])
    if few[0] is not None:
        inside[left] = few[0] > 0.5
        if gain @ inside > sum_now:
            chosen, sum_now = inside, float(gain @ inside)
    share = (bound - sum_now) / abs(sum_now) if sum_now else 0.0
    return chosen, share if share > 2 * _GAP else 0.0


def _filled_up(
    chosen: Flags, reduced: Floats, gain: Floats, weights: Floats, most: Floats
) -> Flags:
    """Return a set with whoever else fits into what the limits leave, the most worth first."""
    room = most - weights @ chosen + _TOLERANCE
    for at in np.argsort(-reduced)[: int(chosen.sum()) + _TRIED]:
        if not chosen[at] and gain[at] > 0 and (weights[:, at] <= room).all():
            chosen[at] = True
            room = room - weights[:, at]
    return chosen


def _limits(table: pd.DataFrame, brief: Brief) -> tuple[Floats, Floats]:
    """Return the limits as rows of weights, shape (n_limits, n_creators), and their bounds."""
    rows, most = [np.ones(len(table))], [1.0]
    rows[0] /= brief.number
    if brief.budget is not None:
        fees = np.nan_to_num(table["fee"].to_numpy(dtype=float))
        rows.append(fees / (brief.budget or 1.0))
        most.append(1.0 if brief.budget else 0.0)
    if brief.most_per_niche is not None:
        for niche in table["niche"].dropna().unique():
            rows.append((table["niche"] == niche).to_numpy(dtype=float) / brief.most_per_niche)
            most.append(1.0)
    return np.array(rows), np.array(most)


def more_budget(table: pd.DataFrame, brief: Brief, chosen: pd.DataFrame) -> MoreBudget:
    """Return what a larger budget would add to a set, and which limits bind it.

    A limit binds if without it, the others as they are, the set could bring more.

    Parameters
    ----------
    table, brief
        The candidates and limits of :func:`solve`.
    chosen
        The set it returned.
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
    rows: list[dict[str, float]] = []
    for step in BUDGETS if "budget" in binding else ():
        budget = step * float(brief.budget or 0.0)
        then, more = added(replace(brief, budget=budget))
        if more >= (rows[-1]["added"] if rows else 0.0) + shown:
            rows.append({"budget": budget, "creators": len(then), "aim": now + more, "added": more})
    return MoreBudget(rows, binding)
