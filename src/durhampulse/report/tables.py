"""The report's tables: all cells are text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Any

import pandas as pd

from durhampulse.creators.carried import CarriedKind
from durhampulse.decision.bands import BANDS, NO_PRECEDENT
from durhampulse.decision.figures import above, number_text, with_minus
from durhampulse.decision.phrases import first_in_cell
from durhampulse.decision.table import carried_names
from durhampulse.evaluation.metrics import score_table
from durhampulse.files.addresses import link_of
from durhampulse.report.cells import readable

__all__ = [
    "CarriedCell",
    "Named",
    "Table",
    "brief_table",
    "decision_view",
    "plain_table",
    "score_rows",
]

_SHOWN = dict(zip(BANDS, (6, 5, 2), strict=True))
"""Rows of each band in the report, so that its first part fits a page."""


_SMALL = 0.0005
_MOST_CARRIED = 6
_FIRST_CARRIED: tuple[CarriedKind, ...] = ("handle", "name", "link", "platform", "country", "fee")
"""Which carried columns a page has room for, the most useful first."""


@dataclass(frozen=True)
class CarriedCell:
    """A cell of a carried column, which may lead to a page of the web."""

    header: str
    text: str
    href: str = ""


@dataclass(frozen=True)
class Named:
    """A creator's identifier, and what else the table tells of who it is."""

    text: str
    carried: list[CarriedCell]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table ready to show: all cells are text, or name a creator.

    `numeric` holds the places of the columns of numbers.
    """

    caption: str
    columns: list[str]
    rows: list[list[str | Named]]
    note: str = ""
    numeric: frozenset[int] = frozenset()


def decision_view(table: pd.DataFrame, carried: Mapping[str, CarriedKind] | None = None) -> Table:
    """Return the first creators of each band, or of all, without reasons, if none is recommended.

    Parameters
    ----------
    table
        The decision table.
    carried
        Its carried columns' headers, each with what it tells of a creator.
    """
    names = _fitting(carried or {})
    blank = bool((table["Sponsorship Recommendation"] == "").all())
    shown = _shown(table)
    more = len(table) - len(shown)
    unit = "rows" if table["Influencer ID"].duplicated().any() else "creators"
    others = f"{more:,} more {unit}" if more else ""
    named = [text for text in ("" if blank else "All reasons", others) if text]
    place = "stand in decisions.csv and decisions.xlsx"
    note = "In brackets: 90% interval." + (f" {' and '.join(named)} {place}." if named else "")
    rows = [
        [
            Named(str(row["Influencer ID"]), [_carried_cell(name, row[name]) for name in names]),
            f"{_predicted(row)} ({_cut(row['Interval Low']):.2f} to "
            f"{_raised(row['Interval High']):.2f})",
            "" if pd.isna(row["Follower Count"]) else f"{row['Follower Count']:,.0f}",
            "" if pd.isna(row["Engagement Rate"]) else _rate_text(row["Engagement Rate"]),
            row["Sponsorship Recommendation"] + (f", {row['Edge']}" if row["Edge"] else ""),
            _why(row),
        ]
        for _, row in shown.iterrows()
    ]
    title = "The most probable creators" if blank else "The first creators of each band"
    columns = [
        "Influencer ID", "Predicted Sponsorship", "Follower Count", "Engagement Rate",
        "Sponsorship Recommendation", "Why",
    ]  # fmt: skip
    if blank:  # there is nothing to give reasons for
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return Table(caption=title, columns=columns, rows=rows, note=note)


def brief_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the first creators of each answer as the marketing team reads them, all as text.

    Probabilities are cut, not rounded, so that none contradicts its band, and intervals widened.

    Parameters
    ----------
    table
        The decision table.
    """
    shown = _shown(table)
    marks = shown["Edge"].map(lambda mark: f", {mark}" if mark else "")
    followers = shown["Follower Count"].astype("Float64")
    columns: dict[str, Any] = {
        "Influencer ID": shown["Influencer ID"].astype("str"),
        "Predicted Sponsorship": shown.apply(_predicted, axis=1),
        "90% interval": [
            f"{floor(100 * low + 1e-9)} to {above(high, 0)}"
            for low, high in zip(shown["Interval Low"], shown["Interval High"], strict=True)
        ],
        "Follower Count": followers.map("{:,.0f}".format, na_action="ignore").fillna(""),
        "Engagement Rate": shown["Engagement Rate"].map(_rate_text, na_action="ignore"),
        "Sponsorship Recommendation": shown["Sponsorship Recommendation"] + marks,
    }
    brief: pd.DataFrame = pd.DataFrame(columns).fillna("")
    brief.index = pd.Index(brief.pop("Influencer ID"))
    return brief


def _cut(probability: float) -> float:
    return floor(100 * probability + 1e-9) / 100


def _predicted(row: pd.Series) -> str:
    """Return a probability as text, a dash where nothing like the creator was learned from."""
    if row["Sponsorship Recommendation"] == NO_PRECEDENT:
        return "\N{EN DASH}"
    return f"{_cut(row['Predicted Sponsorship']):.2f}"


def _raised(probability: float) -> float:
    return ceil(100 * probability - 1e-9) / 100


def _rate_text(rate: float) -> str:
    """Return a rate in percent with one decimal, with more where it would show nothing.

    Examples
    --------
    >>> _rate_text(0.068), _rate_text(0.00032)
    ('6.8%', '0.03%')
    """
    return f"{rate:.1%}" if rate == 0 or rate >= _SMALL else f"{number_text(100 * rate, 1)}%"


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """Return the first rows of each answer, or of all where nothing is recommended."""
    answers = table["Sponsorship Recommendation"]
    if (answers == "").all():
        return table.head(sum(_SHOWN.values()))
    names: list[str] = [*BANDS, *(str(n) for n in answers.unique() if n not in BANDS)]
    parts = [table[answers == name].head(_SHOWN.get(name, 2)) for name in names]
    shown: pd.DataFrame = pd.concat(parts)
    return shown


def _fitting(carried: Mapping[str, CarriedKind]) -> list[str]:
    """Return the carried columns that a page has room for, in the table's order."""
    kinds = {carried_names(carried)[header]: kind for header, kind in carried.items()}
    fit = [name for kind in _FIRST_CARRIED for name in kinds if kinds[name] == kind]
    return [name for name in kinds if name in fit[:_MOST_CARRIED]]


def _carried_cell(header: str, cell: Any) -> CarriedCell:
    """Return a carried cell, with a link where it is an address of the web."""
    text = "" if pd.isna(cell) else str(cell)
    href = link_of(text) or ""
    if not href.startswith(("http", "HTTP")):
        return CarriedCell(header, text)
    shown = re.sub(r"^(https?://)?(www\.)?", "", text.strip(), flags=re.IGNORECASE)
    return CarriedCell(header, shown.rstrip("/"), href)


def _why(row: pd.Series) -> str:
    """Return the two strongest reasons, without their figures, or what has no precedent.

    The decision table puts that first among the flags.
    """
    if row["Sponsorship Recommendation"] == NO_PRECEDENT:
        return with_minus(first_in_cell(row["Flags"]))
    texts = [
        f"{word} {reasons.partition(' (without')[0]}"
        for word, reasons in (("for:", row["Reasons For"]), ("against:", row["Reasons Against"]))
        if reasons
    ]
    return with_minus("; ".join(texts))


def score_rows(caption: str, scores: pd.DataFrame) -> Table:
    """Return scores as a table, one row a metric, one column a model."""
    shown = plain_table(caption, score_table(scores).rename_axis("score").reset_index())
    shown.rows[:] = [[str(row[0]).replace("_", " "), *row[1:]] for row in shown.rows]
    return replace(shown, note="In brackets: 95% bootstrap interval. Classes at 0.5.")


def plain_table(caption: str, table: pd.DataFrame, *, own: bool = True) -> Table:
    """Return a table as it is, its numbers as people read them.

    Parameters
    ----------
    own
        As for :func:`.readable`.
    """
    columns = [str(column).replace("_", " ") for column in table.columns]
    rows: list[list[str | Named]] = [
        list(row) for row in readable(table, own=own).itertuples(index=False)
    ]
    kinds = [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    numeric = frozenset(at for at, kind in enumerate(kinds) if kind and at)
    return Table(caption=caption, columns=columns, rows=rows, numeric=numeric)
