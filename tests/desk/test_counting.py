"""Counts of a long list are kept, and nobody waits for them."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select, text, update

from durhampulse.desk.imports import undoing
from durhampulse.desk.imports.undoing import ask_to_undo, undo_import
from durhampulse.desk.review.queue import queue_counts, queue_counts_of
from durhampulse.desk.shortlist.facets import count_cells
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store import clock, counting, quiet
from durhampulse.desk.store.counting import Counting
from durhampulse.desk.store.tables import creator, kept_count
from durhampulse.desk.web import readiness
from tests.desk.conftest import bring
from tests.desk.lists import write_people

PATIENCE = 60


@pytest.fixture(autouse=True)
def _long_list(monkeypatch, filled):
    monkeypatch.setattr(counting, "_FEW", 10)
    monkeypatch.setattr(readiness, "has_few", lambda _db: True)  # no start orders counts
    yield
    for thread in threading.enumerate():
        if thread.name == "counts":
            thread.join(PATIENCE)


def last(counts, store, count):
    """Return what was counted last, as somebody who asks sees it."""
    with store.reading() as db:
        return counts.last(store, db, "creators", count)


def finish(counts):
    """Wait until all that was ordered is counted."""
    thread = counts._thread
    if thread:
        thread.join(PATIENCE)


def set_moments(store, **moments):
    with store.writing() as db:
        db.execute(update(kept_count).values(moments))


def test_count_that_is_due_keeps_nobody_waiting_and_is_shown_with_its_age(filled):
    counts, may_end, tries = Counting(), threading.Event(), []
    assert last(counts, filled, lambda _: 597) is None
    finish(counts)
    set_moments(filled, due_at=clock.now() + timedelta(hours=1))
    first = last(counts, filled, tries.append)
    assert first.value == 597
    assert timedelta() <= clock.now() - first.at < timedelta(seconds=PATIENCE)
    finish(counts)
    assert not tries

    def slow(_db):
        assert may_end.wait(PATIENCE)
        return 596

    set_moments(filled, due_at=clock.now())
    assert last(counts, filled, slow) == first
    assert last(counts, filled, slow) == first  # while it is counted
    may_end.set()
    finish(counts)
    assert last(counts, filled, slow).value == 596


def test_page_of_campaigns_waits_for_no_pass_over_all_fees(desk, visit):
    with desk.store.writing() as db:
        db.execute(update(creator).where(creator.c.id == 3).values(fee=50.0, currency="USD"))
    ann = visit("reviewer")

    def currency():
        page = ann.get("/campaigns").text
        return re.search(r'<input name="currency"[^>]* value="(\w*)"', page)[1]

    assert currency() == ""
    finish(desk.counting)
    assert currency() == "USD"


def test_count_begins_once_nobody_asks_for_a_page(desk, visit, monkeypatch):
    monkeypatch.setattr(quiet, "_QUIET", 60.0)
    monkeypatch.setattr(quiet, "_MOST_WAITED", 60.0)
    ann, counts, counted = visit("viewer"), desk.counting, []
    assert ann.get("/account").status_code == 200
    assert last(counts, desk.store, counted.append) is None
    counts._thread.join(0.2)
    assert not counted
    monkeypatch.setattr(quiet, "_QUIET", 0.0)
    finish(counts)
    assert len(counted) == 1


def test_count_steps_aside_for_a_page(filled, monkeypatch):
    if not filled.is_sqlite:
        pytest.skip("PostgreSQL counts in a process of its own")
    counts, began, counted = Counting(), threading.Event(), []

    def count(db):
        monkeypatch.setattr(quiet, "_QUIET", 60.0)
        monkeypatch.setattr(quiet, "_MOST_WAITED", 60.0)
        counts.quiet.asked()
        began.set()
        numbers = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 200000)"
        counted.append(db.scalar(text(f"{numbers} SELECT count(*) FROM n")))
        return counted

    last(counts, filled, count)
    assert began.wait(PATIENCE)
    counts._thread.join(0.5)
    assert not counted
    monkeypatch.setattr(quiet, "_QUIET", 0.0)
    finish(counts)
    assert counted == [200_000]
    assert last(counts, filled, None).value == counted


def test_two_desks_count_once(filled):
    desks, began, may_end, counted = (
        [Counting(), Counting()], threading.Event(), threading.Event(), []
    )  # fmt: skip

    def count(_db):
        counted.append(1)
        began.set()
        assert may_end.wait(PATIENCE)
        return 597

    assert last(desks[0], filled, count) is None
    assert began.wait(PATIENCE)
    assert last(desks[1], filled, count) is None
    desks[1]._count("creators", filled, count)  # ordered by a request that came before the lease
    assert counted == [1]
    may_end.set()
    finish(desks[0])
    assert [last(each, filled, count).value for each in desks] == [597, 597]


def test_count_of_a_desk_that_was_killed_is_taken_over_after_its_lease(filled):
    counts = Counting()
    assert counting._claim(filled, "creators")  # and nothing comes after it
    for _ in range(2):
        assert last(counts, filled, lambda _: 597) is None
        finish(counts)
    set_moments(filled, lease_until=clock.now())
    assert last(counts, filled, lambda _: 597) is None
    finish(counts)
    assert last(counts, filled, lambda _: 597).value == 597


def test_count_whose_lease_has_ended_is_not_written_over_the_next(filled):
    first, second = Counting(), Counting()

    def late(_db):
        set_moments(filled, lease_until=clock.now())
        second._count("creators", filled, lambda _: 596)
        return 597

    first._count("creators", filled, late)
    assert last(first, filled, late).value == 596


def test_count_is_due_after_fifty_times_as_long_as_it_took(filled, monkeypatch):
    counts, seconds, start = Counting(), [0.0], clock.now()
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(seconds=seconds[0]))
    monkeypatch.setattr(counting, "time", SimpleNamespace(perf_counter=lambda: seconds[0]))

    def count(_db):
        seconds[0] += 2
        return seconds[0]

    assert last(counts, filled, count) is None
    finish(counts)
    for asked_at, shown in ((101, 2), (102, 2), (104, 104)):  # it ended at 2, and is due at 102
        seconds[0] = asked_at
        assert last(counts, filled, count).value == shown
        finish(counts)


def test_count_that_fails_is_left_for_as_long_as_its_lease(filled, caplog):
    counts, tried = Counting(), []

    def fail(_db):
        tried.append(1)
        raise ValueError("a fault")

    for _ in range(3):
        assert last(counts, filled, fail) is None
        finish(counts)
    assert tried == [1]
    assert "could not be counted" in caplog.text


def test_a_desk_that_ends_begins_no_other_count(filled):
    counts, began, may_end, counted = Counting(), threading.Event(), threading.Event(), []

    def slow(_db):
        began.set()
        assert may_end.wait(PATIENCE)
        return 597

    with filled.reading() as db:
        counts.last(filled, db, "first", slow)
        assert began.wait(PATIENCE)
        counts.last(filled, db, "second", counted.append)
    ending = threading.Thread(target=counts.stop)
    ending.start()
    while counts._orders:
        ending.join(0.01)
    may_end.set()
    ending.join(PATIENCE)
    assert counts._thread is None
    assert not counted


def test_queue_is_counted_by_the_cells_of_the_list_as_by_itself(filled, catalogue):
    rules = catalogue.current()
    with filled.writing() as db:
        for at, changes in enumerate([
            {"state": "declined"}, {"state": "approved", "deal": True}, {"deal": False},
            {"flags": 1 << 15}, {"probability": None},
        ]):  # fmt: skip
            db.execute(update(creator).where(creator.c.id % 9 == at).values(**changes))
        assert queue_counts_of(count_cells(db, View(), rules)) == queue_counts(db, rules)


@pytest.mark.parametrize(
    ("path", "figure"),
    [
        ("/shortlist", '>All <span class="count">597<'),
        ("/shortlist/counts", '>All <span class="count">597<'),
        ("/shortlist/totals", "<dt>Creators</dt><dd>597</dd>"),
        ("/shortlist/facets", "Counts of each filter"),
        ("/pipeline", '>Imported</th><td class="n">597<'),
        ("/pipeline?days=30", '>Imported</th><td class="n">597<'),
        ("/outcomes", "The list was counted just now."),
        ("/model", "Nobody has decided yet."),
        ("/queue", " left (counted just now)"),
    ],
)
def test_page_of_a_long_list_says_that_it_is_counted_and_then_when_it_was(
    path, figure, visit, desk
):
    ann = visit("reviewer")
    page = ann.get(path).text
    assert "ounting" in page
    assert figure not in page
    finish(desk.counting)
    page = ann.get(path).text
    assert figure in page
    assert "ounted just now" in page


def test_undo_of_a_large_import_is_counted_while_nobody_waits(visit, desk, tmp_path, monkeypatch):
    path = write_people(tmp_path / "a.csv", "INF-1003", "INF-1004", "new1")
    number = bring(desk.store, desk.catalogue, path).id
    admin, address = visit("admin"), f"/imports/{number}/undo"
    figure = "<strong>2</strong> creators get back what it replaced"
    page = admin.get(address).text
    assert figure in page  # a small one is counted at once, however long the list is
    assert "ounted" not in page
    monkeypatch.setattr(undoing, "_AT_ONCE", 2)
    assert figure not in admin.get(address).text
    finish(desk.counting)
    page = admin.get(address).text
    assert figure in page
    assert "Counted just now" in page
    ask_to_undo(desk.store, number, "ann")
    undo_import(desk.store, desk.catalogue, number, threading.Event())
    assert "This import cannot be undone any more" in admin.get(address).text


def test_store_keeps_nothing_of_what_was_searched_for(visit, desk):
    ann = visit("viewer")
    for _ in range(2):
        ann.get("/shortlist/totals?search=INF-10")
        finish(desk.counting)
    with desk.store.reading() as db:
        rows = db.execute(select(kept_count)).all()
    assert rows
    assert "INF-10" not in str(rows)
