"""What other budgets would bring, from the candidates kept with a proposal instead of the list."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from durhampulse.desk.campaigns import branching, campaigns, choices, kept, proposal, trade
from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.candidates import COLUMNS
from durhampulse.desk.campaigns.proposal import propose, read_proposal
from durhampulse.desk.campaigns.solver import best_set, solve
from durhampulse.desk.campaigns.trade import Frontiers, frontier_of
from durhampulse.desk.campaigns.value import gains
from durhampulse.desk.imports.undoing import ask_to_undo
from durhampulse.desk.imports.worker import Worker
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.store.tables import campaign, campaign_candidate, creator
from durhampulse.exceptions import CannotJudgeError
from tests.desk.conftest import bring
from tests.desk.lists import write_people
from tests.desk.plans import (
    FEES,
    numbers,
    on_short_lists,
    planned,
    put_people,
    whole_list,
)
from tests.examples import examples


def kept_of(store, number):
    """Give the numbers of the creators kept with a campaign."""
    k = campaign_candidate.c
    with store.reading() as db:
        return list(db.scalars(select(k.creator_id).where(k.campaign_id == number)))


def inside_of(store, number):
    with store.reading() as db:
        return read_proposal(db, number)["id"].tolist()


def best_of_each_budget(everybody, brief, base):
    """Give the most that any set of the whole list brings within each budget that is tried."""
    best = {}
    for times in trade._TIMES:
        limited = replace(brief, budget=base * times)
        try:
            best[base * times] = gains(solve(everybody, limited), limited).sum()
        except CannotJudgeError:
            continue
    return best


@pytest.fixture
def no_list(monkeypatch):
    """Let whoever looks for candidates in the list fail."""

    def refuse(*_args, **_options):
        raise AssertionError("the list was read")

    monkeypatch.setattr(trade, "candidates", refuse)


@on_short_lists(
    spare=st.integers(0, 4),
    branches=st.sampled_from([0, 30, 30]),
    lot=st.randoms(use_true_random=False),
)
def test_kept_candidates_hold_the_best_set_of_each_budget(
    bare, people, aim, number, budget, most, spare, branches, lot
):
    """Also after as many are gone as were kept to spare: declined, left out, at another fee."""
    store, catalogue = bare
    rules = catalogue.current()
    put_people(store, people)
    brief = Brief(name="x", number=number, fees=FEES, budget=budget, most_per_niche=most,
                  currency="EUR", **aim)  # fmt: skip
    with pytest.MonkeyPatch.context() as few:
        for module in (kept, proposal):
            few.setattr(module, "spare_of", lambda _brief: spare)
        at = campaigns.make(store, brief, "ann")
        propose(store, catalogue, at, "ann")
    gone = lot.sample(kept_of(store, at), min(spare, len(kept_of(store, at))))
    declined, priced = gone[::2], gone[1::2]
    with store.writing() as db:
        db.execute(update(creator).where(creator.c.id.in_(declined)).values(state="declined"))
        campaigns.say(db, at, {which: choices.Choice("free", 150.0) for which in priced})
    now = trade.point_now(store, at)
    if now is None:
        return
    with pytest.MonkeyPatch.context() as nothing_is_read:
        nothing_is_read.setattr(trade, "candidates", None)
        nothing_is_read.setattr(branching, "_BRANCHES", branches)
        frontier = frontier_of(store, catalogue, at)
    everybody = whole_list(store, rules, brief)
    everybody.loc[everybody["id"].isin(priced), "fee"] = 150.0
    inside = now.table.set_index("id")["fee"]
    everybody["fee"] = everybody["id"].map(inside).fillna(everybody["fee"])
    everybody = everybody[~everybody["id"].isin(declined)]
    best = best_of_each_budget(everybody, brief, now.budget)
    for budget_tried, most_brought in best.items():
        points = [point for point in frontier.points if point.budget <= budget_tried]
        brought = max((point.aim for point in points), default=0.0)
        assert brought <= most_brought * (1 + 2e-4) + 1e-9
        assert brought + frontier.gap * abs(brought) >= most_brought * (1 - 2e-4) - 1e-9


SMALL = st.tuples(
    st.integers(1, 40).map(lambda n: n / 40), st.just(5), st.just(20_000),
    st.sampled_from(["a", "b", None]), st.sampled_from([10.0, 10.0, 20.0, 50.0]),
)  # fmt: skip


def most_of_each_budget(table, number, most, budgets=None):
    """Give budgets, if none the sums of fees of all sets, and the most that any set brings."""
    sets = np.array([*itertools.product([False, True], repeat=len(table))])
    fits = sets.sum(axis=1) <= number
    for niche in table["niche"].dropna().unique() if most else ():
        fits &= sets @ (table["niche"] == niche).to_numpy(int) <= most
    fees = sets[fits] @ table["fee"].to_numpy(float)
    sums = sets[fits] @ table["probability"].to_numpy(float)
    budgets = np.unique(fees) if budgets is None else budgets
    return budgets, np.array([sums[fees <= budget].max() for budget in budgets])


@pytest.mark.slow
@examples(100)
@given(
    people=st.lists(SMALL, min_size=6, max_size=11, unique_by=lambda person: person[0]),
    number=st.integers(1, 4),
    budget=st.sampled_from([None, 60.0, 500.0]),
    most=st.sampled_from([None, 1, 2]),
    spare=st.integers(0, 3),
    gone=st.sampled_from(["probability", "fee", "niche"]),
    is_sorted=st.booleans(),
)
@example(  # the best of the second niche goes, and the next of it comes
    people=[(at / 40, 5, 20_000, "a", 10.0) for at in range(1, 12)], number=2, budget=None,
    most=1, spare=1, gone="niche", is_sorted=True,
)  # fmt: skip
def test_nobody_is_missing_of_the_best_set_of_any_budget(
    bare, people, number, budget, most, spare, gone, is_sorted
):
    """By trying all sets; those who are gone are the best, the dearest or the best of a niche.

    Sorted, all of one niche bring more than all of the other.
    """
    if is_sorted:
        best_first = sorted(people, reverse=True)
        middle = len(people) // 2
        people = [(p, *rest[:2], "ab"[at >= middle], rest[3])
                  for at, (p, *rest) in enumerate(best_first)]  # fmt: skip
    store, catalogue = bare
    rules = catalogue.current()
    put_people(store, people)
    brief = Brief(name="x", number=number, fees=FEES, budget=budget, most_per_niche=most,
                  currency="EUR")  # fmt: skip
    with pytest.MonkeyPatch.context() as few:
        for module in (kept, proposal):
            few.setattr(module, "spare_of", lambda _brief: spare)
        at = campaigns.make(store, brief, "ann")
        propose(store, catalogue, at, "ann")
    everybody = whole_list(store, rules, brief)
    may_go = everybody[everybody["id"].isin(kept_of(store, at))]
    may_go = may_go.sort_values([gone, "probability"], ascending=False)
    declined = may_go["id"].tolist()[:spare]
    with store.writing() as db:
        db.execute(update(creator).where(creator.c.id.in_(declined)).values(state="declined"))
    wide = replace(brief, budget=1e9 if budget is None else 2 * budget)
    with store.reading() as db:
        present = read_proposal(db, at)[[*COLUMNS]]
        table = kept.kept_candidates(db, campaigns.find(db, at), wide, rules, present)
    left = everybody[~everybody["id"].isin(declined)]
    budgets, best = most_of_each_budget(left, number, most)
    budgets, best = budgets[budgets <= wide.budget], best[budgets <= wide.budget]
    of_kept = most_of_each_budget(table, number, most, budgets)[1]
    assert np.abs(of_kept - best).max() < 1e-9


@pytest.mark.parametrize(
    "limits", [{"budget": 150.0}, {"budget": 90.0, "most_per_niche": 2}, {"budget": 9_000.0}, {}]
)
def test_point_where_the_campaign_stands_is_its_set(bare, monkeypatch, limits):
    """Also where others bring as much and come first now, or where a smaller budget would do."""
    store, catalogue = bare
    put_people(store, [(0.5, 5, 20_000, "abc"[at % 3], 30.0) for at in range(60)])
    at = campaigns.make(store, Brief(name="x", number=6, fees=FEES, **limits), "ann")
    propose(store, catalogue, at, "ann")

    def backwards(table, *args, **options):
        return best_set(table[::-1].reset_index(drop=True), *args, **options)

    monkeypatch.setattr(trade, "best_set", backwards)
    frontier = frontier_of(store, catalogue, at)
    stands = frontier.points[frontier.at_now]
    assert set(stands.table["id"]) == set(inside_of(store, at))
    assert trade.swaps(frontier.now, stands) == []


def test_page_says_by_how_much_another_set_may_bring_more(
    visit, filled, catalogue, spring, monkeypatch
):
    """As computed: 1 in 10,000 where it is no more."""
    path, ann = f"/campaigns/{spring}/frontier?wait=true", visit("viewer")
    assert "but for 0.01% at most" in ann.get(path).text

    def unproved(*args, **options):
        return replace(best_set(*args, **options), gap=0.02341)

    monkeypatch.setattr(trade, "best_set", unproved)
    with filled.writing() as db:
        db.execute(update(campaign).values(edition=campaign.c.edition + 1))
    assert "but for 2.35% at most" in ann.get(path).text


def test_list_is_not_read_for_other_budgets_nor_at_a_step(
    visit, filled, catalogue, spring, no_list
):
    assert frontier_of(filled, catalogue, spring).is_of_proposal
    path, ann = f"/campaigns/{spring}/frontier", visit("viewer")
    for asked in ("?wait=true", "?at=0", "?at=2"):
        page = ann.get(f"{path}{asked}")
        assert page.status_code == 200
        assert "when this set was proposed" in page.text


def test_budgets_of_a_campaign_without_one_are_planned_from_what_is_kept(
    filled, catalogue, rules, no_list
):
    number = planned(filled, catalogue, fees=FEES, currency="EUR")
    frontier = frontier_of(filled, catalogue, number)
    brief = Brief(name="x", number=8, fees=FEES, currency="EUR")
    best = best_of_each_budget(whole_list(filled, rules, brief), brief, frontier.now.budget)
    for point in frontier.points:
        assert point.aim == pytest.approx(best[point.budget], rel=4e-4)


def test_other_budgets_end_at_the_largest_amount(filled, catalogue, rules):
    """In a currency of small units a budget comes near it, and twice that is no amount."""
    fees = dict.fromkeys(rules.tiers, 2e11)
    number = planned(filled, catalogue, fees=fees, currency="IDR", budget=9e11)
    with filled.reading() as db:
        rows = campaigns.find(db, number).row.facts["budgets"]
    assert [row["budget"] for row in rows] == pytest.approx([1e12])  # which has place for a fifth
    assert max(point.budget for point in frontier_of(filled, catalogue, number).points) <= 1e12


def test_who_has_no_fee_is_proposed_without_a_budget_and_kept_for_none(filled, catalogue):
    number = planned(filled, catalogue, number=20, fees={"nano": 100.0}, currency="EUR")
    people = {row.id: row for row in numbers(filled).values()}
    assert any(people[at].followers >= 10_000 for at in inside_of(filled, number))
    kept_ones = kept_of(filled, number)
    assert len(kept_ones) >= 20
    assert all(people[at].followers < 10_000 for at in kept_ones)


def test_list_is_read_when_more_are_gone_than_were_to_spare(filled, catalogue, spring, monkeypatch):
    inside = inside_of(filled, spring)
    others = [at for at in kept_of(filled, spring) if at not in inside]
    spare = kept.spare_of(Brief(name="x", number=8))
    assert spare == 10

    def is_of_proposal(declined):
        with filled.writing() as db:
            gone = creator.c.id.in_(others[:declined])
            db.execute(update(creator).values(state="open"))
            db.execute(update(creator).where(gone).values(state="declined"))
        frontier = frontier_of(filled, catalogue, spring)
        named = {at for point in frontier.points for at in point.table["id"]}
        assert not named & set(others[:declined])
        return frontier.is_of_proposal

    assert [is_of_proposal(n) for n in (0, spare, spare + 1)] == [True, True, False]


def test_figures_are_those_of_the_proposal_and_the_page_says_so(
    visit, filled, catalogue, spring, tmp_path
):
    before = frontier_of(filled, catalogue, spring)
    with filled.writing() as db:
        db.execute(update(creator).values(probability=0.5))
    after = frontier_of(filled, catalogue, spring)
    assert [p.aim for p in after.points] == [p.aim for p in before.points]
    page = visit("viewer").get(f"/campaigns/{spring}/frontier?at=0").text
    assert "The list has changed since" not in page
    bring(filled, catalogue, write_people(tmp_path / "new.csv", "somebody else"))
    page = visit("viewer").get(f"/campaigns/{spring}/frontier?at=0").text
    assert "The list has changed since: a budget that is taken is planned by today" in page


def test_what_people_say_by_hand_counts_beside_what_is_kept(filled, catalogue, spring, no_list):
    inside = inside_of(filled, spring)
    outside = [row.id for row in numbers(filled).values() if row.id not in kept_of(filled, spring)]
    stranger = next(
        at for at in outside
        if next(r for r in numbers(filled).values() if r.id == at).deal is None
    )  # fmt: skip
    choices.put_in(filled, catalogue, spring, [stranger], "ann", fee=50.0)
    for point in frontier_of(filled, catalogue, spring).points:
        fees = point.table.set_index("id")["fee"]
        assert fees[stranger] == 50.0
    choices.leave_out(filled, catalogue, spring, inside[0], "ann")
    for point in frontier_of(filled, catalogue, spring).points:
        assert inside[0] not in set(point.table["id"])
    choices.release(filled, catalogue, spring, inside[0], "ann")
    named = {at for p in frontier_of(filled, catalogue, spring).points for at in p.table["id"]}
    assert inside[0] in named


def test_who_was_left_out_before_the_proposal_may_come_in_again(filled, catalogue, spring, no_list):
    best = inside_of(filled, spring)[0]
    choices.leave_out(filled, catalogue, spring, best, "ann")
    propose(filled, catalogue, spring, "ann")
    choices.release(filled, catalogue, spring, best, "ann")
    points = frontier_of(filled, catalogue, spring).points
    assert any(best in set(point.table["id"]) for point in points)


def test_who_is_erased_is_in_no_campaign_s_other_budgets(filled, catalogue, spring):
    frontiers = Frontiers()
    first = frontiers.of(filled, catalogue, spring)
    inside = set(inside_of(filled, spring))
    named = {int(at): row for p in first.points for at, row in zip(p.table["id"], p.table["person"],
             strict=True) if at not in inside}  # fmt: skip
    which, _ = next(iter(named.items()))
    by_number = {row.id: name for name, row in numbers(filled).items()}
    receipt = erase(filled, by_number[which], "ann")
    assert receipt["rows"]["campaign_candidate"] == 1
    assert which not in kept_of(filled, spring)
    again = frontiers.of(filled, catalogue, spring)
    assert which not in {at for point in again.points for at in point.table["id"]}
    assert again.is_of_proposal


def test_deleted_campaign_keeps_nobody(filled, spring):
    assert kept_of(filled, spring)
    campaigns.drop(filled, spring, "ann")
    with filled.reading() as db:
        assert db.scalar(select(func.count()).select_from(campaign_candidate)) == 0


def test_undo_of_an_import_removes_whom_nobody_chose(filled, catalogue, tmp_path):
    """They are kept as candidates of other budgets alone, which speaks of nobody."""
    row = bring(filled, catalogue, write_people(tmp_path / "a.csv", "a", "b"))
    number = campaigns.make(filled, Brief(name="Spring", number=3), "ann")
    new = [numbers(filled)[name].id for name in "ab"]
    figures = {"probability": 0.5, "followers": 5_000.0, "flags": 0, "fee": 1.0, "named": False}
    with filled.writing() as db:
        db.execute(campaign_candidate.insert(),
                   [{"campaign_id": number, "creator_id": at, **figures} for at in new])  # fmt: skip
    ask_to_undo(filled, row.id, "ann")
    Worker(filled, catalogue).work()
    assert kept_of(filled, number) == []
    assert not {*"ab"} & set(numbers(filled))
