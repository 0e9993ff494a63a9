"""One step of work on many creators: their reviews, their owners, or their places in a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Row,
    Select,
    String,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from durhampulse.decision.bands import NO_PRECEDENT
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.review.decisions import DECISIONS
from durhampulse.desk.shortlist.filters import within
from durhampulse.desk.shortlist.lists import put_in, take_out
from durhampulse.desk.shortlist.owners import hand_over
from durhampulse.desk.store import clock
from durhampulse.desk.store.bulk import numbers_in
from durhampulse.desk.store.outbox import announce
from durhampulse.desk.store.tables import (
    HAS_NO_PRECEDENT,
    Instant,
    claim,
    creator,
    review,
)

__all__ = ["STEPS"]

Step = Callable[[Connection, Row[Any], Select[int], Rules], dict[str, int]]
"""From the work and the query of a step's creators, in the order of their row locks, to counts."""


def _decide(db: Connection, row: Row[Any], wanted: Select[int], rules: Rules) -> dict[str, int]:
    """Record the decision about creators whom nobody holds and nobody has decided about since."""
    n, now = _lock(db, wanted), clock.now()
    c = claim.c
    held = exists().where(
        c.creator_id == creator.c.id, c.person_id != row.person_id, c.expires_at > now
    )
    # Else SQLite might look through all reviews of the act, which have no statistics yet.
    since = select(review.c.id).with_hint(review, "INDEXED BY ix_review_creator_id", "sqlite")
    changed = since.where(
        review.c.creator_id == creator.c.id, review.c.id > row.selection["seen"],
        review.c.undone_at.is_(None), review.c.decision != "skip",
        review.c.act_id.is_distinct_from(row.act_id),
    ).exists()  # fmt: skip
    numbers = _record(db, row, wanted.where(~held, ~changed), rules, now) if n else []
    left = n - len(numbers)
    others = _count(db, wanted.where(held)) if left else 0
    if numbers:
        those = numbers_in(db, numbers)
        state = DECISIONS[row.order["decision"]]
        db.execute(update(creator).where(creator.c.id.in_(those)).values(state=state))
        db.execute(delete(claim).where(c.person_id == row.person_id, c.creator_id.in_(those)))
    return {"done": len(numbers), "held": others, "changed": left - others}


def _lock(db: Connection, wanted: Select[int]) -> int:
    """Take the row locks of creators; return their number."""
    return _count(db, wanted.with_for_update())


def _count(db: Connection, wanted: Select[int]) -> int:
    return db.scalar(select(func.count()).select_from(wanted.subquery())) or 0


def _record(
    db: Connection, row: Row[Any], wanted: Select[int], rules: Rules, now: datetime
) -> Sequence[int]:
    """Insert the reviews of creators; return the creators' numbers."""
    c, order = creator.c, row.order
    named = [(within(c.probability, [part]), band) for band, part in rules.band_ranges.items()]
    unlike = "" if rules.scorer.refusal else NO_PRECEDENT
    values: dict[str, Any] = {
        "creator_id": c.id,
        "person_id": literal(row.person_id),
        "decision": literal(order["decision"]),
        "reason": literal(order["reason"]),
        "note": literal(order["note"].strip()),
        "probability": c.probability,
        "band": case((c.probability.is_(None), ""), (HAS_NO_PRECEDENT, unlike), *named, else_=""),
        "why": literal("chosen"),
        "previous": c.state,
        "request": literal(f"{row.request}:") + cast(c.id, String),
        "at": literal(now, Instant),
        "act_id": literal(row.act_id),
    }
    rows = wanted.with_only_columns(*values.values())
    into = insert(review).from_select([*values], rows)
    new = db.execute(into.returning(review.c.id, review.c.creator_id)).all()
    if new:  # from the first of them on, or all of the act are gone through at each step
        first = review.c.id >= min(number for number, _ in new)
        announce(db, "decision.made", review, review.c.act_id == row.act_id, first)
    return [number for _, number in new]


def _add(db: Connection, row: Row[Any], wanted: Select[int], _rules: Rules) -> dict[str, int]:
    """Put creators into a list; those who stand there already count as changed."""
    numbers = db.scalars(wanted.with_for_update()).all()
    added = put_in(db, row.order["list"], numbers)
    return {"done": added, "changed": len(numbers) - added}


def _remove(db: Connection, row: Row[Any], wanted: Select[int], _rules: Rules) -> dict[str, int]:
    """Take creators out of a list."""
    return {"done": take_out(db, row.order["list"], db.scalars(wanted.with_for_update()).all())}


def _hand_over(db: Connection, row: Row[Any], wanted: Select[int], _rules: Rules) -> dict[str, int]:
    """Return how many creators got another owner; `changed` are those whose owner it was."""
    numbers = db.scalars(wanted.with_for_update()).all()
    n = hand_over(db, numbers, row.order["owner"], row.by, row.act_id)
    return {"done": n, "changed": len(numbers) - n}


STEPS: Final[Mapping[str, Step]] = MappingProxyType(
    {"decide": _decide, "add": _add, "remove": _remove, "owner": _hand_over}
)
"""Kind of work to its step."""
