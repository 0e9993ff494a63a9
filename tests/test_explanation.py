"""Shapley values, reasons in words, peers and flags, groups, and one creator's account."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import permutations
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import durhampulse as dp
from durhampulse.creators.reading import read_creators
from durhampulse.creators.schema import LABEL
from durhampulse.decision.bands import MAYBE, Thresholds, on_edge, other_band_chances
from durhampulse.decision.figures import figure_text
from durhampulse.decision.gaps import unscorable
from durhampulse.decision.phrases import in_one_cell, phrase
from durhampulse.decision.reasons import reason_table, what_would_change
from durhampulse.decision.shapley import Explanation, draw_background, explain
from durhampulse.evaluation.groups import group_quality, unlike_groups
from durhampulse.exceptions import CannotJudgeError, InputError
from durhampulse.features.encoding import learn_encoding
from durhampulse.features.peers import Peers, learn_peers
from durhampulse.features.rates import learn_rates
from durhampulse.models.fitted import FittedModel
from durhampulse.models.weights import sigmoid
from durhampulse.scoring.artifact import read_model
from durhampulse.scoring.batch import score_files
from durhampulse.scoring.lookup import accounts_of
from durhampulse.scoring.scorer import load_model
from tests.examples import examples


@pytest.fixture(scope="module")
def loaded(demo_model):
    return read_model(demo_model)


@pytest.fixture(scope="module")
def rows(market_file):
    return read_creators(market_file).table


@pytest.fixture(scope="module")
def explained(loaded, rows):
    rows = rows.head(40)
    return rows, explain(loaded.model, rows, loaded.background)


def test_shapley_values_sum_to_log_odds(loaded, explained):
    rows, explanation = explained
    model = loaded.model
    assert explanation.exact
    np.testing.assert_allclose(explanation.log_odds, model.decision_function(rows), atol=1e-6)
    np.testing.assert_allclose(sigmoid(explanation.log_odds), model.predict_proba(rows), atol=1e-6)


def test_shapley_values_match_definition(loaded, rows):
    """Against the definition, computed on raw rows with no shortcut."""
    model, background = loaded.model, loaded.background.head(7)
    row = rows.head(1)
    columns = model.encoding.columns

    def worth(coalition):
        mixed = background.copy()
        for column in coalition:
            mixed[column] = pd.Series([row[column].iloc[0]] * 7, dtype=mixed[column].dtype)
        return model.decision_function(mixed).mean()

    expected = dict.fromkeys(columns, 0.0)
    orders = list(permutations(columns))
    seen = {}
    for order in orders:
        for i, column in enumerate(order):
            for coalition in (frozenset(order[:i]), frozenset(order[: i + 1])):
                if coalition not in seen:
                    seen[coalition] = worth(coalition)
            gain = seen[frozenset(order[: i + 1])] - seen[frozenset(order[:i])]
            expected[column] += gain / len(orders)
    values = explain(model, row, background).values.iloc[0]
    for column in columns:
        assert values[column] == pytest.approx(expected[column], abs=1e-5), column


@dataclass(frozen=True)
class Additive:
    """A model whose Shapley values are known: each column's own term less its mean."""

    slopes: np.ndarray
    family: ClassVar[str] = "logistic"

    def decision_function(self, X):
        return X @ self.slopes.astype(X.dtype)


def test_sampled_shapley_values_sum_to_log_odds():
    rng = np.random.default_rng(0)
    columns = [f"c{i}" for i in range(9)]
    rows = pd.DataFrame(rng.normal(size=(60, 9)), columns=columns)
    from durhampulse.creators.roles import Role

    encoding = learn_encoding(rows, [Role(c, "feature", "numeric", "") for c in columns])
    slopes = rng.normal(size=9)
    model = FittedModel(name="additive", encoding=encoding, weights=Additive(slopes))
    background = draw_background(rows, encoding)
    explanation = explain(model, rows.head(5), background)
    assert not explanation.exact
    np.testing.assert_allclose(
        explanation.log_odds, model.decision_function(rows.head(5)), atol=1e-6
    )
    X, B = encoding.transform(rows.head(5)), encoding.transform(background)
    np.testing.assert_allclose(explanation.values, (X - B.mean(axis=0)) * slopes, atol=1e-5)


def test_rows_that_stand_for_unknown_figures_are_like_all_rows():
    """Their means decide what a creator is compared with: those of a plain draw lie off."""
    from durhampulse.creators.roles import Role

    rng = np.random.default_rng(3)
    rows = pd.DataFrame({f"c{i}": rng.normal(size=900) for i in range(6)})
    encoding = learn_encoding(rows, [Role(c, "feature", "numeric", "") for c in rows])

    def off(drawn):
        return np.abs(encoding.transform(drawn).mean(axis=0)).mean()

    background = draw_background(rows, encoding)
    plain = [off(rows.sample(len(background), random_state=seed)) for seed in range(50)]
    assert len(background) == 32
    assert off(background) < min(plain)
    assert background.merge(rows, how="inner").drop_duplicates().shape == background.shape
    few = draw_background(rows.tail(30), encoding)
    pd.testing.assert_frame_equal(few, rows.tail(30).reset_index(drop=True))


def test_importance_and_dependence_are_tables(explained):
    rows, explanation = explained
    importance = explanation.importance()
    assert importance["mean_abs"].is_monotonic_decreasing
    dependence = explanation.dependence(rows)
    assert set(dependence["feature"]) == set(explanation.values.columns)
    niches = dependence[dependence["feature"] == "Niche"]
    assert niches["creators"].sum() <= len(rows)


def test_reasons_quote_creator_figures(loaded, explained):
    rows, explanation = explained
    reasons = reason_table(explanation, rows, loaded.peers)
    i = int(explanation.values["Engagement_Rate"].to_numpy().argmax())
    row, value = rows.iloc[i], explanation.values["Engagement_Rate"].iloc[i]
    sentence = "; ".join(reasons["Reasons For"].iloc[i])
    assert f"engagement {100 * row['Engagement_Rate']:.3g}%" in sentence
    without = sigmoid(np.array([explanation.log_odds[i] - value]))[0]
    assert f"(without this: {without:.0%})" in sentence
    assert reasons.map(len).to_numpy().max() <= 3


def test_suggested_change_reaches_next_band(loaded, rows):
    model, peers, thresholds = loaded.model, loaded.peers, Thresholds()
    y_prob = model.predict_proba(rows)
    near = rows.iloc[[int(np.abs(y_prob - 0.55).argmin())]]
    changes = what_would_change(model, near, peers, thresholds)
    assert not changes.empty
    changed = near.copy()
    for _, change in changes.iterrows():
        changed[change["column"]] = change["to"]
        assert change["column"] in {
            "Engagement_Rate",
            "Growth_Rate",
            "Avg_Views_per_Post",
            "Video_Quality",
        }
    assert model.predict_proba(changed)[0] >= 0.6
    assert model.predict_proba(changed)[0] == pytest.approx(changes["probability"].iloc[0])
    assert y_prob.max() >= 0.8
    sure = rows.iloc[[int(y_prob.argmax())]]
    assert what_would_change(model, sure, peers, thresholds).empty


def creators(n, **columns):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "Followers": rng.integers(1_000, 9_000, n),
            "Engagement_Rate": rng.uniform(0.01, 0.05, n),
            "Growth_Rate": rng.normal(0.01, 0.01, n),
            "Niche": pd.Series(["Fashion"] * n, dtype="str"),
            "Avg_Views_per_Post": rng.integers(500, 2_000, n),
        }
    )
    return table.assign(**columns)


def test_percentiles_are_relative_to_peers():
    peers = learn_peers(creators(500))
    middle = creators(3, Engagement_Rate=[0.01, 0.03, 0.2])
    places = peers.percentiles(middle)["Engagement_Rate"]
    assert places.iloc[0] < 3
    assert places.iloc[1] == pytest.approx(50, abs=5)
    assert places.iloc[2] == 100
    assert Peers.from_dict(peers.to_dict()).percentiles(middle).equals(peers.percentiles(middle))


def test_ties_count_half_in_percentiles():
    peers = learn_peers(creators(300, Growth_Rate=np.repeat([0.0, 0.0, 0.02], 100)))
    place = peers.percentiles(creators(1, Growth_Rate=0.0))["Growth_Rate"].iloc[0]
    assert place == pytest.approx(33, abs=2)


def test_outliers_are_flagged_and_usual_rows_are_not():
    peers = learn_peers(creators(500))
    odd = creators(
        4,
        Niche=pd.Series(["Fashion", "Falconry", "Fashion", None], dtype="str"),
        Engagement_Rate=[0.03, 0.03, 0.9, 0.03],
        Avg_Views_per_Post=[1_000, 1_000, 1_000, 5_000_000],
    )
    flags = peers.flags(odd).tolist()
    assert flags[0] == ""
    assert flags[1] == "niche never seen in training"
    assert "engagement rate far above its tier" in flags[2]
    assert "views over 100 times the followers" in flags[3]


def test_mostly_empty_rows_are_not_scored():
    columns = ["Followers", "Engagement_Rate", "Growth_Rate", "Niche"]
    rows = creators(3)[columns].astype(object)
    rows.iloc[1, :3] = None
    rows.iloc[2, :2] = None
    reasons = unscorable(rows, columns)
    assert reasons.tolist()[::2] == ["", ""]
    assert "3 of 4" in reasons.iloc[1]


def test_edge_needs_20_percent_chance_of_the_band_beyond():
    rng = np.random.default_rng(0)
    half = 0.9
    logits = np.linspace(-2, 4, 60)
    band = np.digitize(sigmoid(logits), [0.6, 0.8])
    drawn = logits + half / 1.644854 * rng.normal(size=(20_000, 60))
    drawn = np.digitize(sigmoid(drawn), [0.6, 0.8])
    chance = np.mean(np.where(band == 2, drawn < 2, drawn > band), axis=0)
    clear = np.abs(chance - 0.2) > 0.01
    expected = chance >= 0.2
    edge = on_edge(logits, (logits, np.full(60, half)), Thresholds())
    assert (edge == expected)[clear].all()
    maybe = band == 1
    assert 0 < edge[maybe].mean() < 1
    assert not on_edge(logits, (logits, np.zeros(60)), Thresholds()).any()


def test_chance_of_another_band_is_that_of_the_likely_middle():
    """A standard deviation of 1, of which .5 and 1 leave 30.9 and 15.9% beyond."""
    review, yes = np.log(1.5), np.log(4)
    logits = np.array([review - 1.0, yes - 0.7, yes + 0.3])
    likely = logits + np.array([0.0, 0.2, 0.2]), np.full(3, 1.644854)
    chances = other_band_chances(logits, likely, Thresholds())
    assert chances == pytest.approx([0.158655, 0.308538, 0.308538], abs=1e-6)


def test_miscalibrated_group_is_reported_and_others_are_not():
    rng = np.random.default_rng(0)
    n = 3_000
    niches = pd.Series(rng.choice(["a", "b", "c"], n), dtype="str")
    table = pd.DataFrame({"Influencer_ID": np.arange(n), "Niche": niches})
    p = rng.uniform(0.1, 0.9, n)
    y = (rng.random(n) < p).astype(float)
    assert unlike_groups(group_quality(table, y, p, yes_at=0.8)).empty
    wrong = np.where(table["Niche"] == "b", np.clip(p + 0.15, 0, 0.99), p)
    assert unlike_groups(group_quality(table, y, wrong, yes_at=0.8))["group"].tolist() == ["b"]


def test_account_agrees_with_decision_table(demo_model, market_file, tmp_path):
    out = tmp_path / "best.parquet"
    score_files(dp.load_model(demo_model), [market_file], out, top=20, reasons=True)
    row = pd.read_parquet(out).drop_duplicates("Influencer ID", keep=False).iloc[3]
    (account,) = accounts_of(dp.load_model(demo_model), market_file, str(row["Influencer ID"]))
    assert account.probability == row["Predicted Sponsorship"]
    assert account.recommendation == row["Sponsorship Recommendation"]
    assert "; ".join(account.reasons_for) == row["Reasons For"]
    total = account.base + sum(account.effects.values())
    assert sigmoid(np.array([total]))[0] == pytest.approx(account.probability, abs=1.1e-4)
    assert "without this" in account.text()


STANDARD = {
    "Followers": 2_926,
    "Engagement_Rate": 0.03,
    "Growth_Rate": 0.01,
    "Niche": "Lifestyle",
    "Video_Quality": "HD",
    "Avg_Views_per_Post": 500,
}


@pytest.fixture(scope="module")
def demo():
    return load_model(str(files("durhampulse.desk").joinpath("demo", "model")))


def test_a_level_with_a_semicolon_is_one_unlikeness(demo_model):
    """Texts that are joined for a table's cell stay apart in accounts and in JSON."""
    account = dp.load_model(demo_model).explain({**STANDARD, "Niche": "Chess; Go"})
    assert account.unlike == ["niche 'Chess; Go': never seen"]
    assert account.to_dict()["unlike"] == account.unlike


def test_account_without_a_precedent_gives_no_number_and_no_reason_for_it(demo_model):
    """A creator of 822% engagement is no 99%: what is unlike is said, and a person decides."""
    account = dp.load_model(demo_model).explain({**STANDARD, "Engagement_Rate": "822%"})
    title, *lines = account.text().splitlines()
    assert title == "This creator: No precedent (manual review)"
    assert any("822%, the highest learned from was" in line for line in lines)
    assert "No number counts here, so a person decides." in lines
    assert "without this" not in account.text()
    assert not {"For:", "Against:"} & {*lines}
    assert any(line.startswith("Past creators most like this one:") for line in lines)


@pytest.mark.parametrize("absent", STANDARD)
def test_absent_column_scores_like_empty_one(demo, absent, write):
    figures = {name: value for name, value in STANDARD.items() if name != absent}
    account = demo.explain(figures)
    empty = demo.explain({**figures, absent: None})
    assert account.probability == empty.probability < 0.6  # so that a change is looked for
    assert absent not in {change["column"] for change in account.changes}
    lines = [",".join(["Influencer_ID", *figures]), ",".join(["7", *map(str, figures.values())])]
    units = {name: "fraction" for name in figures if name.endswith("_Rate")}
    (row,) = accounts_of(demo, write("\n".join(lines)), "7", units=units)
    assert row.probability == account.probability


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.7, ""),  # 99.99% became 99.98%
        (3.0, "1,000 followers (without this: 99.8%)"),
        (9.0, "1,000 followers (without this: 55%)"),
    ],
)
def test_reason_changes_the_shown_figure(value, text):
    """The creator's probability is 0.9999, with log-odds of 9.21024."""
    values = pd.DataFrame({"Followers": [value]})
    explanation = Explanation(values=values, base=9.21024 - value, exact=True)
    reasons = reason_table(
        explanation, pd.DataFrame({"Followers": [1_000.0]}), Peers({"nano": 0}, (), {})
    )
    assert reasons["Reasons For"].tolist() == [[text] if text else []]


def past(n=1_200):
    """Creators whose deals rise with engagement, and are most frequent at 10K to 15K followers."""
    rng = np.random.default_rng(4)
    table = creators(n, Followers=np.round(10 ** rng.uniform(3.3, 5, n)))
    table["Niche"] = pd.Series(rng.choice(["Fashion", "Pets"], n), dtype="str")
    middle = table["Followers"].between(10_000, 14_999)
    p = (
        0.1
        + 6 * (table["Engagement_Rate"] - 0.01)
        + 0.3 * middle
        + 0.2 * (table["Niche"] == "Pets")
    )
    table[LABEL] = (rng.random(n) < p).astype(float)
    columns = ["Followers", "Engagement_Rate", "Growth_Rate", "Niche", "Avg_Views_per_Post"]
    return table, replace(learn_peers(table), rates=learn_rates(table, columns))


@pytest.fixture(scope="module")
def learned():
    return past()


def worded(learned, effects, **figures):
    """The reasons, as cells, of a creator with given effects, whose probability else is a half."""
    row = creators(1, **figures)
    values = pd.DataFrame({name: [value] for name, value in effects.items()})
    reasons = reason_table(Explanation(values=values, base=0.0, exact=True), row, learned[1])
    return reasons.iloc[0].map(in_one_cell)


def test_reason_names_the_range_that_gets_deals_most_often(learned):
    reasons = worded(learned, {"Followers": 1.0}, Followers=[12_000.0])
    assert (
        "12,000 followers: creators of 10K to 15K get deals most often, " in reasons["Reasons For"]
    )
    share = learned[0].loc[learned[0]["Followers"].between(10_000, 14_999), LABEL].mean()
    assert f"{share:.0%}" in reasons["Reasons For"]


def test_figure_high_for_peers_and_low_for_all_says_both(learned):
    """0.85% is high among peers of 0.2 to 1%, and below the 1% that parts all creators."""
    table = creators(600)
    table.loc[300:, "Followers"] = 200_000.0
    table.loc[300:, "Engagement_Rate"] /= 5
    peers = replace(learn_peers(table), rates=learned[1].rates)
    row = creators(1, Followers=[200_000.0], Engagement_Rate=[0.0085])
    values = pd.DataFrame({"Engagement_Rate": [-1.0]})
    reasons = reason_table(Explanation(values=values, base=0.0, exact=True), row, peers)
    ((text,),) = reasons["Reasons Against"]
    assert "engagement 0.85%: high for mid creators in Fashion, but below the" in text
    assert "usual in the whole list" in text


def test_middle_among_peers_is_called_neither_high_nor_low():
    """A reason was "high for nano creators in Travel, but above the 2.84% usual in the list"."""
    peers = Peers({"nano": 0}, (), {"Engagement_Rate": {"|": [0.01, 0.02, 0.03]}})
    text = phrase("Engagement_Rate", 0.045, 1, peers=peers, place=50.0, whom="nano creators")
    assert text == (
        "engagement 4.5%: usual for nano creators, but above the 2% usual in the whole list"
    )


def test_figure_of_which_less_is_better_is_explained_by_the_past(learned):
    """Views fall as deals rise: 'for: lower than 90% of peers' alone would puzzle."""
    table, _ = learned
    falling = table.assign(Avg_Views_per_Post=2_500 - 40_000 * table["Engagement_Rate"])
    columns = ["Followers", "Avg_Views_per_Post"]
    peers = replace(learn_peers(falling), rates=learn_rates(falling, columns))
    assert peers.rates.direction("Avg_Views_per_Post") == -1
    row = creators(1, Followers=[3_000.0], Avg_Views_per_Post=[520.0])
    values = pd.DataFrame({"Avg_Views_per_Post": [1.0]})
    reasons = reason_table(Explanation(values=values, base=0.0, exact=True), row, peers)
    ((text,),) = reasons["Reasons For"]
    assert text.startswith("520 views a post: creators ")
    assert "more often than usual" in text or "most often" in text


def test_unknown_figure_is_listed_and_no_reason(learned):
    reasons = worded(
        learned, {"Growth_Rate": 2.0, "Niche": -2.0}, Growth_Rate=[np.nan], Niche=[None]
    )
    assert reasons.tolist() == ["", "", "growth; niche"]


def test_strong_effect_that_no_comparison_shows_is_named_with_what_it_is_alone(learned):
    """Pets get deals more often than Fashion; here it counts against, beside the other figures."""
    table, _ = learned
    alone = f"{table.loc[table['Niche'] == 'Pets', LABEL].mean():.0%}"
    text = (
        f"niche Pets, together with the other figures: taken alone, {alone} of such creators get "
        f"deals, {table[LABEL].mean():.0%} usual"
    )
    strong = worded(learned, {"Niche": -1.0}, Niche=["Pets"])
    assert strong["Reasons Against"] == f"{text} (without this: 50%)"
    weak = worded(learned, {"Niche": -0.2}, Niche=["Pets"])
    assert weak["Reasons Against"] == ""


def test_strong_effect_of_a_level_hardly_seen_is_left_out(learned):
    assert worded(learned, {"Niche": -2.0}, Niche=["Falconry"])["Reasons Against"] == ""


@examples(60)
@given(
    followers=st.floats(500, 500_000),
    engagement=st.floats(0.001, 0.2),
    growth=st.floats(-0.05, 0.1),
    views=st.floats(10, 50_000),
    niche=st.sampled_from(["Fashion", "Pets", "Falconry"]),
    effects=st.lists(st.floats(-3, 3), min_size=5, max_size=5),
)
def test_no_reason_contradicts_its_own_comparison(
    learned, followers, engagement, growth, views, niche, effects
):
    names = ["Followers", "Engagement_Rate", "Growth_Rate", "Avg_Views_per_Post", "Niche"]
    figures = dict(zip(names, ([followers], [engagement], [growth], [views], [niche]), strict=True))
    reasons = worded(learned, dict(zip(names, effects, strict=True)), **figures)
    for text in filter(None, reasons["Reasons For"].split("; ")):
        assert not re.search(r"lower than|below the|less often|least often", text), text
        assert text.partition(" (without")[0] != figure_text("Followers", followers)
    for text in filter(None, reasons["Reasons Against"].split("; ")):
        assert not re.search(r"higher than|above the|more often|most often", text), text


def test_rates_are_shares_of_the_past_and_survive_the_model_folder(learned):
    table, peers = learned
    rates = Peers.from_dict(json.loads(json.dumps(peers.to_dict()))).rates
    assert rates == peers.rates
    pets = rates.share_of("Niche", "Pets")
    assert pets.share == pytest.approx(table.loc[table["Niche"] == "Pets", LABEL].mean(), abs=1e-6)
    assert rates.share_of("Niche", "Falconry") is None
    assert rates.share_of("Followers", np.nan) is None
    assert rates.direction("Engagement_Rate") == 1
    assert rates.direction("Niche") == 0
    assert sum(rates.rows["Followers"]) == len(table)


def test_account_of_unknown_creator_is_refused(demo_model, market_file, write):
    with pytest.raises(InputError, match="no creator 'nobody'"):
        accounts_of(dp.load_model(demo_model), market_file, "nobody")
    empty = write(
        "Influencer_ID,Followers,Engagement_Rate,Growth_Rate,Niche,Video_Quality\n"
        "1,,,,,\n2,-5,.05,.01,Fashion,HD\n3,1000,.05,.01,Fashion,HD\n"
    )
    with pytest.raises(CannotJudgeError, match="columns of the model are empty"):
        accounts_of(dp.load_model(demo_model), empty, "1")
    with pytest.raises(CannotJudgeError, match="cannot be -5"):
        accounts_of(dp.load_model(demo_model), empty, "2")


def test_figures_of_an_account_never_contradict_its_band(demo_model):
    row = {"Followers": 85_000, "Engagement_Rate": 0.03, "Niche": "Fashion", "Video_Quality": "HD"}
    account = dp.load_model(demo_model).explain(row)
    nearly = replace(account, probability=0.7999, recommendation=MAYBE, low=0.2999, high=0.8001)
    assert "creator: 79.9%, Maybe" in nearly.text()
    assert "true probability: 29.9% to 80.1%" in nearly.text()  # wider, never narrower
    unlike = replace(account, unlike=["niche 'Chess': never seen"], low=0.0, high=1.0)
    assert "\nNo interval: nothing like this was learned from.\n" in unlike.text()


def test_creator_without_identifier_is_called_this_creator(demo_model):
    row = {"Followers": 85_000, "Engagement_Rate": 0.068, "Niche": "Fashion", "Video_Quality": "HD"}
    account = dp.load_model(demo_model).explain(row)
    assert account.creator == ""
    assert account.text().startswith("This creator: ")
