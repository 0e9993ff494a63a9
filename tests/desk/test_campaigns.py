"""Campaigns: what is proposed at what fee, and that it stands until a person changes it."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from sqlalchemy import select, text, update

from durhampulse.decision.bands import MAYBE, YES, Thresholds
from durhampulse.desk.campaigns import branching, campaigns, choices, frontier
from durhampulse.desk.campaigns.brief import Brief, currency_code
from durhampulse.desk.campaigns.candidates import COLUMNS, Choice, candidates, pool
from durhampulse.desk.campaigns.crossings import crossings
from durhampulse.desk.campaigns.highs import best_wholes
from durhampulse.desk.campaigns.proposal import difference, propose, read_proposal
from durhampulse.desk.campaigns.relaxation import Task, reduced_gains, relaxed
from durhampulse.desk.campaigns.solver import best_set, more_budget, solve
from durhampulse.desk.campaigns.value import gains, outlook
from durhampulse.desk.models.catalogue import activate, save_thresholds
from durhampulse.desk.models.rules import Rules
from durhampulse.desk.outcomes.recording import record
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.store.bulk import insert_rows
from durhampulse.desk.store.tables import audit, campaign, creator, proposal
from durhampulse.exceptions import CannotJudgeError, InputError
from durhampulse.scoring.record import UNLIKE_BIT
from tests.desk.conftest import bring
from tests.desk.lists import write_list
from tests.desk.plans import (
    AIMS,
    FEES,
    numbers,
    on_short_lists,
    planned,
    put_people,
    whole_list,
)
from tests.desk.versions import newest_store, older_store
from tests.examples import examples

DAY = date(2026, 1, 31)


def stored(store, number):
    """Give a campaign's rows and its own, as they are stored."""
    with store.reading() as db:
        rows = db.execute(
            select(proposal).where(proposal.c.campaign_id == number).order_by(proposal.c.place)
        ).all()
        return rows, db.execute(select(campaign).where(campaign.c.id == number)).one()


def inside(store, number):
    with store.reading() as db:
        return read_proposal(db, number)


def change(store, which, **values):
    with store.writing() as db:
        db.execute(update(creator).where(creator.c.id == which).values(**values))


# The set


def as_table(rows):
    """Give candidates of (probability, fee, niche, views, followers, rate)."""
    names = ["probability", "fee", "niche", "avg_views", "followers", "engagement_rate"]
    table = pd.DataFrame(rows, columns=names)
    table = table.assign(id=np.arange(len(table)), name="x", low=0.0, high=1.0, tier="nano",
                         state="open", deal=None, flags=0, fee_from="own", fixed=False)  # fmt: skip
    return table[[*COLUMNS]]


def worths(table, brief):
    """Give what each creator brings, from the definitions."""
    p, fee = table["probability"], table["fee"]
    interactions = table["followers"] * table["engagement_rate"]
    per = {"deal": 1.0, "view": table["avg_views"], "engagement": interactions}
    aims = {"deals": p, "views": p * table["avg_views"], "engagements": p * interactions,
            "return": p * ((brief.worth or 0) * per[brief.per] - fee)}  # fmt: skip
    return aims[brief.aim].to_numpy(float)


def best_by_trying(table, brief):
    """Give the most that any set within the limits brings; none if no set is."""
    sets = np.array([*itertools.product([0, 1], repeat=len(table))])
    fits = sets.sum(axis=1) <= brief.number
    fits &= (sets >= table["fixed"].to_numpy(int)).all(axis=1)
    if brief.budget is not None:
        fits &= sets @ table["fee"].to_numpy(float) <= brief.budget + 1e-9
    for niche in table["niche"].unique() if brief.most_per_niche else ():
        fits &= sets @ (table["niche"] == niche).to_numpy(int) <= brief.most_per_niche
    return (sets @ worths(table, brief))[fits].max() if fits.any() else None


@examples(40)
@given(
    aim=st.sampled_from(AIMS),
    rows=st.lists(
        st.tuples(st.integers(0, 20).map(lambda n: n / 20), st.sampled_from([0.0, 100.0, 250.0]),
                  st.sampled_from("ab"), st.integers(0, 900), st.integers(1000, 9000),
                  st.sampled_from([0.01, 0.05])), min_size=1, max_size=7),
    number=st.integers(1, 5),
    budget=st.sampled_from([None, 100.0, 400.0]),
    most=st.sampled_from([None, 1, 2]),
    by_hand=st.booleans(),
)  # fmt: skip
def test_set_is_the_best_of_all_that_keep_the_limits(aim, rows, number, budget, most, by_hand):
    table = as_table(rows)
    table.loc[0, "fixed"] = by_hand
    brief = Brief(name="x", number=number, budget=budget, most_per_niche=most, **aim)
    best = best_by_trying(table, brief)
    if best is None:
        with pytest.raises(CannotJudgeError, match="No set"):
            solve(table, brief)
        return
    chosen = solve(table, brief)
    assert worths(chosen, brief).sum() == pytest.approx(best, rel=1e-4, abs=1e-6)
    assert gains(chosen, brief).sum() == pytest.approx(worths(chosen, brief).sum())
    assert len(chosen) <= number
    assert budget is None or chosen["fee"].sum() <= budget + 1e-6
    assert not by_hand or 0 in set(chosen["id"])


def best_by_dynamic_programming(probability, fees, number, budget):
    """Give the most that so many bring within a budget; fees are whole numbers."""
    best = np.zeros((number + 1, budget + 1))
    for p, fee in zip(probability, fees, strict=True):
        if fee > budget:
            continue
        with_them = best[:-1, : budget + 1 - fee] + p
        best[1:, fee:] = np.maximum(best[1:, fee:], with_them)
    return best[-1, -1]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("number", "budget"), [(40, 600), (25, 900), (100, 800)])
def test_set_of_many_is_the_best_but_for_one_in_ten_thousand(seed, number, budget):
    lot = np.random.default_rng(seed)
    probability = lot.beta(1, 3, 400)
    fees = np.maximum(1, 300 * probability * lot.uniform(0.3, 3.0, 400)).astype(int)
    rows = zip(probability, fees, "a" * 400, [0] * 400, [1000] * 400, [0.1] * 400, strict=True)
    brief = Brief(name="x", number=number, budget=float(budget))
    chosen = solve(as_table(list(rows)), brief)
    best = best_by_dynamic_programming(probability, fees, number, budget)
    assert chosen["fee"].sum() <= budget
    assert len(chosen) <= number
    assert chosen["probability"].sum() == pytest.approx(best, rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_set_that_is_not_proved_the_best_says_by_how_much_another_may_be_better(seed, capfd):
    lot = np.random.default_rng(seed)
    probability = lot.beta(1, 3, 200)
    fees = np.maximum(1, 300 * probability * lot.uniform(0.3, 3.0, 200)).astype(int)
    fees[:12], probability[:12] = lot.integers(150, 500, 12), lot.uniform(0.9, 0.99, 12)
    rows = zip(probability, fees, "a" * 200, [0] * 200, [1000] * 200, [0.1] * 200, strict=True)
    brief = Brief(name="x", number=30, budget=700.0)
    best = best_by_dynamic_programming(probability, fees, 30, 700)
    hasty = best_set(as_table(list(rows)), brief, seconds=0.0)
    total = hasty.table["probability"].sum()
    assert total <= best + 1e-9
    assert best <= total * (1 + max(hasty.gap, 2e-4)) + 1e-9
    assert capfd.readouterr().out == ""  # the solver keeps to itself


MANY = st.lists(
    st.tuples(st.integers(1, 40).map(lambda n: n / 40),
              st.sampled_from([30.0, 100.0, 250.0]) | st.integers(1, 400).map(float),
              st.sampled_from(["a", "b", None]), st.integers(0, 900), st.just(2000), st.just(0.05)),
    min_size=8, max_size=13,
)  # fmt: skip


@examples(80)
@given(
    aim=st.sampled_from(AIMS), rows=MANY, number=st.integers(1, 8),
    budget=st.integers(0, 1200).map(float), most=st.sampled_from([None, 1, 3]),
    by_hand=st.integers(0, 2), seconds=st.sampled_from([0.0, 5.0]),
    branches=st.sampled_from([0, 2, 30]),
)  # fmt: skip
def test_no_set_brings_more_than_the_gap_allows(
    aim, rows, number, budget, most, by_hand, seconds, branches
):
    table = as_table(rows)
    table.loc[: by_hand - 1, "fixed"] = True
    brief = Brief(name="x", number=number, budget=budget, most_per_niche=most, **aim)
    best = best_by_trying(table, brief)
    if best is None:
        with pytest.raises(CannotJudgeError, match="No set"):
            best_set(table, brief, seconds=seconds)
        return
    with pytest.MonkeyPatch.context() as few:
        few.setattr(branching, "_BRANCHES", branches)
        answer = best_set(table, brief, seconds=seconds)
    brings = worths(answer.table, brief).sum()
    assert brings <= best + 1e-6
    assert best <= brings + max(answer.gap, 1e-4) * abs(brings) + 1e-6
    assert answer.table["fee"].sum() <= budget + 1e-6
    assert len(answer.table) <= number
    assert answer.table["fixed"].sum() == by_hand
    if most is not None:
        assert (answer.table["niche"].value_counts() <= most).all()


@examples(60)
@given(rows=MANY, number=st.integers(1, 6), budget=st.integers(1, 900).map(float),
       most=st.sampled_from([1, 2, 9]))  # fmt: skip
def test_price_of_the_budget_bounds_every_set(rows, number, budget, most):
    """Also with what it leaves of each gain, by the duality of linear programs."""
    table = as_table(rows)
    gain, fee = (table[name].to_numpy(float) for name in ("probability", "fee"))
    niche = table["niche"].map({"a": 0, "b": 1}).fillna(2).to_numpy(int)
    limits = np.array([most, most, len(table)])
    task = Task(gain=gain, fee=fee, niche=niche, most=limits, number=number, budget=budget)
    sets = relaxed(task)
    brief = Brief(name="x", number=number, budget=budget, most_per_niche=most)
    assert sets.bound >= best_by_trying(table, brief) - 1e-9
    assert fee[sets.within].sum() <= budget + 1e-9
    by_price = linprog(
        -gain, A_ub=[np.ones(len(gain)), fee, niche == 0, niche == 1],
        b_ub=[number, budget, most, most], bounds=[(0, float(f <= budget)) for f in fee],
    )  # fmt: skip
    assert sets.bound == pytest.approx(-by_price.fun)
    reduced = reduced_gains(task, sets.price)
    better = np.flatnonzero((reduced > 1e-9) & task.fits)
    assert {*better} <= {*sets.within} & {*sets.beyond}


@examples(60)
@given(
    people=st.lists(
        st.tuples(st.sampled_from([0.25, 0.5, 0.75]), st.sampled_from([10.0, 20.0, 30.0]),
                  st.integers(0, 1)), min_size=2, max_size=8),
    number=st.integers(1, 4), budget=st.integers(10, 90).map(float), most=st.integers(1, 3),
)  # fmt: skip
def test_some_best_set_holds_whoever_is_preferable_to_its_creators(people, number, budget, most):
    gain, fee, niche = (np.array(column) for column in zip(*people, strict=True))
    task = Task(gain=gain, fee=fee, niche=niche, most=np.array([most, 8]), number=number,
                budget=budget)  # fmt: skip
    sets = np.array([*itertools.product([False, True], repeat=len(people))])
    fits = (sets.sum(axis=1) <= number) & (sets @ fee <= budget) & (sets @ (niche == 0) <= most)
    sums = np.where(fits, sets @ gain, -1.0)
    everybody = range(len(people))
    preferable = [branching._preferable(at, task) for at in everybody]
    no_better = [branching._no_better(at, task) for at in everybody]
    assert all(preferable[at][at] and no_better[at][at] for at in everybody)
    assert any(
        all((chosen[preferable[at]].all() if chosen[at] else not chosen[no_better[at]].any())
            for at in everybody)
        for chosen in sets[sums == sums.max()]
    )  # fmt: skip
    for at, other in itertools.permutations(everybody, 2):  # neither is missing nor superfluous
        same = people[at][2] == people[other][2]
        ranks = [(-gain[who], fee[who]) for who in (at, other)]
        is_as_good = ranks[1][0] <= ranks[0][0] and ranks[1][1] <= ranks[0][1]
        assert preferable[at][other] == (
            same and is_as_good and (ranks[0] != ranks[1] or other < at)
        )
        assert preferable[at][other] == no_better[other][at]


def test_integer_program_solves_the_example_of_its_solver():
    """The knapsack of HiGHS' own examples: the first, third and fourth of five, worth 22."""
    gain, weights = np.array([8.0, 5, 3, 11, 7]), np.array([[4.0, 3, 1, 5, 4]])
    chosen, bound = best_wholes(gain, weights, np.array([11.0]), seconds=5, gap=1e-6)
    assert np.round(chosen).tolist() == [1, 0, 1, 1, 0]
    assert bound == pytest.approx(22)
    fits_all = {"niche": np.zeros(5, dtype=int), "most": np.array([5]), "number": 5}
    sets = relaxed(Task(gain=gain, fee=weights[0], budget=11.0, **fits_all))
    assert sets.price == 7 / 4  # of the fifth, by gain for each unit of weight
    assert sets.bound == 22 + 7 / 4
    assert best_wholes(gain, weights, np.array([-1.0]), seconds=5, gap=1e-6)[0] is None


@pytest.mark.parametrize(
    "brief",
    [
        {"number": 30, "most_per_niche": 6, "budget": 9_000.0},
        {"number": 30, "budget": 9_000.0},
        {"number": 12, "most_per_niche": 1, "budget": 9e9},
        {"number": 12, "most_per_niche": 11, "budget": 60_000.0, "aim": "views"},
        {"number": 5, "most_per_niche": 5, "budget": 500.0, "aim": "engagements"},
        {"number": 20, "budget": 30_000.0, "aim": "return", "worth": 0.02, "per": "view"},
    ],
)
def test_candidates_contain_the_best_set_also_with_fees_of_their_own(filled, rules, brief):
    lot = np.random.default_rng(3)
    with filled.writing() as db:
        for row in numbers(filled).values():
            if lot.random() < 0.6:
                fee, currency = float(lot.integers(20, 3000)), ("EUR", None, "USD")[lot.integers(3)]
                db.execute(update(creator).where(creator.c.id == row.id)
                           .values(fee=fee, currency=currency))  # fmt: skip
    brief = Brief(name="All", fees=FEES, currency="EUR", **brief)
    with filled.reading() as db:
        few = solve(candidates(db, brief, rules), brief)
    everybody = whole_list(filled, rules, brief)
    best = gains(solve(everybody, brief), brief).sum()
    assert len(few)
    assert gains(few, brief).sum() == pytest.approx(best, rel=3e-4)


@on_short_lists()
def test_set_from_a_part_of_the_list_is_the_best_of_all(bare, people, aim, number, budget, most):
    store, catalogue = bare
    rules = catalogue.current()
    put_people(store, people)
    brief = Brief(
        name="x",
        number=number,
        fees=FEES,
        budget=budget,
        most_per_niche=most,
        currency="EUR",
        **aim,
    )
    with store.reading() as db:
        few = candidates(db, brief, rules)
    everybody = whole_list(store, rules, brief)
    for wider in (brief, replace(brief, number=number + 1), replace(brief, most_per_niche=None)):
        best = gains(solve(everybody, wider), wider).sum()
        assert gains(solve(few, wider), wider).sum() == pytest.approx(best, rel=3e-4)


def test_nobody_read_of_a_long_list_is_among_the_best(bare, monkeypatch):
    """Of 3,000 creators whose fees rise with what they bring, few are read, and the best are."""
    store, catalogue = bare
    lot = np.random.default_rng(7)
    n = 3_000
    followers = 10 ** lot.uniform(3, 7, n)
    with store.writing() as db:
        insert_rows(db, creator, {
            "external_id": [f"c{i}" for i in range(n)], "niche": [f"n{i % 9}" for i in range(n)],
            "followers": followers.tolist(), "engagement_rate": lot.uniform(0, 0.1, n).tolist(),
            "avg_views": (followers * lot.uniform(0.05, 0.5, n)).tolist(),
            "fee": (followers * lot.uniform(0.001, 0.02, n)).tolist(), "state": ["open"] * n,
            "probability": lot.beta(2, 5, n).tolist(), "low": [0.0] * n, "high": [1.0] * n,
            "flags": [0] * n, "run_id": [1] * n, "lottery": [0.5] * n,
        })  # fmt: skip
    rows_read = []
    reading = frontier._read
    monkeypatch.setattr(
        frontier, "_read", lambda *args: rows_read.append(reading(*args)) or rows_read[-1]
    )
    rules = catalogue.current()
    shares = {}
    for most in (None, 3):
        brief = Brief(name="x", number=10, most_per_niche=most, budget=9_000.0, aim="views")
        with store.reading() as db, monkeypatch.context() as part:
            whole = candidates(db, brief, rules)
            part.setattr(frontier, "_FEW", 1_000)
            part.setattr(frontier, "_PART", 750)
            some = candidates(db, brief, rules)
        assert set(some["id"]) == set(whole["id"])
        everybody, looked_at, others = (len(rows) for rows in rows_read[-3:])
        shares[most] = (looked_at + others) / everybody
    assert shares[None] < 0.75


def test_large_list_of_many_niches_is_planned_in_time(bare):
    store, catalogue = bare
    rules = catalogue.current()
    lot = np.random.default_rng(5)
    n = 60_000
    niches = [f"niche {i}" for i in lot.integers(0, 200, n)]
    with store.writing() as db:
        insert_rows(db, creator, {
            "external_id": [f"c{i}" for i in range(n)], "niche": niches,
            "followers": (10 ** lot.uniform(3, 7, n)).tolist(), "state": ["open"] * n,
            "probability": lot.beta(2, 5, n).tolist(), "low": [0.0] * n, "high": [1.0] * n,
            "flags": [0] * n, "run_id": [1] * n, "lottery": [0.5] * n,
        })  # fmt: skip
    brief = Brief(name="Wide", number=900, most_per_niche=5)
    with store.reading() as db:
        table = candidates(db, brief, rules)
    chosen = solve(table, brief)
    assert len(table) <= 2 * brief.number * len(rules.tiers)
    assert len(chosen) == 900
    assert chosen["niche"].value_counts().max() == 5


def test_larger_budgets_that_add_nothing_are_not_listed():
    table = as_table([(0.9, 100.0, "a", 1, 1000, 0.1), (0.8, 100.0, "a", 1, 1000, 0.1),
                      (0.7, 150.0, "b", 1, 1000, 0.1)])  # fmt: skip
    rich = Brief(name="x", number=2, budget=1000.0)
    more = more_budget(table, rich, solve(table, rich))
    assert (more.budgets, more.binding) == ([], ["number"])
    poor = Brief(name="x", number=3, budget=200.0)
    more = more_budget(table, poor, solve(table, poor))
    assert more.binding == ["budget"]
    # 220, 250 and 300 buy no third creator; 400 buys the one at 150
    assert [(row["budget"], row["creators"]) for row in more.budgets] == [(400.0, 3)]
    assert more.budgets[0]["added"] == pytest.approx(0.7)


def test_budget_binds_where_all_others_are_dearer_than_any_candidate():
    """Whoever costs more than twice the budget is no candidate, and there are 5 of them."""
    table = as_table([(0.9, 100.0, "a", 1, 1000, 0.1)])
    for budget, proposable, binding in [
        (100.0, 6, ["budget"]), (100.0, 1, []), (None, 6, []),
    ]:  # fmt: skip
        brief = Brief(name="x", number=3, budget=budget)
        more = more_budget(table, brief, solve(table, brief), proposable=proposable)
        assert (more.budgets, more.binding) == ([], binding)


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"number": 0}, {"number": 1001}, {"budget": -1.0}, {"most_per_niche": 0},
     {"fees": {"nano": float("nan")}}, {"name": "a\0"}, {"aim": "fame"}, {"aim": "return"},
     {"worth": -1.0}, {"per": "like"}],
)  # fmt: skip
def test_invalid_brief_is_refused(wrong):
    with pytest.raises(InputError):
        Brief(**{"name": "x", "number": 5, **wrong})


def test_currency_that_may_be_several_is_asked_about():
    assert (currency_code("€"), currency_code("usd")) == ("EUR", "USD")
    with pytest.raises(InputError, match="may be several"):
        currency_code("$")
    with pytest.raises(InputError, match="is no currency"):
        currency_code("gold")


# What it comes to


def test_intervals_follow_from_chance_and_a_shared_error():
    table = as_table([(0.5, 100.0, "a", 200, 1000, 0.1)] * 100).assign(low=0.5, high=0.5)
    seen = outlook(table, Brief(name="x", number=100, worth=1.0, per="view"))
    # 100 tossed coins: standard deviation 5, and 90% of a normal lies within 1.645 of it
    assert (seen.deals.low, seen.deals.high) == pytest.approx((41.78, 58.22), abs=0.01)
    assert (seen.views.expected, seen.views.low) == pytest.approx((10_000, 8_355.1), abs=0.1)
    assert seen.engagements.expected == pytest.approx(5_000)
    assert (seen.cost, seen.spent.expected) == pytest.approx((10_000, 5_000))
    # every deal brings 200 for 100: the return is sure, however many there are
    assert (seen.ratio.expected, seen.ratio.low, seen.ratio.high) == pytest.approx((1, 1, 1))
    shared = outlook(table.assign(low=0.3, high=0.6), Brief(name="x", number=100))
    # four tenths of 20 below and 10 above, with chance: the roots of 8^2 + 8.22^2 and 4^2 + 8.22^2
    assert (shared.deals.low, shared.deals.high) == pytest.approx((38.53, 59.15), abs=0.01)


def test_return_less_fees_may_be_a_loss():
    table = as_table([(0.8, 300.0, "a", 100, 1000, 0.1), (0.4, 50.0, "a", None, 1000, 0.1)])
    seen = outlook(table, Brief(name="x", number=2, worth=2.0, per="view"))
    # 0.8 * 200 earned, 0.8 * 300 + 0.4 * 50 spent
    assert (seen.earned.expected, seen.spent.expected) == pytest.approx((160.0, 260.0))
    assert seen.net.expected == pytest.approx(-100.0)
    assert seen.ratio.expected == pytest.approx(-100 / 260)
    assert seen.net.low < -100 < seen.net.high
    assert seen.without_views == 1


def test_known_outcomes_and_creators_without_precedent_are_in_no_sum():
    table = as_table([(0.8, 300.0, "a", 100, 1000, 0.1)] * 3)
    table["deal"] = [None, True, None]
    table["flags"] = [0, 0, UNLIKE_BIT]
    seen = outlook(table, Brief(name="x", number=3))
    assert (seen.creators, seen.counted) == (3, 1)
    assert seen.deals.expected == pytest.approx(0.8)
    assert seen.cost == 900.0


def test_outcome_known_since_is_in_no_forecast_of_a_draft_and_agreed_ones_stand(filled, catalogue):
    """A creator whose "no deal" was recorded stood in a draft as before, with 98 of 100 deals."""
    at = planned(filled, catalogue)
    p = inside(filled, at).set_index("id")["probability"]

    def forecast():
        return outlook(inside(filled, at), Brief(name="x", number=8)).deals.expected

    assert forecast() == pytest.approx(p.sum())
    first, second, *_ = p.index
    record(filled, first, deal=False, on=DAY, by="ann")
    assert forecast() == pytest.approx(p.sum() - p[first])
    campaigns.agree(filled, at, "ann")
    assert forecast() == pytest.approx(p.sum() - p[first])
    record(filled, second, deal=True, on=DAY, by="ann")
    assert forecast() == pytest.approx(p.sum() - p[first])
    campaigns.reopen(filled, at, "ann", "two have answered")
    assert forecast() == pytest.approx(p.sum() - p[first] - p[second])


def test_page_of_a_draft_says_whose_outcome_is_known(visit, desk):
    ann = visit("reviewer")
    at = planned(desk.store, desk.catalogue)
    offer = "See what today's data would change"
    assert offer not in ann.get(f"/campaigns/{at}").text
    first = inside(desk.store, at).iloc[0]
    record(desk.store, int(first["id"]), deal=False, on=DAY, by="ann")
    page = ann.get(f"/campaigns/{at}").text
    assert "The outcome of 1 of these is known: this creator is in no forecast" in page
    assert offer in page
    rows = re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
    marked = [row for row in rows if '<span class="outcome">No deal</span>' in row]
    assert [first["name"] in row for row in marked] == [True]


# Who may be proposed


def test_only_those_come_of_whom_a_deal_is_open(filled, catalogue, rules):
    first = inside(filled, planned(filled, catalogue))["id"].tolist()
    change(filled, first[0], state="declined")
    change(filled, first[1], flags=UNLIKE_BIT)
    change(filled, first[3], probability=None)
    record(filled, first[2], deal=False, on=DAY, by="ann")
    after = inside(filled, planned(filled, catalogue))
    assert not {*first[:4]} & {*after["id"]}
    with filled.reading() as db:
        counts = pool(db, Brief(name="x", number=8), rules)
        everybody = len(db.execute(select(creator.c.id)).all())
    assert counts["declined"] == counts["unlike"] == counts["outcome"] == 1
    assert sum(counts.values()) == everybody


def test_approved_creators_can_be_asked_for_only(filled, catalogue):
    some = [row.id for row in [*numbers(filled).values()][:3]]
    for which in some:
        change(filled, which, state="approved")
    assert {*inside(filled, planned(filled, catalogue, approved_only=True))["id"]} == {*some}


def test_creators_of_another_running_campaign_are_said_and_can_be_left_out(filled, catalogue):
    first = planned(filled, catalogue)
    second = planned(filled, catalogue, number=3)
    taken = set(inside(filled, first)["id"])
    with filled.reading() as db:
        both = campaigns.shared(db, second, inside(filled, second)["id"].tolist())
        other_way = campaigns.shared(db, first, [*taken])
    assert {row.creator_id for row in both} == {row.creator_id for row in other_way}
    assert [row.id for row in both] == [first] * 3
    apart = planned(filled, catalogue, apart=True)
    assert not taken & set(inside(filled, apart)["id"])
    campaigns.agree(filled, first, "ann")
    campaigns.finish(filled, first, "ann")
    with filled.reading() as db:
        assert not [row for row in campaigns.shared(db, second, [*taken]) if row.id == first]
        assert [row.name for row in campaigns.campaigns_of(db, min(taken))][-1] == "Spring"


# Fees


def test_with_a_budget_nobody_comes_without_a_fee(filled, catalogue, rules):
    fees = {"nano": 100.0, "micro": 400.0}
    number = planned(filled, catalogue, budget=1500.0, fees=fees)
    table = inside(filled, number)
    assert set(table["tier"]) <= {"nano", "micro"}
    assert table["fee"].sum() <= 1500
    facts = stored(filled, number)[1].facts
    without = [row for row in numbers(filled).values()
               if row.followers is not None and rules.tier(row.followers) not in fees]  # fmt: skip
    assert facts["pool"]["unpriced"] == len(without) > 0
    free = inside(filled, planned(filled, catalogue, tiers=("mid",)))
    assert len(free) == 8  # without a budget fees are optional
    assert free["fee"].isna().all()


def test_own_fee_comes_before_the_tiers_and_other_currencies_are_none(filled, catalogue):
    few = {"budget": 5000.0, "fees": {"nano": 100.0}, "tiers": ("nano",), "currency": "EUR"}
    ranked = inside(filled, planned(filled, catalogue, **few))["id"].tolist()
    change(filled, ranked[0], fee=700.0, currency="EUR")
    change(filled, ranked[1], fee=50.0, currency=None)
    change(filled, ranked[2], fee=10.0, currency="USD")
    number = planned(filled, catalogue, **few)
    table = inside(filled, number).set_index("id")
    assert table.loc[ranked[0], "fee"] == 700.0
    assert table.loc[ranked[1], ["fee", "fee_from", "currency"]].tolist() == [50.0, "own", "EUR"]
    assert ranked[2] not in table.index
    assert stored(filled, number)[1].facts["pool"]["foreign"] == 1
    choices.price(filled, catalogue, number, ranked[2], 80.0, "ann")
    propose(filled, catalogue, number, "ann")
    assert inside(filled, number).set_index("id").loc[ranked[2], "fee"] == 80.0
    assert "foreign" not in stored(filled, number)[1].facts["pool"]


def test_fee_typed_in_keeps_the_budget(filled, catalogue):
    number = planned(filled, catalogue, number=4, budget=400.0, fees={"nano": 100.0})
    before = inside(filled, number)
    assert before["fee"].sum() == 400.0
    first = int(before["id"].iloc[0])
    done = choices.price(filled, catalogue, number, first, 250.0, "ann")
    after = inside(filled, number)
    assert after["fee"].sum() <= 400.0
    assert (done.left, done.came) == ([before["name"].iloc[0]], [])  # three at 100 bring more
    choices.put_in(filled, catalogue, number, [first], "ann")
    with pytest.raises(CannotJudgeError):
        choices.price(filled, catalogue, number, first, 401.0, "ann")


# A plan that stands


def test_stored_proposal_stands_whatever_happens_to_the_list(filled, catalogue, rules, tmp_path):
    number = planned(filled, catalogue, budget=3000.0, fees=FEES, most_per_niche=3)
    before = stored(filled, number)
    name = next(n for n, row in numbers(filled).items() if row.id == before[0][0].creator_id)
    others = [f"N{i},{4000 + i},0.09,0.03,Beauty,4K,3000" for i in range(40)]
    path = write_list(tmp_path, f"{name},3000,0.001,-0.01,Tech,SD,20", *others)
    bring(filled, catalogue, path)
    assert stored(filled, number) == before
    save_thresholds(filled, Thresholds(yes_at=0.5, review_at=0.3), "ann", rules)
    activate(filled, catalogue, catalogue.current().version, "ann")
    record(filled, before[0][1].creator_id, deal=False, on=DAY, by="ann")
    assert stored(filled, number) == before
    gap = difference(filled, catalogue, number)
    assert stored(filled, number) == before
    assert {name, *gap.leave["name"]} == {*gap.leave["name"]}
    assert len(gap.come)
    with pytest.raises(InputError, match="once more"):
        propose(filled, catalogue, number, "ann", seen="something else")
    propose(filled, catalogue, number, "ann", seen=gap.digest)
    assert inside(filled, number)["id"].tolist() == gap.after["id"].tolist()
    assert difference(filled, catalogue, number).come.empty


def test_agreed_campaign_is_locked_until_somebody_says_why(filled, catalogue):
    number = planned(filled, catalogue)
    first = int(inside(filled, number)["id"].iloc[0])
    edition = stored(filled, number)[1].edition
    choices.leave_out(filled, catalogue, number, first, "ann")
    with pytest.raises(InputError, match="changed since"):
        campaigns.agree(filled, number, "bob", edition)
    campaigns.agree(filled, number, "bob", edition + 1)
    before = stored(filled, number)
    for act in (
        lambda: propose(filled, catalogue, number, "ann"),
        lambda: propose(filled, catalogue, number, "ann", brief=Brief(name="y", number=1)),
        lambda: choices.put_in(filled, catalogue, number, [first], "ann"),
        lambda: choices.leave_out(filled, catalogue, number, first, "ann"),
        lambda: choices.price(filled, catalogue, number, first, 5.0, "ann"),
        lambda: choices.release(filled, catalogue, number, first, "ann"),
        lambda: campaigns.drop(filled, number, "ann"),
        lambda: campaigns.agree(filled, number, "ann"),
    ):
        with pytest.raises(InputError, match="is agreed"):
            act()
    assert stored(filled, number) == before
    with pytest.raises(InputError, match="Nobody said why"):
        campaigns.reopen(filled, number, "bob", " ")
    campaigns.reopen(filled, number, "bob", "the client wants more")
    assert stored(filled, number)[0] == before[0]
    assert stored(filled, number)[1].note == "the client wants more"
    with filled.reading() as db:
        acts = db.scalars(select(audit.c.act).where(audit.c.subject == f"campaign {number}")).all()
    assert {"campaign made", "campaign proposed", "campaign agreed", "campaign re-opened"} <= {
        *acts
    }


def test_empty_campaign_cannot_be_agreed_on(filled, catalogue):
    number = planned(filled, catalogue, niches=("none of them",))
    with pytest.raises(InputError, match="Nobody is in"):
        campaigns.agree(filled, number, "ann")


def test_what_others_decided_is_not_asked_of_whoever_must_not_know_it(filled, catalogue):
    number = planned(filled, catalogue)
    first, second, *_ = inside(filled, number)["id"]
    choices.put_in(filled, catalogue, number, [second], "ann")
    change(filled, first, state="declined")
    change(filled, second, state="declined")
    with filled.reading() as db:
        assert campaigns.declined(db, number) == {first: True, second: True}
    with pytest.raises(InputError, match="2 of this set were declined since"):
        campaigns.agree(filled, number, "bob")
    with pytest.raises(InputError, match="1 of this set was declined since"):
        campaigns.agree(filled, number, "bob", hidden=[first])
    campaigns.agree(filled, number, "bob", hidden=[first, second])


# By hand


def test_leaving_one_out_keeps_all_others(filled, catalogue):
    number = planned(filled, catalogue, budget=3000.0, fees=FEES)
    before = inside(filled, number)
    for row in numbers(filled).values():  # another list would propose others by now
        change(filled, row.id, probability=1 - row.probability if row.probability else None)
    first = int(before["id"].iloc[0])
    done = choices.leave_out(filled, catalogue, number, first, "ann")
    after = inside(filled, number)
    assert {*before["id"]} - {*after["id"]} == {first}
    assert len(done.left) == 1
    assert after["fee"].sum() <= 3000
    kept = after.set_index("id").loc[before["id"].iloc[1:], "probability"].tolist()
    assert kept == before["probability"].iloc[1:].tolist()
    propose(filled, catalogue, number, "ann")
    assert first not in {*inside(filled, number)["id"]}


def test_put_in_by_hand_stays_and_the_least_goes(filled, catalogue):
    number = planned(filled, catalogue, number=4)
    before = inside(filled, number)
    other = next(row.id for row in numbers(filled).values()
                 if row.id not in {*before["id"]} and row.probability)  # fmt: skip
    done = choices.put_in(filled, catalogue, number, [other], "ann")
    after = inside(filled, number)
    assert (len(done.came), done.left) == (1, [before["name"].iloc[-1]])
    assert after.loc[after["id"] == other, "fixed"].tolist() == [True]
    propose(filled, catalogue, number, "ann")
    assert other in {*inside(filled, number)["id"]}
    choices.release(filled, catalogue, number, other, "ann")
    assert inside(filled, number)["id"].tolist() == after["id"].tolist()
    propose(filled, catalogue, number, "ann")
    assert inside(filled, number)["id"].tolist() == before["id"].tolist()


def test_nobody_comes_by_hand_without_the_fee_a_budget_needs(filled, catalogue):
    number = planned(filled, catalogue, budget=900.0, fees={"nano": 100.0}, number=3)
    other = next(row.id for row in numbers(filled).values()
                 if row.followers and row.followers > 60_000 and row.probability)  # fmt: skip
    before = stored(filled, number)
    with pytest.raises(InputError, match="no fee"):
        choices.put_in(filled, catalogue, number, [other], "ann")
    with pytest.raises(CannotJudgeError):
        choices.put_in(filled, catalogue, number, [other], "ann", fee=901.0)
    assert stored(filled, number) == before
    choices.put_in(filled, catalogue, number, [other], "ann", fee=700.0)
    table = inside(filled, number).set_index("id")
    assert table.loc[other, ["fee", "fee_from"]].tolist() == [700.0, "typed"]
    assert table["fee"].sum() <= 900


def test_doubts_about_somebody_put_in_by_hand_are_said(filled, catalogue):
    change(filled, 3, state="declined", flags=UNLIKE_BIT)
    record(filled, 4, deal=True, on=DAY, by="ann")
    with filled.reading() as db:
        doubts = choices.doubts(db, [3, 4, 5])
    assert doubts.keys() == {3, 4}
    assert "was declined" in doubts[3]
    assert "unlike all the model learned from" in doubts[3]
    assert "known outcome" in doubts[4]


def test_larger_budgets_are_counted_anew_after_a_change_by_hand(filled, catalogue):
    """At 100 a head, 1.5 and 2 times a budget of 300 pay for 4 and 6 creators."""
    number = planned(filled, catalogue, budget=300.0, fees={"nano": 100.0}, tiers=("nano",))
    outside = next(
        row.id
        for row in numbers(filled).values()
        if rules_tier(row) == "nano" and row.id not in set(inside(filled, number)["id"])
    )
    for act, expected in (
        (lambda: choices.put_in(filled, catalogue, number, [outside], "ann"), [4, 6]),
        # One of the three costs 200 now: 100 are left, then 250 and 400 for others.
        (lambda: choices.price(filled, catalogue, number, outside, 200.0, "ann"), [3, 5]),
        (lambda: choices.leave_out(filled, catalogue, number, outside, "ann"), [4, 6]),
    ):
        act()
        facts = stored(filled, number)[1].facts
        assert facts["binding"] == ["budget"]
        assert [row["budget"] for row in facts["budgets"]] == [450.0, 600.0]
        assert [row["creators"] for row in facts["budgets"]] == expected


def rules_tier(row):
    """Give the tier of a creator: nano reaches to 10,000 followers."""
    return "nano" if row.followers and 1_000 <= row.followers < 10_000 else ""


def test_change_of_band_is_said_of_running_campaigns_only(filled, catalogue, rules):
    """Drafts and agreed campaigns are told, the latest first; a campaign that is done is past."""
    draft, agreed, done = (planned(filled, catalogue, name=name, number=2)
                           for name in ("Draft", "Agreed", "Done"))  # fmt: skip
    for number in (agreed, done):
        campaigns.agree(filled, number, "ann")
    campaigns.finish(filled, done, "ann")
    members = inside(filled, draft)
    assert (members["probability"] > 0.8).all()
    stricter = Rules.of(rules.version, rules.scorer, Thresholds(0.999, 0.6))
    with filled.reading() as db:
        moved = crossings(db, rules, stricter)
    assert [*moved] == [agreed, draft]
    for number, state in ((agreed, "agreed"), (draft, "draft")):
        assert {(one.id, one.name, one.before, one.after) for one in moved[number]} == {
            (row.id, row.name, YES, MAYBE) for row in members.itertuples()
        }
        assert {one.campaign_state for one in moved[number]} == {state}
    change(filled, int(members["id"].iloc[0]), flags=UNLIKE_BIT)
    change(filled, int(members["id"].iloc[1]), probability=None)
    with filled.reading() as db:
        assert crossings(db, rules, stricter) == {}  # no precedent, and no score, stay as they are


# Erasure and migration


def test_erased_creator_leaves_the_campaign_which_says_so(filled, catalogue):
    number = planned(filled, catalogue)
    campaigns.agree(filled, number, "ann")
    name = inside(filled, number)["name"].iloc[0]
    receipt = erase(filled, name, "admin")
    assert receipt["rows"]["proposal"] == 1
    rows, row = stored(filled, number)
    assert (len(rows), row.erased, row.state) == (7, 1, "agreed")


def test_campaign_of_an_earlier_version_is_a_draft_that_can_be_proposed_for(store_url):
    brief = ('{"name": "Old", "number": 5, "niches": [], "tiers": ["nano"], "budget": 900.0,'
             ' "fees": {"nano": 150.0, "mega": 0.0}, "most_per_niche": null}')  # fmt: skip
    with older_store("0005", store_url) as db:
        db.execute(text("INSERT INTO campaign (name, brief, by, at)"
                        " VALUES ('Old', :brief, 'ann', '2026-01-01')"), {"brief": brief})  # fmt: skip
        db.execute(text("INSERT INTO creator (external_id, flags, lottery, state, run_id)"
                        " VALUES ('a', 0, 0.5, 'open', 1)"))  # fmt: skip
        db.execute(text("INSERT INTO campaign_creator VALUES (1, 1, 'out')"))
    with newest_store(store_url) as db:
        current = campaigns.find(db, 1)
        assert read_proposal(db, 1).empty
    assert (current.row.state, current.is_proposed) == ("draft", False)
    assert current.brief == Brief(
        name="Old", number=5, tiers=("nano",), budget=900.0, fees={"nano": 150.0}
    )  # a fee of 0 meant that nobody had named one
    assert current.choices == {1: Choice("out")}


def test_set_without_anybody_is_said_and_not_agreed_on(visit):
    ann = visit("reviewer")
    sent = {"csrf": ann.csrf, "name": "None", "number": "5", "budget": "1", "fee nano": "150"}
    page = ann.get(ann.post("/campaigns", data=sent).headers["location"]).text
    assert "Nobody fits this brief." in page
    assert "Propose anew" in page
    assert "What held the set back was the budget." in page
    for missing in ("Agree on this set", "Share with a client", "0 creators", "Nobody fits, 0"):
        assert missing not in page


def test_new_campaign_plans_in_the_currency_of_most_fees(visit, filled, catalogue):
    ann = visit("reviewer")
    field = r'name="currency"[^>]* value="([^"]*)"'
    assert re.search(field, ann.get("/campaigns").text)[1] == ""
    with filled.writing() as db:
        for currency, ids in (("SEK", (1, 2)), ("EUR", (3, 4, 5))):
            fee = {"fee": 100.0, "currency": currency}
            db.execute(update(creator).where(creator.c.id.in_(ids)).values(**fee))
    assert re.search(field, ann.get("/campaigns").text)[1] == "EUR"
    number = campaigns.make(filled, Brief(name="North", number=2, currency="SEK"), "ann")
    propose(filled, catalogue, number, "ann")
    assert re.search(field, ann.get(f"/campaigns/{number}").text)[1] == "SEK"
