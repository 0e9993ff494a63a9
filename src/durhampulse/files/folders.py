"""Folders that appear whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from durhampulse.exceptions import OutputError
from durhampulse.files.export import is_running

__all__ = ["replacing_folder"]

_NEW, _FORMER = ".part", ".former"


@contextmanager
def replacing_folder(out: Path) -> Iterator[Path]:
    """Yield the path of a folder to make, which is moved to its place when all went well.

    A folder that stands there is gone only then. The one to make carries the process's number, so
    that the next run clears what a killed one has left.

    Raises
    ------
    OutputError
        If the system would not write it.
    """
    new = out.with_name(f".{out.name}.{os.getpid()}-{secrets.token_hex(4)}{_NEW}")
    try:
        _clear_left_over(out)
        yield new
        _move(new, out)
    except OSError as error:
        raise OutputError(
            f"{out}: {error.strerror or error}.", "Make room, or choose another folder."
        ) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _move(new: Path, out: Path) -> None:
    former = new.with_suffix(_FORMER)
    try:
        if out.exists():
            out.rename(former)
        new.rename(out)
    except BaseException:
        _put_back(former, out)
        raise
    shutil.rmtree(former, ignore_errors=True)


def _put_back(former: Path, out: Path) -> None:
    if former.exists() and not out.exists():
        former.rename(out)


def _clear_left_over(out: Path) -> None:
    """Remove what killed runs left; a folder that one of them was about to replace is put back."""
    mine = re.compile(re.escape(f".{out.name}.") + r"(\d+)-[0-9a-f]{8}\.(?:part|former)")
    for path in sorted(out.parent.iterdir()):
        match = mine.fullmatch(path.name)
        if match and os.name == "posix" and not is_running(int(match[1])):
            if path.suffix == _FORMER:
                _put_back(path, out)
            shutil.rmtree(path, ignore_errors=True)
