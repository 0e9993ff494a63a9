"""The error of whatever is asked for by a number, and is not in the store."""

from __future__ import annotations

from durhampulse.exceptions import InputError

__all__ = ["MissingError"]


class MissingError(InputError):
    """There is nothing of a number: it was deleted, or never was."""
