"""Reminders of one's own: several on a creator, each before whoever set it, done and undone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy import text as statement

from durhampulse.desk.people.erasure import erase, everything_about
from durhampulse.desk.review.today import for_today, today_of
from durhampulse.desk.shortlist.owners import Care, change_care
from durhampulse.desk.shortlist.reminders import add_reminder, move_own, reminders_of
from durhampulse.desk.store import clock
from durhampulse.desk.store.missing import MissingError
from durhampulse.desk.store.tables import audit, creator, person, reminder
from durhampulse.exceptions import InputError
from tests.desk.conftest import add_people, judge_unseen
from tests.desk.versions import newest_store, older_store

DAY = clock.today()
WEEK = timedelta(days=7)


def added(store, person_id, text="Ask", on=DAY, creator_id=3):
    with store.writing() as db:
        return add_reminder(db, creator_id, person_id, on, text)


def moved(store, number, person_id, on=None):
    with store.writing() as db:
        return move_own(db, number, person_id, on)


def due_to(store, person_id, unseen=()):
    """Give what somebody is reminded of, as text and whether it is a reminder of their own."""
    with store.reading() as db:
        today = today_of(db, person_id, unseen)
        assert for_today(db, person_id) == len(today.due) + today.hidden
    return [(row.text, bool(row.own)) for row in today.due]


def me(desk, client):
    """Give the number of whoever is signed in."""
    with desk.store.reading() as db:
        return db.scalar(select(person.c.id).where(person.c.name == client.who))


def test_each_is_reminded_of_their_own_beside_the_owner(filled):
    mia, bob = add_people(filled, "reviewer", "reviewer")
    with filled.writing() as db:
        change_care(db, 3, Care(owner_id=mia, remind_on=DAY, text="As the owner"), "ann")
    added(filled, mia, "Also mine")
    added(filled, bob, "Of Bob")
    added(filled, bob, "Tomorrow", DAY + timedelta(days=1))
    assert due_to(filled, mia) == [("As the owner", False), ("Also mine", True)]
    assert due_to(filled, bob) == [("Of Bob", True)]
    assert due_to(filled, bob, unseen=[3]) == []
    with filled.writing() as db:
        change_care(db, 3, Care(number=1, owner_id=bob), "ann")  # without the owner's reminder
        assert [row.text for row in today_of(db, bob, ()).coming] == ["Tomorrow"]
    assert due_to(filled, mia) == [("Also mine", True)]


def test_a_reminder_of_ones_own_is_done_put_off_and_undone_by_oneself(filled):
    mia, bob = add_people(filled, "reviewer", "reviewer")
    number = added(filled, mia)
    assert moved(filled, number, mia).remind_on == DAY
    assert due_to(filled, mia) == []
    assert moved(filled, number, mia, DAY).remind_on is None  # undone
    assert due_to(filled, mia) == [("Ask", True)]
    moved(filled, number, mia, DAY + WEEK)
    assert due_to(filled, mia) == []
    for other, person_id in ((number, bob), (number + 1, mia)):
        with pytest.raises(MissingError):
            moved(filled, other, person_id)
    with filled.reading() as db:
        acts = db.scalars(select(audit.c.detail).where(audit.c.act == "own reminder changed"))
        days = [detail["reminder"] for detail in acts]
    today = DAY.isoformat()
    assert days == [today, "none", today, (DAY + WEEK).isoformat()]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"on": DAY - timedelta(days=1)}, "on"),
        ({"on": DAY + timedelta(days=2000)}, "on"),
        ({"text": "x" * 301}, "text"),
    ],
)
def test_a_reminder_that_cannot_be_is_refused_at_its_field(filled, wanted, field):
    (mia,) = add_people(filled, "reviewer")
    with pytest.raises(InputError) as refusal:
        added(filled, mia, **wanted)
    assert refusal.value.field == field
    with pytest.raises(InputError, match="far"):
        moved(filled, added(filled, mia), mia, DAY + timedelta(days=2000))


def test_somebody_has_twenty_reminders_of_a_creator_at_most(filled):
    (mia,) = add_people(filled, "reviewer")
    for _ in range(20):
        last = added(filled, mia)
    with pytest.raises(InputError, match="20 reminders"):
        added(filled, mia)
    moved(filled, last, mia)
    added(filled, mia)
    with pytest.raises(MissingError):
        added(filled, mia, creator_id=999_999)


def test_reminders_are_told_and_erased_with_their_creator(filled):
    (mia,) = add_people(filled, "reviewer")
    added(filled, mia, "Ask INF-1004 about INF-1003")
    other = added(filled, mia, "As INF-1003 did", creator_id=4)
    with filled.reading() as db:
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == 3))
        stored = everything_about(db, name)["reminder"]
    assert [row["text"] for row in stored] == ["Ask INF-1004 about INF-1003"]
    assert erase(filled, name, "ada")["rows"]["reminder"] == 1
    with filled.reading() as db:
        (row,) = db.execute(select(reminder))
    assert row.id == other
    assert name not in row.text


def test_whoever_looks_sets_a_reminder_and_is_done_with_it(visit, desk):
    ann, bob = visit("reviewer"), visit("reviewer")
    sent = {"csrf": ann.csrf, "on": DAY.isoformat(), "text": "Ask <b>"}
    answer = ann.post("/creators/3/reminders", data=sent)
    assert answer.headers["location"] == "/creators/3#owner"
    page = ann.get("/creators/3").text
    assert "Ask &lt;b&gt;" in page
    assert 'action="/reminders/1?on="' in page  # of the notice
    assert "Ask &lt;b&gt;" not in bob.get("/creators/3").text
    assert "<b>1</b> reminder" in ann.get("/today").text
    assert 'formaction="/reminders/1?on=later&amp;back=today"' in ann.get("/today").text
    assert "Nothing waits for you today." in bob.get("/today").text
    form = {"csrf": ann.csrf}
    assert bob.post("/reminders/1", data={"csrf": bob.csrf}).status_code == 404
    done = ann.post("/reminders/1?back=today", data=form)
    assert done.headers["location"] == "/today"
    undo = f"/reminders/1?on={DAY}&back=today"
    assert f'action="{undo.replace("&", "&amp;")}"' in ann.get("/today").text
    ann.post(undo, data=form)
    assert due_to(desk.store, me(desk, ann)) == [("Ask <b>", True)]
    ann.post("/reminders/1?on=later&back=today", data=form)
    with desk.store.reading() as db:
        (row,) = reminders_of(db, 3, me(desk, ann))
    assert row.remind_on == DAY + WEEK
    assert ann.post("/reminders/1?on=soon", data=form).status_code == 422


def test_a_reminder_waits_while_its_creator_is_judged_unseen(visit, desk):
    ann = visit("reviewer")
    added(desk.store, me(desk, ann), "Colleagues say no")
    judge_unseen(desk.store, 3, me(desk, ann))
    page = ann.get("/today").text
    assert "Colleagues say no" not in page
    assert "1 more waits until you have decided" in page
    assert "Colleagues say no" not in ann.get("/creators/3").text


def test_migration_keeps_deliverables_and_makes_room_for_reminders(store_url):
    with older_store("0043", store_url) as db:
        db.execute(statement("INSERT INTO person (id, name, role, active, created_at)"
                             " VALUES (1, 'ann', 'reviewer', true, '2026-01-01')"))  # fmt: skip
        db.execute(statement("INSERT INTO creator (id, external_id, flags, lottery, state, run_id)"
                             " VALUES (1, 'a', 0, 0.5, 'approved', 1)"))  # fmt: skip
        db.execute(statement("INSERT INTO campaign (id, name, brief, by, at)"
                             " VALUES (1, 'Spring', '{}', 'ann', '2026-01-01')"))  # fmt: skip
        db.execute(statement("INSERT INTO deliverable (id, campaign_id, creator_id, text, by, at)"
                             " VALUES (1, 1, 1, 'Reel', 'ann', '2026-01-01')"))  # fmt: skip
    with newest_store(store_url) as db:
        add_reminder(db, 1, 1, DAY, "Ask")
        assert [row.text for row in reminders_of(db, 1, 1)] == ["Ask"]
        assert db.scalar(statement("SELECT text FROM deliverable")) == "Reel"
