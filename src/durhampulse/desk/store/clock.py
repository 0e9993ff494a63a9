"""The clock by which acts are dated and leases end."""

from __future__ import annotations

from datetime import UTC, date, datetime

__all__ = ["day_text", "now", "today"]


def now() -> datetime:
    """Return the moment it is, in UTC.

    Whoever calls it names the module, ``clock.now()``, so that a simulation can put another in its
    place.
    """
    return datetime.now(UTC)


def today() -> date:
    """Return the day it is where the desk runs."""
    return now().astimezone().date()


def day_text(moment: date) -> str:
    """Return the day of a moment, in words.

    Examples
    --------
    >>> day_text(datetime(2026, 5, 2))
    '2 May 2026'
    """
    return f"{moment.day} {moment:%B %Y}"
