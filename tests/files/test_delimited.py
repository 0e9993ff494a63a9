"""Delimited text: separators, headers, row numbers, and rows that hold nothing."""

from __future__ import annotations

import numpy as np
import openpyxl
import pytest

from durhampulse.exceptions import InputError
from durhampulse.files.options import TableOptions
from durhampulse.files.stream import open_stream
from durhampulse.files.tables import read_source
from durhampulse.irregularities import Ledger


def read(path, **options):
    """The cells row by row, the row numbers, and code to count of what was noted."""
    ledger = Ledger()
    raw = read_source(path, ledger, TableOptions(**options))
    odd = ledger.frame()
    noted = dict(zip(odd["code"], odd["count"], strict=True))
    return raw.cells.to_pylist(), raw.rows.tolist(), noted


def stream(path, headers):
    opened = open_stream(path)
    chunks = [*opened.chunks(headers)]
    rows = np.concatenate([chunk.rows for chunk in chunks]).tolist()
    return opened, rows, [odd for chunk in chunks for odd in chunk.misshapen]


@pytest.mark.parametrize("first", ["sep=;", "sep=;\r", '"sep=;"', "\ufeffsep=;", "SEP=;"])
def test_the_separator_that_excel_writes_first_is_honoured(write, first):
    cells, rows, _ = read(write(f"{first}\nid;a,b\nx;1,5\ny;2,5\n"))
    assert cells == [{"id": "x", "a,b": "1,5"}, {"id": "y", "a,b": "2,5"}]
    assert rows == [3, 4]


def test_rows_after_a_named_separator_keep_their_numbers(write):
    path = write("sep=;\nid;a\nx;1\ny;2;3\nz;4\n")
    with pytest.raises(InputError, match="row 4: 3 cells where the header has 2"):
        read(path)
    _, rows, misshapen = stream(path, ["a"])
    assert rows == [3, 5]
    assert misshapen == [(4, "3 cells where the header has 2")]


def test_a_title_above_the_header_is_named(write):
    path = write("Our creators 2026\nid,a,b\nx,1,2\n")
    for door in (read, open_stream):
        with pytest.raises(InputError, match="'Our creators 2026' stands alone") as caught:
            door(path)
        assert "lines above the header" in caught.value.way_out


def test_blank_lines_above_the_header_are_passed_over(write):
    cells, rows, noted = read(write(" ,\n,,\nid,a,b\nx,1,2\n"))
    assert (cells, rows) == ([{"id": "x", "a": "1", "b": "2"}], [4])
    assert noted == {"blank-row": 2}


CELLS = [["id", "a", "b"], ["x", "1", None], [None, None, None], ["y", "2", "3"]]
CELLS += [[None, " ", "\t"]] * 2


def as_csv(path):
    lines = [",".join(f'"{cell}"' if cell else "" for cell in row) for row in CELLS]
    path.write_text("\n".join(lines) + "\n\n  \n")


def as_workbook(path):
    book = openpyxl.Workbook()
    for row in CELLS:
        book.active.append(row)
    book.save(path)


@pytest.mark.parametrize(("name", "save", "n"), [("a.csv", as_csv, 5), ("a.xlsx", as_workbook, 3)])
def test_rows_of_blanks_are_dropped_alike(tmp_path, name, save, n):
    save(tmp_path / name)
    cells, rows, noted = read(tmp_path / name)
    assert cells == [{"id": "x", "a": "1", "b": None}, {"id": "y", "a": "2", "b": "3"}]
    assert rows == [2, 4]
    assert noted == {"blank-row": n}
    for headers in (["id", "a"], ["b"]):
        opened, rows, misshapen = stream(tmp_path / name, headers)
        assert (rows, misshapen) == ([2, 4], [])
        assert opened.notes == [f"{name}: {n} rows without a single value, passed over"]


def test_a_row_that_is_blank_only_in_the_columns_asked_for_is_kept(write):
    lines = [f"{i},{i}," if i != 70_000 else ",,only a note" for i in range(1, 200_001)]
    path = write("\n".join(["id,a,note", *lines, ",,", "x,y"]) + "\n")
    opened, rows, misshapen = stream(path, ["id", "a"])
    assert rows == [*range(2, 200_002)]
    assert opened.blank == [200_002]
    assert misshapen == [(200_003, "2 cells where the header has 3")]


def test_a_header_alone_has_no_rows(write):
    for text in ("id,a", "id,a\n", "id,a\n,\n", "sep=;\nid;a"):
        with pytest.raises(InputError, match="no row"):
            read(write(text))
        chunks = [*open_stream(write(text)).chunks(["a"])]
        assert sum(len(chunk.rows) for chunk in chunks) == 0


def test_misshapen_row_with_a_cell_of_any_length_is_refused(write):
    path = write(f"id,a,b\nx,1,2\ny,{'9' * 200_000}\nz,3,4\n")
    _, rows, misshapen = stream(path, ["id"])
    assert (rows, misshapen) == ([2, 4], [(3, "2 cells where the header has 3")])
    with pytest.raises(InputError, match="row 3: 2 cells where the header has 3"):
        read(path)


def test_a_file_of_blanks_has_no_header(write):
    for text in (",\n\n", " , \n", ",\n \n"):
        with pytest.raises(InputError, match="the header names no column"):
            read(write(text))


def test_headers_without_a_name_are_kept_where_they_hold_anything(write):
    cells, _, noted = read(write("id,,,a,a\nx,,1,2,3\n"))
    assert cells == [{"id": "x", "column 3": "1", "a": "2", "a (2)": "3"}]
    assert noted == {"duplicate-header": 1}


def test_numbered_header_is_none_that_the_file_has(write):
    """A spreadsheet that was exported before has such numbers of its own."""
    for header in ("id,a,a,a (2)", "id,a (2),a,a"):
        cells, _, noted = read(write(f"{header}\nx,1,2,3\n"))
        assert sorted(cells[0]) == ["a", "a (2)", "a (3)", "id"]
        assert {cells[0]["a (2)"]} == {"3" if header.endswith("(2)") else "1"}
        assert noted == {"duplicate-header": 1}
