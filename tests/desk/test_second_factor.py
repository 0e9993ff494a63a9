"""The second factor: codes as the RFCs have them, each taken once, asked for wherever it is due."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update
from starlette.testclient import TestClient
from typer.testing import CliRunner

from durhampulse.cli import app as commands
from durhampulse.desk.people import factors, people
from durhampulse.desk.people.devices import remember_device
from durhampulse.desk.people.people import Principal
from durhampulse.desk.people.sessions import (
    Opening,
    SessionLimits,
    find_session,
    find_waiting,
    open_session,
)
from durhampulse.desk.people.sign_in import SignIn
from durhampulse.desk.people.totp import code_at, fitting_step
from durhampulse.desk.server import reset_factor
from durhampulse.desk.store import clock
from durhampulse.desk.store.database import open_store
from durhampulse.desk.store.tables import (
    attempt,
    audit,
    person,
    recovery_code,
    second_factor,
    session,
)
from durhampulse.desk.web.access import COOKIE, DEVICE
from durhampulse.exceptions import InputError
from tests.desk.conftest import PASSWORD, add_people
from tests.desk.versions import store_of_version

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890" in base 32
LIMITS = SessionLimits()


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"),
     (1234567890, "89005924"), (2000000000, "69279037"), (20000000000, "65353130")],
)  # fmt: skip
def test_codes_are_those_of_rfc_6238_appendix_b(seconds, code):
    assert code_at(RFC_SECRET, seconds // 30, digits=8) == code


def test_codes_are_those_of_rfc_4226_appendix_d():
    assert [code_at(RFC_SECRET, count) for count in range(10)] == [
        "755224", "287082", "359152", "969429", "338314",
        "254676", "287922", "162583", "399871", "520489",
    ]  # fmt: skip


def at(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def test_a_code_fits_its_own_step_and_those_beside_it():
    """The code 287082 is that of the seconds 30 to 59."""
    steps = [fitting_step(RFC_SECRET, " 287 082 ", at(t)) for t in (0, 29, 30, 59, 60, 89, 90, 500)]
    assert steps == [1, 1, 1, 1, 1, 1, None, None]
    assert fitting_step(RFC_SECRET, "287082", at(59), after=1) is None
    for wrong in ("", "287083", "2870820", "28708\u00b2", "\ud800"):
        assert fitting_step(RFC_SECRET, wrong, at(59)) is None


MOMENT = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _time_of_codes_stands_still(monkeypatch):
    """Let no step end within a test."""
    monkeypatch.setattr(clock, "now", lambda: MOMENT)


def code_now(secret, later=0):
    return code_at(secret, int(MOMENT.timestamp()) // 30 + later)


def set_up(db, number):
    """Give somebody a second factor; give its secret and recovery codes."""
    secret = factors.begin_factor(db, number)
    return secret, factors.confirm_factor(db, number, code_now(secret, -1), "test")


def number_of(desk, name):
    with desk.store.reading() as db:
        return db.scalar(select(person.c.id).where(person.c.name == name))


def acts(db):
    return db.scalars(select(audit.c.act).order_by(audit.c.id)).all()


@pytest.fixture
def ann(store):
    with store.writing() as db:
        number = people.add_person(db, "Ann", "viewer", "test", PASSWORD)
        return number, *set_up(db, number)


def give_password(store):
    token = SignIn().attempt(store, "Ann", PASSWORD, "192.0.2.1")
    with store.reading() as db:
        assert find_session(db, token) is None
        return find_waiting(db, token)


def give(store, waiting, code, device=""):
    """Give None after a wrong code, what is said where none is taken, or "in"."""
    try:
        token = SignIn().second(store, waiting, code, device)
    except InputError as error:
        return error.way_out
    return "in" if token else None


def test_password_alone_opens_nothing_and_each_code_signs_in_once(store, ann):
    _, secret, recovery = ann
    waiting = give_password(store)
    assert give(store, waiting, code_now(secret, -1)) is None  # the code that set it up
    code = code_now(secret, 1)
    assert give(store, waiting, code) == "in"
    assert give(store, give_password(store), code) is None
    assert give(store, give_password(store), recovery[3].lower().replace("-", " ")) == "in"
    assert give(store, give_password(store), recovery[3]) is None
    with store.reading() as db:
        assert acts(db).count("signed in") == 2
        assert factors.factor_of(db, ann[0]).codes == 7


def test_a_code_sent_many_times_at_once_is_taken_once(store, ann):
    _, secret, recovery = ann
    for code in (code_now(secret, 1), recovery[0]):

        def use(_, code=code):
            with store.writing() as db:
                return factors.use_code(db, ann[0], code)

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(use, range(6))) == 1


def test_wrong_codes_end_after_five_and_after_twenty_of_a_day(store, ann):
    _, secret, _ = ann
    waiting = give_password(store)
    quarter = "Wait 15 minutes, or ask an admin for help."
    assert [give(store, waiting, "000") for _ in range(6)] == [None] * 5 + [quarter]
    assert give(store, waiting, code_now(secret, 1)) == quarter
    for _ in range(3):
        with store.writing() as db:
            for row in db.execute(select(attempt)).all():
                earlier = update(attempt).where(attempt.c.id == row.id)
                db.execute(earlier.values(at=row.at - timedelta(minutes=16)))
        assert [give(store, waiting, "000") for _ in range(5)] == [None] * 5
    day = give(store, waiting, code_now(secret, 1))
    assert day == "Wait until tomorrow, or ask an admin for help."
    assert give(store, waiting, "000", "none of the desk's") == day
    with store.writing() as db:
        known = remember_device(db, ann[0], "")
    assert give(store, waiting, code_now(secret, 1), known) == "in"  # one's own browser
    with store.reading() as db:
        assert acts(db).count("second factor failed") == 20


def test_nothing_secret_is_readable_in_log_or_codes(store, ann):
    _, secret, recovery = ann
    give(store, give_password(store), recovery[0])
    with store.reading() as db:
        kept = str(db.execute(select(audit)).all()) + str(db.execute(select(recovery_code)).all())
    assert not any(part in kept for part in (secret, *recovery, recovery[0].replace("-", "")))


def test_waiting_sessions_end_in_ten_minutes_and_displace_no_others(store, ann):
    with store.writing() as db:
        whole = open_session(db, ann[0], LIMITS)
        waits = [
            open_session(db, ann[0], LIMITS, opening=Opening(waits_for="code")) for _ in range(12)
        ]
        assert find_session(db, whole) is not None
        assert [find_waiting(db, token) is not None for token in waits] == [False] * 2 + [True] * 10
        left = db.scalar(select(func.max(session.c.expires_at)).where(session.c.waits_for != ""))
        assert timedelta(minutes=9) < left - MOMENT <= timedelta(minutes=10)


def test_migration_adds_factors_and_keeps_sessions(store_url):
    store = store_of_version("0022", store_url)
    (bea,) = add_people(store, "admin")
    now = MOMENT.isoformat()
    with store.writing() as db:
        db.execute(
            text("INSERT INTO session (digest, person_id, csrf, browser, begun_at, used_at,"
                 " confirmed_at, expires_at) VALUES (:digest, :bea, 'c', 'b', :now, :now, :now,"
                 " '2999-01-01')"),
            {"digest": people.digest_of_token("t"), "bea": bea, "now": now},
        )  # fmt: skip
    store.close()
    store = open_store(store_url)
    with store.writing() as db:
        assert find_session(db, "t").id == bea
        assert factors.missing_factor(db, bea) == ""
        set_up(db, bea)
        assert factors.missing_factor(db, bea) == "code"
    store.close()


def csrf_in(page):
    return re.search(r'name="csrf" value="([^"]+)"', page)[1]


def secret_in(page):
    return re.search(r'<code class="breaks">([A-Z2-7 ]+)</code>', page)[1].replace(" ", "")


def test_the_whole_way_through_the_pages(visit, app, desk):
    """Set it up, sign in with it, lose the phone, end it."""
    ann = visit("viewer")
    page = ann.post("/account/second", data={"csrf": ann.csrf})
    secret = secret_in(page.text)
    assert "<svg" in page.text
    assert "style=" not in page.text
    assert ann.get("/account/second").text.count(page.text[page.text.index("<svg") :][:500]) == 1
    wrong = ann.post("/account/second/confirm", data={"csrf": ann.csrf, "code": "000000"})
    assert wrong.status_code == 422
    assert "not the code of this secret" in wrong.text
    assert secret_in(wrong.text) == secret
    codes = ann.post("/account/second/confirm", data={"csrf": ann.csrf, "code": code_now(secret)})
    recovery = re.findall(r"<code>([A-Z2-7-]{27})</code>", codes.text)
    assert len(set(recovery)) == 8
    assert "8 recovery codes left" in ann.get("/account").text

    browser = TestClient(app, follow_redirects=False)
    form = {"name": ann.who, "password": PASSWORD, "next": "/lists"}
    asked = browser.post("/sign-in", data=form)
    assert asked.status_code == 200
    assert DEVICE not in browser.cookies
    first = browser.cookies[COOKIE]
    for path in ("/shortlist", "/account", "/account/second", "/sign-in/second"):
        assert browser.get(path).status_code == (200 if path == "/sign-in/second" else 303)
    assert browser.post("/account/second", data={"csrf": csrf_in(asked.text)}).status_code == 303
    data = {"csrf": csrf_in(asked.text), "next": "/lists", "code": "123"}
    refused = browser.post("/sign-in/second", data=data)
    assert refused.status_code == 403
    assert 'value="/lists"' in refused.text
    no_token = browser.post("/sign-in/second", data={"code": code_now(secret, 1)})
    assert no_token.headers["location"] == "/sign-in"
    inside = browser.post("/sign-in/second", data={**data, "code": code_now(secret, 1)})
    assert inside.headers["location"] == "/lists"
    assert browser.cookies[COOKIE] != first
    assert browser.cookies[DEVICE]

    csrf = csrf_in(browser.get("/account").text)
    bad = browser.post("/account/second/end", data={"csrf": csrf, "present": "not mine"})
    assert bad.status_code == 422
    data = {"csrf": csrf, "present": PASSWORD}
    assert browser.post("/account/second/end", data=data).status_code == 303
    again = TestClient(app, follow_redirects=False)
    assert again.post("/sign-in", data=form).headers["location"] == "/lists"


def test_a_link_for_a_new_password_does_not_pass_by_the_second_factor(visit, desk):
    ann = visit("viewer")
    with desk.store.writing() as db:
        set_up(db, number_of(desk, ann.who))
        link = people.make_link(db, "password", "test", number_of(desk, ann.who))
    client = visit()
    page = client.post(f"/welcome/{link}", data={"password": "another long password"})
    assert "The code of your app" in page.text
    assert client.get("/shortlist").status_code == 303


def test_required_factor_is_set_up_at_the_next_sign_in(visit, app, desk):
    ann, bob, vic = visit("admin"), visit("reviewer"), visit("viewer")
    data = {"csrf": ann.csrf, "role": "reviewer"}
    refused = ann.post("/people/factor", data=data)
    assert refused.status_code == 422
    assert "no second factor yourself" in refused.text
    with desk.store.writing() as db:
        secret = factors.begin_factor(db, number_of(desk, ann.who))
        code, who = code_now(secret), find_session(db, ann.cookies[COOKIE])
        factors.confirm_factor(db, who.id, code, ann.who, keep=who.session.number)
    assert ann.post("/people/factor", data=data).status_code == 303
    assert (bob.get("/shortlist").status_code, vic.get("/shortlist").status_code) == (303, 200)
    browser = TestClient(app, follow_redirects=False)
    asked = browser.post("/sign-in", data={"name": bob.who, "password": PASSWORD})
    assert "asks" in asked.text
    form = {"csrf": csrf_in(asked.text), "code": "1"}
    wrong = browser.post("/sign-in/second", data=form)
    assert secret_in(wrong.text) == secret_in(asked.text)
    form["code"] = code_now(secret_in(asked.text))
    done = browser.post("/sign-in/second", data=form)
    assert "Keep these recovery codes" in done.text
    assert browser.get("/shortlist").status_code == 200
    assert ann.post("/people/factor", data={**data, "role": ""}).status_code == 303


def test_an_admin_and_the_command_line_end_anothers_factor(visit, desk):
    ann, bob = visit("admin"), visit("viewer")
    bobs = number_of(desk, bob.who)
    with desk.store.writing() as db:
        set_up(db, bobs)
    path = f"/people/{bobs}/factor/end"
    assert ann.post(path, data={"csrf": ann.csrf}).status_code == 303
    with desk.store.writing() as db:
        assert factors.missing_factor(db, bobs) == ""
        assert db.scalar(select(func.count()).select_from(second_factor)) == 0
        entry = db.execute(select(audit).where(audit.c.act == "second factor ended")).one()
        assert (entry.who, entry.subject) == (ann.who, bob.who)
        set_up(db, bobs)
    url = desk.store.engine.url.render_as_string(hide_password=False)
    command = ["desk", "reset-factor", bob.who, "--store", url]
    assert "without a second factor" in CliRunner().invoke(commands, command).output
    with pytest.raises(InputError, match="has no second factor"):
        reset_factor(url, bob.who)
    with pytest.raises(InputError, match="may sign in"):
        reset_factor(url, "nobody")
    with desk.store.reading() as db:
        ended = db.scalars(select(audit.c.who).where(audit.c.act == "second factor ended")).all()
    assert ended == [ann.who, "command line"]


def test_whoever_requires_a_factor_names_a_role(store, ann):
    with store.writing() as db, pytest.raises(InputError, match="no role"):
        factors.require_factor(db, "owner", Principal(ann[0], "Ann", "admin"))
