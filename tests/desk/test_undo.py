"""Outcomes as states, and acts that are undone as a whole."""

from __future__ import annotations

import contextlib
import random
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from durhampulse.decision.bands import MAYBE
from durhampulse.desk.imports.worker import Worker
from durhampulse.desk.outcomes import byfile
from durhampulse.desk.outcomes.recording import record, withdraw
from durhampulse.desk.people.erasure import sweep
from durhampulse.desk.review.decisions import (
    REASONS,
    ConflictError,
    decide,
    decide_many,
    reviews_of,
)
from durhampulse.desk.review.queue import claim_next, progress, queue_counts
from durhampulse.desk.review.undoing import Draft, draft_of, undo
from durhampulse.desk.store import acts, pace
from durhampulse.desk.store.acts import AT_ONCE, undo_act
from durhampulse.desk.store.tables import (
    act,
    audit,
    claim,
    creator,
    outcome,
    outcome_file,
    review,
)
from durhampulse.exceptions import InputError
from durhampulse.scoring.record import UNLIKE_BIT
from tests.desk.conftest import add_people
from tests.desk.decisions import decision_of, state_of
from tests.desk.outcomes import DAY, record_rows


def waiting(store, rules, person):
    """Give whom the queue holds for a reviewer, by the reason it gives."""
    with store.reading() as db:
        return progress(db, person, queue_counts(db, rules))


@pytest.mark.parametrize("deal", [True, False])
@pytest.mark.parametrize("why", ["unlike", "maybe", "edge", "sample"])
def test_creator_with_a_known_outcome_leaves_every_part_of_the_queue(filled, rules, why, deal):
    (ann,) = add_people(filled, "reviewer")
    low, _ = rules.band_ranges[MAYBE]
    kinds = {"unlike": (0.99, UNLIKE_BIT, 0.9), "maybe": (low + 0.01, 0, 0.9),
             "edge": (rules.edge_ranges[0][0][0] + 1e-4, 0, 0.9), "sample": (0.01, 0, 0.0)}  # fmt: skip
    probability, flags, lot = kinds[why]
    with filled.writing() as db:
        db.execute(update(creator).values(state="approved"))
        values = {"state": "open", "probability": probability, "flags": flags, "lottery": lot}
        db.execute(update(creator).where(creator.c.id == 7).values(**values))
    before = waiting(filled, rules, ann)
    record(filled, 7, deal=deal, on=DAY, by="ann")
    assert claim_next(filled, ann, rules, lot=random.Random(0)) is None
    after = waiting(filled, rules, ann)
    assert (after.unlike, after.waiting) == (0, 0)
    withdraw(filled, 7, "ann")
    assert waiting(filled, rules, ann) == before
    claimed = claim_next(filled, ann, rules, lot=random.Random(0))
    assert (claimed.creator_id, claimed.why) == (7, why)


def test_known_outcomes_have_a_column_a_filter_and_counts_of_their_own(visit, desk):
    record(desk.store, 3, deal=True, on=DAY, by="ann")
    record(desk.store, 4, deal=False, on=DAY, by="ann")
    with desk.store.reading() as db:
        names = dict(db.execute(select(creator.c.id, creator.c.external_id)).all())
    vera = visit("viewer")
    for asked, number in (("deal", 3), ("none", 4)):
        page = vera.get("/shortlist", params={"outcome": asked}).text
        assert names[number] in page
        assert page.count('aria-label="Tick') == 0  # a viewer decides nothing
        assert page.count('href="/creators/') == 1
    totals = vera.get("/shortlist/totals").text
    assert "Known: deal" in totals
    assert "Known: no deal" in totals
    assert "if all" not in totals
    assert "among creators like these in the past" in totals
    assert vera.get("/shortlist", params={"outcome": "perhaps"}).status_code == 422
    assert "No deal" in vera.get("/creators/4").text.split("</h1>")[0]


def states_of(store):
    with store.reading() as db:
        return dict(db.execute(select(creator.c.id, creator.c.state)).all())


def test_bulk_decision_is_undone_as_a_whole_and_keeps_what_was_decided_since(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    decide(filled, 3, ann, decision_of("tentative"), rules)
    before = states_of(filled)
    result = decide_many(filled, range(1, 51), ann, decision_of("decline"), rules)
    for number, choice in ((7, "approve"), (8, "tentative"), (9, "decline")):
        decide(filled, number, bob, decision_of(choice), rules)
    undone = undo_act(filled, result.act, "ann")
    assert (undone.total, undone.restored, undone.kept, undone.done) == (50, 47, 3, True)
    since = {7: "approved", 8: "tentative", 9: "declined"}
    assert states_of(filled) == {**before, **since}
    with pytest.raises(InputError, match="ann has undone this already"):
        undo_act(filled, result.act, "bob")
    with filled.reading() as db:
        entries = db.execute(select(audit).where(audit.c.subject == f"act {result.act}")).all()
    assert [(row.who, row.act, row.detail) for row in entries] == [
        ("ann", "undo", {"kind": "decision", "restored": 47, "kept": 3})
    ]


def test_what_was_decided_since_may_be_undone_later(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    many = decide_many(filled, [1, 2], ann, decision_of("decline"), rules)
    later, _ = decide(filled, 1, bob, decision_of("approve"), rules)
    undo_act(filled, many.act, "ann")
    assert (state_of(filled, 1), state_of(filled, 2)) == ("approved", "open")
    undo(filled, bob, later)
    assert state_of(filled, 1) == "open"  # not declined: that act does not count any more


def test_undo_of_an_act_is_resumed_where_it_stopped(filled, rules, catalogue, monkeypatch):
    for name in ("_FIRST", "_LEAST", "_MOST"):
        monkeypatch.setattr(pace, name, 20)
    (ann,) = add_people(filled, "reviewer")
    many = decide_many(filled, range(1, 101), ann, decision_of("decline"), rules)
    assert not undo_act(filled, many.act, "ann", at_once=99).done
    some = acts._undo_some

    def crash_after_two(db, number, size):
        if Counter(states_of(filled).values())["declined"] <= 60:
            raise MemoryError
        return some(db, number, size)

    monkeypatch.setattr(acts, "_undo_some", crash_after_two)
    with pytest.raises(MemoryError):
        undo_act(filled, many.act, "ann")
    monkeypatch.setattr(acts, "_undo_some", some)
    assert Counter(states_of(filled).values())["declined"] == 60
    worker = Worker(filled, catalogue)  # of the next start
    assert worker.work()
    assert not worker.work()
    assert set(states_of(filled).values()) == {"open"}
    with filled.reading() as db:
        row = db.execute(select(act).where(act.c.kind == "decision")).one()
    assert (row.undone_by, row.detail["undo"]["restored"]) == ("ann", 100)


def test_reviewers_lose_nothing_while_acts_are_undone(filled, rules, monkeypatch):
    for name in ("_FIRST", "_LEAST", "_MOST"):
        monkeypatch.setattr(pace, name, 7)
    people = add_people(filled, *["reviewer"] * 6)
    numbers = range(1, 121)
    first = decide_many(filled, numbers, people[0], decision_of("decline"), rules)
    second = decide_many(filled, numbers, people[1], decision_of("tentative"), rules)

    def work(person):
        lot = random.Random(person)
        for number in lot.sample(numbers, 25):
            decide(filled, number, person, decision_of(lot.choice(["approve", "decline"])), rules)

    with ThreadPoolExecutor(8) as pool:
        undone = [pool.submit(undo_act, filled, one.act, "ann") for one in (second, first)]
        list(pool.map(work, people[2:]))
        results = [job.result() for job in undone]
    assert [(one.total, one.restored + one.kept) for one in results] == [(120, 120)] * 2
    with filled.reading() as db:
        assert db.scalar(select(func.count()).select_from(review)) == 240 + 4 * 25
        stands = {number: next((r for r in reviews_of(db, number) if not r.undone_at), None)
                  for number in numbers}  # fmt: skip
    words = {"approve": "approved", "decline": "declined"}
    assert states_of(filled) == {**dict.fromkeys(states_of(filled), "open"), **{
        number: words[row.decision] for number, row in stands.items() if row
    }}  # fmt: skip
    assert sum(row is not None for row in stands.values()) > 60


def test_decided_creator_is_reopened_and_that_can_be_undone(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    decide(filled, 5, ann, decision_of("decline"), rules)
    again, _ = decide(filled, 5, bob, decision_of("reopen", reason="", note="they wrote"), rules)
    assert state_of(filled, 5) == "open"
    with filled.reading() as db:
        assert [(r.decision, r.note) for r in reviews_of(db, 5)] == [
            ("reopen", "they wrote"), ("decline", ""),
        ]  # fmt: skip
        assert progress(db, bob, None).today == 0  # to re-open is not to decide
    undo(filled, bob, again)
    assert state_of(filled, 5) == "declined"


def test_undo_gives_back_reason_and_note_until_they_are_sent_again(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    number, _ = decide(filled, 5, ann, decision_of(reason="Off brand", note="too loud"), rules)
    undo(filled, ann, number)
    with filled.reading() as db:
        assert draft_of(db, 5, ann) == Draft("Off brand", "too loud")
        assert draft_of(db, 5, bob) == Draft()
    decide(filled, 5, ann, decision_of(), rules)
    with filled.reading() as db:
        assert draft_of(db, 5, ann) == Draft()


def test_queue_says_whom_and_undo_shows_them_with_the_note(visit, desk):
    ann = visit("reviewer")
    page = ann.get("/queue").text
    number = int(page.split('name="creator" value="')[1].split('"')[0])
    with desk.store.writing() as db:
        db.execute(update(creator).where(creator.c.id == number).values(name="Kaja <3"))
    form = {"csrf": ann.csrf, "creator": number, "decision": "approve", "reason": "Track record",
            "note": "met at <SXSW>", "request_name": "a" * 12}  # fmt: skip
    assert ann.post("/queue/decide", data=form).status_code == 303
    page = ann.get("/queue").text
    assert "Approved Kaja &lt;3." in page
    (address, *_) = re.findall(r'action="(/queue/undo\?review=\d+)"', page)
    assert ann.post(address, data={"csrf": ann.csrf}).status_code == 303
    page = ann.get("/queue").text
    assert "Kaja &lt;3 is open again, with your note." in page
    assert f'name="creator" value="{number}"' in page
    assert "met at &lt;SXSW&gt;</textarea>" in page
    assert 'value="Track record" checked' in page


@pytest.mark.parametrize("where", ["/creators/5/decide", "/queue/decide"])
def test_conflict_names_the_colleague_and_keeps_the_form(visit, desk, where):
    ann, lena = visit("reviewer"), visit("reviewer")
    form = {"decision": "decline", "reason": "Off brand", "note": "too loud", "creator": 5}
    lenas = {**form, "decision": "approve", "csrf": lena.csrf, "request_name": "l" * 12, "seen": 0}
    assert lena.post("/creators/5/decide", data=lenas).status_code == 303
    anns = {**form, "csrf": ann.csrf, "request_name": "a" * 12, "seen": 0}
    answer = ann.post(where, data=anns)
    assert answer.status_code == 409
    assert f"{lena.who} approved this creator just now." in answer.text
    assert "too loud</textarea>" in answer.text
    assert 'value="Off brand" checked' in answer.text
    assert state_of(desk.store, 5) == "approved"
    seen = answer.text.split('name="seen" value="')[1].split('"')[0]
    name = answer.text.split('name="request_name" value="')[1].split('"')[0]
    again = ann.post("/creators/5/decide", data={**anns, "seen": seen, "request_name": name})
    assert again.status_code == 303
    assert state_of(desk.store, 5) == "declined"


def test_creator_page_says_who_holds_the_creator_before_one_writes(visit, desk, rules):
    ann, lena = visit("reviewer"), visit("reviewer")
    page = lena.get("/queue").text
    number = page.split('name="creator" value="')[1].split('"')[0]
    hers = ann.get(f"/creators/{number}").text
    assert f"{lena.who} is looking at this creator right now" in hers
    form = {"csrf": ann.csrf, "decision": "approve", "reason": REASONS[0], "note": "mine",
            "request_name": "a" * 12, "seen": 0}  # fmt: skip
    answer = ann.post(f"/creators/{number}/decide", data=form)
    assert answer.status_code == 409
    assert f"{lena.who} is looking at this creator right now." in answer.text
    assert "mine</textarea>" in answer.text
    assert "looking at this creator" not in lena.get(f"/creators/{number}").text


def test_doer_and_admin_undo_an_act_and_nobody_else(visit, desk):
    ann, bob, vera, root = (visit(role) for role in ("reviewer", "reviewer", "viewer", "admin"))
    form = {"csrf": ann.csrf, "decision": "decline", "reason": "Off brand", "seen": 0,
            "note": "not for the minutes", "chosen": [1, 2, 3]}  # fmt: skip
    ann.post("/shortlist/decide", data={**form, "request_name": "a" * 12})
    ann.post("/shortlist/decide", data={**form, "request_name": "b" * 12, "chosen": [4]})
    notice = ann.get("/shortlist").text
    first, second = (row.id for row in acts_of(desk.store))
    assert f'action="/acts/{second}/undo"' in notice
    for somebody, may in ((ann, True), (bob, False), (vera, False), (root, True)):
        page = somebody.get("/acts").text
        assert "Declined 3 creators: Off brand" in page
        assert "for the minutes" not in page
        assert (f'action="/acts/{first}/undo"' in page) == may
    assert bob.post(f"/acts/{first}/undo", data={"csrf": bob.csrf}).status_code == 403
    assert ann.post(f"/acts/{first}/undo", data={"csrf": ann.csrf}).status_code == 303
    assert "3 of 3 creators are as they were before." in ann.get("/acts").text
    assert root.post(f"/acts/{second}/undo", data={"csrf": root.csrf}).status_code == 303
    assert set(states_of(desk.store).values()) == {"open"}
    assert ann.post(f"/acts/{first}/undo", data={"csrf": ann.csrf}).status_code == 422


def acts_of(store):
    with store.reading() as db:
        return db.execute(select(act).where(act.c.kind == "decision").order_by(act.c.id)).all()


def test_large_act_is_undone_by_the_worker(visit, desk, monkeypatch):
    monkeypatch.setattr("durhampulse.desk.web.acts.AT_ONCE", 2)
    ann = visit("reviewer")
    desk.worker.stop()
    form = {"csrf": ann.csrf, "decision": "decline", "reason": "Off brand", "seen": 0,
            "request_name": "a" * 12, "chosen": [1, 2, 3]}  # fmt: skip
    ann.post("/shortlist/decide", data=form)
    (row,) = acts_of(desk.store)
    ann.post(f"/acts/{row.id}/undo", data={"csrf": ann.csrf})
    assert states_of(desk.store)[1] == "declined"
    assert "0 of 3" in ann.get("/acts").text
    assert Worker(desk.store, desk.catalogue).work()
    assert set(states_of(desk.store).values()) == {"open"}
    assert "Undone by" in ann.get("/acts").text
    assert AT_ONCE == 10_000


def test_bulk_decision_is_not_undone_by_the_undo_of_one(filled, rules):
    (ann,) = add_people(filled, "reviewer")
    decide_many(filled, [1, 2, 3], ann, decision_of("decline"), rules)
    with filled.reading() as db:
        last = db.scalar(select(func.max(review.c.id)))
    with pytest.raises(ConflictError, match="together with others"):
        undo(filled, ann, last)
    with filled.reading() as db:
        assert db.scalar(select(func.count()).select_from(claim)) == 0


def standing_outcomes(store):
    with store.reading() as db:
        rows = db.execute(
            select(outcome.c.creator_id, outcome.c.deal, outcome.c.on)
            .where(outcome.c.replaced_at.is_(None)).order_by(outcome.c.creator_id)
        ).all()  # fmt: skip
        known = dict(
            db.execute(
                select(creator.c.id, creator.c.deal).where(creator.c.deal.is_not(None))
            ).all()
        )
    assert known == {row.creator_id: row.deal for row in rows}
    return [tuple(row) for row in rows]


def test_outcomes_by_file_are_undone_as_a_whole(filled, tmp_path):
    record(filled, 3, deal=True, on=DAY, by="bob")
    record(filled, 4, deal=True, on=DAY, by="bob")
    withdraw(filled, 4, "bob")
    before = standing_outcomes(filled)
    later = DAY + timedelta(days=1)
    number = record_rows(filled, tmp_path, dict.fromkeys(range(3, 13), False), on=later)
    assert standing_outcomes(filled) == [(i, False, later) for i in range(3, 13)]
    record(filled, 5, deal=True, on=later, by="bob")
    withdraw(filled, 6, "bob")
    undone = undo_act(filled, number, "ann")
    assert (undone.total, undone.restored, undone.kept) == (10, 8, 2)
    assert standing_outcomes(filled) == [*before, (5, True, later)]


def test_acts_of_outcomes_are_undone_in_either_order(filled, tmp_path):
    record(filled, 3, deal=True, on=DAY, by="bob")
    before = standing_outcomes(filled)
    for order in ((1, 0), (0, 1)):
        days = [DAY + timedelta(days=i) for i in (1, 2)]
        numbers = [
            record_rows(filled, tmp_path, {3: False, 4 + i: True}, on=day)
            for i, day in enumerate(days)
        ]
        undo_act(filled, numbers[order[0]], "ann")
        undo_act(filled, numbers[order[1]], "ann")
        assert standing_outcomes(filled) == before


def test_waiting_file_of_outcomes_is_swept(visit, desk):
    ann = visit("reviewer")
    files = {"file": ("won.csv", b"id,deal\nINF-1003,1\n")}
    sent = ann.post("/outcomes", data={"csrf": ann.csrf, "on": "2026-01-31"}, files=files)
    assert sent.status_code == 303
    (path,) = desk.folder.iterdir()
    with desk.store.writing() as db:
        db.execute(update(outcome_file).values(created_at=datetime.now(UTC) - timedelta(days=40)))
    assert sweep(desk.store, 30, "admin")["rows"]["outcome_file"] == 1
    assert not path.exists()
    assert ann.get(sent.headers["location"]).status_code == 404
    ann.post("/outcomes", data={"csrf": ann.csrf, "on": "2026-01-31"}, files=files)
    assert (
        ann.post("/outcomes", data={"csrf": ann.csrf, "on": "soon"}, files=files).status_code == 422
    )
    (path,) = desk.folder.iterdir()  # what was refused left nothing behind
    with desk.store.reading() as db:
        number = db.scalar(select(outcome_file.c.id))
    ann.post(f"/outcomes/files/{number}/drop", data={"csrf": ann.csrf})
    assert not path.exists()
    assert standing_outcomes(desk.store) == []


def test_file_that_is_undone_while_it_is_recorded_leaves_no_outcome(filled, tmp_path, monkeypatch):
    """Under Acts it can be undone from its first rows on; the rest is not recorded then."""
    writing, written = filled.writing, []

    @contextlib.contextmanager
    def interrupted(**options):
        with writing(**options) as db:
            yield db
        written.append(db)
        if len(written) == 1:
            with filled.reading() as db:
                number = db.scalar(select(act.c.id).where(act.c.kind == "outcomes"))
            assert undo_act(filled, number, "bob").done

    monkeypatch.setattr(byfile, "_AT_ONCE", 2)
    monkeypatch.setattr(filled, "writing", interrupted)
    with pytest.raises(InputError, match="bob has undone"):
        record_rows(filled, tmp_path, dict.fromkeys(range(3, 9), True))
    with filled.reading() as db:
        assert db.scalars(select(outcome.c.id).where(outcome.c.replaced_at.is_(None))).all() == []
        assert db.scalars(select(creator.c.id).where(creator.c.deal.is_not(None))).all() == []
