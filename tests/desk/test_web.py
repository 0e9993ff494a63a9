"""The pages and routes: who may see and do what, and that nothing gets in or out by the way."""

from __future__ import annotations

import json
import re
import threading
from itertools import product
from urllib.parse import quote

import pytest
from sqlalchemy import event, func, select, update
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from durhampulse.desk.people import people
from durhampulse.desk.people.people import PERSON_ROLES
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.review.queue import progress, queue_counts
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.tables import (
    audit,
    creator,
    person,
    review,
)
from durhampulse.desk.web.access import COOKIE
from durhampulse.desk.web.pages import PAGES
from durhampulse.desk.web.rendering import redirect
from tests.desk.conftest import DEMO, broken
from tests.desk.routes import NEEDS, OPEN, filled_in, routes


def test_every_route_is_listed_with_its_role(app):
    listed = {(m, p) for m, by_role in NEEDS.items() for ps in by_role.values() for p in ps}
    known = {(m, p) for m, p in routes(app) if not p.startswith("/v1/") and p != "/metrics"}
    assert {(m, p) for m, p in known if p not in OPEN} == listed


def test_navigation_counts_who_waits_for_reviewers_alone(visit, desk):
    def counted(page):
        return re.findall(r'href="/queue"[^>]*>Review <span class="count"[^>]*>(\d+)<', page)

    with desk.store.reading() as db:
        counts = progress(db, 1, queue_counts(db, desk.catalogue.current(db)))
    left = counts.waiting + counts.unlike
    assert counted(visit("reviewer").get("/model").text) == [str(left)]
    assert counted(visit("viewer").get("/model").text) == []


def test_the_table_of_pages_names_who_may_see_each(app):
    for page in PAGES:
        assert page.path in NEEDS["GET"][page.role]
    assert len({page.path for page in PAGES}) == len(PAGES)


@pytest.mark.parametrize("role", PERSON_ROLES)
def test_the_navigation_shows_what_a_role_may_see(visit, role):
    somebody = visit(role)
    page = somebody.get("/creators/3").text
    mine = [page for page in PAGES if somebody_may(role, page.role)]
    wide, more, narrow = (part.split("</nav>")[0] for part in page.split("<nav")[1:4])
    assert re.findall(r'href="([^"]+)"', wide) == [one.path for one in mine if not one.beside]
    assert re.findall(r'href="([^"]+)" aria-current="page"', wide) == ["/shortlist"]
    own = ["/keyboard", "/account"]
    assert re.findall(r'href="([^"]+)"', more) == [one.path for one in mine if one.beside] + own
    assert re.findall(r'href="([^"]+)"', narrow) == [one.path for one in mine] + own


def somebody_may(role, needed):
    return PERSON_ROLES.index(role) >= PERSON_ROLES.index(needed)


def test_static_files_are_revalidated_by_their_etag(visit):
    nobody = visit()
    first = nobody.get("/static/desk.css")
    assert first.headers["content-type"].startswith("text/css")
    assert first.headers["cache-control"] == "max-age=3600"
    assert first.headers["x-content-type-options"] == "nosniff"
    again = nobody.get("/static/desk.css", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    page = nobody.get("/sign-in").text
    for address in re.findall(r'"(/static/[^"]+)"', page):
        kept = nobody.get(address).headers["cache-control"]
        assert kept == "public, max-age=31536000, immutable"
        assert nobody.get(f"{address}0").headers["cache-control"] == "max-age=3600"
    for name in ("nothing.css", "../pages.py", "%2e%2e/pages.py"):
        assert nobody.get(f"/static/{name}").status_code == 404


def test_pages_style_and_script_are_sent_compressed(visit):
    """But for what is smaller than a packet of the network."""
    ann = visit("viewer")
    page = ann.get("/shortlist").text
    assert len(page) > 1_500
    for path in ("/shortlist", *re.findall(r'"(/static/[^"]+\.(?:css|js)[^"]*)"', page)):
        answer = ann.get(path, headers={"accept-encoding": "gzip"})
        if len(answer.content) > 1_500:
            assert answer.headers["content-encoding"] == "gzip", path
            assert int(answer.headers["content-length"]) < 0.5 * len(answer.content), path
    plain = ann.get("/shortlist", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers


def test_every_route_needs_authentication(app, visit):
    nobody = visit()
    for method, path in routes(app):
        if path in OPEN:
            continue
        nonsense = {"cookie": f"{COOKIE}=nonsense", "authorization": "Bearer nonsense"}
        for headers in ({}, nonsense):
            answer = nobody.request(method, filled_in(path), headers=headers)
            if path.startswith("/v1/") or path == "/metrics":
                assert answer.status_code == 401, path
            else:
                assert answer.status_code == 303, path
                assert answer.headers["location"].startswith("/sign-in"), path


@pytest.mark.parametrize("role", PERSON_ROLES)
def test_each_role_reaches_only_its_own_routes(app, visit, role):
    somebody = visit(role)
    for method, by_role in NEEDS.items():
        for needed, paths in by_role.items():
            allowed = PERSON_ROLES.index(role) >= PERSON_ROLES.index(needed)
            for path in paths:
                if path == "/sign-out":
                    continue
                data = {"csrf": somebody.csrf} if method == "POST" else None
                answer = somebody.request(method, filled_in(path), data=data)
                assert (answer.status_code != 403) == allowed, (method, path, answer.status_code)
                assert answer.status_code < 500, (method, path)


def test_post_needs_the_csrf_token_of_its_session(app, visit, desk):
    ann, eve = visit("admin"), visit("admin")
    for paths in NEEDS["POST"].values():
        for path, csrf in [*product(paths, [eve.csrf]), *product(paths[:2], ["", "nonsense"])]:
            answer = ann.post(filled_in(path), data={"csrf": csrf})
            assert answer.status_code == 403, path
            assert "too old" in answer.text
    form = {"decision": "approve", "reason": REASONS[0], "request_name": "a" * 12, "seen": 0}
    headers = {"x-csrf-token": ann.csrf}
    assert ann.post("/creators/3/decide", data=form, headers=headers).status_code == 303
    with desk.store.reading() as db:
        assert db.scalar(select(func.count()).select_from(review)) == 1


BACKGROUND = ("uploads", "webhooks", "counts")
"""Threads that look into the store whatever page is asked for."""


def test_page_that_waits_for_its_turn_holds_no_connection(visit, desk, monkeypatch):
    held, out = [], {}

    class Turn:
        def __enter__(self):
            held.append(sum(name not in BACKGROUND for name in out.values()))

        def __exit__(self, *_):
            pass

    rita = visit("reviewer")
    for module in ("queue", "creators"):
        monkeypatch.setattr(f"durhampulse.desk.web.{module}.ACCOUNTS", Turn())
    event.listen(desk.store.engine, "checkout", lambda _c, record, _p: out.update(
        {id(record): threading.current_thread().name}))  # fmt: skip
    event.listen(desk.store.engine, "checkin", lambda _c, record: out.pop(id(record), None))
    for path in ("/queue", "/creators/3", "/creators/3/panel"):
        assert rita.get(path).status_code == 200
    assert held == [0, 0, 0]


def test_null_characters_are_refused_alike(visit):
    """PostgreSQL has no such character (its manual, 8.3), so neither database is given it."""
    ann = visit("admin")
    for path in ("/lists", "/people", "/queue/decide", "/creators/3/remark", "/campaigns/3/choose"):
        answer = ann.post(path, data={"csrf": ann.csrf, "note": "a\0b"})
        assert answer.status_code == 422, path
        assert "null character" in answer.text, path
    # The page for which a file is the answer is not asked for without end.
    for path in ("/shortlist", "/shortlist/export/csv", "/audit"):
        assert ann.get(f"{path}?search=%00").status_code == 422, path


def test_half_characters_are_refused_alike(visit, desk):
    """No UTF-8 holds a surrogate alone (RFC 3629, 3), and so no database does."""
    ann = visit("admin")
    with desk.store.writing() as db:
        before = db.scalar(select(func.count()).select_from(audit))
        key = people.add_key(db, "crm", "reviewer", "ann")
    program = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    for path, body in (
        ("/v1/reviews", {"creator": "INF-1003", "decision": "approve", "reason": REASONS[0]}),
        ("/v1/outcomes", {"deal": True, "on": "2026-01-31"}), ("/v1/campaigns", {"number": 5}),
    ):  # fmt: skip
        odd = {**body, "name": "\ud800", "reviewer": "\udfff", "creator": "INF\ud800"}
        answer = ann.post(path, content=json.dumps(odd), headers=program)
        assert answer.status_code == 422, path
        assert "half a character" in answer.text, path
    with desk.store.reading() as db:
        assert db.scalar(select(func.count()).select_from(audit)) == before + 1  # of the key


def test_sender_does_not_choose_the_encoding_of_a_form(visit, desk):
    """UTF-7 may write a surrogate alone (RFC 2152): here these letters are those letters."""
    ann = visit("admin")

    def post(client, path, **fields):
        parts = (f'--X\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
                 for name, text in fields.items())  # fmt: skip
        kind = {"content-type": "multipart/form-data; boundary=X; charset=utf-7"}
        return client.post(path, content="".join(parts) + "--X--\r\n", headers=kind)

    assert post(ann, "/people", csrf=ann.csrf, name="a+2AA-b", role="viewer").status_code == 200
    with desk.store.reading() as db:
        assert db.scalar(select(func.count()).where(person.c.name == "a+2AA-b")) == 1
    taken = post(ann, "/people", csrf=ann.csrf, name="a+2AA-b", role="viewer")
    assert (taken.status_code, "somebody called" in taken.text) == (422, True)
    stranger = TestClient(ann.app, follow_redirects=False)
    assert post(stranger, "/sign-in", name="a+2AA-b", password="a+2AA-b").status_code == 403


def test_notice_fits_into_a_cookie_whatever_its_letters():
    """Browsers drop a cookie above 4,096 bytes (RFC 6265, 6.1), and its notice with it."""
    for letter in ("a", "\u754c", "\U0001f600"):
        cookie = redirect("/today", f"Delivered: {letter * 3_100}.").headers["set-cookie"]
        assert len(cookie) <= 4_096
        assert cookie.startswith("durhampulse-notice=Delivered%3A%20")
    short = redirect("/today", "\u754c" * 300).headers["set-cookie"]
    assert short.startswith(f"durhampulse-notice={quote(chr(0x754C) * 300)};")


EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


def test_user_text_is_escaped_on_every_page(app, visit, desk):
    admin = visit("admin")
    with desk.store.writing() as db:
        db.execute(update(creator).where(creator.c.id == 3).values(
            external_id="=" + EVIL, niche=EVIL, video_quality=EVIL, state="open"))  # fmt: skip
        number = people.add_person(db, EVIL[:100], "viewer", "test")
        people.change_person(db, number, "test", role="reviewer", active=True)

    def post(path, **data):
        return admin.post(path, data={"csrf": admin.csrf, **data})

    form = {"decision": "approve", "reason": "Other", "note": EVIL, "request_name": "a" * 12,
            "seen": 0}  # fmt: skip
    assert post("/creators/3/decide", **form).status_code == 303
    made = post("/campaigns", name=EVIL, number="5", niche=EVIL)
    post("/keys", name=EVIL, role="viewer")
    files = {"file": (EVIL + ".csv", (DEMO / "creators.csv").read_bytes())}
    sent = admin.post("/imports", data={"csrf": admin.csrf}, files=files)
    assert sent.status_code == 303, sent.text
    pages = [
        "/shortlist", f"/shortlist?search={EVIL}&niche={EVIL}", "/creators/3",
        f"/creators/3?Niche={EVIL}&Followers={EVIL}", "/queue", "/imports",
        sent.headers["location"], "/campaigns", made.headers["location"], "/people", "/audit",
        "/outcomes", "/model", f"/sign-in?next={EVIL}", f"/shortlist?sort={EVIL}",
    ]  # fmt: skip
    for page in pages:
        admin.cookies.set("durhampulse-notice", quote(EVIL))
        text = admin.get(page).text
        assert "<script>alert" not in text, page
        assert "<img src=x" not in text, page
    assert "{{7*7}}" in admin.get("/creators/3").text
    assert "&lt;script&gt;alert" in admin.get("/creators/3").text


def test_pages_send_security_headers(visit):
    answer = visit("viewer").get("/shortlist")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(
        r"<script(?![^>]*\bsrc=\"/static/)|\son\w+=|style=|javascript:", answer.text
    )
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", answer.text)


@pytest.mark.parametrize("number", ["0", "-1", "x", "2147483648", "9" * 30, "1.5"])
def test_invalid_number_in_a_path_is_refused(visit, number):
    admin = visit("admin")
    for path in ("/creators/{}", "/imports/{}", "/campaigns/{}", "/creators/{}/what-if"):
        assert admin.get(path.format(number)).status_code in (404, 422)
    form = {"csrf": admin.csrf, "decision": "approve", "reason": REASONS[0],
            "request_name": "a" * 12, "creator": number, "chosen": number, "seen": 0}  # fmt: skip
    for path in ("/queue/decide", "/shortlist/decide", f"/people/{number}/link"):
        assert admin.post(path, data=form).status_code == 422
    assert admin.post("/people/9999/link", data=form).status_code == 404
    assert admin.post("/people/9999", data={**form, "role": "viewer"}).status_code == 404


def test_audit_log_pages_to_its_beginning(visit, desk):
    with desk.store.writing() as db:
        for i in range(150):
            note(db, "ann", f"act {i}", "nothing")
    admin, where, seen = visit("admin"), "/audit", []
    while where:
        page = admin.get(where).text
        seen += map(int, re.findall(r">Act (\d+)</th>", page))
        earlier = re.search(r'href="(/audit\?before=\d+)"', page)
        where = earlier and earlier[1]
    assert seen == [*range(149, -1, -1)]


def test_audit_page_calls_models_and_creators_by_their_names(visit, desk):
    with desk.store.writing() as db:
        version = desk.catalogue.current(db).version
        row = db.execute(
            select(creator.c.name, creator.c.external_id).where(creator.c.id == 5)
        ).one()
        note(db, "ann", "approve", "creator 5", {"reason": "Fits the brand"})
        note(db, "ann", "campaign proposed", "campaign 99", {"creators": 6, "model": version})
        note(db, "ann", "looked at", "creator 99999")
    page = visit("admin").get("/audit").text
    table = page.partition("</thead>")[2].partition("</table>")[0]
    lines = [re.sub("<[^>]+>", " ", line).split() for line in table.split("</tr>")]
    entries = {" ".join(words[:-1]).partition("ann")[0].strip() for words in lines if words}
    day = desk.catalogue.name_of(version).removeprefix("model ")
    assert {
        f"Approved {row.name or row.external_id} reason Fits the brand",
        f"Campaign proposed campaign 99 creators 6, model {day}",
        "Looked at creator 99999",
    } <= entries
    assert version not in table
    assert 'href="/creators/99999"' not in page
    assert 'href="/creators/5"' in table


def test_erasure_needs_the_identifier_and_returns_a_receipt(visit, desk):
    ada = visit("admin")
    with desk.store.reading() as db:
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == 5))
    sent = {"csrf": ada.csrf, "confirm": "somebody else", "objects": "true"}
    refused = ada.post("/creators/5/erase", data=sent)
    assert (refused.status_code, "Not erased" in refused.text) == (422, True)
    page = ada.post("/creators/5/erase", data={**sent, "confirm": name}).text
    assert "later imports leave them out" in page
    assert ada.get("/creators/5").status_code == 404
    log = ada.get("/audit").text
    assert "Objection" in log
    assert name not in log


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/shortlist"), ("POST", "/imports"), ("GET", "/v1/creators"), ("POST", "/v1/score")],
)
def test_unreachable_store_answers_503(visit, monkeypatch, method, path):
    somebody = visit("admin")
    monkeypatch.setattr("durhampulse.desk.store.database.Store.reading", away)
    headers = {"authorization": "Bearer dp_x"} if path.startswith("/v1") else {}
    answer = somebody.request(method, path, headers=headers)
    assert answer.status_code == 503
    assert "does not answer right now" in answer.text


def test_unknown_address_keeps_the_navigation_of_whoever_is_signed_in(visit, monkeypatch):
    main_navigation = 'aria-label="Main"'
    viewer, nobody = visit("viewer"), visit()
    page = viewer.get("/nowhere")
    assert (page.status_code, main_navigation in page.text) == (404, True)
    assert 'href="/people"' not in page.text  # an admin's
    page = nobody.get("/nowhere")
    assert (page.status_code, main_navigation in page.text) == (404, False)
    monkeypatch.setattr("durhampulse.desk.store.database.Store.reading", away)
    page = viewer.get("/nowhere")
    assert (page.status_code, main_navigation in page.text) == (404, False)


def away(_store):
    raise OperationalError("SELECT", {}, Exception("gone"))


@pytest.mark.parametrize("path", ["/people", "/v1/creators"])
def test_unexpected_error_answers_500_with_a_page(app, visit, desk, monkeypatch, path):
    somebody = visit("admin")
    monkeypatch.setattr("durhampulse.desk.people.people.people", broken)
    monkeypatch.setattr("durhampulse.desk.shortlist.pages.page", broken)
    with desk.store.writing() as db:
        headers = {"authorization": f"Bearer {people.add_key(db, 'k', 'viewer', 'ann')}"}
    client = TestClient(app, raise_server_exceptions=False, cookies=somebody.cookies)
    answer = client.get(path, headers=headers)
    assert answer.status_code == 500
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "The desk failed here" in answer.text
    assert "worn out" not in answer.text
