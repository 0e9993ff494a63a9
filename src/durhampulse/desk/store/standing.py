"""What stands of a creator: the state that reviews leave them in, the known outcome, the owner."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Table, case, func, select, update

from durhampulse.desk.store import clock
from durhampulse.desk.store.tables import DECISIONS, creator, outcome, ownership, review

__all__ = ["former_of", "set_deals", "set_states", "undo_ownerships"]


def set_states(db: Connection, which: ColumnElement[bool]) -> None:
    """Set the state of some creators to what their latest review says that is not undone.

    Parameters
    ----------
    db
        A connection that holds their row locks.
    which
        Condition on the table `creator`.
    """
    r = review.c
    states = {decision: state for decision, state in DECISIONS.items() if state}
    latest = (
        select(case(states, value=r.decision))
        .where(r.creator_id == creator.c.id, r.undone_at.is_(None), r.decision.in_(states))
        .order_by(r.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    db.execute(update(creator).where(which).values(state=func.coalesce(latest, "open")))


def set_deals(db: Connection, which: ColumnElement[bool]) -> None:
    """Set the known outcome of some creators to the one that stands; none where none does.

    Parameters
    ----------
    db, which
        As of :func:`set_states`.
    """
    o = outcome.c
    stands = select(o.deal).where(o.creator_id == creator.c.id, o.replaced_at.is_(None))
    db.execute(update(creator).where(which).values(deal=stands.scalar_subquery()))


def former_of(table: Table, undone: Sequence[int]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of the rows that stand again now that some which stood are undone.

    Each is the one that it replaced, or that was replaced before by others undone since; none
    where the one before was withdrawn.

    Parameters
    ----------
    table
        Outcomes or ownerships: `replaced_at` ends a row, and is the `at` of the row that ends it.
    undone
        Numbers of rows whose `undone_at` is set.
    """
    row, mine, earlier, after = table.c, table.alias(), table.alias(), table.alias()
    before = (
        select(func.max(earlier.c.id))
        .where(earlier.c.creator_id == mine.c.creator_id, earlier.c.id < mine.c.id,
               earlier.c.undone_at.is_(None))
        .scalar_subquery()
    )  # fmt: skip
    replaced = select(after.c.id).where(  # a record took its place at the same moment
        after.c.creator_id == row.creator_id, after.c.id > row.id, after.c.at == row.replaced_at
    )
    return (row.id.in_(select(before).where(mine.c.id.in_(undone))), replaced.exists())


def undo_ownerships(db: Connection, which: Sequence[ColumnElement[bool]]) -> int:
    """Undo ownerships; return how many of them others have replaced since.

    Where one stood, the one it replaced stands again.

    Parameters
    ----------
    db
        A connection that holds the row locks of their creators.
    which
        Conditions on the table `ownership`.
    """
    o, now = ownership.c, clock.now()
    kept = db.scalar(select(func.count()).where(*which, o.replaced_at.is_not(None))) or 0
    db.execute(update(ownership).where(*which).values(undone_at=now))
    ids = list(db.scalars(select(o.id).where(*which, o.replaced_at.is_(None))))
    db.execute(update(ownership).where(o.id.in_(ids)).values(replaced_at=now))
    db.execute(update(ownership).where(*former_of(ownership, ids)).values(replaced_at=None))
    return kept
