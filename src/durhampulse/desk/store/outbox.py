"""What other programs are to be told, written in the transaction of the act itself."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import ColumnElement, Connection, Table, insert, literal, select

from durhampulse.desk.store import clock
from durhampulse.desk.store.tables import delivery, hook, review
from durhampulse.desk.store.tables.columns import Instant

__all__ = ["OFF", "EventKind", "announce"]

EventKind = Literal["decision.made", "decision.undone", "outcome.recorded", "outcome.withdrawn"]
OFF = "off"
"""State of an endpoint that is told nothing."""


def announce(db: Connection, kind: EventKind, table: Table, *which: ColumnElement[bool]) -> None:
    """Queue a message about each of some reviews or outcomes, for every endpoint that is on.

    Parameters
    ----------
    db
        A connection that writes; a message is sent only if its transaction is committed.
    kind
        What happened.
    table, which
        The reviews or outcomes. Skips are no decisions, and are left out.
    """
    now = clock.now()
    decisions = (table.c.decision != "skip",) if table is review else ()
    rows = (
        select(
            hook.c.id, table.c.creator_id, literal(kind), table.c.id, literal(now, Instant),
            literal(0), literal(now, Instant), literal(""),
        )
        .select_from(table.join(hook, hook.c.state != OFF))
        .where(*which, *decisions)
        .order_by(table.c.id)
    )  # fmt: skip
    names = ["hook_id", "creator_id", "kind", "source_id", "at", "tries", "next_at", "problem"]
    db.execute(insert(delivery).from_select(names, rows))
