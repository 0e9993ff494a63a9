"""Workbooks read: cells as found, whatever a file claims of itself."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import resource
import time
import tracemalloc
import zipfile

import openpyxl
import pytest

from durhampulse.creators.reading import read_creators
from durhampulse.exceptions import InputError
from durhampulse.files import extents
from durhampulse.files.options import TableOptions
from durhampulse.files.stream import open_stream
from durhampulse.files.tables import read_source
from durhampulse.irregularities import Ledger

SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MOMENT = dt.datetime(2026, 3, 1, 5, 6)  # noqa: DTZ001 - as a spreadsheet has it
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def by_hand(path, rows, *, dimension="A1:B2"):
    """Write a workbook of one sheet from the XML of its rows."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>'
            '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" '
            f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" '
            f'Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        book.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{SHEET}"><dimension ref="{dimension}"/>'
            f"<sheetData>{rows}</sheetData></worksheet>",
        )
    return path


def saved(tmp_path, rows, **formats):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cell, number_format in formats.items():
        book.active[cell].number_format = number_format
    book.save(tmp_path / "a.xlsx")
    return tmp_path / "a.xlsx"


def read(path):
    ledger = Ledger()
    raw = read_source(path, ledger)
    return raw.cells.to_pylist(), raw.rows.tolist(), ledger.frame()


def test_cells_are_read_as_they_stand(tmp_path):
    rows = [
        ["id", "n", "share", "day", "moment", "yes", "error"],
        [1001, 2.5, 0.068, dt.date(2026, 3, 1), MOMENT, True, "#N/A"],
        ["007", 3.0, None, None, None, False, "#DIV/0!"],
        [9007199254740991, -1e-7, 1.0, None, None, None, "x"],
    ]
    cells, numbers, _ = read(saved(tmp_path, rows, C2="0.0%"))
    assert numbers == [2, 3, 4]
    assert cells == [
        {
            "id": "1001", "n": "2.5", "share": "0.068", "day": "2026-03-01",
            "moment": "2026-03-01 05:06:00", "yes": "True", "error": None,
        },
        {
            "id": "007", "n": "3", "share": None, "day": None, "moment": None, "yes": "False",
            "error": None,
        },
        {
            "id": "9007199254740991", "n": "-1e-07", "share": "1", "day": None, "moment": None,
            "yes": None, "error": "x",
        },
    ]  # fmt: skip


def test_a_merged_cell_holds_its_value_once(tmp_path):
    path = saved(tmp_path, [["id", "a"], ["x", 1], [None, 2]])
    book = openpyxl.load_workbook(path)
    book.active.merge_cells("A2:A3")
    book.save(path)
    assert read(path)[0] == [{"id": "x", "a": "1"}, {"id": None, "a": "2"}]


def test_the_table_may_stand_away_from_the_corner(tmp_path):
    rows = [[], [None, None, "id", "a"], [None, None, "x", 1], [], [None, None, "y", 2]]
    cells, numbers, odd = read(saved(tmp_path, rows))
    assert cells == [{"id": "x", "a": "1"}, {"id": "y", "a": "2"}]
    assert numbers == [3, 5]
    assert odd["count"].tolist() == [2]
    assert odd["rows"].tolist() == ["1, 4"]


def test_formulas_without_a_stored_result_are_said(tmp_path):
    path = saved(tmp_path, [["id", "a"], ["x", "=1+1"], ["y", 2], ["z", "=A1"]])
    cells, _, odd = read(path)
    assert [row["a"] for row in cells] == [None, "2", None]
    ((code, count, action),) = odd[["code", "count", "action"]].to_numpy().tolist()
    assert (code, count) == ("formula-without-result", 2)
    assert action.startswith("2 cells hold a formula whose result is not stored")
    assert "open the file in Excel and save it" in action
    (note,) = open_stream(path, name="mine.xlsx").notes
    assert note == f"mine.xlsx: {action}"


def test_formulas_with_a_stored_result_are_values(tmp_path):
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'
        '<row r="2"><c r="A2"><f>1+1</f><v>2</v></c></row>'
        '<row r="3"><c r="A3" t="str"><f>T("")</f><v></v></c></row>'
        '<row r="4"><c r="A4"><f t="shared" si="0"/><v>3</v></c></row>'
        '<row r="5"><c r="A5"><f t="shared" si="0"/></c></row>'
        '<row r="6"><c r="A6" s="1"><f>1</f><v/></c></row>'
    )
    stream = open_stream(by_hand(tmp_path / "a.xlsx", rows))
    assert [note.split(" ")[1] for note in stream.notes] == ["2"]
    (chunk,) = stream.chunks(["a"])
    assert chunk.cells["a"].to_pylist() == ["2", "3"]


def test_a_title_above_the_header_is_named(tmp_path):
    path = saved(tmp_path, [["Our creators"], [], ["id", "a", "b"], ["x", 1, 2]])
    for door in (open_stream, read):
        with pytest.raises(InputError, match="row 1: 'Our creators' stands alone") as caught:
            door(path)
        assert "lines above the header" in caught.value.way_out


FAR = [
    '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>',
    '<row r="1"><c r="A1"><v>1</v></c><c r="ZZ90000"><v>2</v></c></row>',
    '<row r="1"><c r="A1"><v>1</v></c><c r="ZZZZ99"><v>2</v></c></row>',
    '<row r="1"><c r="ZZ90000"><v>2</v></c><c r="A1"><v>1</v></c></row>',
    "<row r='1'><c r='A1'><v>1</v></c></row><row r='9000'><c\nr = 'ZZZ9000'><v>2</v></c></row>",
    '<row r="1"><c><v>1</v></c></row><row r="1048576">' + "<c><v>1</v></c>" * 500 + "</row>",
    '<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>1</v></c></row><row r="1048575"/>'
    + " " * (9 << 20)
    + "<row><c><v>1</v></c></row>",
    "<row/>" * 1_000_000 + "<row>" + "<c><v>1</v></c>" * 500 + "</row>",
]


@pytest.mark.parametrize("rows", FAR)
def test_cells_far_apart_do_not_fill_the_memory(tmp_path, rows):
    path = by_hand(tmp_path / "far.xlsx", rows)
    assert path.stat().st_size < 20_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="is more than is read from a workbook"):
        open_stream(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10  # KiB


def test_an_empty_cell_with_a_format_far_away_is_no_cell(tmp_path):
    rows = '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row>'
    rows += '<row r="2"><c r="A2"><v>1</v></c></row>'
    path = by_hand(tmp_path / "a.xlsx", rows, dimension="A1:XFD1048576")
    opened = open_stream(path, TableOptions(header_row=1))
    assert opened.headers == ["1", "2"]


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("prefix", ["", "x:"])
def test_the_extent_is_measured_however_the_xml_is_written(tmp_path, quote, prefix):
    cells = "".join(f"<{prefix}c r={quote}{c}7{quote}><{prefix}v>1</{prefix}v></{prefix}c>\n"
                    for c in ("A", "AB", "C"))  # fmt: skip
    rows = f"<{prefix}row r={quote}7{quote}>{cells}</{prefix}row>"
    extent = extents.measure(by_hand(tmp_path / "a.xlsx", rows), "xl/worksheets/sheet1.xml")
    assert (extent.rows, extent.columns, extent.cells) == (7, 28, 3)


def test_a_long_sheet_is_measured_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(extents, "_BLOCK", 100)
    path = saved(tmp_path, [["id", "a"], *([i, "=1+1"] for i in range(50))])
    extent = extents.measure(path, "xl/worksheets/sheet1.xml")
    assert (extent.cells, extent.unsolved) == (102, 50)
    assert 51 <= extent.rows < 1000


def test_damaged_workbooks_are_one_clear_error(tmp_path):
    whole = saved(tmp_path, [["id", "a"], *([f"x{i}", i] for i in range(300))]).read_bytes()
    rng = random.Random(0)
    for _ in range(150):
        blob = bytearray(whole)
        for _ in range(rng.randint(1, 30)):
            blob[rng.randrange(len(blob))] = rng.randrange(256)
        (tmp_path / "b.xlsx").write_bytes(blob[: rng.randint(1, len(blob))])
        with contextlib.suppress(InputError):  # and no other error
            read(tmp_path / "b.xlsx")


def test_another_file_called_xlsx_is_refused(tmp_path):
    for blob in (b"id,a\nx,1\n", b"PK nonsense", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)):
        (tmp_path / "a.xlsx").write_bytes(blob)
        with pytest.raises(InputError, match="not a readable workbook"):
            open_stream(tmp_path / "a.xlsx")


def test_text_under_the_name_of_a_workbook_is_read_once_renamed(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_text("Influencer_ID,Followers\na1,1200\n")
    with pytest.raises(InputError, match=r"rename it to \.csv"):
        read_creators(path)
    assert read_creators(path.rename(tmp_path / "a.csv")).table["Followers"].tolist() == [1200]


def test_reading_takes_a_fraction_of_the_time_and_memory_of_python_objects(tmp_path):
    rows = [["id", "a", "b", "c"], *([i, i / 7, "word", True] for i in range(5_000))]
    path = saved(tmp_path, rows)
    tracemalloc.start()
    before = time.process_time()
    assert open_stream(path).n_rows == 5_000
    assert time.process_time() - before < 10
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


def open_document(path, tables):
    """Write an OpenDocument workbook of the XML of its tables."""
    names = {"office": "office", "table": "table", "text": "text"}
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr(
            "META-INF/manifest.xml",
            '<manifest xmlns="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
        book.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body><office:spreadsheet>{tables}"
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return path


def table(name, *rows):
    cells = "".join(f"<table:table-row>{''.join(row)}</table:table-row>" for row in rows)
    return f'<table:table table:name="{name}">{cells}</table:table>'


def text(word):
    return (
        f'<table:table-cell office:value-type="string"><text:p>{word}</text:p></table:table-cell>'
    )


def number(value):
    return f'<table:table-cell office:value-type="float" office:value="{value}"/>'


GAP = "<table:table-cell/>"


def test_an_open_document_is_read_alike(tmp_path):
    tables = table("one", [text("id"), text("a")], [text("x"), number(3)], [GAP, number(2.5)])
    path = open_document(tmp_path / "a.ods", tables + table("two", [text("id")]))
    cells, rows, odd = read(path)
    assert cells == [{"id": "x", "a": "3"}, {"id": None, "a": "2.5"}]
    assert rows == [2, 3]
    assert odd["code"].tolist() == ["other-sheets"]
    assert open_stream(path, TableOptions(table="two")).headers == ["id"]
    with pytest.raises(InputError, match=r"(?s)no sheet is called 'three'.*'one', 'two'"):
        open_stream(path, TableOptions(table="three"))


@pytest.mark.parametrize(("rows", "columns"), [(1_048_575, 16_383), (9_000, 10_000), (400, 999)])
def test_a_workbook_that_would_fill_its_process_ends_only_that(tmp_path, rows, columns):
    far = (
        f'<table:table-row table:number-rows-repeated="{rows}">{GAP}</table:table-row>'
        f'<table:table-row><table:table-cell table:number-columns-repeated="{columns}"/>'
        f"{number(1)}</table:table-row></table:table>"
    )
    sheet = table("S", [number(1)]).replace("</table:table>", far)
    path = open_document(tmp_path / "far.ods", sheet)
    assert path.stat().st_size < 2_000
    if rows == 400:
        assert open_stream(path).n_rows == 401
        return
    with pytest.raises(InputError, match=r"more memory than one should|Cell limit exceeded"):
        open_stream(path)


@pytest.mark.parametrize("suffix", ["ods", "xls", "xlsb"])
def test_other_files_called_workbooks_are_refused(tmp_path, suffix):
    for blob in (b"id,a\nx,1\n", b"PK nonsense", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)):
        (tmp_path / f"a.{suffix}").write_bytes(blob)
        with pytest.raises(InputError, match="not a readable workbook"):
            open_stream(tmp_path / f"a.{suffix}")
