"""Work on all creators that a view matched: a decision, an owner, places in a list; in short steps.

Each step takes a range of numbers in a transaction of its own, so reviewers never wait for the
whole; the position stands in the store, so that any server resumes after the last step.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update
from sqlalchemy.exc import IntegrityError

from durhampulse.desk.models.catalogue import Catalogue
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.bulksteps import STEPS
from durhampulse.desk.review.decisions import ConflictError
from durhampulse.desk.shortlist.selection import Selection
from durhampulse.desk.store import clock
from durhampulse.desk.store.acts import begin_act, change_act
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.missing import numbered_row
from durhampulse.desk.store.pace import Pace
from durhampulse.desk.store.tables import act, bulk, creator
from durhampulse.exceptions import InputError

__all__ = [
    "AT_ONCE", "BulkJob", "BulkLostError", "begin", "find_bulk", "give_up_bulk", "next_bulk",
    "run_bulk", "stop_bulk", "under_way",
]  # fmt: skip

AT_ONCE = 10_000
"""Up to so many creators the request that confirms does the work itself."""
_ACTS = {"decide": "decision", "owner": "owner"}
"""Kind of work to that of its act, by which it is undone."""
_LEASE = timedelta(seconds=20)


class BulkLostError(Exception):
    """The work was stopped, or another server has it."""


@dataclass(frozen=True)
class BulkJob:
    """Work on a selection that a worker holds the lease of."""

    id: int
    worker: str


def begin(
    store: Store, selection: Selection, kind: str, order: Mapping[str, Any], request: str,
    who: Principal,
) -> int:  # fmt: skip
    """Register work on a selection; return its number.

    Parameters
    ----------
    store, selection
        The store, and on whom to work.
    kind, order
        What to do, a key of `bulksteps.STEPS`, and the details of it.
    request
        Idempotency key: the same request sent twice is registered once.
    who
        The reviewer.

    Raises
    ------
    ConflictError
        If the idempotency key was used for other work.
    """
    if not 8 <= len(request) <= 80:
        raise InputError("The request has no name of 8 to 80 characters.", "Reload the page.")
    values = {"kind": kind, "order": dict(order), "selection": selection.fields}
    try:
        with store.writing() as db:
            if kept := _recorded(db, request, values, who):
                return kept
            return _register(db, values, selection, request, who)
    except IntegrityError:  # a concurrent request of the same name
        with store.reading() as db:
            if kept := _recorded(db, request, values, who):
                return kept
        raise


def _recorded(
    db: Connection, request: str, values: Mapping[str, Any], who: Principal
) -> int | None:
    kept = db.execute(select(bulk).where(bulk.c.request == request)).first()
    if kept is None:
        return None
    same = (kept.kind, kept.selection) == (values["kind"], values["selection"])
    if not same or _about(kept.order) != _about(values["order"]) or kept.person_id != who.id:
        raise ConflictError("This was sent before for other work.", "Select them again.")
    return int(kept.id)


def _register(
    db: Connection, values: Mapping[str, Any], selection: Selection, request: str, who: Principal
) -> int:
    now, act_id = clock.now(), None
    detail = {**_about(values["order"]), "creators": selection.total}
    if kind := _ACTS.get(values["kind"]):
        act_id = begin_act(db, kind, who.name, detail)
    number = insert_one(
        db, bulk, **values, request=request, state="waiting", person_id=who.id, by=who.name,
        at=now, act_id=act_id, position=0, done=0, held=0, changed=0,
    )  # fmt: skip
    note(db, who.name, f"{values['kind']} all that match", f"bulk {number}", detail)
    return number


def _about(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return what people are told of an order; its note may name somebody."""
    return {name: value for name, value in order.items() if name != "note"}


def find_bulk(db: Connection, number: int) -> Row[Any]:
    """Return work on a selection.

    Raises
    ------
    MissingError
        If there is none of that number.
    """
    return numbered_row(db, bulk, number, "There is no such work.", "Go back to the shortlist.")


def under_way(db: Connection) -> list[Row[Any]]:
    """Return the work that is not finished, the oldest first."""
    return list(db.execute(select(bulk).where(bulk.c.state == "waiting").order_by(bulk.c.id)))


def stop_bulk(db: Connection, number: int, by: str) -> None:
    """Stop work; what is done of it stays."""
    values = {"state": "stopped", "finished_at": clock.now(), "lease_until": None}
    waiting = update(bulk).where(bulk.c.id == number, bulk.c.state == "waiting")
    if db.execute(waiting.values(**values)).rowcount:
        row = find_bulk(db, number)
        note(db, by, "stopped", f"bulk {number}", {"done": row.done})


def next_bulk(store: Store, worker: str, number: int | None = None) -> BulkJob | None:
    """Return the next work, or that of a number, leased to a worker; none if none waits."""
    b, now = bulk.c, clock.now()
    free = or_(b.lease_until.is_(None), b.lease_until < now)
    waiting = select(b.id).where(b.state == "waiting", free).order_by(b.id).limit(1)
    if number is not None:
        waiting = waiting.where(b.id == number)
    with store.reading() as db:
        if db.scalar(waiting) is None:
            return None
    with store.writing() as db:
        first = db.scalar(waiting)
        taken = update(bulk).where(b.id == first, b.state == "waiting", free)
        values = {"worker": worker, "lease_until": now + _LEASE}
        if first is None or not db.execute(taken.values(**values)).rowcount:
            return None
    return BulkJob(first, worker)


def run_bulk(store: Store, catalogue: Catalogue, job: BulkJob, stop: threading.Event) -> None:
    """Do work to its end, or until stopped; whoever takes it up goes on after the last step.

    Raises
    ------
    BulkLostError
        If it was stopped, or another server has it.
    """
    with store.reading() as db:
        selection = Selection.read(find_bulk(db, job.id).selection)
        rules = selection.rules(db, catalogue)
    pace, going = Pace(store), True
    with store.long_work():
        while going and not stop.is_set():
            with pace.step() as size, store.writing(durable=False) as db:
                going = _step(db, catalogue, job, rules, size)
            if going:
                pace.pause()
    if going:
        return
    with store.writing() as db:
        _close(db, catalogue, job)
    if selection.total > AT_ONCE:
        store.tidy()


def _step(db: Connection, catalogue: Catalogue, job: BulkJob, rules: Rules, size: int) -> bool:
    """Work on the next range of numbers; return whether there is more."""
    row = _held(db, job)
    selection = Selection.read(row.selection)
    if _hindrance(db, catalogue, row, selection):
        return False
    upto = min(row.position + size, selection.last_id)
    here = (creator.c.id > row.position, creator.c.id <= upto, *selection.conditions(rules))
    wanted = select(creator.c.id).where(*here).order_by(creator.c.id)
    wanted = wanted.with_hint(creator, "NOT INDEXED", "sqlite")  # but by number
    counts = STEPS[row.kind](db, row, wanted, rules)
    sums = {name: getattr(row, name) + n for name, n in counts.items()}
    values = {**sums, "position": upto, "lease_until": clock.now() + _LEASE}
    db.execute(update(bulk).where(bulk.c.id == row.id).values(**values))
    return bool(upto < selection.last_id)


def _held(db: Connection, job: BulkJob) -> Row[Any]:
    """Return the row of work, locked, whose lease a worker holds."""
    mine = (bulk.c.id == job.id, bulk.c.worker == job.worker, bulk.c.state == "waiting")
    row = db.execute(select(bulk).where(*mine).with_for_update()).first()
    if row is None:
        raise BulkLostError(job.id)
    return row


def _close(db: Connection, catalogue: Catalogue, job: BulkJob) -> None:
    """Close work that has come to its end, or must not go on."""
    row = _held(db, job)
    selection = Selection.read(row.selection)
    if row.position >= selection.last_id:
        _finish(db, row, {"state": "done"})
    elif problem := _hindrance(db, catalogue, row, selection):
        _finish(db, row, {"state": "stopped", "problem": problem})


def _hindrance(db: Connection, catalogue: Catalogue, row: Row[Any], selection: Selection) -> str:
    """Return why work must not go on; empty where it may.

    The act is locked: its undo waits for this step, or this step sees the undo.
    """
    undone = db.scalar(select(act.c.undone_by).where(act.c.id == row.act_id).with_for_update())
    if undone is not None:
        return f"{undone} undid it meanwhile."
    if catalogue.current(db).version != selection.version:
        return "Another model was activated meanwhile."
    return ""


def _finish(db: Connection, row: Row[Any], values: Mapping[str, Any]) -> None:
    """Close work, with its counts in the audit log, and without a note that might name somebody."""
    counts = {"done": row.done, "held": row.held, "changed": row.changed}
    order = _about(row.order)
    closed = {**values, "order": order, "finished_at": clock.now(), "lease_until": None}
    db.execute(update(bulk).where(bulk.c.id == row.id).values(**closed))
    if row.act_id is not None:
        change_act(db, row.act_id, creators=row.done)
    note(db, row.by, f"{row.kind} all that match, {values['state']}", f"bulk {row.id}", counts)


def give_up_bulk(store: Store, job: BulkJob, problem: str) -> None:
    """Stop work that cannot go on, with the reason."""
    with store.writing() as db:
        row = find_bulk(db, job.id)
        if row.state == "waiting" and row.worker == job.worker:
            _finish(db, row, {"state": "stopped", "problem": problem})
