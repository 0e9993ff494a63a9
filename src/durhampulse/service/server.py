"""The service as a process, or as several that share an address."""

from __future__ import annotations

import ipaddress
import multiprocessing
import os
import signal
import socket
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durhampulse.exceptions import InputError
from durhampulse.files.scratch import scratch_folder
from durhampulse.service.keys import KeyRing
from durhampulse.service.settings import Hosting, Limits

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

__all__ = [
    "end_with_parent", "is_loopback", "run", "serve", "serve_several", "server_config",
    "shared_folder",
]  # fmt: skip

_SECONDS_TO_FINISH = 30
_SHARED = "PROMETHEUS_MULTIPROC_DIR"


def run(
    model: Path, *, host: str, port: int, keys: Path | None = None, limits: Limits | None = None,
    hosting: Hosting | None = None,
) -> None:  # fmt: skip
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

    hosting = hosting or Hosting()
    make = partial(_application, model, keys, limits, hosting.root_path)
    app = make()  # also where others will serve: what is wrong is said before anything listens
    several = hosting.workers > 1
    config = server_config(
        make if several else app, hosting, factory=several, host=host, port=port,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )  # fmt: skip
    if several:
        serve_several(config)
    else:
        serve(uvicorn.Server(config))


def server_config(app: Any, hosting: Hosting, **options: Any) -> uvicorn.Config:
    """Return how uvicorn serves an application, or what makes one in each process.

    Parameters
    ----------
    app, hosting
        What to serve, and how it is hosted.
    options
        Others of uvicorn's.
    """
    import uvicorn

    from durhampulse.service.connections import BoundedProtocol
    from durhampulse.service.logs import log_config

    return uvicorn.Config(
        app,
        workers=hosting.workers,
        forwarded_allow_ips=hosting.trusted_proxies,
        log_config=log_config(hosting.log_format, hosting.log_level),
        access_log=False,  # the application's own names the request and no address
        server_header=False,
        http=BoundedProtocol,
        timeout_keep_alive=15,
        **options,
    )


def serve(server: uvicorn.Server, listening: list[socket.socket] | None = None) -> None:
    """Serve until a signal; return then, so that the caller can close what it holds.

    uvicorn raises the signal that stopped it once more after its shutdown, for the handlers that
    were there before: the usual ones would end the process at once.
    """

    def leave(*_: object) -> None:
        server.should_exit = True

    former = {kind: signal.signal(kind, leave) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run(sockets=listening)
    finally:
        for kind, handler in former.items():
            signal.signal(kind, handler)


def serve_several(config: uvicorn.Config, listening: socket.socket | None = None) -> None:
    """Serve by several processes until a signal; whichever dies is replaced.

    Each keeps its metrics in a file of a folder that all of them read, so that any of them answers
    for all. They end with the process that called this, however it ends.

    Parameters
    ----------
    config
        With a factory of the application, called in each.
    listening
        The socket they share; bound to the address of `config` if not given.
    """
    from uvicorn.supervisors import Multiprocess

    with scratch_folder() as folder:
        os.environ[_SHARED] = str(folder)
        Multiprocess(config, sockets=[listening or config.bind_socket()]).run()


def shared_folder() -> Path:
    """Return the folder that processes which serve together have in common, inside one of them."""
    return Path(os.environ[_SHARED])


def end_with_parent() -> None:
    """Let this process, of several, shut down as soon as the one that started it is gone."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _application(model: Path, keys: Path | None, limits: Limits | None, root_path: str) -> FastAPI:
    from durhampulse.service.app import create_app

    end_with_parent()
    ring = KeyRing(keys) if keys else None
    return create_app(model, keys=ring, limits=limits, root_path=root_path)


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
