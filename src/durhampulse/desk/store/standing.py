"""What stands of a creator: the state that reviews leave them in, and the outcome that is known."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, case, func, select, update

from durhampulse.desk.store.tables import DECISIONS, creator, outcome, review

__all__ = ["set_deals", "set_states"]


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
