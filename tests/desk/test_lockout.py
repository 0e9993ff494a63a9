"""The limits on failed sign-ins: guessing ends, and nobody locks an owner out."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from durhampulse.desk.people import people
from durhampulse.desk.people.devices import is_known_device, remember_device
from durhampulse.desk.people.sign_in import SignIn
from durhampulse.desk.store.tables import attempt, audit, device
from durhampulse.desk.web.access import DEVICE
from durhampulse.exceptions import InputError
from tests.desk.conftest import PASSWORD

LOCKED = "Too many tries."


@pytest.fixture
def ann(store):
    with store.writing() as db:
        return people.add_person(db, "Ann", "viewer", "test", PASSWORD)


def guess(store, name="Ann", address="192.0.2.1", password="wrong guess", **more):
    """Give None after a wrong guess, what is said where none is taken, or "in"."""
    try:
        token = SignIn().attempt(store, name, password, address, **more)
    except InputError as error:
        return error.problem
    return "in" if token else None


def test_stranger_does_not_lock_the_owner_out(store, ann):
    with store.writing() as db:
        known = remember_device(db, ann, "")
    for i in range(60):
        guess(store, address=f"192.0.2.{i}")
    assert guess(store, address="198.51.100.1") == LOCKED  # the fifty of a name are used up
    assert guess(store, password=PASSWORD, device=known) == "in"
    assert guess(store, password=PASSWORD, address="198.51.100.1") == LOCKED
    assert guess(store, name="Ann ", password=PASSWORD, device="none of ours") == LOCKED


def test_name_is_told_without_case_though_databases_know_other_letters(store):
    """A capital I with a dot is one letter in PostgreSQL's lower case, and two in Python's."""
    with store.writing() as db:
        people.add_person(db, "\u0130lker \u00c4", "viewer", "test", PASSWORD)
    typed = "\u0130LKER  \u00c4"
    assert guess(store, name=typed, password=PASSWORD) == "in"
    with store.writing() as db, pytest.raises(InputError, match="There is somebody called"):
        people.add_person(db, typed, "viewer", "test", PASSWORD)


def test_name_and_address_are_counted_together(store, ann):
    assert [guess(store) for _ in range(6)] == [None] * 5 + [LOCKED]
    assert guess(store, password=PASSWORD) == LOCKED
    assert guess(store, password=PASSWORD, address="192.0.2.2") == "in"


def test_an_address_is_limited_over_all_names(store, ann):
    results = Counter(guess(store, name=f"nobody {i}") for i in range(30))
    assert results == {None: 20, LOCKED: 10}
    assert guess(store, password=PASSWORD) == LOCKED
    assert guess(store, password=PASSWORD, address="192.0.2.2") == "in"


def test_an_ipv6_network_counts_as_one_address(store, ann):
    results = [guess(store, address=f"2001:db8:1:2::{i}") for i in range(6)]
    assert results == [None] * 5 + [LOCKED]
    assert guess(store, address="2001:db8:1:3::1") is None


def test_addresses_of_ipv4_count_apart_where_the_desk_listens_on_both(store, ann):
    """A socket of both names them within IPv6 (RFC 4291, 2.5.5.2), and all in one network of it."""
    for i in range(20):
        guess(store, name=f"nobody {i}", address="::ffff:192.0.2.1")
    assert guess(store, password=PASSWORD, address="::ffff:192.0.2.1") == LOCKED
    assert guess(store, password=PASSWORD, address="192.0.2.1") == LOCKED
    assert guess(store, password=PASSWORD, address="::ffff:192.0.2.2") == "in"


def test_known_browser_is_limited_too(store, ann):
    with store.writing() as db:
        known = remember_device(db, ann, "")
    assert [guess(store, device=known) for _ in range(6)] == [None] * 5 + [LOCKED]
    assert guess(store, password=PASSWORD, device=known) == LOCKED
    assert guess(store, password=PASSWORD) == "in"  # as from any other browser


def test_parallel_guesses_of_several_processes_do_not_pass_the_limit(store, ann):
    """Each guess has a lock of its own, as in another process."""
    with ThreadPoolExecutor(8) as pool:
        results = Counter(pool.map(lambda _: guess(store), range(24)))
    assert results == {None: 5, LOCKED: 19}


def test_success_forgives_and_leaves_nothing_counted(store, ann):
    for _ in range(3):
        assert [guess(store) for _ in range(4)] == [None] * 4
        assert guess(store, password=PASSWORD) == "in"
    with store.reading() as db:
        kept = db.scalars(select(attempt.c.who)).all()
        details = db.execute(select(audit.c.subject, audit.c.detail)).all()
    assert not any(" from " in who for who in kept)
    assert len(kept) == 24  # twelve failures of the address, and of the name
    assert "192.0.2.1" not in str(details)


def test_new_password_forgives_and_forgets_browsers(store, ann):
    with store.writing() as db:
        known = remember_device(db, ann, "")
    for _ in range(5):
        guess(store)
    with store.writing() as db:
        people.set_password(db, ann, "another long password", "by link")
        assert not is_known_device(db, ann, known)
    assert guess(store, password="another long password") == "in"


def test_browser_is_known_after_signing_in_and_shared_by_people(visit, desk, app):
    visit()
    with desk.store.writing() as db:
        numbers = [people.add_person(db, name, "viewer", "t", PASSWORD) for name in ("Ann", "Bea")]
    client = TestClient(app, follow_redirects=False)
    client.cookies.set(DEVICE, "of-an-attacker", domain="testserver.local", path="/")
    for name in ("Ann", "Bea"):
        answer = client.post("/sign-in", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 303
        assert f"{DEVICE}=" in answer.headers["set-cookie"]
    token = client.cookies.get(DEVICE, domain="testserver.local", path="/")
    with desk.store.reading() as db:
        assert token != "of-an-attacker"
        assert [is_known_device(db, number, token) for number in numbers] == [True, True]
        assert not is_known_device(db, numbers[0], "of-an-attacker")
        assert db.scalar(select(func.count()).select_from(device)) == 2
        assert token not in str(db.execute(select(device)).all())


def test_sign_in_stands_where_its_browser_cannot_be_remembered(visit, desk, app, monkeypatch):
    visit()
    with desk.store.writing() as db:
        people.add_person(db, "Ann", "viewer", "t", PASSWORD)

    def fail(*_):
        raise OperationalError("INSERT", {}, Exception("disk I/O error"))

    monkeypatch.setattr("durhampulse.desk.web.access.remember_device", fail)
    client = TestClient(app, follow_redirects=False)
    answer = client.post("/sign-in", data={"name": "Ann", "password": PASSWORD})
    assert (answer.status_code, f"{DEVICE}=" in answer.headers["set-cookie"]) == (303, False)
    assert client.get("/shortlist").status_code == 200
