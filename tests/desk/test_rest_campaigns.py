"""A campaign over REST: proposed, changed by hand, agreed, done and opened again."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from durhampulse.desk.people import people
from durhampulse.desk.store.tables import audit, creator


@pytest.fixture
def crm(visit, desk):
    client = visit()
    with desk.store.writing() as db:
        token = people.add_key(db, "crm", "reviewer", "test")
    client.headers["authorization"] = f"Bearer {token}"
    return client


def members(client, where):
    return [item["name"] for item in client.get(where).json()["creators"]]


def outsider(desk, inside):
    with desk.store.reading() as db:
        names = db.scalars(select(creator.c.external_id).order_by(creator.c.probability))
        return next(name for name in names if name not in inside)


def test_program_takes_a_campaign_through_its_states(crm, desk):
    number = crm.post("/v1/campaigns", json={"name": "Spring", "number": 3}).json()["id"]
    where = f"/v1/campaigns/{number}"
    listed = crm.get("/v1/campaigns").json()
    assert listed == [{"id": number, "name": "Spring", "by": "key crm", "state": "draft",
                       "creators": 3}]  # fmt: skip
    set_ = members(crm, where)
    enter = lambda **body: crm.post(f"{where}/state", json=body)  # noqa: E731
    assert enter(state="done").status_code == 422  # not agreed yet
    assert enter(state="agreed").json() == {"state": "agreed"}
    for changing in (f"{where}/propose", f"{where}/choices"):
        body = {"creator": set_[0], "choice": "out"} if changing.endswith("choices") else None
        assert crm.post(changing, json=body).status_code == 422
    assert enter(state="done").json() == {"state": "done"}
    assert enter(state="draft").status_code == 422  # nobody says why
    assert enter(state="draft", note="More budget").json() == {"state": "draft"}
    assert members(crm, where) == set_
    assert crm.post(f"{where}/propose").json() == {"creators": 3}
    with desk.store.reading() as db:
        by = db.scalars(select(audit.c.who).where(audit.c.act.like("campaign%"))).all()
    assert set(by) == {"key crm"}
    assert crm.post("/v1/campaigns/999/propose").status_code == 404
    assert crm.get("/v1/campaigns/999").status_code == 404


def test_program_agrees_on_who_was_declined_since_only_if_it_says_so(crm, desk):
    number = crm.post("/v1/campaigns", json={"name": "Spring", "number": 3}).json()["id"]
    where = f"/v1/campaigns/{number}"
    first = members(crm, where)[0]
    with desk.store.writing() as db:
        ours = creator.c.external_id == first
        db.execute(update(creator).where(ours).values(state="declined"))
    refused = crm.post(f"{where}/state", json={"state": "agreed"})
    assert (refused.status_code, "1 of this set was declined" in refused.text) == (422, True)
    assert crm.post(f"{where}/state", json={"state": "agreed", "sure": True}).status_code == 201


def test_program_changes_a_set_by_hand(crm, desk):
    number = crm.post("/v1/campaigns", json={"name": "Spring", "number": 3}).json()["id"]
    where = f"/v1/campaigns/{number}"
    set_ = members(crm, where)

    def choose(name, choice, **more):
        body = {"creator": name, "choice": choice, **more}
        return crm.post(f"{where}/choices", json=body)

    out = choose(set_[0], "out").json()
    assert out["left"] == [set_[0]]
    assert len(out["came"]) == 1
    other = outsider(desk, {*set_, *out["came"]})
    change = choose(other, "in", fee=250.0).json()
    assert (change["came"], len(change["left"])) == ([other], 1)
    rows = {item["name"]: item for item in crm.get(where).json()["creators"]}
    assert (rows[other]["fee"], rows[other]["by_hand"]) == (250.0, True)
    choose(other, "fee", fee=300.0)
    assert crm.get(where).json()["cost"] == 300.0
    assert choose(other, "free").json() == {"came": [], "left": []}
    assert not {i["name"]: i for i in crm.get(where).json()["creators"]}[other]["by_hand"]
    assert choose("NOBODY-7", "in").status_code == 404
    with desk.store.writing() as db:
        db.execute(update(creator).where(creator.c.external_id == set_[0]).values(state="declined"))
    refused = choose(set_[0], "in")
    assert refused.status_code == 422
    assert "was declined" in refused.json()["error"]["problem"]
    assert choose(set_[0], "in", sure=True).json()["came"] == [set_[0]]
