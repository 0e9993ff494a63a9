"""Two processes of a desk on one database, the people who use it, and one seed for all of it."""

from __future__ import annotations

import contextlib
import logging
import random
import shutil
import sqlite3
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from unittest import mock

from sqlalchemy import select

from durhampulse.desk.imports import worker as workers
from durhampulse.desk.models.catalogue import Catalogue
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.people import erasure
from durhampulse.desk.store import clock, engines, pace
from durhampulse.desk.store.chain import verify
from durhampulse.desk.store.database import Store, open_store
from durhampulse.desk.store.tables import person
from tests.desk.simulation import actors
from tests.desk.simulation.faults import Faults, attach, failure
from tests.desk.simulation.observer import Observer, Violation, require
from tests.desk.simulation.scheduler import Killed, Lock, Scheduler
from tests.desk.simulation.template import make_template
from tests.desk.simulation.transitions import Checker, Op

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
STEP = 4  # rows of a step of work on many


@dataclass(eq=False)
class Process:
    """A server: its store, its models, its worker.

    Attributes
    ----------
    kills
        How often it was killed.
    """

    name: str
    store: Store
    catalogue: Catalogue
    worker: workers.Worker | None = None
    kills: int = 0


class World:
    """A store's file, from which any seed can begin; to be closed."""

    def __init__(self, folder: Path) -> None:
        self._stack = contextlib.ExitStack()
        self.template, self.path = folder / "template.db", folder / "desk.db"
        with mock.patch.object(clock, "now", return_value=datetime(2026, 1, 1, tzinfo=UTC)):
            make_template(f"sqlite:///{self.template}", folder)
        self._patch()
        shutil.copy(self.template, self.path)
        self.processes = []
        for name in ("one", "two"):
            store = open_store(f"sqlite:///{self.path}")
            self.processes.append(Process(name, store, Catalogue(store)))
        for process in self.processes:  # models are read before any lock
            with process.store.reading() as db:
                for version in (actors.OTHER, process.catalogue.current(db).version):
                    process.catalogue.scorer(db, version)

    def _patch(self) -> None:
        pragmas = (*engines._PRAGMAS, "synchronous=OFF", "busy_timeout=0")
        for where, what, value in (
            (engines, "_PRAGMAS", pragmas),
            (pace, "_FIRST", STEP), (pace, "_LEAST", STEP), (pace, "_MOST", STEP), (pace, "_PAUSE", 0),
            (erasure, "files_holding", lambda *_: []),  # files are read by processes of their own
            (erasure, "remove_traces", lambda *_: None),  # works beside SQLAlchemy, on the file
            (workers, "remove_waiting_traces", lambda *_: None),
            (workers, "check", actors.check_again),
            (Rules, "of", cache(Rules.of)),  # the same in all seeds
        ):  # fmt: skip
            self._stack.enter_context(mock.patch.object(where, what, value))

    def run(self, seed: int) -> Simulation:
        """Live through a seed; give what happened.

        Raises
        ------
        Violation
            If a promise was broken; its text begins with the seed.
        """
        for process in self.processes:
            process.store.engine.dispose()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        shutil.copy(self.template, self.path)
        simulation = Simulation(self, seed)
        try:
            simulation.run()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            raise Violation(f"seed {seed}: {type(error).__name__}: {error}") from error
        finally:
            simulation.close()
        return simulation

    def close(self) -> None:
        for process in self.processes:
            process.store.close()
        self._stack.close()


class Simulation:
    """One seed.

    Attributes
    ----------
    counts
        How often each kind of act was answered, refused, or left without an answer.
    asked
        How often something was asked that a worker does.
    calm
        Whether nothing goes wrong any more.
    """

    def __init__(self, world: World, seed: int) -> None:
        self.lot = random.Random(seed)
        stickiness, seconds = self.lot.choice((0.0, 0.5, 0.9)), self.lot.choice((0.0, 0.1, 1, 3))
        self.scheduler = Scheduler(self.lot, START, stickiness, seconds)
        self.rounds = self.lot.choice((1, 2, 4))
        self.faults, self.calm = Faults.draw(self.lot), False
        self.processes, self.counts = world.processes, Counter()
        self.observer = Observer(world.path)
        self.checker = Checker(self.observer, self.observer.look())
        self._writer, self.asked = None, 0
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(mock.patch.object(clock, "now", self.scheduler.clock))
        self._log = Errors()
        logging.getLogger("durhampulse").addHandler(self._log)
        for process in self.processes:
            process.kills, process.store._turn = 0, Lock(self.scheduler)
            process.catalogue._rules = None  # as in the first seed
            process.worker = workers.Worker(process.store, process.catalogue)
            attach(self, process)
        with self.processes[0].store.reading() as db:
            self.people = list(db.scalars(select(person.c.id).order_by(person.c.id)))

    def run(self) -> None:
        """Let all act, then mend what was left, and look whether all is as it was answered."""
        actors.spawn_all(self)
        self.scheduler.run()
        self.check_end()

    def close(self) -> None:
        self._stack.close()
        logging.getLogger("durhampulse").removeHandler(self._log)
        self.observer.close()

    @property
    def moment(self) -> str:
        """The time, as SQLite keeps it."""
        return self.scheduler.now.replace(tzinfo=None).isoformat(" ", "microseconds")

    def chance(self, rate: float) -> bool:
        """Whether something happens, of what goes wrong."""
        return not self.calm and rate > 0 and self.lot.random() < rate

    def statement(self) -> None:
        """Let others go before a statement, which may fail."""
        self.scheduler.point()
        if self.scheduler.current is not None and self.chance(self.faults.statement):
            raise failure("disk I/O error")

    def begin(self, connection, do) -> None:
        """Take the write lock, as soon as nobody has it."""
        self.scheduler.point()
        if self.scheduler.current is not None:
            if self.chance(self.faults.begin):
                raise failure("database is locked")
            self.scheduler.wait(lambda: self._writer is None)
        do()
        self._writer = connection

    def commit(self, connection, do) -> None:
        """Commit, and check what is committed; either may go wrong."""
        actor, writes = self.scheduler.current, connection is self._writer
        self.scheduler.point()
        if actor is not None and writes and self.chance(self.faults.commit):
            raise failure("disk I/O error")
        do()
        self.ended(connection)
        if actor is None or not writes:
            return
        self.checker.committed(actor.op or Op(kind="work"), self.moment)
        self.scheduler.point()
        if self.chance(self.faults.unanswered):
            raise failure("disk I/O error")

    def ended(self, connection) -> None:
        """Give the write lock back with the end of a transaction."""
        if connection is self._writer:
            self._writer = None

    def enter(self, process: Process) -> None:
        """Let a process work for the actor: where it is killed, the actor hears no more of it."""
        actor = self.scheduler.current
        actor.process, actor.entered = process, process.kills

    def leave(self) -> None:
        """End that."""
        self.scheduler.current.process = None

    def check_end(self) -> None:
        """Check that nothing is left half done, and what the desk itself says of the end."""
        state = self.checker.state
        waiting = {"checking", "applying", "undoing"} & set(state.uploads.values())
        require(not waiting, "imports wait for ever", state.uploads)
        require(
            all(bulk[0] != "waiting" for bulk in state.bulks.values()), "bulk waits", state.bulks
        )
        halves = [
            a
            for a in state.acts.values()
            if a[0] == "decision" and (a[1] is None) != (a[2] is None)
        ]
        require(not halves, "an act is half undone", halves)
        require(not self._log.lines, "errors were logged", self._log.lines[:1])
        with self.processes[0].store.reading() as db:
            require(not verify(db).problem, "the audit log does not verify", "")
        actors.check_counts(self)


class Errors(logging.Handler):
    """Keeps what was logged as an exception."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record) -> None:
        if record.exc_info and not issubclass(record.exc_info[0], (sqlite3.Error, Killed)):
            self.lines.append(self.format(record))
