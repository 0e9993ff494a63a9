"""The list as it was at a moment of the past, from the scores, reviews and outcomes kept.

What is not known any more is named: creators erased since, scores of imports undone since, and
figures that a later import replaced and that are kept no longer.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    case,
    func,
    or_,
    select,
)

from durhampulse.decision.bands import ANSWERS, NO_PRECEDENT, Thresholds
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.shortlist.past import PAGE, Past, first_scores
from durhampulse.desk.store.tables import (
    DECISIONS,
    act,
    audit,
    creator,
    model_file,
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
    "then_counts",
]  # fmt: skip

_FIGURES = ("followers", "engagement_rate", "niche", "name")
_STATES = {name: state for name, state in DECISIONS.items() if state}
_OPEN = ("open", "")
"""The state and the reviewer of whom nobody has decided about."""


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
    state, reviewer, deal
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
    reviewer: str
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
    rows
        A page of creators, the most probable first, then those whose number is not shown.
    more
        Whether others come after them.
    erased, undone
        How many receipts of erasure, and undone imports, there are since: nothing shows these.
    """

    at: datetime
    run: Any
    thresholds: Thresholds
    rows: list[ThenRow]
    more: bool
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
    changed = _latest_run(db, at)
    former = _rules_of(db, rules, at, changed)
    rows = _rows(db, Past.of(db, at, without), former, at, page)
    return Then(
        at=at,
        run=changed,
        thresholds=former.thresholds,
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        erased=_count(db, select(func.count()).select_from(receipt).where(receipt.c.at > at)),
        undone=_count(db, select(func.count()).select_from(act).where(
            act.c.run_id.is_not(None), act.c.undone_at > at)),
    )  # fmt: skip


def then_counts(
    db: Connection, rules: Rules, at: datetime, *, without: Collection[int] = ()
) -> dict[str, int]:
    """Return how many creators each answer had at a moment; of a million it takes a while."""
    former = _rules_of(db, rules, at, _latest_run(db, at))
    counts = Counter[str]()
    for part in Past.of(db, at, without).parts(db):
        s = part.subquery().c
        plain, p = s.flags < UNLIKE_BIT, s.probability
        bands = {band: plain & (p >= low) & (p < high)
                 for band, (low, high) in former.band_ranges.items()}  # fmt: skip
        answers = {**bands, NO_PRECEDENT: ~plain}
        counted = select(*(func.count(case((holds, 1))) for holds in answers.values()))
        counts.update(dict(zip(answers, db.execute(counted).one(), strict=True)))
    return {name: counts[name] for name in ANSWERS}


def _latest_run(db: Connection, at: datetime) -> Any:
    """Return the run that had changed the list last by a moment."""
    c = run.c
    by_then = select(c.id, c.kind, c.model_version, c.by, c.applied_at).where(c.applied_at <= at)
    return db.execute(by_then.order_by(c.applied_at.desc()).limit(1)).first()


def _rules_of(db: Connection, rules: Rules, at: datetime, changed: Any) -> Rules:
    """Return the rules with the thresholds of a moment."""
    version = changed.model_version if changed else rules.version
    model = replace(rules.scorer.model, thresholds=_thresholds(db, rules, at, version))
    return replace(rules, scorer=type(rules.scorer)(model))


def _count(db: Connection, query: Select[Any]) -> int:
    return int(db.scalar(query) or 0)


def _thresholds(db: Connection, rules: Rules, at: datetime, version: str) -> Thresholds:
    """Return the thresholds of a moment: as last moved by then, else those of the model."""
    moves = select(audit.c.detail).where(audit.c.act == "thresholds moved")
    moved = db.scalar(moves.where(audit.c.at <= at).order_by(audit.c.id.desc()).limit(1))
    if moved:
        return Thresholds(**moved["to"])
    file = model_file.c
    own = db.scalar(
        select(file.content).where(file.version == version, file.name == "manifest.json")
    )
    return Thresholds(**json.loads(own)["thresholds"]) if own else rules.thresholds


def _rows(db: Connection, past: Past, former: Rules, at: datetime, page: int) -> list[ThenRow]:
    """Return the rows of a page, and one more where there are others."""
    scored = first_scores(db, past, page)
    c, numbers = creator.c, [row.id for row in scored]
    columns = (c.id, c.external_id, *(c[name] for name in _FIGURES))
    today = {row.id: row for row in db.execute(select(*columns).where(c.id.in_(numbers)))}
    states, deals = _states(db, numbers, at), _deals(db, numbers, at)
    kept = _figures(db, numbers, past.later)
    later = _brought_again(db, numbers, past.later)
    rows = []
    for row in scored:
        if row.id not in today:
            continue
        own = today[row.id]
        figures = kept.get(row.id, own)
        state, reviewer = states.get(row.id, _OPEN)
        rows.append(ThenRow(
            id=row.id, called=own.name or own.external_id, probability=row.probability,
            low=row.low, high=row.high, flags=row.flags,
            band=former.band(row.probability, row.flags), followers=figures.followers,
            engagement_rate=figures.engagement_rate, niche=figures.niche, state=state,
            reviewer=reviewer, deal=deals.get(row.id),
            is_kept=row.id in kept or row.id not in later,
        ))  # fmt: skip
    return rows


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


def _figures(db: Connection, numbers: Sequence[int], later: Sequence[int]) -> dict[int, Any]:
    """Return the figures that the first of the later imports replaced, of those still kept."""
    k = replaced.c
    figures = select(k.creator_id, *(k[name] for name in _FIGURES)).where(
        k.creator_id.in_(numbers), k.run_id.in_(later)
    )
    return {row.creator_id: row for row in db.execute(figures.order_by(k.run_id.desc()))}


def _brought_again(db: Connection, numbers: Sequence[int], later: Sequence[int]) -> set[int]:
    """Return the creators whom a later import has brought again."""
    brought = (
        select(score.c.creator_id)
        .join(run, run.c.id == score.c.run_id)
        .where(score.c.creator_id.in_(numbers), run.c.id.in_(later), run.c.kind == "import")
    )
    return set(db.scalars(brought))


def end_of_day(day: str) -> datetime | None:
    """Return the last moment of a day written as 2026-11-12, in UTC; none for no day."""
    try:
        return datetime.fromisoformat(day).replace(
            hour=23, minute=59, second=59, microsecond=999_999, tzinfo=UTC
        )
    except ValueError:
        return None
