"""Room on the disk: what is kept free, and errors where there is none, nor any memory."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from durhampulse.files.shortage import DISK_ERRORS, shortage

__all__ = ["RESERVE", "delete_file", "has_room", "is_writable", "shortage_of"]

_log = logging.getLogger("durhampulse")

RESERVE: Final = 64 << 20
"""Bytes that an upload must leave free, for decisions, sign-ins and its own check."""
_SQLITE_ERRORS = (10, 13)  # SQLITE_IOERR, SQLITE_FULL: sqlite.org/rescode.html
_POSTGRESQL_ERRORS = ("53100", "58030")  # disk_full, io_error: appendix A of its manual


def has_room(folder: Path, size: int = 0) -> bool:
    """Whether a file of a size fits into a folder and leaves the reserve free."""
    return shutil.disk_usage(folder).free - size >= RESERVE


def is_writable(folder: Path) -> bool:
    """Whether so much of the reserve is left that decisions can be stored."""
    return shutil.disk_usage(folder).free >= RESERVE // 16


def delete_file(path: str | Path) -> bool:
    """Delete a file that the store names no more; return whether it is gone.

    One that stays is logged, and cleared with the orphans.
    """
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        _log.warning("A file could not be deleted: %s", error)
        return False
    return True


def shortage_of(error: BaseException) -> str:
    """Return in words that disk or memory ran out, where that is what an error says; else empty.

    SQLAlchemy calls that an OperationalError, as it does a database that is away for a moment.
    """
    cause = (error.orig if isinstance(error, DBAPIError) else None) or error
    at_fault = (
        getattr(cause, "sqlite_errorcode", 0) & 0xFF in _SQLITE_ERRORS  # without its extension
        or getattr(cause, "sqlstate", None) in _POSTGRESQL_ERRORS
    )
    return shortage(OSError(DISK_ERRORS[0], "") if at_fault else cause)
