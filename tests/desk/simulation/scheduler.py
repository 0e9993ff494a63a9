"""The order of threads, one of which runs at a time, and the clock they share."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

TICK = timedelta(microseconds=1)
MOST_STEPS = 40_000  # ten times what most seeds take


class Stop(BaseException):
    """Ends the threads of a simulation that has failed; nothing may catch it as an error."""


class Killed(BaseException):
    """Ends what a process does when it is killed; what it had not committed is rolled back."""


class DeadlockError(Exception):
    """Everybody waits for somebody."""


def locked() -> threading.Lock:
    """Give a lock that is held: whoever acquires it waits for a release, whoever makes that."""
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(eq=False)
class Actor:
    """A thread: a person at a browser, or the worker of a process."""

    name: str
    work: object
    turn: threading.Lock = field(default_factory=locked)
    ready: object = None
    wakes: datetime | None = None
    process: object = None
    entered: int = 0
    op: object = None
    done: bool = False

    @property
    def is_doomed(self):
        """Whether the process was killed that works for it."""
        return self.process is not None and self.process.kills > self.entered

    @property
    def is_able(self):
        """Whether it could go on now."""
        return not self.done and (self.ready is None or self.ready() or self.is_doomed)


class Scheduler:
    """Lets one actor after another run, as lots say.

    Attributes
    ----------
    now
        The time, which goes on by a tick for each look at the clock, by some seconds for each step,
        and to the next moment that somebody waits for when all wait.
    current
        The actor whose turn it is; none before and after the run.
    """

    def __init__(
        self, lot: random.Random, now: datetime, stickiness: float, seconds: float
    ) -> None:
        self.lot, self.now, self.current = lot, now, None
        self.failure: BaseException | None = None
        self.steps = 0
        self._stickiness, self._step = stickiness, timedelta(seconds=seconds)
        self._actors: list[Actor] = []
        self._over = locked()
        self._threads = {threading.get_ident()}

    def clock(self) -> datetime:
        """Give the time, which threads that are no actors (another test's worker) do not move."""
        if threading.get_ident() in self._threads:
            self.now += TICK
        return self.now

    def spawn(self, name, work) -> Actor:
        """Add an actor, who begins when it is their turn."""
        actor = Actor(name, work)
        self._actors.append(actor)
        threading.Thread(target=self._live, args=(actor,), daemon=True).start()
        return actor

    def run(self) -> None:
        """Let all act until they are done.

        Raises
        ------
        BaseException
            What made it fail, of whichever actor.
        """
        self._hand_on(None)
        self._over.acquire()
        self.current = None
        if self.failure is not None:
            raise self.failure

    def point(self) -> None:
        """Let the lot say who goes on."""
        actor = self.current
        if actor is None:
            return
        self.steps, self.now = self.steps + 1, self.now + self._step
        if self.steps > MOST_STEPS:
            self.fail(DeadlockError(f"no end after {MOST_STEPS} steps"))
        if not (actor.is_able and self.lot.random() < self._stickiness):
            self._hand_on(actor)
        if self.failure is not None:
            raise Stop
        if actor.is_doomed:
            actor.process = None
            raise Killed

    def wait(self, ready) -> None:
        """Go on at a turn when something holds."""
        actor = self.current
        actor.ready = ready
        try:
            while not ready():  # whoever had the turn before may have changed it
                self.point()
        finally:
            actor.ready = None

    def sleep(self, seconds: float, woken=lambda: False) -> None:
        """Go on after some time, or when something holds."""
        actor = self.current
        actor.wakes = self.now + timedelta(seconds=seconds)
        try:
            self.wait(lambda: self.now >= actor.wakes or woken())
        finally:
            actor.wakes = None

    def fail(self, error: BaseException) -> None:
        """End the run, all of it, with an error; the first counts."""
        self.failure = self.failure or error

    def _live(self, actor: Actor) -> None:
        actor.turn.acquire()
        self._threads.add(threading.get_ident())
        try:
            if self.failure is None:
                actor.work()
        except Stop:
            pass
        except BaseException as error:  # noqa: BLE001 - the run ends with it
            self.fail(error)
        actor.done = True
        self._hand_on(actor)

    def _hand_on(self, actor: Actor | None) -> None:
        """Give the turn to the next, and wait for the next of one's own."""
        following = self._next()
        if following is actor:
            return
        self.current = following
        (self._over if following is None else following.turn).release()
        if actor is not None and not actor.done:
            actor.turn.acquire()

    def _next(self) -> Actor | None:
        left = self._actors = [actor for actor in self._actors if not actor.done]
        if self.failure is not None:
            return left[0] if left else None
        while left:
            able = [a for a in left if a.ready is None or a.ready() or a.is_doomed]
            if able:
                return self.lot.choice(able)
            moments = [actor.wakes for actor in left if actor.wakes is not None]
            if not moments:
                self.fail(DeadlockError(", ".join(actor.name for actor in left)))
                return left[0]
            self.now = max(self.now, min(moments))
        return None


class Lock:
    """A lock whose holder may lose the turn."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler, self._held = scheduler, False

    def acquire(self, timeout: float = -1) -> bool:
        """Take it as soon as it is free."""
        if self._scheduler.current is not None:
            self._scheduler.point()
            self._scheduler.wait(lambda: not self._held)
        self._held = True
        return True

    def release(self) -> None:
        """Let another take it."""
        self._held = False
