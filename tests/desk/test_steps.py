"""Steps of long work: short, on disk by their end, and in nobody's way."""

from __future__ import annotations

import secrets
import threading
from types import SimpleNamespace

import pytest
from sqlalchemy import event

from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.bulk import begin, next_bulk, run_bulk
from durhampulse.desk.shortlist.selection import select_all
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store import pace
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
    )


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
