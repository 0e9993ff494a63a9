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

from durhampulse import SponsorshipClassifier
from durhampulse.creators.schema import LABEL
from durhampulse.market.sampling import simulate_market
from durhampulse.models.champion import SIMPLE


@pytest.fixture(scope="module")
def market():
    return simulate_market(900, seed=5).table


@pytest.fixture(scope="module")
def fitted(market):
    return SponsorshipClassifier().fit(market.drop(columns=LABEL), market[LABEL])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks():
    check_estimator(SponsorshipClassifier())


@pytest.mark.slow
def test_it_works_in_a_pipeline_on_raw_creators(market):
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


def test_one_row_scores_as_it_does_among_others(market, fitted):
    X = market.drop(columns=LABEL)
    alone = [fitted.predict_proba(X.iloc[[i]])[0, 1] for i in range(20)]
    np.testing.assert_allclose(alone, fitted.predict_proba(X)[:20, 1], atol=1e-6)


def test_spelling_and_signs_do_not_matter(market, fitted):
    X = market.drop(columns=LABEL).dropna().head(50)
    plain = X["Engagement_Rate"].str.endswith("%").map({False: True, True: False})
    X = X[plain]
    other = X.assign(
        Niche=X["Niche"].str.upper() + " ",
        Video_Quality=X["Video_Quality"].str.lower(),
        Engagement_Rate=(100 * X["Engagement_Rate"].astype(float)).map("{:.4f}%".format),
    )
    np.testing.assert_allclose(fitted.predict_proba(other), fitted.predict_proba(X), atol=1e-9)


def test_it_survives_pickling(market, fitted):
    X = market.drop(columns=LABEL).head(30)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_few_rows_of_a_class_get_the_simple_model(market):
    deals = market[market[LABEL] == 1].head(12)
    few = pd.concat([deals, market[market[LABEL] == 0].head(60)])
    model = SponsorshipClassifier().fit(few.drop(columns=LABEL), few[LABEL])
    assert model.model_.name == SIMPLE


def test_words_for_outcomes_and_wrong_outcomes(market):
    few = market.head(60)
    X = few.drop(columns=LABEL)
    words = np.where(few[LABEL] == 1, "yes", "no")
    assert set(SponsorshipClassifier().fit(X, words).predict(X)) <= {"yes", "no"}
    with pytest.raises(ValueError, match="one class"):
        SponsorshipClassifier().fit(X, np.ones(60))
    with pytest.raises(ValueError, match="infinity"):
        SponsorshipClassifier().fit(X.assign(Followers=np.inf), words)


def test_what_names_say_is_heeded(market):
    X, y = market.drop(columns=LABEL), market[LABEL]
    lot = np.random.default_rng(0)
    told = X.assign(
        Age=np.where(y == 1, 25, 50) + lot.integers(0, 3, len(X)),
        Deal_ID=lot.permutation(len(X)) * 7,
    )
    few = told.assign(Influencer_ID=lot.integers(0, 3, len(X)))
    for frame in (told, few):
        model = SponsorshipClassifier().fit(frame, y)
        assert not {"Age", "Deal_ID"} & {*model.model_.encoding.columns}
