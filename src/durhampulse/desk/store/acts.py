"""Acts that concern many creators: recorded as one, and undone as one.

An act is undone some thousand rows at a time, each in a transaction of its own that also says how
far it is: reviewers go on meanwhile, and one that was interrupted is resumed.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, update

from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.missing import numbered_row
from durhampulse.desk.store.outbox import announce
from durhampulse.desk.store.pace import Pace
from durhampulse.desk.store.standing import (
    former_of,
    set_deals,
    set_states,
    undo_ownerships,
)
from durhampulse.desk.store.tables import act, creator, outcome, ownership, review
from durhampulse.exceptions import InputError

__all__ = [
    "AT_ONCE",
    "UndoResult",
    "act_rows",
    "begin_act",
    "change_act",
    "find_act",
    "latest_acts",
    "resume_undo",
    "undo_act",
    "undos_under_way",
]

AT_ONCE: Final = 10_000
"""Rows up to which an act is undone while its page waits; more of them are the worker's."""
_TABLES = {"decision": review, "outcomes": outcome, "owner": ownership}


@dataclass(frozen=True, kw_only=True)
class UndoResult:
    """How far the undo of an act is.

    Attributes
    ----------
    act_id
        Its number.
    total
        Its rows.
    restored
        Creators who are again as they were before it.
    kept
        Creators about whom somebody has decided, or recorded an outcome, since: that stands.
    done
        Whether all rows are seen to.
    """

    act_id: int
    total: int
    restored: int
    kept: int
    done: bool


def begin_act(
    db: Connection, kind: str, by: str, detail: Mapping[str, Any], *, run_id: int | None = None
) -> int:
    """Insert an act; return its number, which its rows carry.

    Parameters
    ----------
    db
        The connection in whose transaction the first of its rows is written.
    kind
        "decision", "outcomes", "owner" or "import".
    by
        Who does it.
    detail
        What people are told of it; nothing in it names or describes a creator.
    run_id
        The run of an import.
    """
    values = {
        "kind": kind,
        "by": by,
        "at": clock.now(),
        "detail": dict(detail),
        "run_id": run_id,
    }
    return insert_one(db, act, **values)


def change_act(db: Connection, act_id: int, **detail: Any) -> None:
    """Change some of what is told of an act."""
    row = find_act(db, act_id, lock=True)
    db.execute(update(act).where(act.c.id == act_id).values(detail={**row.detail, **detail}))


def find_act(db: Connection, act_id: int, *, lock: bool = False) -> Row[Any]:
    """Return an act, with its row lock if asked for.

    Raises
    ------
    MissingError
        If there is none of that number.
    """
    problem, way_out = "There is no such act.", "Choose one of the list."
    return numbered_row(db, act, act_id, problem, way_out, lock=lock)


def latest_acts(db: Connection) -> Sequence[Row[Any]]:
    """Return the latest hundred acts, the last one first."""
    return db.execute(select(act).order_by(act.c.id.desc()).limit(100)).all()


def act_rows(db: Connection, row: Row[Any]) -> int:
    """Return how many rows of its own an act has."""
    table = _TABLES[row.kind]
    return db.scalar(select(func.count()).where(table.c.act_id == row.id)) or 0


def undos_under_way(db: Connection) -> list[int]:
    """Return acts that somebody has asked to undo and that are not undone yet, the first first."""
    waiting = select(act.c.id).where(
        act.c.kind.in_(_TABLES), act.c.undone_by.is_not(None), act.c.undone_at.is_(None)
    )
    return list(db.scalars(waiting.order_by(act.c.id)))


def undo_act(store: Store, act_id: int, by: str, *, at_once: int | None = None) -> UndoResult:
    """Undo an act as a whole, or go on with one that was interrupted.

    Parameters
    ----------
    store, act_id, by
        Where, which, and who wants it.
    at_once
        Leave it to the worker if it has more rows.

    Returns
    -------
    UndoResult
        Not `done` if it was left to the worker.

    Raises
    ------
    InputError
        If there is no such act, or it is undone already.
    """
    with store.writing() as db:
        result = _start(db, act_id, by)
    if at_once is not None and result.total > at_once:
        return result
    return resume_undo(store, act_id, threading.Event())


def resume_undo(store: Store, act_id: int, stop: threading.Event) -> UndoResult:
    """Go on with the undo of an act that somebody has asked for, whoever else does so as well.

    Parameters
    ----------
    store, act_id
        Where, and which.
    stop
        Ends it after the current transaction if set.
    """
    pace = Pace(store)
    with store.long_work():
        while True:
            with pace.step() as size, store.writing(durable=False) as db:
                result, goes_on = _undo_some(db, act_id, size)
            if not goes_on:
                break
            if stop.is_set():
                return result
            pace.pause()
    with store.writing() as db:
        result = _finish(db, act_id)
    if result.total > AT_ONCE:
        store.tidy()
    return result


def _start(db: Connection, act_id: int, by: str) -> UndoResult:
    """Write down that an act is to be undone; return how far that is."""
    row = find_act(db, act_id, lock=True)
    if row.undone_at is not None:
        raise InputError(f"{row.undone_by} has undone this already.", "Reload the page.")
    if row.kind not in _TABLES:
        raise InputError("This is undone on a page of its own.", "Open it in the list of acts.")
    if row.undone_by is None:
        progress = {"after": 0, "total": act_rows(db, row), "restored": 0, "kept": 0}
        detail = {**row.detail, "undo": progress}
        db.execute(update(act).where(act.c.id == act_id).values(undone_by=by, detail=detail))
        row = find_act(db, act_id)
    return _result(row.id, row.detail["undo"], done=False)


def _undo_some(db: Connection, act_id: int, size: int) -> tuple[UndoResult, bool]:
    """Undo the next rows of an act in order of their numbers; return whether there were any."""
    row = find_act(db, act_id, lock=True)
    progress = row.detail["undo"]
    table = _TABLES[row.kind]
    mine = (table.c.act_id == act_id, table.c.id > progress["after"])
    ids = select(table.c.id).where(*mine).order_by(table.c.id).limit(size).subquery()
    n, last = db.execute(select(func.count(), func.max(ids.c.id))).one()
    if not n:
        return _result(act_id, progress, done=False), False
    chunk = (*mine, table.c.id <= last)
    concerned = select(table.c.creator_id).where(*chunk)
    # Row locks in id order, as of whoever else changes creators: nobody waits for each other.
    locked = select(creator.c.id).where(creator.c.id.in_(concerned)).order_by(creator.c.id)
    db.execute(locked.with_for_update()).all()
    kept = _UNDOES[row.kind](db, chunk)
    progress = {
        "after": last, "total": progress["total"], "kept": progress["kept"] + kept,
        "restored": progress["restored"] + n - kept,
    }  # fmt: skip
    change_act(db, act_id, undo=progress)
    return _result(act_id, progress, done=False), True


def _finish(db: Connection, act_id: int) -> UndoResult:
    """Close the undo of an act, with its counts in the audit log."""
    row = find_act(db, act_id, lock=True)
    progress = row.detail["undo"]
    if row.undone_at is None:  # else another process was quicker
        db.execute(update(act).where(act.c.id == act_id).values(undone_at=clock.now()))
        counts = {name: progress[name] for name in ("restored", "kept")}
        note(db, row.undone_by, "undo", f"act {act_id}", {"kind": row.kind, **counts})
    return _result(act_id, progress, done=True)


def _result(act_id: int, progress: Mapping[str, int], *, done: bool) -> UndoResult:
    counts = {name: progress[name] for name in ("total", "restored", "kept")}
    return UndoResult(act_id=act_id, done=done, **counts)


def _undo_reviews(db: Connection, chunk: Sequence[Any]) -> int:
    """Undo reviews of an act; return about how many creators somebody has decided since."""
    newer = review.alias()
    since = (
        select(newer.c.id)
        .where(
            newer.c.creator_id == review.c.creator_id, newer.c.id > review.c.id,
            newer.c.undone_at.is_(None), newer.c.decision != "skip",
        )
        .exists()
    )  # fmt: skip
    kept = db.scalar(select(func.count()).select_from(review).where(*chunk, since)) or 0
    announce(db, "decision.undone", review, *chunk, review.c.undone_at.is_(None))
    db.execute(update(review).where(*chunk).values(undone_at=clock.now()))
    set_states(db, creator.c.id.in_(select(review.c.creator_id).where(*chunk)))
    return kept


def _undo_outcomes(db: Connection, chunk: Sequence[Any]) -> int:
    """Undo outcomes of an act; return how many do not stand any more as it is.

    Where one stood, the one it replaced stands again, but for one that was withdrawn or undone.
    """
    o, now = outcome.c, clock.now()
    kept = db.scalar(select(func.count()).where(*chunk, o.replaced_at.is_not(None))) or 0
    db.execute(update(outcome).where(*chunk).values(undone_at=now))
    stood = (*chunk, o.replaced_at.is_(None))
    ids = list(db.scalars(select(o.id).where(*stood)))
    announce(db, "outcome.withdrawn", outcome, *stood)
    db.execute(update(outcome).where(*stood).values(replaced_at=now))
    restored = former_of(outcome, ids)
    announce(db, "outcome.recorded", outcome, *restored)
    db.execute(update(outcome).where(*restored).values(replaced_at=None))
    set_deals(db, creator.c.id.in_(select(o.creator_id).where(*chunk)))
    return kept


_UNDOES = {"decision": _undo_reviews, "outcomes": _undo_outcomes, "owner": undo_ownerships}
"""Kind of act to what undoes some of its rows, and returns how many do not stand any more."""
