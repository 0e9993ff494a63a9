"""A desk below a path of a proxy: every address a browser gets leads back there."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from durhampulse.desk.people import people
from durhampulse.desk.web.app import create_desk
from durhampulse.desk.web.exposure import Exposure
from tests.desk.conftest import PASSWORD

URL = "https://brand.example"
PAGES = ("/shortlist", "/queue", "/campaigns", "/imports", "/outcomes", "/model", "/lists",
         "/pipeline", "/acts", "/people", "/audit", "/account", "/creators/3", "/keyboard")  # fmt: skip


@pytest.fixture(params=["path kept", "path taken off"])
def proxied(request, desk):
    """A browser before a proxy that shows the desk below /pulse; give a function that asks it."""
    desk = replace(desk, exposure=Exposure(f"{URL}/pulse", "brand.example"))
    with desk.store.writing() as db:
        people.add_person(db, "Ada", "admin", "test", PASSWORD)
    below = "/pulse" if request.param == "path kept" else ""
    app = create_desk(desk, "/pulse")
    with TestClient(app, base_url=URL, follow_redirects=False,
                    raise_server_exceptions=False) as client:  # fmt: skip

        def ask(method, address, **options):
            client.cookies.clear()  # each request says what it brings
            assert address.startswith("/pulse/"), address
            path = below + address.removeprefix("/pulse")
            return client.request(method, path, **options)

        ask.below = below
        yield ask


def addresses(page):
    return re.findall(r'\s(?:href|action|src|hx-get|hx-post)="([^"#?][^"]*)"', page)


def test_head_has_the_length_that_get_has(proxied):
    """RFC 9110, 8.6: of the body as it would be sent, packed and with its addresses rewritten."""
    for path in ("/pulse/sign-in", "/pulse/static/desk.css", "/pulse/healthz"):
        head, full = proxied("HEAD", path), proxied("GET", path)
        assert (head.status_code, head.content) == (full.status_code, b"") == (200, b"")
        same = ("content-length", "content-encoding", "content-type")
        assert [head.headers.get(name) for name in same] == [
            full.headers.get(name) for name in same
        ]
        assert int(head.headers["content-length"]) > 0


def test_browser_never_leaves_the_path(proxied):
    answer = proxied("GET", "/pulse/queue")
    assert answer.headers["location"] == "/pulse/sign-in?next=%2Fqueue"
    page = proxied("GET", answer.headers["location"]).text
    assert 'action="/pulse/sign-in"' in page
    answer = proxied(
        "POST", "/pulse/sign-in", data={"name": "Ada", "password": PASSWORD, "next": "/queue"}
    )
    assert answer.headers["location"] == "/pulse/queue"
    cookies = answer.headers.get_list("set-cookie")
    assert cookies
    for cookie in cookies:
        assert cookie.startswith("__Secure-durhampulse")
        assert "; Path=/pulse" in cookie
    session = "; ".join(cookie.partition(";")[0] for cookie in cookies)
    seen = set()
    for path in PAGES if proxied.below else PAGES[:2]:  # what goes out is the same
        page = proxied("GET", f"/pulse{path}", headers={"cookie": session})
        assert page.status_code == 200, path
        for address in addresses(page.text):
            if not address.startswith(("https:", "data:")):
                assert address.startswith("/pulse/"), (path, address)
                seen.add(address)
    (style,) = [address for address in seen if "desk.css" in address]
    assert proxied("GET", style).status_code == 200


def test_form_that_is_refused_comes_back_below_the_path(proxied):
    answer = proxied("POST", "/pulse/sign-in", data={"name": "Ada", "password": PASSWORD})
    session = "; ".join(c.partition(";")[0] for c in answer.headers.get_list("set-cookie"))
    headers = {"cookie": session, "referer": f"{URL}/pulse/people"}
    page = proxied("GET", "/pulse/people", headers=headers).text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    form = {"csrf": csrf, "name": "Ada", "role": "viewer"}
    answer = proxied("POST", "/pulse/people", data=form, headers=headers)
    assert answer.status_code == 422
    assert 'action="/pulse/people"' in answer.text
    assert "/pulse/pulse" not in answer.text
    made = proxied("POST", "/pulse/people", data=form | {"name": "Eve"}, headers=headers)
    assert f">{URL}/pulse/welcome/" in made.text
    missing = proxied("GET", "/pulse/nowhere", headers=headers).text
    assert 'href="/pulse/people"' in missing


def test_page_of_an_unexpected_error_leads_back_below_the_path(proxied, monkeypatch):
    monkeypatch.setattr("durhampulse.desk.web.people.show_sign_in", None)
    browser = {"referer": f"{URL}/pulse/people"}
    answer = proxied("GET", "/pulse/sign-in", headers=browser)
    assert answer.status_code == 500
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-request-id"] in answer.text
    assert 'href="/pulse/people"' in answer.text
    own = [where for where in addresses(answer.text) if not where.startswith("data:")]
    assert own
    assert all(re.match("/pulse/(?!pulse/)", where) for where in own), own


def test_program_below_the_path_gets_json_for_an_unexpected_error(proxied, monkeypatch):
    monkeypatch.setattr("durhampulse.desk.web.access.find_key", None)
    answer = proxied("GET", "/pulse/v1/creators", headers={"authorization": "Bearer dp_x"})
    assert answer.status_code == 500
    assert answer.json()["error"]["problem"] == "The desk failed here; its log says why."


def test_unknown_host_is_shown_the_address_with_the_path_once(proxied):
    page = proxied("GET", "/pulse/sign-in", headers={"host": "evil.example"})
    assert page.status_code == 421
    assert f'<a href="{URL}/pulse/" class="button main">' in page.text


def test_path_is_no_part_of_another(desk):
    with TestClient(create_desk(desk, "/pulse")) as client:
        assert client.get("/pulses/healthz").status_code == 404
        assert client.get("/pulse/healthz").status_code == 200
        assert client.get("/healthz").status_code == 200
