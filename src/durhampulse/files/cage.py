"""A cage for foreign files: they are read by a process of their own, which may little.

The process gives back cells as Arrow's record batches and everything else as JSON; nothing that it
says is run. It has a bound on memory, on processor time and on the time of each answer, can change
no file and connect to nobody (:mod:`durhampulse.files.syscalls`), and sees none of the
environment's secrets. What a file does to its reader ends that process
and is one clear error here.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any, Self, cast

import pyarrow as pa

from durhampulse.exceptions import InputError
from durhampulse.files.chunks import Chunk, Stream, StreamOptions
from durhampulse.irregularities import Ledger

__all__ = ["Cage", "CagedStream"]

_ANSWER_SECONDS = 300.0
"""Seconds for one answer; the slowest is a workbook of a million rows."""
_PROGRAM = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from durhampulse.deferred import pandas_hidden
with pandas_hidden():
    from durhampulse.files.caged import main
    main()
"""
_KEPT = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
"""Environment variables that the process is given: no password and no key is among them."""
_SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
"""What the process is told. Arrow's own pool gives pages back to the system after each chunk, and
fetching them anew takes as long as reading Parquet."""
_PIPE_BYTES = 1 << 20
"""The most that Linux lets a process have without privileges."""
_WAY_OUT = "Save the table anew, as a plain .csv of the columns that matter."
_ENDS = {
    "SIGXCPU": "reading it takes more processor time than one should",
    "SIGKILL": "its reader was stopped, as where memory runs out",
}
"""Signal that ended the process to what that means."""


class Cage:
    """A process that reads foreign files; it starts with the first of them.

    Use it as a context manager: the process ends with the context.

    Parameters
    ----------
    timeout
        Seconds for one answer.
    """

    def __init__(self, *, timeout: float = _ANSWER_SECONDS) -> None:
        self._timeout = timeout
        self._child: subprocess.Popen[bytes] | None = None
        self._watchdog: _Watchdog | None = None
        self._opened = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the process, which loads what it needs while others do what they have to."""
        if self._child is None:
            self._child = _start()
            self._watchdog = _Watchdog(self._child, self._timeout)
            self._watchdog.start()

    def close(self) -> None:
        """End the process, whatever it is at."""
        child, self._child = self._child, None
        if self._watchdog is not None:
            self._watchdog.end()
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()

    def open(self, path: Path, options: StreamOptions) -> tuple[int, dict[str, Any]]:
        """Open a file in the cage; return its number there, and what it says of itself."""
        self._opened += 1
        place = str(path.absolute())
        about, _ = self.ask(options.name or path.name, "open", self._opened, place, options)
        return self._opened, about

    def sheets(self, path: Path) -> list[str]:
        """Return the names of a workbook's sheets; none of an archive of a table."""
        if path.suffix.lower() == ".zip":
            return []
        answer, _ = self.ask(path.name, "sheets", 0, str(path.absolute()))
        return [str(name) for name in answer["sheets"]]

    def few_rows(self, blob: bytes, numeric: Collection[str], others: Collection[str]) -> pa.Table:
        """Return columns of a small file, as :func:`durhampulse.files.fewrows.read_few` does."""
        _, cells = self.ask("training rows", "rows", 0, blob, [*numeric], [*others])
        with pa.ipc.open_stream(cells) as reader:
            table = reader.read_all()
        table.validate(full=True)
        return table

    def ask(self, name: str, *request: object) -> tuple[dict[str, Any], pa.Buffer]:
        """Send a request; return the answer, and the bytes that came with it.

        Parameters
        ----------
        name
            The file's, for messages.
        request
            What :mod:`durhampulse.files.caged` is to do.

        Raises
        ------
        InputError
            What the reader says of the file, or that it ended over it.
        """
        self.start()
        running = self._child, self._watchdog
        child, watchdog = cast("tuple[subprocess.Popen[bytes], _Watchdog]", running)
        try:
            with watchdog.answer():
                _send(child, pickle.dumps(request))
                words, size = struct.unpack("<QQ", _receive(child, 16))
                answer = json.loads(_receive(child, words).to_pybytes())
                cells = _receive(child, size)
        except (OSError, EOFError, ValueError, OverflowError, MemoryError) as error:
            why = f"reading it takes more than {self._timeout:,.0f} seconds"
            why = why if watchdog.late else _why_ended(child)
            self.close()
            raise InputError(f"{name}: {why}.", _WAY_OUT) from error
        if "problem" in answer:
            raise InputError(str(answer["problem"]), str(answer["way_out"]))
        if "too_large" in answer:
            raise InputError(f"{name}: reading it takes more memory than one should.", _WAY_OUT)
        return answer, cells


def _start() -> subprocess.Popen[bytes]:
    """Return the process; it imports from where this one does."""
    paths = [os.path.abspath(path) for path in sys.path]  # noqa: PTH100 - the empty one too
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    child = subprocess.Popen(  # noqa: S603 - this Python, and a constant
        [sys.executable, "-I", "-c", _PROGRAM, json.dumps(paths)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**environment, **_SETTINGS},
        bufsize=0,
    )
    _widen(child)
    return child


def _widen(child: subprocess.Popen[bytes]) -> None:
    """Let more of an answer wait in the pipe, where the system can: 16 times fewer turns."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(cast("FileIO", child.stdout).fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


class _Watchdog(threading.Thread):
    """Ends the process if an answer is late.

    One thread for all answers: starting one for each costs turns of both cores while others score.
    """

    def __init__(self, child: subprocess.Popen[bytes], timeout: float) -> None:
        super().__init__(daemon=True)
        self._child, self._timeout = child, timeout
        self._due: float | None = None
        self._over = threading.Event()
        self.late = False

    @contextmanager
    def answer(self) -> Iterator[None]:
        """Wait for an answer within the context; one that is late ends the child."""
        self._due = time.monotonic() + self._timeout
        try:
            yield
        finally:
            self._due = None

    def run(self) -> None:
        """Look when the answer that was awaited at the last look is due."""
        wait = self._timeout
        while not self._over.wait(wait):
            due = self._due
            wait = self._timeout if due is None else due - time.monotonic()
            if wait <= 0:
                self.late = True
                self._child.kill()
                return

    def end(self) -> None:
        """Look no more."""
        self._over.set()


def _send(child: subprocess.Popen[bytes], blob: bytes) -> None:
    assert child.stdin is not None  # noqa: S101 - for the type checker
    view = memoryview(len(blob).to_bytes(8, "little") + blob)
    while view:
        view = view[child.stdin.write(view) :]


def _receive(child: subprocess.Popen[bytes], size: int) -> pa.Buffer:
    """Return so many bytes of an answer, as they come, in memory that is not filled before."""
    blob, at = pa.allocate_buffer(size), 0
    pipe, view = cast("FileIO", child.stdout), memoryview(blob)
    while at < size:
        n = pipe.readinto(view[at:])
        if not n:
            raise EOFError
        at += n
    return blob


def _why_ended(child: subprocess.Popen[bytes]) -> str:
    """Return why the process ended, as far as its end tells."""
    try:
        code = child.wait(timeout=10)
        name = signal.Signals(-code).name
    except (subprocess.TimeoutExpired, ValueError):
        name = ""
    return _ENDS.get(name, "its reader failed over it")


class CagedStream(Stream):
    """A file that is read in a cage, chunk by chunk.

    Each chunk is validated in full before it is used.
    """

    def __init__(self, cage: Cage, path: Path, options: StreamOptions) -> None:
        super().__init__(path, options)
        self._cage = cage
        self._number, about = cage.open(path, options)
        self.headers = [str(header) for header in about["headers"]]
        self.unnamed = frozenset(map(str, about["unnamed"]))
        self.n_rows = about["n_rows"]
        self.ledger = Ledger(about["entries"])
        self._noted = self.ledger

    def noted(self) -> Ledger:
        """Return what was odd about the file and its rows, except blank ones."""
        return Ledger([*self.around.entries, *self._noted.entries])

    def types(self, headers: Sequence[str]) -> list[pa.DataType]:
        """Return the types of some columns."""
        _, blob = self._cage.ask(self.name, "types", self._number, [*headers])
        return list(pa.ipc.read_schema(blob).types)

    def chunks(self, headers: Sequence[str]) -> Iterator[Chunk]:
        """Yield some columns, chunk by chunk, without the rows that are blank in all columns."""
        self._cage.ask(self.name, "chunks", self._number, [*headers])
        while True:
            answer, blob = self._cage.ask(self.name, "next", self._number)
            if answer["end"]:
                break
            yield self._chunk(answer, blob, headers)
        self.blank = [int(row) for row in answer["blank"]]
        self._noted = Ledger(answer["entries"])

    def _chunk(self, answer: dict[str, Any], blob: pa.Buffer, headers: Sequence[str]) -> Chunk:
        try:
            with pa.ipc.open_stream(blob) as reader:
                batch = reader.read_next_batch()
            batch.validate(full=True)
            rows, *cells = batch.columns
            return Chunk(
                rows.to_numpy(),
                dict(zip(headers, cells, strict=True)),
                [(int(row), str(why)) for row, why in answer["misshapen"]],
                float(answer["done"]),
            )
        except (pa.ArrowException, ValueError) as error:
            raise InputError(f"{self.name}: its reader failed over it.", _WAY_OUT) from error
