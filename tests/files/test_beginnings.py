"""Where a table begins and ends among what else stands in a file."""

from __future__ import annotations

import openpyxl
import pytest

from durhampulse.creators.options import ReadOptions
from durhampulse.creators.reading import read_creators
from durhampulse.exceptions import InputError
from durhampulse.files.stream import open_stream
from durhampulse.files.tables import read_source
from durhampulse.irregularities import Ledger

HEADER = ["Influencer_ID", "Followers", "Engagement_Rate", "Niche"]
ROWS = [["a1", "1200", "0.031", "Tech"], ["a2", "5600", "0.044", "Food"]]


def as_csv(path, rows):
    path.write_text("".join(",".join(row) + "\n" for row in rows), "utf-8")
    return path


def as_workbook(path, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([float(c) if c.replace(".", "").isdigit() else c or None for c in row])
    book.save(path)
    return path


@pytest.fixture(params=[("a.csv", as_csv), ("a.xlsx", as_workbook)], ids=["csv", "xlsx"])
def save(request, tmp_path):
    name, write = request.param
    return lambda rows: write(tmp_path / name, rows)


def read(path, **options):
    """The whole table's cells and row numbers, what was noted, and the same as a stream."""
    asked, ledger = ReadOptions(**options), Ledger()
    raw = read_source(path, ledger, asked)
    stream = open_stream(path, asked)
    chunks = [*stream.chunks(["Followers"])] if "Followers" in stream.headers else []
    streamed = [row for chunk in chunks for row in chunk.rows.tolist()]
    misshapen = [odd for chunk in chunks for odd in chunk.misshapen]
    if chunks:
        assert (streamed, misshapen) == (raw.rows.tolist(), [])
    cells = [[*row.values()] for row in raw.cells.to_pylist()]
    return cells, raw.rows.tolist(), [*ledger.frame()["code"]], [*raw.cells.column_names]


def test_titles_and_blank_rows_above_are_passed_over(save):
    blank = ["", "", "", ""]
    path = save(
        [["Creators of the spring", "", "", ""], blank, ["Source: CRM", "", "", ""], HEADER]
    )
    path = save([["Creators of the spring", "", "", ""], blank, ["CRM", "", "", ""], HEADER, *ROWS])
    cells, rows, codes, headers = read(path)
    assert (cells, rows, headers) == (ROWS, [5, 6], HEADER)
    assert codes == ["title-row", "blank-row"]


def test_metadata_above_one_known_header_is_passed_over(save):
    rows = [["Report", "Clicks", "", ""], ["Period", "May", "", ""], ["Ad", "Followers", "X", "Y"]]
    data = [["a", "1200", "1", "2"], ["b", "5600", "3", "4"]]
    assert read(save([*rows, *data]))[3] == rows[2]


def test_header_row_decides(save):
    path = save([["Name", "Fans", "x", "y"], HEADER, *ROWS])
    assert read(path)[3] == HEADER  # it names four columns, the first row two
    cells, rows, _, headers = read(path, header_row=1)
    assert headers == ["Name", "Fans", "x", "y"]
    assert (cells[0], rows) == (HEADER, [2, 3, 4])
    with pytest.raises(InputError, match="row 9 holds no headers"):
        read(path, header_row=9)


def test_title_above_unknown_headers_names_the_row(save):
    own = ["Alpha", "Alcance", "Beta", "Gamma"]
    path = save([["Lista de mayo", "", "", ""], own, *ROWS])
    with pytest.raises(InputError, match="'Lista de mayo' stands alone") as caught:
        read(path)
    assert "--header-row 2" in caught.value.way_out
    assert read(path, header_row=2)[3] == own
    assert read(path, columns={"Followers": "Alcance"})[3] == own


def test_figures_where_headers_should_be_are_refused(save):
    with pytest.raises(InputError, match="row 1: '1200' is a figure") as caught:
        read(save(ROWS))
    assert "--header-row 1" in caught.value.way_out
    with pytest.raises(InputError, match="is a figure"):
        read_creators(save(ROWS))


def test_repeated_headers_and_sums_are_dropped(save):
    total = ["Total", "6800", "", ""]
    cells, rows, codes, _ = read(save([HEADER, ROWS[0], HEADER, ROWS[1], total]))
    assert (cells, rows) == (ROWS, [2, 4])
    assert codes == ["repeated-header", "total-row"]


def test_short_line_of_sums_is_dropped(tmp_path):
    cells, rows, codes, _ = read(as_csv(tmp_path / "a.csv", [HEADER, *ROWS, ["Total:", "6800"]]))
    assert (cells, rows, codes) == (ROWS, [2, 3], ["total-row"])


def test_many_rows_of_such_a_word_are_no_sums(save):
    rows = [["Total", "1200", "0.031", "Tech"], ["Total", "10", "0.1", "Food"], *ROWS]
    assert read(save([HEADER, *rows]))[0] == rows


def test_second_table_is_not_read(save):
    posts = [["Creator", "Views", "Topic", ""], ["a1", "99", "1", ""]]
    cells, rows, codes, _ = read(save([HEADER, *ROWS, ["", "", "", ""], *posts]))
    assert (cells, rows) == (ROWS, [2, 3])
    assert codes == ["second-table", "blank-row"]


def test_second_table_is_not_read_however_many_blank_rows_follow(tmp_path):
    posts = [["Creator", "Views", "Topic", ""], ["a1", "99", "1", ""]]
    blank = ["", "", "", ""]
    lines = [HEADER, *ROWS, blank, *posts, *[blank] * 40]
    cells, rows, codes, _ = read(as_csv(tmp_path / "a.csv", lines))
    assert (cells, rows, codes) == (ROWS, [2, 3], ["second-table", "blank-row"])


def test_second_table_of_another_width_is_not_read(tmp_path):
    lines = [HEADER, *ROWS, [], ["Creator", "Views"], ["a1", "99"], ["a2", "7"]]
    cells, rows, codes, _ = read(as_csv(tmp_path / "a.csv", lines))
    assert (cells, rows, codes) == (ROWS, [2, 3], ["second-table", "blank-row"])


def test_row_of_units_is_dropped(save):
    cells, rows, codes, _ = read(save([HEADER, ["", "count", "%", ""], *ROWS]))
    assert (cells, rows, codes) == (ROWS, [3, 4], ["units-row"])


@pytest.mark.parametrize("size", ["thousands", "Tsd.", "(k)"])
def test_size_in_a_row_of_units_becomes_the_header_s(size, save):
    cells, rows, codes, headers = read(save([HEADER, ["", size, "%/month", ""], *ROWS]))
    assert (cells, rows, codes) == (ROWS, [3, 4], ["units-row"])
    assert headers == [HEADER[0], f"{HEADER[1]} ({size.strip('()')})", *HEADER[2:]]


def test_headers_in_two_rows_are_joined(save):
    upper, lower = ["Influencer_ID", "Followers", "Engagement", ""], ["", "", "Rate", "Count"]
    rows = [["a1", "1200", "0.031", "37"], ["a2", "5600", "0.044", "246"]]
    cells, numbers, codes, headers = read(save([upper, lower, *rows]))
    assert headers == ["Influencer_ID", "Followers", "Engagement Rate", "Engagement Count"]
    assert (cells, numbers, codes) == (rows, [3, 4], ["two-header-rows"])


def test_groups_above_headers_tell_columns_of_one_name_apart(save):
    groups, names = ["", "Instagram", "", "TikTok"], ["Creator", "Followers", "Niche", "Followers"]
    _, _, codes, headers = read(save([groups, names, *[[*r[:2], r[3], "7"] for r in ROWS]]))
    assert headers == ["Creator", "Instagram Followers", "Niche", "TikTok Followers"]
    assert codes == ["two-header-rows"]


def test_header_merged_over_both_rows_is_the_one_above_its_gap(save):
    groups = ["", "Instagram", "", "Deal"]
    names = ["Creator", "Followers", "Engagement Rate", ""]
    cells, rows, codes, headers = read(save([["Summer 2026", "", "", ""], groups, names, *ROWS]))
    assert headers == ["Creator", "Followers", "Engagement Rate", "Deal"]
    assert (cells, rows, codes) == (ROWS, [4, 5], ["title-row", "two-header-rows"])


def test_gap_in_data_is_no_second_table(save):
    cells, rows, codes, _ = read(save([HEADER, ROWS[0], ["", "", "", ""], ROWS[1]]))
    assert (cells, rows, codes) == (ROWS, [2, 4], ["blank-row"])
