"""Imports: a file is uploaded, checked beside the list, and put in place as a whole.

Putting it in place is one transaction: nobody ever sees half an import.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Row, delete, func, insert, literal, select, update

from durhampulse.creators.options import ReadOptions
from durhampulse.desk.imports.choices import to_plain
from durhampulse.desk.imports.indexes import rebuilt_indexes
from durhampulse.desk.imports.labelled import leave_outcomes, with_asked
from durhampulse.desk.imports.recipes import forget, remember
from durhampulse.desk.models.catalogue import Catalogue, activation_lock
from durhampulse.desk.models.unlikeness import refresh_standing
from durhampulse.desk.people.objections import Objections
from durhampulse.desk.store import clock
from durhampulse.desk.store.acts import begin_act
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.carried import add_carried
from durhampulse.desk.store.database import Store, insert_or
from durhampulse.desk.store.former import forget_former, keep_former
from durhampulse.desk.store.keyed import keyed_hash
from durhampulse.desk.store.niches import count_niches
from durhampulse.desk.store.ordering import renew_order
from durhampulse.desk.store.search import copy_search
from durhampulse.desk.store.space import delete_file
from durhampulse.desk.store.tables import (
    NUMBERS,
    TEXTS,
    creator,
    refused,
    run,
    score,
    staged,
    understood,
    upload,
)
from durhampulse.exceptions import InputError

__all__ = [
    "apply",
    "back_to_columns",
    "begin",
    "choose",
    "clear_leftovers",
    "confirm_import",
    "discard",
    "forget_choices",
    "refused_rows",
    "require_new",
    "start_check",
    "unstage",
]

_AT_ONCE = 5_000
_COPIED = ("external_id", *NUMBERS.values(), *TEXTS.values(), "extra", "name", "carried",
           "fee", "currency", "probability", "low", "high", "flags", "lottery")  # fmt: skip


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
              "created_at": clock.now(), "chunks_done": 0, "progress": 0.0}  # fmt: skip
    number = insert_one(db, upload, **values)
    note(db, by, "file uploaded", f"upload {number}")
    return number


def choose(store: Store, number: int, options: ReadOptions) -> None:
    """Store how an upload that waits to be checked is to be read.

    Raises
    ------
    InputError
        If it does not wait any more.
    """
    with store.writing() as db:
        _change_new(db, number, options=to_plain(options))


def start_check(store: Store, number: int, options: ReadOptions, by: str) -> None:
    """Queue the check of an upload that waits for it, to be read by these options.

    Raises
    ------
    InputError
        If it does not wait any more.
    """
    plain = to_plain(options)
    with store.writing() as db:
        _change_new(db, number, options=plain, state="checking", lease_until=None,
                    model_version=None, chunks_done=0, progress=0.0)  # fmt: skip
        # Headers and words of a file may name somebody: the log says only whether they changed.
        read = {"read as": keyed_hash(db, json.dumps(plain, sort_keys=True))[:16]}
        note(db, by, "import checked", f"upload {number}", read)


def forget_choices(store: Store, number: int, by: str, *, recipe: bool) -> None:
    """Forget how an upload that waits was to be read.

    Parameters
    ----------
    recipe
        Also how files of its headers were read before.

    Raises
    ------
    InputError
        If it does not wait any more.
    """
    with store.writing() as db:
        shape = db.scalar(select(upload.c.recipe).where(upload.c.id == number))
        _change_new(db, number, options={}, recipe=None)
        if recipe and shape:
            forget(db, shape, by)


def require_new(row: Row[Any] | None) -> None:
    """Raise unless an upload waits to be checked.

    Raises
    ------
    InputError
        If it does not.
    """
    if row is None or row.state != "new":
        raise _moved_on()


def _change_new(db: Connection, number: int, **values: Any) -> None:
    """Change an upload that waits to be checked, of which no earlier problem stands then."""
    waiting = update(upload).where(upload.c.id == number, upload.c.state == "new")
    if not db.execute(waiting.values(**values, problem=None, way_out=None)).rowcount:
        raise _moved_on()


def _moved_on() -> InputError:
    return InputError("This import has moved on.", "Reload the page.")


def confirm_import(
    store: Store, number: int, by: str, *, knows_unlike: bool, asked: Mapping[str, str] | None
) -> None:
    """Queue a checked upload to be put in place.

    Parameters
    ----------
    knows_unlike
        Whether the person has said that they know of a list unlike the training rows.
    asked
        Who asks for the outcomes of the file, and of which day; see :func:`.with_asked`.

    Raises
    ------
    InputError
        If it is not checked, unlike without their knowing, or has no outcomes to take over.
    """
    with store.writing() as db:
        row = db.execute(select(upload).where(upload.c.id == number).with_for_update()).first()
        if row is None or row.state != "checked":
            raise _moved_on()
        facts = row.summary.get("unlike")
        if facts and not knows_unlike:
            raise InputError(
                "This list is unlike the creators the model learned from.",
                "Tick that you know it, or discard the file.", "unlike",
            )  # fmt: skip
        summary = with_asked(row.summary, asked) | ({"acknowledged_by": by} if facts else {})
        values = {"state": "applying", "lease_until": None, "problem": None, "way_out": None,
                  "summary": summary}  # fmt: skip
        db.execute(update(upload).where(upload.c.id == number).values(**values))
        known = {"known to be unlike in": f"{facts['columns']} of {facts['of']}"} if facts else {}
        note(db, by, "import confirmed", f"upload {number}", known)


def apply(store: Store, catalogue: Catalogue, number: int) -> None:
    """Put a checked upload in place, in one transaction.

    Creators stored already get the new figures and keep their reviews and history. If another
    model was activated since the check, the upload is queued for a new check instead.
    """
    now = clock.now()
    with store.writing() as db:
        activation_lock(db)
        row = db.execute(select(upload).where(upload.c.id == number).with_for_update()).one()
        if row.state != "applying":
            return  # another worker has applied it
        if row.model_version != catalogue.current(db).version:
            values = {"state": "checking", "lease_until": None, "chunks_done": 0,
                      "model_version": None}  # which may be in force again by then  # fmt: skip
            db.execute(update(upload).where(upload.c.id == number).values(**values))
            return
        new = {"kind": "import", "model_version": row.model_version, "upload_id": number,
               "by": row.by, "at": now, "applied_at": now, "creators": row.summary["creators"],
               "drift": row.summary["drift"]}  # fmt: skip
        if facts := row.summary.get("unlike"):
            new["unlike"] = {"facts": facts, "by": row.summary.get("acknowledged_by", row.by)}
        run_id = insert_one(db, run, **new)
        _leave_out_objectors(db, number)
        summary = {**row.summary, "known": keep_former(db, number, run_id)}
        about = {"upload": number, "creators": row.summary["creators"], "former": True}
        begin_act(db, "import", row.by, about, run_id=run_id)
        _merge(db, number, run_id)
        refresh_standing(db)
        copy_search(db, number)
        count_niches(db)
        add_carried(db, row.summary.get("carried", {}))
        if row.options:
            remember(db, row.shape, row.options, file_name=row.file_name, by=row.by)
        for table in (staged, understood):
            db.execute(delete(table).where(table.c.upload_id == number))
        is_kept = leave_outcomes(db, row)
        db.execute(update(upload).where(upload.c.id == number)
                   .values(state="done", finished_at=now, lease_until=None,
                           summary=summary))  # fmt: skip
        creators = {"creators": row.summary["creators"]}
        note(db, row.by, "import done", f"upload {number}", creators)
    if not is_kept:
        delete_file(row.path)
    with store.writing() as db:
        forget_former(db)
    store.tidy()


def _leave_out_objectors(db: Connection, number: int) -> None:
    """Delete the staged rows of creators who have objected since the check."""
    objections = Objections.read(db)
    if not objections.digests:
        return
    rows = db.execute(select(staged.c.id, staged.c.external_id).where(staged.c.upload_id == number))
    for row in rows.all():
        if objections.hold(row.external_id):
            db.execute(delete(staged).where(staged.c.id == row.id))


def _merge(db: Connection, number: int, run_id: int) -> None:
    """Upsert the staged rows as creators, and add their scores to the history."""
    given = [staged.c[name] for name in _COPIED]
    rows = (
        select(*given, literal("open"), literal(run_id))
        .where(staged.c.upload_id == number)
        .order_by(staged.c.id)
    )
    coming = db.scalar(select(func.count()).where(staged.c.upload_id == number)) or 0
    into = insert_or(db, creator).from_select([*_COPIED, "state", "run_id"], rows)
    replaced = {name: into.excluded[name] for name in (*_COPIED[1:], "run_id")}
    with rebuilt_indexes(db, coming):
        db.execute(into.on_conflict_do_update(index_elements=["external_id"], set_=replaced))
    c = creator.c
    kept = select(c.id, c.run_id, c.probability, c.low, c.high, c.flags).where(c.run_id == run_id)
    db.execute(insert(score).from_select([*score.c.keys()], kept))
    renew_order(db)


def back_to_columns(store: Store, number: int, by: str) -> None:
    """Return a checked upload to the choice of its columns, which it keeps.

    Raises
    ------
    InputError
        If it is not checked, or on its way into the list.
    """
    with store.writing() as db:
        checked = update(upload).where(upload.c.id == number, upload.c.state == "checked")
        fresh = {"state": "new", "model_version": None, "chunks_done": 0, "progress": 0.0,
                 "summary": None, "problem": None, "way_out": None}  # fmt: skip
        if not db.execute(checked.values(**fresh)).rowcount:
            raise _moved_on()
        for table in (staged, refused):
            db.execute(delete(table).where(table.c.upload_id == number))
        note(db, by, "import back to its columns", f"upload {number}")


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
            raise InputError("This import cannot be discarded any more.", "Reload the page.")
        db.execute(delete(understood).where(understood.c.upload_id == number))
        db.execute(update(upload).where(upload.c.id == number)
                   .values(state="discarded", finished_at=clock.now()))  # fmt: skip
        note(db, by, "import dropped", f"upload {number}")
    delete_file(row.path)  # first: on a full disk that makes room for the rest
    unstage(store, number)


def unstage(store: Store, number: int) -> None:
    """Delete what the check of an upload has staged, some rows at a time.

    SQLite writes what it overwrites into its log first: little at a time needs little room.
    """
    for table in (staged, refused):
        some = select(table.c.id).where(table.c.upload_id == number).limit(_AT_ONCE)
        gone = 1
        while gone:
            with store.writing() as db:
                gone = db.execute(delete(table).where(table.c.id.in_(some))).rowcount


def clear_leftovers(store: Store) -> None:
    """Delete what is staged of uploads that wait for nothing: a process ended in between."""
    kept = select(staged.c.upload_id).union(select(refused.c.upload_id))
    idle = upload.c.state.in_(("new", "discarded"))
    with store.reading() as db:
        numbers = db.scalars(select(upload.c.id).where(idle, upload.c.id.in_(kept))).all()
    for number in numbers:
        unstage(store, number)


def refused_rows(db: Connection, number: int) -> pd.DataFrame:
    """Return an upload's refused rows: ``Row, Influencer ID, Reason``."""
    r = refused.c
    which = select(r.row, r.external_id, r.reason).where(r.upload_id == number)
    rows = db.execute(which.order_by(r.row))
    return pd.DataFrame(rows.all(), columns=["Row", "Influencer ID", "Reason"])
