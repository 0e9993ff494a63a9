"""Steps of long work: short, on disk by their end, and in nobody's way."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import sqlite3
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import event

from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.bulk import begin, next_bulk, run_bulk
from durhampulse.desk.review.decisions import ReviewDecision, decide
from durhampulse.desk.shortlist.selection import select_all
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store import engines, pace, sqlitefile
from durhampulse.desk.store.acts import undo_act
from durhampulse.desk.store.pace import Pace
from durhampulse.desk.store.settings import write_setting
from tests.desk.conftest import add_people

DECLINE = {"decision": "decline", "reason": "Off brand", "note": ""}
STEPS = 6  # of 100 of the 597 creators


@pytest.fixture
def act(filled, catalogue, rules, monkeypatch):
    """Declining everybody, in steps of 100: what does it, and what undoes it."""
    for name in ("_FIRST", "_LEAST", "_MOST"):
        monkeypatch.setattr(pace, name, 100)
    (number,) = add_people(filled, "reviewer")
    with filled.reading() as db:
        selection = select_all(db, View(), rules)
    ann = Principal(number, "Ann", "reviewer")
    begin(filled, selection, "decide", DECLINE, secrets.token_hex(8), ann)
    job = next_bulk(filled, "worker")
    return SimpleNamespace(
        do=lambda: run_bulk(filled, catalogue, job, threading.Event()),
        undo=lambda: undo_act(filled, 2, "ann"),  # the first act is the import
    )


def log_of(store):
    return Path(f"{store.engine.url.database}-wal")


def test_only_the_end_of_an_act_waits_for_the_disk(filled, act, monkeypatch):
    as_outside_of_tests = [name for name in engines._PRAGMAS if name != "synchronous=OFF"]
    monkeypatch.setattr(engines, "_PRAGMAS", as_outside_of_tests)
    filled.engine.dispose()
    levels = []

    @event.listens_for(filled.engine, "commit")
    def committed(db):
        if db.get_execution_options().get("writes"):
            asked = "PRAGMA synchronous" if filled.is_sqlite else "SHOW synchronous_commit"
            levels.append(db.exec_driver_sql(asked).scalar())

    full, less = (2, 1) if filled.is_sqlite else ("on", "off")
    act.do()
    assert levels == [less] * STEPS + [full]
    levels.clear()
    act.undo()
    event.remove(filled.engine, "commit", committed)
    assert levels == [full, *[less] * (STEPS + 1), full]  # it is asked for, and the last finds none


def test_log_is_folded_in_at_the_end_and_in_nobodys_turn(filled, act, rules, tmp_path):
    if not filled.is_sqlite:
        pytest.skip("PostgreSQL folds its log in by itself")
    (bob,) = add_people(filled, "reviewer")
    folded_at = []

    @event.listens_for(filled.engine, "commit")
    def committed(db):
        if db.get_execution_options().get("writes"):
            folded_at.append(db.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar())

    made = ReviewDecision(choice="approve", reason="Track record", note="", request="a" * 8)
    with filled.long_work():
        decide(filled, 597, bob, made, rules)  # a colleague, meanwhile
    act.do()
    event.remove(filled.engine, "commit", committed)
    assert folded_at == [0] * (1 + STEPS) + [1_000]
    alone = shutil.copy(filled.engine.url.database, tmp_path / "alone.db")  # without the log
    with sqlite3.connect(alone) as db:
        states = db.execute("SELECT state, count(*) FROM creator GROUP BY state ORDER BY 1")
        assert states.fetchall() == [("approved", 1), ("declined", 596)]


@pytest.mark.parametrize("others_write", [False, True])
def test_long_log_is_folded_in_between_steps(filled, act, monkeypatch, others_write):
    """And begun anew, though others write whenever they may."""
    if not filled.is_sqlite:
        pytest.skip("PostgreSQL folds its log in by itself")
    sizes, fold = [], sqlitefile.fold

    def fold_beside_others(engine):
        with contextlib.ExitStack() as stack:
            if others_write and not filled._turn.locked():
                db = stack.enter_context(filled.writing())  # it began before, and ends afterwards
                write_setting(db, "colleague", secrets.token_hex(8))
            fold(engine)

    monkeypatch.setattr(sqlitefile, "fold", fold_beside_others)
    for longest, work in ((2**40, act.do), (0, act.undo)):
        monkeypatch.setattr(sqlitefile, "_LONG", longest)
        filled.engine.dispose()  # the last connection that ends removes the log
        work()
        sizes.append(log_of(filled).stat().st_size)
    assert sizes[1] < sizes[0] / 2


def test_step_goes_through_its_own_reviews_only(filled, act):
    if not filled.is_sqlite:
        pytest.skip("PostgreSQL goes through a table this small as a whole")
    queued = []

    @event.listens_for(filled.engine, "before_cursor_execute")
    def note(_c, _cursor, statement, parameters, _context, _many):
        if statement.startswith("INSERT INTO delivery"):
            queued.append((statement, parameters))

    act.do()
    event.remove(filled.engine, "before_cursor_execute", note)
    assert len(queued) == STEPS
    with filled.reading() as db:
        plan = db.exec_driver_sql(f"EXPLAIN QUERY PLAN {queued[0][0]}", queued[0][1]).all()
    (through,) = [row[-1] for row in plan if "review" in row[-1]]
    assert "rowid>?" in through


def test_somebody_who_waits_to_write_is_seen(store):
    if not store.is_sqlite:
        pytest.skip("in PostgreSQL nobody waits for other rows")

    def write():
        with store.writing():
            pass

    other = threading.Thread(target=write)
    with store.writing():
        assert not store.others_wait
        other.start()
        while not store.others_wait:
            pass
    other.join()
    assert not store.others_wait


class Busy:
    """A store where somebody waits for some of the next glances."""

    is_sqlite = True

    def __init__(self):
        self.glances, self.folded = 0, 0

    def fold_long_log(self):
        self.folded += 1

    @property
    def others_wait(self):
        self.glances -= 1
        return self.glances >= 0


@pytest.mark.parametrize(("glances", "slept"), [(0, 1), (3, 4), (10**6, 20)])
def test_pause_lasts_while_others_wait_and_no_longer_than_the_step(monkeypatch, glances, slept):
    now, sleeps = [0.0], []

    def sleep(seconds):
        sleeps.append(seconds)
        now[0] += 0.05

    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    store = Busy()
    work = Pace(store)
    with work.step():
        now[0] += 1.0
    store.glances = glances
    work.pause()
    assert sleeps[0] == 0.05  # of a second, in any case
    assert len(sleeps) == pytest.approx(slept, abs=slept > 10)
    assert store.folded == 1


@pytest.mark.parametrize(("glances", "sizes"), [(0, [2_000] * 3), (9, [1_000, 500, 500])])
def test_slow_steps_become_shorter_while_somebody_waits(monkeypatch, glances, sizes):
    now = [0.0]
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: now[0]))
    store = Busy()
    store.glances = glances
    work, taken = Pace(store), []
    for _ in sizes:
        with work.step():
            now[0] += 1.0
        taken.append(work.size)
    assert taken == sizes
