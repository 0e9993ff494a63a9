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

from durhampulse.desk.store.database import AWAY, Store

__all__ = ["remove_traces"]

_log = logging.getLogger("durhampulse")
_SMALL = 64 << 20
"""Bytes up to which a file is rewritten without a look: that takes about half a second."""


def remove_traces(store: Store, words: Sequence[str] | None = None) -> None:
    """Remove what deleted rows have left in the files of a SQLite store.

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
    if words is None or path.stat().st_size <= _SMALL or _holds(path, words):
        try:
            _rewrite(store)
        except (*AWAY, sqlite3.Error) as error:
            # What was erased is erased; parts of old pages wait for the next.
            _log.warning("The store could not be rewritten: %s", error.__cause__ or error)
        store.scrub()


def _holds(path: Path, words: Sequence[str]) -> bool:
    """Whether a file holds one of some words, as text, as searches fold it or as JSON."""
    forms = {form for word in words for form in (word, word.casefold(), json.dumps(word)[1:-1])}
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
