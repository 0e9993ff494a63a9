"""Tables in memory, and results that a failed run does not replace."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import durhampulse as dp
from durhampulse.exceptions import InputError
from durhampulse.scoring.batch import score_files
from tests.models import write_logistic


@pytest.fixture(scope="module")
def scorer(demo_model):
    return dp.load_model(demo_model)


ONE_ROW = {
    "Followers": 3_000,
    "Engagement_Rate": 0.03,
    "Growth_Rate": 0.01,
    "Niche": "Tech",
    "Video_Quality": "HD",
    "Avg_Views_per_Post": 900,
}


def test_pandas_index_is_kept(scorer):
    creators = dp.simulate_market(300, seed=2).table.drop(columns="Sponsorship_Status")
    some = creators[creators["Followers"].astype("str").str.len() > 3].sample(
        frac=1, random_state=1
    )
    scored = scorer.score(some)
    assert scored.index.equals(some.index)
    joined = some.assign(y_prob=scored["Predicted Sponsorship"])
    y_prob = scorer.predict_proba(some)
    filled = joined["y_prob"].notna().to_numpy()
    np.testing.assert_allclose(joined["y_prob"][filled], y_prob[filled], atol=1e-4)
    decided = scorer.decide(some)
    pd.testing.assert_series_equal(
        decided["Predicted Sponsorship"], scored["Predicted Sponsorship"][decided.index]
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([9007199254740993, 9007199254740995, None], [9007199254740993, 9007199254740995, None]),
        ([1001, 1002, None], [1001, 1002, None]),
    ],
)
def test_integer_identifiers_stay_exact_beside_missing(given, expected, scorer):
    frame = pd.DataFrame({**ONE_ROW, "Influencer_ID": pd.array(given, "Int64")})
    for column in (scorer.score(frame)["Influencer ID"], scorer.decide(frame)["Influencer ID"]):
        assert [None if pd.isna(name) else name for name in column] == expected


def test_percentage_model_scores_its_training_frame(tmp_path):
    table = dp.simulate_market(300, seed=5).table
    creators = dp.read_creators(table)
    percent = creators.table.assign(
        Engagement_Rate=100 * creators.table["Engagement_Rate"],
        Growth_Rate=100 * creators.table["Growth_Rate"],
    )
    percent.to_csv(tmp_path / "percent.csv", index=False)
    scorer = write_logistic(tmp_path / "percent.csv", tmp_path / "model")
    by_frame = scorer.score(pd.read_csv(tmp_path / "percent.csv"))
    score_files(scorer, [tmp_path / "percent.csv"], tmp_path / "out.parquet")
    by_file = pd.read_parquet(tmp_path / "out.parquet")
    np.testing.assert_array_equal(
        by_frame["Predicted Sponsorship"], by_file["Predicted Sponsorship"]
    )
    read = dp.read_creators(tmp_path / "percent.csv")
    np.testing.assert_array_equal(
        scorer.score(read)["Predicted Sponsorship"], by_file["Predicted Sponsorship"]
    )
    with pytest.raises(InputError, match="look like fractions, but the model's table held perc"):
        scorer.score(read.table)


def test_file_without_scorable_rows_keeps_earlier_result(scorer, tmp_path):
    (tmp_path / "empty.csv").write_text(",".join(ONE_ROW) + "\n-5,.05,.01,Tech,HD,100\n")
    (tmp_path / "out.csv").write_text("earlier")
    with pytest.raises(dp.CannotJudgeError, match=r"none of 1 rows .* Followers cannot be -5"):
        score_files(scorer, [tmp_path / "empty.csv"], tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "earlier"


def test_index_that_is_a_column_too_is_read_once(scorer):
    table = pd.DataFrame([{"Influencer_ID": "a", **ONE_ROW}])
    scored = scorer.score(table.set_index("Influencer_ID", drop=False))
    assert scored["Influencer ID"].tolist() == ["a"]


def test_half_a_character_is_read_as_a_question_mark_as_in_json(scorer):
    row = {"Influencer_ID": "a\ud83d", **ONE_ROW, "Niche": "\ud83d"}
    table = pd.DataFrame([row], dtype=object)
    assert scorer.score(table)["Influencer ID"].tolist() == ["a?"]


def test_whole_table_is_not_explained_as_one_creator(scorer):
    with pytest.raises(InputError, match=r"iloc\[0\]"):
        scorer.explain(pd.DataFrame([ONE_ROW, ONE_ROW]))
