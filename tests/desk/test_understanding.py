"""What is understood of an upload is worked out once, in a cage; its page reads no file."""

from __future__ import annotations

import gc
import io
import shutil
import tempfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select, update

from durhampulse.creators.options import ReadOptions
from durhampulse.creators.rules import ColumnRule
from durhampulse.desk.imports import understanding
from durhampulse.desk.imports.intake import begin, discard
from durhampulse.desk.imports.preview import preview
from durhampulse.desk.imports.understanding import (
    keep_understood,
    understand_next,
    understood_of,
)
from durhampulse.desk.outcomes.byfile import OutcomeSource
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.store.tables import outcome, outcome_file, outcome_rows, understood, upload
from durhampulse.files import bounds
from durhampulse.files import cage as cages
from tests.desk.sent import RIGHT, ROWS, choose, csv_of, send, settled, upload_of


def stored_looks(store):
    with store.reading() as db:
        return db.scalar(select(func.count()).select_from(understood))


@pytest.fixture
def looks(monkeypatch):
    """The options of each look at a file, as they are made."""
    made, real = [], understanding.preview

    def look(scorer, path, name, options, **keywords):
        made.append(options)
        return real(scorer, path, name, options, **keywords)

    monkeypatch.setattr(understanding, "preview", look)
    return made


def test_opening_the_page_of_an_upload_reads_no_file(visit, desk, looks):
    where = send(visit("reviewer"), csv_of())
    assert len(looks) == 1
    Path(upload_of(desk, where).path).unlink()  # whoever reads it now fails
    for role in ("viewer", "reviewer", "admin"):
        page = visit(role).get(where)
        assert page.status_code == 200
        assert "Old reach" in page.text
        assert "Looks right" not in page.text
    assert len(looks) == 1


def test_opening_the_page_of_outcomes_reads_no_file(visit, desk):
    ann = visit("reviewer")
    content = b"id,deal\nINF-1003,1\nINF-1004,perhaps\nINF-1005,\nnobody,0\n"
    form = {"csrf": ann.csrf, "on": "2026-01-31"}
    where = ann.post("/outcomes", data=form, files={"file": ("won.csv", content)}).headers[
        "location"
    ]
    with desk.store.reading() as db:
        Path(db.scalar(select(outcome_file.c.path))).unlink()  # whoever reads it now fails
    page = ann.get(where)
    assert page.status_code == 200
    assert "perhaps" in page.text
    done = ann.post(f"{where}/record", data={"csrf": ann.csrf})
    assert done.status_code == 303
    with desk.store.reading() as db:
        (row,) = db.execute(select(outcome)).all()
        assert (row.deal, str(row.on)) == (True, "2026-01-31")
        assert db.scalar(select(func.count()).select_from(outcome_rows)) == 0


def test_outcomes_are_read_anew_by_another_rule_and_after_an_erasure(visit, desk, monkeypatch):
    ann = visit("reviewer")
    form = {"csrf": ann.csrf, "on": "2026-01-31"}
    files = {"file": ("won.csv", b"id,deal\nINF-1003,1\n")}
    where = ann.post("/outcomes", data=form, files=files).headers["location"]
    erase(desk.store, "INF-1004", "ann")
    with desk.store.reading() as db:
        assert db.scalar(select(func.count()).select_from(outcome_rows)) == 0
    assert ann.get(where).status_code == 200
    looks, real = [], OutcomeSource.read
    monkeypatch.setattr(OutcomeSource, "read", lambda *of: looks.append(of) or real(*of))
    assert ann.get(where).status_code == 200
    rule = ColumnRule(column="Sponsorship_Status", kind="label", header="deal")
    monkeypatch.setattr("durhampulse.desk.web.outcomes._rule", lambda _desk: rule)
    for _ in range(2):
        assert ann.get(where).status_code == 200
    assert len(looks) == 1


def test_each_way_of_reading_a_file_is_looked_at_once(visit, looks):
    ann = visit("reviewer")
    where = send(ann, csv_of())
    first = ann.get(where).text
    other = choose(ann, where, header_row="2")
    assert other != first
    choose(ann, where, header_row="")
    choose(ann, where, header_row="2")
    assert len({*map(repr, looks)}) == len(looks)
    assert len(looks) <= 3  # as it was sent, as line 2, as found by itself with all fields


def test_form_sent_as_shown_brings_the_page_back(visit):
    ann = visit("reviewer")
    where = send(ann, csv_of())
    page = choose(ann, where)
    assert 'id="reading"' in page
    assert "Old reach" in page


@pytest.mark.cage
def test_a_file_that_fills_any_memory_costs_one_clear_error(visit, desk):
    """2 kB that are 5 GB when each row holds its text."""
    long = pa.DictionaryArray.from_arrays([0] * 5_000, pa.array(["x" * (1 << 20)]))
    content = io.BytesIO()
    table = pa.table({"Influencer_ID": range(5_000), "Notes": long})
    pq.write_table(table, content, compression="zstd")
    assert len(content.getvalue()) < 50_000
    ann = visit("reviewer")
    where = send(ann, content.getvalue(), "list.parquet")
    page = visit("viewer").get(where)
    assert page.status_code == 200
    assert "a cell of 1,048,576 bytes stands" in page.text
    assert upload_of(desk, where).state == "new"


@pytest.mark.cage
def test_a_reader_that_dies_leaves_the_desk_as_it_is(visit, desk, monkeypatch):
    ann = visit("reviewer")
    monkeypatch.setattr(cages, "_PROGRAM", "import os; os.kill(os.getpid(), 9)")
    where = send(ann, csv_of())
    assert "list.csv: its reader was stopped" in ann.get(where).text
    assert ann.get("/shortlist").status_code == 200
    assert upload_of(desk, where).state == "new"


def zipped(content, name="list.csv"):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Where temporary files of this process lie."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    return tmp_path / "scratch"


@pytest.mark.cage
def test_archive_of_a_table_is_understood_checked_and_leaves_nothing(visit, desk, scratch):
    ann = visit("reviewer")
    where = send(ann, zipped(csv_of()), "list.zip")
    chosen = {**RIGHT, "unit Engagement_Rate": "percent"}
    assert "Old reach" in choose(ann, where, **chosen)
    answer = choose(ann, where, "check", **chosen)
    assert "list.zip" in answer
    row = settled(desk, where)
    assert row.state == "checked", row.problem
    gc.collect()
    assert [*scratch.iterdir()] == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped(bytes(3 << 20)), "unpacks to more than 200 times its size"),
        (zipped(b"MZ", "list.exe"), "not a known format"),
        (zipped(zipped(b"a"), "more.zip"), "holds another archive"),
        (zipped(csv_of())[:-30], "not a readable archive"),
        (b"PK nothing", "not a readable archive"),
    ],
)
def test_archive_that_is_none_is_one_clear_error(visit, scratch, monkeypatch, content, words):
    monkeypatch.setattr(bounds, "_MODERATE", 1 << 20)
    ann = visit("reviewer")
    where = send(ann, content, "list.zip")
    assert words in ann.get(where).text
    assert [*scratch.iterdir()] == []


def test_archive_that_would_use_the_reserve_is_not_unpacked(visit, scratch, monkeypatch):
    """The sizes are those of the disk and of what the archive says it holds."""
    packed = zipped(csv_of(ROWS * 300))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=(64 << 20) + 100_000))
    where = send(ann := visit("reviewer"), packed, "list.zip")
    assert "no room to unpack" in ann.get(where).text
    assert [*scratch.iterdir()] == []


@pytest.fixture
def waiting(filled, tmp_path):
    """The number of an upload that nobody has looked at, and its file."""
    path = tmp_path / "list.csv"
    path.write_bytes(csv_of())
    with filled.writing() as db:
        return begin(db, path, "list.csv", "ann"), path


def row_of(store, number):
    with store.reading() as db:
        return db.execute(select(upload).where(upload.c.id == number)).one()


def test_what_is_stored_is_what_was_understood(filled, catalogue, rules, waiting):
    number, path = waiting
    shown = preview(rules.scorer, path, "list.csv", ReadOptions())
    with filled.writing() as db:
        keep_understood(db, number, ReadOptions(), rules.version, shown)
    with filled.reading() as db:
        assert understood_of(db, row_of(filled, number), rules.version) == shown
        assert understood_of(db, row_of(filled, number), "another model") is None


def test_the_worker_looks_at_what_nobody_has_looked_at(filled, catalogue, rules, waiting):
    number, path = waiting
    assert understand_next(filled, catalogue, set())
    assert not understand_next(filled, catalogue, set())
    with filled.reading() as db:
        shown = understood_of(db, row_of(filled, number), rules.version)
    assert [column.header for column in shown.columns][:2] == ["who", "Reach"]
    with filled.writing() as db:  # it is to be read in another way
        db.execute(update(upload).values(options={"header_row": 2}))
    assert understand_next(filled, catalogue, set())
    assert stored_looks(filled) == 2
    path.unlink()
    discard(filled, number, "ann")
    assert stored_looks(filled) == 0
    assert not understand_next(filled, catalogue, set())


def test_a_look_that_fails_is_not_tried_for_ever(filled, catalogue, waiting, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("a fault of the program")

    monkeypatch.setattr(understanding, "preview", fail)
    odd = set()
    assert understand_next(filled, catalogue, odd)
    assert odd == {waiting[0]}
    assert not understand_next(filled, catalogue, odd)


def test_the_page_of_a_file_without_a_look_says_so_and_reads_nothing(
    request, desk, waiting, looks, monkeypatch
):
    monkeypatch.setattr(desk.worker, "start", lambda **_given: None)  # it would look
    visit = request.getfixturevalue("visit")
    with desk.store.writing() as db:
        db.execute(update(upload).values(problem="What the check ran into.", way_out="Look."))
    page = visit("viewer").get(f"/imports/{waiting[0]}")
    assert page.status_code == 200
    assert "What the check ran into." in page.text
