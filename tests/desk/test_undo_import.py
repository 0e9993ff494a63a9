"""The undo of an import: the list as it was, and what people did since."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update

from durhampulse.desk.campaigns import campaigns
from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.proposal import propose
from durhampulse.desk.imports import undoing
from durhampulse.desk.imports.jobs import give_up, next_job
from durhampulse.desk.imports.undoing import UndoneImport, ask_to_undo, preview_undo, undo_import
from durhampulse.desk.imports.worker import Worker
from durhampulse.desk.models.catalogue import Catalogue, activate, add_model
from durhampulse.desk.outcomes.recording import record
from durhampulse.desk.people.erasure import erase, sweep
from durhampulse.desk.review.decisions import decide, decide_many
from durhampulse.desk.review.queue import claim_next
from durhampulse.desk.review.remarks import add_remark
from durhampulse.desk.shortlist import members, pages
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.acts import undo_act
from durhampulse.desk.store.former import forget_former
from durhampulse.desk.store.niches import read_niches
from durhampulse.desk.store.settings import write_setting
from durhampulse.desk.store.tables import (
    act,
    audit,
    campaign_creator,
    creator,
    list_creator,
    metadata,
    person,
    replaced,
    run,
    score,
    staged,
    upload,
)
from durhampulse.exceptions import InputError
from tests.desk.conftest import add_people, bring
from tests.desk.decisions import decision_of
from tests.desk.lists import OneByOne, number_of, undone, write_people
from tests.desk.stored import rows_of

DAY = date(2026, 1, 31)


def test_undo_of_an_import_gives_back_the_list_as_it_was(filled, catalogue, tmp_path):
    before, scores = rows_of(filled), rows_of(filled, score)
    with filled.reading() as db:
        niches = read_niches(db)
    path = write_people(
        tmp_path / "a.csv", "INF-1003", "INF-1004", "new1", "new2", niche="Knitting"
    )
    row = bring(filled, catalogue, path)
    assert row.summary["known"] == 2
    assert rows_of(filled) != before
    with filled.reading() as db:
        expected = UndoneImport(restored=2, removed=2, kept=0, changed=0, decided=0)
        assert preview_undo(db, row.id, "ann") == expected
    assert undone(filled, row.id) == expected
    assert rows_of(filled) == before
    assert rows_of(filled, score) == scores
    assert rows_of(filled, replaced) == []
    with filled.reading() as db:
        assert read_niches(db) == niches
        entry = db.execute(select(audit).where(audit.c.act == "import undone")).one()
    assert (entry.who, entry.subject) == ("ann", f"upload {row.id}")
    assert entry.detail == {"restored": 2, "removed": 2, "kept": 0, "decided": 0, "changed": 0}
    with pytest.raises(InputError, match="no longer kept"):
        ask_to_undo(filled, row.id, "ann")


def test_what_people_did_with_new_creators_keeps_them(filled, catalogue, rules, tmp_path):
    ann, bob = add_people(filled, "reviewer", "reviewer")
    names = ["decided", "planned", "recorded", "noted", "listed", "untouched", "held"]
    row = bring(filled, catalogue, write_people(tmp_path / "a.csv", *names, "INF-1003"))
    decide(filled, number_of(filled, "decided"), ann, decision_of("decline"), rules)
    plan = campaigns.make(filled, Brief(name="spring", number=5), "ann")
    planned = {"campaign_id": plan, "creator_id": number_of(filled, "planned"), "choice": "out"}
    record(filled, number_of(filled, "recorded"), deal=True, on=DAY, by="ann")
    many = decide_many(filled, [number_of(filled, "noted")], ann, decision_of(), rules)
    undo_act(filled, many.act, "ann")
    add_remark(filled, number_of(filled, "noted"), "Calls back in May.", "ann")
    with filled.writing() as db:
        db.execute(campaign_creator.insert().values(**planned))
        db.execute(list_creator.insert().values(list_id=1, creator_id=number_of(filled, "listed")))
    decide(filled, number_of(filled, "INF-1003"), ann, decision_of("tentative"), rules)
    with filled.writing() as db:
        db.execute(update(creator).values(state="declined").where(creator.c.state == "open",
                   creator.c.external_id != "held"))  # fmt: skip
        db.execute(update(creator).where(creator.c.external_id == "held").values(
            probability=rules.thresholds.review_at, flags=0))  # fmt: skip
    assert claim_next(filled, bob, rules).creator_id == number_of(filled, "held")
    counts = UndoneImport(restored=1, removed=1, kept=6, changed=0, decided=1)
    assert undone(filled, row.id) == counts
    with filled.reading() as db:
        left = set(db.scalars(select(creator.c.external_id)))
        state = db.scalar(select(creator.c.state).where(creator.c.external_id == "INF-1003"))
        assert db.scalar(select(func.count()).where(score.c.run_id > 1)) == 6
    assert left & set(names) == set(names) - {"untouched"}
    assert state == "tentative"


def test_whom_one_looks_at_oneself_goes_with_the_import(filled, catalogue, rules, tmp_path):
    """Whoever had opened the queue kept a creator of the list that they took back."""
    (ann,) = add_people(filled, "reviewer")
    row = bring(filled, catalogue, write_people(tmp_path / "a.csv", "x", "y"))
    with filled.writing() as db:
        db.execute(update(creator).values(state="declined").where(creator.c.external_id != "x"))
        db.execute(update(creator).where(creator.c.external_id == "x").values(
            probability=rules.thresholds.review_at, flags=0))  # fmt: skip
    assert claim_next(filled, ann, rules).creator_id == number_of(filled, "x")
    with filled.reading() as db:
        name = db.scalar(select(person.c.name).where(person.c.id == ann))
        assert preview_undo(db, row.id, "somebody else").kept == 1
        assert preview_undo(db, row.id, name).kept == 0
    ask_to_undo(filled, row.id, name)
    assert undo_import(filled, Catalogue(filled), row.id, threading.Event()).removed == 2
    assert number_of(filled, "x") is None


def test_undo_that_was_given_up_has_not_happened(filled, catalogue, tmp_path):
    before = rows_of(filled)
    row = bring(filled, catalogue, write_people(tmp_path / "a.csv", "INF-1003", "new1"))
    ask_to_undo(filled, row.id, "ann")
    job = next_job(filled, "one")
    give_up(filled, job, "The disk is full.", "Make room there.")
    with filled.reading() as db:
        import_row = db.execute(select(upload).where(upload.c.id == row.id)).one()
        undone_by = db.scalar(
            select(act.c.undone_by).where(act.c.kind == "import", act.c.run_id == 2)
        )
    assert (import_row.state, import_row.problem) == ("done", "The disk is full.")
    assert undone_by is None
    ask_to_undo(filled, row.id, "bob")
    undo_import(filled, catalogue, row.id, threading.Event())
    assert rows_of(filled) == before
    with filled.reading() as db:
        assert db.scalar(select(audit.c.who).where(audit.c.act == "import undone")) == "bob"


def test_imports_are_undone_in_either_order(filled, catalogue, tmp_path):
    before = rows_of(filled)
    first = bring(
        filled, catalogue, write_people(tmp_path / "a.csv", "INF-1003", "x", "y", followers=1e4)
    )
    between = rows_of(filled)
    again = write_people(tmp_path / "b.csv", "INF-1003", "INF-1004", "x", "z", followers=2e4)
    second = bring(filled, catalogue, again)
    undone(filled, second.id)
    assert rows_of(filled) == between
    undone(filled, first.id)
    assert rows_of(filled) == before
    first = bring(
        filled, catalogue, write_people(tmp_path / "c.csv", "INF-1003", "x", "y", followers=1e4)
    )
    again = write_people(tmp_path / "d.csv", "INF-1003", "INF-1004", "x", "z", followers=2e4)
    second = bring(filled, catalogue, again)
    after = {row[1]: row[2:] for row in rows_of(filled)}
    counts = undone(filled, first.id)
    assert counts == UndoneImport(restored=0, removed=1, kept=0, changed=2, decided=0)
    assert {row[1]: row[2:] for row in rows_of(filled)} == {
        name: row for name, row in after.items() if name != "y"
    }
    undone(filled, second.id)
    assert rows_of(filled) == before


@pytest.fixture
def other(filled, model_folder):
    return add_model(filled, model_folder, "ann")


def figures_of(store):
    """Give what creators are called and what is known of them, without scores and runs."""
    left_out = {"probability", "low", "high", "flags", "run_id", "state"}
    with store.reading() as db:
        rows = db.execute(select(creator).order_by(creator.c.id)).mappings().all()
    return [{name: row[name] for name in row if name not in left_out} for row in rows]


def scores_of(store):
    """Give everybody's score, once it is seen that the latest of their history is the same."""
    c = creator.c
    with store.reading() as db:
        rows = db.execute(
            select(c.external_id, c.probability, c.low, c.high, c.flags, c.run_id, c.id)
        )
        rows = rows.all()
        history = {
            (row.creator_id, row.run_id): tuple(row[2:]) for row in db.execute(select(score))
        }
    assert all(history[row.id, row.run_id] == tuple(row[1:5]) for row in rows)
    return {row.external_id: tuple(row[1:5]) for row in rows}


def test_import_is_undone_after_another_model_which_scores_the_former_figures(
    filled, catalogue, rules, other, tmp_path
):
    (ann,) = add_people(filled, "reviewer")
    activate(filled, catalogue, other, "ann")
    by_other = scores_of(filled)
    activate(filled, catalogue, rules.version, "ann")
    before = figures_of(filled)
    row = bring(
        filled, catalogue, write_people(tmp_path / "a.csv", "INF-1003", "INF-1004", "x", "y")
    )
    decide(filled, number_of(filled, "INF-1003"), ann, decision_of("approve"), rules)
    decide(filled, number_of(filled, "x"), ann, decision_of("decline", "request-2"), rules)
    activate(filled, catalogue, other, "ann")
    assert scores_of(filled) != by_other
    expected = UndoneImport(
        restored=2, removed=1, kept=1, changed=0, decided=1, by_model=True
    )  # fmt: skip
    with filled.reading() as db:
        assert preview_undo(db, row.id, "ann") == expected
    assert undone(filled, row.id) == expected
    left = scores_of(filled)
    del left["x"]
    assert left == by_other
    assert [known for known in figures_of(filled) if known["external_id"] != "x"] == before
    with filled.reading() as db:
        states = select(creator.c.external_id, creator.c.state).where(creator.c.state != "open")
        assert dict(db.execute(states).all()) == {"INF-1003": "approved", "x": "declined"}
        assert (
            db.scalar(select(func.count()).where(score.c.creator_id.not_in(select(creator.c.id))))
            == 0
        )


def test_imports_before_and_after_another_model_are_undone_in_either_order(
    filled, catalogue, rules, other, tmp_path
):
    activate(filled, catalogue, other, "ann")
    by_other, before = scores_of(filled), figures_of(filled)
    for latest_first in (True, False):
        activate(filled, catalogue, rules.version, "ann")
        first = bring(filled, catalogue, write_people(tmp_path / "a.csv", "INF-1003", "x", "y")).id
        activate(filled, catalogue, other, "ann")
        path = write_people(tmp_path / "b.csv", "INF-1003", "INF-1004", "x", "z", followers=2e4)
        second = bring(filled, catalogue, path).id
        if latest_first:
            undone(filled, second)
            assert undone(filled, first).removed == 2
        else:
            counts = UndoneImport(
                restored=0, removed=1, kept=0, changed=2, decided=0, by_model=True
            )  # fmt: skip
            assert undone(filled, first) == counts
            undone(filled, second)
        assert scores_of(filled) == by_other
        assert figures_of(filled) == before
        assert rows_of(filled, replaced) == []


def test_marks_of_a_long_imports_list_follow_each_step_of_its_undo(
    filled, catalogue, rules, tmp_path, monkeypatch
):
    monkeypatch.setattr(undoing, "_AT_ONCE", 0)
    monkeypatch.setattr(undoing, "Pace", OneByOne)
    monkeypatch.setattr(members, "_FEW", 0)
    known = ["INF-1003", "INF-1004", "INF-1005"]
    row = bring(filled, catalogue, write_people(tmp_path / "a.csv", *known))
    view, stop, sizes = View(sort="niche", listed=f"import-{row.id}"), threading.Event(), []
    stop.set()
    ask_to_undo(filled, row.id, "ann")
    for _ in known:
        with filled.reading() as db:
            sizes.append(len(pages.page(db, view, rules).rows))
        assert undo_import(filled, catalogue, row.id, stop) is None
    with filled.reading() as db:
        sizes.append(len(pages.page(db, view, rules).rows))
    assert sizes == [3, 2, 1, 0]


def test_large_import_is_undone_in_steps_and_resumed(
    filled, catalogue, rules, tmp_path, monkeypatch
):
    monkeypatch.setattr(undoing, "_AT_ONCE", 0)
    monkeypatch.setattr(undoing, "Pace", OneByOne)
    (ann,) = add_people(filled, "reviewer")
    before, scores = rows_of(filled), rows_of(filled, score)
    row = bring(
        filled, catalogue, write_people(tmp_path / "a.csv", "INF-1003", "new1", "INF-1004", "new2")
    )
    ask_to_undo(filled, row.id, "ann")
    stop = threading.Event()
    stop.set()
    for _ in range(3):  # whoever takes it up does one step and is stopped
        assert undo_import(filled, catalogue, row.id, stop) is None
    with filled.reading() as db:
        again = db.execute(select(upload).where(upload.c.id == row.id)).one()
        assert (again.state, again.progress) == ("undoing", 0.75)
        assert again.lease_until > datetime.now(UTC)
        assert db.scalar(select(act.c.undone_at).where(act.c.kind == "import")) is None
    decide(filled, number_of(filled, "new2"), ann, decision_of("approve"), rules)
    with filled.writing() as db:
        write_setting(db, "former_days", -1)
        assert forget_former(db) == 0  # what is being given back
    counts = UndoneImport(restored=2, removed=1, kept=1, changed=0, decided=0)
    assert undo_import(filled, catalogue, row.id, threading.Event()) == counts
    assert undo_import(filled, catalogue, row.id, threading.Event()) is None
    assert rows_of(filled)[:-1] == before
    assert rows_of(filled, score)[:-1] == scores


def test_former_rows_are_forgotten_after_a_while_and_by_erasure(filled, catalogue, tmp_path):
    path = write_people(tmp_path / "a.csv", "INF-1003", "INF-1004", called="Kaja")
    first = bring(filled, catalogue, path)
    with filled.writing() as db:
        old = {"name": "Former Name", "carried": [["handle", "H", "@former"]]}
        db.execute(update(replaced).where(replaced.c.creator_id == number_of(filled, "INF-1003"))
                   .values(**old))  # fmt: skip
        db.execute(update(upload).where(upload.c.id == first.id).values(problem="@former: odd"))
    assert erase(filled, "INF-1003", "admin")["rows"]["replaced_creator"] == 1
    everything = "".join(str(rows_of(filled, table)) for table in metadata.sorted_tables)
    assert "@former" not in everything
    assert len(rows_of(filled, replaced)) == 1
    with filled.writing() as db:
        db.execute(update(act).values(at=datetime.now(UTC) - timedelta(days=31)))
    assert sweep(filled, 400, "admin")["rows"] == {"replaced_creator": 1}
    with pytest.raises(InputError, match="no longer kept"):
        ask_to_undo(filled, first.id, "ann")


def test_checked_import_goes_back_to_its_columns(visit, desk, catalogue, tmp_path):
    desk.worker.stop()  # or it is quicker than the test's own
    path = write_people(tmp_path / "a.csv", "INF-1003", "new")
    row = bring(desk.store, catalogue, path, confirm=False, units={"Engagement_Rate": "fraction"})
    ann = visit("reviewer")
    assert "Back to the columns" in ann.get(f"/imports/{row.id}").text
    answer = ann.post(f"/imports/{row.id}/columns", data={"csrf": ann.csrf})
    assert answer.status_code == 303
    with desk.store.reading() as db:
        again = db.execute(select(upload).where(upload.c.id == row.id)).one()
        assert db.scalar(select(func.count()).select_from(staged)) == 0
    assert (again.state, again.options) == ("new", row.options)
    assert path.exists()
    assert "Looks right: score it" in ann.get(f"/imports/{row.id}").text
    answer = ann.post(f"/imports/{row.id}/columns", data={"csrf": ann.csrf})
    assert answer.status_code == 422


def test_campaign_after_an_undo_does_not_come_from_the_undone_file(
    visit, filled, catalogue, tmp_path
):
    row = bring(filled, catalogue, write_people(tmp_path / "a.csv", "new1", "new2"))
    number = campaigns.make(filled, Brief(name="spring", number=2), "ann")
    propose(filled, catalogue, number, "ann")
    viewer, name = visit("viewer"), f'<q class="breaks">{row.file_name}</q>'
    assert f"from the list with {name} of" in viewer.get(f"/campaigns/{number}").text
    undone(filled, row.id)
    assert f"from the list with {name} of" in viewer.get(f"/campaigns/{number}").text
    propose(filled, catalogue, number, "ann")
    page = viewer.get(f"/campaigns/{number}").text
    assert f"from the list after {name} was undone" in page
    assert "from the list with" not in page


def test_import_is_undone_from_its_page_by_who_brought_it(visit, desk, catalogue, tmp_path):
    desk.worker.stop()  # or it is quicker than the test's own
    row = bring(desk.store, catalogue, write_people(tmp_path / "a.csv", "INF-1003", "new"))
    ann, root = visit("reviewer"), visit("admin")
    assert "Undo this import" not in ann.get(f"/imports/{row.id}").text
    answer = ann.post(f"/imports/{row.id}/undo", data={"csrf": ann.csrf})
    assert answer.status_code == 403
    assert "Undo this import" in root.get(f"/imports/{row.id}").text
    page = root.get(f"/imports/{row.id}/undo").text
    assert "<strong>1</strong> creator gets back what it replaced, " in page
    assert "<strong>1</strong> leaves the list again." in page
    assert root.post(f"/imports/{row.id}/undo", data={"csrf": root.csrf}).status_code == 303
    Worker(desk.store, catalogue).work()  # or the server's own was quicker
    for _ in range(200):
        page = root.get(f"/imports/{row.id}").text
        if "undid this import" in page:
            break
    assert "1 creator is as before, 1 left the list again." in page
    assert '<td class="quiet">Undone</td>' in root.get("/imports").text
    acts = root.get("/acts").text
    assert f'Imported 2 creators from <bdi class="breaks">{row.file_name}</bdi>' in acts
    assert f"Undone by {root.who}" in acts


def test_failed_undo_of_an_import_changes_nothing(filled, catalogue, tmp_path, monkeypatch):
    row = bring(filled, catalogue, write_people(tmp_path / "a.csv", "INF-1003", "new"))
    after = rows_of(filled)

    def break_off(db):
        db.execute(text("INSERT INTO nowhere VALUES (1)"))

    monkeypatch.setattr("durhampulse.desk.imports.undoing.count_niches", break_off)
    ask_to_undo(filled, row.id, "ann")
    worker = Worker(filled, catalogue)
    try:
        worker.work()
    except Exception:  # noqa: BLE001 - SQLite has no such table: the same as a store that is away
        with filled.writing() as db:
            db.execute(update(upload).values(lease_until=None, tries=10))
        worker.work()
    assert rows_of(filled) == after
    with filled.reading() as db:
        again = db.execute(select(upload).where(upload.c.id == row.id)).one()
    assert again.state == "done"
    assert again.problem


def test_run_of_an_undone_import_is_kept_for_the_record(filled, catalogue, tmp_path):
    row = bring(filled, catalogue, write_people(tmp_path / "a.csv", "INF-1003"))
    undone(filled, row.id)
    with filled.reading() as db:
        assert db.scalar(select(func.count()).where(run.c.upload_id == row.id)) == 1
