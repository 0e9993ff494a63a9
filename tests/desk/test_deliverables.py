"""What creators of an agreed campaign are to deliver: kept, ticked off, undone, exported, erased."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy import text as statement

from durhampulse.desk.campaigns.brief import Brief
from durhampulse.desk.campaigns.campaigns import agree, drop, finish, make, reopen
from durhampulse.desk.campaigns.deliverables import (
    add_deliverable,
    change_deliverable,
    deliverable_texts,
    deliverables,
)
from durhampulse.desk.campaigns.proposal import propose
from durhampulse.desk.people import people
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.review.today import for_today, today_of
from durhampulse.desk.shortlist.owners import Care, change_care
from durhampulse.desk.store import clock
from durhampulse.desk.store.tables import audit, creator, deliverable, person, proposal
from durhampulse.exceptions import InputError
from tests.desk.versions import newest_store, older_store

DUE = clock.today() + timedelta(days=6)


@pytest.fixture
def planned(filled, catalogue):
    """Give an agreed campaign's number and those of its creators in their order."""
    number = make(filled, Brief(name="Spring", number=3), "ann")
    propose(filled, catalogue, number, "ann")
    agree(filled, number, "ann")
    with filled.reading() as db:
        inside = select(proposal.c.creator_id).where(proposal.c.campaign_id == number)
        return number, db.scalars(inside.order_by(proposal.c.place)).all()


def added(store, campaign_id, creator_id, text="Reel", due=DUE):
    with store.writing() as db:
        return add_deliverable(db, campaign_id, creator_id, text, due, "ann")


def test_what_is_open_comes_first_and_what_is_due_before(filled, planned):
    campaign_id, (first, second, _) = planned
    later = added(filled, campaign_id, first, "Later", DUE + timedelta(days=2))
    whenever = added(filled, campaign_id, first, "Whenever", None)
    soon = added(filled, campaign_id, second, "Soon")
    done = added(filled, campaign_id, second, "Done first")
    with filled.writing() as db:
        change_deliverable(db, done, "done", "bob")
        assert [row.id for row in deliverables(db, campaign_id)] == [soon, later, whenever, done]
        assert deliverable_texts(db, campaign_id) == {
            first: (f"Later (due {DUE + timedelta(days=2)}); Whenever", 2),
            second: (f"Soon (due {DUE}); Done first (done)", 1),
        }


@pytest.mark.parametrize("change", ["done", "remove"])
def test_each_change_is_undone_and_counts_once(filled, planned, change):
    campaign_id, (first, *_) = planned
    number = added(filled, campaign_id, first)
    back = {"done": "open", "remove": "restore"}[change]
    with filled.writing() as db:
        for act in (change, change, back, back):
            change_deliverable(db, number, act, "bob")
        (row,) = deliverables(db, campaign_id)
        assert (row.done_at, row.removed_at) == (None, None)
    with filled.reading() as db:
        acts = db.scalars(select(audit.c.act).where(audit.c.act.like("deliverable%")))
        assert len(acts.all()) == 3  # added, changed, and back


def test_only_who_is_in_an_agreed_campaign_delivers(filled, planned):
    campaign_id, (first, *_) = planned
    with filled.reading() as db:
        other = db.scalar(select(creator.c.id).where(creator.c.id.not_in(planned[1])).limit(1))
    for wrong, field in (
        ({"creator_id": other}, "creator_id"),
        ({"text": " "}, "text"),
        ({"text": "x" * 301}, "text"),
        ({"due": DUE.replace(year=9999)}, "due"),
    ):
        with pytest.raises(InputError) as refusal:
            added(filled, **{"campaign_id": campaign_id, "creator_id": first, **wrong})
        assert refusal.value.field == field
    reopen(filled, campaign_id, "ann", "Another set")
    with pytest.raises(InputError, match="not agreed"):
        added(filled, campaign_id, first)


def test_deliverables_go_with_their_creator_and_their_campaign(filled, planned):
    campaign_id, (first, second, _) = planned
    added(filled, campaign_id, first)
    kept = added(filled, campaign_id, second)
    with filled.reading() as db:
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == first))
    assert erase(filled, name, "ada")["rows"]["deliverable"] == 1
    with filled.reading() as db:
        assert db.scalars(select(deliverable.c.id)).all() == [kept]
    reopen(filled, campaign_id, "ann", "Another set")
    drop(filled, campaign_id, "ann")
    with filled.reading() as db:
        assert db.scalars(select(deliverable.c.id)).all() == []


def test_a_campaign_shows_and_exports_what_is_to_be_delivered(visit, planned):
    campaign_id, (first, *_) = planned
    ann, viewer = visit("reviewer"), visit("viewer")
    sent = {"csrf": ann.csrf, "creator_id": str(first), "text": "Reel <b>", "due": DUE.isoformat()}
    answer = ann.post(f"/campaigns/{campaign_id}/deliverables", data=sent)
    assert answer.headers["location"] == f"/campaigns/{campaign_id}#deliverables"
    page = ann.get(f"/campaigns/{campaign_id}").text
    assert 'action="/deliverables/1?change=remove"' in page  # of the notice
    assert "Reel &lt;b&gt;" in page
    assert "1 of 1 open" in page
    done = ann.post("/deliverables/1?change=done", data={"csrf": ann.csrf})
    assert done.headers["location"] == f"/campaigns/{campaign_id}#deliverables"
    page = viewer.get(f"/campaigns/{campaign_id}").text
    assert "None of 1 open" in page
    assert "/deliverables/1" not in page
    assert ann.post("/deliverables/1?change=lost", data={"csrf": ann.csrf}).status_code == 422
    assert ann.post("/deliverables/9?change=done", data={"csrf": ann.csrf}).status_code == 404
    lines = viewer.get(f"/campaigns/{campaign_id}/export/csv").text.splitlines()
    rows = [*csv.DictReader(lines)]
    assert [row["Deliverables"] for row in rows] == ["Reel <b> (done)", "", ""]
    assert [row["Deliverables Open"] for row in rows] == ["0", "0", "0"]


def due_of(store, name, *, unseen=(), everybody=False):
    """Give what is due to somebody, by what it is, and how much of colleagues is."""
    with store.reading() as db:
        number = db.scalar(select(person.c.id).where(person.c.name == name))
        today = today_of(db, number, unseen, everybody=everybody)
        assert (
            for_today(db, number) == len(today.deliveries) - today.others * everybody + today.hidden
        )
    return [row.text for row in today.deliveries], today.others


def test_what_is_due_waits_for_the_owner_and_for_whoever_agreed(filled, planned):
    campaign_id, (first, second, _) = planned
    with filled.writing() as db:
        ann, bob, _ = (people.add_person(db, n, "reviewer", "test") for n in ("ann", "bob", "eva"))
        change_care(db, second, Care(owner_id=bob), "ann")
    day = clock.today()
    added(filled, campaign_id, first, "Today", day)
    added(filled, campaign_id, second, "Late", day - timedelta(days=2))
    added(filled, campaign_id, first, "Tomorrow", day + timedelta(days=1))
    added(filled, campaign_id, first, "Whenever", None)
    for change in ("done", "remove"):
        number = added(filled, campaign_id, first, change, day)
        with filled.writing() as db:
            change_deliverable(db, number, change, "ann")
    assert due_of(filled, "ann") == (["Late", "Today"], 0)  # who agreed
    assert due_of(filled, "bob") == (["Late"], 1)  # who looks after the second
    assert due_of(filled, "eva") == ([], 2)
    assert due_of(filled, "eva", everybody=True) == (["Late", "Today"], 2)
    assert due_of(filled, "bob", unseen=[second]) == ([], 1)
    with filled.reading() as db:
        coming = {
            name: [(row.text, row.remind_on, row.campaign) for row in today_of(db, at, ()).coming]
            for name, at in (("ann", ann), ("bob", bob))
        }
    assert coming == {"ann": [("Tomorrow", day + timedelta(days=1), "Spring")], "bob": []}
    finish(filled, campaign_id, "eva")
    assert due_of(filled, "ann", everybody=True) == ([], 0)


def test_what_is_due_is_done_from_today_and_undone(visit, desk, planned):
    campaign_id, (first, *_) = planned
    ann, bob = visit("reviewer"), visit("reviewer")
    with desk.store.writing() as db:
        owner = db.scalar(select(person.c.id).where(person.c.name == ann.who))
        change_care(db, first, Care(owner_id=owner), "ann")
    number = added(desk.store, campaign_id, first, "Reel <b>", clock.today())
    done = f"/deliverables/{number}?change=done&back=today"
    page = ann.get("/today").text
    assert "<b>1</b> deliverable due" in page
    assert "Reel &lt;b&gt;" in page
    assert f'action="{done.replace("&", "&amp;")}"' in page
    assert '<a href="/today"><b>1</b> for you today</a>' in ann.get("/shortlist").text
    page = bob.get("/today").text
    assert "Nothing waits for you today." in page
    assert "Reel &lt;b&gt;" not in page
    assert "Reel &lt;b&gt;" in bob.get("/today?deliverables=all").text
    assert ann.post(done, data={"csrf": ann.csrf}).headers["location"] == "/today"
    page = ann.get("/today").text
    assert "<b>1</b> deliverable due" not in page
    undo = f"/deliverables/{number}?change=open&back=today"
    assert f'action="{undo.replace("&", "&amp;")}"' in page  # of the notice
    assert ann.post(undo, data={"csrf": ann.csrf}).headers["location"] == "/today"
    assert "<b>1</b> deliverable due" in ann.get("/today").text


def test_migration_keeps_campaigns_and_makes_room_for_deliverables(store_url):
    with older_store("0042", store_url) as db:
        db.execute(statement("INSERT INTO campaign (id, name, brief, by, at)"
                             " VALUES (1, 'Spring', '{}', 'ann', '2026-01-01')"))  # fmt: skip
    with newest_store(store_url) as db:
        assert deliverables(db, 1) == []
        assert db.scalar(statement("SELECT name FROM campaign")) == "Spring"


def test_day_is_moved_and_moved_back(visit, desk, planned):
    campaign_id, (first, *_) = planned
    ann, number = visit("reviewer"), added(desk.store, campaign_id, first, "Reel <b>")
    here, later = f"/campaigns/{campaign_id}", DUE + timedelta(days=9)

    def due():
        with desk.store.reading() as db:
            return db.scalar(select(deliverable.c.due))

    for day in (later, None):
        sent = {"csrf": ann.csrf, "deliverable": str(number), "due": day.isoformat() if day else ""}
        answer = ann.post(f"{here}/deliverables/due", data=sent)
        assert answer.headers["location"] == f"{here}#deliverables"
        assert due() == day
    undo = f"/deliverables/{number}?change=move&due={later}"
    assert f'action="{undo.replace("&", "&amp;")}"' in ann.get(here).text
    ann.post(undo, data={"csrf": ann.csrf})
    assert due() == later
    ann.post(f"/deliverables/{number}?change=move&due=later&back=today", data={"csrf": ann.csrf})
    assert due() == clock.today() + timedelta(days=7)
    far = {"csrf": ann.csrf, "deliverable": str(number), "due": "2199-01-01"}
    assert ann.post(f"{here}/deliverables/due", data=far).status_code == 422
    gone = {**far, "deliverable": "99", "due": ""}
    assert ann.post(f"{here}/deliverables/due", data=gone).status_code == 404
    with desk.store.reading() as db:
        moved = db.scalars(select(audit.c.detail).where(audit.c.act == "deliverable moved")).all()
    days = [later, "none", later, clock.today() + timedelta(days=7)]
    assert moved == [{"creator": first, "due": str(day)} for day in days]
    assert f"/campaigns/{campaign_id}/deliverables/due" not in visit("viewer").get(here).text
