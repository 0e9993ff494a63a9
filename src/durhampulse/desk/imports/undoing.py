"""The undo of an import: the list as it was before, for as long as its rows stand unchanged.

A small one is a single transaction. A larger one is done in steps of about a tenth of a second, and
reviewers go on between them; how far it is stands in its act, so that any server resumes it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from durhampulse.desk.imports.jobs import LEASE
from durhampulse.desk.imports.restoring import (
    COUNTS,
    Ground,
    changes_nobody,
    count_all,
    restore_some,
)
from durhampulse.desk.models.catalogue import Catalogue, activation_lock, forget_prepared
from durhampulse.desk.models.unlikeness import refresh_standing
from durhampulse.desk.store import clock
from durhampulse.desk.store.acts import change_act
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.niches import count_niches
from durhampulse.desk.store.pace import Pace
from durhampulse.desk.store.tables import act, run, upload
from durhampulse.exceptions import InputError

__all__ = [
    "UndoneImport", "ask_to_undo", "import_act", "is_large", "preview_undo", "undo_import",
    "undoable_act",
]  # fmt: skip

_AT_ONCE: Final = 20_000
"""Creators up to which an import is undone in one transaction."""


@dataclass(frozen=True, kw_only=True)
class UndoneImport:
    """What the undo of an import does.

    Attributes
    ----------
    restored
        Creators who get back what the import replaced; reviews and outcomes stay.
    removed
        Creators whom the import brought, and who go again.
    kept
        Creators whom it brought and somebody has since decided about, planned with, put in a list,
        or recorded an outcome of: they stay, as imported. A decision that was undone keeps nobody.
    changed
        Creators whom a later import has brought again: they stay as that one left them.
    decided
        Of those who get back what was replaced: about whom somebody has decided since.
    by_model
        Whether another model was activated since: it scores whoever gets back other figures.
    """

    restored: int
    removed: int
    kept: int
    changed: int
    decided: int
    by_model: bool = False


def import_act(db: Connection, upload_id: int) -> Row[Any] | None:
    """Return the act of an import; none for imports of earlier versions."""
    of_upload = select(run.c.id).where(run.c.upload_id == upload_id)
    return db.execute(select(act).where(act.c.run_id.in_(of_upload))).first()


def preview_undo(db: Connection, upload_id: int, by: str) -> UndoneImport:
    """Return what the undo of an import by somebody would do now.

    Raises
    ------
    InputError
        If it cannot be undone any more, with the reason.
    """
    row = undoable_act(db, upload_id)
    ground = Ground.of(db, row, by)
    so_far = _so_far(row)  # of one that has failed on its way
    counts = {name: so_far[name] + n for name, n in count_all(db, ground).items()}
    return _result(row, ground, counts)


def _so_far(row: Row[Any]) -> dict[str, int]:
    """Return what the undo of an act has done so far, and after which creator it goes on."""
    kept: dict[str, int] = row.detail.get("undo") or dict.fromkeys((*COUNTS, "after"), 0)
    return kept


def _result(row: Row[Any], ground: Ground, counts: dict[str, int]) -> UndoneImport:
    unchanged = counts["restored"] + counts["removed"] + counts["kept"]
    return UndoneImport(
        **counts,
        changed=max(0, row.detail["creators"] - unchanged),
        by_model=bool(ground.models),
    )


def undoable_act(db: Connection, upload_id: int) -> Row[Any]:
    """Return the act of an import that can be undone.

    Raises
    ------
    InputError
        If it cannot be any more, with the reason.
    """
    row = import_act(db, upload_id)
    if row is None or not row.detail["former"]:
        raise InputError(
            "This import cannot be undone any more: what it replaced is no longer kept.",
            "Import the earlier list again.",
        )
    if row.undone_at is not None:
        raise InputError(f"{row.undone_by} has undone this import already.", "Reload the page.")
    return row


def is_large(done: Row[Any]) -> bool:
    """Whether the undo of an import's act is done in steps, and takes seconds to count."""
    return bool(done.detail["creators"] > _AT_ONCE)


def ask_to_undo(store: Store, upload_id: int, by: str) -> None:
    """Leave the undo of an import to the worker.

    Raises
    ------
    InputError
        If it is not in place, cannot be undone any more, or nobody would change.
    """
    with store.reading() as db:  # nobody waits while a long list is looked through
        row = undoable_act(db, upload_id)
        begun = _so_far(row)["after"]  # of one that has failed on its way: it goes on to its end
        if not begun and changes_nobody(db, Ground.of(db, row, by)):
            raise InputError(
                "Nobody of this import would change: all were decided about, or imported again.",
                "Undo what was done since first, and then this import.",
            )
    with store.writing() as db:
        row = undoable_act(db, upload_id)
        in_place = update(upload).where(upload.c.id == upload_id, upload.c.state == "done")
        values = {"state": "undoing", "progress": 0.0, "lease_until": None, "problem": None,
                  "way_out": None}  # fmt: skip
        if not db.execute(in_place.values(**values)).rowcount:
            raise InputError("This import has moved on.", "Reload the page.")
        db.execute(update(act).where(act.c.id == row.id).values(undone_by=by))


def undo_import(
    store: Store, catalogue: Catalogue, upload_id: int, stop: threading.Event
) -> UndoneImport | None:
    """Undo an import, or go on with one that was interrupted, whoever else does so as well.

    Parameters
    ----------
    store, catalogue, upload_id
        Where, by which models, and which.
    stop
        Ends it after the current transaction if set.

    Returns
    -------
    UndoneImport or None
        What it did; none if it was stopped, or another worker was quicker.
    """
    pace = Pace(store)
    with store.long_work():
        while True:
            with pace.step() as size, store.writing() as db:
                result, goes_on = _step(db, catalogue, upload_id, size)
            if not goes_on:
                break
            if stop.is_set():
                return None
            pace.pause()
    store.tidy()
    return result


def _step(
    db: Connection, catalogue: Catalogue, upload_id: int, size: int
) -> tuple[UndoneImport | None, bool]:
    """Undo the next creators of an import; return what all did once it ends, and if it goes on."""
    activation_lock(db)
    file = db.execute(select(upload).where(upload.c.id == upload_id).with_for_update()).one()
    if file.state != "undoing":
        return None, False
    row = undoable_act(db, upload_id)
    ground, total = Ground.of(db, row, row.undone_by or ""), row.detail["creators"]
    size = size if is_large(row) else total + 1
    forget_prepared(db)  # whose scores are of figures that go
    so_far = _so_far(row)
    last, counts = restore_some(db, ground, catalogue.current(db), so_far["after"], size)
    counts = {name: so_far[name] + n for name, n in counts.items()}
    if last and is_large(row):
        change_act(db, row.id, undo={**counts, "after": last})
        share = min(1.0, sum(counts[name] for name in COUNTS[:3]) / total)
        going = {"progress": share, "tries": 0, "lease_until": clock.now() + LEASE}
        db.execute(update(upload).where(upload.c.id == upload_id).values(**going))
        return None, True
    result = _result(row, ground, counts)
    _finish(db, row, upload_id, result)
    return result, False


def _finish(db: Connection, row: Row[Any], upload_id: int, result: UndoneImport) -> None:
    """Close the undo of an import, with its counts in the audit log."""
    refresh_standing(db)
    count_niches(db)
    counts = {name: getattr(result, name) for name in (*COUNTS, "changed")}
    change_act(db, row.id, undo=counts, former=False)
    db.execute(update(act).where(act.c.id == row.id).values(undone_at=clock.now()))
    done = {"state": "undone", "lease_until": None, "tries": 0}
    db.execute(update(upload).where(upload.c.id == upload_id).values(**done))
    note(db, row.undone_by, "import undone", f"upload {upload_id}", counts)
