"""Numbers in a study's sentences, against ones made here from its tables and probabilities."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn import metrics as sk

from durhampulse import study
from durhampulse.decision.bands import Thresholds
from durhampulse.report import advice, interpretation, networks, worth
from durhampulse.report.tables import plain_table


@pytest.fixture(scope="module")
def told(whole):
    return " ".join(advice.decision(whole.e, whole.judged))


@pytest.fixture(scope="module")
def decided(whole):
    """The decision table with the outcomes of the test part, which the study does not write."""
    known = whole.b1.test.set_index("Influencer_ID")["Sponsorship_Status"]
    table = whole.e.table
    return table.assign(deal=table["Influencer ID"].map(known).to_numpy())


@pytest.mark.parametrize("band", ["Maybe (manual review)", "No"])
def test_hit_rates_are_counted_and_have_wilsons_interval(whole, told, decided, band):
    rows = decided[decided["Sponsorship Recommendation"] == band]
    ends = binomtest(int(rows["deal"].sum()), len(rows)).proportion_ci(method="wilson")
    p = pd.Series(
        whole.e.champion.predict_proba(whole.b1.test), whole.b1.test["Influencer_ID"].to_numpy()
    )
    assert (
        f"{rows['deal'].mean():.0%} of {len(rows):,} in this band got a deal (likely {ends.low:.0%} "
        f"to {ends.high:.0%}; {p[rows['Influencer ID']].mean():.0%} expected)."
    ) in told


def test_deals_missed_and_found_add_up_to_those_of_the_test_part(told, decided):
    deals = decided.groupby(decided["Sponsorship Recommendation"].str.split(" ").str[0])[
        "deal"
    ].sum()
    total = int(decided["deal"].sum())
    assert (
        f"{deals['No'] / total:.0%} of all deals of the test part ({deals['No']:.0f} of {total}) "
        in told
    )
    others = decided["Sponsorship Recommendation"].str.startswith("No precedent")
    without = int(decided.loc[others, "deal"].sum())
    words = f"{without / total:.0%} where there is no precedent"
    assert (words in told) == (without > 0)


def test_creators_without_precedent_are_no_part_of_no(whole):
    rates = whole.e.hit_rates.copy()
    deals = int(whole.b1.y_test.sum())
    rates.loc[rates["band"] == "No", "deals"] -= 10
    left = deals - int(rates["deals"].sum())
    text = " ".join(advice.decision(replace(whole.e, hit_rates=rates), whole.judged))
    assert f" and {left / deals:.0%} where there is no precedent: a *No*" in text


def test_ranking_finds_what_its_first_rows_hold(told, decided):
    first = round(len(decided) * 0.1)
    hits, base = int(decided["deal"].head(first).sum()), decided["deal"].mean()
    low, high = binomtest(hits, first).proportion_ci(method="wilson")
    assert (
        f"inviting the first {first} would have found {hits} deals, {hits / first / base:.1f} times "
        f"as many as the {first * base:.0f} that as many at random would (95% interval "
        f"{low / base:.1f} to {high / base:.1f})."
    ) in told


def test_deep_learning_gives_the_scores_of_its_runs(whole):
    y, X = whole.b1.y_test, whole.b1.X_test.to_numpy()
    baseline = whole.b2.y_prob[whole.b2.baseline]
    runs = [run.network.predict_proba(X) for run in whole.c3.runs]
    text = networks.deep_learning(whole.c3, whole.b2, whole.judged)
    for words, score in (
        ("accuracy", lambda p: sk.accuracy_score(y, p >= 0.5)),
        ("F1", lambda p: sk.f1_score(y, p >= 0.5)),
        ("log loss", lambda p: sk.log_loss(y, p)),
    ):
        mean = np.mean([score(p) for p in runs])
        assert f"{words} is {mean:.3f} against {score(baseline):.3f} (" in text
    differences = [sk.log_loss(y, p) - sk.log_loss(y, baseline) for p in runs]
    ends = f"{min(differences):+.4f} to {max(differences):+.4f}"
    assert f"training by training {ends}." in text


def test_regularisation_gives_the_gaps_of_its_curves(whole):
    curves = whole.d2.curves
    last = curves[curves["epoch"] == curves["epoch"].max()]
    gaps = last.assign(gap=last["val_loss"] - last["loss"]).pivot(
        index="seed", columns="network", values="gap"
    )
    old, new = gaps["MLP"], gaps["MLP with dropout and L2"]
    text = networks.regularisation(whole.d2, whole.judged)
    assert f"goes from {old.mean():.4f} (C1) to {new.mean():.4f} (D1)" in text
    assert f"smaller in {(new < old).sum()} of {len(gaps)} seeds" in text


def test_baseline_has_the_lowest_log_loss_and_its_distance_to_the_next(whole):
    y = whole.b1.y_train
    losses = {name: sk.log_loss(y, fold.y_prob) for name, fold in whole.b2.out_of_fold.items()}
    (first, low), (second, next_) = sorted(losses.items(), key=lambda pair: pair[1])[:2]
    text = interpretation.baseline_choice(whole.b2, whole.judged)
    assert text.startswith(f"**{first}** is the baseline.")
    assert f"the lowest, {low:.3f}, {next_ - low:.3f} below {second}, " in text


def test_nulls_are_those_of_the_file(whole, market_file):
    raw = pd.read_csv(market_file)
    empty = raw.drop(columns=["Influencer_ID", "Sponsorship_Status"]).isna().sum()
    text = interpretation.nulls(whole.judged.creators)
    assert f"Empty cells of features in the file: {empty.sum():,}; " in text


def test_calibration_gives_the_distance_in_percentage_points(whole):
    """Of two shares of .20 and .25 the second is five points higher, and a quarter."""
    table = whole.e.reliability.assign(predicted=0.2, measured=0.25, low=0.1, high=0.4)
    text = worth.calibration(replace(whole.e, reliability=table))
    assert "differs from the predicted one by 5.0 percentage points on average" in text


@pytest.mark.parametrize(
    ("review", "yes", "words"),
    [
        (0.6, 0.8, ("60%", "80%")),
        (0.605, 0.7996, ("60.5%", "79.96%")),
        (0.5995, 0.99, ("59.95%", "99%")),
    ],
)
def test_thresholds_have_all_their_digits(whole, review, yes, words):
    part = replace(whole.e, thresholds=Thresholds(yes_at=yes, review_at=review))
    assert f"of {words[1]} or more is a *Yes*, from {words[0]} on" in advice.rule(
        part, whole.judged
    )
    text = " ".join(advice.decision(part, whole.judged))
    assert f"Between {words[0]} and {words[1]} a person decides" in text
    assert f"From {words[1]} on: " in text
    assert f"Few reach {words[1]} where" in text


def test_rival_that_is_not_better_comes_first_with_its_log_loss(whole):
    """The sentence speaks of the rival, .41 against the simple model's .40, so .01 worse."""
    row = {"metric": "log_loss", "first": 0.4, "second": 0.41, "low": -0.02, "high": 0.001}
    margin = pd.DataFrame([row])
    simple = replace(whole.e.champion, name="Logistic regression on splines")
    part = replace(whole.e, champion=simple, rival="Distilled blend", tied=True, margin=margin)
    assert (
        "distilled blend does not beat it beyond noise (cross-validated log loss 0.4100 against "
        "0.4000, difference -0.0010 to +0.0200)"
    ) in worth.champion_choice(part)


def test_nobody_is_chosen_from_a_lower_threshold_where_nothing_is_recommended(whole):
    table = whole.e.table.assign(**{"Sponsorship Recommendation": ""})
    assert worth.lower_threshold(whole.e)
    assert worth.lower_threshold(replace(whole.e, table=table)) == ""


def test_fifths_of_a_rate_are_percentages_as_on_its_axis(write):
    rows = "".join(f"{i},{i / 1000},{int(i > 60)}\n" for i in range(1, 101))
    path = write("Influencer_ID,Engagement_Rate,Sponsorship_Status\n" + rows)
    groups = study.explore(study.load_and_inspect(path).creators).by_group["group"]
    assert [groups.iloc[0], groups.iloc[-1]] == ["0.1% to 2.08%", "8.02% to 10%"]


def test_checks_speak_of_columns_without_markup(whole):
    checks = whole.judged.verdict.checks
    odd = replace(checks[0], severity="care", figure="ROC AUC 0.95 (fee*paid*)", reason="of *it*")
    verdict = replace(whole.judged.verdict, checks=(odd, *checks[1:]))
    text = advice.verdict(replace(whole.judged, verdict=verdict))[1]
    assert text.endswith(r": of \*it\* (ROC AUC 0.95 (fee\*paid\*))")


def test_columns_of_a_table_that_sound_like_shares_keep_their_numbers():
    table = pd.DataFrame({"Influencer_ID": ["a"], "share": [12.5], "low": [3.0], "p_value": [7.0]})
    shown = plain_table("First rows", table, own=False)
    assert shown.rows == [["a", "12.5", "3", "7"]]
    assert plain_table("Shares", table).rows == [["a", "1250.0%", "300.0%", "7.000"]]


def test_no_sentence_of_a_study_lacks_a_number(whole, told):
    assert not re.search(r"\b(nan|inf|None)\b", told)
