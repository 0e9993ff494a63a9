"""Lines around a table that are no part of it, as mails and surveys have them."""

from __future__ import annotations

import json

import openpyxl
import pytest

import durhampulse as dp
from durhampulse.creators.options import ReadOptions
from durhampulse.desk.imports.preview import preview
from durhampulse.exceptions import InputError
from durhampulse.files.stream import open_stream

HEADER = "Influencer_ID,Followers,Engagement_Rate,Niche"
ROWS = ["a,1200,0.056,Tech", "b,900,0.04,Food", "c,30000,0.021,Tech"]
TABLE = "\n".join([HEADER, *ROWS])


def codes(read):
    notes = read.irregularities
    return dict(zip(notes["code"], notes["count"], strict=True))


def passed_over(path, code):
    """How many rows both readers of a file pass over for one reason, as it is said."""
    read = dp.read_creators(path)
    assert read.table["Followers"].tolist() == [1_200, 900, 30_000]
    stream = open_stream(path, ReadOptions())
    assert sum(len(chunk.rows) for chunk in stream.chunks(["Influencer_ID", "Followers"])) == 3
    streamed = {entry["code"]: entry["count"] for entry in stream.noted().entries}
    assert streamed[code] == codes(read)[code]
    return streamed[code]


@pytest.mark.parametrize(
    ("below", "lines"),
    [
        ("\n\nBest regards,\nTom Miller, Agency\n", 2),
        ("\nViele Gr\u00fc\u00dfe\nTom\n", 2),
        ("\n\nAll figures were taken from public profiles\n", 1),
        ("\nSource: HypeAuditor, exported on 2026-11-01\n", 1),
        ("\nSource: Modash,,,\n", 1),
        ("\n* estimated,,,\n(1) average of 30 posts,,,\n", 2),
        ("\n(3 rows)\n", 1),
        ("\n\nBien cordialement,\n\nTom\nParis\n", 3),
    ],
)
def test_lines_below_a_table_are_no_creators(below, lines, tmp_path):
    (tmp_path / "t.csv").write_text(TABLE + below, encoding="utf-8")
    assert passed_over(tmp_path / "t.csv", "footer") == lines


@pytest.mark.parametrize(
    "below",
    ["\nd,1200", "\n\nd,1200,0.02", "\nLena,Food\n", "\n\nFollowers are many, in all\n1,2\n"],
)
def test_rows_cut_short_stay_an_error(below, tmp_path):
    (tmp_path / "t.csv").write_text(TABLE + below, encoding="utf-8")
    with pytest.raises(InputError, match="cells where the header has 4"):
        dp.read_creators(tmp_path / "t.csv")


@pytest.mark.parametrize(
    "name", ["Lena Meyer", "Best Of Travel", "Source Studio", "Notes from Kai"]
)
def test_creators_of_whom_only_the_name_is_known_are_kept(name, tmp_path):
    (tmp_path / "t.csv").write_text(f"{TABLE}\n{name},,,\n", encoding="utf-8")
    assert dp.read_creators(tmp_path / "t.csv").table["Influencer_ID"].tolist()[-1] == name


def test_lines_below_the_table_of_a_sheet_are_no_creators(tmp_path):
    book = openpyxl.Workbook()
    for row in [
        *(line.split(",") for line in TABLE.split("\n")),
        [],
        ["Quelle: Modash"],
        ["Stand: Mai"],
    ]:
        book.active.append([float(c) if c.replace(".", "").isdigit() else c for c in row])
    book.save(tmp_path / "t.xlsx")
    assert passed_over(tmp_path / "t.xlsx", "footer") == 2


@pytest.mark.parametrize("end", [".csv", ".txt"])
@pytest.mark.parametrize("line", [" --- ", ":---:", "-----", " :-- "])
def test_markdown_table_in_a_mail_is_read(line, end, tmp_path):
    cells = [row.split(",") for row in TABLE.split("\n")]
    rows = ["| " + " | ".join(row) + " |" for row in cells]
    rows.insert(1, "|" + "|".join([line] * 4) + "|")
    mail = "\n".join(["Hello,", "", "here they are:", "", *rows, "", "Best,", "Tom", ""])
    (tmp_path / f"t{end}").write_text(mail, encoding="utf-8")
    assert passed_over(tmp_path / f"t{end}", "described-headers") == 1
    assert passed_over(tmp_path / f"t{end}", "footer") == 2
    read = dp.read_creators(tmp_path / f"t{end}")
    assert list(read.table) == HEADER.split(",")


def test_columns_without_header_and_cells_are_no_problem_of_an_import(demo_model, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("\n".join(f"{line}," for line in TABLE.split("\n")), encoding="utf-8")
    shown = preview(dp.load_model(demo_model), path, "t.csv", ReadOptions())
    assert shown.problem is None
    assert shown.looked_through


def test_rows_that_a_survey_adds_to_its_headers_are_no_creators(tmp_path):
    """As Qualtrics exports: names, the questions, and what its import needs as JSON."""
    questions = '"Your ID","How many\nfollowers have you?","Engagement?","Which niche, or topic?"'
    imports = ",".join(
        '"' + json.dumps({"ImportId": f"QID{n}"}).replace('"', '""') + '"' for n in range(4)
    )
    (tmp_path / "t.csv").write_text(
        "\n".join([HEADER, questions, imports, *ROWS]), encoding="utf-8"
    )
    assert passed_over(tmp_path / "t.csv", "described-headers") == 2


@pytest.mark.parametrize(
    ("header", "below"),
    [
        (HEADER, ["Total,32100,,", "Average,10700,0.039,"]),
        (f"#,{HEADER}", [",TOTAL,32100,,", ",Average,10700,0.039,"]),
        (f"Rank,{HEADER}", ["Sum,,32100,,"]),
    ],
)
def test_sums_below_a_short_table_are_no_creators(header, below, tmp_path):
    """A total and an average are two rows of five, and stand beside the number of a row."""
    rows = ROWS if header == HEADER else [f"{n},{row}" for n, row in enumerate(ROWS, start=1)]
    (tmp_path / "t.csv").write_text("\n".join([header, *rows, *below]), encoding="utf-8")
    assert passed_over(tmp_path / "t.csv", "total-row") == len(below)


def test_names_that_are_words_for_sums_are_kept_where_they_come_again(tmp_path):
    rows = [
        f"{name},{1_000 + n},Tech" for n, name in enumerate(["Total", "Total", "Sum", "a", "b"])
    ]
    (tmp_path / "t.csv").write_text("\n".join(["Brand,Followers,Niche", *rows]), encoding="utf-8")
    assert len(dp.read_creators(tmp_path / "t.csv").table) == 5
