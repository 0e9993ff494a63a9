from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import sqlalchemy

from durhampulse.creators.options import ReadOptions
from durhampulse.creators.reading import read_creators
from durhampulse.exceptions import InputError

HEADER = (
    "Influencer_ID,Followers,Engagement_Rate,Growth_Rate,Niche,Video_Quality,"
    "Avg_Views_per_Post,Sponsorship_Status\n"
)
ROWS = (
    "1,145000,0.056,0.021,Fashion,HD,30000,1\n"
    "2,9000,0.031,-0.004,Tech,4k,2500,0\n"
    "3,12000,0.044,0.012,fashion ,SD,4100,0\n"
    "4,12000,6.8%,0.012,Fashion,SD,4100,\n"
)


def counts(creators):
    ledger = creators.irregularities
    return dict(
        zip(zip(ledger["code"], ledger["column"], strict=True), ledger["count"], strict=True)
    )


def test_standard_columns_are_read(write):
    creators = read_creators(write(HEADER + ROWS))
    assert creators.table.shape == (4, 8)
    assert creators.table["Engagement_Rate"].tolist() == [0.056, 0.031, 0.044, 0.068]
    assert creators.table["Niche"].tolist() == ["Fashion", "Tech", "Fashion", "Fashion"]
    assert creators.table["Video_Quality"].tolist() == ["HD", "4K", "SD", "SD"]
    assert len(creators.labelled) == 3
    assert creators.unlabelled["Influencer_ID"].tolist() == [4]
    ledger = counts(creators)
    assert ledger["percent-sign", "Engagement_Rate"] == 1
    assert ledger["stray-space", "Niche"] == 1
    assert ledger["spelling", "Niche"] == 1
    assert ledger["spelling", "Video_Quality"] == 1
    assert ledger["negative-growth", "Growth_Rate"] == 1
    assert ledger["unlabelled", "Sponsorship_Status"] == 1


@pytest.mark.parametrize(
    ("encode", "name"),
    [
        (lambda t: t.encode("utf-8-sig"), "a.csv"),
        (lambda t: t.replace("Tech", "Café").encode("latin-1"), "a.csv"),
        (lambda t: t.encode("utf-16"), "a.csv"),
        (lambda t: t.replace(",", ";").encode(), "a.csv"),
        (lambda t: t.replace(",", "\t").encode(), "a.tsv"),
        (lambda t: t.replace("Followers", '"Followers\n"').encode(), "a.csv"),
        (lambda t: t.replace("\n", "\r\n").encode(), "a.csv"),
        (lambda t: (t + ",,,,,,,\n").encode(), "a.csv"),
    ],
)
def test_encodings_and_separators_give_same_table(tmp_path, encode, name):
    path = tmp_path / name
    path.write_bytes(encode(HEADER + ROWS))
    creators = read_creators(path)
    assert creators.table["Followers"].tolist() == [145000, 9000, 12000, 12000]
    assert creators.table.index.tolist() == [2, 3, 4, 5]


def test_excel_parquet_and_database_give_same_table(tmp_path, write):
    expected = read_creators(write(HEADER + ROWS)).table
    frame = expected.astype({"Niche": object, "Video_Quality": object})
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    frame.to_parquet(tmp_path / "a.parquet", index=False)
    address = f"sqlite:///{tmp_path}/a.db"
    engine = sqlalchemy.create_engine(address)
    frame.to_sql("creators", engine, index=False)
    engine.dispose()
    for creators in (
        read_creators(tmp_path / "a.xlsx"),
        read_creators(tmp_path / "a.parquet"),
        read_creators(address, table="creators"),
        read_creators(address, query="SELECT * FROM creators WHERE Followers > 0"),
    ):
        pd.testing.assert_frame_equal(
            creators.table.reset_index(drop=True),
            expected.reset_index(drop=True),
            check_dtype=False,
        )


def test_sheet_read_from_workbook_is_named(tmp_path, write):
    frame = pd.read_csv(write(HEADER + ROWS))
    path = tmp_path / "a.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame().to_excel(book, sheet_name="cover", index=False)
        frame.to_excel(book, sheet_name="2025", index=False)
        frame.head(2).to_excel(book, sheet_name="2026", index=False)
    with pytest.raises(InputError, match=r"(?s)'cover' is empty.*'2025', '2026'.*--table"):
        read_creators(path)
    with pytest.raises(InputError, match=r"(?s)no sheet is called '2024'.*'cover', '2025', '2026'"):
        read_creators(path, table="2024")
    creators = read_creators(path, table="2025")
    assert len(creators.table) == 4
    (noted,) = creators.irregularities.query("code == 'other-sheets'").to_dict("records")
    assert noted["count"] == 1  # the cover holds nothing
    assert "'2025' is read, these are not: '2026'" in noted["action"]
    with pytest.raises(InputError, match="only a workbook has sheets"):
        read_creators(write(HEADER + ROWS), table="2025")


def test_header_aliases_and_maps(write):
    text = ROWS.join([HEADER.replace("Followers", "Follower Count"), ""])
    text = text.replace("Engagement_Rate", "eng. rate").replace("Niche", "what")
    creators = read_creators(write(text), columns={"Niche": "what"})
    assert list(creators.table.columns) == HEADER.strip().split(",")
    assert counts(creators)["renamed-column", "Niche"] == 1


def test_keywords_count_before_options_given_beside_them(write):
    path = write((HEADER + ROWS).replace("Followers", "subs").replace("Niche", "what"))
    options = ReadOptions(columns={"Niche": "subs"}, drop=("Avg_Views_per_Post",))

    creators = read_creators(path, options, columns={"Followers": "subs", "Niche": "what"})

    assert creators.table["Followers"].tolist() == [145000, 9000, 12000, 12000]
    assert "Avg_Views_per_Post" not in creators.table


def test_duplicates_are_dropped_and_conflicts_kept(write):
    creators = read_creators(
        write(HEADER + ROWS + ROWS.splitlines()[0] + "\n" + ROWS[:1] + ",1" * 7)
    )
    ledger = counts(creators)
    assert ledger["duplicate-row", "Influencer_ID"] == 1
    assert ledger["conflicting-id", "Influencer_ID"] == 2
    assert len(creators.table) == 5


def test_impossible_rows_are_refused_with_the_reason(write):
    text = HEADER + ROWS + "5,-10,0.05,0.01,Tech,HD,100,0\n6,inf,0.05,-3,Tech,HD,100,0\n"
    creators = read_creators(write(text))
    assert creators.refused["Influencer ID"].tolist() == [5, 6]
    assert creators.refused["Reason"].tolist() == [
        "Followers cannot be -10",
        "Followers cannot be inf; Growth_Rate cannot be -3",
    ]
    assert len(creators.table) == 4


def test_roles_of_extra_columns(write):
    lines = (HEADER + ROWS * 6).strip().splitlines()
    extra = ["country,note,joined,one,price"]
    extra += [
        f"{'GB' if i % 2 else 'FR'},text {i},2024-01-{i + 1:02},x,{i * 1.5}" for i in range(24)
    ]
    text = "\n".join(f"{a},{b}" for a, b in zip(lines, extra, strict=True))
    wanted = ("country", "price")
    roles = {role.column: role for role in read_creators(write(text), feature=wanted).roles}
    assert roles["country"].role == "feature"
    assert roles["price"].role == "feature"
    assert {roles[name].role for name in ("note", "joined", "one")} == {"unused"}
    assert "date" in roles["joined"].reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (HEADER, "no row"),
        ("a,b\n1,2\n", "no column of a creators' table"),
        (HEADER + "1,2,3\n", "row 2"),
        (HEADER + ROWS.replace("1\n", "perhaps\n", 1), "row 2"),
        (
            HEADER + ROWS.replace("145000", "many").replace("9000", "some").replace("12000", "x"),
            "Followers",
        ),
        ("Fans,Subscribers,Niche\n1,2,a\n", "--map"),
        (HEADER + ROWS + '1,"' + "x" * (40 << 20) + '"' + ",1" * 6 + "\n", "longer than"),
        ("x" * (1 << 21), "first line"),
    ],
)
def test_bad_tables_get_one_clear_error(write, text, message):
    with pytest.raises(InputError) as caught:
        read_creators(write(text))
    assert message in str(caught.value)
    assert caught.value.way_out


def test_binary_file_with_csv_suffix_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(range(256)) * 10)
    with pytest.raises(InputError, match="not text"):
        read_creators(path)


def test_mixed_unclear_and_given_units(write):
    rng = np.random.default_rng(0)
    rates = rng.lognormal(-3.5, 0.5, 200)

    def table(values):
        lines = "\n".join(f"{i},{1000 + i},{v:.5f}" for i, v in enumerate(values))
        return write("Influencer_ID,Followers,Engagement_Rate\n" + lines + "\n")

    with pytest.raises(InputError, match="mixed"):
        read_creators(table(np.where(np.arange(200) % 3 == 0, 100 * rates, rates)))
    with pytest.raises(InputError, match="--unit Engagement_Rate=percent"):
        read_creators(table(np.full(200, 0.5)))
    half = read_creators(table(np.full(200, 0.5)), units={"Engagement_Rate": "percent"})
    assert half.table["Engagement_Rate"].iloc[0] == pytest.approx(0.005)
    percent = read_creators(table(100 * rates))
    assert percent.units["Engagement_Rate"] == "percent"
    np.testing.assert_allclose(percent.table["Engagement_Rate"], rates, atol=1e-7)


def test_database_password_is_never_shown():
    with pytest.raises(InputError) as caught:
        read_creators("postgresql+nodriver://me:geheim@localhost/db", table="creators")
    assert "geheim" not in str(caught.value)


def test_every_change_is_in_the_ledger(market_file):
    creators = read_creators(market_file)
    raw = pd.read_csv(market_file, dtype=str).set_axis(range(2, 1202))
    kept = raw.loc[creators.table.index]
    for name, code in (("Niche", {"spelling", "stray-space"}), ("Video_Quality", {"spelling"})):
        changed = (kept[name] != creators.table[name]) & kept[name].notna()
        ledger = creators.irregularities
        noted = ledger.loc[(ledger["column"] == name) & ledger["code"].isin(code), "count"].sum()
        assert 0 < changed.sum() <= noted


def followers(write, *cells):
    lines = "\n".join(f'{i},"{cell}",a' for i, cell in enumerate(cells))
    return read_creators(write(f"Influencer_ID,Followers,Niche\n{lines}\n"))


def test_counts_with_dots_and_commas(write):
    dotted = followers(write, "145.000", "12.000", "980.000", "900")
    assert dotted.table["Followers"].tolist() == [145_000, 12_000, 980_000, 900]
    assert counts(dotted)["number-format", "Followers"] == 3
    with pytest.raises(InputError, match="thousands commas"):
        followers(write, "145,000", "3,400", "12,5")


def test_mapped_column_takes_precedence(write):
    text = "Influencer_ID,Followers,subs,Niche\n1,5,500,a\n2,6,600,b\n"
    creators = read_creators(write(text), columns={"Followers": "subs"})
    assert creators.table["Followers"].tolist() == [500, 600]
    assert creators.table["Followers (as found)"].tolist() == [5, 6]


def test_header_unit_contradicting_numbers_is_refused(write):
    lines = "\n".join(f"{i},{0.01 + i / 1000}" for i in range(40))
    with pytest.raises(InputError, match="says percent"):
        read_creators(write(f"Influencer_ID,Engagement Rate (%)\n{lines}\n40,\n"))


def test_long_identifiers_with_gaps_stay_exact(tmp_path):
    ids = pd.array([1152921504606846977, None, 1152921504606846979], dtype="Int64")
    frame = pd.DataFrame({"Influencer_ID": ids, "Followers": [1, 2, 3]})
    frame.to_parquet(tmp_path / "a.parquet", index=False)
    read = read_creators(tmp_path / "a.parquet").table["Influencer_ID"].tolist()
    assert read == ["1152921504606846977", "row-2", "1152921504606846979"]


def test_pandas_index_is_read_as_column(tmp_path):
    frame = pd.DataFrame({"Influencer_ID": ["a", "b"], "Followers": [1, 2]})
    frame.set_index("Influencer_ID").to_parquet(tmp_path / "a.parquet")
    assert read_creators(tmp_path / "a.parquet").table["Influencer_ID"].tolist() == ["a", "b"]


def test_blank_lines_keep_row_numbers(write):
    creators = read_creators(write("Influencer_ID,Followers\n1,5\n\n2,-6\n"))
    assert creators.refused["Row"].tolist() == [4]
    assert counts(creators)["blank-row", ""] == 1


def test_database_is_opened_read_only(tmp_path):
    address = f"sqlite:///{tmp_path}/a.db"
    engine = sqlalchemy.create_engine(address)
    pd.DataFrame({"Influencer_ID": [1], "Followers": [5]}).to_sql("creators", engine, index=False)
    for query in (
        "drop table creators",
        "with x as (select 1) delete from creators",
        "select nonsense from creators",
        "selec",
        "",
    ):
        with pytest.raises(InputError):
            read_creators(address, query=query)
    assert len(read_creators(address, table="creators").table) == 1
    engine.dispose()


def test_pathological_cell_does_not_hang_the_parser(write):
    assert np.isnan(followers(write, "1" + " " * 20_000 + "x", "5", "6").table["Followers"].iloc[0])


def test_null_words_are_not_identifiers(write):
    creators = read_creators(write("Influencer_ID,Followers\nN/A,5\n n1 ,6\nnull,7\n"))
    assert creators.table["Influencer_ID"].tolist() == ["row-2", "n1", "row-4"]
    assert counts(creators)["stray-space", "Influencer_ID"] == 1


def test_extra_levels_are_noted_like_standard_levels(write):
    lines = "\n".join(f"{i},{i},{'de' if i % 3 else 'DE '}" for i in range(30))
    ledger = counts(read_creators(write(f"Influencer_ID,Followers,market\n{lines}\n")))
    assert ledger["spelling", "market"] == 10
    assert ledger["stray-space", "market"] == 10


@pytest.mark.parametrize("options", [{"units": {"Growth_Rate": "permille"}}, {"table": "creators"}])
def test_invalid_options_are_refused(write, options):
    with pytest.raises(InputError):
        read_creators(write(HEADER + ROWS), **options)
