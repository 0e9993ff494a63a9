"""Traces that deleted rows leave in SQLite's files, and how they are removed.

``secure_delete`` overwrites what is deleted, but not the copies that a page keeps in its unused
part after its rows were moved to another page, and the log keeps pages as they were. Only a
rewritten file (``VACUUM``) holds nothing but its rows.
"""

from __future__ import annotations

import contextlib
import json
import logging
import mmap
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from durhampulse.desk.store.database import AWAY, Store
from durhampulse.desk.store.settings import read_setting, write_setting

__all__ = ["note_traces", "remove_traces", "remove_waiting_traces"]

_log = logging.getLogger("durhampulse")
_SMALL = 64 << 20
"""Bytes up to which a file is rewritten without a look: that takes about half a second."""
_WAIT = "traces_wait"


def note_traces(db: Connection) -> None:
    """Write down that what was deleted leaves traces, in the transaction that deletes it."""
    if db.dialect.name == "sqlite":
        write_setting(db, _WAIT, read_setting(db, _WAIT, 0) + 1)


def remove_traces(store: Store, words: Sequence[str] | None = None) -> None:
    """Remove what deleted rows have left in the files of a SQLite store.

    What is deleted is deleted: where the disk fails, the traces wait for `remove_waiting_traces`.
    PostgreSQL gives the space back at its next ``VACUUM FULL``, which locks the tables: that is
    left to whoever runs it.

    Parameters
    ----------
    store
        The store.
    words
        What was deleted: a large file is rewritten only where it still holds one of them. None for
        more than can be looked for.
    """
    if not store.is_sqlite:
        return
    store.scrub()
    path = Path(str(store.engine.url.database))
    try:
        waiting = _waiting(store)
        if words is None or path.stat().st_size <= _SMALL or _holds(path, words):
            _rewrite(store)
        with store.writing() as db:
            if read_setting(db, _WAIT, 0) == waiting:  # others may have deleted more meanwhile
                write_setting(db, _WAIT, 0)
    except (*AWAY, sqlite3.Error, OSError, MemoryError) as error:
        _log.warning("The store could not be rewritten yet: %s", error.__cause__ or error)
    store.scrub()


def remove_waiting_traces(store: Store) -> None:
    """Remove the traces that wait: the disk failed then, or the process ended."""
    if store.is_sqlite and _waiting(store):
        remove_traces(store)


def _waiting(store: Store) -> int:
    """Return of how many deletions the traces wait to be removed."""
    with store.reading() as db:
        return int(read_setting(db, _WAIT, 0))


def _holds(path: Path, words: Sequence[str]) -> bool:
    """Whether a file holds one of some words, as text, as searches fold it or as JSON."""
    cases = {case for word in words for case in (word, word.casefold(), word.upper())}
    forms = {form for case in cases for form in (case, json.dumps(case)[1:-1])}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(form.encode("utf-8", "replace")) >= 0 for form in forms)


def _rewrite(store: Store) -> None:
    """Write the database anew; others read meanwhile, and whoever writes waits."""
    with contextlib.closing(store.engine.raw_connection()) as connection, store.writing_alone():
        cursor = connection.cursor()
        if cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat4'").fetchone():
            cursor.execute("DELETE FROM sqlite_stat4")  # samples of indexed values
        cursor.execute("PRAGMA temp_store=FILE")  # the copy may be larger than the memory
        try:
            cursor.execute("VACUUM")
        finally:
            cursor.execute("PRAGMA temp_store=MEMORY")
