from __future__ import annotations

import itertools
import re
from dataclasses import replace
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from durhampulse import study
from durhampulse.creators.outcome import SPONSORSHIP
from durhampulse.creators.reading import read_creators
from durhampulse.creators.schema import LABEL
from durhampulse.decision.bands import NO_PRECEDENT, Thresholds
from durhampulse.decision.figures import percent
from durhampulse.exceptions import CannotJudgeError
from durhampulse.models.champion import DISTILLED
from durhampulse.report import advice, fonts, front, lookalikes, networks, plots, worth
from durhampulse.report import interpretation as words
from durhampulse.report.context import build_report
from durhampulse.report.tables import brief_table, decision_view
from durhampulse.study import exploration
from tests.studies import run_parts


def test_parts_are_consistent(whole):
    b1 = whole.b1
    assert len(b1.X_train) == len(b1.y_train) == len(b1.train)
    assert len(b1.test) / (len(b1.train) + len(b1.test)) == pytest.approx(0.2, abs=0.01)
    assert set(whole.b2.models) == {"Logistic regression", "Random forest", "Gradient boosting"}
    assert len(whole.c2.curves) >= 20
    assert whole.b3.table.to_numpy().sum() == len(b1.test)
    assert len(whole.d2.runs) == 6


def test_baseline_is_chosen_without_test_part(whole):
    loss = whole.b2.cross_validated.query("metric == 'log_loss'").set_index("model")["value"]
    assert whole.b2.baseline == loss.drop(study.BASE_RATE).idxmin()


def test_decisions_exclude_training_creators(whole):
    decided = set(whole.e.table["Influencer ID"])
    assert decided == set(whole.b1.test["Influencer_ID"])
    assert not decided & set(whole.b1.train["Influencer_ID"])


@pytest.mark.slow
def test_unlabelled_creators_get_decisions(market_file, tmp_path):
    frame = pd.read_csv(market_file, dtype=str)
    frame.loc[:99, LABEL] = None
    frame.to_csv(tmp_path / "a.csv", index=False)
    creators = read_creators(tmp_path / "a.csv")
    b1 = study.prepare(creators)
    b2 = study.compare_classifiers(b1)
    e = study.decide(b1, b2, study.judge(creators))
    fresh = set(creators.unlabelled["Influencer_ID"]) | set(b1.test["Influencer_ID"])
    assert set(e.table["Influencer ID"]) == fresh


def test_study_reports_signal(whole):
    assert whole.judged.verdict.word == "ready"
    sentence = words.baseline_choice(whole.b2, whole.judged)
    assert "Nothing can be predicted" not in sentence
    assert whole.b2.baseline in sentence
    sentences = advice.decision(whole.e, whole.judged)
    counts = whole.e.table["Sponsorship Recommendation"].value_counts()
    maybe = counts["Maybe (manual review)"]
    assert f"Between 60% and 80% a person decides: {maybe:,} creator" in sentences[1]


@pytest.fixture(scope="module")
def shuffled(market_file, tmp_path_factory):
    """A table whose outcomes are permuted at random."""
    frame = pd.read_csv(market_file, dtype=str).drop_duplicates("Influencer_ID")
    frame[LABEL] = np.random.default_rng(0).permutation(frame[LABEL])
    path = tmp_path_factory.mktemp("shuffled") / "a.csv"
    frame.to_csv(path, index=False)
    return path


def test_shuffled_labels_are_called_unpredictable(shuffled, whole):
    judged = study.judge(read_creators(shuffled))
    assert judged.verdict.word == "not ready"
    assert not judged.verdict.has_signal
    assert "Nothing can be predicted" in words.baseline_choice(whole.b2, judged)
    assert "no signal" in networks.deep_learning(whole.c3, whole.b2, judged)
    assert "no signal" in words.confusion(whole.b3, judged)
    assert "not a recommendation" in advice.decision(whole.e, judged)[0]


@pytest.mark.slow
def test_study_of_shuffled_labels_recommends_no_creator(shuffled):
    whole = run_parts(shuffled)
    assert "not a recommendation" in advice.decision(whole.e, whole.judged)[0]
    assert "No feature" in words.feature(whole.a2)
    assert (whole.e.table["Sponsorship Recommendation"] == "").all()
    assert whole.e.table["Verdict"].str.contains("No signal").all()


@pytest.mark.parametrize(
    ("low", "high", "p", "answer"),
    [
        (0.01, 0.05, 0.01, "Yes, in accuracy"),
        (-0.05, -0.01, 0.01, "No: it is worse in accuracy"),
        (-0.01, 0.05, 0.3, "Not measurably"),
    ],
)
def test_deep_learning_answer_follows_interval(whole, low, high, p, answer):
    difference = whole.c3.difference.copy()
    difference[["low", "high", "p_value"]] = [-1.0, 1.0, 0.9]
    difference.loc[difference["metric"] == "accuracy", ["low", "high", "p_value"]] = low, high, p
    assert answer in networks.deep_learning(
        replace(whole.c3, difference=difference), whole.b2, whole.judged
    )


@pytest.mark.parametrize(
    ("held_out", "reason"),
    [
        ((0.5, 0.4, 0.45), "0.300 on the rows it learned from and 0.450 on those it kept"),
        ((0.5, 0.4, 0.29), "does not overfit"),
    ],
)
def test_why_a_network_is_worse_follows_its_curves(whole, held_out, reason):
    curves = pd.DataFrame({"epoch": [1, 2, 3], "loss": [0.6, 0.4, 0.3], "val_loss": held_out})
    runs = tuple(replace(run, curves=curves) for run in whole.c3.runs)
    worse = whole.c3.difference.assign(low=-0.05, high=-0.01, p_value=0.01)
    part = replace(whole.c3, runs=runs, difference=worse[worse["metric"] != "log_loss"])
    part = replace(part, difference=pd.concat([part.difference, _within_noise(worse)]))
    text = networks.deep_learning(part, whole.b2, whole.judged)
    assert reason in text
    assert ("lowest after 2." in text) == (held_out[-1] > 0.3)


def _within_noise(difference):
    return difference[difference["metric"] == "log_loss"].assign(low=-1.0, high=1.0, p_value=0.9)


def test_without_a_signal_differences_beyond_noise_are_not_called_chance(whole):
    """A network that learns noise by heart is truly worse."""
    text = networks.deep_learning(whole.c3, whole.b2, _without_signal(whole))
    assert "how much of the noise each has learned" in text
    assert "are chance" not in text


def test_lower_log_loss_is_a_gain(whole):
    difference = whole.c3.difference.copy()
    difference[["low", "high", "p_value"]] = [-1.0, 1.0, 0.9]
    here = difference["metric"] == "log_loss"
    difference.loc[here, ["low", "high", "p_value"]] = -0.05, -0.01, 0.01
    assert "Yes, in log loss" in networks.deep_learning(
        replace(whole.c3, difference=difference), whole.b2, whole.judged
    )


@pytest.mark.parametrize(
    ("none", "old", "new", "answer"),
    [
        ((0.3, 0.3), (0.2, 0.2), (0.05, 0.05), "Yes"),
        ((0.3, 0.3), (0.05, 0.05), (0.2, 0.2), "No:"),
        ((0.3, 0.3), (0.2, 0.05), (0.1, 0.1), "Not reliably"),
        ((0.003, -0.003), (0.003, -0.003), (0.002, -0.005), "There was none beyond chance"),
    ],
)
def test_regularisation_answer_compares_new_with_old(whole, none, old, new, answer):
    runs = whole.d2.runs.copy()
    plans = ((study.UNREGULARISED, none), (study.MLP, old), (study.REGULARISED, new))
    for plan, gaps in plans:
        runs.loc[runs["network"] == plan.name, "gap"] = gaps
    text = networks.regularisation(replace(whole.d2, runs=runs), whole.judged)
    assert f"overfitting?** {answer}" in text


@pytest.mark.parametrize(
    ("low", "high", "p", "answer"),
    [
        (-0.02, 0.01, 0.5, "log loss stays the same within noise"),
        (-0.02, -0.01, 0.01, "log loss gets better"),
        (0.01, 0.02, 0.01, "held back more than it overfitted"),
    ],
)
def test_regularisation_is_judged_on_unseen_creators(whole, low, high, p, answer):
    difference = whole.d2.difference.assign(low=-1.0, high=1.0, p_value=0.9)
    here = difference["metric"] == "log_loss"
    difference.loc[here, ["low", "high", "p_value"]] = low, high, p
    assert answer in networks.regularisation(replace(whole.d2, difference=difference), whole.judged)


def test_answers_of_parts_c_and_d_are_two_to_three_sentences(whole):
    """The brief asks for two to three lines."""
    for text in (
        networks.deep_learning(whole.c3, whole.b2, whole.judged),
        networks.regularisation(whole.d2, whole.judged),
    ):
        answer = text.split("?** ")[1]
        assert 2 <= len(re.split(r"\. (?=[A-Z])", answer)) <= 3


def test_feature_within_noise_is_reported_as_such(whole):
    flat = whole.a2.associations.assign(auc_low=0.49, auc_high=0.52, p_value=1.0)
    assert "No feature" in words.feature(replace(whole.a2, associations=flat))
    assert whole.a2.feature.replace("_", r"\_") in words.feature(whole.a2)


def test_implausibly_high_score_is_questioned(whole):
    tested = whole.e.tested.copy()
    assert not any("Too good?" in s for s in advice.decision(whole.e, whole.judged))
    tested.loc[tested["metric"] == "roc_auc", "value"] = 0.99
    assert "Too good?" in advice.decision(replace(whole.e, tested=tested), whole.judged)[0]


def test_small_band_is_reported_as_too_few(whole):
    rates = whole.e.hit_rates.assign(creators=[3, 90, 900])
    assert "only 3 such" in advice.decision(replace(whole.e, hit_rates=rates), whole.judged)[0]
    rates = whole.e.hit_rates.assign(creators=[0, 90, 900])
    text = advice.decision(replace(whole.e, hit_rates=rates), whole.judged)[0]
    assert "The test part holds no such creator, so nothing was measured." in text


def test_first_page_speaks_of_creators_and_deals(whole):
    """By hand from the tables behind it; no statistic is named above the fold."""
    tiles = dict(front.facts(whole))
    answers = whole.e.table["Sponsorship Recommendation"].value_counts()
    assert tiles["Creators to sponsor"] == f"{answers['Yes']:,}"
    assert tiles["To review"] == f"{answers.drop(['Yes', 'No']).sum():,}"
    missed = whole.e.hit_rates.set_index("band")
    share = missed.loc["No", "deals"] / whole.b1.y_test.sum()
    assert tiles["Of 100 deals, missed by the bands"] == f"{100 * share:.0f}"
    placed = whole.b1.test[whole.e.champion.unlike(whole.b1.test) == 0]
    best = placed.assign(p=whole.e.champion.predict_proba(placed)).nlargest(100, "p")
    found = tiles["Deals found by inviting the first 100"]
    assert found.startswith(f"{best[LABEL].sum():.0f}, not ")
    plots.use_style()
    ranking, finding = front.opening(whole)
    shown = [*tiles, ranking.title, ranking.svg, finding.title, finding.svg]
    assert not re.search(r"AUC|log loss|log-odds|Brier|p-value|F1\b", " ".join(shown))
    counts = re.findall(r"font-weight: 700[^>]*>([\d,]+)</text>", ranking.svg)
    assert f"{answers['Yes']:,}" in counts
    assert found.partition(",")[0] in finding.title


def test_first_page_without_recommendations_has_no_picture(whole, shuffled):
    refused = replace(whole, judged=study.judge(read_creators(shuffled)))
    assert front.opening(refused) == []
    assert dict(front.facts(refused))["Recommended"] == "nobody"


def test_each_text_of_the_report_stands_beside_its_table_or_picture(whole):
    sections = {section.part: section.content for section in build_report(whole).sections}
    follows = {
        words.target(whole.a2): "a2-target",
        words.feature(whole.a2): "a2-associations",
        words.confusion(whole.b3, whole.judged): "b3-confusion",
        worth.calibration(whole.e): "e-reliability",
        worth.calibrations(whole.e, whole.b2): "e-calibrations",
        worth.groups(whole.e): "e-groups",
        worth.alone_and_together(whole.a2, whole.e): "e-importance",
        lookalikes.sentence(whole.e): "e-lookalikes",
    }
    shown = [item for content in sections.values() for item in content]
    assert {text: shown[shown.index(text) + 1].name for text in follows} == follows
    for text, caption in (
        (worth.lower_threshold(whole.e), "Other thresholds"),
        (worth.more_rows(whole.e, whole.judged), "Learned from more"),
    ):
        assert shown[shown.index(text) + 1].caption.startswith(caption)
    kinds = "".join("t" if isinstance(item, str) else "o" for item in sections["E"])
    assert "ttt" not in kinds


def test_rule_of_the_bands_follows_the_thresholds(whole, shuffled):
    part = replace(whole.e, thresholds=Thresholds(yes_at=0.75, review_at=0.5))
    rule = advice.rule(part, whole.judged)
    assert rule.startswith("A probability of 75% or more is a *Yes*, from 50% on a person looks")
    refused = study.judge(read_creators(shuffled))
    assert "nothing is recommended" in advice.rule(part, refused)


def test_profiles_to_open_count_those_recommended_too(whole):
    text = " ".join(advice.decision(whole.e, whole.judged))
    answers = whole.e.table["Sponsorship Recommendation"].value_counts()
    assert f"needs to open {answers.sum() - answers['No']:,} of {answers.sum():,}" in text


def test_brief_table_shows_every_answer_in_its_formats(whole):
    table = brief_table(whole.e.table)
    answers = table["Sponsorship Recommendation"].str.split(",").str[0]
    assert set(answers) == set(whole.e.table["Sponsorship Recommendation"])
    has_precedent = answers != NO_PRECEDENT
    assert table["Predicted Sponsorship"][has_precedent].str.fullmatch(r"0\.\d\d").all()
    assert (table["Predicted Sponsorship"][~has_precedent] == "\N{EN DASH}").all()
    assert not has_precedent.all()
    assert table["Engagement Rate"].str.fullmatch(r"\d+\.\d%|").all()
    assert table["Follower Count"].str.fullmatch(r"\d{1,3}(,\d{3})*").all()
    yes = table.loc[answers == "Yes", "Predicted Sponsorship"].astype(float)
    assert (yes >= 0.8).all()


def test_lookalikes_stand_beside_the_middle_creator_of_each_answer(whole):
    e = whole.e
    assert set(e.alike["answer"]) == set(e.table["Sponsorship Recommendation"])
    assert (e.alike.groupby("creator").size() == 12).all()
    assert not {"Influencer_ID", "past creator"} & set(e.alike.columns)
    yes = e.table[e.table["Sponsorship Recommendation"] == "Yes"]
    here = e.alike[e.alike["answer"] == "Yes"].iloc[0]
    place = yes["Influencer ID"].astype(str).tolist().index(here["creator"])
    assert abs(place - len(yes) / 2) <= 1
    rows = e.alike[e.alike["creator"] == here["creator"]]
    share = percent(here["probability"], 0)
    assert f"{here['creator']} (*Yes*, {share}): {rows['deal'].sum()} of 12" in (
        lookalikes.sentence(e)
    )
    shown = lookalikes.nearest(e)
    assert shown.groupby("answer").size().eq(3).all()
    assert shown["past_creator"].str.contains("followers, engagement").all()


@pytest.mark.slow
def test_lookalikes_of_a_table_without_signal_bear_no_answer(shuffled):
    creators = read_creators(shuffled)
    judged = study.judge(creators)
    b1 = study.prepare(judged.creators)
    e = study.decide(b1, study.compare_classifiers(b1), judged)
    assert set(e.alike["answer"]) == {""}
    assert "(*" not in lookalikes.sentence(e)
    assert "of each answer" not in lookalikes.sentence(e)


def test_groups_off_their_interval_are_compared_with_chance():
    """Of ten true shares two or more lie outside 95% intervals in 1 - .95**10 - .5 * .95**9."""
    creators = SimpleNamespace(outcome=SPONSORSHIP)
    table = pd.DataFrame({"predicted": [0.5] * 10, "measured": 0.5, "creators": 9, "high": 1.0})
    for outside, said in ((0, "none of 10 groups"), (2, "8.6% of studies."), (3, "1.2% of")):
        off = table.assign(low=np.where(np.arange(10) < outside, 0.6, 0.0))
        text = worth.calibration(SimpleNamespace(reliability=off, creators=creators))
        assert said in text
        assert ("with a margin" in text) == (outside == 3)


def test_nobody_at_a_lower_threshold_is_said_without_shares(whole):
    nobody = whole.e.sweep.assign(creators=0, deals=0, hit_rate=np.nan, recall=0.0)
    text = worth.lower_threshold(replace(whole.e, sweep=nobody))
    assert text == "None of the creators tested reaches 70% either."
    now, lower = (whole.e.sweep.set_index("from").loc[at] for at in (0.8, 0.7))
    text = worth.lower_threshold(whole.e)
    counts = f"{lower['creators']:.0f} of the creators tested instead of {now['creators']:.0f},"
    assert f"A *Yes* from 70% on instead of 80% would hold {counts}" in text
    assert f"{lower['hit_rate']:.0%} of them got a deal instead of {now['hit_rate']:.0%}." in text


def test_order_of_features_that_tell_nothing_alone_is_not_compared(whole):
    flat = whole.a2.associations.assign(p_value=1.0)
    text = worth.alone_and_together(replace(whole.a2, associations=flat), whole.e)
    assert text.startswith("Alone no feature tells anything beyond chance (A2)")
    assert "tells most" in worth.alone_and_together(whole.a2, whole.e)


def test_only_a_feature_that_tells_something_alone_can_fall_behind(whole):
    """The last but one of A2 goes last in the model, but alone it tells nothing beyond chance."""
    table = whole.a2.associations.assign(p_value=0.001, auc_low=0.55)
    model = list(whole.e.explanation.importance()["feature"])
    table = table.set_index("feature").loc[[*model[:-2], model[-1], model[-2]]].reset_index()
    told = worth.alone_and_together(replace(whole.a2, associations=table), whole.e)
    assert f" falls from place {len(model) - 1} to {len(model)}" in told
    table.loc[table["feature"] == model[-1], "p_value"] = 0.5
    told = worth.alone_and_together(replace(whole.a2, associations=table), whole.e)
    assert told == "No feature that tells something alone (A2) falls behind in the model."


def test_cost_of_distillation_is_said_where_its_last_figure_shows_it():
    margin = pd.DataFrame(
        {"metric": ["log_loss"], "first": 0.4, "second": 0.5, "low": -0.2, "high": -0.1}
    )
    champion = SimpleNamespace(name=DISTILLED)
    shared = SimpleNamespace(
        margin=margin,
        over_baseline=margin.assign(baseline="Forest"),
        champion=champion,
        table=pd.DataFrame({"Sponsorship Recommendation": ["Yes"]}),
        tied=False,
        rival="Splines",
    )
    for cost, words_ in ((-0.00004, "by less than 0.0001 on"), (0.00062, "by +0.0006 on")):
        assert words_ in worth.champion_choice(SimpleNamespace(**vars(shared), cost=cost))


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [(-0.2, -0.1, "better"), (0.1, 0.2, "worse"), (-0.1, 0.1, "as good within noise")],
)
def test_deciding_model_is_compared_with_the_baseline(whole, low, high, answer):
    beside = whole.e.over_baseline.assign(low=low, high=high)
    text = worth.champion_choice(replace(whole.e, over_baseline=beside))
    own = whole.e.over_baseline.set_index("metric").loc["log_loss"]
    assert own["first"] == whole.e.margin.set_index("metric").loc["log_loss", "first"]
    assert f"({whole.b2.baseline}, {own['second']:.4f}) it is {answer} (" in text


def test_nothing_recommended_has_no_model_that_decides_and_no_reasons(whole):
    """Reasons for what nobody recommends would be noise, or the leak."""
    blank = replace(whole.e, table=whole.e.table.assign(**{"Sponsorship Recommendation": ""}))
    assert "** would decide: " in worth.champion_choice(blank)
    assert "** decides: " in worth.champion_choice(whole.e)
    shown = decision_view(blank.table)
    assert shown.columns[-1] == "Sponsorship Recommendation"
    assert {len(row) for row in shown.rows} == {len(shown.columns)}
    more = len(blank.table) - len(shown.rows)
    assert shown.note == (
        f"In brackets: 90% interval. {more:,} more creators stand in decisions.csv and "
        "decisions.xlsx."
    )
    assert decision_view(whole.e.table).columns[-1] == "Why"


def test_more_rows_do_not_help_where_there_is_no_signal(whole):
    """A network or boosting that learns less noise from more rows has learned nothing."""
    falling = whole.e.learning.assign(low=-0.2, high=-0.1)
    part = replace(whole.e, learning=falling)
    assert "help?** Yes." in worth.more_rows(part, whole.judged)
    assert "help?** Not more of this kind" in worth.more_rows(part, _without_signal(whole))
    assert "that is noise" in worth.explanation(part, _without_signal(whole))
    assert "that is noise" not in worth.explanation(part, whole.judged)


def _without_signal(whole):
    checks = [c for c in whole.judged.verdict.checks if c.is_signal]
    verdict = replace(whole.judged.verdict, checks=(replace(checks[0], severity="stop"),))
    assert not verdict.has_signal
    return replace(whole.judged, verdict=verdict)


def test_calibration_is_compared_on_both_parts(whole):
    errors = whole.e.calibration_errors
    assert errors.groupby("measured_on")["model"].size().eq(4).all()
    decider = errors[errors["model"] == whole.e.champion.name].set_index("measured_on")
    tested = whole.e.reliability
    gap = np.average((tested["predicted"] - tested["measured"]).abs(), weights=tested["creators"])
    assert decider.loc["test part", "calibration_error"] == pytest.approx(gap, abs=2e-3)
    text = worth.calibrations(whole.e, whole.b2)
    assert "None is off beyond chance" in text
    off = errors.assign(low=np.where(errors["model"] == "Random forest", 0.02, 0.0))
    part = replace(whole.b2, baseline="Gradient boosting")
    text = worth.calibrations(replace(whole.e, calibration_errors=off), part)
    assert "**Off beyond chance: Random forest.**" in text
    scores = whole.b2.cross_validated.query("metric == 'log_loss'").set_index("model")["value"]
    assert f"(Random forest {scores['Random forest']:.3f}, Gradient boosting " in text


@pytest.mark.parametrize("deals", [0, 5, None])
def test_too_few_outcomes_are_refused(write, deals):
    label = "" if deals is None else ",Sponsorship_Status"
    lines = [f"Influencer_ID,Followers{label}"]
    for i in range(200):
        lines.append(f"{i},{1000 + 7 * i}" + ("" if deals is None else f",{int(i < deals)}"))
    creators = read_creators(write("\n".join(lines) + "\n"))
    with pytest.raises(CannotJudgeError) as caught:
        study.judge(creators)
    assert caught.value.way_out


def test_association_measure_depends_on_column_type(whole):
    table = whole.a2.associations.set_index("feature")
    assert table.loc["Niche", "measure"] == "Cramér's V"
    assert table.loc["Followers", "measure"].startswith("rank-biserial")
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()


def test_rank_biserial_matches_auc(whole):
    from sklearn.metrics import roc_auc_score

    rows = whole.a1.creators.labelled.dropna(subset=["Followers"])
    value = 2 * roc_auc_score(rows[LABEL], rows["Followers"]) - 1
    table = whole.a2.associations.set_index("feature")
    assert table.loc["Followers", "value"] == pytest.approx(value)


def test_fifths_of_a_figure_are_named_with_it(write):
    """Of 100 creators those of the last fifth, 1,081 to 1,100 followers, all have a deal."""
    rows = "".join(f"{i},{1000 + i},{int(i > 60)}\n" for i in range(1, 101))
    path = write("Influencer_ID,Followers,Sponsorship_Status\n" + rows)
    text = words.feature(study.explore(read_creators(path)))
    assert "Of the creators with Followers of *1,0" in text
    assert "to 1,100*, 100% got a deal; with Followers of *1,001 to " in text


def test_noise_column_of_many_levels_is_not_associated(market_file, tmp_path):
    frame = pd.read_csv(market_file, dtype=str)
    lot = np.random.default_rng(1)
    frame["City"] = lot.choice([f"city {i}" for i in range(300)], len(frame))
    frame.to_csv(tmp_path / "a.csv", index=False)
    part = study.explore(read_creators(tmp_path / "a.csv"))
    row = part.associations.set_index("feature").loc["City"]
    assert row["low"] == 0
    assert row["low"] <= row["value"] <= row["high"]
    assert row["auc_low"] <= 0.5
    assert part.feature != "City"
    assert "tells most about the outcome" in words.feature(part)


@pytest.mark.slow
def test_category_association_interval_has_nominal_coverage():
    """1,000 tables of a known association: the interval covers it at its nominal rate."""
    p = np.array([0.2, 0.25, 0.3, 0.35, 0.4])
    cells = np.stack([1 - p, p], axis=1) / 5
    expected = np.outer(cells.sum(axis=1), cells.sum(axis=0))
    true = np.sqrt(((cells - expected) ** 2 / expected).sum())
    drawn = np.random.default_rng(0).multinomial(600, cells.ravel(), size=1_000).reshape(-1, 5, 2)
    held = 0
    for counts in drawn:
        value, low, high, _ = exploration._cramers_v(counts, 1.0)
        assert low <= value <= high
        held += low <= true <= high
    assert 0.93 <= held / 1_000 <= 0.97


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        (lambda lot, n: lot.integers(0, 2, n), ["0", "1"]),
        (lambda lot, n: 52.52 + lot.uniform(-0.0003, 0.0003, n), None),
        (lambda lot, n: np.full(n, np.nan), []),
    ],
)
def test_numeric_column_of_any_shape_is_plotted(market_file, tmp_path, values, groups):
    frame = pd.read_csv(market_file, dtype=str)
    frame["Figure"] = values(np.random.default_rng(0), len(frame))
    unlabelled = frame.head(30).assign(**{LABEL: None}, Figure=np.arange(30) / 7)
    unlabelled["Influencer_ID"] = [f"new {i}" for i in range(30)]
    pd.concat([frame, unlabelled]).to_csv(tmp_path / "a.csv", index=False)
    creators = read_creators(tmp_path / "a.csv")
    part = study.explore(creators)
    plots.histograms(part.histograms)
    plt.close("all")
    table = exploration.outcome_by_group(creators, "Figure")
    assert table["group"].is_unique
    assert groups is None or table["group"].tolist() == groups


def test_sentences_agree_with_figures(whole, write):
    even = replace(whole.b3, table=pd.DataFrame([[10, 5], [5, 10]]))
    assert "both errors are as frequent" in words.confusion(even, whole.judged)
    many = replace(whole.b3, table=pd.DataFrame([[1500, 2500], [3500, 4500]]))
    counts = "found 4,500 of 8,000 deals and missed 3,500; of 7,000 creators it predicted"
    assert counts in words.confusion(many, whole.judged)
    rows = "".join(f"{i},1000,{growth},{i % 2}\n" for i, growth in enumerate(["2.1%", "1.9%"] * 9))
    path = write("Influencer_ID,Followers,Growth_Rate,Sponsorship_Status\n" + rows)
    assert "read by its percent signs" in words.growth_unit(study.load_and_inspect(path))
    path = write("Influencer_ID,Followers,Growth_Rate,Sponsorship_Status\n1,9,,1\n2,8,,0\n")
    assert words.growth_unit(study.load_and_inspect(path)) == "Growth\\_Rate is empty."


def test_study_explains_groups(whole):
    e = whole.e
    assert set(e.groups["by"]) == {"niche", "tier"}
    assert e.pooled_hit_rates["creators"].sum() == len(whole.b1.train)
    assert (e.table["Interval Low"] <= e.table["Predicted Sponsorship"]).all()
    maybe = e.table["Sponsorship Recommendation"] == "Maybe (manual review)"
    assert (e.table.loc[maybe, "Reasons For"] != "").all()
    assert whole.b1.train[LABEL].notna().all()


def test_ranges_begin_at_lowest_value(write):
    """pandas widens its first quantile range by 0.001, below the smallest value."""
    rows = "".join(f"{i},{i * 100},{(i - 3) / 500},{i % 2}\n" for i in range(50))
    path = write("Influencer_ID,Followers,Growth_Rate,Sponsorship_Status\n" + rows)
    creators = read_creators(path, units={"Growth_Rate": "fraction"})
    groups = exploration.outcome_by_group(creators, "Followers")["group"].tolist()
    assert groups[0] == "0 to 980"  # a fifth of the way from 0 to 4,900
    overview = exploration.column_overview(creators).set_index("column")["typical"]
    assert overview["Growth_Rate"] == "0.043 (-0.006 to 0.092)"


FOOD = "\u7f8e\u98df"
"""Food, in Chinese."""


@pytest.fixture
def chinese(write):
    latin = "F\u00f6\u00f6d"
    rows = (f"{i},{900 + i},{FOOD if i % 3 else latin},{i % 2}" for i in range(60))
    header = "Influencer_ID,Followers,Niche,Sponsorship_Status"
    return read_creators(write("\n".join([header, *rows])))


def test_letters_without_font_are_named(chinese, monkeypatch):
    monkeypatch.setattr(fonts, "fallback_fonts", lambda: ())
    assert fonts.letters_without_font(chinese) == FOOD
    assert f"No font on this machine has {FOOD}" in words.letters(chinese)


def test_letters_without_font_emit_no_warning(chinese):
    plots.use_style()
    axes = plots.groups(exploration.outcome_by_group(chinese, "Niche"), "Niche")
    axes.figure.canvas.draw()
    plt.close("all")


def test_report_names_absent_columns_and_deal_label(whole, write):
    rows = "".join(f"{i},{900 + i},{i % 2}\n" for i in range(90))
    path = write("Influencer_ID,Followers,converted_2024\n" + rows)
    columns = {"Sponsorship_Status": "converted_2024"}
    part = study.load_and_inspect(path, columns=columns)
    absent = "no Engagement_Rate, Growth_Rate, Niche, Video_Quality, Avg_Views_per_Post."
    assert absent in words.without_markup(words.inspection(part))
    assert words.growth_unit(part) == ""
    named = r"The outcome is what the column *converted\_2024* says."
    assert words.meaning(part.creators) == named
    assert words.meaning(whole.a1.creators) == ""
    judged = replace(whole.judged, creators=part.creators)
    assert named in advice.decision(whole.e, judged)[0]


def test_lift_has_interval():
    """15 deals among 30 invited, 10 at random: Wilson's interval of a half of 30 is .332 to .668."""
    invited = pd.Series({"invitations": 30, "deals_by_model": 15.0, "deals_at_random": 10.0})
    assert advice._lift_range(invited) == " (95% interval 1.0 to 2.0)"


@pytest.mark.parametrize(
    ("cells", "role", "reason"),
    [
        ("https://x/{0}", "carried", "shown as found, not learned from"),
        ("word {1}", "unused", "60 different values in 60 cells"),
    ],
)
def test_left_out_column_has_specific_reason(write, cells, role, reason):
    """A link column of 3 values is not left out for being all different."""
    name = "profile_url" if "x/" in cells else "Motto"
    rows = "".join(f"{i},{900 + i},{cells.format(i % 3, i)},{i % 2}\n" for i in range(60))
    creators = read_creators(write(f"Influencer_ID,Followers,{name},Sponsorship_Status\n{rows}"))
    roles = {role.column: role for role in creators.roles}
    assert roles[name].role == role
    assert reason in roles[name].reason


@pytest.mark.parametrize(
    ("values", "scale", "expected"),
    [
        ((0.0, 8e6), "linear", {"0", "2M", "4M", "6M", "8M"}),
        ((1_000, 1e6), "log", {"1K", "10K", "100K", "1M"}),
        ((2_000, 9_000), "log", {"2K", "3K", "4K", "6K"}),  # within a power of ten
        ((150, 8_000), "log", {"300", "1K", "3K"}),
    ],
)
def test_axes_show_numbers_as_people_write_them(values, scale, expected):
    edges = np.geomspace(max(values[0], 1), values[1], 5)
    table = pd.DataFrame(
        [
            ("Reach", outcome, left, right, 0.04 * part, scale)
            for outcome in ("no deal", "deal")
            for part, (left, right) in enumerate(itertools.pairwise(edges))
        ],
        columns=["feature", "outcome", "left", "right", "share", "scale"],
    )
    panel = np.ravel(plots.histograms(table))[0]
    panel.figure.canvas.draw()
    ticks = [*panel.get_xticklabels(), *panel.get_xticklabels(minor=True)]
    assert expected <= {tick.get_text() for tick in ticks}
    boxes = [tick.get_window_extent() for tick in ticks if tick.get_text()]
    inside = sorted((box.x0, box.x1) for box in boxes if panel.bbox.x0 <= box.x0 <= panel.bbox.x1)
    assert all(left[1] < right[0] for left, right in itertools.pairwise(inside))
    assert "2.5%" in {tick.get_text() for tick in panel.get_yticklabels()}
    plt.close("all")
