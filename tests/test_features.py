from __future__ import annotations

import json

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from durhampulse.creators.roles import Role
from durhampulse.features.encoding import Encoding, learn_encoding, split_creators
from tests.examples import examples

NUMBER = Role("Followers", "feature", "numeric", "")
QUALITY = Role("Video_Quality", "feature", "quality", "")
NICHE = Role("Niche", "feature", "levels", "")


def table(n=400, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "Influencer_ID": np.arange(n),
            "Followers": rng.lognormal(8, 2, n),
            "Growth_Rate": np.where(rng.random(n) < 0.1, np.nan, rng.standard_t(2, n) / 50),
            "Niche": pd.array(rng.choice(["a", "b", "c"], n, p=[0.6, 0.39, 0.01]), dtype="str"),
            "Video_Quality": pd.array(rng.choice(["SD", "HD", "4K"], n), dtype="str"),
            "Sponsorship_Status": (rng.random(n) < 0.3).astype(float),
        }
    )


FEATURES = [NUMBER, Role("Growth_Rate", "feature", "numeric", ""), NICHE, QUALITY]


def test_training_columns_are_normalised_and_finite():
    train = table()
    X = learn_encoding(train, FEATURES).frame(train)
    assert np.isfinite(X.to_numpy()).all()
    for name in ("Followers", "Video_Quality"):
        assert abs(X[name].mean()) < 1e-9
        assert abs(X[name].std(ddof=0) - 1) < 1e-9
    assert X["Growth_Rate missing"].sum() == train["Growth_Rate"].isna().sum()
    assert X[["Niche a", "Niche b", "Niche other"]].sum(axis=1).eq(1).all()


def test_skewed_columns_are_compressed():
    codes = {code.column: code for code in learn_encoding(table(), FEATURES).codes}
    assert codes["Followers"].scale == "log"


def test_quality_is_ordinal_and_other_words_are_levels():
    encoding = learn_encoding(table(), [QUALITY])
    rows = pd.DataFrame({"Video_Quality": ["SD", "HD", "4K"]})
    assert encoding.codes[0].ordered
    assert (np.diff(encoding.transform(rows)[:, 0]) > 0).all()
    other = table().assign(Video_Quality=["Mature", "General"] * 200)
    assert learn_encoding(other, [QUALITY]).names == [
        "Video_Quality General",
        "Video_Quality Mature",
    ]


def test_middle_quality_has_a_column_of_its_own_where_all_three_are_frequent():
    encoding = learn_encoding(table(), [QUALITY])
    assert encoding.names == ["Video_Quality", "Video_Quality HD"]
    rows = pd.DataFrame({"Video_Quality": ["SD", "HD", "4K", None]})
    assert encoding.transform(rows)[:, 1].tolist() == [0, 1, 0, 0]
    few = table().assign(Video_Quality=["SD", "HD"] * 195 + ["4K"] * 10)
    assert learn_encoding(few, [QUALITY]).names == ["Video_Quality", "Video_Quality HD"]
    few.loc[few.index[-1], "Video_Quality"] = "SD"
    assert learn_encoding(few, [QUALITY]).names == ["Video_Quality"]


def test_encoding_ignores_test_part():
    train = table()
    encoding = learn_encoding(train, FEATURES)
    changed = table(seed=1).assign(Followers=1e9, Niche="new")
    assert learn_encoding(train, FEATURES) == encoding
    X = encoding.frame(changed)
    assert X["Niche other"].eq(1).all()
    assert X["Followers"].gt(2).all()


def test_missing_columns_and_nulls_are_filled():
    encoding = learn_encoding(table(), FEATURES)
    X = encoding.transform(pd.DataFrame({"Influencer_ID": [1]}))
    assert np.isfinite(X).all()


@examples(30)
@given(st.integers(0, 1_000))
def test_encoding_round_trips_through_json(seed):
    train = table(60, seed)
    encoding = learn_encoding(train, FEATURES)
    again = Encoding.from_dict(json.loads(json.dumps(encoding.to_dict())))
    assert again == encoding
    np.testing.assert_array_equal(again.transform(train), encoding.transform(train))


@examples(30)
@given(st.integers(0, 1_000))
def test_split_keeps_creators_together_and_is_stratified(seed):
    rows = table(300, seed)
    rows["Influencer_ID"] = np.random.default_rng(seed).integers(0, 250, 300)
    train, test = split_creators(rows, random_state=seed)
    assert len(train) + len(test) == 300
    assert not set(train["Influencer_ID"]) & set(test["Influencer_ID"])
    # Creators are drawn, not rows: their shares differ by less than one creator of the test part.
    outcomes = [part.groupby("Influencer_ID")["Sponsorship_Status"].max() for part in (train, test)]
    assert abs(outcomes[0].mean() - outcomes[1].mean()) < 1.5 / len(outcomes[1])
    pd.testing.assert_frame_equal(split_creators(rows, random_state=seed)[1], test)
