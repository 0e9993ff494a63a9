"""How the desk is reached: hosts, links, cookies behind TLS, headers, and what is logged."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from durhampulse.desk.people import people
from durhampulse.desk.web.access import COOKIE, DEVICE
from durhampulse.desk.web.app import create_desk
from durhampulse.desk.web.exposure import Exposure
from durhampulse.exceptions import InputError
from tests.desk.conftest import PASSWORD

URL = "https://desk.example"
SESSION = f"__Host-{COOKIE}"


@pytest.fixture
def public(desk):
    """A browser's stand-in, before a desk behind TLS with a name of its own."""
    with desk.store.writing() as db:
        people.add_person(db, "Ada", "admin", "test", PASSWORD)
    app = create_desk(replace(desk, exposure=Exposure.read(f"{URL}/", hsts=True)))
    with TestClient(app, base_url=URL, follow_redirects=False) as client:
        yield client


def signed_in(client):
    answer = client.post("/sign-in", data={"name": "Ada", "password": PASSWORD})
    assert answer.status_code == 303
    page = client.get("/people").text
    return answer, page.split('name="csrf" value="')[1].split('"')[0]


def test_cookies_behind_tls_are_bound_to_the_host(public):
    answer, csrf = signed_in(public)
    cookies = answer.headers.get_list("set-cookie")
    assert {cookie.split("=")[0] for cookie in cookies} == {SESSION, f"__Host-{DEVICE}"}
    for cookie in cookies:
        parts = cookie.lower().split("; ")
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= {*parts}
        assert "domain" not in cookie.lower()
    token = public.cookies[SESSION]
    public.cookies.clear()
    public.cookies.set(COOKIE, token)  # as another host of the domain could plant it
    assert public.get("/shortlist").status_code == 303
    public.cookies.set(SESSION, token)
    assert public.get("/shortlist").status_code == 200
    taken = public.post("/people", data={"csrf": csrf, "name": "Ada", "role": "viewer"})
    assert "Add somebody" in taken.text  # the page that is asked for anew has the cookie too
    notice = public.post("/keys", data={"csrf": csrf, "name": "x", "role": "viewer"})
    assert notice.status_code == 200
    out = public.post("/sign-out", data={"csrf": csrf}).headers["set-cookie"]
    assert out.startswith(f'{SESSION}=""; ')
    assert "Secure" in out


def test_links_begin_with_the_public_address(public):
    _, csrf = signed_in(public)
    form = {"csrf": csrf, "name": "Eve", "role": "viewer"}
    page = public.post("/people", data=form, headers={"x-forwarded-host": "evil.example"}).text
    assert f">{URL}/welcome/" in page
    assert "evil" not in page


def test_host_header_is_not_believed(visit):
    ada = visit("admin")
    for path, form in (("/people", {"name": "Eve", "role": "viewer"}), ("/people/1/link", {})):
        sent = {"csrf": ada.csrf, **form}
        page = ada.post(path, data=sent, headers={"host": "evil.example"}).text
        assert ">/welcome/" in page
        assert "evil.example" not in page
    answer = ada.get("/shortlist/", headers={"host": "evil.example"})
    assert (answer.status_code, "location" in answer.headers) == (404, False)


@pytest.mark.parametrize(
    "host", ["evil.example", "desk.example.evil", "desk.example:81", "", "x\u00e9"]
)
def test_unknown_host_is_refused(public, host):
    headers = {"host": host.encode("latin-1")}
    page = public.get("/sign-in", headers=headers)
    assert page.status_code == 421
    assert f'<a href="{URL}/" class="button main">' in page.text  # where the desk is
    assert "evil" not in page.text
    for style in re.findall(r'"(/static/[^"]+\.css[^"]*)"', page.text):
        assert public.get(style, headers=headers).status_code == 200
    program = public.get("/v1/creators", headers=headers)
    assert (program.status_code, program.text) == (421, "This desk has another address.\n")
    assert public.get("/healthz", headers=headers).status_code == 200


@pytest.mark.parametrize("host", ["desk.example", "DESK.example:443"])
def test_own_host_is_known_in_any_spelling(public, host):
    assert public.get("/sign-in", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "desk.example",
        "ftp://desk.example",
        "https://",
        f"{URL}/desk",
        "https://a@b",
        "\n",
        "http://[",
    ],
)
def test_public_url_is_an_address_without_a_path(url):
    with pytest.raises(InputError, match="not the address"):
        Exposure.read(url)


def test_browsers_are_kept_to_tls_only_where_asked(public, visit):
    asked = public.get("/sign-in").headers["strict-transport-security"]
    assert asked == "max-age=31536000; includeSubDomains"
    assert "strict-transport-security" not in visit("viewer").get("/shortlist").headers


def test_nothing_personal_is_kept_and_types_are_not_guessed(visit):
    ada = visit("admin")
    for path in ("/shortlist", "/shortlist/export/csv?search=INF-1003", "/creators/3/everything",
                 "/v1/creators", "/nothing", "/sign-in", "/openapi.json", "/v1/model"):  # fmt: skip
        headers = ada.get(path).headers
        assert headers["cache-control"] == "no-store", path
        assert headers["x-content-type-options"] == "nosniff", path
        policy = headers["content-security-policy"]
        for part in ("object-src", "base-uri", "frame-ancestors"):
            assert f"{part} 'none'" in policy, path


FOREIGN = [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
           {"origin": "https://evil.example"}, {"origin": "null"},
           {"origin": "https://["}]  # fmt: skip


@pytest.mark.parametrize("headers", FOREIGN)
def test_foreign_site_cannot_sign_a_browser_in(visit, desk, headers):
    """Neither by name and password of its own nor by a link."""
    nobody = visit()
    with desk.store.writing() as db:
        eve = people.add_person(db, "Eve", "viewer", "test", PASSWORD)
        link = people.make_link(db, "password", "test", eve)
    for path in ("/sign-in", f"/welcome/{link}"):
        answer = nobody.post(path, data={"name": "Eve", "password": PASSWORD}, headers=headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    with desk.store.reading() as db:
        assert people.find_link(db, link)
    own = {"sec-fetch-site": "same-origin", "origin": "http://testserver"}
    answer = nobody.post("/sign-in", data={"name": "Eve", "password": PASSWORD}, headers=own)
    assert answer.status_code == 303


def test_page_before_with_half_a_bracket_is_none(visit):
    answer = visit("viewer").get("/nowhere", headers={"referer": "http://["})
    assert answer.status_code == 404


def test_refused_access_is_logged_without_personal_data(visit, caplog):
    vic = visit("viewer")
    vic.post("/creators/3/decide", data={"csrf": vic.csrf, "note": "secret words"})
    vic.post("/sign-out", data={"csrf": "of another session"})
    vic.get("/v1/creators/INF-1003")
    lines = [record.getMessage() for record in caplog.records if "Refused" in record.getMessage()]
    assert len(lines) == 3
    assert "(403): POST" in lines[0]
    assert "decide, person " in lines[0]
    assert ", viewer" in lines[0]
    assert "form without its token" in lines[1]
    assert "(401): GET" in lines[2]
    said = " ".join(lines)
    assert not any(secret in said for secret in ("INF-1003", "secret words", vic.who, vic.csrf))
