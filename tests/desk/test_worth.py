"""The next best question: what a review could change, and when further ones change little."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from sqlalchemy import update

from durhampulse.desk.review.queue import claim_next
from durhampulse.desk.review.worth import Remaining, remaining, set_enough_deals, worth
from durhampulse.desk.store.tables import creator
from durhampulse.exceptions import InputError
from tests.desk.conftest import add_people


def one(p, low, high, at=0.8):
    return float(worth(np.array([p]), np.array([low]), np.array([high]), at)[0])


def test_nothing_is_gained_where_the_probability_is_known():
    assert one(0.7, 0.7, 0.7) == 0.0
    assert one(0.95, 0.95, 0.95) == pytest.approx(0.0, abs=1e-9)


def test_gain_is_that_of_an_integral():
    """Symmetrical in log-odds about a half, so that nothing is moved: the mean is a half."""
    half = 1.2
    low, high = 1 / (1 + np.exp(half)), 1 / (1 + np.exp(-half))
    sd = half / norm.ppf(0.95)
    expected, _ = quad(lambda z: max(1 / (1 + np.exp(-sd * z)) - 0.6, 0) * norm.pdf(z), -8, 8)
    assert one(0.5, low, high, at=0.6) == pytest.approx(expected, abs=0.002)


def test_most_is_gained_near_the_threshold_and_where_least_is_known():
    near, far = one(0.78, 0.6, 0.9), one(0.62, 0.4, 0.8)
    assert near > far > 0
    assert one(0.78, 0.5, 0.95) > near
    assert one(0.82, 0.6, 0.95) > 0  # a Yes that may be none


def test_queue_brings_first_whose_review_could_change_most(filled, rules):
    (ann,) = add_people(filled, "reviewer")
    at, step = rules.thresholds.yes_at, 0.002
    wide = {"probability": at - 4 * step, "low": 0.2, "high": 0.99}
    narrow = {"probability": at - step, "low": at - 2 * step, "high": at}
    with filled.writing() as db:
        db.execute(update(creator).where(creator.c.probability >= 0.5).values(probability=0.1))
        db.execute(update(creator).where(creator.c.id == 7).values(**wide))
        db.execute(update(creator).where(creator.c.id == 8).values(**narrow))

    class Maybe:
        def random(self):
            return 0.9

        def sample(self, some, _n):
            return some

    assert claim_next(filled, ann, rules, lot=Maybe()).creator_id == 7


def test_when_to_stop_is_counted_from_the_most_worth_down(filled, rules):
    with filled.writing() as db:
        db.execute(update(creator).values(state="declined"))
        some = {"state": "open", "probability": 0.75, "low": 0.5, "high": 0.9, "flags": 0}
        db.execute(update(creator).where(creator.c.id.between(3, 12)).values(**some))
    set_enough_deals(filled, 0.05, "ann")
    each = one(0.75, 0.5, 0.9, rules.thresholds.yes_at)
    with filled.reading() as db:
        left = remaining(db, rules)
    assert left.creators == 10
    assert left.deals == pytest.approx(10 * each, rel=1e-3)
    k = next(k for k in range(11) if (10 - k) * each < 0.05)
    assert left == Remaining(creators=10, deals=left.deals, enough=0.05, reviews=k)
    with pytest.raises(InputError) as caught:
        set_enough_deals(filled, 0.0, "ann")
    assert caught.value.field == "deals"


def test_queue_says_what_is_left_and_when_one_may_stop(visit, desk):
    ann = visit("reviewer")
    assert "that wait could change" in ann.get("/queue").text
    ann.post("/queue/enough", data={"csrf": ann.csrf, "deals": "900"})
    assert "You may stop:" in ann.get("/queue").text
    with desk.store.writing() as db:
        db.execute(update(creator).values(state="declined"))
    assert "Nobody else waits." in ann.get("/queue").text
