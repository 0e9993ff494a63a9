"""The list as it was at a moment of the past, from the scores, reviews and outcomes kept.

What is not known any more is named: creators erased since, scores of imports undone since, and
figures that a later import replaced and that are kept no longer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, Subquery, case, func, or_, select

from durhampulse.decision.bands import ANSWERS, NO_PRECEDENT, Thresholds
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.store.tables import (
    DECISIONS,
    act,
    audit,
    creator,
    outcome,
    person,
    receipt,
    replaced,
    review,
    run,
    score,
)
from durhampulse.scoring.record import UNLIKE_BIT

__all__ = [
    "PAGE", "Then", "ThenRow", "end_of_day", "moment_of_review", "moment_of_run", "then",
]  # fmt: skip

PAGE: Final = 50
_FIGURES = ("followers", "engagement_rate", "niche", "name")
_STATES = {name: state for name, state in DECISIONS.items() if state}
_OPEN = ("open", "")
"""The state and the owner of whom nobody has decided about."""


@dataclass(frozen=True, kw_only=True)
class ThenRow:
    """A creator as they stood in the list.

    Attributes
    ----------
    id, called
        The store's number, and what they are called now.
    probability, low, high, flags, band
        Of their latest score at that time, by the thresholds of that time.
    followers, engagement_rate, niche
        Figures; those of today where `is_kept` is false.
    state, owner, deal
        What people had decided, who, and what was known to have happened.
    is_kept
        Whether the figures are those of that time.
    """

    id: int
    called: str
    probability: float | None
    low: float | None
    high: float | None
    flags: int
    band: str
    followers: float | None
    engagement_rate: float | None
    niche: str | None
    state: str
    owner: str
    deal: bool | None
    is_kept: bool


@dataclass(frozen=True, kw_only=True)
class Then:
    """The list at a moment.

    Attributes
    ----------
    at
        The moment.
    run
        ``id, kind, model_version, by, applied_at`` of what changed the list last; none before any.
    thresholds
        In force then.
    counts
        Answer to the number of creators.
    rows
        A page of them, the most probable first.
    erased, undone
        How many receipts of erasure, and undone imports, there are since: nothing shows these.
    """

    at: datetime
    run: Any
    thresholds: Thresholds
    counts: dict[str, int]
    rows: list[ThenRow]
    erased: int
    undone: int


def moment_of_review(db: Connection, number: int) -> datetime | None:
    """Return when a decision was made; none if there is no such review."""
    at: datetime | None = db.scalar(select(review.c.at).where(review.c.id == number))
    return at


def moment_of_run(db: Connection, number: int) -> datetime | None:
    """Return when an import or a model changed the list; none if that run did not."""
    at: datetime | None = db.scalar(select(run.c.applied_at).where(run.c.id == number))
    return at


def then(
    db: Connection, rules: Rules, at: datetime, *, page: int = 0, without: Collection[int] = ()
) -> Then:
    """Return the list as it was at a moment.

    Parameters
    ----------
    db, rules
        The store, and the model in force today: the thresholds of that time are found from it.
    at
        The moment.
    page
        Which fifty, from 0.
    without
        Numbers of creators who are left out.
    """
    thresholds = _thresholds(db, rules, at)
    former = replace(rules, scorer=type(rules.scorer)(
        replace(rules.scorer.model, thresholds=thresholds)))  # fmt: skip
    latest = (
        select(run.c.id, run.c.kind, run.c.model_version, run.c.by, run.c.applied_at)
        .where(run.c.applied_at <= at).order_by(run.c.applied_at.desc()).limit(1)
    )  # fmt: skip
    scored = _scored(at, without)
    return Then(
        at=at,
        run=db.execute(latest).first(),
        thresholds=thresholds,
        counts=_counts(db, scored, former),
        rows=_rows(db, scored, former, at, page),
        erased=_count(db, select(func.count()).select_from(receipt).where(receipt.c.at > at)),
        undone=_count(db, select(func.count()).select_from(act).where(
            act.c.run_id.is_not(None), act.c.undone_at > at)),
    )  # fmt: skip


def _count(db: Connection, query: Select[Any]) -> int:
    return int(db.scalar(query) or 0)


def _thresholds(db: Connection, rules: Rules, at: datetime) -> Thresholds:
    """Return the thresholds of a moment: those that the next move after it replaced."""
    moved = select(audit.c.detail).where(audit.c.act == "thresholds moved", audit.c.at > at)
    detail = db.scalar(moved.order_by(audit.c.id).limit(1))
    return Thresholds(**detail["from"]) if detail else Thresholds(**asdict(rules.thresholds))


def _scored(at: datetime, without: Collection[int]) -> Subquery:
    """Return each creator's latest score of a moment: ``creator_id, run_id``."""
    return (
        select(score.c.creator_id, func.max(score.c.run_id).label("run_id"))
        .join(run, run.c.id == score.c.run_id)
        .where(run.c.applied_at <= at, score.c.creator_id.not_in(without))
        .group_by(score.c.creator_id)
        .subquery()
    )


def _joined(scored: Subquery) -> Any:
    both = (score.c.creator_id == scored.c.creator_id) & (score.c.run_id == scored.c.run_id)
    return scored.join(score, both).join(creator, creator.c.id == scored.c.creator_id)


def _counts(db: Connection, scored: Subquery, former: Rules) -> dict[str, int]:
    p = score.c.probability
    bands = former.band_ranges.items()
    answer = case(
        (score.c.flags >= UNLIKE_BIT, NO_PRECEDENT),
        *(((p >= low) & (p < high), band) for band, (low, high) in bands),
        else_="",
    )
    counted = select(answer.label("answer"), func.count()).select_from(_joined(scored))
    counts: dict[str, int] = dict(tuple(row) for row in db.execute(counted.group_by("answer")))
    return {name: counts.get(name, 0) for name in ANSWERS}


def _rows(
    db: Connection, scored: Subquery, former: Rules, at: datetime, page: int
) -> list[ThenRow]:
    columns = (creator.c.id, creator.c.external_id, creator.c.run_id.label("own_run"),
               *(creator.c[name] for name in _FIGURES), score.c.run_id, score.c.probability,
               score.c.low, score.c.high, score.c.flags)  # fmt: skip
    wanted = select(*columns).select_from(_joined(scored))
    order = (score.c.probability.desc().nulls_last(), creator.c.id)
    rows = db.execute(wanted.order_by(*order).limit(PAGE).offset(PAGE * page)).all()
    numbers = [row.id for row in rows]
    states, deals = _states(db, numbers, at), _deals(db, numbers, at)
    kept, later = _figures(db, rows), _later_imports(db, rows)
    return [
        ThenRow(
            id=row.id, called=row.name or row.external_id, probability=row.probability,
            low=row.low, high=row.high, flags=row.flags,
            band=former.band(row.probability, row.flags),
            followers=kept.get(row.id, row).followers,
            engagement_rate=kept.get(row.id, row).engagement_rate,
            niche=kept.get(row.id, row).niche, state=states.get(row.id, _OPEN)[0],
            owner=states.get(row.id, _OPEN)[1], deal=deals.get(row.id),
            is_kept=row.id in kept or row.id not in later,
        )
        for row in rows
    ]  # fmt: skip


def _states(db: Connection, numbers: Sequence[int], at: datetime) -> dict[int, tuple[str, str]]:
    """Return what people had decided by a moment and who, of those decided."""
    r = review.c
    both = review.join(person, person.c.id == r.person_id)
    stood = select(r.creator_id, r.decision, person.c.name).select_from(both).where(
        r.creator_id.in_(numbers), r.at <= at, or_(r.undone_at.is_(None), r.undone_at > at),
        r.decision.in_([*_STATES]),
    )  # fmt: skip
    states = {}
    for row in db.execute(stood.order_by(r.id)):
        state = str(_STATES[row.decision])
        states[row.creator_id] = (state, row.name) if state != "open" else _OPEN
    return states


def _deals(db: Connection, numbers: Sequence[int], at: datetime) -> dict[int, bool]:
    """Return the outcomes recorded by a moment, of those with one."""
    o = outcome.c
    stood = select(o.creator_id, o.deal).where(
        o.creator_id.in_(numbers), o.at <= at, or_(o.replaced_at.is_(None), o.replaced_at > at)
    )
    return {row.creator_id: row.deal for row in db.execute(stood.order_by(o.id))}


def _figures(db: Connection, rows: Sequence[Any]) -> dict[int, Any]:
    """Return the figures that a later import replaced first, of those still kept."""
    since = {row.id: row.run_id for row in rows}
    k = replaced.c
    figures = select(k.creator_id, k.run_id, *(k[name] for name in _FIGURES)).where(
        k.creator_id.in_([*since])
    )
    first: dict[int, Any] = {}
    for row in db.execute(figures.order_by(k.run_id.desc())):
        if row.run_id > since[row.creator_id]:
            first[row.creator_id] = row
    return first


def _later_imports(db: Connection, rows: Sequence[Any]) -> set[int]:
    """Return the creators whom an import has brought again since."""
    since = {row.id: row.run_id for row in rows}
    brought = (
        select(score.c.creator_id, score.c.run_id)
        .join(run, run.c.id == score.c.run_id)
        .where(score.c.creator_id.in_([*since]), run.c.kind == "import",
               run.c.applied_at.is_not(None))
    )  # fmt: skip
    return {row.creator_id for row in db.execute(brought) if row.run_id > since[row.creator_id]}


def end_of_day(day: str) -> datetime | None:
    """Return the last moment of a day written as 2026-11-12, in UTC; none for no day."""
    try:
        return datetime.fromisoformat(day).replace(hour=23, minute=59, second=59, tzinfo=UTC)
    except ValueError:
        return None
