"""The library that fails calls: built by the C compiler that is here, armed from Python."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("failing.c")
LEAST = 1 << 16
"""Bytes from which an allocation is a large one."""


@dataclass(frozen=True)
class Fault:
    """A kind of call that fails.

    Attributes
    ----------
    name
        What it is called in results.
    kinds
        The kinds of calls, as bits of failing.c.
    error
        What errno says.
    stays
        Whether all later calls fail too, as on a disk that is full.
    """

    name: str
    kinds: int
    error: int
    stays: bool = False


WRITE, SYNC, OPEN, RENAME, UNLINK, TRUNCATE, READ, ALLOCATE = (1 << bit for bit in range(8))
FAULTS = {
    fault.name: fault
    for fault in (
        Fault("full", WRITE | OPEN, errno.ENOSPC, stays=True),
        Fault("write", WRITE, errno.EIO),
        Fault("sync", SYNC, errno.EIO),
        Fault("open", OPEN, errno.EIO),
        Fault("rename", RENAME, errno.EIO),
        Fault("unlink", UNLINK, errno.EIO),
        Fault("truncate", TRUNCATE, errno.EIO),
        Fault("read", READ, errno.EIO),
        Fault("memory", ALLOCATE, errno.ENOMEM),
    )
}


UNTOUCHED = "untouched"
"""How a run ended that makes fewer calls than the n of which the last was to fail."""


def obstacle() -> str:
    """Why the library cannot be used here; empty where it can."""
    if sys.platform != "linux":
        return "calls are failed by a library for Linux"
    if not os.confstr("CS_GNU_LIBC_VERSION"):
        return "the C library is not glibc"
    return "" if shutil.which("cc") else "there is no C compiler"


def build(folder: Path) -> Path:
    """The library, compiled into a folder."""
    path = folder / "failing.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-w", "-o", path, SOURCE, "-ldl"], check=True)
    return path


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(os.environ["LD_PRELOAD"])
    library.nth_count.restype = ctypes.c_long
    library.nth_arm.argtypes = [
        ctypes.c_int, ctypes.c_long, ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t,
    ]  # fmt: skip
    return library


def arm(fault: Fault | None, n: int, below: Path) -> None:
    """Fail the n-th call of a kind, of those below a folder; without a fault all are counted."""
    fault = fault or Fault("none", 255, 0)
    _library().nth_arm(fault.kinds, n, fault.error, fault.stays, os.fsencode(below), LEAST)


def disarm() -> None:
    """Fail nothing any more."""
    _library().nth_disarm()


@contextlib.contextmanager
def sparing_memory() -> Iterator[None]:
    """Fail no allocation meanwhile."""
    _library().nth_spare(1)
    try:
        yield
    finally:
        _library().nth_spare(0)


def calls(kinds: int = 255) -> int:
    """How many calls were counted since the library was last armed, here or in the fork."""
    return int(_library().nth_count(kinds))


def walk(
    library: Path,
    group: str,
    acts: str = "all",
    faults: str = ",".join(FAULTS),
    most: int = 1_000_000,
    done: Path | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield how many calls acts make, and what became of each of those that failed.

    Parameters
    ----------
    library
        As built.
    group
        Module of the acts.
    acts, faults
        Their names, parted by commas.
    most
        How many calls of an act fail for each kind of fault, the first and the last among them.
    done
        A table of what was done in earlier runs: columns ``act, fault, n``.
    """
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.nth", group, acts, faults, str(most),
         str(done or "")],
        env={**os.environ, "LD_PRELOAD": str(library), "PYTHONDONTWRITEBYTECODE": "1",
             "OPENBLAS_NUM_THREADS": "1",  # as the command line has it
             "ARROW_DEFAULT_MEMORY_POOL": "system"},  # so that Arrow's memory fails too
        stdout=subprocess.PIPE, text=True, cwd=SOURCE.parents[2],
    ) as program:  # fmt: skip
        assert program.stdout is not None
        yield from map(json.loads, program.stdout)
    assert program.returncode == 0, f"tests.nth ended with {program.returncode}"


def require_whole(lines: list[dict[str, Any]], acts: str) -> None:
    """Every act was reached by faults, and nothing was wrong after any of them."""
    assert {line["act"] for line in lines if line.get("calls")} == {*acts.split(",")}
    wrong = [line for line in lines if line.get("wrong")]
    assert not wrong, wrong[:3]
    failed = [line for line in lines if "n" in line and line["ended"] != UNTOUCHED]
    assert len(failed) > 2 * len(acts.split(","))
