"""Uploaded files on the disk: taken whole or not at all, and cleared where nobody knows them."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from sqlalchemy import select

from durhampulse.desk.store.database import Store
from durhampulse.desk.store.space import RESERVE, delete_file, has_room, shortage_of
from durhampulse.desk.store.tables import outcome_file, upload
from durhampulse.exceptions import InputError

__all__ = ["clean_name", "clear_orphans", "uploaded"]

_WAITING = ("new", "checking", "checked", "applying")
_AGE = 15 * 60
"""Seconds after which a file that the store does not know is no upload under way."""
_NAME = re.compile(r"[0-9a-f]{24}(\.|$)")


@contextlib.contextmanager
def uploaded(folder: Path, stream: BinaryIO, suffix: str) -> Iterator[Path]:
    """Copy an upload into a folder; the file goes again where the context ends with an error.

    Parameters
    ----------
    folder
        Where uploads lie; made if need be, for the desk's user alone.
    stream
        What was sent.
    suffix
        Ending of the file's name.

    Raises
    ------
    InputError
        If it does not fit, or would leave less than the reserve.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if not has_room(folder, size):
        raise _no_room(size)
    path = folder / f"{secrets.token_hex(12)}{suffix}"  # never a name from outside
    try:
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as copy:  # noqa: PTH123 - with its rights from the start
            shutil.copyfileobj(stream, copy, 1 << 20)
        yield path
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError) and shortage_of(error):
            raise _no_room(size) from error
        raise


def _no_room(size: int) -> InputError:
    return InputError(
        f"The disk has no room for this file of {size / 1e6:,.1f} MB: "
        f"{RESERVE >> 20} MB are kept free beyond it.",
        "Nothing of it was kept. Free some space, then send it again.", "file",
    )  # fmt: skip


def clean_name(name: str) -> str:
    r"""Return the last part of a file's name, without unprintable characters.

    Examples
    --------
    >>> clean_name("../../etc/cron.d/x.csv"), clean_name("C:\\list\x07.csv")
    ('x.csv', 'list.csv')
    """
    last = PureWindowsPath(PurePosixPath(name).name).name
    return "".join(letter for letter in last if letter.isprintable())[-200:] or "unnamed"


def clear_orphans(store: Store, folder: Path) -> int:
    """Delete uploads in a folder that the store does not know; return how many.

    A process that was killed while it took a file leaves one, and so does a disk that did not
    delete one. What cannot be deleted now is logged and left. Files of other names stay.
    """
    with store.reading() as db:
        known = set(db.scalars(select(upload.c.path).where(upload.c.state.in_(_WAITING))))
        known |= set(db.scalars(select(outcome_file.c.path)))
    names = {Path(path).name for path in known}
    before, n = time.time() - _AGE, 0
    for path in folder.iterdir() if folder.is_dir() else ():
        ours = _NAME.match(path.name) and path.is_file() and path.name not in names
        if ours and path.stat().st_mtime < before:
            n += delete_file(path)
    return n
