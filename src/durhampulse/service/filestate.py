"""Whether a file that is watched has changed."""

from __future__ import annotations

from pathlib import Path

__all__ = ["FileState", "file_state"]

FileState = tuple[int, int, int]
"""What changes whenever a file is written or replaced: its number, time and size."""


def file_state(path: Path) -> FileState | None:
    """Return the state of a file; None without one, as between two that replace each other."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
