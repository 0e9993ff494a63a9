"""The service as a process."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from durhampulse.exceptions import InputError
from durhampulse.service.keys import KeyRing
from durhampulse.service.settings import Limits

__all__ = ["is_loopback", "run"]

_SECONDS_TO_FINISH = 30


def run(
    model: Path, *, host: str, port: int, keys: Path | None = None, limits: Limits | None = None
) -> None:
    """Serve a model until told to stop; requests under way are finished first.

    Raises
    ------
    InputError
        If the address is public and there are no keys.
    ModelError
        If the folder holds no model that can be used.
    """
    if keys is None and not is_loopback(host):
        raise InputError(
            f"Anybody could use {host}:{port}, since no keys are asked for.",
            "Make some (durhampulse key add NAME --keys keys.json) and pass --keys keys.json.",
        )
    import uvicorn
    from uvicorn.config import LOGGING_CONFIG

    from durhampulse.service.app import create_app
    from durhampulse.service.connections import BoundedProtocol

    app = create_app(model, keys=KeyRing(keys) if keys else None, limits=limits)
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_config={
            **LOGGING_CONFIG,
            "loggers": {
                **LOGGING_CONFIG["loggers"],
                "durhampulse": {"handlers": ["default"], "level": "INFO", "propagate": False},
            },
        },
        log_level="info",
        access_log=False,
        server_header=False,
        http=BoundedProtocol,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
