"""The clock by which acts are dated and leases end."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["now"]


def now() -> datetime:
    """Return the moment it is, in UTC.

    Whoever calls it names the module, ``clock.now()``, so that a simulation can put another in its
    place.
    """
    return datetime.now(UTC)
