"""One step of work on many creators: their reviews, or their places in a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Row,
    String,
    case,
    cast,
    delete,
    insert,
    literal,
    select,
    update,
)

from durhampulse.decision.bands import NO_PRECEDENT
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.review.decisions import DECISIONS
from durhampulse.desk.shortlist.lists import put_in, take_out
from durhampulse.desk.shortlist.pages import within
from durhampulse.desk.store.bulk import numbers_in
from durhampulse.desk.store.tables import (
    HAS_NO_PRECEDENT,
    Instant,
    claim,
    creator,
    review,
)

__all__ = ["STEPS"]

Step = Callable[[Connection, Row[Any], Sequence[int], Rules], dict[str, int]]
"""From the work and the creators of a step, who are locked, to what is counted of them."""


def _decide(db: Connection, row: Row[Any], numbers: Sequence[int], rules: Rules) -> dict[str, int]:
    """Record the decision about creators whom nobody holds and nobody has decided about since."""
    c, now = claim.c, datetime.now(UTC)
    others = select(c.creator_id).where(c.person_id != row.person_id, c.expires_at > now)
    held = set(db.scalars(others)).intersection(numbers)
    changed = _decided_since(db, row, numbers) - held
    left = [number for number in numbers if number not in held and number not in changed]
    if left:
        _record(db, row, left, rules, now)
        mine = (c.person_id == row.person_id, c.creator_id.in_(numbers_in(db, left)))
        db.execute(delete(claim).where(*mine))
    return {"done": len(left), "held": len(held), "changed": len(changed)}


def _decided_since(db: Connection, row: Row[Any], numbers: Sequence[int]) -> set[int]:
    """Return the creators whom anybody has decided about since the selection."""
    r = review.c
    decisions = select(r.creator_id, r.id).where(
        r.creator_id.in_(numbers_in(db, numbers)), r.undone_at.is_(None), r.decision != "skip",
        r.act_id.is_distinct_from(row.act_id),
    )  # fmt: skip
    seen = row.selection["seen"]
    return {number for number, at in db.execute(decisions).all() if at > seen}


def _record(
    db: Connection, row: Row[Any], numbers: Sequence[int], rules: Rules, now: datetime
) -> None:
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
    of_step = c.id.in_(numbers_in(db, numbers))
    rows = select(*values.values()).where(of_step).order_by(c.id)
    db.execute(insert(review).from_select([*values], rows))
    state = DECISIONS[order["decision"]]
    db.execute(update(creator).where(of_step).values(state=state))


def _add(db: Connection, row: Row[Any], numbers: Sequence[int], _rules: Rules) -> dict[str, int]:
    """Put creators into a list; those who stand there already count as changed."""
    added = put_in(db, row.order["list"], numbers)
    return {"done": added, "changed": len(numbers) - added}


def _remove(db: Connection, row: Row[Any], numbers: Sequence[int], _rules: Rules) -> dict[str, int]:
    """Take creators out of a list."""
    return {"done": take_out(db, row.order["list"], numbers)}


STEPS: Final[Mapping[str, Step]] = MappingProxyType(
    {"decide": _decide, "add": _add, "remove": _remove}
)
"""Kind of work to its step."""
