"""The report's tables: all cells are text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from durhampulse.decision.bands import BANDS
from durhampulse.decision.figures import number_text
from durhampulse.evaluation.metrics import score_table

__all__ = ["Table", "decision_view", "plain_table", "score_rows"]

_SHOWN = dict(zip(BANDS, (6, 5, 2), strict=True))
"""Rows of each band in the report, so that its first part fits a page."""


@dataclass(frozen=True)
class Table:
    """A table ready to show: all cells are text."""

    caption: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""


def decision_view(table: pd.DataFrame) -> Table:
    """Show the first creators of each band, or of all where nothing is recommended."""
    bands = table["Sponsorship Recommendation"]
    blank = bool((bands == "").all())
    shown = (
        table.head(sum(_SHOWN.values()))
        if blank
        else pd.concat([table[bands == band].head(n) for band, n in _SHOWN.items()])
    )
    more = len(table) - len(shown)
    note = "In brackets: 90% interval. All reasons stand in decisions.csv and decisions.xlsx"
    note += f", and {more:,} more creators." if more else "."
    rows = [
        [
            str(row["Influencer ID"]),
            f"{row['Predicted Sponsorship']:.4f} "
            f"({row['Interval Low']:.2f} to {row['Interval High']:.2f})",
            "" if pd.isna(row["Follower Count"]) else f"{row['Follower Count']:,.0f}",
            "" if pd.isna(row["Engagement Rate"]) else f"{row['Engagement Rate']:.1%}",
            row["Sponsorship Recommendation"] + (" (edge)" if row["Edge"] else ""),
            _why(row),
        ]
        for _, row in shown.iterrows()
    ]
    title = "The most probable creators" if blank else "The first creators of each band"
    return Table(title, [*table.columns[:5], "Why"], rows, note)


def _why(row: pd.Series) -> str:
    """Return the two strongest reasons, without their figures."""
    texts = [
        f"{word} {reasons.partition(' (without')[0]}"
        for word, reasons in (("for:", row["Reasons For"]), ("against:", row["Reasons Against"]))
        if reasons
    ]
    return "; ".join(texts)


def score_rows(caption: str, scores: pd.DataFrame) -> Table:
    """Show scores, one row a metric, one column a model."""
    shown = plain_table(caption, score_table(scores).rename_axis("score").reset_index())
    shown.rows[:] = [[row[0].replace("_", " "), *row[1:]] for row in shown.rows]
    return replace(shown, note="In brackets: 95% bootstrap interval. Classes at 0.5.")


def plain_table(caption: str, table: pd.DataFrame) -> Table:
    """Show a table as it is."""
    rows = [[_text(cell) for cell in row] for row in table.itertuples(index=False)]
    return Table(caption, [str(column).replace("_", " ") for column in table.columns], rows)


def _text(cell: Any) -> str:
    if pd.isna(cell):
        return ""
    if isinstance(cell, float | np.floating):
        return number_text(float(cell))
    return f"{int(cell):,}" if isinstance(cell, int | np.integer) else str(cell)
