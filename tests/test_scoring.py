"""The scorer: parity, files in and out, what is refused, and that nothing is half-written."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.feather as pa_feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import durhampulse as dp
from durhampulse.decision.bands import BANDS, NO_PRECEDENT
from durhampulse.exceptions import CannotJudgeError, InputError, OutputError
from durhampulse.files import parquet, sheets
from durhampulse.files.places import find_files
from durhampulse.market.sampling import write_market
from durhampulse.scoring.batch import score_files
from tests.examples import examples

COLUMNS = [
    "Influencer ID",
    "Predicted Sponsorship",
    "Follower Count",
    "Engagement Rate",
    "Sponsorship Recommendation",
    "Interval Low",
    "Interval High",
    "Flags",
]


@pytest.fixture(scope="module")
def scorer(demo_model):
    return dp.load_model(demo_model)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One market as Parquet, CSV and Excel, of several chunks."""
    folder = tmp_path_factory.mktemp("files")
    for end in ("parquet", "csv"):
        write_market(folder / f"m.{end}", 150_000, seed=11)
    pd.read_csv(folder / "m.csv").head(2_000).to_excel(folder / "m.xlsx", index=False)
    return folder


@pytest.fixture(scope="module")
def scored(scorer, files, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "scored.parquet"
    summary = score_files(scorer, [files / "m.parquet"], out)
    return pq.read_table(out), summary


def test_scored_rows_keep_their_order(scored, files):
    table, summary = scored
    assert table.column_names == COLUMNS
    assert table["Influencer ID"].equals(pq.read_table(files / "m.parquet")["Influencer_ID"])
    assert summary.rows == summary.scored == table.num_rows == 150_000
    assert sum(summary.bands.values()) == 150_000


def test_scores_match_training_pipeline(scored, scorer, files):
    """The study reads with pandas, in words and levels; the scorer in Arrow chunks."""
    table = scored[0].to_pandas().set_index("Influencer ID")
    creators = dp.read_creators(files / "m.csv").table.drop_duplicates("Influencer_ID")
    y_prob = scorer.model.model.predict_proba(creators)
    ours = table.loc[~table.index.duplicated()].loc[creators["Influencer_ID"]]
    gap = np.abs(np.floor(y_prob * 1e4) / 1e4 - ours["Predicted Sponsorship"].to_numpy())
    assert gap.max() < 2e-4
    flags = scorer.model.peers.flags(creators).to_numpy()
    usual = ours["Sponsorship Recommendation"] != NO_PRECEDENT
    np.testing.assert_array_equal(flags[usual], ours.loc[usual, "Flags"].to_numpy())


def test_bands_and_intervals_agree_with_shown_probability(scored):
    table = scored[0].to_pandas()
    shown, answers = table["Predicted Sponsorship"], table["Sponsorship Recommendation"]
    expected = np.select([shown >= 0.8, shown >= 0.6], BANDS[:2], BANDS[2])
    odd = table["Flags"].str.startswith("no precedent for").to_numpy()
    assert 0.002 < odd.mean() < 0.01
    np.testing.assert_array_equal(answers, np.where(odd, NO_PRECEDENT, expected))
    assert (table["Interval Low"] <= shown).all()
    assert (table["Interval High"] >= shown).all()


@pytest.mark.parametrize("end", ["parquet", "csv", "tsv"])
def test_text_and_typed_files_score_the_same(end, scorer, files, scored, tmp_path):
    out = tmp_path / f"s.{end}"
    score_files(scorer, [files / "m.csv"], out)
    if end == "parquet":
        table = pq.read_table(out)
    else:
        parse = pa_csv.ParseOptions(delimiter="\t" if end == "tsv" else ",")
        table = pa_csv.read_csv(out, parse_options=parse)
    for name in COLUMNS[1:]:
        ours, theirs = (t[name].to_pandas() for t in (table, scored[0]))
        if ours.dtype == float:
            np.testing.assert_allclose(ours, theirs, atol=1e-9)
        else:
            assert (ours.fillna("").astype(str) == theirs.astype(str)).all(), name


def test_excel_in_and_out(scorer, files, scored, tmp_path):
    out = tmp_path / "s.xlsx"
    score_files(scorer, [files / "m.xlsx"], out)
    sheet = openpyxl.load_workbook(out)["Decisions"]
    rows = [*sheet.values]
    assert list(rows[0]) == COLUMNS
    np.testing.assert_allclose(
        [row[1] for row in rows[1:]],
        scored[0]["Predicted Sponsorship"].to_numpy()[:2_000],
        atol=1e-9,
    )


def test_named_sheet_is_scored_and_others_are_noted(scorer, files, tmp_path):
    creators = pd.read_csv(files / "m.csv").head(50)
    book, out = tmp_path / "book.xlsx", tmp_path / "out.csv"
    with pd.ExcelWriter(book) as writer:
        creators.head(20).to_excel(writer, sheet_name="2025", index=False)
        creators.tail(30).to_excel(writer, sheet_name="2026", index=False)
    summary = score_files(scorer, [book], out, table="2026")
    assert list(pd.read_csv(out)["Influencer ID"]) == list(creators["Influencer_ID"].tail(30))
    assert "book.xlsx: '2026' is read, these are not: '2025'" in summary.text(scorer)
    assert summary.to_dict(scorer)["notes"] == summary.notes
    assert score_files(scorer, [book], out).rows == 20
    with pytest.raises(InputError, match="2027"):
        score_files(scorer, [book], out, table="2027")
    with pytest.raises(InputError, match="only a workbook has sheets"):
        score_files(scorer, [files / "m.csv"], out, table="2026")


def test_globs_and_several_files_keep_their_order(scorer, files, tmp_path):
    for i in (2, 1):
        part = pq.read_table(files / "m.parquet").slice(i * 1_000, 1_000)
        pq.write_table(part, tmp_path / f"part-{i}.parquet")
    out = tmp_path / "out.parquet"
    summary = score_files(scorer, [tmp_path / "part-*.parquet"], out)
    whole = pq.read_table(files / "m.parquet")["Influencer_ID"].slice(1_000, 2_000)
    assert pq.read_table(out)["Influencer ID"].combine_chunks().equals(whole.combine_chunks())
    assert summary.rows == 2_000
    with pytest.raises(InputError, match="no file matches"):
        find_files([tmp_path / "nothing-*.csv"], tmp_path)


def test_top_creators_are_ranked_with_reasons(scorer, files, scored, tmp_path):
    out = tmp_path / "top.parquet"
    score_files(scorer, [files / "m.parquet"], out, top=20, reasons=True)
    table = pq.read_table(out)
    assert table["Rank"].to_pylist() == list(range(1, 21))
    best = np.sort(scored[0]["Predicted Sponsorship"].to_numpy())[::-1][:20]
    np.testing.assert_allclose(table["Predicted Sponsorship"].to_numpy(), best)
    assert all("without this" in text for text in table["Reasons For"].to_pylist())


def test_reasons_are_written_with_what_is_not_known(scorer, write, tmp_path):
    path = write("Influencer_ID,Followers,Engagement_Rate,Niche,Video_Quality\n7,9000,,Pets,HD\n")
    out = tmp_path / "scored.csv"
    score_files(scorer, [path], out, reasons=True, units={"Engagement_Rate": "fraction"})
    unknown = pd.read_csv(out)["Not Known"].item()
    assert unknown == "engagement; growth; views"


def test_unscorable_rows_are_refused_with_row_and_reason(scorer, write, tmp_path):
    path = write(
        """
        Influencer_ID,Followers,Engagement_Rate,Growth_Rate,Niche,Video_Quality,Avg_Views_per_Post
        =A1,"145,000",5%,0.02,Fashion,HD,12000
        b,-5,0.05,0.02,Fashion,HD,12000
        c,1000,0.05
        -d,,,,,HD,

        e,1.2M,0.04,0.01,fashion ,4k,90000
        f,N/A,0.04,0.01,Fashion,4K,90000
        g,ask me,0.04,0.01,Fashion,4K,90000
        """
    )
    out = tmp_path / "s.csv"
    summary = score_files(scorer, [path], out)
    refused = pd.read_csv(f"{out}.refused.csv", keep_default_na=False)
    assert refused["Row"].tolist() == [4, 3, 5]
    assert refused["Influencer ID"].tolist() == ["", "b", "'-d"]
    assert refused["Reason"].tolist()[:2] == [
        "3 cells where the header has 7",
        "Followers cannot be -5",
    ]
    table = pd.read_csv(out)
    assert table["Influencer ID"].tolist() == ["'=A1", "e", "f", "g"]
    assert table["Follower Count"].tolist()[:2] == [145_000, 1_200_000]
    assert (summary.rows, summary.scored, summary.refused) == (7, 4, 3)
    example = refused["Reason"][0]
    assert summary.text(scorer).splitlines()[1] == f"Refused, for example: {example}."
    assert summary.to_dict(scorer)["first_refusal"] == example
    assert "1 row (row 6) without a single value, passed over" in summary.text(scorer)
    assert "no numbers, counted as missing: Followers 1." in summary.text(scorer)
    provenance = json.loads((tmp_path / "s.csv.provenance.json").read_text())
    assert provenance["rows"] == 7
    assert provenance["model"] == scorer.model.manifest["name"]


def typed(n, seed=5):
    table = dp.simulate_market(n, seed=seed).table
    rate = table["Engagement_Rate"]
    percent = rate.str.endswith("%").fillna(value=False).astype(bool)
    numbers = pd.to_numeric(rate.str.rstrip("%"))
    return table.assign(Engagement_Rate=numbers.where(~percent, numbers / 100))


def test_table_in_another_unit_is_refused_with_option(scorer, tmp_path):
    table = typed(3_000)
    table["Engagement_Rate"] *= 100
    table.to_csv(tmp_path / "percent.csv", index=False)
    with pytest.raises(InputError, match=r"look like percentages.*\n.*--unit"):
        score_files(scorer, [tmp_path / "percent.csv"], tmp_path / "s.csv")
    assert not (tmp_path / "s.csv").exists()
    score_files(
        scorer, [tmp_path / "percent.csv"], tmp_path / "s.csv", units={"Engagement_Rate": "percent"}
    )
    typed(3_000).to_csv(tmp_path / "fraction.csv", index=False)
    score_files(scorer, [tmp_path / "fraction.csv"], tmp_path / "f.csv")
    percent, fraction = (pd.read_csv(tmp_path / f"{name}.csv") for name in "sf")
    np.testing.assert_allclose(
        percent["Predicted Sponsorship"], fraction["Predicted Sponsorship"], atol=2e-4
    )


def test_headers_that_say_a_unit_count_in_score_as_in_a_study(scorer, tmp_path):
    plain = typed(300)
    plain.to_csv(tmp_path / "plain.csv", index=False)
    said = plain.assign(Engagement_Rate=plain["Engagement_Rate"] * 100)
    said["Followers"] /= 1_000
    names = {"Engagement_Rate": "Engagement (%)", "Followers": "Followers in thousands"}
    said.rename(columns=names).to_csv(tmp_path / "said.csv", index=False)
    for name in ("plain", "said"):
        score_files(scorer, [tmp_path / f"{name}.csv"], tmp_path / f"{name}-scored.csv")
    first, second = (pd.read_csv(tmp_path / f"{name}-scored.csv") for name in ("plain", "said"))
    assert len(first) > 200
    pd.testing.assert_frame_equal(first, second, rtol=1e-6)


def test_identifier_that_a_spreadsheet_rounded_is_refused_by_every_door(scorer, tmp_path):
    table = typed(30).assign(Influencer_ID=[f"{1.23e15 + n:.2E}" for n in range(30)])
    table.to_csv(tmp_path / "t.csv", index=False)
    rounded = r"row 2: '1\.23E\+15' is a long number as a spreadsheet rounds it"
    with pytest.raises(InputError, match=rounded):
        score_files(scorer, [tmp_path / "t.csv"], tmp_path / "s.csv")
    with pytest.raises(InputError, match=rounded.replace("row 2", "row 1")):
        scorer.score(table)
    with pytest.raises(CannotJudgeError, match=r"'1\.23E\+15' is a long number"):
        scorer.explain({"Influencer_ID": "1.23E+15", "Followers": 8_000})


def test_only_rates_have_units(scorer, files, tmp_path):
    with pytest.raises(InputError, match="'Followers' has no unit"):
        score_files(scorer, [files / "m.csv"], tmp_path / "s.csv", units={"Followers": "percent"})


def test_malformed_first_row_does_not_hide_unit(scorer, tmp_path):
    lines = (
        typed(300).assign(Engagement_Rate=lambda t: t["Engagement_Rate"] * 100).to_csv(index=False)
    ).splitlines()
    for bad in ("only,three,cells", ""):
        (tmp_path / "a.csv").write_text("\n".join([lines[0], bad, *lines[1:]]))
        with pytest.raises(InputError, match="look like percentages"):
            score_files(scorer, [tmp_path / "a.csv"], tmp_path / "s.csv")


def test_truncated_text_is_one_clear_error(scorer, tmp_path):
    text = typed(300).to_csv(index=False).encode("utf-16")
    (tmp_path / "a.csv").write_bytes(text[:-1])
    with pytest.raises(InputError, match="do not fit utf-16"):
        score_files(scorer, [tmp_path / "a.csv"], tmp_path / "s.csv")


def test_file_changing_while_read_is_refused_and_writes_nothing(scorer, files, tmp_path):
    out = tmp_path / "s.parquet"
    out.write_text("the old one")
    usual = typed(150_000, seed=11)
    table = usual.copy()
    table.loc[100_000:, "Engagement_Rate"] *= 100
    table.to_csv(tmp_path / "unit.csv", index=False)
    with pytest.raises(InputError, match=r"Engagement_Rate.*from row"):
        score_files(scorer, [tmp_path / "unit.csv"], out)
    table = usual.astype({"Followers": "str"})
    table.loc[120_000:, "Followers"] = "rank " + table.loc[120_000:, "Followers"]
    table.to_csv(tmp_path / "words.csv", index=False)
    with pytest.raises(InputError, match=r"Followers: from row .* 'rank "):
        score_files(scorer, [tmp_path / "words.csv"], out)
    assert out.read_text() == "the old one"
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []


ONE = {
    "Influencer_ID": ["a"],
    "Followers": [1_000],
    "Engagement_Rate": [0.05],
    "Growth_Rate": [0.01],
    "Niche": ["Tech"],
    "Video_Quality": ["HD"],
    "Avg_Views_per_Post": [100],
}


@pytest.mark.parametrize(
    ("column", "cells", "shown"),
    [
        ("Influencer_ID", pa.array([2**63 + 5], pa.uint64()), str(2**63 + 5)),
        ("Influencer_ID", pa.array([7.0]), "7"),
        ("Influencer_ID", pa.array([7.5]), "7.5"),
        ("Influencer_ID", pa.array([None], pa.int64()), None),
        ("Followers", pa.array(["1K"], pa.large_string()), "a"),
        ("Followers", pa.array(["1,000"], pa.string_view()), "a"),
        ("Followers", pa.array([1_000]).cast(pa.decimal128(22, 2)), "a"),
        ("Niche", pa.array(["tech "]).dictionary_encode(), "a"),
        ("Niche", pa.DictionaryArray.from_arrays(pa.array([0], pa.uint8()), ["TECH"]), "a"),
        ("Niche", pa.array(["TECH"], pa.large_string()), "a"),
    ],
)
def test_typed_columns_of_any_kind(column, cells, shown, scorer, tmp_path):
    pq.write_table(pa.table(ONE), tmp_path / "plain.parquet")
    pq.write_table(pa.table({**ONE, column: cells}), tmp_path / "a.parquet")
    rows = []
    for name in ("plain", "a"):
        score_files(scorer, [tmp_path / f"{name}.parquet"], tmp_path / "s.parquet")
        rows.append(pq.read_table(tmp_path / "s.parquet").to_pylist()[0])
    assert rows[1].pop("Influencer ID") == shown
    rows[0].pop("Influencer ID")
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("Influencer_ID", pa.array([b"\xff"])),
        ("Niche", pa.array([["Tech"]])),
        ("Followers", pa.array([True])),
        ("Followers", pa.array([0], pa.timestamp("s"))),
    ],
)
def test_unusable_column_is_named(column, cells, scorer, tmp_path):
    pq.write_table(pa.table({**ONE, column: cells}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=rf"a.parquet, column {column}: it holds "):
        score_files(scorer, [tmp_path / "a.parquet"], tmp_path / "s.parquet")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_in_any_encoding(encoding, scorer, tmp_path):
    text = ",".join(ONE) + "\r\n" + "Jos\u00e9,1000,.05,.01,Tech,HD,100\r\n"
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    score_files(scorer, [tmp_path / "a.csv"], tmp_path / "s.parquet")
    assert pq.read_table(tmp_path / "s.parquet")["Influencer ID"].to_pylist() == ["Jos\u00e9"]


def test_files_without_a_row(scorer, tmp_path):
    for name, text in (("a", ",".join(ONE)), ("b", ",".join(ONE) + "\n")):
        (tmp_path / f"{name}.csv").write_text(text)
        with pytest.raises(InputError, match="there is a header, but no row"):
            score_files(scorer, [tmp_path / f"{name}.csv"], tmp_path / "s.csv")
    pa_csv.write_csv(pa.table(ONE), tmp_path / "one.csv")
    names = [tmp_path / f"{name}.csv" for name in ("a", "one", "b", "one")]
    assert score_files(scorer, names, tmp_path / "s.csv").rows == 2


@pytest.mark.parametrize("top", [None, 5])
def test_file_without_scorable_rows_is_refused_and_replaces_nothing(scorer, tmp_path, top):
    pq.write_table(pa.table({**ONE, "Followers": [-2]}), tmp_path / "a.parquet")
    out = tmp_path / "s.parquet"
    out.write_text("the old one")
    with pytest.raises(CannotJudgeError, match=r"none of 1 rows .* Followers cannot be -2"):
        score_files(scorer, [tmp_path / "a.parquet"], out, top=top)
    assert out.read_text() == "the old one"


def test_characters_forbidden_by_excel_are_replaced(scorer, tmp_path):
    pq.write_table(pa.table({**ONE, "Influencer_ID": ["=a\x01b"]}), tmp_path / "a.parquet")
    score_files(scorer, [tmp_path / "a.parquet"], tmp_path / "s.xlsx")
    cell = openpyxl.load_workbook(tmp_path / "s.xlsx")["Decisions"]["A2"]
    assert (cell.value, cell.data_type) == ("=a\ufffdb", "s")


def test_duplicate_column_names_are_refused(scorer):
    table = pa.table([pa.array([1]), pa.array([2])], names=["Followers", "Followers"])
    with pytest.raises(InputError, match="two columns 'Followers'"):
        scorer.score(table)


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_name_of_a_column_that_is_no_utf8_is_told_as_that(scorer, tmp_path, ending):
    path, table = tmp_path / f"a.{ending}", pa.table({**ONE, "Land": ["DE"]})
    if ending == "parquet":
        pq.write_table(table, path, store_schema=False)
    else:
        pa_feather.write_feather(table, path)
    path.write_bytes(path.read_bytes().replace(b"Land", b"L\xe4nd"))
    with pytest.raises(
        InputError, match=f"a.{ending}: the name of a column .*'L\ufffdnd'"
    ) as error:
        score_files(scorer, [path], tmp_path / "s.csv")
    assert "Rename it" in error.value.way_out


def test_damaged_parquet_is_one_clear_error(scorer, files, tmp_path):
    blob = (files / "m.parquet").read_bytes()
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(blob[: len(blob) // 2])
    with pytest.raises(InputError, match="not a readable Parquet"):
        score_files(scorer, [cut], tmp_path / "s.parquet")
    rotten = tmp_path / "rotten.parquet"
    middle = len(blob) // 2
    rotten.write_bytes(blob[:middle] + bytes(200) + blob[middle + 200 :])
    with pytest.raises(InputError, match="not a readable Parquet file after row"):
        score_files(scorer, [rotten], tmp_path / "s.parquet")
    assert [p.name for p in tmp_path.iterdir() if "s.parquet" in p.name] == []


def test_invalid_outputs_are_refused_before_scoring(scorer, files, tmp_path):
    source = files / "m.parquet"
    for out, words in (
        (tmp_path / "no" / "s.csv", "no folder"),
        (tmp_path / "s.json", "cannot be written"),
        (tmp_path, "cannot be written"),
    ):
        with pytest.raises(OutputError, match=words):
            score_files(scorer, [source], out)


def test_output_that_is_an_input_by_any_path_is_refused(scorer, files, tmp_path):
    content = (files / "m.parquet").read_bytes()
    source, link = tmp_path / "m.parquet", tmp_path / "latest.parquet"
    source.write_bytes(content)
    link.symlink_to(source)
    for out in (source, link, tmp_path / ".." / tmp_path.name / "m.parquet"):
        with pytest.raises(InputError, match="both input and output"):
            score_files(scorer, [source], out)
    assert source.read_bytes() == content


def test_full_disk_is_one_clear_error_and_leaves_no_files(scorer, files, tmp_path, monkeypatch):
    class Full(parquet.ParquetSink):
        def write(self, batch):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "ParquetSink", Full)
    with pytest.raises(OutputError, match="No space left"):
        score_files(scorer, [files / "m.parquet"], tmp_path / "s.parquet")
    assert list(tmp_path.iterdir()) == []


def test_excel_row_limit_is_enforced(scorer, files, tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "_MOST_ROWS", 100)
    with pytest.raises(InputError, match="holds 100 rows"):
        score_files(scorer, [files / "m.xlsx"], tmp_path / "s.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_drift_is_described_in_summary(scorer, tmp_path):
    table = typed(5_000)
    table["Followers"] = table["Followers"] * 20
    table["Niche"] = "Beekeeping"
    table.to_csv(tmp_path / "d.csv", index=False)
    summary = score_files(scorer, [tmp_path / "d.csv"], tmp_path / "s.csv")
    text = summary.text(scorer)
    assert "Drift: Followers is unlike the training rows" in text
    assert text.index("Drift: Followers") < text.index("Recommendations:")
    assert "Niches not among those of training: 100.0% of rows." in text
    assert summary.flags["niche never seen in training"] == 5_000
    table.drop(columns=["Growth_Rate", "Niche"]).to_csv(tmp_path / "e.csv", index=False)
    absent = score_files(scorer, [tmp_path / "e.csv"], tmp_path / "t.csv").text(scorer)
    assert "Drift: empty in every row: Growth_Rate, Niche." in absent
    assert "Growth_Rate is unlike" not in absent
    steady = score_files(scorer, [write_typed(tmp_path)], tmp_path / "t.csv")
    assert "No drift" in steady.text(scorer)


def test_one_row_is_told_in_the_singular(scorer, tmp_path):
    typed(1, seed=3).to_csv(tmp_path / "one.csv", index=False)
    summary = score_files(scorer, [tmp_path / "one.csv"], tmp_path / "s.csv")
    assert summary.text(scorer).splitlines()[0] == "1 row: 1 scored, 0 refused."


def write_typed(folder):
    typed(5_000, seed=9).to_parquet(folder / "t.parquet")
    return folder / "t.parquet"


FRAMES = {
    "pandas": lambda frame: frame,
    "arrow": pa.table,
    "polars": lambda frame: pytest.importorskip("polars").from_pandas(frame),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_tables_in_memory_return_same_library(kind, scorer):
    frame = typed(500)
    table = FRAMES[kind](frame)
    scored = scorer.score(table)
    assert type(scored) is type(table)
    y_prob = scorer.predict_proba(table)
    shown = np.asarray(scored["Predicted Sponsorship"])
    np.testing.assert_allclose(shown, np.floor(y_prob * 1e4) / 1e4, atol=1.01e-4)


def test_decide_and_explain(scorer):
    frame = typed(300)
    table = scorer.decide(frame)
    assert table["Rank"].tolist() == list(range(1, len(table) + 1))
    row = frame.iloc[3].dropna().to_dict()
    account = scorer.explain(row)
    assert account.probability == pytest.approx(scorer.predict_proba(frame)[3], abs=1e-4)
    total = account.base + sum(account.effects.values())
    assert 1 / (1 + np.exp(-total)) == pytest.approx(account.probability, abs=1e-3)
    with pytest.raises(CannotJudgeError, match="columns of the model are empty"):
        scorer.explain({"Followers": 1_000, "Engagement_Rate": None, "Niche": "N/A"})
    with pytest.raises(CannotJudgeError, match="there is no column '1'"):
        scorer.explain({1: 2})


CELL = st.one_of(
    st.none(),
    st.floats(0, 1e9, allow_nan=False),
    st.sampled_from([0.0, 1e-300, 5e-324, 1e10, float("nan")]),
)


@examples(25)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "Followers": CELL,
                "Avg_Views_per_Post": CELL,
                "Engagement_Rate": st.one_of(st.none(), st.floats(0, 1e4)),
                "Growth_Rate": st.one_of(st.none(), st.floats(-1, 1e6)),
                "Niche": st.one_of(st.none(), st.sampled_from(["Fashion", "", "Ünknown", "tech "])),
                "Video_Quality": st.sampled_from([None, "SD", "4k", "8K"]),
            }
        ),
        min_size=1,
        max_size=20,
    )
)
def test_extreme_rows_score_as_in_training(rows, scorer):
    """The pandas path of the study and the Arrow path of the scorer agree within 1e-6."""
    frame = pd.DataFrame(rows)
    numeric = ["Followers", "Avg_Views_per_Post", "Engagement_Rate", "Growth_Rate"]
    frame[numeric] = frame[numeric].astype(float)
    clean = frame.assign(
        Niche=frame["Niche"].replace({"": None, "tech ": "Tech"}).astype("str"),
        Video_Quality=frame["Video_Quality"].replace({"4k": "4K"}).astype("str"),
    )
    expected = scorer.model.model.predict_proba(clean)
    units = {"Engagement_Rate": "fraction", "Growth_Rate": "fraction"}
    y_prob = scorer.predict_proba(pa.Table.from_pandas(frame), units=units)
    np.testing.assert_allclose(y_prob, expected, atol=1e-6)
    one_by_one = [
        scorer.predict_proba(pa.Table.from_pandas(frame.iloc[[i]]), units=units)[0]
        for i in range(len(frame))
    ]
    np.testing.assert_allclose(one_by_one, expected, atol=1e-6)


@pytest.mark.slow
def test_killed_process_leaves_no_partial_output(demo_model, tmp_path):
    source, out = tmp_path / "m.parquet", tmp_path / "s.parquet"
    write_market(source, 300_000, seed=2)
    command = [
        sys.executable,
        "-c",
        "from durhampulse.cli import main; main()",
        "score",
        str(source),
        "-o",
        str(out),
        "--model",
        str(demo_model),
    ]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    whole, seconds = pq.read_metadata(out).num_rows, time.perf_counter() - start
    rng, seen = random.Random(0), {"none": 0, "whole": 0}
    for number in range(50):
        out.unlink(missing_ok=True)
        # Half of the instants where the file is being finished.
        share = rng.uniform(0.75, 1.15) if number % 2 else rng.uniform(0.0, 1.1)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(share * seconds)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        if out.exists():
            assert pq.read_metadata(out).num_rows == whole
            assert json.loads((tmp_path / "s.parquet.provenance.json").read_text())["rows"] == whole
            seen["whole"] += 1
        else:
            seen["none"] += 1
    assert seen["none"] > 0
    subprocess.run(command, check=True, capture_output=True)
    assert [path for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_suggested_option_can_be_pasted_into_a_shell(scorer):
    with pytest.raises(InputError, match="for example --map Engagement_Rate='Engagement avg'"):
        scorer.headers("x.csv", ["Influencer_ID", "Followers", "Engagement avg"])
