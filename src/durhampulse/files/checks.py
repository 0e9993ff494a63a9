"""Paths that lead to a file which can be read."""

from __future__ import annotations

import os
from pathlib import Path

from durhampulse.exceptions import InputError
from durhampulse.files.formats import READABLE

__all__ = ["require_file", "require_local", "require_path"]

_STORES = ("s3", "gs", "gcs", "az", "abfs", "abfss", "hdfs")


def require_path(source: str | Path) -> Path:
    """Return a source as a path.

    Raises
    ------
    InputError
        If it is an address; the message says what can be done with one of its kind.
    """
    require_local(source)
    if isinstance(source, str) and "://" in source:
        raise InputError(
            f"{source.partition('://')[0]}://: a database is not read here.",
            "Export its rows as .csv or .parquet.",
        )
    return Path(source)


def require_local(source: str | Path) -> None:
    """Raise if a source is an address of a file, here or elsewhere."""
    scheme, _, rest = source.partition("://") if isinstance(source, str) else ("", "", "")
    kind = scheme.casefold() if rest else ""
    if kind == "file":
        raise InputError(f"{source}: a file is named by its path.", f"Write {rest or 'its path'}.")
    if kind in ("http", "https", "ftp"):
        raise InputError(
            f"{source}: tables are not fetched from the web, where they may change unnoticed.",
            f"Download the file and name it, or send it: curl -sL '{source}' | durhampulse ... -",
        )
    if kind in _STORES:
        raise InputError(
            f"{source}: not read from its store here.", "Copy the file to this machine."
        )


def require_file(path: Path) -> None:
    """Raise unless there is a file to read."""
    try:
        exists = path.exists()
    except OSError as error:
        raise InputError(f"{str(path)[:80]}: {error.strerror}.", "Check the path.") from error
    if not exists:
        raise InputError(f"{path}: no such file.", "Check the path.")
    if not path.is_file():
        raise InputError(f"{path}: not a file.", f"Name one file ({', '.join(READABLE)}).")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: no permission to read it.", "Ask its owner for access.")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name}: the file is empty.", "Export the table again.")
