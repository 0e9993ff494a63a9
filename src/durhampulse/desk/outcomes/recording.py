"""Outcomes: recorded and withdrawn, and what they say of reviewers and model.

Reviewers' decisions are no outcomes and never become labels.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Row, func, insert, select, update

from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.decision.bands import BANDS
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.outcomes.file import check_day
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note, note_all
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.missing import MissingError
from durhampulse.desk.store.outbox import announce
from durhampulse.desk.store.tables import NUMBERS, TEXTS, creator, outcome, review
from durhampulse.evaluation.calibration import wilson_interval
from durhampulse.exceptions import InputError

__all__ = [
    "bands_since",
    "insert_outcomes",
    "outcome_table",
    "override_table",
    "record",
    "withdraw",
]


def record(store: Store, creator_id: int, *, deal: bool, on: date, by: str) -> None:
    """Record the outcome of one creator; an earlier one is marked as replaced.

    Raises
    ------
    InputError
        If there is no such creator, or the date cannot be.
    """
    check_day(on)
    with store.writing() as db:
        if db.scalar(select(creator.c.id).where(creator.c.id == creator_id)) is None:
            raise MissingError("There is no such creator.", "They may have been erased.")
        insert_outcomes(db, [(creator_id, deal, on)], by)


def withdraw(store: Store, creator_id: int, by: str) -> None:
    """Withdraw a creator's current outcome, recorded by mistake; the entry is kept.

    Raises
    ------
    InputError
        If no outcome of this creator stands.
    """
    standing = (outcome.c.creator_id == creator_id, outcome.c.replaced_at.is_(None))
    with store.writing() as db:
        # Row lock first, as when one is recorded: the other order could deadlock with that.
        locked = select(creator.c.id).where(creator.c.id == creator_id).with_for_update()
        db.execute(locked)
        taken = update(outcome).where(*standing).values(replaced_at=clock.now())
        announce(db, "outcome.withdrawn", outcome, *standing)
        if not db.execute(taken).rowcount:
            raise InputError("No outcome of this creator stands.", "Reload the page.")
        db.execute(update(creator).where(creator.c.id == creator_id).values(deal=None))
        note(db, by, "outcome withdrawn", f"creator {creator_id}")


def insert_outcomes(
    db: Connection,
    outcomes: Iterable[tuple[int, bool, date]],
    by: str,
    act_id: int | None = None,
) -> int:
    """Insert outcomes that differ from the current ones, with today's figures; return how many.

    Parameters
    ----------
    db
        A connection that writes.
    outcomes
        Number of a creator, whether there was a deal, and the day.
    by
        Who recorded them.
    act_id
        The act that they are a part of.
    """
    now, current = clock.now(), {number: (deal, on) for number, deal, on in outcomes}
    # Row locks in id order: serialises outcomes per creator, and prevents a deadlock of two files.
    creators = select(creator).where(creator.c.id.in_(current)).order_by(creator.c.id)
    rows = db.execute(creators.with_for_update()).all()
    o, stands = outcome.c, outcome.c.replaced_at.is_(None)
    before = {
        number: (deal, on)
        for number, deal, on in db.execute(
            select(o.creator_id, o.deal, o.on).where(o.creator_id.in_(current), stands)
        )
    }
    new = [row for row in rows if before.get(row.id) != current[row.id]]
    if not new:
        return 0
    gone = update(outcome).where(o.creator_id.in_([row.id for row in new]), stands)
    db.execute(gone.values(replaced_at=now))
    values = [
        {"creator_id": row.id, "deal": current[row.id][0], "on": current[row.id][1],
         "probability": row.probability, "figures": _figures(row), "by": by, "at": now,
         "act_id": act_id}
        for row in new
    ]  # fmt: skip
    db.execute(insert(outcome), values)
    numbers = [row.id for row in new]
    announce(db, "outcome.recorded", outcome, o.creator_id.in_(numbers), stands, o.at == now)
    for deal in (True, False):
        numbers = [row["creator_id"] for row in values if row["deal"] is deal]
        db.execute(update(creator).where(creator.c.id.in_(numbers)).values(deal=deal))
    note_all(db, by, "outcome", {
        f"creator {row['creator_id']}": {"deal": row["deal"], "on": row["on"].isoformat()}
        for row in values
    })  # fmt: skip
    return len(new)


def _figures(row: Row[Any]) -> dict[str, Any]:
    figures = {name: getattr(row, kept_as) for name, kept_as in {**NUMBERS, **TEXTS}.items()}
    return {**figures, **(row.extra or {})}


def outcome_table(db: Connection, since: datetime | None = None) -> pd.DataFrame:
    """Return the current outcomes as a creators' table to learn from.

    Figures are those of the day each outcome was recorded; with `since`, only those recorded then
    or later.
    """
    wanted = (
        select(creator.c.external_id, outcome.c.deal, outcome.c.figures)
        .join(creator, creator.c.id == outcome.c.creator_id)
        .where(outcome.c.replaced_at.is_(None))
        .order_by(outcome.c.id)
    )
    if since is not None:
        wanted = wanted.where(outcome.c.at >= since)
    rows = [
        {IDENTIFIER: name, **figures, LABEL: int(deal)}
        for name, deal, figures in db.execute(wanted)
    ]
    return pd.DataFrame(rows)


def override_table(db: Connection) -> pd.DataFrame:
    """Return how often people decided against the model, and who was right.

    Returns
    -------
    DataFrame
        One row for each band and decision that occurs: ``band, decision, reviews, known, deals``;
        `known` counts those whose outcome is known. Undone and skipped reviews are left out.
    """
    r, o = review.c, outcome.c
    joined = review.outerjoin(outcome, (o.creator_id == r.creator_id) & o.replaced_at.is_(None))
    counted = (
        select(r.band, r.decision, func.count(), func.count(o.id),
               func.count().filter(o.deal.is_(True)))
        .select_from(joined)
        .where(r.undone_at.is_(None), r.decision.not_in(("skip", "reopen")))
        .group_by(r.band, r.decision)
    )  # fmt: skip
    columns = ["band", "decision", "reviews", "known", "deals"]
    table = pd.DataFrame([tuple(row) for row in db.execute(counted)], columns=columns)
    order = table["band"].map({band: i for i, band in enumerate(BANDS)})
    return table.assign(order=order).sort_values(["order", "decision"]).drop(columns="order")


def bands_since(db: Connection, rules: Rules) -> pd.DataFrame:
    """Return each band's hit rate among the outcomes recorded at the desk.

    Returns
    -------
    DataFrame
        ``band, creators, deals, hit_rate, low, high``, with 95% Wilson intervals; the band is
        the one at the time of the outcome, by the thresholds of today.
    """
    rows = []
    for band, (low, high) in rules.band_ranges.items():
        within = (outcome.c.probability >= low, outcome.c.probability < high)
        n, deals = db.execute(
            select(func.count(), func.count().filter(outcome.c.deal.is_(True)))
            .where(outcome.c.replaced_at.is_(None), *within)
        ).one()  # fmt: skip
        ends = wilson_interval(deals, n) if n else (None, None)
        rows.append((band, n, deals, deals / n if n else None, *ends))
    return pd.DataFrame(rows, columns=["band", "creators", "deals", "hit_rate", "low", "high"])
