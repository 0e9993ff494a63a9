"""One creator, as people look at them: where they stand, why, among whom, and what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Row, select

from durhampulse.creators.schema import COLUMNS, IDENTIFIER
from durhampulse.decision.figures import figure_text
from durhampulse.desk.models.rules import Rules, stored_frame
from durhampulse.desk.review.decisions import reviews_of
from durhampulse.desk.store.audit import history
from durhampulse.desk.store.tables import creator, outcome, run, score
from durhampulse.exceptions import CannotJudgeError, InputError
from durhampulse.scoring.account import Account, account_of

__all__ = ["Bar", "Place", "Portrait", "effect_bars", "find_creator", "imagine", "paint"]

_PIXELS = 150.0


@dataclass(frozen=True)
class Bar:
    """One column's effect as a bar: to the right where it speaks for the creator.

    Attributes
    ----------
    text
        The figure in words.
    effect
        Shapley value, in log-odds.
    x, width
        Of the bar; the middle is at 160.
    """

    text: str
    effect: float
    x: float
    width: float


@dataclass(frozen=True)
class Place:
    """Where a figure stands among those of peers."""

    name: str
    text: str
    percentile: float
    peers: str


@dataclass(frozen=True)
class Portrait:
    """What a creator's page shows.

    Attributes
    ----------
    row
        As stored.
    account
        What the model says; none where it cannot judge, with the reason in `problem`.
    bars, places
        Effects and percentiles.
    scores, reviews, outcomes, acts
        What happened, the latest first.
    """

    row: Row[Any]
    account: Account | None
    problem: str
    bars: list[Bar]
    places: list[Place]
    scores: Sequence[Any]
    reviews: Sequence[Any]
    outcomes: Sequence[Any]
    acts: Sequence[Any]


def find_creator(db: Connection, number: int) -> Row[Any]:
    """Give a stored creator.

    Raises
    ------
    InputError
        If there is none of that number.
    """
    row = db.execute(select(creator).where(creator.c.id == number)).first()
    if row is None:
        raise InputError("There is no such creator.", "They may have been erased.")
    return row


def paint(db: Connection, number: int, rules: Rules) -> Portrait:
    """Gather what a creator's page shows."""
    row = find_creator(db, number)
    frame = stored_frame(rules.scorer, [row])
    account, problem = None, ""
    try:
        account = account_of(rules.scorer.model, frame)
    except CannotJudgeError as error:
        problem = error.problem
    scores = (
        select(score, run.c.at, run.c.kind, run.c.model_version)
        .join(run, run.c.id == score.c.run_id)
        .where(score.c.creator_id == number, run.c.applied_at.is_not(None))
        .order_by(run.c.id.desc())
        .limit(20)
    )
    outcomes = select(outcome).where(outcome.c.creator_id == number).order_by(outcome.c.id.desc())
    return Portrait(
        row,
        account,
        problem,
        effect_bars(account.effects, frame.iloc[0]) if account else [],
        _places(rules, frame),
        db.execute(scores).all(),
        reviews_of(db, number),
        db.execute(outcomes).all(),
        history(db, f"creator {number}"),
    )


def effect_bars(effects: Mapping[str, float], figures: pd.Series) -> list[Bar]:
    """Put effects into bars, the strongest first."""
    most = max((abs(value) for value in effects.values()), default=0.0) or 1.0
    bars = []
    for column, value in sorted(effects.items(), key=lambda one: -abs(one[1])):
        width = abs(value) / most * _PIXELS
        x = 160.0 if value >= 0 else 160.0 - width
        text = figure_text(column, figures.get(column))
        bars.append(Bar(text, value, round(x, 1), round(width, 1)))
    return bars


def _places(rules: Rules, frame: pd.DataFrame) -> list[Place]:
    peers = rules.scorer.model.peers
    found = []
    for column, value in peers.percentiles(frame).iloc[0].items():
        if pd.notna(value):
            tier, niche = peers.groups(frame, str(column)).iloc[0].split("|")
            whom = " creators in ".join(filter(None, [tier, niche])) if tier else "all creators"
            whom = whom if "creators" in whom else f"{whom} creators"
            text = figure_text(str(column), frame[column].iloc[0])
            found.append(Place(str(column).replace("_", " "), text, float(value), whom))
    return found


def imagine(rules: Rules, row: Any, changes: Mapping[str, str]) -> tuple[float, float, float]:
    """Give probability and interval a creator would have with other figures.

    An association in past deals: nothing says that changing a figure would change the outcome.

    Parameters
    ----------
    rules
        The model.
    row
        The creator as stored.
    changes
        Column to new figure, as a person writes it.

    Raises
    ------
    InputError
        If a figure cannot be read, or could not be.
    """
    stored = stored_frame(rules.scorer, [row]).iloc[0].to_dict()
    figures: dict[str, Any] = {
        str(name): None if pd.isna(value) else value for name, value in stored.items()
    }
    for name, text in changes.items():
        if name not in rules.scorer.seen:
            raise InputError(f"The model does not look at {name}.", f"Change {_changeable(rules)}.")
        figures[name] = text.strip() or None
    account = rules.scorer.explain(figures)
    return account.probability, account.low, account.high


def _changeable(rules: Rules) -> str:
    return ", ".join(name for name in rules.scorer.seen if name in COLUMNS and name != IDENTIFIER)
