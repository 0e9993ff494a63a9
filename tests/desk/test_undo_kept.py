"""The undo of an import after decisions: those that were undone keep nobody in the list."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from durhampulse.desk.hooks.endpoints import add_hook
from durhampulse.desk.imports import undoing
from durhampulse.desk.imports.undoing import UndoneImport, preview_undo
from durhampulse.desk.review.decisions import decide, decide_many
from durhampulse.desk.review.queue import release
from durhampulse.desk.review.undoing import undo
from durhampulse.desk.store.acts import resume_undo, undo_act
from durhampulse.desk.store.tables import act, delivery, review, upload
from durhampulse.exceptions import InputError
from tests.desk.conftest import add_people, bring
from tests.desk.decisions import decision_of, state_of
from tests.desk.lists import OneByOne, number_of, undone, write_people
from tests.desk.stored import rows_of


@pytest.mark.parametrize("at_once", [20_000, 0])
def test_decisions_that_were_undone_keep_nobody(
    filled, catalogue, rules, tmp_path, monkeypatch, at_once
):
    """Once anything was decided, the undo of an import left everybody in the list."""
    monkeypatch.setattr(undoing, "_AT_ONCE", at_once)
    monkeypatch.setattr(undoing, "Pace", OneByOne)
    (ann,) = add_people(filled, "reviewer")
    names = [f"new{n}" for n in range(4)]
    row = bring(filled, catalogue, write_people(tmp_path / "a.csv", *names, "INF-1003"))
    numbers = [number_of(filled, name) for name in names]
    known = number_of(filled, "INF-1003")
    single, _ = decide(filled, numbers[0], ann, decision_of("tentative"), rules)
    undo(filled, ann, single)
    release(filled, ann)
    many = decide_many(filled, [*numbers, known], ann, decision_of("decline"), rules)
    undo_act(filled, many.act, "ann")
    decide(filled, numbers[3], ann, decision_of("approve"), rules)
    counts = UndoneImport(restored=1, removed=3, kept=1, changed=0, decided=0)
    with filled.reading() as db:
        assert preview_undo(db, row.id, "ann") == counts
    assert undone(filled, row.id) == counts
    assert [number_of(filled, name) for name in names[:3]] == [None] * 3
    with filled.reading() as db:
        left = db.scalars(select(review.c.creator_id).order_by(review.c.creator_id)).all()
    assert left == [known, numbers[3], numbers[3]]
    with pytest.raises(InputError, match="has undone this already"):
        undo_act(filled, many.act, "ann")
    again = bring(filled, catalogue, write_people(tmp_path / "b.csv", *names[:3]))
    assert undone(filled, again.id).removed == 3


def test_act_undone_after_some_of_its_creators_left_with_the_import(
    filled, catalogue, rules, tmp_path, monkeypatch
):
    """An undo that was interrupted goes on where its first reviews are gone."""
    (ann,) = add_people(filled, "reviewer")
    row = bring(filled, catalogue, write_people(tmp_path / "a.csv", "x", "y"))
    numbers = [number_of(filled, name) for name in "xy"]
    many = decide_many(filled, numbers, ann, decision_of("decline"), rules)
    stop = threading.Event()
    stop.set()
    monkeypatch.setattr("durhampulse.desk.store.acts.Pace", OneByOne)
    assert not undo_act(filled, many.act, "ann", at_once=0).done
    assert resume_undo(filled, many.act, stop).restored == 1
    assert undone(filled, row.id).removed == 1
    assert resume_undo(filled, many.act, threading.Event()).done
    assert state_of(filled, numbers[1]) == "open"
    assert state_of(filled, numbers[0]) is None


def test_message_that_is_still_to_be_sent_keeps_whom_it_tells_of(
    filled, catalogue, rules, tmp_path
):
    (ann,) = add_people(filled, "reviewer")
    with filled.writing() as db:
        add_hook(db, "https://crm.example/hook", "ann")
    row = bring(filled, catalogue, write_people(tmp_path / "a.csv", "x"))
    number, _ = decide(filled, number_of(filled, "x"), ann, decision_of(), rules)
    undo(filled, ann, number)
    release(filled, ann)
    with filled.reading() as db:
        assert preview_undo(db, row.id, "ann").kept == 1
    with filled.writing() as db:
        db.execute(update(delivery).values(sent_at=datetime.now(UTC)))
    assert undone(filled, row.id).removed == 1
    assert rows_of(filled, delivery) == []


def test_undo_that_would_change_nobody_is_refused_and_not_used_up(
    visit, filled, catalogue, rules, tmp_path
):
    admin = visit("admin")
    (ann,) = add_people(filled, "reviewer")
    row = bring(filled, catalogue, write_people(tmp_path / "a.csv", "x", "y"))
    numbers = [number_of(filled, name) for name in "xy"]
    many = decide_many(filled, numbers, ann, decision_of("decline"), rules)
    page = admin.get(f"/imports/{row.id}/undo").text
    assert "Nobody would change any more." in page
    assert "Undo this import" not in page
    answer = admin.post(f"/imports/{row.id}/undo", data={"csrf": admin.csrf})
    assert answer.status_code == 422
    assert "Nobody of this import would change" in answer.text
    with filled.reading() as db:
        assert db.scalar(select(upload.c.state).where(upload.c.id == row.id)) == "done"
        assert db.scalar(select(act.c.undone_by).where(act.c.kind == "import",
                         act.c.run_id == 2)) is None  # fmt: skip
    undo_act(filled, many.act, "ann")
    assert "Undo this import" in admin.get(f"/imports/{row.id}/undo").text
    assert undone(filled, row.id).removed == 2
