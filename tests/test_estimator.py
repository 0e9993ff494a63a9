"""The estimator: scikit-learn's own checks, and creators' tables as they come."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator

import durhampulse as dp
from durhampulse import SponsorshipClassifier
from durhampulse.creators.schema import LABEL
from durhampulse.decision.bands import Thresholds
from durhampulse.exceptions import InputError, ModelError, OutputError
from durhampulse.market.sampling import simulate_market
from durhampulse.models.classifiers import LOGISTIC
from tests.studies import short_trainings


@pytest.fixture(scope="module")
def market():
    return simulate_market(900, seed=5).table


@pytest.fixture(scope="module")
def fitted(market):
    with short_trainings():
        return SponsorshipClassifier().fit(market.drop(columns=LABEL), market[LABEL])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_estimator_passes_scikit_learn_checks():
    check_estimator(SponsorshipClassifier())


@pytest.mark.slow
def test_estimator_in_pipeline_on_raw_table(market):
    X, y = market.drop(columns=LABEL), market[LABEL]
    model = make_pipeline(FunctionTransformer(), SponsorshipClassifier())
    scores = cross_val_score(model, X, y, scoring="roc_auc", cv=3)
    assert scores.mean() > 0.72


def test_probabilities_intervals_and_classes(market, fitted):
    X = market.drop(columns=LABEL)
    y_prob = fitted.predict_proba(X)
    np.testing.assert_allclose(y_prob.sum(axis=1), 1)
    interval = fitted.predict_interval(X)
    assert (interval[:, 0] < y_prob[:, 1]).all()
    assert (interval[:, 1] > y_prob[:, 1]).all()
    assert set(fitted.predict(X)) == {0, 1}


def test_row_score_is_independent_of_other_rows(market, fitted):
    X = market.drop(columns=LABEL)
    alone = [fitted.predict_proba(X.iloc[[i]])[0, 1] for i in range(20)]
    np.testing.assert_allclose(alone, fitted.predict_proba(X)[:20, 1], atol=1e-6)


def test_spelling_and_percent_signs_do_not_change_scores(market, fitted):
    X = market.drop(columns=LABEL).dropna().head(50)
    plain = X["Engagement_Rate"].str.endswith("%").map({False: True, True: False})
    X = X[plain]
    other = X.assign(
        Niche=X["Niche"].str.upper() + " ",
        Video_Quality=X["Video_Quality"].str.lower(),
        Engagement_Rate=(100 * X["Engagement_Rate"].astype(float)).map("{:.4f}%".format),
    )
    np.testing.assert_allclose(fitted.predict_proba(other), fitted.predict_proba(X), atol=1e-9)


def test_pickled_estimator_scores_the_same(market, fitted):
    X = market.drop(columns=LABEL).head(30)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_row_of_weight_k_counts_as_k_rows(market):
    X, y = few_deals(market)
    weight = np.random.default_rng(0).integers(0, 4, len(X))
    weight[y.to_numpy() == 1] = 1  # so that the repeated deals stay few
    weighted = SponsorshipClassifier().fit(X, y, sample_weight=weight)
    rows = np.repeat(np.arange(len(X)), weight)
    repeated = SponsorshipClassifier().fit(X.iloc[rows], y.iloc[rows])
    np.testing.assert_allclose(
        weighted.decision_function(X), repeated.decision_function(X), atol=1e-3
    )
    plain = SponsorshipClassifier().fit(X, y)
    assert np.abs(weighted.predict_proba(X) - plain.predict_proba(X)).max() > 0.01


@pytest.mark.parametrize("weight", [1.0, 0.2, 5])
def test_equal_weights_count_as_none(market, weight):
    X, y = few_deals(market)
    weighted = SponsorshipClassifier().fit(X, y, sample_weight=np.full(len(X), weight))
    plain = SponsorshipClassifier().fit(X, y)
    np.testing.assert_array_equal(weighted.predict_proba(X), plain.predict_proba(X))


def test_negative_weights_and_one_class_left_are_refused(market):
    X, y = few_deals(market)
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        SponsorshipClassifier().fit(X, y, sample_weight=-np.ones(len(X)))
    with pytest.raises(ValueError, match="one class"):
        SponsorshipClassifier().fit(X, y, sample_weight=(y == 1).astype(float))


def test_saved_model_scores_like_the_estimator(market, fitted, tmp_path):
    X = market.drop(columns=LABEL)
    dp.save_model(fitted, tmp_path / "model", thresholds=Thresholds(yes_at=0.9, review_at=0.5))
    model = dp.load_model(tmp_path / "model")
    scored = model.score(X)["Predicted Sponsorship"].notna().to_numpy()
    assert scored.sum() > 800
    np.testing.assert_allclose(
        model.predict_proba(X[scored]), fitted.predict_proba(X[scored])[:, 1], atol=1e-6
    )
    manifest = model.model.manifest
    assert (manifest["format_version"], manifest["quality"]) == (3, [])
    assert manifest["verdict"]["word"] == "not judged"
    assert manifest["rows"] == {"train": len(X), "test": 0}
    assert manifest["thresholds"] == {"yes_at": 0.9, "review_at": 0.5}
    card = (tmp_path / "model" / "card.md").read_text()
    assert "no row was held back to measure" in card.replace("\n", " ")
    kept = pd.read_parquet(tmp_path / "model" / "background.parquet")
    assert "Influencer_ID" not in kept.columns
    assert 1 < len(kept) < len(X)  # some rows speak for all
    assert model.explain({"Followers": 5_000, "Engagement_Rate": 0.03, "Niche": "Tech"}).effects


@pytest.mark.parametrize(("seed", "kept"), [(np.int64(3), 3), (None, None)])
def test_seed_of_numpy_is_kept_as_a_number_of_json(market, seed, kept, tmp_path):
    """A search over `np.arange(5)` sets such seeds."""
    X, y = few_deals(market)
    dp.save_model(SponsorshipClassifier(random_state=seed).fit(X, y), tmp_path / "model")
    assert dp.load_model(tmp_path / "model").model.manifest["random_state"] == kept


def test_model_folder_is_written_whole_or_not_at_all(fitted, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="has not learned yet"):
        dp.save_model(SponsorshipClassifier(), tmp_path / "model")
    (tmp_path / "model").mkdir()
    with pytest.raises(OutputError, match="something of this name"):
        dp.save_model(fitted, tmp_path / "model")
    monkeypatch.setattr("durhampulse.scoring.artifact._PARITY", -1)
    with pytest.raises(ModelError, match="off the trained one"):
        dp.save_model(fitted, tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_few_rows_of_a_class_use_simple_model(market):
    deals = market[market[LABEL] == 1].head(12)
    few = pd.concat([deals, market[market[LABEL] == 0].head(60)])
    model = SponsorshipClassifier().fit(few.drop(columns=LABEL), few[LABEL])
    assert model.model_.name == LOGISTIC


def test_word_labels_are_accepted_and_invalid_ones_refused(market):
    few = market.head(60)
    X = few.drop(columns=LABEL)
    words = np.where(few[LABEL] == 1, "yes", "no")
    assert set(SponsorshipClassifier().fit(X, words).predict(X)) <= {"yes", "no"}
    with pytest.raises(ValueError, match="one class"):
        SponsorshipClassifier().fit(X, np.ones(60))
    with pytest.raises(ValueError, match="infinity"):
        SponsorshipClassifier().fit(X.assign(Followers=np.inf), words)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_outcomes_are_refused(market, missing):
    few = market.head(60)
    words = np.where(few[LABEL] == 1, "yes", None)
    words[words == None] = missing  # noqa: E711 - element by element
    with pytest.raises(ValueError, match="leave rows without an outcome out"):
        SponsorshipClassifier().fit(few.drop(columns=LABEL), words)


def few_deals(market):
    """So few that logistic regression learns, which takes no time."""
    few = pd.concat([market[market[LABEL] == 1].head(35), market[market[LABEL] == 0].head(120)])
    return few.drop(columns=LABEL), few[LABEL]


def test_identifier_and_protected_names_are_left_out(market):
    X, y = few_deals(market)
    rng = np.random.default_rng(0)
    extended = X.assign(
        Age=np.where(y == 1, 25, 50) + rng.integers(0, 3, len(X)),
        Deal_ID=rng.permutation(len(X)) * 7,
    )
    few = extended.assign(Influencer_ID=rng.integers(0, 3, len(X)))
    for frame in (extended, few):
        model = SponsorshipClassifier().fit(frame, y)
        assert not {"Age", "Deal_ID"} & {*model.model_.encoding.columns}


def test_polars_and_arrow_columns_are_matched_by_name(fitted, market):
    import polars as pl
    import pyarrow as pa

    X = market.drop(columns=LABEL)
    expected = fitted.predict_proba(X)
    for table in (pl.from_pandas(X), pa.Table.from_pandas(X, preserve_index=False)):
        np.testing.assert_array_equal(fitted.predict_proba(table), expected)
    few = simulate_market(90, seed=2).table.assign(Age=np.arange(90) % 50)
    model = SponsorshipClassifier().fit(pl.from_pandas(few.drop(columns=LABEL)), few[LABEL])
    assert not {"Influencer_ID", "Age", "x0"} & set(model.model_.encoding.columns)
    assert "Niche" in model.model_.encoding.columns


def test_text_row_scores_alike_alone_and_in_table():
    table = simulate_market(150, seed=2).table
    y = table[LABEL]
    fee = np.random.default_rng(0).gamma(2, 3, len(table))
    whole = pd.to_numeric(table["Followers"], errors="coerce").fillna(2_500).astype("int64")
    X = table.drop(columns=LABEL).assign(
        Followers=[f"{n:,}".replace(",", ".") for n in whole],
        Fee=[f"{value:.3f}".replace(".", ",") for value in fee],
        Niche=[
            "Home  Living" if i % 3 == 1 else "Home Living" if i % 3 else "Tech" for i in range(150)
        ],
    )
    model = SponsorshipClassifier().fit(X, y)
    together = model.predict_proba(X)
    alone = np.concatenate([model.predict_proba(X.iloc[[row]]) for row in range(0, 150, 7)])
    np.testing.assert_array_equal(alone, together[::7])


def test_lazy_frame_is_refused_until_collected(market):
    import polars as pl

    lazy = pl.from_pandas(market.drop(columns=LABEL)).lazy()
    with pytest.raises(InputError, match="LazyFrame holds no rows"):
        SponsorshipClassifier().fit(lazy, market[LABEL])


def test_mixed_units_are_refused():
    table = simulate_market(400, seed=2).table
    rates = pd.to_numeric(table["Engagement_Rate"], errors="coerce").fillna(0.03)
    mixed = table.assign(Engagement_Rate=np.where(np.arange(400) % 2, rates, 100 * rates))
    with pytest.raises(InputError, match=r"Engagement_Rate: .* both mixed"):
        SponsorshipClassifier().fit(mixed.drop(columns=LABEL), mixed[LABEL])
