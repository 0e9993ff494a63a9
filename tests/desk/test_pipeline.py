"""The pipeline: who came how far, how long it took, and whom nobody had to open."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from durhampulse.desk.outcomes.pipeline import pipeline
from durhampulse.desk.outcomes.recording import record
from durhampulse.desk.review.decisions import REASONS, ReviewDecision, decide
from durhampulse.desk.review.queue import claim_next
from durhampulse.desk.store.standing import set_states
from durhampulse.desk.store.tables import claim, creator, review, run
from tests.desk.conftest import add_people

NOW = datetime.now(UTC)


def reviewed(store, person, creators, *, days_ago=0.0, act=None, every=0.0, decision="approve"):
    """Insert reviews of some creators, so many minutes apart."""
    with store.writing() as db:
        for i, number in enumerate(creators):
            at = NOW - timedelta(days=days_ago) + timedelta(minutes=every * i)
            row = {
                "creator_id": number, "person_id": person, "decision": decision, "note": "",
                "reason": REASONS[0], "probability": 0.5, "band": "", "why": "chosen",
                "previous": "open", "request": f"r{number}-{days_ago}", "at": at, "act_id": act,
            }  # fmt: skip
            db.execute(insert(review).values(row))
        set_states(db, creator.c.id.in_([*creators]))


def stages(store, days=None):
    with store.reading() as db:
        counted = pipeline(db, days)
    return {stage.name: stage for stage in counted.stages}, counted.effort


@pytest.fixture
def imported(filled):
    """The demo's list, as if it had come a hundred days ago."""
    with filled.writing() as db:
        db.execute(update(run).values(at=NOW - timedelta(days=100)))
    return filled


def test_steps_are_counted_with_the_days_between(imported):
    (ann,) = add_people(imported, "reviewer")
    reviewed(imported, ann, [1, 2, 3], days_ago=90)  # ten days after the import
    reviewed(imported, ann, [4], days_ago=10)  # ninety days after it
    reviewed(imported, ann, [5], days_ago=1, decision="skip")  # is no decision
    record(imported, 4, deal=True, on=date(2026, 1, 31), by="ann")
    found, _ = stages(imported)
    assert found["imported"].creators == 597
    assert (found["decided"].creators, found["decided"].of) == (4, 4)
    assert found["decided"].days == pytest.approx(10, abs=0.01)  # of 10, 10, 10, 90
    assert found["outcome"].creators == 1


def test_who_was_reopened_since_has_been_decided(imported):
    (ann,) = add_people(imported, "reviewer")
    reviewed(imported, ann, [1, 2, 3], days_ago=50)
    reviewed(imported, ann, [2, 3, 4], days_ago=40, decision="reopen")
    reviewed(imported, ann, [3], days_ago=30)
    found, effort = stages(imported)
    assert (found["decided"].creators, effort.undecided) == (3, 594)  # 4 was never decided
    assert stages(imported, 45)[0]["decided"].creators == 1


def test_last_days_leave_out_what_was_before(imported):
    (ann,) = add_people(imported, "reviewer")
    reviewed(imported, ann, [1, 2, 3], days_ago=60)
    reviewed(imported, ann, [4], days_ago=10)
    assert [stages(imported, days)[0]["decided"].creators for days in (30, 90, None)] == [1, 4, 4]
    assert stages(imported, 30)[0]["decided"].days == pytest.approx(90, abs=0.01)


def test_whom_nobody_had_to_open_is_said_exactly(imported):
    (ann,) = add_people(imported, "reviewer")
    reviewed(imported, ann, [1, 2], every=2)
    reviewed(imported, ann, [2, 3, 4, 5], days_ago=1, act=7)
    _, effort = stages(imported)
    # 1 and 2 singly (2 in bulk too), 3 to 5 in bulk alone, the other 592 of 597 not at all.
    assert (effort.singly, effort.in_bulk, effort.undecided) == (2, 3, 592)


def test_minutes_are_told_from_claims_or_the_decision_before(imported, rules):
    ann, bob = add_people(imported, "reviewer", "reviewer")
    reviewed(imported, ann, [1, 2, 3, 4], every=2)  # three gaps of two minutes
    reviewed(imported, bob, [5, 6], every=40)  # a pause
    _, effort = stages(imported)
    assert (effort.of, effort.minutes) == (3, 2.0)
    (carl,) = add_people(imported, "reviewer")
    claimed = claim_next(imported, carl, rules)
    with imported.writing() as db:  # as if given out five minutes ago
        earlier = claim.c.creator_id == claimed.creator_id
        until = claimed.until - timedelta(minutes=5)
        db.execute(update(claim).where(earlier).values(expires_at=until))
    made = ReviewDecision(choice="approve", reason=REASONS[0], note="", request="c" * 12)
    decide(imported, claimed.creator_id, carl, made, rules, queued=True)
    with imported.reading() as db:
        row = db.execute(select(review).where(review.c.person_id == carl)).one()
    assert (row.at - row.claimed_at).total_seconds() == pytest.approx(300, abs=30)
    assert stages(imported)[1].of == 4


def test_page_shows_picture_and_table(visit, imported):
    client = visit("viewer")
    assert "Nobody has decided in this time" in client.get("/pipeline?days=30").text
    assert "Nobody has decided yet" in client.get("/pipeline").text
    (ann,) = add_people(imported, "reviewer")
    reviewed(imported, ann, [1, 2], every=2)
    page = client.get("/pipeline").text
    assert "<b>2</b> creators were opened one by one, 2 minutes each; <b>595</b> nobody" in page
    reviewed(imported, ann, [3, 4, 5], days_ago=1, act=7)
    assert "<b>3</b> decided with many at once; <b>592</b> nobody" in client.get("/pipeline").text
    widths = re.findall(r'class="step"[^>]* width="([0-9.]+)%"', page)
    assert widths[:2] == ["100.0", "0.3"]  # of 597 creators 2 are decided
    assert "style=" not in page
    assert client.get("/pipeline?days=-1").status_code == 422
