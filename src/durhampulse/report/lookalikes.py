"""Part E's look at past creators: what became of those most like a few, in words and in a table."""

from __future__ import annotations

import pandas as pd

from durhampulse.creators.outcome import OutcomeWords
from durhampulse.decision.figures import figure_text, percent
from durhampulse.evaluation.calibration import wilson_interval
from durhampulse.report.interpretation import outcome_of, plain
from durhampulse.study.results import Decision

__all__ = ["nearest", "sentence"]

_SHOWN, _MOST_FIGURES = 3, 8


def sentence(part: Decision) -> str:
    """Return how many of the past creators most like one of each answer got a deal."""
    texts = []
    for creator, rows in part.alike.groupby("creator", sort=False):
        n, deals = len(rows), int(rows["deal"].sum())
        answer = f"*{rows['answer'].iloc[0]}*, ".removeprefix("**, ")
        low, high = wilson_interval(deals, n)
        texts.append(
            f"creator {plain(creator)} ({answer}"
            f"{percent(rows['probability'].iloc[0], 0)}): {deals} of {n} "
            f"({low:.0%} to {high:.0%})"
        )
    return (
        f"**Twelve like this one.** How many {outcome_of(part.creators).got} of the past creators "
        f"most like one of each answer: {'; '.join(texts)}. The model weighs all past creators, "
        "this looks at a few, which is why the ranges in brackets (95%) are wide. "
        "`durhampulse explain` shows them for any creator."
    )


def nearest(part: Decision) -> pd.DataFrame:
    """Return the nearest three of each in words: ``creator, answer, past_creator, outcome``."""
    rows = part.alike[part.alike["place"] <= _SHOWN].reset_index(drop=True)
    figures = rows.iloc[:, [*rows.columns].index("deal") + 1 :]
    named = figures.get("past creator")
    columns = [c for c in figures if c != "past creator"][:_MOST_FIGURES]
    texts = figures[columns].apply(
        lambda row: ", ".join(figure_text(str(c), row[c]) for c in columns), axis=1
    )
    if named is not None:
        texts = named.astype("str") + ": " + texts
    return pd.DataFrame(
        {
            "creator": rows["creator"],
            "answer": rows["answer"],
            "past_creator": texts,
            "outcome": _outcomes(rows["deal"], part.creators.outcome),
        }
    )


def _outcomes(deals: pd.Series, words: OutcomeWords) -> pd.Series:
    return deals.map({1: words.deal, 0: words.none})
