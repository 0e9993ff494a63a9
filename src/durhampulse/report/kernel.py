"""A notebook executed in a process of its own, which this Python starts and talks to."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durhampulse import exceptions
from durhampulse.exceptions import CannotJudgeError, DurhamPulseError, OutputError
from durhampulse.files.scratch import scratch_folder

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["execute"]

_LONGEST_SOCKET = 100
"""Bytes in the name of a Unix socket: systems take 104 to 108, the last of them a zero."""


def execute(notebook: NotebookNode, folder: Path, *, on_cell: Callable[[int], object]) -> None:
    """Execute a notebook in place, from top to bottom.

    Parameters
    ----------
    notebook
        Outputs are written into its cells.
    folder
        Where its cells read and write.
    on_cell
        Called with a cell's place before the cell is executed.

    Raises
    ------
    DurhamPulseError
        The error that a cell raised, where it is one of this package.
    CannotJudgeError
        If the kernel ended by itself.
    KeyboardInterrupt
        If this process is interrupted; the kernel is ended first.
    """
    from jupyter_core.utils import run_sync
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    with scratch_folder(_short_folder()) as sockets:
        client = _make_client(notebook, folder, sockets, on_cell)
        try:
            run_sync(client.async_execute)()
        except (Exception, asyncio.CancelledError) as error:
            if client.interrupted:
                raise KeyboardInterrupt from None
            if isinstance(error, CellExecutionError):
                raise _as_raised(error) from None
            if isinstance(error, DeadKernelError):
                raise CannotJudgeError(
                    "The notebook's process was ended from outside, most often for want of memory.",
                    "Study fewer rows, or use a machine with more memory.",
                ) from error
            raise


def _make_client(
    notebook: NotebookNode, folder: Path, sockets: str, on_cell: Callable[[int], object]
) -> Any:
    return _client_class()(
        notebook,
        config=_channel_config(sockets),
        kernel_manager_class=_kernel_class(),
        kernel_name="python3",
        timeout=None,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=lambda cell, cell_index: on_cell(cell_index),  # noqa: ARG005 - nbclient's
    )


def _kernel_class() -> Any:
    """Return a kernel that is this Python, whatever kernels of its name are installed elsewhere."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from traitlets import default

    class OwnPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            return KernelSpec(
                argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                display_name="Python 3",
                language="python",
                name=kernel_name,
            )

    class OwnKernel(AsyncKernelManager):
        @default("kernel_spec_manager")
        def _own_spec(self) -> KernelSpecManager:
            return OwnPython(parent=self)

    return OwnKernel


def _client_class() -> Any:
    """Return a client that signals interrupt as a whole, rather than its kernel alone."""
    from nbclient import NotebookClient

    class Client(NotebookClient):  # type: ignore[misc]  # comes without types
        interrupted = False

        async def async_start_new_kernel(self, **keywords: Any) -> None:
            loop, task = asyncio.get_running_loop(), asyncio.current_task()

            def interrupt() -> None:
                self.interrupted = True
                self.shutdown_kernel = "immediate"  # it need not be told first
                if task is not None:
                    task.cancel()

            # Not in every thread and on every system; there the defaults hold.
            with suppress(RuntimeError, ValueError):
                loop.add_signal_handler(signal.SIGINT, interrupt)
                loop.add_signal_handler(signal.SIGTERM, interrupt)
            await super().async_start_new_kernel(**keywords)

    return Client


def _socket(folder: str | Path) -> str:
    return f"{folder}/kernel"


def _short_folder() -> str | None:
    """Return a folder whose sockets have names short enough; None for the usual one."""
    usual = Path(tempfile.gettempdir(), "durhampulse-xxxxxxxx")
    short = "/tmp"  # noqa: S108 - a new folder of a random name is made in it
    return None if _fits(usual) or not os.access(short, os.W_OK) else short


def _fits(folder: str | Path) -> bool:
    return len(os.fsencode(f"{_socket(folder)}-00")) <= _LONGEST_SOCKET


def _channel_config(sockets: str) -> Any:
    """Return how to talk to the kernel: through files where that works, so no port is opened."""
    from traitlets.config import Config

    if sys.platform == "win32" or not _fits(sockets):
        return Config()
    return Config(KernelManager={"transport": "ipc", "ip": _socket(sockets)})


def _as_raised(error: Any) -> Exception:
    """Return the deliberate error a cell raised; any other one is a defect and stays whole."""
    kind = getattr(exceptions, str(error.ename), None)
    if isinstance(kind, type) and issubclass(kind, DurhamPulseError):
        problem, _, way_out = str(error.evalue).partition("\n")
        return kind(problem, way_out)
    if str(error.ename) in ("OSError", "PermissionError"):
        return OutputError(
            f"The study folder: {error.evalue}.", "Make room, or choose another --out."
        )
    return RuntimeError(str(error))
