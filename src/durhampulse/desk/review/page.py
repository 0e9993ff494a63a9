"""What a creator's page shows: score, effects, percentiles, history, and what-if estimates."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Row, select

from durhampulse.creators.schema import COLUMNS, IDENTIFIER
from durhampulse.creators.typed import TypedKind, read_typed
from durhampulse.decision.phrases import group_words
from durhampulse.desk.models.rules import Rules, stored_frame
from durhampulse.desk.review.alike import PastCreator, most_alike
from durhampulse.desk.review.decisions import reviews_of
from durhampulse.desk.review.effects import Effect, Place, path_of
from durhampulse.desk.review.remarks import Remark, remarks_of
from durhampulse.desk.shortlist.owners import possible_owners
from durhampulse.desk.shortlist.trend import Trend, trends
from durhampulse.desk.shortlist.view import require_possible
from durhampulse.desk.store.audit import history
from durhampulse.desk.store.missing import numbered_row
from durhampulse.desk.store.tables import creator, outcome, run, score
from durhampulse.exceptions import CannotJudgeError, InputError
from durhampulse.scoring.account import Account, account_of
from durhampulse.scoring.sentence import sentence_of

__all__ = [
    "ACCOUNTS",
    "CreatorPage",
    "creator_page",
    "find_creator",
    "places_of",
    "read_changes",
    "what_if",
    "wrong_changes",
]

ACCOUNTS = threading.BoundedSemaphore(2)
"""Pages with an account made at once; to be held before a connection is taken, which others need
who compute nothing. Python computes one thing at a time: fifty reviewers' pages, each a
fiftieth as fast, would come all at the end, and a decision would wait as long as they."""
_RATES = {name for name, column in COLUMNS.items() if column.kind == "rate"}


@dataclass(frozen=True, kw_only=True)
class CreatorPage:
    """What a creator's page shows.

    Attributes
    ----------
    row
        As stored.
    account
        The score and its reasons; none where the model cannot judge, with the reason in `problem`.
    trend
        How the score has moved; none where it is the first.
    sentence
        The decision as one would say it aloud; empty without an account.
    alike
        The past creators most like this one, the nearest first.
    effects
        The steps from the usual rate to the probability.
    usual
        The usual rate, in percent.
    peers
        Whom most figures are compared with, as in "nano creators in Beauty"; empty for nobody.
    scores, reviews, outcomes, acts, remarks
        The history, the latest first.
    colleagues
        The names of those whom a remark can name.
    """

    row: Row[Any]
    account: Account | None
    trend: Trend | None
    problem: str
    sentence: str
    alike: list[PastCreator]
    effects: list[Effect]
    usual: float
    peers: str
    scores: Sequence[Any]
    reviews: Sequence[Any]
    outcomes: Sequence[Any]
    acts: Sequence[Any]
    remarks: Sequence[Remark]
    colleagues: Sequence[str]


def find_creator(db: Connection, number: int) -> Row[Any]:
    """Return a stored creator.

    Raises
    ------
    MissingError
        If there is none of that number.
    """
    return numbered_row(
        db, creator, number, "There is no such creator.", "They may have been erased."
    )


def creator_page(db: Connection, number: int, rules: Rules, *, hidden: bool = False) -> CreatorPage:
    """Return what a creator's page shows; made within `ACCOUNTS`.

    Parameters
    ----------
    hidden
        Whether it is for somebody who judges without the model's number and their colleagues' word:
        then there is no score and no history.

    Raises
    ------
    MissingError
        If there is no creator of that number.
    """
    row = find_creator(db, number)
    if hidden:
        return _unseen(row)
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
    places = places_of(rules, frame)
    alike = most_alike(db, rules, number, frame) if account else []
    tally, model = (sum(past.deal for past in alike), len(alike)), rules.scorer.model
    return CreatorPage(
        row=row,
        account=account,
        trend=trends(db, rules.version, [number]).get(number),
        problem=problem,
        sentence=sentence_of(model, frame, account, deal=row.deal, alike=tally) if account else "",
        alike=alike,
        effects=path_of(account, frame.iloc[0], places, model.peers) if account else [],
        usual=100 * account.usual if account else 0.0,
        peers=next((place.peers for place in places.values()), ""),
        scores=db.execute(scores).all(),
        reviews=reviews_of(db, number),
        outcomes=db.execute(outcomes).all(),
        acts=history(db, f"creator {number}"),
        remarks=remarks_of(db, number),
        colleagues=[row.name for row in possible_owners(db)],
    )


def _unseen(row: Row[Any]) -> CreatorPage:
    return CreatorPage(
        row=row, account=None, trend=None, problem="", sentence="", alike=[], effects=[], usual=0.0,
        peers="", scores=(), reviews=(), outcomes=(), acts=(), remarks=(), colleagues=(),
    )  # fmt: skip


def places_of(rules: Rules, frame: pd.DataFrame) -> dict[str, Place]:
    """Return the place of each compared figure among peers, by column."""
    peers = rules.scorer.model.peers
    places, groups = {}, peers.groups(frame).iloc[0]
    for column, value in peers.percentiles(frame).iloc[0].items():
        if pd.notna(value):
            group = str(groups[str(column)])
            tier, _, niche = group.partition("|")
            whom = group_words(group, tier, niche) if tier else "all creators"
            places[str(column)] = Place(float(value), whom)
    return places


def what_if(rules: Rules, row: Any, changes: Mapping[str, str]) -> Account:
    """Return the account a creator would have with other figures.

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
        If a figure cannot be read, or is impossible.
    """
    stored = stored_frame(rules.scorer, [row]).iloc[0].to_dict()
    figures: dict[str, Any] = {
        str(name): None if pd.isna(value) else value for name, value in stored.items()
    }
    figures |= read_changes(rules, changes)
    for name in figures.keys() & _RATES:  # a number above 1 is refused without the sign
        value = figures[name]
        figures[name] = None if value is None else f"{100 * value:.15g}%"
    return rules.scorer.explain(figures)


def read_changes(rules: Rules, changes: Mapping[str, str]) -> dict[str, float | str | None]:
    """Return figures as typed, read as in every form: numbers and fractions, or names.

    Raises
    ------
    InputError
        If a figure cannot be read or true, or may be two; at the field of its column.
    """
    figures: dict[str, float | str | None] = {}
    for name, text in changes.items():
        if name not in rules.scorer.seen:
            raise InputError(f"The model does not look at {name}.", f"Change {_changeable(rules)}.")
        column = COLUMNS[name]
        typed: TypedKind = "rate" if column.kind == "rate" else "count"
        words = text.strip() or None
        figure = read_typed(text, typed, field=name) if column.numeric else None
        require_possible(name, figure, field=name)
        figures[name] = figure if column.numeric else words
    return figures


def wrong_changes(rules: Rules, changes: Mapping[str, str]) -> dict[str, InputError]:
    """Return what is wrong with each figure that :func:`read_changes` cannot read, by column."""
    wrong = {}
    for name, text in changes.items():
        try:
            read_changes(rules, {name: text})
        except InputError as error:
            if error.field:
                wrong[error.field] = error
    return wrong


def _changeable(rules: Rules) -> str:
    return ", ".join(name for name in rules.scorer.seen if name in COLUMNS and name != IDENTIFIER)
