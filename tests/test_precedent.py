from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from durhampulse.creators.block import Block
from durhampulse.creators.reading import read_creators
from durhampulse.decision.bands import ANSWERS, BANDS, NO_PRECEDENT
from durhampulse.decision.unlike import unlike_words
from durhampulse.features.encoding import learn_encoding
from durhampulse.features.oddities import Scores, find_cuts
from durhampulse.features.precedent import REACH, Precedent
from durhampulse.models.classifiers import build_boosting
from durhampulse.models.fitted import FittedModel
from durhampulse.models.splines import fit_splines
from durhampulse.models.trees import ObliviousTrees
from durhampulse.scoring.batch import score_files
from durhampulse.service.app import create_app
from tests.markets import market
from tests.models import write_logistic

RATES = {"Engagement_Rate": "fraction"}


def model_of(rows, seed, **counts):
    table = market(rows, seed).assign(**counts)
    encoding = learn_encoding(table, read_creators(table).features)
    return FittedModel(name="any", encoding=encoding, weights=None).with_precedent(table)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("precedent") / "model"
    write_logistic(market(3_000, 1), folder)
    return folder


@pytest.fixture(scope="module")
def scorer(folder):
    from durhampulse.scoring.scorer import load_model

    return load_model(folder)


@pytest.fixture(scope="module")
def fresh():
    return market(3_000, 2)


def answers(scorer, table):
    return scorer.score(table, units=RATES)["Sponsorship Recommendation"]


def test_at_most_one_in_a_hundred_fresh_creators_is_marked(scorer, fresh):
    assert 0 < (answers(scorer, fresh) == NO_PRECEDENT).mean() <= 0.01


@pytest.mark.parametrize(
    ("rows", "draws"), [(300, 16), pytest.param(3_000, 8, marks=pytest.mark.slow)]
)
def test_just_under_one_in_a_hundred_fresh_creators_is_marked(rows, draws):
    fresh = market(20_000, 3)
    marked = [model_of(rows, 200 + seed).unlike(fresh) > 0 for seed in range(draws)]
    assert 0.002 < np.mean(marked) <= 0.01


def test_bounds_go_where_they_find_most():
    """Of two ways to be odd the second finds nothing: the first gets all marks, 2% of the rows."""
    rng = np.random.default_rng(0)
    values, fold = rng.exponential(size=(2, 5_000)), np.arange(5_000) % 5
    odd, usual = values + np.array([[4.0], [0.0]]), Scores(values, fold)
    cuts = find_cuts(usual, usual, [Scores(odd, fold)], 0.02)
    assert cuts[0] == pytest.approx(np.log(50), rel=0.1)
    assert cuts[1] > values[1].max()


@pytest.mark.parametrize("times", [1, 3])
def test_bound_goes_below_fresh_rows_that_lie_farther_out_than_the_odd_ones(times):
    """15 of 5,000 fresh rows are at 10 and the odd ones at 2: the first rows marked find none.

    In the other way to be odd some are found from the first row on, though few. If bounds are laid
    by several copies of the fresh rows, so many times as many lie farther out.
    """
    rng = np.random.default_rng(0)
    values, fold = np.vstack([rng.random(5_000), rng.exponential(size=5_000)]), np.arange(5_000) % 5
    values[0, :15] = 10 + np.arange(15)
    odd, usual = np.vstack([np.full(5_000, 2.0), values[1] + 0.5]), Scores(values, fold)
    like = Scores(np.tile(values, times), np.tile(fold, times))
    cuts = find_cuts(usual, like, [Scores(odd, fold)], 0.01)
    assert values[0, 15:].max() - 0.02 < cuts[0] < 2


def test_bound_on_large_figures_goes_below_more_fresh_rows_than_any_step_marks():
    """30 of 5,000 fresh rows are farther out than all odd ones, which the next rows marked find.

    The other way finds some with each row, so that step by step nothing would be left for it.
    """
    rng = np.random.default_rng(0)
    values, fold = np.vstack([rng.exponential(size=5_000), rng.random(5_000)]), np.arange(5_000) % 5
    values[1, :30] = 10 + np.arange(30)
    odd, usual = np.vstack([values[0] + 0.5, np.full(5_000, 2.0)]), Scores(values, fold)
    cuts = find_cuts(usual, usual, [Scores(odd, fold)], 0.01)
    assert values[1, 30:].max() - 0.02 < cuts[1] < 2


@pytest.mark.slow
def test_most_odd_creators_of_the_built_in_market_are_marked_on_average():
    """The aims: 95% of 20 times the views, 80% of big ones with the engagement of small ones."""
    many = market(100_000, 3)
    big, small = many[many["Followers"] >= 500_000], many[many["Followers"] < 10_000]
    rates = np.random.default_rng(0).choice(small["Engagement_Rate"], len(big))
    joint = big.assign(Engagement_Rate=rates)
    some = many.head(3_000)
    views = some.assign(Avg_Views_per_Post=some["Avg_Views_per_Post"] * 20)
    models = [model_of(4_000, 300 + seed) for seed in range(6)]
    assert np.mean([model.unlike(many) > 0 for model in models]) <= 0.01
    assert np.mean([model.unlike(views) > 0 for model in models]) >= 0.95
    assert np.mean([model.unlike(joint) > 0 for model in models]) >= 0.8


def test_a_wrong_figure_is_seen_beside_an_empty_cell(scorer, fresh):
    """Views are compared with what is usual for size and niche, which needs no engagement."""
    rows = fresh.head(800).assign(Engagement_Rate=np.nan)
    model = scorer.model.model
    assert (model.unlike(rows) > 0).mean() <= 0.015
    odd = rows.assign(Avg_Views_per_Post=rows["Avg_Views_per_Post"] * 50)
    assert (model.unlike(odd) > 0).mean() >= 0.9


def test_words_beside_an_empty_cell_name_the_figure_and_its_size():
    row = {"Followers": 85_000, "Engagement_Rate": 0.068, "Niche": "Fashion", "Video_Quality": "HD"}
    ((words,),) = unlike_words(model_of(3_000, 1), pd.DataFrame([row]))
    assert words.startswith(
        "engagement 6.8% with 85,000 followers: nearly all creators of that size had "
    )
    low, high = (float(w.rstrip("%")) for w in words.split(" had ")[1].split(" to "))
    assert low < 0.9 < high < 6.8


def test_ranges_of_counts_are_whole_numbers():
    few = {name: lambda t, c=name: t[c] // 100 for name in ("Followers", "Avg_Views_per_Post")}
    usual = {"Engagement_Rate": 0.02, "Growth_Rate": 0.01, "Niche": "Fashion"}
    odd = pd.DataFrame([{"Followers": n, "Avg_Views_per_Post": 200, **usual} for n in (12, 20, 60)])
    words = [text for (text,) in unlike_words(model_of(3_000, 1, **few), odd)]
    assert [text.split(" followers: ")[0] for text in words] == [
        f"200 views a post with {n}" for n in (12, 20, 60)
    ]
    assert all(re.search(r" had \d+ to \d+$", text) for text in words)


def test_words_claim_no_more_than_holds_of_the_training_rows():
    """Bounds leave out some of the rows learned from, so that ranges are not of all of them."""
    train = market(3_000, 1)
    model = model_of(3_000, 1)
    marked = train[model.unlike(train) > 0]
    words = [text for texts in unlike_words(model, marked) for text in texts]
    assert len(words) >= 5
    assert all("nearly all" in text or "hardly any" in text for text in words)


def test_too_many_followers_show_in_all_that_is_compared_with_them(scorer, fresh):
    odd = fresh.assign(Followers=fresh["Followers"] * 20)
    assert (scorer.model.model.unlike(odd) > 0).mean() >= 0.95


def test_model_of_an_older_version_compares_incomplete_rows_with_ranges(scorer, fresh):
    precedent = scorer.model.model.precedent
    plain = precedent.to_dict()
    older = Precedent.from_dict({k: v for k, v in plain.items() if "alone" not in k})
    rows = fresh.assign(Engagement_Rate=np.nan)
    odd = rows.assign(Avg_Views_per_Post=rows["Avg_Views_per_Post"] * 50)
    block = Block.of(odd)
    kinds = older.kinds(scorer.model.model.encoding.transform(block, limit=REACH), block)
    outside = [(odd[c] < s.low) | (odd[c] > s.high) for c, s in precedent.spans.items()]
    assert (kinds > 0).tolist() == np.any(outside, axis=0).tolist()


@pytest.mark.parametrize(
    ("column", "change", "share"),
    [
        ("Engagement_Rate", lambda v: v * 20, 0.99),
        ("Engagement_Rate", lambda v: v * 100, 0.99),
        ("Followers", lambda v: v * 100, 0.95),
        ("Avg_Views_per_Post", lambda v: v * 100, 0.95),
        ("Niche", lambda v: v.where(v == "", "Crypto"), 1.0),
        ("Video_Quality", lambda v: v.where(v == "", "8K"), 1.0),
    ],
)
def test_creators_far_outside_are_marked(scorer, fresh, column, change, share):
    foreign = fresh.head(800).assign(**{column: change(fresh[column].head(800))})
    marked = unlike_words(scorer.model.model, foreign)
    assert np.mean([words != [] for words in marked]) >= share


@pytest.mark.parametrize("column", ["Followers", "Avg_Views_per_Post", "Engagement_Rate"])
def test_a_figure_that_is_not_known_is_not_odd(scorer, fresh, column):
    """Stood in for by a usual value, it would contradict the others of a quarter of creators."""
    scored = scorer.score(fresh.assign(**{column: np.nan}), units=RATES)
    short = {"Followers": "followers", "Avg_Views_per_Post": "views"}.get(column, "engagement")
    assert not scored["Flags"].str.contains(f"no precedent for {short}").any()
    assert (scored["Sponsorship Recommendation"] == NO_PRECEDENT).mean() < 0.05


def test_figures_that_are_common_alone_but_not_together_are_marked(scorer, fresh):
    small = fresh[fresh["Followers"] < 10_000].head(500)
    seen_by_many = fresh.loc[fresh["Followers"] > 500_000, "Avg_Views_per_Post"]
    joint = small.assign(Avg_Views_per_Post=seen_by_many.median().astype("int64"))
    assert (answers(scorer, joint) == NO_PRECEDENT).mean() >= 0.8


def test_what_is_marked_does_not_depend_on_other_rows(scorer, fresh):
    model, odd = scorer.model.model, fresh.assign(Followers=fresh["Followers"] * 8)
    together = model.unlike(odd)
    rows = np.random.default_rng(0).permutation(len(odd))[:1_001]
    assert model.unlike(odd.iloc[rows]).tolist() == together[rows].tolist()
    alone = [model.unlike(odd.iloc[[row]])[0] for row in rows[:50]]
    assert alone == together[rows[:50]].tolist()


def test_rows_beyond_a_cut_are_those_that_no_gaussian_finds_usual(scorer, fresh):
    precedent = scorer.model.model.precedent
    X = scorer.model.model.encoding.transform(fresh, limit=REACH)
    figures = X.T[[precedent.places[at] for at in precedent.judged]]
    odd = precedent.mixture.oddness(figures)
    for cut in np.quantile(odd, [0.1, 0.5, 0.99]):
        expected = np.flatnonzero(odd > cut).tolist()
        assert precedent.mixture.beyond(figures, cut).tolist() == expected


def test_looking_once_gives_both_answers(scorer, fresh):
    """Far out, precedent is judged by how far, and log-odds count a figure no further than so."""
    model = scorer.model.model
    X, y = model.encoding.transform(fresh), fresh["Sponsorship_Status"].to_numpy(float)
    trees = build_boosting(0).set_params(iterations=20, thread_count=1).fit(X, y.astype(int))
    families = fit_splines(X, y), ObliviousTrees.from_catboost(trees), model.weights
    for factor in (9, 1e6, -1e6):
        odd = fresh.assign(Engagement_Rate=fresh["Engagement_Rate"] * factor)
        for weights in families:
            other = replace(model, weights=weights)
            logits, kinds = other.look(odd)
            assert logits.tolist() == other.decision_function(odd).tolist()
            assert kinds.tolist() == other.unlike(odd).tolist()


def test_words_name_the_figure_and_what_was_learned_from():
    train = market(3_000, 1)
    highest = train["Engagement_Rate"].max()
    odd = train.head(3).copy()
    odd.loc[0, "Engagement_Rate"] = 8.22
    odd.loc[1, "Niche"] = "Crypto; Coins"
    odd.loc[2, ["Followers", "Avg_Views_per_Post"]] = [300_000, 100]
    model = model_of(3_000, 1)
    (too_high,), (new,), (together,) = unlike_words(model, odd)
    assert too_high == f"engagement 822%, the highest learned from was {100 * highest:.3g}%"
    assert new == "niche 'Crypto; Coins': never seen"
    assert together.startswith(
        "100 views a post with 300,000 followers: nearly all creators of that size had"
    )


def test_no_precedent_is_never_a_yes_and_its_interval_is_open(scorer, fresh):
    odd = fresh.assign(Engagement_Rate=fresh["Engagement_Rate"] * 20)
    scored = scorer.score(odd, units=RATES)
    marked = scored["Sponsorship Recommendation"] == NO_PRECEDENT
    assert marked.mean() > 0.95
    assert (scored.loc[marked, "Interval Low"] == 0).all()
    assert (scored.loc[marked, "Interval High"] == 1).all()
    assert scored.loc[marked, "Flags"].str.contains("no precedent for").all()
    decided = scorer.decide(odd, units=RATES)
    last = decided["Sponsorship Recommendation"].tail(int(marked.sum()))
    assert (last == NO_PRECEDENT).all()
    assert decided["Flags"].tail(1).str.startswith("no precedent: ").all()


def test_a_list_unlike_the_training_rows_is_said_above_its_counts(scorer, fresh, tmp_path):
    odd = fresh.head(300).assign(Engagement_Rate=fresh["Engagement_Rate"].head(300) * 20)
    odd.iloc[:200].to_csv(tmp_path / "odd.csv", index=False)
    fresh.head(300).to_csv(tmp_path / "fresh.csv", index=False)
    summary = score_files(scorer, [tmp_path / "odd.csv"], tmp_path / "o.csv", units=RATES)
    first, second = summary.text(scorer).splitlines()[:2]
    assert first.startswith("This list is unlike the creators the model learned from")
    assert second.startswith("200 rows")
    counts = summary.to_dict(scorer)
    assert [*counts["bands"]] == [*ANSWERS]
    assert sum(counts["bands"].values()) == 200
    calm = score_files(scorer, [tmp_path / "fresh.csv"], tmp_path / "f.csv")
    assert calm.warning == ""


def test_the_best_are_taken_from_those_with_a_precedent(scorer, fresh, tmp_path):
    odd = fresh.head(400).copy()
    odd.loc[:199, "Engagement_Rate"] *= 50
    odd.to_parquet(tmp_path / "odd.parquet")
    out = tmp_path / "o.parquet"
    score_files(scorer, [tmp_path / "odd.parquet"], out, units=RATES, top=50)
    best = pd.read_parquet(out)["Sponsorship Recommendation"]
    assert len(best) == 50
    assert set(best) <= {*BANDS}


def test_rest_and_account_say_what_is_unlike(scorer, folder, fresh):
    creator = json.loads(fresh.head(1).drop(columns="Sponsorship_Status").to_json(orient="records"))
    odd = {**creator[0], "Engagement_Rate": "822%"}
    with TestClient(create_app(folder)) as client:
        scored = client.post("/v1/score", json={"creators": [odd, creator[0]]}).json()["results"]
    assert scored[0]["recommendation"] == NO_PRECEDENT
    assert scored[0]["interval"] == [0.0, 1.0]
    assert scored[0]["unlike"][0].startswith("engagement 822%, the highest learned from was")
    assert scored[1]["unlike"] == []
    account = scorer.explain(odd)
    assert (account.recommendation, account.low, account.high) == (NO_PRECEDENT, 0.0, 1.0)
    assert account.unlike == scored[0]["unlike"]
    assert "the highest learned from was" in account.text()


def test_a_precedent_travels_as_plain_data(scorer, fresh):
    model = scorer.model.model
    again = Precedent.from_dict(json.loads(json.dumps(model.precedent.to_dict())))
    block = Block.of(fresh.assign(Followers=fresh["Followers"] * 10))
    X = model.encoding.transform(block, limit=REACH)
    assert again.kinds(X, block).tolist() == model.precedent.kinds(X, block).tolist()


@pytest.mark.parametrize("n", [40, 120, 400])
def test_few_training_rows_mark_few_fresh_ones(n, tmp_path, fresh):
    scorer = write_logistic(market(n, 5), tmp_path / "model")
    marked = answers(scorer, fresh.head(1_000)) == NO_PRECEDENT
    assert marked.mean() <= 0.02 + 2 / n
