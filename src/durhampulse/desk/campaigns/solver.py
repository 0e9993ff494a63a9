"""The set that brings most within a brief's limits, and what other limits would change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from durhampulse.desk.campaigns.brief import MOST_CREATORS, Brief
from durhampulse.desk.campaigns.value import gains
from durhampulse.exceptions import CannotJudgeError

__all__ = ["BUDGETS", "MoreBudget", "more_budget", "solve"]

BUDGETS = (1.1, 1.25, 1.5, 2.0)
"""Times the budget of which the page says what they would add."""
_SECONDS = 10.0
_OUT_OF_TIME = 1
"""A status of :func:`scipy.optimize.milp`."""
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


def solve(table: pd.DataFrame, brief: Brief) -> pd.DataFrame:
    """Return the rows that bring most, by mixed-integer programming (HiGHS), the best first.

    Parameters
    ----------
    table
        Candidates with the columns of :func:`~durhampulse.desk.campaigns.candidates.candidates`;
        those with ``fixed`` are in whatever they bring. A fee that is not known counts as 0, which
        no limit sees where there is no budget.
    brief
        The limits and the aim.

    Raises
    ------
    CannotJudgeError
        If no set keeps within the limits, as where the creators put in by hand cost too much.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    if table.empty:
        return table
    gain = gains(table, brief)
    fixed = table["fixed"].to_numpy(dtype=bool)
    rows, most = _limits(table, brief)
    solution = milp(
        -gain / (np.abs(gain).max() or 1.0),
        integrality=np.ones(len(table), dtype=np.int64),
        bounds=Bounds(fixed.astype(float), np.ones(len(table))),
        constraints=LinearConstraint(np.array(rows), ub=np.array(most)),
        options={"time_limit": _SECONDS},
    )
    if solution.x is None and solution.status == _OUT_OF_TIME:
        raise CannotJudgeError(
            f"No set was found within {_SECONDS:.0f} seconds.", "Name fewer limits, or niches."
        )
    if solution.x is None:
        raise CannotJudgeError(
            "No set of creators keeps within these limits.",
            "Raise number or budget, or take out creators that were put in by hand.",
        )
    chosen = (solution.x > 0.5) & (fixed | (gain > 0))
    order = np.lexsort((table["id"], -table["probability"], -gain))
    return table.iloc[[at for at in order if chosen[at]]].reset_index(drop=True)


def _limits(table: pd.DataFrame, brief: Brief) -> tuple[list[np.ndarray[Any, Any]], list[float]]:
    """Return the limits as rows of weights, each with its upper bound."""
    rows, most = [np.ones(len(table))], [float(brief.number)]
    if brief.budget is not None:
        rows.append(np.nan_to_num(table["fee"].to_numpy(dtype=float)))
        most.append(brief.budget)
    if brief.most_per_niche is not None:
        for niche in table["niche"].dropna().unique():
            rows.append((table["niche"] == niche).to_numpy(dtype=float))
            most.append(float(brief.most_per_niche))
    return rows, most


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
        then = solve(table, other)
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
