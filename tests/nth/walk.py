"""A walk through the calls of an act: each fails once, and what is left is looked at from outside."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import itertools
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.nth.failing import FAULTS, Fault, arm, calls, disarm

SECONDS = 60
DEFECT = 70
"""Exit code of an act that ended by an error nobody foresaw: sysexits.h, EX_SOFTWARE."""


@dataclass(kw_only=True)
class Act:
    """Something that is done to files.

    Attributes
    ----------
    prepare
        Puts what was there before into a new folder.
    ready
        What happens in the fork before any call fails; what it returns is passed to `run`.
    run
        Does it; returns an exit code. It happens in a fork, where calls fail.
    check
        Returns what is wrong afterwards, in words; asked outside of the fork.
    again
        Whether a run in which nothing fails follows always, or where something is left over. Where
        all is as it was before, or as it was after an earlier step, one of ten is followed.
    folder
        Where it always happens; a new folder each time if none.
    """

    prepare: Callable[[Path], object]
    run: Callable[[Path, Any], int]
    check: Callable[[Path, End], list[str]]
    ready: Callable[[Path], Any] = lambda _folder: None
    again: bool = False
    folder: Path | None = None


@dataclass(frozen=True, kw_only=True)
class End:
    """How a run ended.

    Attributes
    ----------
    code
        Exit code; negative for a signal.
    output, errors
        What it printed.
    calls
        How many calls of the kind it made.
    fault
        What failed; none in a run in which nothing did.
    """

    code: int
    output: str
    errors: str
    calls: int
    fault: Fault | None = None


@dataclass(kw_only=True)
class Step:
    """A run in which one call failed, and what was wrong after it."""

    fault: str
    n: int
    ended: str
    wrong: list[str] = field(default_factory=list)
    errors: str = ""


def forked(act: Act, folder: Path, fault: Fault | None = None, n: int = 0) -> End:
    """Run an act in a fork; fail its n-th call of a kind."""
    with tempfile.TemporaryDirectory(prefix="nth-end-") as apart:
        streams = [Path(apart, name) for name in ("output", "errors", "modules")]
        child = os.fork()
        if child == 0:
            _become(streams, folder)
            _run(act, folder, fault, n, streams[2])
        _, status = os.waitpid(child, 0)
        for path in streams:
            path.touch()
        output, errors, modules = (path.read_text("utf-8", "replace") for path in streams)
    if fault is None:
        _load(modules.split())
    code = os.waitstatus_to_exitcode(status)
    return End(code=code, output=output, errors=errors, calls=calls(), fault=fault)


def _become(streams: list[Path], folder: Path) -> None:
    for finalizer in [*weakref.finalize._registry]:  # the starter's own folders stay
        finalizer.atexit = False
    for number, path in enumerate(streams[:2], start=1):
        os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND), number)
    tempfile.tempdir = str(folder / "tmp")
    os.chdir(folder)
    signal.alarm(SECONDS)


def _load(modules: list[str]) -> None:
    """Load what an act has loaded, so that no later fork does."""
    for name in modules:
        if name not in sys.modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def _run(act: Act, folder: Path, fault: Fault | None, n: int, modules: Path) -> None:
    code: Any = DEFECT
    try:
        state = act.ready(folder)
        arm(fault, n, folder)
        code = act.run(folder, state)
    except SystemExit as error:
        code = error.code
    except BaseException:  # noqa: BLE001 - the end of the process
        traceback.print_exc()
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
        sys.stdout.flush()
    disarm()
    with contextlib.suppress(BaseException):
        sys.stderr.flush()
        modules.write_text(" ".join(sys.modules), "utf-8")
    os._exit(code if isinstance(code, int) else 1 if code else 0)


@contextlib.contextmanager
def prepared(act: Act) -> Iterator[Path]:
    """A folder with what was there before an act, and a place for temporary files in it."""
    folder = act.folder or Path(tempfile.mkdtemp(prefix="nth-"))
    folder.mkdir(exist_ok=True)
    (folder / "tmp").mkdir()
    try:
        act.prepare(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def count(act: Act) -> dict[str, int]:
    """How many calls of each kind an act makes when none fails."""
    with prepared(act) as folder:
        end = forked(act, folder)
        wrong = act.check(folder, end)
        assert end.code == 0, end.errors
        assert not wrong, wrong
        return {name: calls(fault.kinds) for name, fault in FAULTS.items()}


def step(act: Act, fault: Fault, n: int) -> Step | None:
    """Fail the n-th call of an act; none where it makes no such call."""
    with prepared(act) as folder:
        end = forked(act, folder, fault, n)
        if end.calls < n:
            return None
        wrong = act.check(folder, end)
        ended = getattr(act.check, "ended", "done" if end.code == 0 else "refused")
        again = act.again and not (getattr(act.check, "was_seen", False) and n % 10)
        if not wrong and (again or left_over(folder)):
            after = forked(act, folder)
            failed = [] if after.code == 0 else [f"it ends with {after.code}"]
            wrong = [f"next: {word}" for word in (*failed, *act.check(folder, after))]
            stays = {*left_over(folder)} if fault.name not in ("unlink", "read") else hidden(folder)
            wrong += [f"next: {name} is left over" for name in sorted(stays)]
    return Step(fault=fault.name, n=n, ended=ended, wrong=wrong, errors=end.errors[-4000:])


def say(**facts: object) -> None:
    """Print facts as a line of JSON."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def hidden(folder: Path) -> set[str]:
    """Names of files and folders that stand beside what they become."""
    return {path.name for path in folder.rglob(".*")}


def left_over(folder: Path) -> set[str]:
    """The same, and what is left of temporary folders."""
    return hidden(folder) | {path.name for path in (folder / "tmp").iterdir()}


def numbers(n: int, most: int) -> Iterable[int]:
    """Some of 1 to n, the first and the last among them; all, and on, where no more are asked."""
    if n <= most:
        return itertools.count(1)
    return sorted({1 + round(i * (n - 1) / max(most - 1, 1)) for i in range(most)})


def unclear(end: End) -> list[str]:
    """What is wrong about how a command ended: it succeeds, or says in one message why not."""
    if end.code == 0:
        return []
    wrong = []
    if end.code not in (1, 2):
        wrong.append(f"it ended with {end.code}")
    if "Traceback" in end.errors or "Exception ignored" in end.errors:
        wrong.append("a traceback")
    if end.errors.count("durhampulse: ") != 1:
        wrong.append("not one message")
    return wrong
