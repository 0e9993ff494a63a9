"""Imports: a file is uploaded, checked beside the list, and put in place as a whole.

Putting it in place is one transaction: nobody ever sees half an import.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from sqlalchemy import Connection, Index, delete, func, insert, literal, select, update

from durhampulse.creators.options import ReadOptions
from durhampulse.desk.imports.checking import known_now
from durhampulse.desk.imports.choices import to_plain
from durhampulse.desk.imports.recipes import remember
from durhampulse.desk.models.catalogue import Catalogue, activation_lock
from durhampulse.desk.people.erasure import has_objected
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.carried import add_carried
from durhampulse.desk.store.database import Store, insert_or
from durhampulse.desk.store.niches import count_niches
from durhampulse.desk.store.search import copy_search
from durhampulse.desk.store.tables import (
    NUMBERS,
    TEXTS,
    creator,
    objection,
    refused,
    run,
    score,
    staged,
    upload,
)
from durhampulse.exceptions import InputError

__all__ = ["apply", "begin", "discard", "refused_rows"]

_COPIED = ("external_id", *NUMBERS.values(), *TEXTS.values(), "extra", "name", "carried",
           "fee", "currency", "probability", "low", "high", "flags", "lottery")  # fmt: skip
_MANY = 50_000


def begin(
    db: Connection, path: Path, file_name: str, by: str,
    *, options: ReadOptions | None = None, recipe: str | None = None, state: str = "new",
) -> int:  # fmt: skip
    """Register an uploaded file; return its number.

    Parameters
    ----------
    path
        Where it lies.
    file_name
        What its owner calls it.
    by
        Who brought it.
    options
        How it is to be read, as far as that is known.
    recipe
        The shape whose recipe those options are.
    state
        "new", or "checking" to begin at once.
    """
    values = {"file_name": file_name, "path": str(path), "state": state, "by": by,
              "options": to_plain(options or ReadOptions()), "recipe": recipe,
              "created_at": datetime.now(UTC), "chunks_done": 0, "progress": 0.0}  # fmt: skip
    number = insert_one(db, upload, **values)
    note(db, by, "file uploaded", f"upload {number}", {"file": file_name})
    return number


def apply(store: Store, catalogue: Catalogue, number: int) -> None:
    """Put a checked upload in place, in one transaction.

    Creators stored already get the new figures and keep their reviews and history. If another
    model was activated since the check, the upload is queued for a new check instead.
    """
    now = datetime.now(UTC)
    with store.writing() as db:
        activation_lock(db)
        row = db.execute(select(upload).where(upload.c.id == number).with_for_update()).one()
        if row.state != "applying":
            return  # another worker has applied it
        if row.model_version != catalogue.current(db).version:
            values = {"state": "checking", "lease_until": None, "chunks_done": 0}
            db.execute(update(upload).where(upload.c.id == number).values(**values))
            return
        new = {"kind": "import", "model_version": row.model_version, "upload_id": number,
               "by": row.by, "at": now, "applied_at": now, "creators": row.summary["creators"],
               "drift": row.summary["drift"]}  # fmt: skip
        run_id = insert_one(db, run, **new)
        _leave_out_objectors(db, number)
        summary = {**row.summary, "known": known_now(db, row)}
        _merge(db, number, run_id)
        copy_search(db, number)
        count_niches(db)
        add_carried(db, row.summary.get("carried", {}))
        if row.options:
            remember(db, row.shape, row.options, file_name=row.file_name, by=row.by)
        db.execute(delete(staged).where(staged.c.upload_id == number))
        db.execute(update(upload).where(upload.c.id == number)
                   .values(state="done", finished_at=now, lease_until=None,
                           summary=summary))  # fmt: skip
        note(db, row.by, "import done", f"upload {number}",
             {"file": row.file_name, "creators": row.summary["creators"]})  # fmt: skip
    Path(row.path).unlink(missing_ok=True)
    store.tidy()


def _leave_out_objectors(db: Connection, number: int) -> None:
    """Delete the staged rows of creators who have objected since the check."""
    objected = set(db.scalars(select(objection.c.digest)))
    if not objected:
        return
    rows = db.execute(select(staged.c.id, staged.c.external_id).where(staged.c.upload_id == number))
    for row in rows.all():
        if has_objected(row.external_id, objected):
            db.execute(delete(staged).where(staged.c.id == row.id))


def _merge(db: Connection, number: int, run_id: int) -> None:
    """Upsert the staged rows as creators, and add their scores to the history."""
    given = [staged.c[name] for name in _COPIED]
    rows = (
        select(*given, literal("open"), literal(run_id))
        .where(staged.c.upload_id == number)
        .order_by(staged.c.id)
    )
    rebuilt = _indexes_to_rebuild(db, number)
    for index in rebuilt:
        index.drop(db)
    into = insert_or(db, creator).from_select([*_COPIED, "state", "run_id"], rows)
    replaced = {name: into.excluded[name] for name in (*_COPIED[1:], "run_id")}
    db.execute(into.on_conflict_do_update(index_elements=["external_id"], set_=replaced))
    for index in rebuilt:
        index.create(db)
    c = creator.c
    kept = select(c.id, c.run_id, c.probability, c.low, c.high, c.flags).where(c.run_id == run_id)
    db.execute(insert(score).from_select([*score.c.keys()], kept))


def _indexes_to_rebuild(db: Connection, number: int) -> list[Index]:
    """Return the indexes that are built faster anew than filled row by row.

    Dropping an index locks PostgreSQL's table until the end of the transaction, so there only an
    empty list qualifies; SQLite's readers keep their snapshot.
    """
    stored = db.scalar(select(func.count()).select_from(creator)) or 0
    coming = db.scalar(select(func.count()).where(staged.c.upload_id == number)) or 0
    worth_it = coming > max(stored // 4, _MANY)
    allowed = db.dialect.name == "sqlite" or stored == 0
    if not (worth_it and allowed):
        return []
    return sorted(creator.indexes, key=lambda index: str(index.name))


def discard(store: Store, number: int, by: str) -> None:
    """Discard an upload that is not in place.

    Raises
    ------
    InputError
        If it is in place already, or being put there.
    """
    with store.writing() as db:
        row = db.execute(select(upload).where(upload.c.id == number).with_for_update()).first()
        if row is None or row.state not in ("new", "checking", "checked"):
            raise InputError("This import cannot be dropped any more.", "Reload the page.")
        for table in (staged, refused):
            db.execute(delete(table).where(table.c.upload_id == number))
        db.execute(update(upload).where(upload.c.id == number)
                   .values(state="discarded", finished_at=datetime.now(UTC)))  # fmt: skip
        note(db, by, "import dropped", f"upload {number}", {"file": row.file_name})
    Path(row.path).unlink(missing_ok=True)


def refused_rows(db: Connection, number: int, most: int | None = None) -> pd.DataFrame:
    """Return an upload's refused rows, or the first of them: ``Row, Influencer ID, Reason``."""
    r = refused.c
    rows = db.execute(
        select(r.row, r.external_id, r.reason)
        .where(r.upload_id == number)
        .order_by(r.row)
        .limit(most)
    )
    return pd.DataFrame(rows.all(), columns=["Row", "Influencer ID", "Reason"])
