"""Imports: a file is understood, checked beside the list, and put in place as a whole.

While it is checked its scored rows are written to a table of their own, chunk by chunk, so that
an interrupted check goes on where it was. Putting them in place is one transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Index, Row, delete, func, insert, literal, select, update

from durhampulse.creators.schema import IDENTIFIER
from durhampulse.desk.imports.jobs import Job, Lost, hold, leased
from durhampulse.desk.imports.staging import counts_of, shown_name, staged_columns, told, usable
from durhampulse.desk.models.catalogue import Catalogue, applying
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.people.erasure import digest_of
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one, insert_rows
from durhampulse.desk.store.database import Store, insert_or
from durhampulse.desk.store.niches import count_niches
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
from durhampulse.files.stream import Chunk
from durhampulse.scoring.batch import OpenTable, open_table, score_chunk, scored_schema
from durhampulse.scoring.scorer import Scorer
from durhampulse.scoring.summary import Summary

__all__ = [
    "apply",
    "begin",
    "check",
    "discard",
    "known_now",
    "refused_rows",
]

_COPIED = ("external_id", *NUMBERS.values(), *TEXTS.values(), "extra", "probability", "low", "high",
           "flags", "lottery")  # fmt: skip
_MANY = 50_000


def begin(
    db: Connection, path: Path, file_name: str, by: str,
    *, columns: Mapping[str, str] | None = None, units: Mapping[str, str] | None = None,
    state: str = "new",
) -> int:  # fmt: skip
    """Write down a file that has arrived.

    Parameters
    ----------
    path
        Where it lies.
    file_name
        What its owner calls it.
    by
        Who brought it.
    columns, units
        As for :func:`durhampulse.read_creators`.
    state
        "new", or "checking" to begin at once.
    """
    values = {"file_name": file_name, "path": str(path), "state": state, "by": by,
              "columns": dict(columns or {}), "units": dict(units or {}),
              "created_at": datetime.now(UTC), "chunks_done": 0, "progress": 0.0}  # fmt: skip
    number = insert_one(db, upload, **values)
    note(db, by, "file uploaded", f"upload {number}", {"file": file_name})
    return number


def check(store: Store, catalogue: Catalogue, job: Job, stop: threading.Event) -> None:
    """Score an upload's rows beside the list, from where an earlier check was interrupted.

    Raises
    ------
    Lost
        If somebody else goes on with it, or it was discarded, or `stop` was set.
    InputError
        If the file holds no creators that can be read.
    """
    with leased(store, job):
        _check(store, catalogue, job, stop)


def _check(store: Store, catalogue: Catalogue, job: Job, stop: threading.Event) -> None:
    with store.reading() as db:
        row = db.execute(select(upload).where(upload.c.id == job.id)).one()
        rules = catalogue.current(db)
        objected = set(db.scalars(select(objection.c.digest)))
    table = open_table(rules.scorer, Path(row.path), row.columns, row.units, name=row.file_name)
    if IDENTIFIER not in table.columns:
        raise InputError(
            f"{row.file_name}: no column names the creators.",
            "Choose the column that holds Influencer_ID.",
        )
    fresh = row.model_version != rules.version
    if fresh:
        _start(store, job, rules)
    total = _Total(Summary(), [] if fresh else _kept_summaries(row.summary))
    done = 0 if fresh else row.chunks_done
    for at, chunk in enumerate(table.stream.chunks([*table.columns.values()])):
        if stop.is_set():
            raise Lost(job.id)
        if at >= done:
            _stage(store, job, rules.scorer, table, chunk, at, objected, total)
    _finish_check(store, job, rules, total)


@dataclass
class _Total:
    """The counts of all chunks; plain data, so that an interrupted check can go on from them."""

    summary: Summary
    parts: list[dict[str, Any]]


def _kept_summaries(said: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return list((said or {}).get("parts", []))


def _start(store: Store, job: Job, rules: Rules) -> None:
    with store.writing() as db:
        hold(db, job, chunks_done=0, progress=0.0, model_version=rules.version, problem=None,
              way_out=None, summary=None)  # fmt: skip
        for table in (staged, refused):
            db.execute(delete(table).where(table.c.upload_id == job.id))


def _stage(  # noqa: PLR0913 - one chunk with all that concerns it
    store: Store, job: Job, scorer: Scorer, table: OpenTable, chunk: Chunk, at: int,
    objected: set[str], total: _Total,
) -> None:  # fmt: skip
    scored = score_chunk(scorer, table, chunk, scored_schema(pa.string()))
    gone = {row for _, row, _, _ in scored.refused}
    rows = chunk.rows[~np.isin(chunk.rows, [*gone])]
    names = pc.utf8_trim_whitespace(scored.batch["Influencer ID"])
    keep, reasons = usable(names, objected)
    refusals = [(row, shown_name(name), why) for _, row, name, why in scored.refused]
    refusals += [
        (int(row), shown_name(name), why)
        for row, name, why in zip(rows.tolist(), names.to_pylist(), reasons, strict=True)
        if why
    ]
    columns = {
        "upload_id": [job.id] * int(keep.sum()),
        "row": rows[keep].tolist(),
        **staged_columns(scored, names, np.flatnonzero(keep)),
    }
    total.parts.append(counts_of(scored.summary, extra=len(reasons) - int(keep.sum())))
    with store.writing() as db:
        said = {"parts": total.parts}
        hold(db, job, chunks_done=at + 1, progress=chunk.done, summary=said, tries=0)
        insert_rows(db, staged, columns)
        insert_rows(db, refused, {
            "upload_id": [job.id] * len(refusals),
            **dict(zip(("row", "external_id", "reason"),
                       zip(*refusals, strict=True) if refusals else ((), (), ()), strict=True)),
        })  # fmt: skip


def _finish_check(store: Store, job: Job, rules: Rules, total: _Total) -> None:
    """Set rows aside whose creator stood further up; say what was found."""
    s = staged.c
    with store.writing() as db:
        db.exec_driver_sql("ANALYZE staged")  # or a database may plan as if it were empty
        place, first = func.row_number(), func.first_value(s.row)
        numbered = (
            select(
                s.id, s.row, s.external_id,
                place.over(partition_by=s.external_id, order_by=s.id).label("place"),
                first.over(partition_by=s.external_id, order_by=s.id).label("first"),
            )
            .where(s.upload_id == job.id)
            .subquery()
        )  # fmt: skip
        again = select(numbered).where(numbered.c.place > 1)
        twice = db.execute(again).all()
        insert_rows(db, refused, {
            "upload_id": [job.id] * len(twice),
            "row": [one.row for one in twice],
            "external_id": [one.external_id for one in twice],
            "reason": [f"the creator stands in row {one.first} already" for one in twice],
        })  # fmt: skip
        for start in range(0, len(twice), 500):
            numbers = [one.id for one in twice[start : start + 500]]
            db.execute(delete(staged).where(s.id.in_(numbers)))
        rows = db.scalar(select(func.count()).where(s.upload_id == job.id)) or 0
        if not rows and not total.parts:
            raise InputError("There is a header, but no row.", "Add creators' rows.")
        said = told(rules, total.parts, rows, _count_known(db, job.id), len(twice), db, job.id)
        hold(db, job, progress=1.0, summary=said)
        db.execute(update(upload).where(upload.c.id == job.id)
                   .values(state="checked", lease_until=None, tries=0))  # fmt: skip


def _count_known(db: Connection, number: int) -> int:
    """Count an upload's creators who are stored already."""
    both = staged.join(creator, creator.c.external_id == staged.c.external_id)
    counted = select(func.count()).select_from(both).where(staged.c.upload_id == number)
    return db.scalar(counted) or 0


def known_now(db: Connection, row: Row[Any]) -> int:
    """Give how many of a checked upload's creators are stored, other imports since counted in."""
    since = run.c.applied_at > row.created_at
    others = select(run.c.id).where(run.c.kind == "import", since).limit(1)
    known: int = row.summary["known"]
    return known if db.scalar(others) is None else _count_known(db, row.id)


def apply(store: Store, catalogue: Catalogue, number: int) -> None:
    """Put a checked upload in place: all of it in one transaction.

    Those already stored get the new figures and keep their reviews and history. If another model
    decides since the check, the upload is checked again.
    """
    now = datetime.now(UTC)
    with store.writing() as db:
        applying(db)
        row = db.execute(select(upload).where(upload.c.id == number).with_for_update()).one()
        if row.state != "applying":
            return  # somebody else was quicker
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
        count_niches(db)
        db.execute(delete(staged).where(staged.c.upload_id == number))
        db.execute(update(upload).where(upload.c.id == number)
                   .values(state="done", finished_at=now, lease_until=None,
                           summary=summary))  # fmt: skip
        note(db, row.by, "import done", f"upload {number}",
             {"file": row.file_name, "creators": row.summary["creators"]})  # fmt: skip
    Path(row.path).unlink(missing_ok=True)
    store.tidy()


def _leave_out_objectors(db: Connection, number: int) -> None:
    """Drop those who have objected since the file was checked."""
    objected = set(db.scalars(select(objection.c.digest)))
    if not objected:
        return
    rows = db.execute(select(staged.c.id, staged.c.external_id).where(staged.c.upload_id == number))
    for row in rows.all():
        if digest_of(row.external_id) in objected:
            db.execute(delete(staged).where(staged.c.id == row.id))


def _merge(db: Connection, number: int, run_id: int) -> None:
    """Take the staged rows over as creators, and keep their scores in the history."""
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
    """Give the indexes that are faster built anew than filled row by row.

    Without them PostgreSQL lets nobody read until the end, so there only an empty list qualifies;
    SQLite's readers keep seeing the list as it was.
    """
    there = db.scalar(select(func.count()).select_from(creator)) or 0
    coming = db.scalar(select(func.count()).where(staged.c.upload_id == number)) or 0
    worth_it = coming > max(there // 4, _MANY)
    allowed = db.dialect.name == "sqlite" or there == 0
    return sorted(creator.indexes, key=lambda one: str(one.name)) if worth_it and allowed else []


def discard(store: Store, number: int, by: str) -> None:
    """Drop an upload that is not in place."""
    with store.writing() as db:
        found = db.execute(select(upload).where(upload.c.id == number).with_for_update()).first()
        if found is None or found.state not in ("new", "checking", "checked"):
            raise InputError("This import cannot be dropped any more.", "Reload the page.")
        for table in (staged, refused):
            db.execute(delete(table).where(table.c.upload_id == number))
        db.execute(update(upload).where(upload.c.id == number)
                   .values(state="discarded", finished_at=datetime.now(UTC)))  # fmt: skip
        note(db, by, "import dropped", f"upload {number}", {"file": found.file_name})
    Path(found.path).unlink(missing_ok=True)


def refused_rows(db: Connection, number: int, most: int | None = None) -> pd.DataFrame:
    """Give an upload's refused rows, or the first of them: ``Row, Influencer ID, Reason``."""
    r = refused.c
    found = db.execute(
        select(r.row, r.external_id, r.reason)
        .where(r.upload_id == number)
        .order_by(r.row)
        .limit(most)
    )
    return pd.DataFrame(found.all(), columns=["Row", "Influencer ID", "Reason"])
