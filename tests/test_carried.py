"""Columns that tell who a creator is: recognised, never learned from, and given back as found."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

import durhampulse as dp
from durhampulse.cli import app
from durhampulse.creators.carried import carried_column, carried_kind
from durhampulse.creators.options import ReadOptions
from durhampulse.creators.reading import read_creators
from durhampulse.creators.rules import ColumnRule
from durhampulse.exceptions import InputError
from durhampulse.files.addresses import link_of
from durhampulse.files.formulas import as_before
from durhampulse.report.rendering import render_report
from durhampulse.report.tables import decision_view
from durhampulse.scoring.batch import score_files
from durhampulse.scoring.lookup import accounts_of
from tests.examples import examples
from tests.models import write_logistic


def table(n=120, **columns):
    """A table of figures that can be learned from, other columns first."""
    rows = range(n)
    figures = {
        "Followers": [1_000 + 400 * i for i in rows],
        "Engagement_Rate": [0.01 + 0.0005 * (i % 90) for i in rows],
        "Niche": [("Tech", "Pets")[i % 2] for i in rows],
        "Sponsorship_Status": [int(i * 7 % 11 > 5) for i in rows],
    }
    return pd.DataFrame(
        {name: [cells(i) for i in rows] for name, cells in columns.items()} | figures
    )


PEOPLE = {
    "Handle": lambda i: f"@creator_{i:03}",
    "Name": lambda i: f"Zo\u00eb O'Neil {i}",
    "Profile URL": lambda i: f"https://www.twitch.tv/creator_{i:03}",
    "E-mail": lambda i: f"c{i}@mail.example",
    "Platform": lambda i: ("YouTube", "TikTok")[i % 2],
    "Country": lambda i: ("DE", "\u65e5\u672c")[i % 2],
    "Fee": lambda i: f"${1_000 + i:,}",
}
TOLD = ["Name", "Profile URL", "E-mail", "Platform", "Country", "Fee"]


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("people") / "people.csv"
    table(**PEOPLE).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def scorer(people, tmp_path_factory):
    return write_logistic(people, tmp_path_factory.mktemp("model") / "model")


# Words from dictionaries and from the exports of platforms, one of each kind and language.
@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("name", ("Name", "full_name", "Nombre", "Nom", "Vorname", "\u0418\u043c\u044f")),
        ("name", ("\u59d3\u540d", "\u540d\u524d", "\u0928\u093e\u092e", "\u0627\u0633\u0645")),
        ("handle", ("Username", "Instagram handle", "Usuario", "Nom d\u2019utilisateur")),
        ("handle", ("channel", "Kanal", "\u041a\u0430\u043d\u0430\u043b", "\u8d26\u53f7")),
        ("handle", ("Influencer insta name", "TikTok_Name")),
        ("platform", ("Platform", "Plataforma", "Plateforme", "\u5e73\u53f0", "\u0645\u0646\u0635\u0629")),
        ("country", ("COUNTRY", "Pa\u00eds", "Pays", "Land", "\u56fd\u5bb6", "\u09a6\u09c7\u09b6")),
        ("language", ("Language", "Idioma", "Sprache", "\u042f\u0437\u044b\u043a", "\u8bed\u8a00")),
        ("link", ("Profile link", "channelURL", "Enlace", "\u94fe\u63a5", "\u30ea\u30f3\u30af")),
        ("picture", ("Avatar", "Profile picture", "Foto", "\u5934\u50cf")),
        ("email", ("E-Mail", "Contact email", "Correo electr\u00f3nico", "\u90ae\u7bb1")),
        ("fee", ("Fee", "Fee_plain", "Price per post (USD)", "Total cost", "Tarif", "Precio", "\u0426\u0435\u043d\u0430", "\u62a5\u4ef7")),
        (None, ("Followers", "Audience country", "Engagement", "Watch minutes", "Price sensitivity")),
        (None, ("Platform age", "Country of birth", "Name length", "Post count", "Link clicks")),
    ],
)  # fmt: skip
def test_headers_say_what_is_carried(kind, headers):
    assert {header: carried_kind(header) for header in headers} == dict.fromkeys(headers, kind)


@pytest.mark.parametrize(
    ("header", "cells", "kind"),
    [
        ("where", ["https://a.tv/x", "http://b.tv/y", "www.c.tv/z"], "link"),
        ("img", ["https://a.tv/x.png", "https://a.tv/y.JPG?s=1", None], "picture"),
        ("write to", ["a@b.eu", "c.d@e.com", "x@y.co"], "email"),
        ("who", ["@lena", "@tom.s", "@kim_1"], "handle"),
        ("profile pic", ["0", "1", "1"], None),
        ("external url", ["0", "1", "0"], None),
        ("Channel", ["Email", "Web"] * 30, None),
        ("Channel", [f"c{i}" for i in range(60)], "handle"),
        ("Channel", ["Instagram", "TikTok", "youtube "] * 20, "platform"),
        ("Instagram account", [f"c{i}" for i in range(60)], "handle"),
        ("Instagram account", ["business", "personal"] * 30, None),
        ("e-mail", ["yes", "no", "yes"], None),
        ("notes", ["see https://a.tv", "call", "none"], None),
    ],
)
def test_cells_have_their_say(header, cells, kind):
    assert carried_column(header, pa.array(cells)) == kind


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://youtube.com/@lena?x=1#top", "https://youtube.com/@lena?x=1#top"),
        ("HTTP://a.tv", "HTTP://a.tv"),
        ("instagram.com/lena", "https://instagram.com/lena"),
        ("lena@mail.example", "mailto:lena@mail.example"),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("https://bank.example@evil.example/", None),
        ("data:text/html,x", None),
        ("internal:Sheet1!A1", None),
        ("external:c:\\x.xlsx", None),
        ("https://a.tv/" + "x" * 3_000, None),
        ("4.5/10", None),
        ("", None),
    ],
)
def test_only_web_and_mail_addresses_are_links(text, address):
    assert link_of(text) == address


def test_carried_columns_are_listed_and_not_learned_from(people):
    creators = read_creators(people)
    roles = {role.column: role.role for role in creators.roles}
    assert roles == {
        "Influencer_ID": "identifier", "Followers": "feature", "Engagement_Rate": "feature",
        "Niche": "feature", "Sponsorship_Status": "label", **dict.fromkeys(TOLD, "carried"),
    }  # fmt: skip
    kinds = ["name", "link", "email", "platform", "country", "fee"]
    assert creators.carried == dict(zip(TOLD, kinds, strict=True))
    assert creators.table["Fee"].iloc[3] == "$1,003"
    ledger = creators.irregularities
    assert ledger.loc[ledger["code"] == "carried-column", "column"].tolist() == TOLD


# --- the identifier


@pytest.mark.parametrize(
    ("columns", "header"),
    [
        (("Name", "Username"), "Username"),
        (("Username", "Account ID"), "Account ID"),
        (("Profile link", "Channel"), "Channel"),
        (("E-mail", "Profile link"), "Profile link"),
        (("Name", "E-mail"), "E-mail"),
        (("Full name", "Notes"), "Full name"),
        (("Deal ID", "Post URL", "Handle"), "Handle"),
        (("Handle", "influencer"), "influencer"),
    ],
)
def test_best_unique_column_is_proposed_as_identifier(columns, header):
    cells = {"Profile link": "https://a.tv/{}", "E-mail": "x{}@b.eu", "Post URL": "http://p.eu/{}"}
    unique = {c: (lambda i, c=c: cells.get(c, c + "-{}").format(i)) for c in columns}
    creators = read_creators(table(**unique))
    assert creators.table["Influencer_ID"].iloc[5] == cells.get(header, header + "-{}").format(5)
    assert header not in creators.table


def test_column_with_alike_or_empty_cells_is_not_proposed():
    for cells in (lambda i: f"@c{i // 2}", lambda i: f"@c{i}" if i else None):
        creators = read_creators(table(Username=cells))
        assert creators.table["Influencer_ID"].iloc[0] == "row-1"
        ledger = creators.irregularities.set_index("code")
        assert "--id 'Username'" in ledger.loc["proposed-id", "action"]


@pytest.mark.parametrize(
    ("links", "first"),
    [
        ("https://a.tv/@c{}", "https://a.tv/@c0"),
        ("https://a.tv/reel/{}", "Ann 0"),  # a creator may have several posts
    ],
)
def test_names_that_repeat_give_way_to_a_column_that_tells_creators_apart(links, first):
    frame = table(Influencer=lambda i: f"Ann {i // 2}", Link=links.format)
    creators = read_creators(frame)
    assert creators.table["Influencer_ID"].iloc[0] == first
    rivals = "proposed-id" in set(creators.irregularities["code"])
    assert rivals == (first != "Ann 0")
    named = read_creators(frame, identifier="Influencer")
    assert named.table["Influencer_ID"].iloc[0] == "Ann 0"


@pytest.mark.parametrize(
    "header", ["Kullan\u0131c\u0131 ad\u0131", "Gebruikersnaam", "Блогер", "Hesap", "Handle__c"]
)
def test_headers_of_handles_are_known_in_further_languages(header):
    creators = read_creators(table(**{header: "c{}".format}))
    assert creators.table["Influencer_ID"].iloc[7] == "c7"


def test_column_that_a_model_learned_by_its_own_name_stays_that_column(tmp_path):
    market = dp.simulate_market(300, seed=5).table
    market["ER in %"] = market["Avg_Views_per_Post"] / market["Followers"]
    market.to_csv(tmp_path / "a.csv", index=False)
    scorer = write_logistic(tmp_path / "a.csv", tmp_path / "model")
    assert "ER in %" in scorer.rules
    later = [header for header in market if header != "Engagement_Rate"]
    columns = scorer.headers("later.csv", later, ReadOptions()).columns
    assert columns["ER in %"] == "ER in %"
    assert "Engagement_Rate" not in columns


def test_identifiers_that_a_spreadsheet_made_days_of_are_noted():
    days = {3: "12-Mar", 4: "2026-03-04"}
    creators = read_creators(table(Username=lambda i: days.get(i, f"c{i}")))
    (note,) = creators.irregularities.query("code == 'spelling'").to_dict("records")
    assert (note["count"], note["examples"]) == (2, "'12-Mar', '2026-03-04'")
    assert creators.table["Influencer_ID"].iloc[3] == "12-Mar"


def test_creators_without_a_follower_are_noted():
    frame = table(Username="c{}".format).assign(Followers=[0, 0, *range(1_000, 1_118)])
    (note,) = read_creators(frame).irregularities.query("code == 'implausible'").to_dict("records")
    assert (note["column"], note["count"]) == ("Followers", 2)


def test_identifier_rounded_by_a_spreadsheet_is_refused():
    rounded = table(**{"Account ID": lambda i: "1.23E+15" if i == 3 else f"{i}E5"})
    with pytest.raises(InputError, match=r"Account ID, row 4: '1.23E\+15' is a long number"):
        read_creators(rounded, identifier="Account ID")
    kept = read_creators(table(**{"Account ID": lambda i: f"{i}E5"}), identifier="Account ID")
    assert kept.table["Influencer_ID"].iloc[3] == "3E5"


@pytest.mark.parametrize("cells", [["1.5%", "0.9%", "3%"], ["1,5", "0,9", "3,1"], [1.5, 0.9, None]])
def test_rate_on_tiktok_is_no_tiktoker(cells):
    assert carried_column("TikTok ER", pa.array(cells)) is None
    assert carried_column("Tiktoker", pa.array(["Ann Lee", "Bo Oz", "Cy Fox"])) == "name"


def test_id_option_decides_and_rows_may_share_a_creator():
    creators = read_creators(
        table(Username=lambda i: f"@c{i // 2}", Name=str), identifier="Username"
    )
    assert creators.table["Influencer_ID"].tolist()[:3] == ["@c0", "@c0", "@c1"]
    assert creators.carried == {"Name": "name"}
    with pytest.raises(InputError) as caught:
        read_creators(table(Username=str), identifier="Usrname")
    assert "no column 'Usrname'" in caught.value.problem
    assert "'Username'" in caught.value.way_out


def test_identifier_of_model_comes_before_rule_for_headers(scorer, tmp_path):
    other = table(20, Username=lambda i: f"u{i}", Handle=lambda i: f"@h{i}")
    assert scorer.score(other)["Influencer ID"].iloc[0] == "@h0"
    assert scorer.score(other.drop(columns="Handle"))["Influencer ID"].iloc[0] == "u0"
    assert scorer.score(other, identifier="Username")["Influencer ID"].iloc[0] == "u0"
    other.drop(columns="Handle").to_csv(tmp_path / "a.csv", index=False)
    summary = score_files(scorer, [tmp_path / "a.csv"], tmp_path / "o.csv")
    assert summary.notes == ["a.csv: 'Username' read as Influencer_ID; --id COLUMN decides"]


# --- options


def test_keep_drop_and_feature_decide(people):
    frame = pd.read_csv(people).assign(Mood=[f"m{i % 5}" for i in range(120)])
    creators = read_creators(
        frame, keep=("Mood",), drop=("E-mail", "Followers"), feature=("Country",)
    )
    assert creators.carried["Mood"] == "other"
    assert {role.column for role in creators.features} == {"Engagement_Rate", "Niche", "Country"}
    assert not {"E-mail", "Followers"} & {*creators.table}


@pytest.mark.parametrize(
    "options",
    [
        {"keep": ("Fee",), "drop": ("Fee",)},
        {"keep": ("Fee",), "feature": ("Fee",)},
        {"identifier": "Fee", "drop": ("Fee",)},
        {"identifier": "Fee", "columns": {"Influencer_ID": "Handle"}},
        {"columns": {"Niche": "Platform"}, "feature": ("Platform",)},
        {"keep": ("Followers",)},
        {"keep": ("Missing",)},
    ],
)
def test_contradictions_are_one_clear_error(people, options):
    with pytest.raises(InputError) as caught:
        read_creators(people, **options)
    assert caught.value.way_out


def test_column_dropped_in_study_stays_out_of_scores(people, tmp_path):
    scorer = write_logistic(people, tmp_path / "m", drop=("E-mail", "Followers"))
    scored = scorer.score(pd.read_csv(people))
    assert "E-mail" not in scored
    assert scored["Follower Count"].isna().all()
    assert "E-mail" in scorer.score(pd.read_csv(people), keep=("E-mail",))


def test_feature_of_model_is_not_carried(people, tmp_path):
    scorer = write_logistic(people, tmp_path / "m", feature=("Country",))
    assert "Country" in scorer.columns
    assert "Country" not in scorer.score(pd.read_csv(people))
    with pytest.raises(InputError, match="learned from"):
        scorer.score(pd.read_csv(people), keep=("Country",))


def test_rule_of_carried_column_survives_manifest(scorer):
    rule = scorer.model.rules["Fee"]
    assert (rule.kind, rule.carries, rule.header) == ("carried", "fee", "Fee")
    assert ColumnRule.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule


# --- what comes out


def test_every_kind_of_table_keeps_carried_columns_after_identifier(scorer, people):
    frame = pd.read_csv(people)
    first = ["Influencer ID", *TOLD, "Predicted Sponsorship"]
    for source in (frame, pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        scored = scorer.score(source)
        names = scored.column_names if isinstance(scored, pa.Table) else [*scored.columns]
        assert names[: len(first)] == first
        assert list(scored["Profile URL"])[2] in (
            frame["Profile URL"][2],
            pa.scalar(frame["Profile URL"][2]),
        )
    decided = scorer.decide(frame)
    assert [*decided.columns[: len(first)]] == first
    row = decided.iloc[0]
    assert row["Name"].split()[-1] == str(int(row["Influencer ID"][-3:]))


def test_score_of_read_creators_keeps_what_was_kept(scorer, people):
    creators = read_creators(pd.read_csv(people).assign(Mood="x"), keep=("Mood",))
    assert scorer.score(creators)["Mood"].tolist() == ["x"] * 120


def test_own_headers_do_not_meet_those_of_decision_table(scorer, people):
    scored = scorer.score(pd.read_csv(people).assign(Flags=[*range(120)]), keep=("Flags",))
    assert scored["Flags (as found)"].tolist()[:2] == ["0", "1"]
    assert scored["Flags"].tolist()[0] == ""


def test_explanation_says_who_it_is(scorer, people):
    (account,) = accounts_of(scorer, people, "@creator_007")
    assert account.carried["E-mail"] == "c7@mail.example"
    assert "  Fee: $1,007" in account.text().splitlines()
    assert account.to_dict()["carried"]["Country"] == "\u65e5\u672c"


def test_explanation_of_record_gives_back_who_it_is(scorer):
    row = table(1, **PEOPLE).iloc[0].drop("Sponsorship_Status")
    account = scorer.explain(row)
    assert account.creator == "@creator_000"
    assert account.carried["Profile URL"] == "https://www.twitch.tv/creator_000"
    assert "Handle" not in account.carried


def test_report_names_creators_and_links_web_addresses_alone(scorer, people):
    decided = scorer.decide(pd.read_csv(people))
    decided["Profile URL"] = "javascript:alert(1)"
    decided.loc[decided.groupby("Sponsorship Recommendation").head(1).index, "Profile URL"] = (
        "https://www.a.tv/<x>"
    )
    shown = decision_view(decided, read_creators(people).carried)
    assert shown.columns[:2] == ["Influencer ID", "Predicted Sponsorship"]
    names = [row[0] for row in shown.rows]
    assert {part.header for name in names for part in name.carried} == {*TOLD} - {"E-mail"}
    links = {(part.text, part.href) for name in names for part in name.carried if part.href}
    assert links == {("a.tv/<x>", "https://www.a.tv/<x>")}
    empty: dict[str, list[str]] = {
        key: [] for key in ("facts", "limits", "opening", "sections", "summary")
    }
    report = SimpleNamespace(
        title="t",
        source="s",
        simulated=False,
        calculator=None,
        decisions=shown,
        **empty,
    )
    page = render_report(report)
    assert '<a href="https://www.a.tv/&lt;x&gt;" rel="noopener noreferrer nofollow">' in page
    assert "<x>" not in page
    assert 'href="javascript' not in page


def test_carried_column_of_one_file_stays_out_of_that_of_another(scorer, people, tmp_path):
    """`Rank` is renamed beside our own, by as much as the headers of all files together ask for."""
    first, second = "Rank", "Rank (as found)"
    few = pd.read_csv(people).head(3)
    for name, header in (("a", first), ("b", second)):
        few.assign(**{header: f"of {name}"}).to_csv(tmp_path / f"{name}.csv", index=False)
    files, out = [tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "out.csv"
    score_files(scorer, files, out, ReadOptions(keep=(first, second)))
    scored = pd.read_csv(out)
    assert scored["Rank (as found) (as found)"].tolist()[:3] == ["of a"] * 3
    assert scored["Rank (as found)"].tolist()[3:] == ["of b"] * 3
    assert scored[["Rank (as found) (as found)", "Rank (as found)"]].isna().sum().tolist() == [3, 3]


def test_columns_without_text_are_not_carried(scorer, people, tmp_path):
    frame = pd.read_csv(people)
    frame["Name"] = [[1, 2]] * len(frame)
    frame["Avatar"] = [b"\x89PNG\xff"] * len(frame)
    creators = read_creators(frame)
    assert not {"Name", "Avatar"} & {*creators.carried}
    assert not {"Name", "Avatar"} & {*scorer.score(frame)}
    frame.to_parquet(tmp_path / "a.parquet")
    score_files(scorer, [tmp_path / "a.parquet"], tmp_path / "o.csv")
    assert pd.read_csv(tmp_path / "o.csv").columns[1] == "Profile URL"
    with pytest.raises(InputError, match="--drop 'Name'"):
        scorer.score(frame, keep=("Name",))


def test_files_with_other_columns_give_their_union(scorer, tmp_path):
    table(3, Handle=lambda i: f"@a{i}", Name=str).to_csv(tmp_path / "a.csv", index=False)
    table(2, Handle=lambda i: f"@b{i}", Fee=str, Name=str).to_csv(tmp_path / "b.csv", index=False)
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    score_files(scorer, files, tmp_path / "o.parquet")
    scored = pq.read_table(tmp_path / "o.parquet")
    assert scored.column_names[:4] == ["Influencer ID", "Name", "Fee", "Predicted Sponsorship"]
    assert scored["Fee"].to_pylist() == [None, None, None, "0", "1"]
    with pytest.raises(InputError, match="no column 'Fe'"):
        score_files(scorer, files, tmp_path / "o.parquet", keep=("Fe",))
    score_files(scorer, files, tmp_path / "o.parquet", drop=("Fee",))
    assert "Fee" not in pq.read_table(tmp_path / "o.parquet").column_names


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20).filter(
    lambda text: text.strip() != "" and text == "".join(text.splitlines())
)


@examples(25)
@given(cells=st.lists(TEXTS, min_size=12, max_size=12), order=st.permutations(range(6)))
def test_any_text_comes_out_of_any_format_as_it_went_in(scorer, tmp_path, cells, order):
    frame = table(12, Handle=lambda i: f"h{i}", Fee=lambda i: cells[i])
    frame = frame[[frame.columns[place] for place in order]]
    frame.to_parquet(tmp_path / "in.parquet", index=False)
    for suffix in ("parquet", "csv", "xlsx"):
        score_files(scorer, [tmp_path / "in.parquet"], tmp_path / f"out.{suffix}")
    assert pq.read_table(tmp_path / "out.parquet")["Fee"].to_pylist() == cells
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as stream:
        written = [row["Fee"] for row in csv.DictReader(stream)]
    pieces = [piece for cell in written for piece in re.split(r"[;\t]", cell)]
    assert not [piece for piece in pieces if re.match('"?[=+@\uff1d\uff0b\uff0d\uff20-]', piece)]
    assert [as_before(cell) for cell in written] == cells


ODD = ["=1+1", "@ann", "a\tb", "a\nb", "\x00x", "\x07", "\u202ex", "", None, " ", "'@bo", "x;=1"]


@pytest.mark.parametrize("distinct", [True, False])
def test_odd_cells_are_carried_as_found_and_neutral_in_csv(scorer, tmp_path, distinct):
    """Whether a chunk's other texts repeat, and so come by a dictionary, or never do."""
    n = 66_000  # more than a chunk
    cells = [f"@{i}" if distinct else "ann" for i in range(n)]
    places = [*range(6), *range(n - 6, n)]
    for place, cell in zip(places, ODD, strict=True):
        cells[place] = cell
    few = table(12, Handle=lambda i: f"h{i}")
    frame = pd.concat([few] * (n // 12 + 1), ignore_index=True).head(n)
    frame["Influencer_ID"] = [f"c{i}" for i in range(n)]
    frame["Email"] = pd.Series(cells, dtype=object)
    frame.to_parquet(tmp_path / "in.parquet", index=False)
    for suffix in ("parquet", "csv"):
        score_files(scorer, [tmp_path / "in.parquet"], tmp_path / f"out.{suffix}", keep=("Email",))
    carried = pq.read_table(tmp_path / "out.parquet")["Email"].to_pylist()
    assert carried == cells
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as stream:
        written = [
            row["Email"] for row in csv.DictReader(line.replace("\0", "0") for line in stream)
        ]
    safe = [
        "'=1+1",
        "'@ann",
        "a\tb",
        "a\nb",
        "0x",
        "\x07",
        "\u202ex",
        "",
        "",
        " ",
        "''@bo",
        "x;'=1",
    ]
    assert [written[place] for place in places] == safe
    assert written[6] == ("'@6" if distinct else "ann")


def test_workbook_links_addresses_and_nothing_else(scorer, people, tmp_path):
    frame = pd.read_csv(people)
    frame.loc[3, "Profile URL"] = "javascript:alert(1)"
    frame.loc[4, "Profile URL"] = "=HYPERLINK(1)"
    frame.to_csv(tmp_path / "in.csv", index=False)
    score_files(scorer, [tmp_path / "in.csv"], tmp_path / "o.xlsx")
    rows = CalamineWorkbook.from_path(tmp_path / "o.xlsx").get_sheet_by_index(0).to_python()
    place = rows[0].index("Profile URL")
    assert [row[place] for row in rows[1:]] == frame["Profile URL"].tolist()
    with zipfile.ZipFile(tmp_path / "o.xlsx") as book:
        links = book.read("xl/worksheets/_rels/sheet1.xml.rels").decode()
    targets = set(re.findall(r'Target="([^"]*)"', links))
    assert targets == {
        *(url for url in frame["Profile URL"] if url.startswith("https")),
        *("mailto:" + mail for mail in frame["E-mail"]),
    }


def test_flags_of_command_line_settle_columns(people):
    flags = ["--map", "Followers=", "--drop", "Fee", "--drop", "Name", "--feature", "Country"]
    result = CliRunner().invoke(app, ["inspect", str(people), "--json", "--id", "E-mail", *flags])
    columns = {row["column"]: row["role"] for row in json.loads(result.output)["columns"]}
    assert columns == {
        "Influencer_ID": "identifier", "Engagement_Rate": "feature", "Niche": "feature",
        "Sponsorship_Status": "label", "Handle": "carried", "Profile URL": "carried",
        "Platform": "carried", "Country": "feature", "Followers (as found)": "feature",
    }  # fmt: skip
