"""Part E's look at past creators: what became of those most like a few, in words and in a table."""

from __future__ import annotations

import pandas as pd

from durhampulse.creators.outcome import OutcomeWords
from durhampulse.decision.bands import NO_PRECEDENT
from durhampulse.decision.figures import figure_text, percent
from durhampulse.evaluation.calibration import wilson_interval
from durhampulse.report.interpretation import outcome_of, plain
from durhampulse.study.results import Decision

__all__ = ["called", "nearest", "sentence"]

_SHOWN, _MOST_FIGURES = 3, 8


def sentence(part: Decision) -> str:
    """Return how many of the past creators most like one of each answer got a deal."""
    texts = []
    for creator, rows in part.alike.groupby("creator", sort=False):
        n, deals = len(rows), int(rows["deal"].sum())
        low, high = wilson_interval(deals, n)
        texts.append(
            f"creator {plain(creator)} ({called(rows.iloc[0], mark='*')}): {deals} of {n} "
            f"({low:.0%} to {high:.0%})"
        )
    whom = "one of each answer" if part.alike["answer"].any() else "a few"
    return (
        f"**Twelve like this one.** How many {outcome_of(part.creators).got} of the past creators "
        f"most like {whom}: {'; '.join(texts)}. The model weighs all past creators, "
        "this looks at a few, which is why the ranges in brackets (95%) are wide. "
        "`durhampulse explain` shows them for any creator."
    )


def called(row: pd.Series, *, mark: str = "") -> str:
    """Return a creator's answer, between marks, and probability, which No precedent has not.

    Examples
    --------
    >>> called(pd.Series({"answer": "Maybe (manual review)", "probability": 0.7}), mark="*")
    '*Maybe*, 70%'
    >>> called(pd.Series({"answer": "No precedent (manual review)", "probability": 0.7}))
    'No precedent'
    """
    answer = str(row["answer"]).partition(" (")[0]
    name = f"{mark}{answer}{mark}" if answer else ""
    known = "" if row["answer"] == NO_PRECEDENT else percent(row["probability"], 0)
    return ", ".join(text for text in (name, known) if text)


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
            "answer": rows["answer"].str.partition(" (")[0],
            "past_creator": texts,
            "outcome": _outcomes(rows["deal"], part.creators.outcome),
        }
    )


def _outcomes(deals: pd.Series, words: OutcomeWords) -> pd.Series:
    return deals.map({1: words.deal, 0: words.none})
