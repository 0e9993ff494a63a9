"""Lists, saved views and work on all that match, as a program with a key does them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select

from durhampulse.desk.people import people
from durhampulse.desk.store import clock
from durhampulse.desk.store.tables import audit, claim, creator, creator_list, person, review
from durhampulse.desk.store.tables import list_creator as place
from tests.desk.routes import routes

DECLINE = {"kind": "decide", "decision": "decline", "reason": "Off brand", "reviewer": "Rita"}


@pytest.fixture
def program(visit, desk):
    """Give a program by its key's role; Rita is a reviewer, Vic a viewer."""
    client = visit()
    with desk.store.writing() as db:
        people.add_person(db, "Rita", "reviewer", "test")
        people.add_person(db, "Vic", "viewer", "test")

    def _program(role, name="crm"):
        with desk.store.writing() as db:
            token = people.add_key(db, name, role, "test")
        client.headers["authorization"] = f"Bearer {token}"
        return client

    return _program


def matching(desk, *conditions):
    """Count creators by hand."""
    with desk.store.reading() as db:
        return db.scalar(select(func.count()).select_from(creator).where(*conditions))


def test_a_viewers_key_reads_lists_and_changes_none(program, app):
    viewer = program("viewer")
    for path in ("/v1/lists", "/v1/views", "/v1/selection"):
        assert viewer.get(path).status_code == 200, path
    changing = [pair for pair in routes(app) if pair[0] != "GET"
                and re.match("/v1/(lists|views|bulk)", pair[1])]  # fmt: skip
    assert len(changing) == 9
    for method, path in changing:
        answer = viewer.request(method, path.replace("{number}", "3"), json={})
        assert answer.status_code == 403, (method, path)


def test_list_is_made_filled_and_exported_by_program(program, desk):
    crm = program("reviewer")
    body = {"name": "  Spring   DE ", "client": "Acme"}
    made, again = (crm.post("/v1/lists", json=body) for _ in range(2))
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == {"id": again.json()["id"], "new": True}
    number = made.json()["id"]
    where = f"/v1/lists/{number}"
    change = {"add": ["INF-1003", " INF-1004", "NOBODY-7"]}
    assert crm.post(f"{where}/members", json=change).json() == {
        "added": 2, "removed": 0, "unknown": ["NOBODY-7"]
    }  # fmt: skip
    assert crm.post(f"{where}/members", json=change).json()["added"] == 0
    crm.post(f"{where}/members", json={"remove": ["INF-1004"]})
    inside = crm.get("/v1/creators", params={"list": number}).json()["creators"]
    assert [item["creator"] for item in inside] == ["INF-1003"]
    (item,) = crm.get("/v1/lists").json()
    assert {**body, "name": "Spring DE", "creators": 1, "by": "key crm"}.items() <= item.items()
    assert crm.put(where, json={"name": "Spring"}).status_code == 200
    assert crm.get("/v1/lists").json()[0]["name"] == "Spring"
    both = crm.post(f"{where}/members", json={"add": ["INF-1003"], "remove": ["INF-1003"]})
    assert both.status_code == 422
    assert crm.delete(where).status_code == 204
    assert crm.delete(where).status_code == 404
    with desk.store.reading() as db:
        assert db.scalar(select(func.count()).select_from(place)) == 0


def test_taken_name_of_a_list_is_refused(program, desk):
    crm = program("reviewer")
    with desk.store.writing() as db:
        db.execute(insert(creator_list).values(
            name="Spring", client="", note="", by="Ann", at=datetime.now(UTC)))  # fmt: skip
    answer = crm.post("/v1/lists", json={"name": "Spring"})
    assert answer.status_code == 422
    assert "There is a list 'Spring' already" in answer.json()["error"]["problem"]


def test_key_does_no_more_under_an_admins_name_than_its_own_role(program, desk):
    crm = program("reviewer")
    with desk.store.writing() as db:
        people.add_person(db, "Ada", "admin", "test")
    body = {"name": "Mine", "filters": {"band": ["yes"]}, "shared": True, "reviewer": "Rita"}
    number = crm.post("/v1/views", json=body).json()["id"]
    assert crm.delete(f"/v1/views/{number}", params={"reviewer": "Ada"}).status_code == 422
    assert crm.get(f"/v1/views/{number}").status_code == 200
    admin = program("admin", "ops")
    assert admin.delete(f"/v1/views/{number}", params={"reviewer": "Ada"}).status_code == 204


def test_view_belongs_to_a_person_and_is_shared_or_not(program, desk):
    crm = program("reviewer")
    body = {"name": "Nordics", "reviewer": "Rita",
            "filters": {"band": ["maybe"], "min_engagement": 0.05}}  # fmt: skip
    number = crm.post("/v1/views", json=body).json()["id"]
    assert crm.get("/v1/views").json() == []
    assert crm.get(f"/v1/views/{number}").status_code == 404
    assert crm.post("/v1/views", json={**body, "shared": True}).json()["id"] == number
    (item,) = crm.get("/v1/views").json()
    assert (item["by"], item["query"]) == ("Rita", {"band": ["maybe"], "min_engagement": ["5%"]})
    assert crm.get(f"/v1/views/{number}").json() == item
    for wrong in ({"reviewer": "Vic"}, {"filters": {"bnad": ["no"]}}, {"filters": {"edge": 1}}):
        assert crm.post("/v1/views", json={**body, **wrong}).status_code == 422
    assert crm.delete(f"/v1/views/{number}", params={"reviewer": "Vic"}).status_code == 422
    assert crm.delete(f"/v1/views/{number}", params={"reviewer": "Rita"}).status_code == 204
    with desk.store.reading() as db:
        details = db.scalars(select(audit.c.detail).where(audit.c.act.like("view %"))).all()
    assert {detail["through"] for detail in details} == {"key crm"}


@pytest.mark.parametrize(
    ("filters", "conditions"),
    [
        ({}, []),
        ({"min_engagement": 0.05}, [creator.c.engagement_rate >= 0.05]),
        ({"min_engagement": 1e-7}, [creator.c.engagement_rate >= 1e-7]),
        ({"min_followers": 2500, "niche": ["Tech"]},
         [creator.c.followers >= 2500, creator.c.niche == "Tech"]),
        ({"search": "1003"}, [creator.c.external_id == "INF-1003"]),
    ],
)  # fmt: skip
def test_selection_counts_whom_the_filters_match(program, desk, filters, conditions):
    answer = program("viewer").get("/v1/selection", params=filters)
    assert answer.json()["total"] == matching(desk, *conditions)


@pytest.mark.parametrize("wrong", [{"bnad": "no"}, {"band": "nope"}, {"flag": "pretty"},
                                   {"min_followers": "2.500"}, {"list": "spring"}])  # fmt: skip
def test_misspelled_filter_never_widens_a_selection(program, wrong):
    viewer = program("viewer")
    for path in ("/v1/selection", "/v1/creators"):
        assert viewer.get(path, params=wrong).status_code == 422


def test_program_decides_about_all_that_match_once_and_takes_it_back(program, desk):
    crm = program("reviewer")
    n = matching(desk, creator.c.probability < 0.6, creator.c.state == "open")
    selection = crm.get("/v1/selection", params={"band": "no", "state": "open"}).json()
    assert selection["total"] == n > 100
    with desk.store.writing() as db:
        first = db.scalar(select(func.min(creator.c.id)).where(creator.c.probability < 0.6))
        holder = people.add_person(db, "Ann", "reviewer", "test")
        later = datetime.now(UTC) + timedelta(minutes=15)
        db.execute(insert(claim).values(
            creator_id=first, person_id=holder, why="maybe", expires_at=later))  # fmt: skip
    body = {**DECLINE, "selection": selection, "request": "crm-2026-1"}
    done, again = (crm.post("/v1/bulk", json=body) for _ in range(2))
    assert (done.status_code, done.json()) == (200, again.json())
    work = done.json()
    assert (work["state"], work["total"], work["done"], work["held"]) == ("done", n, n - 1, 1)
    assert matching(desk, creator.c.state == "declined") == n - 1
    other = crm.post("/v1/bulk", json={**body, "decision": "approve"})
    assert other.status_code == 409
    with desk.store.reading() as db:
        assert db.scalar(select(func.count()).select_from(review)) == n - 1
        detail = db.scalar(select(audit.c.detail).where(audit.c.act == "decide all that match"))
    assert detail["through"] == "key crm"
    assert program("reviewer", "other").post(f"/v1/bulk/{work['id']}/undo").status_code == 403
    undone = program("admin", "boss").post(f"/v1/bulk/{work['id']}/undo").json()
    assert undone == {"total": n - 1, "restored": n - 1, "kept": 0, "done": True}
    assert matching(desk, creator.c.state == "declined") == 0


def test_program_fills_a_list_with_all_that_match(program, desk):
    crm = program("reviewer")
    number = crm.post("/v1/lists", json={"name": "Tech"}).json()["id"]
    selection = crm.get("/v1/selection", params={"niche": "Tech"}).json()
    body = {"kind": "add", "list": number, "reviewer": "Rita", "selection": selection,
            "request": "crm-2026-2"}  # fmt: skip
    work = crm.post("/v1/bulk", json=body).json()
    n = matching(desk, creator.c.niche == "Tech")
    assert (work["done"], crm.get("/v1/lists").json()[0]["creators"]) == (n, n)
    assert crm.get(f"/v1/bulk/{work['id']}").json() == work
    assert crm.get("/v1/bulk/999").status_code == 404
    for wrong in ({"list": 999}, {"reviewer": "Vic"}, {"kind": "decide"},
                  {"selection": {**selection, "version": "of nothing"}}):  # fmt: skip
        answer = crm.post("/v1/bulk", json={**body, **wrong, "request": "crm-2026-3"})
        assert answer.status_code == 422, wrong


def test_program_hands_creators_over_and_filters_by_owner(program, desk):
    crm = program("reviewer")
    selection = crm.get("/v1/selection", params={"niche": "Tech"}).json()
    body = {"kind": "owner", "owner": "Rita", "reviewer": "Rita", "selection": selection,
            "request": "crm-2026-3"}  # fmt: skip
    work = crm.post("/v1/bulk", json=body).json()
    assert work["done"] == matching(desk, creator.c.niche == "Tech")
    found = crm.get("/v1/creators", params={"niche": "Tech", "limit": 1}).json()["creators"][0]
    rita = found["owner"]
    assert rita == {"id": rita["id"], "name": "Rita", "remind_on": None, "reminder": ""}
    hers = crm.get("/v1/selection", params={"owner": str(rita["id"])}).json()
    assert hers["total"] == work["done"]
    nobodys = crm.get("/v1/selection", params={"owner": "none"}).json()
    assert nobodys["total"] == matching(desk, creator.c.id > 0) - work["done"]
    vic = {**body, "owner": "Vic", "request": "crm-2026-4"}
    assert crm.post("/v1/bulk", json=vic).status_code == 422
    assert crm.get("/v1/selection", params={"owner": "me"}).status_code == 422
    undone = crm.post(f"/v1/bulk/{work['id']}/undo").json()
    assert undone["restored"] == work["done"]
    assert crm.get(f"/v1/creators/{found['creator']}").json()["owner"] is None


def test_program_sets_and_clears_the_owner_of_one_creator(program, desk):
    crm = program("reviewer")
    name = crm.get("/v1/creators", params={"limit": 1}).json()["creators"][0]["creator"]
    where, day = f"/v1/creators/{name}/owner", (clock.today() + timedelta(days=6)).isoformat()
    nobody = {"change": 0, "owner": None, "may_review": False, "remind_on": None, "reminder": "",
              "by": None, "at": None}  # fmt: skip
    assert crm.get(where).json() == nobody
    body = {"owner": "Rita", "remind_on": day, "reminder": "Ask <b>", "reviewer": "Rita"}
    stands = crm.put(where, json=body).json()
    assert stands == {"change": 1, "owner": "Rita", "may_review": True, "remind_on": day,
                      "reminder": "Ask <b>", "by": "Rita", "at": stands["at"]}  # fmt: skip
    assert crm.put(where, json=body).json() == crm.get(where).json() == stands  # sent again
    assert crm.put(where, json={**body, "owner": None}).status_code == 422  # nobody to remind
    cleared = crm.put(where, json={"owner": None, "reviewer": "Rita", "change": 1}).json()
    assert cleared == {**nobody, "change": 2, "by": "Rita", "at": cleared["at"]}
    stale = crm.put(where, json={**body, "change": 1})
    assert stale.status_code == 409
    assert "Rita changed owner or reminder meanwhile" in stale.json()["error"]["problem"]
    assert crm.get(where).json() == cleared
    with desk.store.reading() as db:
        acts = db.execute(
            select(audit).where(audit.c.act.in_(["owner changed", "reminder changed"]))
        )
        details = [(row.act, row.who, row.detail) for row in acts]
    by_key = {"through": "key crm"}
    assert details == [
        ("owner changed", "Rita", {"owner": "Rita", "reminder": day, **by_key}),
        ("owner changed", "Rita", {"owner": "nobody", "reminder": "none", **by_key}),
    ]
    reader = program("viewer", "reader")
    assert reader.get(where).json() == cleared
    assert reader.put(where, json=body).status_code == 403


def test_program_may_name_no_owner_who_may_not_review(program, desk):
    crm = program("reviewer")
    name = crm.get("/v1/creators", params={"limit": 1}).json()["creators"][0]["creator"]
    where, day = f"/v1/creators/{name}/owner", clock.today()
    body = {"owner": "Rita", "reviewer": "Rita"}
    past = (day - timedelta(days=1)).isoformat()
    for wrong in ({"owner": "Vic"}, {"owner": "Nobody"}, {"reviewer": "Vic"}, {"remind_on": past},
                  {"reminder": "without a day"}, {"reminder": "x" * 301}, {"remind_on": "tomorrow"},
                  {"change": -1}, {"note": "unknown"}):  # fmt: skip
        assert crm.put(where, json={**body, **wrong}).status_code == 422, wrong
    assert crm.put(where, json={"reviewer": "Rita"}).status_code == 422  # of whom nothing is said
    assert crm.put("/v1/creators/nobody/owner", json=body).status_code == 404
    assert crm.get("/v1/creators/nobody/owner").status_code == 404
    assert crm.put(where, json=body).status_code == 200
    with desk.store.writing() as db:
        people.add_person(db, "Ada", "reviewer", "test")
        db.execute(person.update().where(person.c.name == "Rita").values(role="viewer"))
    kept = crm.put(where, json={**body, "reviewer": "Ada", "remind_on": day.isoformat()}).json()
    assert (kept["owner"], kept["may_review"], kept["by"]) == ("Rita", False, "Ada")


def test_program_keeps_a_note_once(program, desk):
    crm = program("reviewer")
    name = crm.get("/v1/creators", params={"limit": 1}).json()["creators"][0]["creator"]
    with desk.store.writing() as db:
        people.add_person(db, "Ann Lee", "reviewer", "test")
    body = {"creator": name, "text": "@Ann Lee <b>call</b> her", "reviewer": "Rita"}
    assert crm.post("/v1/notes", json=body).status_code == 201
    again = crm.post("/v1/notes", json=body)
    assert (again.status_code, again.json()["new"]) == (200, False)
    (kept,) = crm.get(f"/v1/creators/{name}/notes").json()
    assert (kept["text"], kept["by"], kept["names"]) == (body["text"], "Rita", ["Ann Lee"])
    for wrong in ({"text": ""}, {"text": "x" * 2001}, {"reviewer": "Vic"}, {"text": "\0"}):
        assert crm.post("/v1/notes", json={**body, **wrong}).status_code == 422, wrong
    with desk.store.reading() as db:
        (detail,) = db.scalars(select(audit.c.detail).where(audit.c.act == "note written"))
    assert detail == {"names": ["Ann Lee"], "through": "key crm"}
    assert program("viewer", "reader").post("/v1/notes", json=body).status_code == 403


def test_program_keeps_moves_and_ends_somebodys_own_reminders(program, desk):
    crm = program("reviewer")
    name = crm.get("/v1/creators", params={"limit": 1}).json()["creators"][0]["creator"]
    where, rita = f"/v1/creators/{name}/reminders", {"reviewer": "Rita"}
    day, later = ((clock.today() + timedelta(days=n)).isoformat() for n in (6, 13))
    body = {"remind_on": day, "reminder": "Ask <b>", **rita}
    kept = crm.post(where, json=body)
    assert (kept.status_code, kept.json()["new"]) == (201, True)
    again = crm.post(where, json=body)
    assert (again.status_code, again.json()) == (200, {**kept.json(), "new": False})
    item = {"id": kept.json()["id"], "remind_on": day, "reminder": "Ask <b>"}
    assert crm.get(where, params=rita).json() == [item]
    one = f"/v1/reminders/{item['id']}"
    moved = {**item, "remind_on": later}
    assert crm.put(one, json={"remind_on": later, **rita}).json() == moved
    assert crm.get(where, params=rita).json() == [moved]
    done = {**item, "remind_on": None}
    assert crm.put(one, json={"remind_on": None, **rita}).json() == done
    assert crm.get(where, params=rita).json() == []
    assert crm.put(one, json={"remind_on": day, **rita}).json() == item  # brought back
    with desk.store.writing() as db:
        people.add_person(db, "Ada", "reviewer", "test")
    assert crm.get(where, params={"reviewer": "Ada"}).json() == []  # another's are not told
    assert crm.put(one, json={"remind_on": None, "reviewer": "Ada"}).status_code == 404
    for wrong in ({"reviewer": "Vic"}, {"remind_on": "2020-01-01"}, {"remind_on": None},
                  {"reminder": "x" * 301}, {"note": "unknown"}):  # fmt: skip
        assert crm.post(where, json={**body, **wrong}).status_code == 422, wrong
    assert crm.put(one, json=rita).status_code == 422  # neither a day nor none
    assert crm.get("/v1/creators/nobody/reminders", params=rita).status_code == 404
    with desk.store.reading() as db:
        acts = db.execute(select(audit).where(audit.c.act == "own reminder changed"))
        details = [(row.who, row.detail) for row in acts]
    days = [day, later, "none", day]
    assert details == [("Rita", {"reminder": on, "through": "key crm"}) for on in days]
    reader = program("viewer", "reader")
    for answer in (reader.get(where, params=rita), reader.post(where, json=body)):
        assert answer.status_code == 403


def test_program_keeps_moves_and_ticks_off_what_is_to_be_delivered(program):
    crm = program("reviewer")
    number = crm.post("/v1/campaigns", json={"name": "Spring", "number": 3}).json()["id"]
    campaign = f"/v1/campaigns/{number}"
    first, *_ = [item["name"] for item in crm.get(campaign).json()["creators"]]
    where, day = f"{campaign}/deliverables", (clock.today() + timedelta(days=6)).isoformat()
    body = {"creator": first, "text": "One reel", "due": day}
    assert crm.post(where, json=body).status_code == 422  # not agreed yet
    crm.post(f"{campaign}/state", json={"state": "agreed"})
    kept = crm.post(where, json=body)
    assert (kept.status_code, kept.json()["new"]) == (201, True)
    again = crm.post(where, json=body)
    assert (again.status_code, again.json()) == (200, {**kept.json(), "new": False})
    one = f"/v1/deliverables/{kept.json()['id']}"
    item = {"id": kept.json()["id"], "campaign": number, "creator": first, "text": "One reel",
            "due": day, "done_at": None, "removed": False}  # fmt: skip
    assert crm.get(where).json() == [item]
    moved = {**item, "due": None}
    assert crm.put(one, json={"due": None, "done": False}).json() == moved
    done = crm.put(one, json={"due": None, "done": True}).json()
    assert done == {**moved, "done_at": done["done_at"]}
    assert done["done_at"] is not None
    assert crm.put(one, json={"due": None, "done": True}).json() == done  # sent again
    assert crm.put(one, json={"due": day, "done": False}).json() == item
    gone = {"due": day, "done": False, "removed": True}
    assert crm.put(one, json=gone).json() == {**item, "removed": True}
    assert crm.get(where).json() == []
    assert crm.put(one, json={"due": day, "done": False}).json() == item
    for wrong in ({"creator": "nobody"}, {"text": " "}, {"due": "soon"}, {"note": "unknown"}):
        status = 404 if "creator" in wrong else 422
        assert crm.post(where, json={**body, **wrong}).status_code == status, wrong
    assert crm.put(one, json={"done": True}).status_code == 422  # of whose day nothing is said
    assert crm.put("/v1/deliverables/999", json=gone).status_code == 404
    assert crm.get("/v1/campaigns/999/deliverables").status_code == 404
    reader = program("viewer", "reader")
    assert reader.get(where).json() == [item]
    assert reader.put(one, json=gone).status_code == 403
    assert reader.post(where, json=body).status_code == 403
