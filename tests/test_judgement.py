"""The verdict: signal, leaks, and what becomes of a table that cannot be judged."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from durhampulse import study
from durhampulse.creators.reading import read_creators
from durhampulse.creators.schema import LABEL
from durhampulse.evaluation import drift
from durhampulse.evaluation.judgement import CHECKS, drop_leaks, judge
from durhampulse.evaluation.signal import column_strength, measure_signal, roc_aucs
from durhampulse.exceptions import CannotJudgeError, InputError
from durhampulse.market.sampling import simulate_market
from durhampulse.report import advice

ROWS = 1_500


@pytest.fixture(scope="module")
def market():
    return simulate_market(ROWS, seed=11).table.drop_duplicates("Influencer_ID")


@pytest.fixture
def read(tmp_path):
    def _read(frame):
        frame.to_csv(tmp_path / "a.csv", index=False)
        return read_creators(tmp_path / "a.csv")

    return _read


@pytest.mark.parametrize(
    ("header", "cells", "way_out", "options"),
    [
        ("Deals", ["0", "2", "1", "0"], "--deal-is 'Deals>0'", {"deal_is": ["Deals>0"]}),
        (
            "Deal value (\u20ac)",
            ["", "250", "90", ""],
            "--deal-is 'Deal value (\u20ac)>0' --no-deal-is ''",
            {"deal_is": ["Deal value (\u20ac)>0"], "no_deal_is": [""]},
        ),
        (
            "Signed",
            ["", "checked", "checked", ""],
            f"--map {LABEL}=Signed --no-deal-is ''",
            {"columns": {LABEL: "Signed"}, "no_deal_is": [""]},
        ),
        (
            "Contract signed on",
            ["", "2024-03-04", "2024-03-05", ""],
            f"--map '{LABEL}=Contract signed on' --no-deal-is ''",
            {"columns": {LABEL: "Contract signed on"}, "no_deal_is": [""]},
        ),
    ],
)
def test_missing_outcome_names_columns_that_speak_of_a_deal(
    tmp_path, header, cells, way_out, options
):
    frame = pd.DataFrame({"Influencer_ID": list("abcd"), "Followers": [1e3, 2e3, 3e3, 4e3]})
    frame[header] = cells
    frame["Country"] = ["FR", "", "DE", ""]
    frame["Deal declined on"] = ["2024-03-04", "", "", "2024-03-04"]
    frame["Partner before"] = ["yes", "no", "no", ""]
    frame.to_csv(tmp_path / "a.csv", index=False)
    reason = judge(read_creators(tmp_path / "a.csv")).blocker.reason
    assert reason.endswith(f"to learn from. '{header}' may say it: {way_out}.")
    table = read_creators(tmp_path / "a.csv", **options).table
    assert table[LABEL].tolist() == [0, 1, 1, 0]


def test_documentation_lists_all_checks():
    page = (Path(__file__).parents[1] / "docs" / "what-it-refuses.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", page, re.MULTILINE)
    expected = [(spec.code, spec.question) for spec in CHECKS]
    assert [row for row in rows if row[0] in {spec.code for spec in CHECKS}] == expected
    assert len(expected) == len({spec.code for spec in CHECKS})


def labels(frame):
    return frame[LABEL].to_numpy(int)


def check_of(verdict, code):
    return next(check for check in verdict.checks if check.code == code)


def test_clean_table_is_ready(market, read):
    verdict = judge(read(market))
    assert verdict.word == "ready"
    assert verdict.concerns == ()
    assert check_of(verdict, "signal").severity == "pass"


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_outcomes_hold_no_signal(market, read, seed):
    shuffled = market.assign(**{LABEL: np.random.default_rng(seed).permutation(labels(market))})
    verdict = judge(read(shuffled))
    assert verdict.word == "not ready"
    assert not verdict.has_signal
    assert "No signal" in verdict.refusal


def copied(frame, rng):
    wrong = rng.random(len(frame)) < 0.02
    return np.where(wrong, 1 - labels(frame), labels(frame))


def filled(frame, rng):
    fees = pd.Series(rng.lognormal(6, 1, len(frame)).round(2), frame.index)
    return fees.where(labels(frame) == 1)


def constant(frame, _):
    return pd.Series("signed", frame.index).where(labels(frame) == 1)


def dates(frame, rng):
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 300, len(frame)), "D")
    return pd.Series(days.strftime("%Y-%m-%d"), frame.index).where(labels(frame) == 1)


def numeric(frame, rng):
    return labels(frame) * 10 + rng.normal(size=len(frame))


@pytest.mark.parametrize("leak", [copied, filled, constant, dates, numeric])
def test_certain_leak_stops_table_and_can_be_dropped(market, read, leak):
    creators = read(market.assign(campaign=leak(market, np.random.default_rng(0))))
    verdict = judge(creators)
    assert verdict.word == "not ready"
    assert verdict.leaks == ("campaign",)
    after, rest = drop_leaks(creators)
    assert after.word == "ready"
    assert after.dropped == ("campaign",)
    assert "campaign" not in {role.column for role in rest.features}
    assert "left-out" in set(rest.irregularities["code"])


def test_views_raised_by_deal_are_suspected(market, read):
    views = market["Avg_Views_per_Post"].astype(float)
    verdict = judge(read(market.assign(Avg_Views_per_Post=views * np.where(labels(market), 4, 1))))
    assert verdict.word == "use with care"
    assert "Avg_Views_per_Post" in verdict.leaks


def test_identifiers_ordered_by_outcome_are_suspected(market, read):
    ordered = market.sort_values(LABEL).assign(Influencer_ID=np.arange(len(market)))
    verdict = judge(read(ordered.sample(frac=1, random_state=0)))
    assert check_of(verdict, "identifier").severity == "care"
    assert verdict.word == "use with care"
    named = market.assign(Influencer_ID=np.where(labels(market), "P-", "N-"))
    named["Influencer_ID"] += np.random.default_rng(0).permutation(len(market)).astype(str)
    assert check_of(judge(read(named)), "identifier").severity == "care"


@pytest.mark.parametrize(("sorted_", "reported"), [(True, True), (False, False)])
def test_rows_without_identifier_sorted_by_outcome(market, read, sorted_, reported):
    frame = market.drop(columns="Influencer_ID")
    rows = frame.sort_values(LABEL) if sorted_ else frame.sample(frac=1, random_state=0)
    check = check_of(judge(read(rows)), "identifier")
    assert check.severity == "pass"
    assert check.columns == ()
    assert ("place tells its outcome" in check.reason) == reported
    assert "Influencer_ID" not in check.reason


def test_table_without_features_has_no_signal(read):
    frame = pd.DataFrame({"Influencer_ID": range(100), "Followers": 5, LABEL: [0, 1] * 50})
    verdict = judge(read(frame))
    assert not verdict.has_signal
    assert [check.code for check in verdict.concerns if check.severity == "stop"] == ["signal"]


def test_copies_under_other_identifiers_are_reported_and_droppable(market, read):
    again = market.head(200).assign(Influencer_ID=lambda t: t["Influencer_ID"] + 10**6)
    creators = read(pd.concat([market, again]))
    assert check_of(judge(creators), "leak-copies").severity == "care"
    after, rest = drop_leaks(creators)
    assert check_of(after, "leak-copies").severity == "pass"
    assert len(rest.table) == pytest.approx(len(market), abs=10)


def test_protected_attribute_is_not_learned_from(market, read):
    rng = np.random.default_rng(0)
    creators = read(market.assign(Gender=rng.choice(["f", "m"], len(market)), age_group="20-30"))
    assert {"Gender", "age_group"} & {role.column for role in creators.features} == set()
    verdict = judge(creators)
    assert verdict.word == "use with care"
    assert set(check_of(verdict, "protected").columns) == {"Gender", "age_group"}
    assert "engagement" in {r.column.split("_")[0].casefold() for r in creators.features}


@pytest.mark.parametrize("outcome", [None, 0, 1])
def test_missing_or_constant_target_is_refused(market, read, outcome):
    frame = market.drop(columns=LABEL) if outcome is None else market.assign(**{LABEL: outcome})
    with pytest.raises(CannotJudgeError, match="not ready"):
        study.judge(read(frame))


def test_missing_target_is_answered_with_columns_of_yes_and_no(market, read):
    words = market[LABEL].map({1: "\u0414\u0430", 0: "\u041d\u0435\u0442"})
    table = market.drop(columns=LABEL).assign(Takes_Part=words)
    reason = judge(read(table)).checks[0].reason
    assert reason.endswith(" 'Takes_Part' holds a yes and a no.")


def test_few_positives_need_care(market, read):
    deals = market[market[LABEL] == 1].head(60)
    verdict = judge(read(pd.concat([deals, market[market[LABEL] == 0]])))
    assert check_of(verdict, "rows").severity == "care"


def test_split_by_time_detects_drift_only_where_present(market, read):
    n = len(market)
    rng = np.random.default_rng(0)
    days = pd.Series(pd.date_range("2026-01-01", periods=n, freq="h").strftime("%Y-%m-%d"))
    outcomes = labels(market)
    late = np.arange(n) > 0.8 * n
    turned = np.where(late, rng.permutation(outcomes), outcomes)
    drifting = market.assign(Applied=days.to_numpy(), **{LABEL: turned})
    judged = study.judge(read(drifting), time="Applied")
    assert check_of(judged.verdict, "drift").severity == "care"
    assert set(judged.splits["model"]) == {"at random", "forward in time"}
    steady = study.judge(read(market.assign(Applied=days.to_numpy())), time="Applied")
    assert check_of(steady.verdict, "drift").severity == "pass"
    assert any("expect the lower ones" in line for line in advice.verdict(judged))


def test_group_split_does_not_change_the_model(market, read):
    rng = np.random.default_rng(0)
    agencies = rng.choice([f"agency {i}" for i in range(30)], len(market))
    creators = read(market.assign(Agency=agencies))
    judged = study.judge(creators, group="Agency")
    assert check_of(judged.verdict, "drift").severity == "pass"
    assert judged.creators.features == creators.features
    # Agencies that differ, and say so of their own only.
    deals = pd.Series(rng.random(30) < 0.5, [f"agency {i}" for i in range(30)])
    outcomes = np.where(
        rng.random(len(market)) < 0.8, deals[agencies], rng.random(len(market)) < 0.5
    )
    judged = study.judge(
        read(market.assign(Agency=agencies, **{LABEL: outcomes * 1})), group="Agency"
    )
    assert check_of(judged.verdict, "drift").severity == "care"


def test_too_unequal_groups_are_refused(market, read):
    sizes = np.where(np.arange(len(market)) < 0.96 * len(market), 0, np.arange(len(market)) % 7)
    with pytest.raises(InputError, match="too unequal"):
        study.judge(read(market.assign(Team=[f"team {i}" for i in sizes])), group="Team")


def test_protected_column_used_for_split_stays_protected(market, read):
    origins = np.random.default_rng(0).choice([*"abcdefgh"], len(market))
    judged = study.judge(read(market.assign(Ethnicity=origins)), group="Ethnicity")
    assert check_of(judged.verdict, "protected").columns == ("Ethnicity",)
    assert judged.verdict.word == "use with care"


@pytest.mark.parametrize("written", ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d", "%d %b %Y"])
def test_dates_of_a_column_have_one_format(written):
    days = pd.Series(pd.date_range("2024-01-01", periods=366))
    times = drift._times(days.dt.strftime(written), "x.csv, column Day")
    assert times.is_monotonic_increasing
    assert times.notna().all()


@pytest.mark.parametrize("quarters", [["2021Q1", "2021-Q2", "2021 q4"], ["2020Q4", None, "2021Q1"]])
def test_quarters_are_times_by_their_first_day(quarters):
    first = {"2021Q1": "2021-01-01", "2021-Q2": "2021-04-01", "2021 q4": "2021-10-01",
             "2020Q4": "2020-10-01", None: None}  # fmt: skip
    days = pd.Series([first[quarter] for quarter in quarters])
    times = drift._times(pd.Series(quarters), "x.csv, column Quarter")
    pd.testing.assert_series_equal(times, drift._times(days, "x.csv, column Day"))


@pytest.mark.parametrize(
    ("cells", "words"),
    [(["01/02/2024", "05/03/2024"], "nothing tells"), (["13/02/2024", "02/13/2024"], "in others")],
)
def test_ambiguous_dates_are_refused(cells, words):
    with pytest.raises(InputError, match=words):
        drift._times(pd.Series(cells), "x.csv, column Day")


def test_missing_time_is_not_sorted_first():
    times = pd.Series(pd.to_datetime(["2024-01-01", None, "2024-01-02"]))
    assert drift._times(times, "x.csv").isna().tolist() == [False, True, False]


@pytest.mark.parametrize("n_creators", [1, 6, 39])
def test_many_rows_of_few_creators_are_too_few(market, read, n_creators):
    names = np.random.default_rng(0).integers(0, n_creators, len(market))
    with pytest.raises(CannotJudgeError, match="too few"):
        study.judge(read(market.assign(Influencer_ID=names)))


@pytest.mark.parametrize(("option", "column"), [("time", "nowhere"), ("time", "Niche")])
def test_unusable_split_column_is_refused(market, read, option, column):
    with pytest.raises(InputError, match=column):
        study.judge(read(market), **{option: column})


def test_aucs_match_scikit_learn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    y, scores = rng.integers(0, 2, (200, 4)).astype(float), rng.integers(0, 9, (200, 4)) / 9
    expected = [roc_auc_score(y[:, i], scores[:, i]) for i in range(4)]
    np.testing.assert_allclose(roc_aucs(y, scores), expected)


def test_interaction_without_main_effects_is_a_signal():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 4))
    y = (X[:, 0] * X[:, 1] + 0.5 * rng.normal(size=800) > 0).astype(float)
    assert measure_signal(X, y, np.arange(800)).p_value <= 0.01
    auc, _ = column_strength(pd.Series(X[:, 0]), y)
    assert auc < 0.6


def test_strength_of_nonmonotonic_relation():
    rng = np.random.default_rng(0)
    x = pd.Series(rng.normal(size=2_000))
    auc, explained = column_strength(x, (x.abs() > 1).to_numpy(float))
    assert auc > 0.98
    assert explained > 0.7
