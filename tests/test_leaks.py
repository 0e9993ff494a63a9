"""Leaks beside honest columns that tell little, and honest columns that are no leaks."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from durhampulse import study
from durhampulse.creators.reading import read_creators
from durhampulse.creators.schema import IDENTIFIER, LABEL, NICHE, QUALITY
from durhampulse.evaluation.evidence import Evidence
from durhampulse.evaluation.identifiers import check_copies, check_identifier
from durhampulse.evaluation.leaks import check_columns, check_dominant
from durhampulse.evaluation.purity import check_pure, check_shares
from durhampulse.evaluation.signal import _binned_aucs, measure_signal, roc_aucs
from durhampulse.features.copies import copied_creators, kept_together
from durhampulse.features.encoding import split_creators
from durhampulse.features.repeats import creator_codes
from durhampulse.market.market import draw_creators
from durhampulse.models.training import _draw_folds

ROWS = 1_500


@pytest.fixture(scope="module")
def market():
    """Creators whose columns tell little: a ROC AUC of about .6 at best."""
    rng = np.random.default_rng(3)
    table, y_prob = draw_creators(ROWS, rng)
    log_odds = 0.25 * np.log(y_prob / (1 - y_prob)) - 0.6
    table[LABEL] = (rng.random(ROWS) < 1 / (1 + np.exp(-log_odds))).astype(int)
    table.insert(0, IDENTIFIER, [f"{'abcd'[i % 4]}{i}{'ef'[i % 2]}" for i in rng.permutation(ROWS)])
    return table


def evidence(table):
    return Evidence(read_creators(table))


def given(market, of_deals, of_others):
    """Whether a creator has something that so many deals and others have."""
    y = market[LABEL].to_numpy()
    return np.random.default_rng(0).random(ROWS) < np.where(y == 1, of_deals, of_others)


@pytest.mark.parametrize(
    ("of_deals", "of_others", "severity"),
    [(0.5, 0, "stop"), (0.5, 0.01, "care"), (0, 0.5, "care"), (0.3, 0.1, "pass")],
)
@pytest.mark.parametrize("form", ["flag", "figure", "level"])
def test_what_one_outcome_has_is_named(market, of_deals, of_others, severity, form):
    has = given(market, of_deals, of_others)
    fees = np.random.default_rng(1).lognormal(6, 1, ROWS).round()
    cells = {
        "flag": has * 1,
        "figure": np.where(has, fees, 0),
        "level": np.where(has, "sent", "open"),
    }
    check = check_pure(evidence(market.assign(Remark=cells[form])))
    assert check.severity == severity
    assert check.columns == (() if severity == "pass" else ("Remark",))


def test_few_creators_of_one_outcome_are_chance(market):
    """Nineteen deals of nineteen are too few, however unlikely."""
    deals = market.index[market[LABEL] == 1][:19]
    check = check_pure(evidence(market.assign(Team=market.index.isin(deals) * 1)))
    assert check.severity == "pass"


def test_share_of_groups_is_told_from_an_honest_score(market):
    rng = np.random.default_rng(0)
    group = market[NICHE].astype(str) + rng.integers(1, 7, ROWS).astype(str)
    rate = market.groupby(group)[LABEL].transform("mean").round(3)
    check = check_shares(evidence(market.assign(Rate=rate)))
    assert check.columns == ("Rate",)
    # True probabilities in steps of .05: the shares scatter around them as chance has it.
    honest = rng.beta(2, 4, ROWS).round(1) + rng.choice([0, 0.05], ROWS)
    drawn = market.assign(Rate=honest, **{LABEL: (rng.random(ROWS) < honest).astype(int)})
    assert check_shares(evidence(drawn)).severity == "pass"


@pytest.mark.parametrize(
    ("auc", "severity"), [(0.86, "care"), (0.80, "care"), (0.72, "pass"), (0.65, "pass")]
)
def test_what_a_column_adds_is_asked_at_every_level(market, auc, severity):
    y = market[LABEL].to_numpy()
    score = np.sqrt(2) * norm.ppf(auc) * y + np.random.default_rng(1).normal(size=ROWS)
    check = check_dominant(evidence(market.assign(Score=score)))
    assert check.severity == severity


def test_column_of_auc_97_stops(market):
    y = market[LABEL].to_numpy()
    score = np.sqrt(2) * norm.ppf(0.97) * y + np.random.default_rng(2).normal(size=ROWS)
    assert check_columns(evidence(market.assign(Score=score))).severity == "stop"


@pytest.mark.parametrize("form", ["digit", "letter", "word"])
def test_ending_of_identifiers_is_asked(market, form):
    y, numbers = market[LABEL].to_numpy(), np.random.default_rng(0).permutation(ROWS)
    ends = {"digit": y, "letter": np.where(y, "x", "q"), "word": np.where(y, "-paid", "-void")}
    names = [f"{number}{end}" for number, end in zip(numbers, ends[form], strict=True)]
    check = check_identifier(evidence(market.assign(**{IDENTIFIER: names})))
    assert check.severity == "care"
    assert "The ending of" in check.reason


def test_rows_sorted_by_outcome_are_said(market):
    check = check_identifier(evidence(market.sort_values(LABEL)))
    assert check.severity == "pass"
    assert "A row's place tells its outcome" in check.reason
    assert "sorted" not in check_identifier(evidence(market)).reason


def jittered(market, share, jitter, seed=0):
    rng = np.random.default_rng(seed)
    again = market.sample(int(share * ROWS), random_state=seed)
    again[IDENTIFIER] = "again" + again[IDENTIFIER]
    for column in ("Followers", "Engagement_Rate", "Growth_Rate", "Avg_Views_per_Post"):
        moved = again[column] * (1 + jitter * rng.normal(size=len(again)))
        again[column] = moved.round(4 if "Rate" in column else 0)
    return pd.concat([market, again], ignore_index=True)


@pytest.mark.parametrize(("jitter", "at_least"), [(0.0, 0.99), (0.01, 0.95), (0.02, 0.8)])
def test_near_copies_are_told_from_creators_alike(market, jitter, at_least):
    creators = read_creators(jittered(market, 0.2, jitter))
    original = copied_creators(creators.table, [role.column for role in creators.features])
    right = original.index.str.startswith("again") & ("again" + original == original.index)
    assert right.sum() >= at_least * 0.2 * ROWS
    joined = original != original.index
    assert (joined & ~right).sum() <= 0.002 * ROWS
    assert check_copies(Evidence(creators)).severity == "care"


def test_copies_differ_in_one_column_and_none_is_one_in_a_clean_table(market):
    again = market.head(200).assign(Growth_Rate=np.linspace(-0.01, 0.3, 200), Niche="Pets")
    again[IDENTIFIER] = "again" + again[IDENTIFIER]
    creators = read_creators(pd.concat([market, again], ignore_index=True))
    columns = [role.column for role in creators.features]
    original = copied_creators(creators.table, columns)
    assert (original != original.index).sum() >= 180
    clean = copied_creators(read_creators(market).table, columns)
    assert (clean != clean.index).sum() <= 1


def test_copies_stay_together(market):
    creators = kept_together(read_creators(jittered(market, 0.2, 0.0)))
    labelled = creators.labelled
    name = labelled[IDENTIFIER].str.removeprefix("again")
    train, test = split_creators(labelled)
    assert not set(name[train.index]) & set(name[test.index])
    folds = pd.Series(_draw_folds(labelled, 0), labelled.index)
    assert folds.groupby(name).nunique().max() == 1
    assert creator_codes(labelled).max() + 1 == name.nunique()


def test_crossed_levels_are_a_signal(market):
    """A niche counts with HD where another counts without: neither tells anything alone."""
    rng = np.random.default_rng(1)
    one = market[NICHE].isin(["Fashion", "Beauty", "Tech", "Travel", "Music", "Pets"])
    likely = np.where(one ^ (market[QUALITY] == "HD"), 0.4, 0.1)
    drawn = evidence(market.assign(**{LABEL: (rng.random(ROWS) < likely).astype(int)}))
    assert drawn.signal.p_value <= 0.01
    assert drawn.signal.roc_auc > 0.62  # the true probabilities reach .70


def test_weak_line_among_noise_is_a_signal():
    rng = np.random.default_rng(0)
    y = (rng.random(4_000) < 0.3).astype(float)
    X = rng.normal(size=(4_000, 20))
    X[:, 7] += np.sqrt(2) * norm.ppf(0.56) * y
    assert measure_signal(X, y, np.arange(4_000)).p_value <= 0.01


def test_binned_aucs_are_those_of_ranks():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (3_000, 3)).astype(float)
    scores = np.column_stack([rng.normal(size=3_000), rng.lognormal(0, 2, 3_000), y[:, 2]])
    np.testing.assert_allclose(
        _binned_aucs(y, scores)[[0, 2]], roc_aucs(y, scores)[[0, 2]], atol=1e-3
    )


@pytest.mark.slow  # 100 permutation tests
def test_noise_is_no_signal_at_the_nominal_level():
    """At the 1% level 1 of 100 tables is called a signal; 5 or more with a chance of .3%."""
    called = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        X = np.column_stack([rng.normal(size=(400, 8)), rng.random((400, 6)) < 0.2])
        y = (rng.random(400) < 0.3).astype(float)
        called += measure_signal(X, y, np.arange(400), random_state=seed).p_value <= 0.01
    assert called <= 4


def test_too_good_is_asked_again_of_the_best_classifier(market):
    creators = read_creators(market)
    judged = study.judge(creators)
    part = study.prepare(creators)

    def compared(auc):
        scores = {"Logistic regression": 0.6, "Random forest": auc}
        rows = [(name, "roc_auc", value) for name, value in scores.items()]
        table = pd.DataFrame(rows, columns=["model", "metric", "value"])
        return SimpleNamespace(cross_validated=table)

    again = study.ask_again(judged, part, compared(0.99))
    (check,) = (check for check in again.verdict.checks if check.code == "too-good")
    assert check.severity == "care"
    assert "best classifier, random forest, 0.990" in check.figure
    assert study.ask_again(judged, part, compared(0.94)) is judged


def test_column_that_all_but_tells_the_answer_may_be_honest_and_the_message_says_so(market_file):
    """An AUC of .97 alone stops the table, whether a leak or not: figures cannot tell."""
    table = pd.read_csv(market_file)
    rng = np.random.default_rng(0)
    table["Seen"] = 2.66 * table[LABEL] + rng.normal(size=len(table))  # sqrt(2) * 1.881
    verdict = study.judge(read_creators(table)).verdict
    (check,) = [check for check in verdict.checks if check.code == "leak-column"]
    assert check.severity == "stop"
    assert "it may be honest" in check.reason
    assert "--drop-leaks judges by the other columns" in check.reason
    assert verdict.refusal == "not ready: Seen alone all but tells who got a deal"
