"""What one client may ask for, and how a process is hosted."""

from __future__ import annotations

from dataclasses import dataclass

from durhampulse.service.logs import LogFormat

__all__ = ["Hosting", "Limits"]


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """How a process is hosted, whatever it serves.

    Attributes
    ----------
    workers
        Processes that share the address.
    root_path
        Path under which a proxy shows it, such as ``/pulse``; empty for none.
    trusted_proxies
        Addresses or networks, with commas between, whose ``X-Forwarded-...`` headers are believed.
    log_format, log_level
        Form of the log's lines, and the least of their levels.
    """

    workers: int = 1
    root_path: str = ""
    trusted_proxies: str = "127.0.0.1"
    log_format: LogFormat = "text"
    log_level: str = "info"
