"""Files of outcomes that wait to be confirmed: kept as they came, over a restart too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from durhampulse.creators.options import ReadOptions
from durhampulse.creators.rules import ColumnRule
from durhampulse.desk.imports.choices import from_plain, to_plain
from durhampulse.desk.outcomes.byfile import OutcomeSource, Recorded, record_all
from durhampulse.desk.outcomes.file import OutcomeFile
from durhampulse.desk.outcomes.kept import keep_rows, kept_rows
from durhampulse.desk.store import clock
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.bulk import insert_one
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.missing import numbered_row
from durhampulse.desk.store.space import delete_file
from durhampulse.desk.store.tables import outcome_file

__all__ = ["confirm_file", "content_of", "drop_file", "find_file", "keep_file", "waiting_files"]


def keep_file(store: Store, source: OutcomeSource, by: str) -> int:
    """Keep a file until somebody confirms or drops it; return its number.

    Raises
    ------
    InputError
        If it cannot be read, or lacks one of the two columns.
    """
    file = source.read(store)
    values: dict[str, Any] = {
        "file_name": source.name, "path": str(source.path), "on": source.on, "by": by,
        "options": None if source.options is None else to_plain(source.options),
        "created_at": clock.now(),
    }  # fmt: skip
    with store.writing() as db:
        number = insert_one(db, outcome_file, **values)
        keep_rows(db, number, source.rule, file)
        note(db, by, "outcomes uploaded", f"outcomes {number}")
    return number


def waiting_files(db: Connection) -> Sequence[Row[Any]]:
    """Return the files that wait, the latest first."""
    return db.execute(select(outcome_file).order_by(outcome_file.c.id.desc())).all()


def find_file(db: Connection, number: int) -> Row[Any]:
    """Return a file that waits.

    Raises
    ------
    MissingError
        If there is none of that number.
    """
    problem = "This file does not wait any more: it was recorded or discarded."
    return numbered_row(db, outcome_file, number, problem, "See under Acts what was recorded.")


def content_of(store: Store, row: Row[Any], rule: ColumnRule | None) -> OutcomeFile:
    """Return what a waiting file holds; it is read anew only where nothing is kept of it.

    Parameters
    ----------
    store
        The store.
    row
        The file's row.
    rule
        How the active model names outcomes.

    Raises
    ------
    InputError
        If it cannot be read any more.
    """
    with store.reading() as db:
        kept = kept_rows(db, row.id, rule)
    if kept is not None:
        return kept
    options: ReadOptions | None = None if row.options is None else from_plain(row.options)
    source = OutcomeSource(
        path=Path(row.path), name=row.file_name, on=row.on, rule=rule, options=options
    )
    file = source.read(store)
    with store.writing() as db:
        find_file(db, row.id)
        keep_rows(db, row.id, rule, file)
    return file


def confirm_file(store: Store, number: int, by: str, rule: ColumnRule | None) -> Recorded:
    """Record what a waiting file holds; it is deleted then.

    Raises
    ------
    InputError
        If it does not wait any more, or cannot be read.
    """
    with store.reading() as db:
        row = find_file(db, number)
    file = content_of(store, row, rule)
    recorded = record_all(store, row.file_name, file, by, waiting=number)
    delete_file(row.path)
    return recorded


def drop_file(store: Store, number: int, by: str) -> None:
    """Delete a waiting file; nothing of it is recorded.

    Raises
    ------
    InputError
        If it does not wait any more.
    """
    with store.reading() as db:
        row = find_file(db, number)
    _delete(store, row)
    with store.writing() as db:
        note(db, by, "outcomes dropped", f"outcomes {number}")


def _delete(store: Store, row: Row[Any]) -> None:
    with store.writing() as db:
        db.execute(delete(outcome_file).where(outcome_file.c.id == row.id))
    delete_file(row.path)
