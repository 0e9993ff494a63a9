"""The promise of a share: kept in at least 95% of draws, whatever the probabilities are worth."""

from __future__ import annotations

import numpy as np
import pytest

from durhampulse.decision.bands import Thresholds, band_codes
from durhampulse.decision.promise import NO_YES_AT, keep_promise
from durhampulse.exceptions import InputError
from durhampulse.study.request import Request


def scored(rng, n, *, tilt=1.0, shift=0.0, noise=0.4):
    """Return true probabilities, and scores whose log-odds are tilted, shifted and noisy."""
    logits = rng.normal(-1.2, 1.8, n)
    said = tilt * (logits + rng.normal(0, noise, n)) + shift
    return 1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(-said))


@pytest.mark.slow  # 400 draws of three sizes, as the promise is stated
@pytest.mark.parametrize(
    ("n_tested", "tilt", "shift"),
    [(200, 1.0, 0.0), (800, 1.5, 0.5), (3_000, 0.6, -0.3)],  # right, too sure, too timid
)
def test_promise_is_broken_in_at_most_5_percent_of_draws(n_tested, tilt, shift):
    rng = np.random.default_rng(n_tested)
    truth, said = scored(rng, 500_000, tilt=tilt, shift=shift)
    order = np.argsort(said)
    from_top = np.cumsum(truth[order][::-1])[::-1] / np.arange(len(truth), 0, -1)
    broken = 0
    for _ in range(400):
        p, y_prob = scored(rng, n_tested, tilt=tilt, shift=shift)
        y_true = (rng.random(n_tested) < p).astype(float)
        promise = keep_promise(y_true, y_prob, 0.8)
        if promise.threshold is not None:
            broken += from_top[np.searchsorted(said[order], promise.threshold)] < 0.8
    # 5% of 400 are 20; more than 30 would occur once in a hundred times at exactly 5%.
    assert broken <= 30


def test_14_deals_of_14_are_the_fewest_that_promise_80_percent():
    # .8 ** 13 = .055 and .8 ** 14 = .044: fewer than 14 cannot be sure to 95%.
    few, enough = (
        keep_promise(np.ones(n), np.full(n, 0.99), 0.8, planned=np.full(n, 0.99)) for n in (13, 14)
    )
    assert not few.is_kept
    assert enough.is_kept


def test_threshold_goes_as_low_as_the_outcomes_are_sure():
    # 100 of 100 above .9, then 40 of 100: 140 of 200 are 70%, which is less than promised.
    y_prob = np.repeat([0.95, 0.7], 100)
    y_true = np.concatenate([np.ones(100), np.ones(40), np.zeros(60)])
    promise = keep_promise(y_true, y_prob, 0.8)
    assert 0.7 < promise.threshold <= 0.95
    assert (promise.marked, promise.deals, promise.needed) == (100, 100, None)


def test_too_few_outcomes_give_a_number_and_no_yes():
    rng = np.random.default_rng(3)
    y_prob = np.repeat([0.9, 0.1], [10, 190])
    promise = keep_promise((rng.random(200) < y_prob).astype(float), y_prob, 0.8)
    thresholds = promise.thresholds(Thresholds())
    assert not promise.is_kept
    # By hand: 10 of 200 are marked at a rate of .9; some 100 marked, so 2,000 tested, would do.
    assert 1_000 < promise.needed < 4_000
    assert thresholds == Thresholds(yes_at=NO_YES_AT, review_at=0.6)
    assert band_codes(np.array([0.999_999_9]), thresholds).tolist() == [1]


def test_no_number_of_outcomes_makes_60_percent_80():
    y_prob = np.full(500, 0.9)
    promise = keep_promise(np.repeat([1.0, 0.0], [300, 200]), y_prob, 0.8)
    assert (promise.is_kept, promise.needed) == (False, None)


def test_review_begins_no_higher_than_yes():
    promise = keep_promise(np.repeat([1.0, 0.0], [60, 40]), np.full(100, 0.55), 0.4)
    thresholds = promise.thresholds(Thresholds())
    assert thresholds.review_at == thresholds.yes_at < 0.6


def test_request_keeps_the_promise_and_refuses_a_percentage():
    request = Request(source="a.csv", promise=0.8, considered="Seen")
    assert Request.from_json(request.to_json()) == request
    with pytest.raises(InputError, match="--promise 80"):
        Request(promise=80)


def test_sentence_says_what_the_promise_rests_on_or_what_it_lacks():
    kept = keep_promise(np.ones(100), np.full(100, 0.95), 0.8)
    few = keep_promise(np.ones(10), np.full(10, 0.95), 0.8)
    never = keep_promise(np.repeat([1.0, 0.0], [300, 200]), np.full(500, 0.9), 0.8)
    assert "100 of 100 did, of 100 creators" in kept.text()
    assert "more known outcomes would do" in few.text()
    assert "more outcomes alone would not do" in never.text()


def test_rows_of_one_creator_count_once():
    groups = np.repeat(np.arange(10), 10)
    promise = keep_promise(np.ones(100), np.full(100, 0.95), 0.8, groups=groups)
    assert promise.tested == 10
    assert not promise.is_kept


@pytest.mark.parametrize("share", [0.0, 1.0, 80.0, float("nan")])
def test_share_that_is_none_is_refused(share):
    with pytest.raises(InputError, match="between 0 and 1"):
        keep_promise(np.ones(3), np.ones(3), share)
