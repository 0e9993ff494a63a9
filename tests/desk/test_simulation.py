"""Seeds of a simulated desk: no promise is broken, and a desk that breaks one is found out."""

from __future__ import annotations

import contextlib
import os
import random
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import OperationalError

from durhampulse.desk.review import decisions, queue
from durhampulse.desk.store import acts
from durhampulse.desk.store.database import Store, insert_or
from durhampulse.desk.store.tables import claim
from tests.desk.simulation import actors
from tests.desk.simulation.observer import Violation
from tests.desk.simulation.scheduler import TICK, Scheduler
from tests.desk.simulation.world import START, World

FIRST, SEEDS = int(os.environ.get("DURHAMPULSE_SEED", "1")), 20
FOUND_WITHIN = 12


@pytest.fixture(scope="module")
def world():
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        world = World(Path(folder))
        yield world
        world.close()


@pytest.mark.slow
def test_no_seed_breaks_a_promise(world):
    run_seeds(world, SEEDS)


def test_thread_of_another_test_does_not_move_the_clock():
    scheduler = Scheduler(random.Random(0), START, 0.5, 1)
    before = scheduler.clock()
    other = threading.Thread(target=scheduler.clock)
    other.start()
    other.join()
    assert scheduler.clock() - before == TICK


@pytest.mark.slow
def test_seed_replays(world):
    for seed in (FIRST, FIRST + 1):
        lives = [world.run(seed) for _ in range(2)]
        first, second = (
            (life.scheduler.steps, life.moment, life.checker.requests, life.counts)
            for life in lives
        )
        assert first == second


@pytest.mark.parametrize("leaves", [True, False])
def test_erased_creator_may_have_left_the_list_before(monkeypatch, leaves):
    """With an undone import, between the look at the list and the erasure: seed 20632."""
    creators = {1: SimpleNamespace(name="new-1")}
    checker = SimpleNamespace(state=SimpleNamespace(creators=creators), erased=set())
    sim = SimpleNamespace(lot=random.Random(0), checker=checker)
    monkeypatch.setattr(actors, "insist", lambda *_: creators.clear() if leaves else None)
    if leaves:
        actors.forget(sim)
        assert checker.erased == {"new-1"}
    else:
        with pytest.raises(Violation, match="erased and still there: new-1"):
            actors.forget(sim)


def run_seeds(world, n):
    for seed in range(FIRST, FIRST + n):
        world.run(seed)


def steal(store, number, person, why, *, waits):
    """Claim a creator whoever holds them."""
    until = queue.clock.now() + queue.timedelta(minutes=15)
    values = {"person_id": person, "why": why, "expires_at": until}
    with store.writing() as db:
        row = insert_or(db, claim).values(creator_id=number, **values)
        db.execute(row.on_conflict_do_update(index_elements=["creator_id"], set_=values))
    return queue.Claim(number, why, until)


_WRITING = Store.writing


@contextlib.contextmanager
def write_careless(self, **options):
    """Answer as if all was kept, also where the commit has failed."""
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(_WRITING(self, **options))
        with contextlib.suppress(OperationalError):
            stack.close()


MUTANTS = {
    "claims are not looked at": (decisions, "held_by_other", lambda *_: None),
    "stale pages are believed": (decisions, "_require_free", lambda *_, **__: None),
    "stale selections are believed": (decisions, "_changed", lambda *_: set()),
    "claims are taken": (queue, "_claim", steal),
    "requests are not remembered": (decisions, "_recorded", lambda *_: None),
    "failed commits are answered": (Store, "writing", write_careless),
    "an undo leaves the state": (acts, "set_states", lambda *_: None),
}


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS)
def test_desk_that_breaks_a_promise_is_found_out(world, monkeypatch, mutant):
    monkeypatch.setattr(*MUTANTS[mutant])
    with pytest.raises(Violation, match=r"seed \d+: (Violation|IntegrityError): "):
        run_seeds(world, FOUND_WITHIN)
