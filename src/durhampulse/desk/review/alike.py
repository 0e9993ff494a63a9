"""The past creators most like one of the list, each with their outcome and a link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pandas as pd
from sqlalchemy import Connection, select

from durhampulse.creators.schema import COLUMNS, IDENTIFIER, LABEL
from durhampulse.decision.figures import figure_text
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.store.tables import creator, outcome
from durhampulse.features.neighbours import Neighbours

__all__ = ["PastCreator", "most_alike"]

_MOST_OUTCOMES = 2_000
_NUMBER = "number"


@dataclass(frozen=True, kw_only=True)
class PastCreator:
    """One of the past creators most like another.

    Attributes
    ----------
    name
        As the desk or the model's table calls them; empty where it keeps no identifiers.
    figures
        What they were, in words.
    deal
        Whether there was a deal.
    link
        Their page where the desk knows them, else what the model says of their figures.
    """

    name: str
    figures: str
    deal: bool
    link: str


def most_alike(db: Connection, rules: Rules, number: int, frame: pd.DataFrame) -> list[PastCreator]:
    """Return up to twelve past creators most like one, the nearest first.

    They are looked for among the rows the model keeps and the latest 2,000 outcomes of the desk;
    distances are those of :class:`~durhampulse.features.neighbours.Neighbours`.

    Parameters
    ----------
    db, rules
        The store, and the model in force.
    number, frame
        The creator, who is no precedent of their own: the store's number and the row, (1, any).
    """
    kept = rules.scorer.model.neighbours
    rows = _recorded(db, rules, number)
    if kept is not None:
        known = {*rows[IDENTIFIER], frame[IDENTIFIER].iloc[0]}
        learned = kept.rows
        if IDENTIFIER in learned:
            learned = learned[~learned[IDENTIFIER].isin(known)]
        rows = pd.concat([learned, rows], ignore_index=True) if len(rows) else learned
    if rows.empty:
        return []
    nearest = Neighbours(rows).nearest(rules.scorer.model.model.encoding, frame)
    names = [str(n) for n in nearest.get(IDENTIFIER, []) if isinstance(n, str)]
    c = creator.c
    stored = {
        row.external_id: row
        for row in db.execute(
            select(c.id, c.external_id, c.name).where(c.external_id.in_(names), c.id != number)
        )
    }
    return [_past(row, stored, number, rules) for row in nearest.to_dict("records")]


def _recorded(db: Connection, rules: Rules, number: int) -> pd.DataFrame:
    """Return the desk's outcomes with the figures of their day, as rows a model looks at."""
    wanted = (
        select(creator.c.external_id, outcome.c.figures, outcome.c.deal)
        .join(creator, creator.c.id == outcome.c.creator_id)
        .where(outcome.c.replaced_at.is_(None), outcome.c.creator_id != number)
        .order_by(outcome.c.id.desc())
        .limit(_MOST_OUTCOMES)
    )
    rows = db.execute(wanted).all()
    columns: dict[str, Any] = {IDENTIFIER: [row.external_id for row in rows]}
    for name in rules.scorer.model.model.encoding.columns:
        kind = "float64" if name in rules.scorer.numeric else "str"
        columns[name] = pd.Series([row.figures.get(name) for row in rows], dtype=kind)
    columns[LABEL] = [int(row.deal) for row in rows]
    return pd.DataFrame(columns)


def _past(row: dict[Any, Any], stored: dict[str, Any], number: int, rules: Rules) -> PastCreator:
    name = row.get(IDENTIFIER)
    known = stored.get(name) if isinstance(name, str) else None
    columns = [c for c in rules.scorer.model.model.encoding.columns if pd.notna(row[c])]
    typed = {c: _typed(c, row[c]) for c in columns if c in COLUMNS}
    link = f"/creators/{number}?{urlencode(typed)}#what-if"
    return PastCreator(
        name=(known.name or known.external_id) if known else "",
        figures=", ".join(_brief(c, row[c]) for c in columns),
        deal=bool(row[LABEL]),
        link=f"/creators/{known.id}" if known else link,
    )


def _brief(column: str, value: Any) -> str:
    """Return a figure in a line of several: a word that says itself what it is stands alone."""
    if column == "Niche":
        return str(value)
    return f"{value} video" if column == "Video_Quality" else figure_text(column, value)


def _typed(column: str, value: Any) -> str:
    """Return a figure as a person types it into the what-if form."""
    if COLUMNS[column].kind == "rate":
        return f"{100 * value:.6g}%"
    return f"{value:.0f}" if COLUMNS[column].numeric else str(value)
