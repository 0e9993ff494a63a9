"""What one client may ask for."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """What one client may ask for.

    Attributes
    ----------
    body
        Largest request body, in bytes.
    seconds
        Longest time from a request's head to its answer.
    rate
        Requests a second for each key, or address where there are no keys; twice as many in a
        burst. 0 for no limit.
    work
        Seconds of a processor that scores and reasons may take of each second, for each key or
        address; 20 times as much in a burst. 0 for no limit.
    hsts
        Whether browsers are told to come by TLS alone; for a service behind a proxy that ends it.
    """

    body: int = 8 << 20
    seconds: float = 30.0
    rate: float = 2_000.0
    work: float = 0.8
    hsts: bool = False
