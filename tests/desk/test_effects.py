"""The way from the usual rate to a creator's probability, step by step."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from durhampulse.desk.review.page import creator_page, places_of
from durhampulse.features.peers import Peers


def test_steps_lead_from_the_usual_rate_to_the_percentage_that_is_shown(filled, rules):
    with filled.reading() as db:
        pages = [creator_page(db, number, rules) for number in range(1, 598, 20)]
    assert len({page.account.recommendation for page in pages}) > 2
    for page in pages:
        steps, shown = page.effects, 100 * page.account.probability
        assert steps[0].start == pytest.approx(page.usual)
        assert all(before.end == after.start for before, after in pairwise(steps))
        assert steps[-1].end == pytest.approx(shown, abs=0.01)  # shown is cut to four decimals
        assert int(page.usual) + sum(step.points for step in steps) == int(shown + 1e-9)
        assert all((step.end >= step.start) or step.points <= 0 for step in steps)


def test_effect_that_the_place_among_peers_does_not_explain_is_compared_with_everybody(
    filled, rules
):
    """'Higher than 93 of 100' stood beside -2 points, and nothing said why."""
    peers = rules.scorer.model.peers
    assert peers.rates.direction("Engagement_Rate") == 1
    curve = peers.curves["Engagement_Rate"]["|"]
    usual = curve[len(curve) // 2]
    with filled.reading() as db:
        pages = [creator_page(db, number, rules) for number in range(1, 598, 6)]
    explained = set()
    for page in pages:
        (step,) = (step for step in page.effects if step.name == "Engagement")
        value, side = page.row.engagement_rate, "above" if step.points > 0 else "below"
        if step.place is None or step.points == 0:
            assert step.whole_list == ""
            continue
        agree = (step.points > 0) == (step.place.percentile > 50)
        beyond = (step.points > 0) == (value > usual) and f"{value:.2%}" != f"{usual:.2%}"
        text = f"{side} the {100 * usual:.3g}% usual in the whole list"
        assert step.whole_list == ("" if agree or not beyond else text)
        explained.add(step.whole_list and side)
    assert explained == {"", "above", "below"}


@pytest.mark.parametrize(
    ("group", "whom"),
    [("micro|Food|Drink", "micro creators in Food|Drink"), ("micro|", "micro creators"),
     ("|", "all creators")],
)  # fmt: skip
def test_niche_with_a_bar_in_its_name_has_peers(group, whom):
    curves = {name: np.linspace(0, 0.1, 101).tolist() for name in {group, "|"}}
    peers = Peers({"nano": 0, "micro": 10_000}, ("Food|Drink",), {"Engagement_Rate": curves})
    rules = SimpleNamespace(scorer=SimpleNamespace(model=SimpleNamespace(peers=peers)))
    row = {"Followers": [20_000], "Niche": ["Food|Drink"], "Engagement_Rate": [0.025]}
    (place,) = places_of(rules, pd.DataFrame(row)).values()
    assert (place.percentile, place.peers) == (pytest.approx(25), whom)
