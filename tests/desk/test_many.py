"""All that match: decided in one act, in steps that resume, beside reviewers who go on."""

from __future__ import annotations

import random
import re
import secrets
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, update

from durhampulse.decision.bands import NO_PRECEDENT
from durhampulse.desk.imports.worker import Worker
from durhampulse.desk.people.people import Principal
from durhampulse.desk.review import bulk as bulk_module
from durhampulse.desk.review.bulk import BulkLostError, begin, find_bulk, next_bulk, run_bulk
from durhampulse.desk.review.decisions import ConflictError, ReviewDecision, decide
from durhampulse.desk.shortlist.selection import select_all
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store import pace
from durhampulse.desk.store.acts import undo_act
from durhampulse.desk.store.tables import act, audit, bulk, claim, creator, review, run
from durhampulse.exceptions import InputError
from tests.desk.conftest import add_people
from tests.desk.forms import fields_of
from tests.examples import examples

DECLINE = {"decision": "decline", "reason": "Off brand", "note": "not this year"}
NOBODY = threading.Event()


@pytest.fixture
def ann(filled):
    (number,) = add_people(filled, "reviewer")
    return Principal(number, "Ann", "reviewer")


@pytest.fixture
def short_steps(monkeypatch):
    """Work in steps of 100 creators, without pauses."""
    for name in ("_FIRST", "_LEAST", "_MOST"):
        monkeypatch.setattr(pace, name, 100)
    monkeypatch.setattr(pace, "_PAUSE", 0.0)


def selected(store, rules, **filters):
    with store.reading() as db:
        return select_all(db, View(**filters), rules)


def ordered(store, rules, who, request=None, **filters):
    selection = selected(store, rules, **filters)
    return begin(store, selection, "decide", DECLINE, request or secrets.token_hex(8), who)


def worked_off(store, catalogue):
    job = next_bulk(store, "worker")
    run_bulk(store, catalogue, job, NOBODY)
    return state_of_work(store, job.id)


def state_of_work(store, number):
    with store.reading() as db:
        return find_bulk(db, number)


def test_all_that_match_are_decided_in_one_act(filled, catalogue, rules, ann):
    with filled.reading() as db:
        before = {row.id: row for row in db.execute(select(creator))}
    scores = {n: row.probability for n, row in before.items() if row.probability is not None}
    wanted = {n for n, p in scores.items() if p < rules.thresholds.review_at}
    assert 100 < len(wanted) < 597
    ordered(filled, rules, ann, band=("no",))
    work = worked_off(filled, catalogue)
    assert (work.state, work.done, work.held, work.changed) == ("done", len(wanted), 0, 0)
    with filled.reading() as db:
        states = dict(db.execute(select(creator.c.id, creator.c.state)).all())
        reviews = db.execute(select(review)).all()
        (one_act,) = db.execute(select(act).where(act.c.kind == "decision")).all()
        entries = db.execute(select(audit).where(audit.c.subject == f"bulk {work.id}")).all()
    assert {n for n, state in states.items() if state == "declined"} == wanted
    assert {row.creator_id for row in reviews} == wanted
    assert len(reviews) == len(wanted)
    for row in reviews:
        kept = before[row.creator_id]
        assert (row.decision, row.reason, row.note) == ("decline", "Off brand", "not this year")
        assert (row.person_id, row.previous, row.act_id) == (ann.id, "open", one_act.id)
        assert (row.probability, row.band) == (kept.probability, rules.band(kept.probability))
    assert one_act.detail == {"decision": "decline", "reason": "Off brand", "creators": len(wanted)}
    assert [entry.who for entry in entries] == ["Ann", "Ann"]
    assert entries[1].detail == {"done": len(wanted), "held": 0, "changed": 0}
    assert "not this year" not in str([entry.detail for entry in entries])
    assert work.order == {"decision": "decline", "reason": "Off brand"}


def test_undo_puts_all_back_but_what_was_decided_since(filled, catalogue, rules, ann):
    (bob,) = add_people(filled, "reviewer")
    ordered(filled, rules, ann, band=("no",))
    work = worked_off(filled, catalogue)
    with filled.reading() as db:
        first = db.scalar(select(func.min(review.c.creator_id)))
    made = ReviewDecision(choice="approve", reason="Track record", note="", request="a" * 8)
    decide(filled, first, bob, made, rules)
    undone = undo_act(filled, work.act_id, "Ann")
    assert (undone.restored, undone.kept) == (work.done - 1, 1)
    with filled.reading() as db:
        left = select(creator.c.id, creator.c.state).where(creator.c.state != "open")
        assert db.execute(left).all() == [(first, "approved")]


def test_unlike_creators_are_kept_with_their_own_answer(filled, catalogue, rules, ann):
    with filled.writing() as db:
        db.execute(update(creator).where(creator.c.id == 7).values(flags=1 << 15))
    ordered(filled, rules, ann, band=("unlike",))
    assert worked_off(filled, catalogue).done == 1
    with filled.reading() as db:
        assert db.scalars(select(review.c.band)).all() == [NO_PRECEDENT]


def test_who_is_held_decided_or_imported_since_is_left_alone(filled, catalogue, rules, ann):
    bob, cid = add_people(filled, "reviewer", "reviewer")
    number = ordered(filled, rules, ann)
    later = datetime.now(UTC) + timedelta(minutes=5)
    with filled.writing() as db:
        db.execute(insert(claim).values(creator_id=3, person_id=bob, why="maybe", expires_at=later))
        db.execute(insert(claim).values(creator_id=4, person_id=bob, why="maybe",
                                        expires_at=datetime.now(UTC) - timedelta(1)))  # fmt: skip
        new = insert(run).values(
            kind="import", model_version=rules.version, by="x", at=later, creators=1
        )
        later_run = db.execute(new).inserted_primary_key[0]
        db.execute(update(creator).where(creator.c.id == 5).values(run_id=later_run))
        db.execute(insert(creator).values(external_id="new", state="open", run_id=later_run,
                                          flags=0, lottery=0.5))  # fmt: skip
    made = ReviewDecision(choice="approve", reason="Track record", note="", request="a" * 8)
    decide(filled, 6, cid, made, rules)
    own = ReviewDecision(choice="approve", reason="Track record", note="", request="b" * 8)
    decide(filled, 7, ann.id, own, rules)  # in another window
    work = worked_off(filled, catalogue)
    assert (work.id, work.held, work.changed, work.done) == (number, 1, 2, 597 - 4)
    with filled.reading() as db:
        kept = db.execute(
            select(creator.c.id, creator.c.state).where(creator.c.state != "declined")
        )
        assert dict(kept.all()) == {3: "open", 5: "open", 6: "approved", 7: "approved", 598: "open"}


def test_same_request_is_registered_once(filled, catalogue, rules, ann):
    selection = selected(filled, rules, band=("no",))
    with ThreadPoolExecutor(4) as pool:
        numbers = set(pool.map(
            lambda _: begin(filled, selection, "decide", DECLINE, "the-same-name", ann), range(4)
        ))  # fmt: skip
    assert len(numbers) == 1
    worked_off(filled, catalogue)
    assert begin(filled, selection, "decide", DECLINE, "the-same-name", ann) in numbers
    assert next_bulk(filled, "worker") is None
    other = selected(filled, rules, band=("yes",))
    with pytest.raises(ConflictError, match="sent before"):
        begin(filled, other, "decide", DECLINE, "the-same-name", ann)
    with filled.reading() as db:
        assert db.scalar(select(func.count()).where(act.c.kind == "decision")) == 1


def reset(store):
    with store.writing() as db:
        for table in (review, bulk, act, claim):
            db.execute(delete(table))
        db.execute(update(creator).values(state="open"))


@examples(8)
@given(cuts=st.lists(st.tuples(st.integers(1, 300), st.booleans()), max_size=6))
def test_work_cut_anywhere_resumes_to_the_same_result(filled, catalogue, rules, ann, cuts):
    reset(filled)
    number = ordered(filled, rules, ann, band=("no",), sort="followers")
    expected = selected(filled, rules, band=("no",)).total
    for turn, (size, before_commit) in enumerate(cuts):
        job = next_bulk(filled, f"worker {turn}")
        if job is None:
            break
        with pytest.MonkeyPatch.context() as patch:
            cut_after_one_step(patch, size, before_commit=before_commit)
            with pytest.raises(KeyboardInterrupt):
                run_bulk(filled, catalogue, job, NOBODY)
        with filled.writing() as db:  # its lease runs out
            db.execute(update(bulk).where(bulk.c.state == "waiting").values(lease_until=None))
    if job := next_bulk(filled, "last"):
        run_bulk(filled, catalogue, job, NOBODY)
    work = state_of_work(filled, number)
    assert (work.state, work.done) == ("done", expected)
    with filled.reading() as db:
        per_creator = Counter(db.scalars(select(review.c.creator_id)))
        declined = set(db.scalars(select(creator.c.id).where(creator.c.state == "declined")))
    assert set(per_creator) == declined
    assert set(per_creator.values()) == {1}
    assert len(declined) == expected


def cut_after_one_step(patch, size, *, before_commit):
    """Let the process die within the first step, or right after it was committed."""
    step = bulk_module._step

    def cut(db, catalogue, job, rules, _size):
        step(db, catalogue, job, rules, size)
        if before_commit:
            raise KeyboardInterrupt
        return True

    def die(_seconds):
        raise KeyboardInterrupt

    patch.setattr(bulk_module, "_step", cut)
    patch.setattr(pace, "time", SimpleNamespace(monotonic=time.monotonic, sleep=die))


@pytest.mark.usefixtures("short_steps")
def test_reviewers_lose_nothing_while_many_are_decided(filled, catalogue, rules, ann):
    reviewers = add_people(filled, "reviewer", "reviewer", "reviewer")
    number = ordered(filled, rules, ann)
    lot = random.Random(0)
    wanted = [lot.sample(range(1, 598), 25) for _ in reviewers]

    def review_some(at):
        made = []
        for creator_id in wanted[at]:
            decision = ReviewDecision(
                choice="approve", reason="Track record", note="", request=f"{at}-{creator_id:08d}"
            )
            made.append((creator_id, decide(filled, creator_id, reviewers[at], decision, rules)[0]))
        return made

    with ThreadPoolExecutor(5) as pool:
        workers = [pool.submit(Worker(filled, catalogue).work) for _ in range(2)]
        done = [one for part in pool.map(review_some, range(3)) for one in part]
        assert any(worker.result() for worker in workers)
    work = state_of_work(filled, number)
    assert work.state == "done"
    with filled.reading() as db:
        rows = db.execute(select(review).order_by(review.c.id)).all()
        states = dict(db.execute(select(creator.c.id, creator.c.state)).all())
    assert {number for _, number in done} <= {row.id for row in rows}
    last = {row.creator_id: row for row in rows}
    assert states == {n: "approved" if row.decision == "approve" else "declined"
                      for n, row in last.items()}  # fmt: skip
    by_act = Counter(row.creator_id for row in rows if row.act_id is not None)
    assert set(by_act.values()) == {1}
    assert len(by_act) == work.done == 597 - work.changed


@pytest.mark.usefixtures("short_steps")
def test_work_ends_with_another_model_a_stop_or_an_undo(filled, catalogue, rules, ann, monkeypatch):
    number = ordered(filled, rules, ann)
    job = next_bulk(filled, "one")
    assert next_bulk(filled, "two") is None  # it is leased
    with filled.writing() as db:
        bulk_module.stop_bulk(db, number, "Ann")
    with pytest.raises(BulkLostError):
        run_bulk(filled, catalogue, job, NOBODY)
    assert state_of_work(filled, number).state == "stopped"
    undone = ordered(filled, rules, ann)
    with filled.writing() as db:
        db.execute(update(act).values(undone_by="Bob"))
    work = worked_off(filled, catalogue)
    assert (work.id, work.state, work.done) == (undone, "stopped", 0)
    assert "Bob" in work.problem
    ordered(filled, rules, ann)
    monkeypatch.setattr(catalogue, "current", lambda _db=None: type("R", (), {"version": "other"}))
    work = worked_off(filled, catalogue)
    assert "Another model" in work.problem


def test_pages_ask_before_and_tell_after(visit, desk, rules):
    ann, vic = visit("reviewer"), visit("viewer")
    ask = {"csrf": ann.csrf, "query": "band=no", "what": "decide", **DECLINE}
    page = ann.post("/bulk", data=ask).text
    n = int(re.search(r"Decline (\d+) creators\?", page)[1])
    assert n == selected(desk.store, rules, band=("no",)).total
    form = fields_of(page, "confirmation")
    made = ann.post("/bulk/start", data=form)
    where = made.headers["location"]
    assert where == ann.post("/bulk/start", data=form).headers["location"]
    result = ann.get(where).text
    assert f"Declined {n} creators" in result
    assert "/undo" in result
    assert "/undo" not in vic.get(where).text
    assert f"Declined {n} creators: Off brand" in vic.get("/acts").text
    assert "are decided already" in ann.post("/bulk", data=ask).text
    nobody = ann.post("/bulk", data={**ask, "query": "search=nobody-at-all"})
    assert nobody.status_code == 303
    assert ann.post("/bulk", data={**ask, "decision": "skip"}).status_code == 422
    assert ann.post("/bulk/start", data={**form, "last_id": "x"}).status_code == 422


def test_page_that_asks_says_what_is_to_be_done(visit):
    ann = visit("reviewer")
    ask = {"csrf": ann.csrf, "what": "decide", **DECLINE, "query": "search=INF-1003"}
    for decision, heading in (
        ("approve", "Approve 1 creator?"),
        ("tentative", "Mark 1 creator tentative?"),
        ("decline", "Decline 1 creator?"),
    ):
        page = ann.post("/bulk", data={**ask, "decision": decision}).text
        assert re.search(r"<h1 class=\"breaks\">(.+)</h1>", page)[1] == heading


def test_large_number_is_typed_and_the_worker_goes_on(visit, desk, monkeypatch):
    monkeypatch.setattr("durhampulse.desk.web.bulk._TYPED_ABOVE", 100)
    monkeypatch.setattr("durhampulse.desk.web.bulk.AT_ONCE", 100)
    ann = visit("reviewer")
    page = ann.post("/bulk", data={"csrf": ann.csrf, "what": "decide", **DECLINE}).text
    form = fields_of(page, "confirmation")
    again = ann.post("/bulk/start", data={**form, "typed": "12"})
    assert again.status_code == 422
    assert "Type 597" in again.text
    where = ann.post("/bulk/start", data={**form, "typed": "597"}).headers["location"]
    while ann.get(f"{where}/progress").headers.get("hx-refresh") is None:
        assert ann.get(where).status_code == 200
    assert "Declined 597 creators" in ann.get(where).text


def test_bad_names_of_requests_are_refused(filled, rules, ann):
    with pytest.raises(InputError, match="8 to 80"):
        ordered(filled, rules, ann, request="short")
