"""Errors of a system that has no room or no memory left, in words."""

from __future__ import annotations

import errno
from typing import Final

__all__ = ["DISK_ERRORS", "lacks_memory", "shortage"]

DISK_ERRORS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""What the system calls a disk that is full, over its quota, or fails."""


def shortage(error: BaseException) -> str:
    """Return what there is too little of, where that is what an error says; else empty.

    Examples
    --------
    >>> shortage(MemoryError()), shortage(ValueError())
    ('There is not enough memory.', '')
    """
    if lacks_memory(error):
        return "There is not enough memory."
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        return "The disk is full, or cannot be written."
    return ""


def lacks_memory(error: BaseException) -> bool:
    """Whether memory ran out.

    `exec` of Python 3.11 loses that error on the way, and Arrow passes Zstandard's on as its words.

    Examples
    --------
    >>> lacks_memory(OSError("ZSTD compression failed: Allocation error : not enough memory"))
    True
    """
    if isinstance(error, SystemError):
        return "without setting an exception" in str(error)
    if isinstance(error, OSError):
        return error.errno is None and "not enough memory" in str(error)
    return isinstance(error, MemoryError)
