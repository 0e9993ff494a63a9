"""Reviews: each kept once, none lost, and no creator before two reviewers."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import unquote

import pytest
from sqlalchemy import delete, func, insert, select, update

from durhampulse.decision.bands import MAYBE, NO, NO_PRECEDENT, Thresholds
from durhampulse.desk.models.catalogue import save_thresholds
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.outcomes.recording import record
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.review import queue
from durhampulse.desk.review.decisions import (
    BulkResult,
    ConflictError,
    decide,
    decide_many,
    last_review,
    reviews_of,
)
from durhampulse.desk.review.queue import claim_next, progress, queue_counts, release
from durhampulse.desk.review.undoing import undo
from durhampulse.desk.shortlist.pages import totals
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.acts import undo_act
from durhampulse.desk.store.tables import audit, claim, creator, review
from durhampulse.exceptions import InputError
from durhampulse.scoring.record import UNLIKE_BIT
from durhampulse.scoring.scorer import Scorer
from tests.desk.conftest import add_people
from tests.desk.decisions import decision_of, review_at_once, state_of


def count(store, table):
    with store.reading() as db:
        return db.scalar(select(func.count()).select_from(table))


def test_queue_starts_among_the_most_probable_maybe(filled, rules):
    (ann,) = add_people(filled, "reviewer")
    plain = random.Random(1)  # its first draw is .13: an edge case; the second .85
    plain.random()
    first = claim_next(filled, ann, rules, lot=plain)
    assert first.why == "maybe"
    with filled.reading() as db:
        low, high = rules.band_ranges[MAYBE]
        p = creator.c.probability
        maybe = select(creator.c.id).where(p >= low, p < high).order_by(p.desc())
        assert first.creator_id in db.scalars(maybe.limit(40)).all()
    assert claim_next(filled, ann, rules) == first  # until decided
    decide(filled, first.creator_id, ann, decision_of(), rules)
    assert claim_next(filled, ann, rules).creator_id != first.creator_id


def test_queue_contains_edge_cases_and_a_sample_of_no(filled, rules):
    (ann,) = add_people(filled, "reviewer")
    lot, seen, early = random.Random(0), Counter(), set()
    while claimed := claim_next(filled, ann, rules, lot=lot):
        seen[claimed.why] += 1
        if seen["maybe"] < 70:
            early.add(claimed.why)
        with filled.reading() as db:
            p = db.scalar(select(creator.c.probability).where(creator.c.id == claimed.creator_id))
        band = rules.band(p)
        assert {"maybe": band == MAYBE, "edge": band != MAYBE and rules.on_edge(p),
                "sample": band == NO}[claimed.why]  # fmt: skip
        decide(filled, claimed.creator_id, ann, decision_of("tentative"), rules)
    with filled.reading() as db:
        probabilities = [p for p in db.scalars(select(creator.c.probability)) if p is not None]
    assert seen["maybe"] == sum(0.6 <= p < 0.8 for p in probabilities)
    assert early == {"maybe", "edge", "sample"}  # not one kind after the other
    assert 5 < seen["sample"] < 40
    with filled.reading() as db:
        left = db.scalars(select(creator.c.probability).where(creator.c.state == "open")).all()
    assert len(left) > 300  # a clear case that was not drawn is nobody's work
    assert not any(rules.band(p) == MAYBE or rules.on_edge(p) for p in left)


def test_expired_claim_cannot_overwrite_newer_decision(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    number = claim_next(filled, ann, rules).creator_id
    with filled.writing() as db:
        db.execute(delete(claim))  # as when it has expired
    decide(filled, number, bob, decision_of(), rules)
    with pytest.raises(ConflictError, match="approved this creator just now"):
        decide(filled, number, ann, decision_of("decline"), rules, queued=True)
    assert state_of(filled, number) == "approved"


def test_refusing_model_assigns_no_band(filled, rules):
    (ann,) = add_people(filled, "reviewer")
    refusing = Rules.of(rules.version, Scorer(rules.scorer.model), None)
    refusing.scorer.refusal = "the data carry no signal"
    assert claim_next(filled, ann, refusing) is None
    with filled.reading() as db:
        sums = totals(db, View(), refusing)
    assert (sums.creators, set(sums.bands.values())) == (597, {0})


def test_no_creator_is_declined_without_a_review(filled, rules):
    with filled.reading() as db:
        assert set(db.scalars(select(creator.c.state))) == {"open"}
        no = db.scalars(select(creator.c.id).where(creator.c.probability < 0.6).limit(9)).all()
    (ann,) = add_people(filled, "reviewer")
    for _ in range(2):
        assert decide_many(filled, no, ann, decision_of("decline", "b" * 12), rules) == BulkResult(
            decided=9
        )
    assert count(filled, review) == 9
    assert {state_of(filled, number) for number in no} == {"declined"}
    with pytest.raises(InputError, match="needs a reason"):
        decision_of("decline", reason="")


@pytest.mark.parametrize(
    "wrong",
    [{"choice": "perhaps"}, {"reason": "because"}, {"reason": "Other"}, {"note": "x" * 2001},
     {"note": "a\0b"}, {"request": "short"}],
)  # fmt: skip
def test_invalid_review_decision_is_refused(wrong):
    with pytest.raises(InputError):
        decision_of(**wrong)
    assert decision_of("skip", reason="").choice == "skip"
    assert decision_of(reason="Other", note="knows the brand").note


def test_repeated_request_is_recorded_once(filled, rules):
    (ann,) = add_people(filled, "reviewer")
    first = decide(filled, 5, ann, decision_of(request="r" * 10), rules)
    again = decide(filled, 5, ann, decision_of(request="r" * 10), rules)
    assert (first[1], again) == (True, (first[0], False))
    assert state_of(filled, 5) == "approved"
    with filled.reading() as db:
        kept = reviews_of(db, 5)
    assert [(r.decision, r.previous, r.band, r.why) for r in kept] == [
        ("approve", "open", rules.band(kept[0].probability), "chosen")
    ]


def test_claimed_creator_cannot_be_decided_by_others(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    hers = claim_next(filled, ann, rules).creator_id
    with pytest.raises(InputError, match=r"is looking at this creator right now"):
        decide(filled, hers, bob, decision_of(), rules)
    others = [number for number in (1, 2, 3) if number != hers][:2]
    many = decide_many(filled, [hers, *others], bob, decision_of("decline"), rules)
    assert many == BulkResult(decided=2, held=1)
    with filled.writing() as db:  # she went home
        db.execute(update(claim).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    decide(filled, hers, bob, decision_of(), rules)
    assert state_of(filled, hers) == "approved"


def test_stale_page_cannot_overwrite_newer_decision(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    with filled.reading() as db:
        seen = last_review(db)
    decide(filled, 5, ann, decision_of("approve"), rules)
    decide(filled, 6, bob, decision_of("tentative"), rules)
    request = decision_of("decline", request="of one page", seen=seen)
    for _ in range(2):  # sent again after a broken connection
        many = decide_many(filled, [5, 6, 7, 10**6], bob, request, rules)
        assert many == BulkResult(decided=2, changed=1, gone=1)
    assert [state_of(filled, number) for number in (5, 6, 7)] == [
        "approved", "declined", "declined",
    ]  # fmt: skip
    with pytest.raises(ConflictError, match="another decision"):
        decide_many(filled, [7], bob, replace(request, choice="approve"), rules)
    with pytest.raises(ConflictError, match=r"reviewer \w+ approved this creator just now"):
        decide(filled, 5, bob, decision_of("decline", seen=seen), rules)
    with filled.reading() as db:
        seen = last_review(db)
    decide(filled, 5, bob, decision_of("decline", seen=seen), rules)  # who has seen it may
    assert state_of(filled, 5) == "declined"


def test_request_for_many_sent_again_ends_no_claim_of_a_colleague(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    request = decision_of("decline")
    act = decide_many(filled, [5, 6], bob, request, rules).act
    undo_act(filled, act, "bob")
    until = datetime.now(UTC) + timedelta(minutes=15)
    hers = {"creator_id": 5, "person_id": ann, "why": "maybe", "expires_at": until}
    with filled.writing() as db:
        db.execute(insert(claim).values(**hers))
    decide_many(filled, [5, 6], bob, request, rules)  # sent again, since the answer was lost
    assert count(filled, claim) == 1


def test_creator_erased_since_the_queue_was_read_is_passed_over(filled, rules, monkeypatch):
    (ann,) = add_people(filled, "reviewer")
    candidates = queue._candidates

    def read_before(store, *how):
        numbers = candidates(store, *how)
        with store.reading() as db:
            name = db.scalar(select(creator.c.external_id).where(creator.c.id == numbers[0]))
        erase(store, name, "ann")
        return numbers[:2]

    first = candidates(filled, ann, rules, "maybe", datetime.now(UTC))[:2]
    with monkeypatch.context() as patch:
        patch.setattr(queue, "_kinds", lambda _: ["maybe"])
        patch.setattr(queue, "_candidates", lambda store, person, rules, why, now: (
            [] if why == "unlike" else read_before(store, person, rules, why, now)))  # fmt: skip
        assert claim_next(filled, ann, rules).creator_id == first[1]


def test_number_of_an_erased_review_makes_no_page_current_again(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    decide(filled, 5, ann, decision_of("approve"), rules)
    with filled.reading() as db:
        seen = last_review(db)  # of the page that bob has open
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == 5))
    erase(filled, name, "ann")
    decide(filled, 6, ann, decision_of("approve"), rules)
    with pytest.raises(ConflictError, match="approved this creator just now"):
        decide(filled, 6, bob, decision_of("decline", seen=seen), rules)


def test_released_claim_is_free_for_others(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    never = random.Random(1)
    hers = claim_next(filled, ann, rules, lot=never)
    with filled.reading() as db:
        assert progress(db, bob, None).others == 1
        assert progress(db, ann, None).others == 0
    release(filled, ann)
    assert count(filled, claim) == 0
    assert claim_next(filled, bob, rules, lot=random.Random(1)).creator_id == hers.creator_id


def test_claimed_creator_whose_outcome_is_known_by_now_is_passed_over(filled, rules):
    """Whoever held a claim was shown a creator whose outcome was recorded meanwhile."""
    (ann,) = add_people(filled, "reviewer")
    hers = claim_next(filled, ann, rules)
    record(filled, hers.creator_id, deal=True, on=date(2026, 1, 31), by="bob")
    other = claim_next(filled, ann, rules)
    assert other.creator_id != hers.creator_id
    assert claim_next(filled, ann, rules) == other
    with filled.writing() as db:
        db.execute(update(creator).values(deal=False))
    assert claim_next(filled, ann, rules) is None


def test_done_today_is_what_a_reviewer_decided_one_by_one(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    for number, choice in ((5, "approve"), (6, "decline"), (7, "skip")):
        decide(filled, number, ann, decision_of(choice), rules)
    decide_many(filled, [*range(10, 40)], ann, decision_of("decline"), rules)
    decide(filled, 8, bob, decision_of("tentative"), rules)
    last, _ = decide(filled, 9, ann, decision_of("approve"), rules)
    with filled.reading() as db:
        assert progress(db, ann, None).today == 3  # 5, 6 and 9
    undo(filled, ann, last)
    with filled.writing() as db:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        db.execute(update(review).where(review.c.creator_id == 5).values(at=yesterday))
    with filled.reading() as db:
        assert [progress(db, who, None).today for who in (ann, bob)] == [1, 1]


def test_undo_restores_the_state_and_the_claim(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    decide(filled, 5, ann, decision_of(), rules)
    hers = claim_next(filled, ann, rules).creator_id
    first, _ = decide(filled, hers, ann, decision_of("tentative"), rules)
    assert undo(filled, ann, first) == hers
    assert state_of(filled, hers) == "open"
    with pytest.raises(ConflictError, match="not your latest"):
        undo(filled, ann, first)  # the button pressed twice
    assert state_of(filled, 5) == "approved"
    assert claim_next(filled, ann, rules).creator_id == hers
    again, _ = decide(filled, hers, ann, decision_of("approve"), rules)
    bobs, _ = decide(filled, hers, bob, decision_of("decline"), rules)
    with pytest.raises(ConflictError, match="declined this creator just now"):
        undo(filled, ann, again)
    assert undo(filled, bob, bobs) == hers
    assert state_of(filled, hers) == "approved"
    with filled.reading() as db:
        acts = db.scalars(select(audit.c.act).where(audit.c.subject == f"creator {hers}")).all()
    assert acts == ["tentative", "undo", "approve", "decline", "undo"]


def test_skipped_creator_returns_to_other_reviewers_only(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    hers = claim_next(filled, ann, rules, lot=random.Random(3)).creator_id
    decide(filled, hers, ann, decision_of("skip", reason=""), rules)
    assert state_of(filled, hers) == "open"
    assert claim_next(filled, ann, rules, lot=random.Random(3)).creator_id != hers
    release(filled, ann)
    assert claim_next(filled, bob, rules, lot=random.Random(3)).creator_id == hers


def test_reused_idempotency_key_is_refused(filled, rules):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    decide(filled, 5, ann, decision_of(request="r" * 10), rules)
    for number, who, choice in [(6, ann, "approve"), (5, bob, "approve"), (5, ann, "decline")]:
        with pytest.raises(ConflictError, match="with another decision"):
            decide(filled, number, who, decision_of(choice, request="r" * 10), rules)
    assert count(filled, review) == 1


def test_20_concurrent_reviewers_lose_and_duplicate_nothing(filled, catalogue, rules):
    save_thresholds(filled, Thresholds(0.9, 0.05), "ann", rules)  # for a queue that is long
    rules = catalogue.current()
    people = add_people(filled, *["reviewer"] * 20)
    kept = review_at_once(filled, rules, people, 6)
    assert len(kept) == 120
    with filled.reading() as db:
        rows = {row.id: row for row in db.execute(select(review))}
        states = dict(db.execute(select(creator.c.id, creator.c.state)).all())
    assert len(rows) == 120
    for review_id, number, person, made in kept:
        row = rows[review_id]
        assert (row.creator_id, row.person_id, row.request) == (number, person, made.request)
        assert states[number] == {"approve": "approved", "decline": "declined"}.get(
            made.choice, "tentative"
        )
    assert count(filled, claim) == 0


def test_creators_without_precedent_come_first_into_review(filled, rules):
    (ann,) = add_people(filled, "reviewer")
    with filled.writing() as db:
        odd = db.scalars(select(creator.c.id).order_by(creator.c.probability.desc()).limit(2)).all()
        db.execute(update(creator).where(creator.c.id.in_(odd)).values(flags=UNLIKE_BIT | 1))
    with filled.reading() as db:
        assert progress(db, ann, queue_counts(db, rules)).unlike == 2
        bands = totals(db, View(), rules)
        assert bands.unlike == totals(db, View(band=("unlike",)), rules).creators == 2
    for _ in odd:
        claimed = claim_next(filled, ann, rules)
        assert (claimed.why, claimed.creator_id in odd) == ("unlike", True)
        decide(filled, claimed.creator_id, ann, decision_of(), rules, queued=True)
    with filled.reading() as db:
        bands = db.scalars(select(review.c.band).where(review.c.creator_id.in_(odd))).all()
    assert bands == [NO_PRECEDENT] * 2
    assert claim_next(filled, ann, rules).why != "unlike"


def test_notice_keeps_a_name_from_right_to_left_to_itself(visit, desk):
    """By U+2068 and U+2069, so that the name's own full stop stays at its end."""
    name = "\u05d3\u05e0\u05d4 & Co."
    with desk.store.writing() as db:
        db.execute(update(creator).where(creator.c.id == 5).values(name=name))
    ann = visit("reviewer")
    form = {"csrf": ann.csrf, "decision": "decline", "reason": "Off brand", "seen": "0",
            "request_name": "r" * 12}  # fmt: skip
    answer = ann.post("/creators/5/decide", data=form)
    notice = unquote(answer.cookies["durhampulse-notice"])
    assert notice == f"Declined \u2068{name}\u2069."
