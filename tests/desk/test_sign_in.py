"""Signing in and out, links, and forms over the end of a session."""

from __future__ import annotations

import html
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

import pytest
from sqlalchemy import delete, func, select, update
from starlette.testclient import TestClient

from durhampulse.desk.imports import intake
from durhampulse.desk.people import people
from durhampulse.desk.people.sessions import SessionLimits, find_session
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.server import DEMO_ADMIN, invitation, is_demo, open_desk
from durhampulse.desk.store.tables import (
    attempt,
    audit,
    review,
    session,
)
from durhampulse.desk.store.tables import link as link_table
from durhampulse.desk.web.access import COOKIE
from durhampulse.desk.web.app import create_desk
from durhampulse.exceptions import InputError
from tests.commands import run
from tests.desk.conftest import DEMO, PASSWORD
from tests.desk.running import running_desk


def test_session_cookie_is_new_http_only_and_expires(app, visit, desk):
    client = visit()
    with desk.store.writing() as db:
        people.add_person(db, "Özlem", "viewer", "test", PASSWORD)
    client.cookies.set(COOKIE, "chosen-by-somebody-else")
    answer = client.post(
        "/sign-in", data={"name": " ÖZLEM ", "password": PASSWORD, "next": "//evil"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/shortlist")
    cookie = answer.headers["set-cookie"]
    assert "chosen-by" not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert client.get("/shortlist").status_code == 200
    token = client.cookies.get(COOKIE, domain="testserver.local", path="/")
    with desk.store.reading() as db:
        who = find_session(db, token)
        assert token not in str(db.execute(select(session)).all())
    assert client.post("/sign-out", data={"csrf": who.csrf}).status_code == 303
    with desk.store.reading() as db:
        assert find_session(db, token) is None
    token = desk.sign_in.attempt(desk.store, "özlem", PASSWORD, "here")
    with desk.store.writing() as db:
        past = datetime.now(UTC) - timedelta(hours=SessionLimits().hours)
        db.execute(update(session).values(expires_at=past))
        assert find_session(db, token) is None


NOTE = "Twelve words & a <b>long</b> thought, over the end of a session."


DECISION = {"decision": "decline", "reason": REASONS[0], "note": NOTE, "seen": "0",
            "request_name": "of-a-page-1"}  # fmt: skip


SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


def hidden_of(page, action):
    """Return the hidden fields of the form that a page sends to an address."""
    form = page.split(f'action="{action}"')[1].split("</form>")[0]
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in pairs}


def test_a_form_survives_the_end_of_its_session(visit, desk):
    ann = visit("reviewer")
    with desk.store.writing() as db:
        db.execute(delete(session))
    form = {**DECISION, "csrf": ann.csrf}
    page = ann.post("/creators/3/decide", data=form, headers=SAME_ORIGIN)
    assert page.status_code == 403
    assert "nothing was kept yet" in page.text
    wrong = {**hidden_of(page.text, "/sign-in"), "name": ann.who, "password": "forgotten it"}
    page = ann.post("/sign-in", data=wrong, headers=SAME_ORIGIN)
    assert "do not fit" in page.text
    right = {**hidden_of(page.text, "/sign-in"), "name": ann.who, "password": PASSWORD}
    page = ann.post("/sign-in", data=right, headers=SAME_ORIGIN)
    assert page.status_code == 200
    assert html.escape(NOTE, quote=False) in page.text
    assert "<b>long" not in page.text
    with desk.store.reading() as db:
        assert db.scalar(select(func.count()).select_from(review)) == 0
    again = hidden_of(page.text, "/creators/3/decide")
    assert again["csrf"] != ann.csrf
    assert {name: value for name, value in again.items() if name != "csrf"} == DECISION
    assert ann.post("/creators/3/decide", data=again).status_code == 303
    with desk.store.reading() as db:
        assert db.scalar(select(review.c.note)) == NOTE


def test_a_form_of_an_earlier_session_can_be_sent_again(visit, desk):
    """As after signing out and in again in a second tab."""
    ann, form = visit("reviewer"), {**DECISION, "csrf": "of-the-session-before"}
    page = ann.post("/creators/3/decide", data=form, headers=SAME_ORIGIN)
    assert (page.status_code, "Nothing was kept yet" in page.text) == (403, True)
    again = hidden_of(page.text, "/creators/3/decide")
    assert again == {**DECISION, "csrf": ann.csrf}


@pytest.mark.parametrize(
    "headers",
    [{}, {"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "null"},
     {"sec-fetch-site": "same-site", "origin": "http://testserver"}],
)  # fmt: skip
def test_a_foreign_form_is_not_kept_over_the_sign_in(visit, headers):
    nobody, ann = visit(), visit("reviewer")
    answer = nobody.post("/creators/3/decide", data=DECISION, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    answer = ann.post("/creators/3/decide", data=DECISION, headers=headers)
    assert "too old" in answer.text
    form = {"name": ann.who, "password": PASSWORD, "kept_for": "/creators/3/decide", "kept": "a=1"}
    answer = nobody.post("/sign-in", data=form, headers=headers)
    if headers:  # a browser says where the form comes from
        assert (answer.status_code, "another site" in answer.text) == (403, True)
    else:
        assert (answer.status_code, answer.headers["location"]) == (303, "/shortlist")


def test_the_origin_tells_where_a_browser_has_no_fetch_metadata(visit):
    headers = {"origin": "https://desk.example", "host": "desk.example"}
    page = visit().post("/queue/decide", data=DECISION, headers=headers)
    assert hidden_of(page.text, "/sign-in")["kept_for"] == "/queue/decide"


def test_a_file_whose_session_has_ended_is_asked_for_again(visit):
    nobody = visit()
    files = {"file": ("x.csv", (DEMO / "creators.csv").read_bytes())}
    answer = nobody.post("/imports", files=files, headers=SAME_ORIGIN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "nothing was kept" in nobody.get("/sign-in").text


@pytest.mark.parametrize("next_", ["https://evil", "//evil", "/\\evil", "javascript:x", "/a\r\nb"])
def test_sign_in_redirects_to_local_paths_only(visit, next_):
    text = visit().get("/sign-in", params={"next": next_}).text
    assert 'name="next" value=""' in text


def test_sign_in_is_locked_after_five_failures(app, visit, desk):
    client = visit()
    with desk.store.writing() as db:
        people.add_person(db, "Ann", "viewer", "test", PASSWORD)
    for name in ("Ann", "Nobody"):
        for _ in range(5):
            answer = client.post("/sign-in", data={"name": name, "password": "wrong guess"})
            assert answer.status_code == 403
            assert "do not fit" in answer.text
        for same in (name, name.upper(), f" {name}\0\0 "):
            answer = client.post("/sign-in", data={"name": same, "password": PASSWORD})
            assert "Too many tries" in answer.text
    with desk.store.reading() as db:
        assert db.scalar(select(func.count()).where(audit.c.act == "sign-in failed")) == 10
        kept = str([db.execute(select(table)).all() for table in (audit, attempt)])
    assert "Ann" in kept
    assert "obody" not in kept  # it might have been a password in the wrong field
    assert PASSWORD not in kept


def test_concurrent_guesses_do_not_pass_the_limit(desk):
    with desk.store.writing() as db:
        people.add_person(db, "Ann", "viewer", "test", PASSWORD)

    def guess(_):
        try:
            return desk.sign_in.attempt(desk.store, "Ann", "wrong guess", "here")
        except InputError as error:
            return error.problem

    with ThreadPoolExecutor(12) as pool:
        assert Counter(pool.map(guess, range(12))) == {None: 5, "Too many tries.": 7}


def test_whoever_is_invited_reads_who_they_are_and_what_the_answers_mean(visit, desk):
    with desk.store.writing() as db:
        number = people.add_person(db, "Ann", "reviewer", "test")
        links = {"Welcome, Ann": people.make_link(db, "password", "test", number),
                 "The first admin": people.make_link(db, "first", "test")}  # fmt: skip
    client = visit()
    for heading, link in links.items():
        page = client.get(f"/welcome/{link}").text
        assert re.search(rf"<h1[^>]*>{heading}</h1>", page)
        assert ("You decide, import, and plan campaigns." in page) == ("Ann" in heading)
        assert ('name="name"' in page) == ("first" in heading)
        for answer in ("Yes", "Maybe", "No", "No precedent"):
            assert f"</svg>{answer}</span></dt>" in page
    used = client.get("/welcome/nonsense").text
    assert "Ask an admin for a new one." in used
    assert '<a href="/sign-in" class="button main">' in used


def test_one_time_link_works_once(app, visit, desk):
    with desk.store.writing() as db:
        number = people.add_person(db, "Ann", "reviewer", "test")
        older = people.make_link(db, "password", "test", number)
        token = people.make_link(db, "password", "test", number)
    client = visit()
    assert client.get(f"/welcome/{older}").status_code == 422
    assert client.get(f"/welcome/{token}").status_code == 200
    assert client.get(f"/welcome/{token}").status_code == 200  # looking does not use it up
    short = client.post(f"/welcome/{token}", data={"password": "short"})
    assert (short.status_code, "10 to 200" in short.text) == (422, True)
    assert client.post(f"/welcome/{token}", data={"password": PASSWORD}).status_code == 303
    assert client.get("/queue").status_code == 200
    assert client.post(f"/welcome/{token}", data={"password": PASSWORD}).status_code == 422
    assert client.get("/welcome/nonsense").status_code == 422
    assert desk.sign_in.attempt(desk.store, "Ann", PASSWORD, "here")
    with desk.store.writing() as db:
        people.add_person(db, "Ada", "admin", "test", PASSWORD)
        people.change_person(db, number, "test", role="reviewer", active=False)
        with pytest.raises(InputError, match="may not sign in"):
            people.make_link(db, "password", "test", number)
        assert db.scalars(select(audit.c.act)).all().count("link made") == 2


def test_last_admin_cannot_be_removed(desk):
    with desk.store.writing() as db:
        only = people.add_person(db, "Ada", "admin", "test", PASSWORD)
        with pytest.raises(InputError, match="Nobody else"):
            people.change_person(db, only, "test", role="viewer", active=True)
        with pytest.raises(InputError, match="Nobody else"):
            people.change_person(db, only, "test", role="admin", active=False)
        people.add_person(db, "Bea", "admin", "test", PASSWORD)
    token = desk.sign_in.attempt(desk.store, "Ada", PASSWORD, "here")
    with desk.store.writing() as db:
        people.change_person(db, only, "test", role="viewer", active=True)
        assert find_session(db, token) is None
        for wrong in ("ADA", " ada ", "", "a\nb\x07"):
            with pytest.raises(InputError):
                people.add_person(db, wrong, "viewer", "test")


def test_demo_link_signs_in_and_a_real_desk_needs_an_admin(store_url, tmp_path):
    desk = open_desk(store_url, files_in=tmp_path)
    assert is_demo(desk)
    path = invitation(desk, demo=True)
    with TestClient(create_desk(desk), follow_redirects=False) as client:
        assert client.get("/shortlist").status_code == 303
        assert client.post(path).status_code == 303
        page = client.get("/shortlist").text
        assert "Simulated." in page
        assert "INF-" in page
        assert client.get("/people").status_code == 200
    with desk.store.writing() as db:  # a first list of one's own shuts nobody out
        intake.begin(db, tmp_path / "own.csv", "own.csv", DEMO_ADMIN)
    assert is_demo(desk)
    with desk.store.writing() as db:
        people.add_person(db, "Ann", "admin", "test", PASSWORD)
    assert not is_demo(desk)
    assert invitation(desk, demo=False) is None
    desk.store.close()


def test_first_admin_is_created_by_link(store_url, tmp_path):
    desk = open_desk(store_url, DEMO / "model", files_in=tmp_path)
    assert not is_demo(desk)
    path, other = invitation(desk, demo=False), invitation(desk, demo=False)
    with TestClient(create_desk(desk), follow_redirects=False) as client:
        form = {"name": "Ada", "password": "short"}
        assert client.post(path, data=form).status_code == 422
        assert client.post(path, data={**form, "password": PASSWORD}).status_code == 303
        assert "Ada, admin" in client.get("/people").text
        assert "starts with a list" in client.get("/shortlist").text
        assert "Nobody waits for you" in client.get("/queue").text
        assert client.post(other, data={"name": "Eve", "password": PASSWORD}).status_code == 422
    desk.store.close()


def test_password_link_from_the_command_line(store_url, tmp_path):
    desk = open_desk(store_url, DEMO / "model", files_in=tmp_path)
    with desk.store.writing() as db:
        people.add_person(db, "Ada", "admin", "test", PASSWORD)
    for _ in range(5):
        desk.sign_in.attempt(desk.store, "Ada", "forgotten it", "here")
    command = ["desk", "--port", "8001", "--store", store_url, "--link-for"]
    assert "Nobody called 'Eve'" in run(*command, "Eve").stderr
    printed = run(*command, "Ada").stdout
    assert printed.startswith("http://127.0.0.1:8001/welcome/")
    with TestClient(create_desk(desk), follow_redirects=False) as client:
        form = {"password": "another long password"}
        assert client.post(urlsplit(printed.strip()).path, data=form).status_code == 303
    assert desk.sign_in.attempt(desk.store, "Ada", "another long password", "here")
    desk.store.close()


def test_password_link_leads_to_where_the_desk_is_served(tmp_path, monkeypatch):
    store = ["--store", f"sqlite:///{tmp_path / 'desk.db'}"]
    link_for = partial(run, "desk", "--link-for", DEMO_ADMIN, *store)
    with running_desk(tmp_path, *store, "--root-path", "/pulse") as (served, *_):
        assert link_for().stdout.startswith(f"{served}/welcome/")
    assert link_for("--port", "0").stdout.startswith(f"{served}/welcome/")  # any port is none
    elsewhere = link_for("--port", "8001", "--root-path", "/else").stdout
    assert elsewhere.startswith("http://127.0.0.1:8001/else/welcome/")
    public = link_for("--public-url", "https://desk.example").stdout
    assert public.startswith("https://desk.example/welcome/")
    monkeypatch.setenv("DURHAMPULSE_DESK_PORT", "8002")
    assert link_for().stdout.startswith("http://127.0.0.1:8002/welcome/")


def test_no_password_link_is_made_that_leads_nowhere(tmp_path):
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    desk = open_desk(url)
    invitation(desk, demo=True)
    refused = run("desk", "--link-for", DEMO_ADMIN, "--store", url)
    assert "not known where the desk is served" in refused.stderr
    with desk.store.reading() as db:
        made = select(func.count()).where(link_table.c.purpose == "password")
        assert not db.scalar(made)
    desk.store.close()


PART = {"hx-request": "true"}
LIST = "http://testserver/shortlist?band=yes"


def test_a_form_that_htmx_sends_survives_the_end_of_its_session(visit):
    page = visit().post("/creators/3/decide", data=DECISION, headers={**SAME_ORIGIN, **PART})
    assert (page.status_code, page.headers["hx-retarget"]) == (422, "main")  # htmx shows it
    assert "nothing was kept yet" in page.text
    assert hidden_of(page.text, "/sign-in")["kept_for"] == "/creators/3/decide"


@pytest.mark.parametrize(
    ("current", "location"),
    [(LIST, "/sign-in?next=%2Fshortlist%3Fband%3Dyes"), ("", "/sign-in"),
     ("https://evil.example/shortlist", "/sign-in"), ("http://testserver//evil.example", "/sign-in"),
     ("http://testserver/\\evil.example", "/sign-in"), ("http://[", "/sign-in")],
)  # fmt: skip
def test_a_part_that_needs_a_sign_in_leads_back_to_the_page_shown(visit, current, location):
    answer = visit().get("/creators/3/panel", headers={**PART, "hx-current-url": current})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, location)
    foreign = {**PART, "hx-current-url": current, "sec-fetch-site": "cross-site"}
    answer = visit().post("/creators/3/decide", data=DECISION, headers=foreign)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, location)
