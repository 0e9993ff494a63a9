"""Tables as people really have them, each with its right value or refusal."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import durhampulse as dp
from durhampulse.creators.reading import read_creators
from durhampulse.exceptions import InputError
from durhampulse.scoring.batch import score_files
from durhampulse.scoring.lookup import accounts_of
from tests.models import write_logistic

CASES = Path(__file__).parent / "cases"


@pytest.fixture(scope="module")
def scorer(demo_model):
    return dp.load_model(demo_model)


def scored(scorer, name, tmp_path, **options):
    """The summary and the scored rows of a case."""
    summary = score_files(scorer, [CASES / name], tmp_path / "out.parquet", **options)
    return summary, pd.read_parquet(tmp_path / "out.parquet")


def roles(name, **options):
    creators = read_creators(CASES / name, **options)
    return {role.column: role.role for role in creators.roles}


def test_misspelt_column_is_first_line_of_summary(scorer, tmp_path):
    summary, rows = scored(scorer, "01-typo-column.csv", tmp_path)
    first, second = summary.text(scorer).splitlines()[:2]
    assert first == "200 rows: 200 scored, 0 refused."
    assert second == (
        "01-typo-column.csv: no column Followers, which the model uses; its rows are scored "
        "without it ('Folowers' is not read: --map Followers=Folowers?)."
    )
    assert rows["Flags"].str.startswith("no Followers").all()
    mapped, right = scored(
        scorer, "01-typo-column.csv", tmp_path, columns={"Followers": "Folowers"}
    )
    assert not mapped.notes
    frame = pd.read_csv(CASES / "01-typo-column.csv")
    assert scorer.score(frame)["Flags"].str.startswith("no Followers").all()
    plain = scorer.score(frame.rename(columns={"Folowers": "Followers"}))
    probability = "Predicted Sponsorship"
    pd.testing.assert_series_equal(right[probability], plain[probability], check_index=False)


@pytest.mark.parametrize("name", ["02-eu-two-rows.csv", "02-eu-three-rows.csv"])
def test_decimal_commas_elsewhere_settle_thousands(name, scorer, tmp_path):
    _, plain = scored(scorer, "02-plain-two-rows.csv", tmp_path)
    _, rows = scored(scorer, name, tmp_path)
    pd.testing.assert_frame_equal(rows.head(2), plain)
    assert rows["Follower Count"].tolist()[:2] == [145_000, 88_500]
    (account,) = accounts_of(scorer, CASES / name, "A")
    assert account.probability == plain["Predicted Sponsorship"][0]


def test_ambiguous_count_is_refused_with_way_out(scorer):
    row = {
        "Followers": "145.000",
        "Engagement_Rate": "6.8%",
        "Niche": "Fashion",
        "Video_Quality": "HD",
    }
    with pytest.raises(dp.CannotJudgeError, match=r"'145\.000' may be 145000 or 145: write 145000"):
        scorer.explain(row)
    frame = pd.DataFrame([row, {**row, "Followers": "145000"}])
    flags = scorer.score(frame)["Flags"].tolist()
    assert "not scored: Followers '145.000' may be 145000 or 145" in flags[0]
    assert "not scored" not in flags[1]


@pytest.mark.parametrize("name", ["03-float-niche.parquet", "10-binary-niche.parquet"])
def test_scorer_knows_levels_of_training_file(name, tmp_path):
    creators = read_creators(CASES / name)
    scorer = write_logistic(CASES / name, tmp_path / "model")
    _, rows = scored(scorer, name, tmp_path)
    assert not rows["Flags"].str.contains("never seen").any()
    levels = set(creators.table["Niche"].dropna().unique())
    assert not any(level.endswith(".0") or level.startswith("b'") for level in levels)
    pq.read_table(CASES / name).to_pandas().to_csv(tmp_path / "same.csv", index=False)
    if name.startswith("03"):  # bytes have no form in a CSV
        again = read_creators(tmp_path / "same.csv").table["Niche"].dropna()
        assert set(again.str.removesuffix(".0").unique()) == levels


def test_absent_column_is_not_among_suggested_changes(scorer):
    for name, column in (
        ("07-no-growth-column.csv", "Growth_Rate"),
        ("explain-without-quality.csv", "Video_Quality"),
    ):
        (account,) = accounts_of(scorer, CASES / name, "1002")
        assert column not in {change["column"] for change in account.changes}
        assert 0 < account.probability < 1


def test_model_keeps_column_map_of_study(tmp_path):
    columns = {"Engagement_Rate": "60d_eng_rate"}
    scorer = write_logistic(CASES / "mapped-rate.csv", tmp_path / "model", columns=columns)
    summary, rows = scored(scorer, "mapped-rate.csv", tmp_path)
    _, mapped = scored(scorer, "mapped-rate.csv", tmp_path, columns=columns)
    assert not summary.notes
    pd.testing.assert_frame_equal(rows, mapped)
    assert accounts_of(scorer, CASES / "mapped-rate.csv", "cr003")[0].probability == (
        rows.loc[rows["Influencer ID"] == "cr003", "Predicted Sponsorship"].item()
    )


def test_formulas_without_a_result_are_counted(scorer, tmp_path):
    summary, _ = scored(scorer, "08-formulas.xlsx", tmp_path)
    (note,) = summary.notes
    assert "hold a formula whose result is not stored" in note


@pytest.mark.parametrize(("name", "first"), [("title-row.csv", 3), ("title-row.xlsx", 4)])
def test_title_above_header_is_skipped(name, first, tmp_path):
    creators = read_creators(CASES / name)
    plain = pd.read_csv(CASES / "title-row.csv", skiprows=1)
    assert creators.table["Influencer_ID"].tolist() == plain["Influencer_ID"].astype(str).tolist()
    assert creators.source.rows[0] == first  # as a spreadsheet counts
    scorer = write_logistic(CASES / name, tmp_path / "model")
    summary, rows = scored(scorer, name, tmp_path)
    assert len(rows) == len(plain)
    assert any("what stands above is not read" in note for note in summary.notes)


def test_blank_line_above_header_is_skipped():
    creators = read_creators(CASES / "blank-first-row.csv")
    assert creators.table["Followers"].iloc[0] == 3_852
    assert creators.table["Influencer_ID"].iloc[0] == "cr000"
    assert creators.table.index[0] == 3  # as a spreadsheet counts


def test_rows_sorted_by_outcome_name_no_absent_column(tmp_path):
    from durhampulse.evaluation.judgement import judge

    rows = pd.read_csv(CASES / "shuffled-no-id.csv")
    rows.sort_values("Sponsorship_Status").to_csv(tmp_path / "sorted.csv", index=False)
    for path in (CASES / "shuffled-no-id.csv", tmp_path / "sorted.csv"):
        checks = {check.code: check for check in judge(read_creators(path)).checks}
        assert "Influencer_ID" not in checks["identifier"].reason


def test_first_range_begins_at_column_minimum():
    from durhampulse.study.exploration import outcome_by_group

    groups = outcome_by_group(read_creators(CASES / "big-numbers.csv"), "Followers")["group"]
    assert not any(group.startswith("-") for group in groups)


def test_link_column_of_few_values_is_not_called_unique():
    creators = read_creators(CASES / "wrong-reason.csv")
    reasons = {role.column: role.reason for role in creators.roles}
    assert "value of their own" not in reasons["landing_page_url"]


def test_chinese_table_is_read():
    columns = {
        "Influencer_ID": "\u8fbe\u4eba",
        "Followers": "\u7c89\u4e1d\u6570",
        "Niche": "\u54c1\u7c7b",
    }
    niches = read_creators(CASES / "chinese.csv", columns=columns).table["Niche"]
    assert "\u7f8e\u98df" in set(niches)


def test_table_of_own_headers_is_read_by_its_outcome():
    creators = read_creators(CASES / "own-headers.csv")
    assert {role.column for role in creators.features} >= {"Alcance", "Interacciones", "Tipo"}
    assert creators.labelled["Sponsorship_Status"].sum() == 63


def test_prices_with_currency_are_numbers_where_they_are_learned_from():
    alike = ("Price_USD", "Preis_EUR", "Fee_USD", "Fee_plain")
    table = read_creators(CASES / "currency.csv", feature=(*alike, "Price_RUB")).table
    for column in alike:
        assert table[column].head(3).tolist() == [710, 2_280, 5_126]
    assert table["Price_RUB"].head(3).tolist() == [100, 300, 600]


def test_prices_are_carried_as_written():
    creators = read_creators(CASES / "currency.csv")
    assert creators.table["Price_USD"].iloc[0] == "$710"
    assert creators.carried["Fee_USD"] == creators.carried["Fee_plain"] == "fee"


def test_counts_with_words_for_their_size_are_numbers():
    followers = read_creators(CASES / "million-words.csv").table["Followers"]
    assert followers.head(3).tolist() == [17_000, 666_000, 32_000]


def test_handle_column_becomes_identifier():
    table = read_creators(CASES / "handle-as-id.csv").table
    assert table["Influencer_ID"].iloc[0] == "@creator_000"


def test_identifiers_and_months_are_not_features():
    role_of = roles("ids-and-months.csv")
    assert {role_of[name] for name in ("brand_id", "campaign_month", "quarter")} == {"unused"}


def test_sums_and_views_of_all_posts_are_columns_of_their_own():
    read = read_creators(CASES / "engagement-as-count.csv")
    assert [role.column for role in read.features] == ["Followers", "Engagement", "Views"]
    notes = read.irregularities.query("code == 'not-claimed'").set_index("column")["action"]
    assert notes["Engagement"].startswith("not read as Engagement_Rate: its figures, typically")
    assert notes["Views"].endswith("times the followers; --map 'Avg_Views_per_Post=Views' insists")


def test_engagement_counts_named_as_rate_are_refused():
    columns = {"Engagement_Rate": "Engagement", "Avg_Views_per_Post": "Views"}
    with pytest.raises(InputError, match="neither fractions nor percentages, but counts") as error:
        read_creators(CASES / "engagement-as-count.csv", columns=columns)
    assert "--map Engagement_Rate=" in str(error.value.way_out)
    columns["Engagement_Rate"] = ""
    table = read_creators(CASES / "engagement-as-count.csv", columns=columns).table
    assert table["Avg_Views_per_Post"].iloc[0] == 4_090_320


def test_birth_year_is_protected_and_account_age_is_not():
    role_of = roles("protected.csv")
    assert role_of["Birth_Year"] == role_of["Edad"] == role_of["Geschlecht"] == "protected"
    assert role_of["account_age_months"] == "feature"


def test_creator_with_both_outcomes_counts_in_both_classes():
    from durhampulse.evaluation.judgement import judge

    raw = pd.read_csv(CASES / "one-row-per-deal.csv")
    deals, others = (raw.loc[raw["Sponsored"] == y, "creator_id"].nunique() for y in (1, 0))
    checks = {c.code: c for c in judge(read_creators(CASES / "one-row-per-deal.csv")).checks}
    assert checks["rows"].severity == "care"  # 60 creators are not many
    assert checks["rows"].figure == (
        f"{deals} creators with a deal, {others} without; 520 rows of 60 creators"
    )


def test_near_copies_are_reported():
    from durhampulse.evaluation.judgement import judge

    checks = {c.code: c for c in judge(read_creators(CASES / "near-copies.csv")).checks}
    assert checks["leak-copies"].severity == "care"
    assert checks["signal"].severity == "stop"  # each creator counted once, there is none


def test_split_by_time_with_large_last_month():
    """The last month is more than the fifth that is asked for, and is held out as a whole."""
    from durhampulse.evaluation.drift import _forward, compare_splits

    creators = read_creators(CASES / "time-last-month-25pct.csv")
    table = creators.labelled
    months = table["Applied_On"].astype("str").str[:7]
    held_out = _forward(creators, table, "Applied_On", 0)
    assert set(months[held_out]) == {months.max()}
    assert held_out.sum() == (months == months.max()).sum() > len(table) / 5
    _, scores = compare_splits(creators, "Applied_On", "time", random_state=0)
    assert scores["model"].unique().tolist() == ["at random", "forward in time"]
    assert scores["value"].between(scores["low"], scores["high"]).all()


def test_row_without_identifier_is_explained_by_the_number_it_is_scored_under(scorer, tmp_path):
    table = pd.read_csv(CASES / "07-no-growth-column.csv").drop(columns="Influencer_ID").head(5)
    table.to_csv(tmp_path / "nameless.csv", index=False)
    score_files(scorer, [tmp_path / "nameless.csv"], tmp_path / "out.csv")
    rows = pd.read_csv(tmp_path / "out.csv").set_index("Influencer ID")["Predicted Sponsorship"]
    assert rows.index.tolist() == ["row-2", "row-3", "row-4", "row-5", "row-6"]
    (account,) = accounts_of(scorer, tmp_path / "nameless.csv", "row-3")
    assert account.probability == rows["row-3"]


def test_rate_made_of_the_outcomes_is_named():
    from durhampulse.evaluation.evidence import Evidence
    from durhampulse.evaluation.purity import check_shares

    columns = {
        "Influencer_ID": "\u8fbe\u4eba",
        "Followers": "\u7c89\u4e1d\u6570",
        "Sponsorship_Status": "\u5408\u4f5c",
    }
    check = check_shares(Evidence(read_creators(CASES / "chinese.csv", columns=columns)))
    assert check.columns == ("\u6708\u6d41\u5931\u7387",)  # the share of each month and tier
