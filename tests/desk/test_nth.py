"""Fail at the n-th: an act whose first, second, third ... statement finds the disk full."""

from __future__ import annotations

import errno
import itertools

import pytest
from sqlalchemy import event, func, select, text

from durhampulse.desk.people.erasure import erase
from durhampulse.desk.review.decisions import ReviewDecision, decide, decide_many
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.chain import verify
from durhampulse.desk.store.tables import creator, review
from tests.desk.conftest import add_people
from tests.desk.stored import everything
from tests.nth.failing import build, obstacle, require_whole, walk

ACTS = {
    "decide": lambda store, who, rules: decide(store, 3, who, decision(), rules),
    "bulk": lambda store, who, rules: decide_many(store, [3, 4, 5], who, decision(), rules),
    "erase": lambda store, _who, _rules: erase(store, "INF-1003", "ann"),
}


def decision():
    return ReviewDecision(choice="approve", reason="Track record", note="", request="request-1")


def fails_at(store, n):
    """Let the n-th statement fail; give how to end that."""
    count = itertools.count(1)

    @event.listens_for(store.engine, "before_cursor_execute")
    def executed(*_):
        if next(count) == n:
            raise OSError(errno.ENOSPC, "No space left on device")

    return lambda: event.remove(store.engine, "before_cursor_execute", executed)


@pytest.mark.parametrize(
    "act",
    ["decide", *(pytest.param(act, marks=pytest.mark.slow) for act in ("bulk", "erase"))],
)
def test_act_that_fails_at_any_statement_leaves_all_as_it_was(filled, rules, act):
    (ann,) = add_people(filled, "reviewer")
    with filled.writing() as db:
        note(db, "ann", "approve", "creator 1")
    before, failures = everything(filled), 0
    for n in itertools.count(1):
        end = fails_at(filled, n)
        try:
            ACTS[act](filled, ann, rules)
        except OSError:
            failures += 1
        else:
            break  # a run that nothing touched
        finally:
            end()
        assert everything(filled) == before, n
    assert failures > 5
    with filled.reading() as db:
        assert verify(db).problem == ""
        if filled.is_sqlite:
            assert db.scalar(text("PRAGMA integrity_check")) == "ok"
        gone = db.scalar(select(func.count()).where(creator.c.external_id == "INF-1003")) == 0
        reviews = db.scalar(select(func.count()).select_from(review))
    assert (gone, reviews) == {"decide": (False, 1), "bulk": (False, 3), "erase": (True, 0)}[act]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build(tmp_path_factory.mktemp("nth"))


@pytest.mark.slow
@pytest.mark.skipif(bool(obstacle()), reason=obstacle())
def test_desk_goes_on_whatever_call_fails(library):
    """What SQLite and the worker ask of the system fails; another process looks at the store."""
    acts = "decide,upload,apply,sign-in,start"
    require_whole([*walk(library, "desk", acts, "full,sync,unlink,read,memory", 2)], acts)
