"""Imports: what is stored, what is refused and why, and that there is no half of one."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
import tracemalloc
import zipfile
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, insert, select, update

import durhampulse as dp
from durhampulse.creators.options import ReadOptions
from durhampulse.desk.imports import checking, intake, jobs
from durhampulse.desk.imports.checking import check, known_now
from durhampulse.desk.imports.intake import apply, discard, refused_rows
from durhampulse.desk.imports.jobs import LeaseLostError, give_up, next_job
from durhampulse.desk.imports.preview import preview
from durhampulse.desk.imports.worker import Worker
from durhampulse.desk.models.catalogue import Catalogue, activate, add_model
from durhampulse.desk.models.rules import stored_frame
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.people.objections import Objections, add_objection
from durhampulse.desk.shortlist import export
from durhampulse.desk.shortlist import pages as shortlist
from durhampulse.desk.shortlist.reasons import TopReasons
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.database import open_store
from durhampulse.desk.store.tables import creator, objection, run, score, staged, upload
from durhampulse.exceptions import InputError
from durhampulse.files import extents, parquet
from durhampulse.files import tables as sources
from durhampulse.irregularities import Ledger
from durhampulse.scoring.chunks import open_table
from durhampulse.scoring.record import UNLIKE_BIT
from tests.desk.conftest import DEMO, bring
from tests.desk.lists import HEADER, ROW, write_list
from tests.desk.versions import store_of_version


def stored(store):
    with store.reading() as db:
        return {row.external_id: row for row in db.execute(select(creator))}


def test_import_scores_equal_the_library(bare, tmp_path):
    store, catalogue = bare
    path = tmp_path / "creators.csv"
    path.write_bytes((DEMO / "creators.csv").read_bytes())
    row = bring(store, catalogue, path)
    assert (row.state, row.summary["rows"], row.summary["creators"]) == ("done", 600, 597)
    assert sum(row.summary["bands"].values()) == 597
    assert not path.exists()
    library = dp.load_model(DEMO / "model")
    frame = pd.read_csv(DEMO / "creators.csv", dtype="str").drop_duplicates("Influencer_ID")
    scored = library.score(frame).set_index("Influencer ID")
    by_name = stored(store)
    assert set(by_name) == set(frame["Influencer_ID"])
    for name, creator_row in by_name.items():
        assert creator_row.probability == pytest.approx(
            scored.loc[name, "Predicted Sponsorship"], abs=1e-4
        )
        assert creator_row.low == pytest.approx(scored.loc[name, "Interval Low"], abs=2e-4)
        flags = library.model.peers.flag_text(creator_row.flags % UNLIKE_BIT)
        expected = scored.loc[name, "Flags"].split("; ")
        odd = expected[0].startswith("no precedent for")
        assert (creator_row.flags >= UNLIKE_BIT, flags) == (odd, "; ".join(expected[odd:]))
        assert 0 <= creator_row.lottery <= 1
        assert creator_row.state == "open"


def test_import_updates_stored_creators_and_keeps_their_history(filled, catalogue, tmp_path):
    before = stored(filled)["INF-1003"]
    with filled.writing() as db:
        db.execute(creator.update().where(creator.c.id == before.id).values(state="approved"))
    path = write_list(tmp_path, ROW.format("INF-1003"), ROW.format("NEW-1"))
    row = bring(filled, catalogue, path, confirm=False)
    assert (row.summary["creators"], row.summary["known"]) == (2, 1)
    assert stored(filled)["INF-1003"].followers == before.followers
    with filled.writing() as db:
        db.execute(upload.update().where(upload.c.id == row.id).values(state="applying"))
    apply(filled, catalogue, row.id)
    after = stored(filled)
    assert len(after) == 598
    assert after["INF-1003"].id == before.id
    assert (after["INF-1003"].followers, after["INF-1003"].state) == (5000, "approved")
    with filled.reading() as db:
        scores = db.scalars(
            select(score.c.probability)
            .where(score.c.creator_id == before.id)
            .order_by(score.c.run_id)
        ).all()
        assert scores == [before.probability, after["INF-1003"].probability]
        assert db.scalar(select(func.count()).select_from(staged)) == 0
    apply(filled, catalogue, row.id)  # again: nothing
    assert stored(filled).keys() == after.keys()


def test_unstorable_rows_are_refused_with_a_reason(bare, tmp_path):
    store, catalogue = bare
    path = write_list(
        tmp_path, ROW.format("a"), ROW.format(""), ROW.format("a"), "b,-5,0.05,0.01,Tech,HD,1",
        ROW.format("x\x07y"), "c,,,,,,5", "d,1,2", ROW.format(" a "), ROW.format("y" * 201),
        ROW.format("=cmd"), ROW.format("<script>alert(1)</script>"),
    )  # fmt: skip
    row = bring(store, catalogue, path)
    assert set(stored(store)) == {"a", "=cmd", "<script>alert(1)</script>"}
    with store.reading() as db:
        refused = refused_rows(db, row.id)
    reasons = refused.set_index("Row")["Reason"].to_dict()
    assert reasons == {
        3: "the row has no Influencer_ID",
        4: "the creator stands in row 2 already",
        5: "Followers cannot be -5",
        6: "the Influencer_ID has over 200 characters, or unprintable ones",
        7: "5 of 6 columns of the model are empty",
        8: "3 cells where the header has 7",
        9: "the creator stands in row 2 already",
        10: "the Influencer_ID has over 200 characters, or unprintable ones",
    }
    assert row.summary["rows"] == 11
    assert row.summary["creators"] + row.summary["refused"] == 11


def test_objection_excludes_a_creator_from_later_imports(filled, catalogue, tmp_path):
    receipt = erase(filled, "INF-1003", "ann", objects=True)
    assert receipt["rows"]["creator"] == 1
    path = write_list(tmp_path, ROW.format(" INF-1003"), ROW.format("INF-1004"))
    row = bring(filled, catalogue, path)
    assert row.summary["creators"] == 1
    assert "INF-1003" not in stored(filled)


def test_objection_before_the_first_import_holds(bare, tmp_path):
    store, catalogue = bare
    with pytest.raises(InputError, match="no creator"):
        erase(store, "early", "ann")
    assert erase(store, "early", "ann", objects=True)["act"] == "objection"
    row = bring(store, catalogue, write_list(tmp_path, ROW.format("early"), ROW.format("late")))
    assert row.summary["creators"] == 1
    assert stored(store).keys() == {"late"}


def test_an_identifier_written_as_a_float_is_the_same_creator(bare, tmp_path):
    store, catalogue = bare
    rows = [ROW.format(name) for name in ("1001", "1002", "0003", "9007199254740993")]
    bring(store, catalogue, write_list(tmp_path, *rows))
    before = stored(store)
    with store.writing() as db:
        db.execute(update(creator).values(state="approved"))
    rows = [ROW.format(name) for name in ("1001.0", " 1002.00", "3")]
    row = bring(store, catalogue, write_list(tmp_path, *rows))
    assert row.summary["known"] == 2
    after = stored(store)
    assert after.keys() == {"1001", "1002", "0003", "9007199254740993", "3"}
    assert after["1001"].id == before["1001"].id
    assert (after["1001"].state, after["3"].state) == ("approved", "open")


def test_two_forms_of_one_identifier_in_a_file_are_one_creator(bare, tmp_path):
    store, catalogue = bare
    row = bring(store, catalogue, write_list(tmp_path, ROW.format("7"), ROW.format("7.0")))
    assert stored(store).keys() == {"7"}
    with store.reading() as db:
        assert refused_rows(db, row.id)["Reason"].tolist() == [
            "the creator stands in row 2 already"
        ]


def test_words_for_nothing_are_no_identifiers(bare, tmp_path):
    store, catalogue = bare
    rows = [ROW.format(name) for name in ("NaN", "n/a", "#N/A", "a")]
    row = bring(store, catalogue, write_list(tmp_path, *rows))
    assert stored(store).keys() == {"a"}
    assert row.summary["refused"] == 3


def test_an_exported_list_can_be_imported_again(bare, tmp_path):
    """The export puts an apostrophe before what a spreadsheet would take for a formula."""
    store, catalogue = bare
    bring(store, catalogue, write_list(tmp_path, ROW.format("@lena"), ROW.format("'tis")))
    rules, path = catalogue.current(), tmp_path / "export.csv"
    with store.reading() as db:
        parts = shortlist.walk(db, View(), rules)
        export.write_list(path, parts, rules, TopReasons(), about="", by="ann")
    names = pd.read_csv(path)["Influencer ID"].tolist()
    assert sorted(names) == ["'@lena", "'tis"]
    row = bring(store, catalogue, write_list(tmp_path, *(ROW.format(name) for name in names)))
    assert row.summary["known"] == 2
    assert stored(store).keys() == {"@lena", "'tis"}


@pytest.mark.parametrize("objecting", ["1002", "1002.0"])
@pytest.mark.parametrize("imported", ["1002", "1002.0", " 1002.00"])
def test_an_objection_holds_against_every_form_of_an_identifier(
    bare, tmp_path, objecting, imported
):
    store, catalogue = bare
    erase(store, objecting, "ann", objects=True)
    row = bring(store, catalogue, write_list(tmp_path, ROW.format(imported), ROW.format("1003")))
    assert stored(store).keys() == {"1003"}
    with store.reading() as db:
        assert refused_rows(db, row.id)["Reason"].tolist() == [
            "this creator has objected to being scored"
        ]


def test_an_objection_of_an_earlier_version_still_holds(databases, tmp_path):
    """Earlier versions kept the SHA-256 of the identifier as it was written, without a key."""
    url = databases.make()
    store = store_of_version("0023", url)
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in ("1002.0", "'@lena")]
    with store.writing() as db:
        for digest in digests:
            db.execute(insert(objection).values(digest=digest, at=datetime.now(UTC)))
    store.close()
    store = open_store(url)
    add_model(store, DEMO / "model", "test")
    rows = [ROW.format(name) for name in ("1002", "@lena", "1003")]
    bring(store, Catalogue(store), write_list(tmp_path, *rows))
    assert stored(store).keys() == {"1003"}
    with store.reading() as db:
        assert len(Objections.read(db).digests - {*digests}) == 2
    store.close()


def test_an_objection_cannot_be_tried_out_without_the_key(store):
    """A plain SHA-256 of INF-1 to INF-200,000 is searched in a fifth of a second."""
    with store.writing() as db:
        add_objection(db, "INF-1003")
        objections = Objections.read(db)
        assert db.scalars(select(objection.c.digest)).all() == [*objections.digests]
    assert objections.hold("INF-1003")
    assert not objections.hold("INF-1004")
    assert not Objections(objections.digests, b"another key").hold("INF-1003")
    sha256 = hashlib.sha256(b"INF-1003").hexdigest()
    expected = hmac.new(objections.key, sha256.encode(), "sha256").hexdigest()
    assert objections.digests == {expected}


def percents(tmp_path, n=40):
    rows = [f"c{i},5000,{3 + i / 10},0.01,Tech,HD,2000" for i in range(n)]
    return write_list(tmp_path, *rows, name="percents.csv")


def test_unit_that_contradicts_the_model_is_left_to_a_person(bare, tmp_path):
    store, catalogue = bare
    path = percents(tmp_path)
    seen = preview(catalogue.current().scorer, path, "theirs.csv", ReadOptions())
    assert not seen.ready
    assert "look like percentages" in seen.problem.text
    assert seen.problem.field == "unit Engagement_Rate"
    row = bring(store, catalogue, path, confirm=False)
    assert row.state == "new"
    assert "percentages" in row.problem
    units = {"Engagement_Rate": "percent"}
    seen = preview(catalogue.current().scorer, path, "theirs.csv", ReadOptions(units=units))
    assert seen.ready
    (rate,) = [column for column in seen.columns if column.role == "Engagement_Rate"]
    assert (rate.raw[0], rate.read[0]) == ("3.0", "3%")
    row = bring(store, catalogue, path, units=units)
    assert row.state == "done"
    assert stored(store)["c0"].engagement_rate == pytest.approx(0.03)


def test_column_mapping_by_hand(bare, tmp_path):
    store, catalogue = bare
    path = write_list(tmp_path, ROW.format("a"))
    path.write_text(path.read_text().replace("Followers", "Reach"), encoding="utf-8")
    seen = preview(catalogue.current().scorer, path, path.name, ReadOptions())
    assert "Followers" not in seen.roles
    columns = {"Followers": "Reach", "Influencer_ID": "Influencer_ID"}
    assert preview(catalogue.current().scorer, path, path.name, ReadOptions(columns=columns)).ready
    bring(store, catalogue, path, columns=columns)
    assert stored(store)["a"].followers == 5000


def test_file_without_identifiers_is_not_ready(bare, tmp_path):
    store, catalogue = bare
    path = write_list(tmp_path, ROW.format("a"))
    path.write_text(path.read_text().replace("Influencer_ID", "Whatever"), encoding="utf-8")
    assert not preview(catalogue.current().scorer, path, path.name, ReadOptions()).ready
    row = bring(store, catalogue, path, confirm=False)
    assert "no column names the creators" in row.problem


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.csv", b""), ("x.csv", b"\x00\x01\x02" * 50), ("x.parquet", b"PAR1 nonsense"),
     ("x.xlsx", b"PK nonsense"), ("x.csv", HEADER.encode())],
)  # fmt: skip
def test_unreadable_file_is_refused_with_a_reason(bare, tmp_path, name, content):
    store, catalogue = bare
    path = tmp_path / name
    path.write_bytes(content)
    row = bring(store, catalogue, path, confirm=False)
    assert row.state == "new"
    assert row.problem
    assert stored(store) == {}


def test_objection_after_the_check_excludes_a_staged_row(filled, catalogue, tmp_path):
    path = write_list(tmp_path, ROW.format("INF-1003"), ROW.format("new"))
    row = bring(filled, catalogue, path, confirm=False)
    with filled.writing() as db:
        add_objection(db, "new")
        db.execute(update(upload).where(upload.c.id == row.id).values(state="applying"))
    apply(filled, catalogue, row.id)
    assert "new" not in stored(filled)
    assert stored(filled)["INF-1003"].followers == 5000


def test_failed_merge_rolls_back_and_reports(filled, catalogue, tmp_path, monkeypatch):
    before = stored(filled)
    row = bring(filled, catalogue, write_list(tmp_path, ROW.format("new")), confirm=False)
    with filled.writing() as db:
        db.execute(update(upload).where(upload.c.id == row.id).values(state="applying"))
    monkeypatch.setattr(intake, "_merge", lambda *_given: 1 / 0)
    assert Worker(filled, catalogue).work()
    with filled.reading() as db:
        row = db.execute(select(upload).where(upload.c.id == row.id)).one()
    assert (row.state, "log says why" in row.problem) == ("checked", True)
    assert stored(filled) == before


def test_unexpected_error_in_a_check_fails_only_that_upload(bare, tmp_path, monkeypatch, caplog):
    store, catalogue = bare
    with monkeypatch.context() as broken:
        broken.setattr(checking, "open_table", lambda *_given, **_named: 1 / 0)
        row = bring(store, catalogue, write_list(tmp_path, ROW.format("a")), confirm=False)
    assert row.state == "new"
    assert "the server's log says why" in row.problem
    assert "division by zero" in caplog.text
    assert bring(store, catalogue, write_list(tmp_path, ROW.format("b"))).state == "done"


def test_upload_is_given_up_after_10_crashed_attempts(bare, tmp_path, monkeypatch):
    store, _catalogue = bare
    monkeypatch.setattr(jobs, "LEASE", timedelta(0))  # as if the time were over
    with store.writing() as db:
        bad, good = (
            intake.begin(db, write_list(tmp_path, ROW.format("a")), name, "test", state="checking")
            for name in ("bad.csv", "good.csv")
        )
    assert [next_job(store, f"killed {i}").id for i in range(10)] == [bad] * 10
    assert next_job(store, "last").id == good
    with store.reading() as db:
        row = db.execute(select(upload).where(upload.c.id == bad)).one()
    assert (row.state, row.tries) == ("new", 0)
    assert "begun 10 times" in row.problem


def test_progress_resets_the_attempts_of_an_upload(bare, tmp_path):
    store, catalogue = bare
    row = bring(store, catalogue, write_list(tmp_path, ROW.format("a")), confirm=False)
    assert (row.state, row.tries) == ("checked", 0)


def test_zip_bomb_workbook_is_not_unpacked(bare, tmp_path, monkeypatch):
    store, catalogue = bare
    monkeypatch.setattr(extents, "_MOST_UNPACKED", 4 << 20)
    monkeypatch.setattr(checking, "Cage", nullcontext)  # the bound is that of this process
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/worksheets/sheet1.xml", b" " * (5 << 20))
    assert path.stat().st_size < 1 << 20
    assert (
        "unpacks to"
        in preview(catalogue.current().scorer, path, "x.xlsx", ReadOptions()).problem.text
    )
    assert "unpacks to" in bring(store, catalogue, path, confirm=False).problem


def test_sparse_workbook_does_not_exhaust_memory(tmp_path):
    path = tmp_path / "far.xlsx"
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append([*[None] * 16_383, "far"])
    for _ in range(3_000):
        sheet.append([1])
    book.save(path)
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    with pytest.raises(InputError, match="16,384 columns"):
        sources.read_source(path, Ledger())
    assert tracemalloc.get_traced_memory()[1] < 200 << 20
    tracemalloc.stop()


def begin(store, path):
    with store.writing() as db:
        return intake.begin(db, path, path.name, "test", state="checking")


def large(tmp_path, n=3_000):
    frame = dp.simulate_market(n, seed=4).table.drop(columns="Sponsorship_Status")
    path = tmp_path / "large.parquet"
    frame["Engagement_Rate"] = 0.05
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
    return path


def test_interrupted_check_resumes_at_the_next_chunk(bare, tmp_path, monkeypatch):
    store, catalogue = bare
    monkeypatch.setattr(parquet, "CHUNK_ROWS", 1_000)
    monkeypatch.setattr(checking, "Cage", nullcontext)  # the size is that of this process
    number = begin(store, large(tmp_path))
    first = next_job(store, "one")
    assert (first.id, first.state) == (number, "checking")
    assert next_job(store, "two") is None
    stop, chunks = threading.Event(), []
    stage_chunk = checking._Check.stage_chunk

    def stage(under_way, chunk, at):
        stage_chunk(under_way, chunk, at)
        chunks.append(at)
        if len(chunks) == 2:
            stop.set()

    monkeypatch.setattr(checking._Check, "stage_chunk", stage)
    with pytest.raises(LeaseLostError):
        check(store, catalogue, first, stop)
    with store.writing() as db:
        db.execute(upload.update().values(lease_until=None))  # as time does
    second = next_job(store, "two")
    assert second.id == number
    with pytest.raises(LeaseLostError):  # the first worker wakes up again
        check(store, catalogue, first, threading.Event())
    give_up(store, first, "It went wrong.", "")  # nor has it any say by now
    stop.clear()
    chunks.clear()
    check(store, catalogue, second, stop)
    assert chunks == [2]
    with store.reading() as db:
        row = db.execute(select(upload)).one()
        assert row.state == "checked"
        assert row.summary["rows"] == 3_000
        n = db.scalar(select(func.count()).select_from(staged))
        assert n == row.summary["creators"] == 3_000 - row.summary["refused"]


def test_lease_is_renewed_while_a_file_opens(bare, tmp_path, monkeypatch):
    store, catalogue = bare
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=4))
    number = begin(store, write_list(tmp_path, ROW.format("a")))
    taken = []

    def lease():
        with store.reading() as db:
            return db.scalar(select(upload.c.lease_until).where(upload.c.id == number))

    def slowly(*given, **named):
        first, end = lease(), time.monotonic() + 60
        while lease() == first and time.monotonic() < end:
            time.sleep(0.1)
        taken.append(next_job(store, "two"))
        assert lease() > first
        return open_table(*given, **named)

    monkeypatch.setattr(checking, "open_table", slowly)
    check(store, catalogue, next_job(store, "one"), threading.Event())
    assert taken == [None]


def test_upload_checked_by_another_model_is_checked_again(
    filled, catalogue, model_folder, tmp_path
):
    other = add_model(filled, model_folder, "ann")
    assert catalogue.current().version != other
    row = bring(filled, catalogue, write_list(tmp_path, ROW.format("late")), confirm=False)
    assert activate(filled, catalogue, other, "ann") == 597
    with filled.writing() as db:
        db.execute(upload.update().where(upload.c.id == row.id).values(state="applying"))
    apply(filled, catalogue, row.id)
    with filled.reading() as db:
        assert db.scalar(select(upload.c.state).where(upload.c.id == row.id)) == "checking"
    assert "late" not in stored(filled)
    check(filled, catalogue, next_job(filled, "w"), threading.Event())
    with filled.writing() as db:
        db.execute(upload.update().where(upload.c.id == row.id).values(state="applying"))
    apply(filled, catalogue, row.id)
    with filled.reading() as db:
        late = stored(filled)["late"]
        assert db.scalar(select(run.c.model_version).where(run.c.id == late.run_id)) == other


def test_upload_is_checked_anew_as_a_whole_where_its_model_comes_back(
    filled, catalogue, model_folder, tmp_path
):
    other, former = add_model(filled, model_folder, "ann"), catalogue.current().version
    row = bring(filled, catalogue, write_list(tmp_path, ROW.format("late")), confirm=False)
    assert activate(filled, catalogue, other, "ann") == 597
    with filled.writing() as db:
        db.execute(upload.update().where(upload.c.id == row.id).values(state="applying"))
    apply(filled, catalogue, row.id)
    assert activate(filled, catalogue, former, "ann") == 597
    check(filled, catalogue, next_job(filled, "w"), threading.Event())
    with filled.reading() as db:
        again = db.scalar(select(upload.c.summary).where(upload.c.id == row.id))
    counts = ("rows", "creators", "refused", "twice")
    assert [again[name] for name in counts] == [row.summary[name] for name in counts]


def test_discarded_import_leaves_only_its_entry(bare, tmp_path):
    store, catalogue = bare
    path = write_list(tmp_path, ROW.format("a"))
    row = bring(store, catalogue, path, confirm=False)
    discard(store, row.id, "ann")
    assert stored(store) == {}
    assert not path.exists()
    with store.reading() as db:
        assert db.scalar(select(func.count()).select_from(staged)) == 0
    with pytest.raises(InputError, match="cannot be discarded"):
        discard(store, row.id, "ann")


def test_rows_imported_during_activation_are_rescored(filled, catalogue, model_folder, tmp_path):
    other = add_model(filled, model_folder, "ann")
    path = write_list(tmp_path, ROW.format("INF-1003"), ROW.format("NEW-1"))
    came = []

    def import_meanwhile(_share):
        if not came:
            came.append(bring(filled, catalogue, path))

    assert activate(filled, catalogue, other, "ann", progress=import_meanwhile) == 598
    scorer = dp.load_model(model_folder)
    for name in ("INF-1003", "NEW-1"):
        creator_row = stored(filled)[name]
        fresh = scorer.predict_proba(stored_frame(scorer, [creator_row]))
        assert creator_row.probability == pytest.approx(fresh[0], abs=1e-6)


def test_known_count_includes_imports_since_the_check(bare, tmp_path):
    store, catalogue = bare
    first = write_list(tmp_path, ROW.format("a"), ROW.format("b"), name="first.csv")
    second = write_list(tmp_path, ROW.format("b"), ROW.format("c"), name="second.csv")
    waiting = bring(store, catalogue, second, confirm=False)
    with store.reading() as db:
        assert known_now(db, waiting) == 0
    bring(store, catalogue, first)
    with store.reading() as db:
        assert known_now(db, waiting) == 1
    with store.writing() as db:
        db.execute(upload.update().where(upload.c.id == waiting.id).values(state="applying"))
    apply(store, catalogue, waiting.id)
    with store.reading() as db:
        done = db.execute(select(upload).where(upload.c.id == waiting.id)).one()
    assert (done.summary["creators"], done.summary["known"]) == (2, 1)


def test_erasure_deletes_refused_rows(bare, tmp_path):
    store, catalogue = bare
    row = bring(store, catalogue, write_list(tmp_path, ROW.format("a"), " b ,,,,,,5"))
    assert (row.summary["refused"], row.summary["flagged"]) == (1, 0)
    with store.reading() as db:
        assert refused_rows(db, row.id)["Influencer ID"].tolist() == ["b"]
    assert erase(store, "b", "ann")["rows"]["refused"] == 1


def test_column_can_be_unmapped(bare, tmp_path):
    store, catalogue = bare
    path = write_list(tmp_path, *(ROW.format(f"c{i}") for i in range(3)))
    columns = {"Growth_Rate": "", "Avg_Views_per_Post": ""}
    seen = preview(catalogue.current().scorer, path, "list.csv", ReadOptions(columns=columns))
    assert seen.ready
    assert not {"Growth_Rate", "Avg_Views_per_Post"} & seen.roles.keys()
    bring(store, catalogue, path, columns=columns)
    assert {(row.growth_rate, row.avg_views) for row in stored(store).values()} == {(None, None)}


def test_activation_and_rollback_rescore_all_creators(filled, catalogue, model_folder):
    first = catalogue.current().version
    before = {name: row.probability for name, row in stored(filled).items()}
    other = add_model(filled, model_folder, "ann")
    assert add_model(filled, model_folder, "ann") == other
    activate(filled, catalogue, other, "ann")
    assert catalogue.current().version == other
    between = {name: row.probability for name, row in stored(filled).items()}
    assert between != before
    frame = pd.read_csv(DEMO / "creators.csv", dtype="str").drop_duplicates("Influencer_ID")
    scored = dp.load_model(model_folder).score(frame).set_index("Influencer ID")
    for name, probability in between.items():
        assert probability == pytest.approx(scored.loc[name, "Predicted Sponsorship"], abs=1e-4)
    activate(filled, catalogue, first, "ann")
    after = {name: row.probability for name, row in stored(filled).items()}
    assert after == before
    with pytest.raises(InputError, match="no model"):
        activate(filled, catalogue, "nonsense", "ann")


def test_absent_column_is_said_in_preview_and_summary(bare, tmp_path):
    store, catalogue = bare
    path = tmp_path / "typo.csv"
    rows = [ROW.format(name) for name in ("a", "b")]
    path.write_text("\n".join([HEADER.replace("Followers", "Folowers"), *rows]) + "\n", "utf-8")
    note = (
        "typo.csv: no column Followers, which the model uses; its rows are scored without it "
        "('Folowers' is not read: --map Followers=Folowers?)"
    )
    assert preview(catalogue.current().scorer, path, path.name, ReadOptions()).notes == [note]
    assert bring(store, catalogue, path).summary["notes"] == [note]


def test_levels_stored_in_another_spelling_are_the_models(bare, tmp_path):
    store, catalogue = bare
    bring(store, catalogue, write_list(tmp_path, ROW.format("a")))
    rules = catalogue.current()
    with store.writing() as db:
        db.execute(update(creator).values(niche="TECH "))
        (row,) = db.execute(select(creator)).all()
    block = rules.block([row])
    assert block.columns["Niche"].names == ("Tech",)
    scores = rules.scorer.compute(block)
    assert scores.y_prob[0] == row.probability
    assert not scores.flags[0]
