from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from durhampulse.report import lookalikes
from durhampulse.study.deciding import _worth


@pytest.fixture
def worth(whole):
    """What decisions are worth if the ten most probable creators have a new niche, and how many."""
    b1, model = whole.b1, whole.e.champion
    test, y_prob = b1.test.copy(), model.predict_proba(b1.test)
    best = np.argsort(-y_prob)[:10]
    test.iloc[best, test.columns.get_loc("Niche")] = "Philately"
    pooled = np.full(len(b1.y_train), 0.5)
    unlike = model.unlike(test) > 0
    assert unlike[best].all()
    found = _worth(replace(b1, test=test), model, y_prob, pooled, whole.e.thresholds)
    return found, b1.y_test[~unlike], y_prob[~unlike]


def test_thresholds_recommend_nobody_without_a_precedent(worth):
    found, _, y_prob = worth
    sweep, rates = found["sweep"].set_index("from"), found["hit_rates"].set_index("band")
    assert sweep["creators"][0.8] == (y_prob >= 0.8).sum() == rates["creators"]["Yes"]
    assert sweep["deals"][0.8] == rates["deals"]["Yes"]


def test_creators_without_a_precedent_are_invited_last(worth):
    found, y, y_prob = worth
    first = np.argsort(-y_prob, kind="stable")[:50]
    assert found["gain"]["found"][49] == pytest.approx(y[first].sum())
    assert found["gain"]["k"].iloc[-1] > len(y)


def test_probabilities_of_middle_creators_are_cut_as_in_their_picture(whole):
    part = replace(whole.e, alike=whole.e.alike.assign(probability=0.5989))
    assert ", 59%): " in lookalikes.sentence(part)


def test_hit_rates_count_nobody_who_is_too_empty_to_be_scored(whole):
    """Such a row is in no band of the table either: more than half of its figures are missing."""
    b1, model = whole.b1, whole.e.champion
    test = b1.test.copy()
    columns = [c for c in model.encoding.columns if c != "Followers"]
    test.loc[test.index[:30], columns] = np.nan
    y_prob, pooled = model.predict_proba(test), np.full(len(b1.y_train), 0.5)
    found = _worth(replace(b1, test=test), model, y_prob, pooled, whole.e.thresholds)
    placed = model.unlike(test.iloc[30:]) == 0
    assert found["hit_rates"]["creators"].sum() == placed.sum()
    assert found["sweep"].iloc[0]["creators"] == (y_prob[30:][placed] >= 0.5).sum()
