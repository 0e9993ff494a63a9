"""SQLite's file, and its log: made, folded into the file, emptied."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from durhampulse.exceptions import InputError

__all__ = ["empty", "fold", "is_long", "make_file", "require_file", "tune"]

_log = logging.getLogger("durhampulse")
_LONG = 256 * 2**20
"""Bytes of a log that is long."""
_FOLDED_AT = 1_000
"""Pages of a log at which a commit folds it into the file; SQLite's default."""
_NORMAL = 1
"""SQLite's number of the level at which a commit does not wait for the disk."""


def make_file(path: Path) -> None:
    """Make a file that only the desk's user can read, where there is none; so is its log then."""
    if str(path).startswith((":", "file:")):  # in memory, or an address of SQLite's own
        return
    with contextlib.suppress(OSError):  # SQLite says what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def require_file(path: Path) -> None:
    """Raise :class:`InputError` if there is no such file."""
    if not path.exists():
        raise InputError(f"{path}: no such file.", "Name the desk's store: --store sqlite:///FILE.")


def tune(connection: Connection, *, durable: bool, is_folded: bool) -> None:
    """Set what the next commit waits for, before its transaction begins.

    Parameters
    ----------
    durable
        Whether it waits for the disk, at the level ``info["full"]``.
    is_folded
        Whether it folds in a log that has become long.
    """
    full = connection.info["full"]
    level = full if durable else min(full, _NORMAL)
    wanted = {"synchronous": level, "wal_autocheckpoint": _FOLDED_AT if is_folded else 0}
    in_force = connection.info.setdefault(
        "tuned", {"synchronous": full, "wal_autocheckpoint": _FOLDED_AT}
    )
    for name, value in wanted.items():
        if in_force.get(name) != value:
            connection.exec_driver_sql(f"PRAGMA {name}={value}")
            in_force[name] = value


def is_long(engine: Engine) -> bool:
    """Whether the log has become long."""
    log = Path(f"{engine.url.database}-wal")
    return log.exists() and log.stat().st_size > _LONG


def fold(engine: Engine) -> None:
    """Fold the log into the file, as far as nobody reads an older state; nobody waits for it."""
    try:
        with contextlib.closing(engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
    except (DBAPIError, sqlite3.Error) as error:
        _log.warning("The store's log was not folded into its file: %s", error)


def empty(engine: Engine) -> bool:
    """Fold the log into the file and empty it; return whether nothing is left in it."""
    with contextlib.closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=2000")
        try:
            busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            cursor.execute("PRAGMA busy_timeout=60000")
    return not busy
