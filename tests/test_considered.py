"""Creators nobody looked at: not learned from, decided on all the same, and said."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import durhampulse as dp
from durhampulse.creators.outcome import SPONSORSHIP
from durhampulse.creators.schema import LABEL
from durhampulse.decision.assumptions import budget_table, overlooked_table
from durhampulse.decision.bands import NO_PRECEDENT, Thresholds
from durhampulse.decision.promise import NO_YES_AT
from durhampulse.evaluation.evidence import Evidence
from durhampulse.evaluation.judgement import CHECKS
from durhampulse.exceptions import InputError
from durhampulse.market.market import draw_creators
from durhampulse.report import overlooked
from durhampulse.study import prepare


@pytest.fixture
def table():
    """4 creators: two looked at, one not, one of whom nobody knows; the last two have outcomes."""
    return pd.DataFrame(
        {
            "Influencer_ID": ["a", "b", "c", "d"],
            "Followers": [1_000, 2_000, 3_000, 4_000],
            LABEL: [1, 0, 0, 1],
            "Reviewed": ["yes", "YES", "no", ""],
        }
    )


def test_outcomes_of_those_nobody_looked_at_are_not_known(table):
    creators = dp.read_creators(table, considered="Reviewed")
    assert creators.table[LABEL].tolist()[:2] == [1, 0]
    assert creators.table[LABEL].isna().tolist() == [False, False, True, True]
    assert "Reviewed" not in [role.column for role in creators.features]


def test_ledger_says_how_many_were_looked_at_and_how_many_outcomes_are_left_out(table):
    ledger = dp.read_creators(table, considered="Reviewed").irregularities
    lines = ledger[ledger["column"].isin(["Reviewed", LABEL])]
    said = " | ".join(lines["action"])
    assert "somebody looked at 2 of 4 creators" in said
    assert "1 of these are deals" in said
    counts = lines[lines["code"] == "considered"].set_index("column")["count"].to_dict()
    assert counts == {"Reviewed": 1, LABEL: 2}


@pytest.mark.parametrize("cells", [["2025-01-03", "", "", ""], ["Declined", "Won", "", ""]])
def test_cells_that_do_not_say_whether_somebody_looked_are_refused(table, cells):
    with pytest.raises(InputError, match="does not say whether somebody looked") as refusal:
        dp.read_creators(table.assign(Reviewed=cells), considered="Reviewed")
    assert "--considered" in str(refusal.value)


def test_column_that_is_not_there_is_refused(table):
    with pytest.raises(InputError, match="--considered Seen: no column 'Seen'"):
        dp.read_creators(table, considered="Seen")


def test_column_is_of_one_use_only(table):
    with pytest.raises(InputError, match="--considered Reviewed contradicts --keep Reviewed"):
        dp.read_creators(table, considered="Reviewed", keep=("Reviewed",))


def test_study_learns_and_tests_from_those_looked_at():
    market = draw_creators(600, np.random.default_rng(5))[0]
    market["Influencer_ID"] = [f"c{i}" for i in range(600)]
    market[LABEL] = (np.random.default_rng(6).random(600) < 0.3).astype(int)
    market["Considered"] = np.tile([1, 0, 1], 200)
    part = prepare(dp.read_creators(market, considered="Considered"))
    looked_at = set(market["Influencer_ID"][market["Considered"] == 1].astype(str))
    learned = pd.concat([part.train, part.test])
    assert set(learned["Influencer_ID"].astype(str)) <= looked_at
    assert not any("Considered" in name for name in part.encoding.names)


def unlooked(table, **options):
    """The check's own finding on 200 creators, before any other check is made."""
    (spec,) = (spec for spec in CHECKS if spec.code == "unlooked")
    return spec.function(Evidence(dp.read_creators(table, **options)))


@pytest.fixture
def many():
    market = draw_creators(200, np.random.default_rng(5))[0]
    return market.assign(**{LABEL: np.tile([1, 0, 0, 0], 50)})


def test_table_where_nothing_says_who_was_looked_at_passes_with_the_reason(many):
    finding = unlooked(many)
    assert (finding.severity, finding.figure) == ("pass", "150 no deal")
    assert "may mean that nobody looked" in finding.reason
    assert "--considered COLUMN" in finding.reason


@pytest.mark.parametrize("cells", [[1, 0], ["Yes", "No"], [True, False]])
def test_column_that_seems_to_tell_asks_for_care(many, cells):
    finding = unlooked(many.assign(Already_Contacted=cells * 100))
    assert (finding.severity, finding.columns) == ("care", ("Already_Contacted",))
    assert "--considered 'Already_Contacted'" in finding.reason


def test_column_that_is_used_settles_the_question(many):
    finding = unlooked(many.assign(Seen=[1, 1, 1, 0] * 50), considered="Seen")
    assert (finding.severity, finding.figure) == ("pass", "150 of 200 creators looked at")


def test_stages_that_count_as_none_ask_for_care(many):
    stages = many.assign(**{LABEL: ["Signed", "New", "Contacted", "Declined"] * 50})
    finding = unlooked(stages, deal_is=("Signed",))
    assert (finding.severity, finding.columns) == ("care", (LABEL,))
    assert "'New'" in finding.reason
    assert "--no-deal-is" in finding.reason
    settled = unlooked(stages, deal_is=("Signed",), no_deal_is=("Declined",))
    assert settled.severity == "pass"


def test_empty_cells_that_count_as_none_ask_for_care(many):
    ticked = many.assign(**{LABEL: ["done", "", "", ""] * 50})
    finding = unlooked(ticked, deal_is=("done",), no_deal_is=("",))
    assert (finding.severity, finding.columns) == ("care", (LABEL,))
    assert "an empty cell counts as none" in finding.reason
    looked_at = ticked.assign(Seen=[1, 1, 1, 0] * 50)
    settled = unlooked(looked_at, deal_is=("done",), no_deal_is=("",), considered="Seen")
    assert settled.severity == "pass"


def test_assumed_shares_raise_probabilities_and_keep_ranks():
    # By hand: .55 / .85 = .647, .55 / .7 = .786, .55 / .5 is capped; .3 / .5 = .6.
    table = overlooked_table(np.array([0.9, 0.55, 0.3]), Thresholds())
    assert table["overlooked_share"].tolist() == [0.0, 0.15, 0.3, 0.5]
    assert table["Yes"].tolist() == [1, 1, 1, 2]
    assert table["Maybe (manual review)"].tolist() == [0, 1, 1, 1]
    assert table["suitable"].tolist() == [2, 2, 2, 3]
    assert table["capped"].tolist() == [0, 1, 1, 2]


def test_nobody_is_raised_to_a_yes_that_a_broken_promise_put_beyond_reach():
    table = overlooked_table(np.array([0.9]), Thresholds(yes_at=NO_YES_AT))
    assert table["Yes"].tolist() == [0, 0, 0, 0]


def test_budgets_add_up_the_best():
    table = budget_table(np.concatenate([np.full(25, 0.8), np.full(35, 0.2)]))
    assert table["best"].tolist() == [25, 50]
    assert table["from_probability"].tolist() == [0.8, 0.2]
    assert table["expected_deals"].tolist() == [20.0, 25.0]
    assert table["expected_share"].round(3).tolist() == [0.741, 0.926]


def test_sentence_names_the_assumption_and_both_counts():
    creators = SimpleNamespace(roles=(), outcome=SPONSORSHIP, source=None)
    part = SimpleNamespace(
        creators=creators,
        promise=None,
        thresholds=Thresholds(),
        table=pd.DataFrame(
            {
                "Influencer ID": [1, 2, 3, 4],
                "Predicted Sponsorship": [0.9, 0.58, 0.3, 0.99],
                "Sponsorship Recommendation": ["Yes", "No", "No", NO_PRECEDENT],
            }
        ),
    )
    judged = SimpleNamespace(verdict=SimpleNamespace(refusal=""))
    (sentence,) = overlooked.sentences(part, judged)
    assert "An assumption, not a finding" in sentence
    assert "2 creators would reach *Yes* instead of 1" in sentence
    assert "1.43 times as high" in sentence
    part.table["Influencer ID"] = [1, 1, 3, 4]
    assert "2 rows would reach *Yes* instead of 1" in overlooked.sentences(part, judged)[0]
    creators.outcome = replace(SPONSORSHIP, own=True, none="not bought")
    assert "A past *not bought* may mean" in overlooked.sentences(part, judged)[0]
    judged.verdict.refusal = "not ready"
    assert overlooked.tables(part, judged) == {}
