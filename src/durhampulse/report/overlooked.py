"""Part E's look at those nobody looked at: what the decisions would be, in a table and in words."""

from __future__ import annotations

import numpy as np
import pandas as pd

from durhampulse.creators.roles import Role
from durhampulse.decision.assumptions import OVERLOOKED, budget_table, overlooked_table
from durhampulse.decision.bands import MAYBE, NO_PRECEDENT, YES
from durhampulse.decision.figures import quantity
from durhampulse.report.interpretation import decided_unit, outcome_of
from durhampulse.study.results import Decision, Judgement

__all__ = ["budgets", "sentences", "shares", "tables"]


def shares(part: Decision, judged: Judgement) -> pd.DataFrame:
    """Return the bands under each assumed share; empty where a column says who was looked at."""
    if judged.verdict.refusal or _considered(part):
        return pd.DataFrame()
    return overlooked_table(_probabilities(part), part.thresholds)


def budgets(part: Decision, judged: Judgement) -> pd.DataFrame:
    """Return what the best so many are expected to give; empty where nothing is recommended."""
    if judged.verdict.refusal:
        return pd.DataFrame()
    return budget_table(_probabilities(part))


def tables(part: Decision, judged: Judgement) -> dict[str, pd.DataFrame]:
    """Return caption to table of those that are not empty."""
    named = {
        "Assumed: if a share of suitable creators had never been looked at": shares(part, judged),
        "Deals to expect among the first": budgets(part, judged),
    }
    return {caption: table for caption, table in named.items() if not table.empty}


def sentences(part: Decision, judged: Judgement) -> list[str]:
    """Return what the two tables say, a sentence or two."""
    if judged.verdict.refusal:
        return []
    if role := _considered(part):
        return [
            f"**Who was looked at** is known here ({role.reason}): the model learned from and "
            "was tested on these alone, and the others are ranked beside them."
        ]
    words = outcome_of(part.creators)
    rows = shares(part, judged).to_dict("records")
    usual, assumed = rows[0], rows[2]
    bands = [YES] if part.promise is None or part.promise.is_kept else [YES, MAYBE]
    names, share = " or ".join(band.partition(" ")[0] for band in bands), OVERLOOKED[2]
    before, after = (sum(int(row[band]) for band in bands) for row in (usual, assumed))
    none = words.none if words.own else f"*{words.none}*"
    reached = quantity(after, decided_unit(part))
    return [
        f"**If nobody looked.** A past {none} may mean that nobody looked at the creator; "
        "this table does not tell. **An assumption, not a finding**: if "
        f"{share:.0%} of the suitable ones had been overlooked by chance, each probability would "
        f"be {1 / (1 - share):.2f} times as high, and {reached} would reach "
        f"*{names}* instead of {before:,}{_beyond(int(assumed['capped']))}. The order would be the "
        "same, so a number of places can be filled from the top all the same. A column that says "
        "who was looked at settles it (--considered).",
    ]


def _beyond(capped: int) -> str:
    if not capped:
        return ""
    are = "one is" if capped == 1 else f"{capped:,} are"
    return f" ({are} held at 100%: their probability leaves no room for so large a share)"


def _considered(part: Decision) -> Role | None:
    """Return the column that says who was looked at."""
    return next((role for role in part.creators.roles if role.role == "considered"), None)


def _probabilities(part: Decision) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    usual = part.table["Sponsorship Recommendation"] != NO_PRECEDENT
    return part.table.loc[usual, "Predicted Sponsorship"].to_numpy(np.float64)
