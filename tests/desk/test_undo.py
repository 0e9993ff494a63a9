"""Outcomes as states, and acts that are undone as a whole."""

from __future__ import annotations

import random
from datetime import date

import pytest
from sqlalchemy import select, update

from durhampulse.decision.bands import MAYBE
from durhampulse.desk.outcomes.recording import record, withdraw
from durhampulse.desk.review.queue import claim_next, progress
from durhampulse.desk.store.tables import creator
from durhampulse.scoring.record import UNLIKE_BIT
from tests.desk.conftest import add_people

DAY = date(2026, 1, 31)


def waiting(store, rules, person):
    """Give whom the queue holds for a reviewer, by the reason it gives."""
    with store.reading() as db:
        return progress(db, person, rules)


@pytest.mark.parametrize("deal", [True, False])
@pytest.mark.parametrize("why", ["unlike", "maybe", "edge", "sample"])
def test_creator_with_a_known_outcome_leaves_every_part_of_the_queue(filled, rules, why, deal):
    (ann,) = add_people(filled, "reviewer")
    low, _ = rules.band_ranges[MAYBE]
    kinds = {"unlike": (0.99, UNLIKE_BIT, 0.9), "maybe": (low + 0.01, 0, 0.9),
             "edge": (rules.edge_ranges[0][0] + 1e-4, 0, 0.9), "sample": (0.01, 0, 0.0)}  # fmt: skip
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
    assert "no deal" in vera.get("/creators/4").text.split("</h1>")[0]
