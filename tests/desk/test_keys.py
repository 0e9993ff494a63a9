"""API keys: they end, are listed, say when they were used, and follow whoever made them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update

from durhampulse.desk.people import people
from durhampulse.desk.people.uses import LastUse
from durhampulse.desk.store.tables import api_key
from durhampulse.exceptions import InputError
from tests.desk.conftest import add_people
from tests.desk.versions import newest_store, older_store


def role_of(db, token):
    """Give the role a key has now; None where it is refused."""
    who = people.find_key(db, token)
    return who and who.role


def test_key_may_do_no_more_than_whoever_made_it(store):
    ada, _other = add_people(store, "admin", "admin")
    with store.writing() as db:
        token = people.add_key(db, "crm", "admin", "Ada", owner=ada)
        low = people.add_key(db, "bot", "viewer", "Ada", owner=ada)
        roles = []
        for role, active in (("reviewer", True), ("viewer", True), ("viewer", False),
                             ("admin", True)):  # fmt: skip
            people.change_person(db, ada, "test", role=role, active=active)
            roles.append((role_of(db, token), role_of(db, low)))
    assert roles == [("reviewer", "viewer"), ("viewer", "viewer"), (None, None),
                     ("admin", "viewer")]  # fmt: skip


def test_key_ends_on_its_day(store):
    with store.writing() as db:
        token = people.add_key(db, "crm", "viewer", "Ada", days=30)
        ends = db.scalar(select(api_key.c.expires_at))
        assert abs(ends - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=1)
        assert role_of(db, token) == "viewer"
        db.execute(update(api_key).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
        assert role_of(db, token) is None


def test_whatever_a_key_is_called_its_acts_can_be_stored(store):
    """Names of those who act have 100 characters, as an earlier version's keys had too."""
    with store.writing() as db:
        token = people.add_key(db, "x" * 300, "viewer", "Ada")
        assert len(people.find_key(db, token).name) <= 100
        db.execute(update(api_key).values(name="x" * 100))
        assert len(people.find_key(db, token).name) <= 100


@pytest.mark.parametrize("name", ["", " ", "a\0b", "a\udcffb"])
def test_key_has_a_name_that_can_be_stored(store, name):
    with store.writing() as db, pytest.raises(InputError) as error:
        people.add_key(db, name, "viewer", "Ada")
    assert error.value.field == "name"


@pytest.mark.parametrize("days", [0, -1, 366])
def test_key_cannot_last_longer_than_a_year(store, days):
    with store.writing() as db, pytest.raises(InputError) as error:
        people.add_key(db, "crm", "viewer", "Ada", days=days)
    assert error.value.field == "days"


@pytest.mark.parametrize("days", [1, 365])
def test_key_lasts_as_many_days_as_asked_for(store, days):
    with store.writing() as db:
        people.add_key(db, "crm", "viewer", "Ada", days=days)
        row = db.execute(select(api_key)).one()
    assert row.expires_at - row.created_at == timedelta(days=days)


def test_last_use_of_a_key_is_written(store):
    uses = LastUse()
    with store.writing() as db:
        token = people.add_key(db, "crm", "viewer", "Ada")
        people.add_key(db, "never used", "viewer", "Ada")
        assert people.find_key(db, token, uses)
        assert people.find_key(db, "nonsense", uses) is None
    uses.write(store)
    with store.reading() as db:
        used = dict(db.execute(select(api_key.c.name, api_key.c.used_at)).all())
    assert used["never used"] is None
    assert datetime.now(UTC) - used["crm"] < timedelta(minutes=1)


def test_page_lists_keys_and_programs_follow_at_once(visit, desk):
    ada = visit("admin")
    form = {"csrf": ada.csrf, "name": "crm", "role": "reviewer", "days": "365"}
    token = re.search(r">(dp_[^<]+)<", ada.post("/keys", data=form).text)[1]
    client = visit()
    headers = {"authorization": f"Bearer {token}"}
    assert client.get("/v1/creators?limit=1", headers=headers).status_code == 200
    score = {"creators": [{"Influencer_ID": 1}]}
    assert client.post("/v1/score", json=score, headers=headers).status_code == 200
    desk.last_use.write(desk.store)
    page = ada.get("/people").text
    assert "just now" in page
    with desk.store.writing() as db:
        db.execute(update(api_key).values(expires_at=datetime.now(UTC)))
    for answer in (client.get("/v1/creators?limit=1", headers=headers),
                   client.post("/v1/score", json=score, headers=headers)):  # fmt: skip
        assert answer.status_code == 401
    assert ">ended " in ada.get("/people").text


def test_migration_finds_who_made_a_key(store_url):
    with older_store("0018", store_url) as db:
        db.execute(text("INSERT INTO person (name, role, active, created_at)"
                        " VALUES ('ada', 'viewer', true, '2026-01-01')"))  # fmt: skip
        for name, by in (("crm", "ada"), ("old", "gone")):
            db.execute(text("INSERT INTO api_key (name, digest, role, created_by, created_at)"
                            " VALUES (:name, :digest, 'admin', :by, '2026-01-01')"),
                       {"name": name, "digest": people.digest_of_token(name), "by": by})  # fmt: skip
    with newest_store(store_url) as db:
        assert [role_of(db, name) for name in ("crm", "old")] == ["viewer", "admin"]
