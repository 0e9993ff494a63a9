"""Sessions: what ends them, who sees them, and when the password is asked for again."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from durhampulse.desk.people import people
from durhampulse.desk.people.devices import remember_device
from durhampulse.desk.people.sessions import (
    SessionLimits,
    find_session,
    open_session,
    sessions_of,
)
from durhampulse.desk.people.uses import LastUse
from durhampulse.desk.store.database import Store
from durhampulse.desk.store.tables import api_key, audit, creator, device, person, session
from durhampulse.desk.web.access import AGAIN, COOKIE
from durhampulse.exceptions import InputError
from tests.desk.conftest import PASSWORD, add_people

OTHER = "another long password"
LIMITS = SessionLimits(hours=12, idle_minutes=60)


def moved(db, **columns):
    """Set moments of all sessions to some minutes ago."""
    now = datetime.now(UTC)
    values = {name: now - timedelta(minutes=minutes) for name, minutes in columns.items()}
    db.execute(update(session).values(**values))


def number_of(desk, name):
    with desk.store.reading() as db:
        return db.scalar(select(person.c.id).where(person.c.name == name))


@pytest.mark.parametrize(("minutes", "ends"), [(59, False), (61, True)])
def test_session_ends_after_an_idle_hour(store, minutes, ends):
    (ann,) = add_people(store, "viewer")
    with store.writing() as db:
        token = open_session(db, ann, LIMITS)
        moved(db, used_at=minutes)
        assert (find_session(db, token, LIMITS) is None) == ends
        assert (sessions_of(db, ann, LIMITS) == []) == ends


def test_a_request_keeps_a_session_from_being_idle_before_it_is_written(store):
    (ann,) = add_people(store, "viewer")
    uses = LastUse()
    with store.writing() as db:
        token = open_session(db, ann, LIMITS)
        moved(db, used_at=50)
        assert find_session(db, token, LIMITS, uses)
        moved(db, used_at=90)
        assert find_session(db, token, LIMITS, uses)  # ten minutes later
        moved(db, used_at=90, expires_at=1)
        assert find_session(db, token, LIMITS, uses) is None  # the absolute end stands


def test_last_use_is_written_and_kept_while_the_store_is_away(store, monkeypatch):
    (ann,) = add_people(store, "viewer")
    uses = LastUse()
    with store.writing() as db:
        token = open_session(db, ann, LIMITS)
        moved(db, used_at=50)
        find_session(db, token, LIMITS, uses)
    with monkeypatch.context() as away:
        away.setattr(Store, "writing", lambda _: (_ for _ in ()).throw(
            OperationalError("UPDATE", {}, Exception("gone"))))  # fmt: skip
        uses.write(store)
    uses.write(store)
    with store.reading() as db:
        assert datetime.now(UTC) - db.scalar(select(session.c.used_at)) < timedelta(minutes=1)


def test_only_so_many_sessions_of_a_person_are_kept(store):
    (ann,) = add_people(store, "viewer")
    with store.writing() as db:
        tokens = [open_session(db, ann, LIMITS) for _ in range(12)]
        assert [find_session(db, token) is not None for token in tokens] == [False] * 2 + [
            True
        ] * 10


def test_signing_in_ends_the_session_of_the_same_browser(visit, desk):
    ann = visit("viewer")
    old = ann.cookies.get(COOKIE)
    client = visit()
    client.cookies.set(COOKIE, old)
    assert client.get("/account").status_code == 200
    answer = client.post("/sign-in", data={"name": ann.who, "password": PASSWORD})
    assert answer.status_code == 303
    with desk.store.reading() as db:
        assert find_session(db, old) is None
        assert db.scalar(select(func.count()).select_from(session)) == 1


def test_welcome_ends_the_session_of_the_same_browser(visit, desk):
    ann = visit("viewer")
    (bea,) = add_people(desk.store, "viewer")
    with desk.store.writing() as db:
        link = people.make_link(db, "password", "test", bea)
    assert ann.post(f"/welcome/{link}", data={"password": PASSWORD}).status_code == 303
    with desk.store.reading() as db:
        assert db.scalars(select(session.c.person_id)).all() == [bea]


def test_account_lists_ones_sessions_and_ends_them(visit, desk):
    ann, bob = visit("viewer"), visit("viewer")
    with desk.store.writing() as db:
        here = number_of(desk, ann.who)
        other = open_session(db, here, LIMITS, "Firefox on Linux")
        third = open_session(db, here, LIMITS, "Safari on iPhone")
        theirs = find_session(db, bob.cookies.get(COOKIE)).session.number
    page = ann.get("/account").text
    assert "Firefox on Linux" in page
    assert page.count("now, this one") == 1
    ends = re.findall(r'action="/account/sessions/(\d+)/end"', page)
    assert len(ends) == 2
    with desk.store.reading() as db:
        number = find_session(db, other).session.number
    form = {"csrf": ann.csrf}
    assert ann.post(f"/account/sessions/{number}/end", data=form).status_code == 303
    assert ann.post(f"/account/sessions/{theirs}/end", data=form).status_code == 303
    with desk.store.reading() as db:
        assert find_session(db, other) is None
        assert find_session(db, third) is not None
        assert find_session(db, bob.cookies.get(COOKIE)) is not None  # none of ann's business
    assert ann.post("/account/sessions/end", data=form).status_code == 303
    with desk.store.reading() as db:
        assert find_session(db, third) is None
    assert ann.get("/account").status_code == 200


def test_pages_show_when_sessions_and_keys_were_last_used(visit, desk):
    ada = visit("admin")
    with desk.store.writing() as db:
        open_session(db, number_of(desk, ada.who), LIMITS, "Firefox on Linux")
        for name in ("crm", "idle"):
            people.add_key(db, name, "viewer", "Ada")
        moved(db, used_at=42)
        used = datetime.now(UTC) - timedelta(minutes=17)
        db.execute(update(api_key).where(api_key.c.name == "crm").values(used_at=used))

    def last_used(path):
        rows = re.findall(r"<tr>.*?</tr>", ada.get(path).text, re.DOTALL)
        cells = {row: re.search(r'<td data-label="last used">(.*?)</td>', row) for row in rows}
        return {re.search(r">([^<]*)</th>", row)[1]: cell[1] for row, cell in cells.items() if cell}

    shown = last_used("/account")
    assert shown.pop("Firefox on Linux") == "42 minutes ago"
    assert [*shown.values()] == ["now, this one"]
    assert last_used("/people") == {"crm": "17 minutes ago", "idle": "never"}


def test_people_shows_when_each_was_last_seen(visit, desk):
    """By a session where there is one, else by the sign-in that a browser is remembered from."""
    ada, ann = visit("admin"), visit("reviewer")
    with desk.store.writing() as db:
        gone = people.add_person(db, "Gone", "viewer", "Ada")
        people.add_person(db, "New", "viewer", "Ada")
        remember_device(db, gone, "")
        db.execute(update(device).values(used_at=datetime.now(UTC) - timedelta(days=9)))
        of_ann = session.c.person_id == number_of(desk, ann.who)
        used = datetime.now(UTC) - timedelta(minutes=23)
        db.execute(update(session).where(of_ann).values(used_at=used))
    rows = re.findall(r"<tr>.*?</tr>", ada.get("/people").text, re.DOTALL)
    shown = {}
    for row in rows:
        if cell := re.search(r'<td data-label="last seen">(.*?)</td>', row):
            name = re.search(r">([^<]*)</th>", row)[1]
            shown[name] = re.sub("<[^>]+>", "", cell[1])
    assert shown[ann.who] == "23 minutes ago"
    assert (shown["Gone"], shown["New"]) == ("9 days ago", "\u2013")
    assert {"Gone", "New", ada.who, ann.who} <= {*shown}


def test_own_password_is_changed_with_the_present_one(visit, desk):
    ann = visit("viewer")
    here = number_of(desk, ann.who)
    with desk.store.writing() as db:
        other = open_session(db, here, LIMITS)
        link = people.make_link(db, "password", "test", here)
    before = ann.cookies.get(COOKIE)
    form = {"csrf": ann.csrf, "present": "wrong guess", "password": OTHER}
    answer = ann.post("/account/password", data=form)
    assert (answer.status_code, "not your password" in answer.text) == (422, True)
    assert OTHER not in answer.text
    short = ann.post("/account/password", data={**form, "present": PASSWORD, "password": "short"})
    assert (short.status_code, "10 to 200" in short.text) == (422, True)
    assert "Another password" in short.text  # the page came back with the session's new token
    done = ann.post("/account/password", data={**form, "present": PASSWORD})
    assert done.status_code == 303
    assert "Your password is changed" in ann.get("/account").text
    with desk.store.reading() as db:
        assert find_session(db, before) is None  # the browser has a new token
        assert find_session(db, other) is None
        assert people.find_link(db, link) is None
        acts = db.scalars(select(audit.c.act)).all()
    assert acts.count("password not confirmed") == 1
    assert acts.count("password set") == 1
    assert desk.sign_in.attempt(desk.store, ann.who, OTHER, "here")


def test_guesses_of_the_present_password_are_limited(visit):
    ann = visit("viewer")
    form = {"csrf": ann.csrf, "present": "wrong guess", "password": OTHER}
    for _ in range(5):
        assert "not your password" in ann.post("/account/password", data=form).text
    answer = ann.post("/account/password", data={**form, "present": PASSWORD})
    assert (answer.status_code, "Too many tries" in answer.text) == (422, True)


HEAVY = [
    ("/people", {"name": "Eve", "role": "admin"}),
    ("/people/1", {"role": "viewer", "active": "true", "sure": "true"}),
    ("/people/1/link", {}),
    ("/keys", {"name": "crm", "role": "admin"}),
    ("/keys/1/revoke", {}),
    ("/thresholds", {"yes_at": "90", "review_at": "50"}),
    ("/creators/3/erase", {"confirm": "INF-1003"}),
]


@pytest.mark.parametrize(("path", "form"), HEAVY)
def test_heavy_acts_ask_for_the_password_again(visit, desk, path, form):
    ada = visit("admin")
    with desk.store.writing() as db:
        moved(db, confirmed_at=16)
        acts = db.scalar(select(func.count()).select_from(audit))
    answer = ada.post(path, data={"csrf": ada.csrf, **form})
    assert (answer.status_code, "Your password again" in answer.text) == (422, True)
    for name, value in form.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in answer.text
    with desk.store.reading() as db:
        assert db.scalar(select(func.count()).select_from(audit)) == acts
        assert db.scalar(select(creator.c.id).where(creator.c.id == 3)) == 3


def test_heavy_act_goes_on_with_the_password(visit, desk):
    ada = visit("admin")
    with desk.store.writing() as db:
        moved(db, confirmed_at=16)
    before = ada.cookies.get(COOKIE)
    form = {"csrf": ada.csrf, "name": "Eve", "role": "viewer"}
    wrong = ada.post("/people", data={**form, AGAIN: "wrong guess"})
    assert (wrong.status_code, "That is not your password" in wrong.text) == (422, True)
    assert "wrong guess" not in wrong.text
    ada.cookies.clear()
    ada.cookies.set(COOKIE, before, domain="testserver.local", path="/")
    taken = ada.post("/people", data={**form, "name": ada.who, AGAIN: PASSWORD})
    assert "somebody called" in taken.text
    assert "Add somebody" in taken.text  # the page itself, by the session's new token
    assert ada.post("/people", data=form).status_code == 200  # confirmed a moment ago
    with desk.store.reading() as db:
        assert find_session(db, before) is None
        assert db.scalar(select(func.count()).where(person.c.name == "Eve")) == 1


def test_light_acts_do_not_ask_again(visit, desk):
    ada = visit("admin")
    with desk.store.writing() as db:
        moved(db, confirmed_at=700)
    form = {"csrf": ada.csrf, "text": "Seen live"}
    assert ada.post("/creators/3/remark", data=form).status_code == 303


def test_an_admin_ends_all_sessions_of_somebody_and_own_ones_but_this(visit, desk):
    ada, vic = visit("admin"), visit("viewer")
    for name in (vic.who, ada.who):
        desk.sign_in.attempt(desk.store, name, PASSWORD, "test")
    with desk.store.reading() as db:
        numbers = dict(db.execute(select(person.c.name, person.c.id)).all())
    page = ada.get("/people").text
    for name, n in ((vic.who, 2), (ada.who, 1)):
        button = f'aria-label="End the sessions of {name}">End {n} signed in</button>'
        assert page.count(button) == 1
        answer = ada.post(f"/people/{numbers[name]}/sessions/end", data={"csrf": ada.csrf})
        assert answer.status_code == 303
    assert "End the sessions of" not in ada.get("/people").text
    assert vic.get("/shortlist").headers["location"].startswith("/sign-in")
    with desk.store.reading() as db:
        entries = db.execute(select(audit).where(audit.c.act == "session ended")).all()
    assert [(entry.who, entry.subject, entry.detail["sessions"]) for entry in entries] == [
        (ada.who, vic.who, 2), (ada.who, ada.who, 1),
    ]  # fmt: skip


def test_open_link_dies_with_the_right_to_sign_in(store):
    (ann,) = add_people(store, "viewer")
    with store.writing() as db:
        link = people.make_link(db, "password", "test", ann)
        people.change_person(db, ann, "test", role="viewer", active=False)
        people.change_person(db, ann, "test", role="viewer", active=True)
        assert people.find_link(db, link) is None
        with pytest.raises(InputError, match="too old"):
            people.use_link(db, link)
