"""Temporary folders."""

from __future__ import annotations

import tempfile

__all__ = ["scratch_folder"]


def scratch_folder(place: str | None = None) -> tempfile.TemporaryDirectory[str]:
    """Return a temporary folder; that it cannot be removed is no error of what was done in it.

    Parameters
    ----------
    place
        The folder to make it in; the usual one if not given.
    """
    return tempfile.TemporaryDirectory(prefix="durhampulse-", dir=place, ignore_cleanup_errors=True)
