"""Errors of a system that has no room or no memory left, in words."""

from __future__ import annotations

import errno
from typing import Final

__all__ = ["DISK_ERRORS", "shortage"]

DISK_ERRORS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""What the system calls a disk that is full, over its quota, or fails."""


def shortage(error: BaseException) -> str:
    """Return what there is too little of, where that is what an error says; else empty.

    Examples
    --------
    >>> shortage(MemoryError()), shortage(ValueError())
    ('There is not enough memory.', '')
    """
    if isinstance(error, MemoryError) or _lost_on_the_way(error):
        return "There is not enough memory."
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        return "The disk is full, or cannot be written."
    return ""


def _lost_on_the_way(error: BaseException) -> bool:
    """Whether Python lacked memory but lost that error, as `exec` of Python 3.11 does."""
    return isinstance(error, SystemError) and "without setting an exception" in str(error)
