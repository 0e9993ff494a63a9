"""Erasure while an import is checked or put in place: whoever is erased does not come back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, insert, select, update

from durhampulse.desk.imports import intake
from durhampulse.desk.people import erasure
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.store.tables import creator, score, staged, upload
from durhampulse.exceptions import InputError
from tests.desk.conftest import bring

HEADER = "Influencer_ID,Followers,Avg_Views,Engagement_Rate,Growth_Rate,Niche\n"
ROW = "quarx.sim,50000,12000,0.05,0.01,Tech\n"
PATIENCE = 30


@pytest.fixture
def path(tmp_path):
    """A file that holds somebody who is in no list yet."""
    path = tmp_path / "x.csv"
    path.write_text(HEADER + ROW)
    return path


def left_of(store):
    """Count the rows that hold somebody, in the list and on their way there."""
    with store.reading() as db:
        tables = {table.name: table.c.external_id for table in (creator, staged)}
        rows = {
            name: db.scalar(select(func.count()).where(column == "quarx.sim"))
            for name, column in tables.items()
        }
        known = select(creator.c.id)
        lost = db.scalar(select(func.count()).where(score.c.creator_id.not_in(known)))
    return rows | {"scores of nobody": lost}


def test_whoever_is_just_put_in_place_is_erased_after_it(filled, catalogue, path, monkeypatch):
    row = bring(filled, catalogue, path, confirm=False)
    assert row.state == "checked"
    with filled.writing() as db:
        db.execute(update(upload).where(upload.c.id == row.id).values(state="applying"))
    merged, erasing = threading.Event(), threading.Event()
    leave, scan = intake.leave_outcomes, erasure.files_holding

    def merged_all(*values):
        merged.set()
        assert erasing.wait(PATIENCE)
        threading.Event().wait(1)  # in which the erasure begins to write
        return leave(*values)

    def scanned(*values):
        try:
            return scan(*values)
        finally:
            erasing.set()

    monkeypatch.setattr(intake, "leave_outcomes", merged_all)
    monkeypatch.setattr(erasure, "files_holding", scanned)
    with ThreadPoolExecutor(2) as pool:
        applied = pool.submit(intake.apply, filled, catalogue, row.id)
        assert merged.wait(PATIENCE)
        erased = pool.submit(erase, filled, "quarx.sim", "ann", files=True)
        applied.result(PATIENCE)
        erased.result(PATIENCE)
    assert left_of(filled) == {"creator": 0, "staged": 0, "scores of nobody": 0}


def test_rows_that_are_just_being_staged_are_erased_too(filled, path):
    with filled.writing() as db:
        number = intake.begin(db, path, "x.csv", "ann", state="checking")
    staging, erasing = threading.Event(), threading.Event()

    def stage():
        values = {"external_id": "quarx.sim", "search": "quarx.sim", "row": 2, "flags": 0}
        with filled.writing() as db:
            db.execute(update(upload).where(upload.c.id == number).values(chunks_done=1))
            db.execute(insert(staged).values(upload_id=number, lottery=0.5, **values))
            staging.set()
            assert erasing.wait(PATIENCE)
            threading.Event().wait(1)

    with ThreadPoolExecutor(2) as pool:
        staged_all = pool.submit(stage)
        assert staging.wait(PATIENCE)
        erasing.set()
        erased = pool.submit(erase, filled, "quarx.sim", "ann", files=True)
        staged_all.result(PATIENCE)
        erased.result(PATIENCE)
    assert left_of(filled) == {"creator": 0, "staged": 0, "scores of nobody": 0}


def test_file_that_comes_while_the_others_are_looked_through_is_asked_about(
    filled, path, monkeypatch
):
    scan = erasure.files_holding

    def interrupted(*values):
        holding = scan(*values)
        monkeypatch.setattr(erasure, "files_holding", scan)
        with filled.writing() as db:
            intake.begin(db, path, "x.csv", "bea")
        return holding

    with filled.writing() as db:
        db.execute(update(creator).where(creator.c.id == 3).values(external_id="quarx.sim"))
    monkeypatch.setattr(erasure, "files_holding", interrupted)
    with pytest.raises(InputError, match=r"a file that waits holds this creator.*x\.csv"):
        erase(filled, "quarx.sim", "ann")
    assert left_of(filled)["creator"] == 1
    erase(filled, "quarx.sim", "ann", files=True)
    assert not path.exists()
