"""A plan as a bet: drawn futures, and what other budgets would bring."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from durhampulse.decision.likely import likely_probabilities
from durhampulse.desk.campaigns import bet, campaigns, choices
from durhampulse.desk.campaigns.bet import draw_bet
from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.proposal import propose, read_proposal
from durhampulse.desk.campaigns.trade import Frontier, Frontiers, Point, frontier_of, swaps
from durhampulse.desk.web.bets import picture_of


def plan(n=10, p=0.5, low=None, high=None, fee=100.0):
    return pd.DataFrame({
        "probability": [p] * n, "low": [p if low is None else low] * n,
        "high": [p if high is None else high] * n, "fee": [fee] * n, "deal": [None] * n,
        "flags": [0] * n,
    })  # fmt: skip


def test_without_an_error_of_the_model_deals_are_binomial():
    """Ten tossed coins: 5.5% have fewer than 3 heads, 17.2% fewer than 4 (56 and 176 of 1,024)."""
    bet = draw_bet(plan(), seed=1)
    assert sum(bet.futures) == 1_000
    expected = np.array([math.comb(10, k) for k in range(11)]) * 1_000 / 1_024
    assert np.abs(np.array(bet.futures) - expected).max() < 4 * math.sqrt(250)
    assert (bet.low, bet.high) in {(2, 7), (2, 8), (3, 7), (3, 8)}
    assert sum(bet.futures[bet.low : bet.high + 1]) >= 900
    assert sum(bet.futures[: bet.few]) == round(1_000 * bet.risk) <= 25


def test_drawn_probabilities_keep_mean_and_range():
    p, low, high = np.array([0.87, 0.3]), np.array([0.7, 0.1]), np.array([0.97, 0.6])
    drawn = likely_probabilities(p, low, high, np.random.default_rng(0).standard_normal(20_000))
    assert drawn.mean(axis=0) == pytest.approx(p, abs=1e-4)
    ends = np.quantile(drawn, [0.05, 0.95], axis=0)
    assert ends == pytest.approx(np.array([low, high]), abs=0.04)
    assert (np.diff(drawn[np.argsort(drawn[:, 0])], axis=0) >= 0).all()  # all err alike


def test_an_error_shared_by_all_widens_the_bet():
    """By hand: 300 coins have a deviation of 8.7 deals. Between .3 and .7 lie log-odds of 1.69,
    four tenths of whose deviation of .515 are .206, and 300 / 4 * .206 = 15.5 deals more."""
    sure, unsure = draw_bet(plan(300), seed=1), draw_bet(plan(300, low=0.3, high=0.7), seed=1)
    assert (sure.high - sure.low) / 2 == pytest.approx(1.645 * 8.66, abs=2)
    assert (unsure.high - unsure.low) / 2 == pytest.approx(1.645 * np.hypot(8.66, 15.5), abs=3)


def test_known_outcomes_are_no_part_of_the_bet():
    table = plan(12)
    table.loc[0:1, "deal"] = True
    bet = draw_bet(table, seed=1)
    assert len(bet.futures) == 11
    assert draw_bet(plan(0), seed=1) is None
    assert draw_bet(plan(3, p=1.0, low=1.0), seed=1).low == 3
    assert draw_bet(plan(3, p=0.0, low=0.0, high=0.02), seed=1).high == 0


def test_same_plan_is_drawn_alike_at_each_look():
    table = plan(20, low=0.2, high=0.8)
    first = draw_bet(table, seed=7)
    bet._draw.cache_clear()  # as after a start
    assert draw_bet(table, seed=7) == first


def test_plan_is_drawn_once_and_anew_when_a_figure_or_an_outcome_is_another(monkeypatch):
    table = plan(20, low=0.2, high=0.8)
    first = draw_bet(table, seed=8)
    with monkeypatch.context() as part:
        part.setattr(bet, "likely_probabilities", None)  # whoever draws, fails
        assert draw_bet(table, seed=8) == first
    changed, known = table.assign(low=0.4), table.assign(deal=[True] + [None] * 19)
    assert draw_bet(changed, seed=8).futures != first.futures
    assert len(draw_bet(known, seed=8).futures) == 20  # 0 to 19 deals


def point(ids, gain, fees, budget=0.0):
    table = pd.DataFrame({"id": ids, "gain": gain, "fee": fees, "person": [f"P{i}" for i in ids]})
    return Point(budget=budget, cost=sum(fees), aim=sum(gain), table=table)


def test_swaps_add_up_to_the_difference_of_the_sets():
    before = point([1, 2, 3, 4], [0.9, 0.8, 0.7, 0.6], [300, 200, 200, 100])
    after = point([1, 5, 6], [0.9, 0.75, 0.5], [300, 150, 50])
    done = swaps(before, after)
    named = [(s.out and s.out["person"], s.into and s.into["person"]) for s in done]
    assert named == [("P2", "P5"), ("P3", "P6"), ("P4", None)]
    assert [round(s.aim, 6) for s in done] == [-0.05, -0.2, -0.6]
    assert [s.fee for s in done] == [-50, -150, -100]
    assert sum(s.aim for s in done) == pytest.approx(after.aim - before.aim)
    assert sum(s.fee for s in done) == after.cost - before.cost


def test_frontier_rises_and_holds_the_present_set(filled, catalogue, spring):
    frontier = frontier_of(filled, catalogue, spring)
    points = frontier.points
    assert len(points) >= 3
    for cheaper, dearer in pairwise(points):
        assert cheaper.budget < dearer.budget
        assert cheaper.aim < dearer.aim
    assert all(one.cost <= one.budget + 1e-6 for one in points)
    same = next(one for one in points if one.budget == 1_200.0)
    assert set(same.table["id"]) == set(frontier.now.table["id"])
    assert same.aim == pytest.approx(frontier.now.aim)


def test_who_was_put_in_by_hand_is_in_every_set(filled, catalogue, spring):
    with filled.reading() as db:
        inside = read_proposal(db, spring)["id"].tolist()
    last = int(inside[-1])
    choices.put_in(filled, catalogue, spring, [last], "ann")
    for one in frontier_of(filled, catalogue, spring).points:
        assert last in set(one.table["id"])


def test_steps_are_answered_from_what_is_computed_already(filled, catalogue, spring, monkeypatch):
    kept = Frontiers()
    first = kept.of(filled, catalogue, spring)
    monkeypatch.setattr("durhampulse.desk.campaigns.trade.frontier_of", None)
    assert kept.of(filled, catalogue, spring) is first
    monkeypatch.undo()
    with filled.reading() as db:
        other = int(read_proposal(db, spring)["id"].iloc[0])
    choices.leave_out(filled, catalogue, spring, other, "ann")
    assert kept.of(filled, catalogue, spring) is not first


def test_first_look_shows_the_present_set_before_others_are_found(visit, spring, monkeypatch):
    """With a million creators the other budgets take a second or more."""
    path, ann = f"/campaigns/{spring}/frontier", visit("viewer")
    with monkeypatch.context() as nothing_is_found:
        nothing_is_found.setattr("durhampulse.desk.campaigns.trade.frontier_of", None)
        page = ann.get(path).text
    assert re.search(r"The set now: <strong>\d\.\d deals</strong> for [\d,]+ EUR", page)
    assert f'hx-get="{path}?wait=true" hx-trigger="load"' in page
    assert f'<noscript><p><a class="button main" href="{path}?wait=true"' in page
    assert 'type="range"' not in page
    for address in (f"{path}?wait=true", path):  # the second is answered from what is kept
        page = ann.get(address).text
        assert 'type="range"' in page
        assert "?wait=true" not in page


def test_page_shows_the_bet_and_takes_another_budget(visit, spring):
    ann = visit("reviewer")
    page = ann.get(f"/campaigns/{spring}").text
    assert re.search(r"<strong>\d+( to \d+)? deals</strong> in 9 of 10 futures", page)
    page = ann.get(f"/campaigns/{spring}/frontier?at=0").text
    assert re.search(r"With <strong>480 EUR</strong>: [\d.]+ deals fewer, [\d,]+ EUR saved", page)
    swap = page.partition('<ul class="swaps">')[2].partition("</li>")[0]
    assert re.sub("<[^>]+>", "", swap).count(":") == 0
    viewed = visit("viewer").get(f"/campaigns/{spring}/frontier?at=0").text
    assert "/budget" not in viewed
    edition = re.search(r'name="edition" value="(\d+)"', page)[1]
    form = {"csrf": ann.csrf, "budget": "480", "edition": edition}
    assert ann.post(f"/campaigns/{spring}/budget", data=form).status_code == 303
    assert "of 480 EUR" in ann.get(f"/campaigns/{spring}").text
    assert ann.post(f"/campaigns/{spring}/budget", data=form).status_code == 422  # changed since


def test_other_budgets_stand_by_their_budget_and_not_by_their_fees():
    """From 6% of the width for the smallest budget to 94% for the largest."""
    points = [
        Point(budget=budget, cost=cost, aim=aim, table=plan())
        for budget, cost, aim in ((100.0, 90.0, 1.0), (200.0, 110.0, 2.0), (300.0, 290.0, 3.0))
    ]
    picture = picture_of(Frontier(now=points[1], points=points, is_of_proposal=True), 1)
    assert [(one.x, one.budget) for one in picture["points"]] == [(6, 100), (50, 200), (94, 300)]
    assert [one.anchor for one in picture["points"]] == ["start", "middle", "end"]
    assert (picture["now"].x, picture["now"].y) == (50, 85)
    picture = picture_of(Frontier(now=points[1], points=points, is_of_proposal=True), 0)
    assert [one.anchor for one in picture["points"]] == ["start", "", "end"]


def test_label_of_the_chosen_budget_is_that_of_the_sentence(visit, spring):
    for at in range(3):
        page = visit("viewer").get(f"/campaigns/{spring}/frontier?at={at}").text
        budget = re.search(r"With <strong>([\d,.]+ EUR)</strong>", page)[1]
        label = re.search(r'<text class="ink" [^>]*y="184"[^>]*>(?:Budget )?([^<]+)</text>', page)
        assert label[1] == budget


def test_no_budget_and_no_fees_draw_a_bet_and_no_frontier(visit, filled, catalogue):
    number = campaigns.make(filled, Brief(name="Free", number=5), "ann")
    propose(filled, catalogue, number, "ann")
    somebody = visit("viewer")
    assert "in 9 of 10 futures" in somebody.get(f"/campaigns/{number}").text
    page = somebody.get(f"/campaigns/{number}/frontier")
    assert page.status_code == 200
    assert "Name a budget or fees" in page.text
