"""Acts of a desk on SQLite: by its pages, and by its worker."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.testclient import TestClient

from durhampulse.desk import server
from durhampulse.desk.imports.undoing import ask_to_undo
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.store.database import Store
from durhampulse.desk.web.state import Desk
from durhampulse.exceptions import DurhamPulseError, InputError
from tests.nth.checks import Check
from tests.nth.failing import disarm
from tests.nth.files import command
from tests.nth.stages import (
    FILE,
    IDENTIFIER,
    IMPORT,
    NAME,
    NUMBER,
    OUTCOMES,
    PASSWORD,
    SHORTLIST,
    LaterClock,
    Running,
    Stages,
    asked_again,
    prepare_process,
)
from tests.nth.walk import Act, say

SECONDS = 20.0
LATEST = "select version from model order by added_at desc limit 1"
DECISION = {"decision": "approve", "reason": REASONS[0], "request_name": "a" * 12, "seen": "0"}
REFUSED = (OSError, MemoryError, SQLAlchemyError, DurhamPulseError)
"""What a page answers with words."""


def make_acts(apart: Path) -> dict[str, Callable[[], Act]]:
    """What makes each act of a desk, by name; the stores they begin from are made when needed."""
    prepare_process()
    stages = Stages(apart)
    return {
        "decide": lambda: _by_page(stages.demo, f"/creators/{NUMBER}/decide", DECISION),
        "upload": lambda: _by_page(stages.demo, "/imports", files={"file": ("new.csv", FILE)}),
        "check": lambda: _by_worker(
            stages.checking, {"upload", "staged", "refused"},
            again=asked_again("checking", "new")),
        "apply": lambda: _by_worker(
            stages.applying, {"upload"},
            again=asked_again("applying", "checked")),
        "undo": lambda: _by_worker(
            stages.undoing, {"upload", "act"},
            again=lambda store: ask_to_undo(store, IMPORT, NAME)),
        "bulk": lambda: _by_worker(
            stages.bulk, {"bulk", "act", "review", "creator", "claim"}),
        "activate": lambda: _by_worker(stages.two, {"run", "score"}, activates=True),
        "erase": lambda: _by_page(stages.demo, f"/creators/{NUMBER}/erase", {"confirm": IDENTIFIER},
                                  gone=IDENTIFIER),
        "outcomes": lambda: _by_page(stages.demo, "/outcomes", {"on": "2026-01-31"},
                                     files={"file": ("won.csv", OUTCOMES)}),
        "record": lambda: _by_page(stages.outcomes, "/outcomes/files/1/record"),
        "sign-in": lambda: _by_page(stages.demo, "/sign-in", {"name": NAME, "password": PASSWORD}),
        "start": lambda: _starting(stages.orphaned),
    }  # fmt: skip


def _reads(client: TestClient) -> int:
    try:
        return int(client.get(SHORTLIST).status_code)
    except MemoryError:  # the client's own, which is in this process
        return 503


def _told(desk: Desk, client: TestClient, **more: object) -> None:
    """Print what became of an act, and whether the desk goes on: now, and without faults."""
    reads = _reads(client)
    disarm()
    more |= {"reads": reads, "reads after": client.get(SHORTLIST).status_code}
    answer = client.post("/sign-in", data={"name": NAME, "password": PASSWORD})
    say(**more, **{"signs in after": answer.status_code})
    desk.store.engine.dispose()


def _by_page(
    stage: Path, path: str, form: Mapping[str, str] = MappingProxyType({}),
    *, files: Any = None, gone: str = "",
) -> Act:  # fmt: skip
    """An act by a form, after which a word may stand in no file."""
    check = Check(stage, gone=gone)

    def run(_folder: Path, state: Running) -> int:
        if check.is_done:
            say(done=True)
            return 0
        desk, client, csrf = state
        answer = client.post(path, data={**form, "csrf": csrf}, files=files)
        _told(desk, client, status=answer.status_code, done=answer.status_code in (200, 303))
        return 0

    return Act(prepare=check.prepare, ready=check.ready, run=run, check=check, again=True,
               folder=check.folder)  # fmt: skip


class _Turns(threading.Event):
    """What wakes a worker: at once, but a minute later by its clock.

    Attributes
    ----------
    taken
        Set when the worker has waited three times, so that it has tried again what failed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.taken = threading.Event()
        self._n = 0

    def wait(self, timeout: float | None = None) -> bool:
        """Wait a moment, whatever the timeout."""
        self._n += 1
        if self._n >= 3:
            self.taken.set()
        LaterClock.pass_a_minute()
        return super().wait(min(timeout or 0.01, 0.01))


def _settled(desk: Desk) -> bool:
    with desk.store.reading() as db:
        waits = db.execute(text(
            "select 1 from upload where state in ('checking', 'applying', 'undoing') union all "
            "select 1 from bulk where state in ('waiting', 'working')"
        )).first()  # fmt: skip
    activation = desk.worker.activation
    return waits is None and (activation is None or not activation.under_way)


def _wait(desk: Desk, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(Exception):
            if _settled(desk):
                return True
        time.sleep(0.02)
    return False


def _by_worker(
    stage: Path,
    steps: AbstractSet[str],
    *,
    again: Callable[[Store], object] | None = None,
    activates: bool = False,
) -> Act:
    """An act of the worker's thread.

    Parameters
    ----------
    stage
        The desk that it begins with.
    steps
        Tables that it may have changed when it comes to no end.
    again
        How it is asked for once more, where it was given up.
    activates
        Whether it is the activation of the second model.
    """
    check = Check(stage, steps)

    def ready(folder: Path) -> Running | None:
        state = check.ready(folder)
        if again and state and not check.is_first:
            with contextlib.suppress(InputError):  # it goes on by itself
                again(state[0].store)
        if state:
            state[0].worker._wake = _Turns()
        return state

    def run(_folder: Path, state: Running) -> int:
        if check.is_done:
            say(done=True)
            return 0
        desk, client, _ = state
        turns = desk.worker._wake
        if activates:
            with contextlib.suppress(*REFUSED), desk.store.reading() as db:
                desk.worker.activate(str(db.scalar(text(LATEST))), NAME)
        desk.worker.start()
        turns.taken.wait(SECONDS)
        reads = _reads(client)
        disarm()
        came_to_an_end = _wait(desk, SECONDS)
        lives = desk.worker._thread is not None and desk.worker._thread.is_alive()
        desk.worker.stop()
        began = not activates or desk.worker.activation is not None
        done = began and came_to_an_end and not _problem(desk)
        _told(desk, client, reads=reads, done=done, **{"worker lives": lives and came_to_an_end})
        return 0

    return Act(prepare=check.prepare, ready=ready, run=run, check=check,
               again=again is not None or activates, folder=check.folder)  # fmt: skip


def _problem(desk: Desk) -> str:
    activation = desk.worker.activation
    with desk.store.reading() as db:
        problems = [*db.scalars(text("select problem from upload where problem is not null"))]
        problems += [*db.scalars(text("select problem from bulk where problem is not null"))]
    return " ".join([*problems, activation.problem if activation else ""]).strip()


def _starting(stage: Path) -> Act:
    """A desk that is opened."""
    check = Check(stage, runs=False)

    def run(folder: Path, _: object) -> int:
        server.serve = lambda *_: None
        code: object = 0
        try:
            command("desk", "--store", f"sqlite:///{folder / 'desk.db'}", "--port", 0)
        except SystemExit as error:
            code = error.code
        disarm()
        say(done=not code, exit=code)
        return 0

    return Act(prepare=check.prepare, run=run, check=check, folder=check.folder)
