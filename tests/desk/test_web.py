"""The pages and routes: who may see and do what, and that nothing gets in or out by the way."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import csv
import html
import io
import json
import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product
from urllib.parse import parse_qsl, quote, urlsplit

import openpyxl
import pyarrow.parquet as pq
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from requests import Request
from schemathesis import GenerationMode
from schemathesis.core import NOT_SET
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from sqlalchemy import delete, event, func, select, update
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from durhampulse.cli import main
from durhampulse.desk.imports import intake
from durhampulse.desk.models.catalogue import add_model
from durhampulse.desk.people import people
from durhampulse.desk.people.people import PERSON_ROLES
from durhampulse.desk.people.sessions import SessionLimits, find_session
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.review.page import what_if
from durhampulse.desk.review.queue import progress, queue_counts
from durhampulse.desk.server import DEMO_ADMIN, invitation, is_demo, open_desk
from durhampulse.desk.shortlist import export as listexport
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.search import refresh_search
from durhampulse.desk.store.tables import (
    api_key,
    attempt,
    audit,
    creator,
    person,
    review,
    score,
    session,
)
from durhampulse.desk.web.access import COOKIE
from durhampulse.desk.web.app import create_desk
from durhampulse.desk.web.pages import PAGES
from durhampulse.exceptions import InputError
from durhampulse.scoring.record import UNLIKE_BIT
from tests.desk.conftest import DEMO, PASSWORD
from tests.desk.forms import fields_of
from tests.examples import examples

OURS = ("creators", "reviews", "outcomes", "campaigns", "lists", "views", "selection", "bulk")
OPEN = {
    "/",
    "/sign-in",
    "/sign-in/second",
    "/sign-in/provider",
    "/sign-in/provider/callback",
    "/welcome/{token}",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/r/{token}",
    "/r/{token}/colour.css",
}
"""What anybody may ask for."""

NEEDS = {
    "GET": {
        "viewer": ["/shortlist", "/shortlist/totals", "/shortlist/chosen", "/shortlist/facets",
                   "/shortlist/counts", "/creators/{number}/panel", "/keyboard",
                   "/lists", "/views/{number}", "/bulk/{number}", "/bulk/{number}/progress",
                   "/shortlist/export/{kind}", "/creators/{number}",
                   "/creators/{number}/what-if", "/imports", "/imports/{number}",
                   "/imports/{number}/progress", "/imports/{number}/refused", "/campaigns",
                   "/campaigns/{number}", "/campaigns/{number}/export/{kind}", "/model", "/model/progress",
                   "/model/preview", "/thresholds", "/pipeline",
                   "/outcomes", "/acts", "/account", "/account/second", "/rooms", "/rooms/{number}",
                   "/campaigns/{number}/frontier", "/then"],
        "reviewer": ["/queue", "/opinions", "/imports/{number}/undo", "/campaigns/{number}/difference",
                     "/outcomes/files/{number}"],
        "admin": ["/creators/{number}/everything", "/hooks", "/people", "/audit", "/audit/log.jsonl"],
    },
    "POST": {
        "viewer": ["/sign-out", "/account/sessions/{number}/end",
                   "/account/sessions/end", "/account/password", "/account/second",
                   "/account/second/confirm", "/account/second/codes", "/account/second/end"],
        "reviewer": ["/bulk", "/bulk/start", "/bulk/{number}/stop", "/lists", "/lists/members",
                     "/lists/{number}", "/lists/{number}/delete", "/views", "/views/{number}",
                     "/views/{number}/delete", "/shortlist/decide", "/creators/{number}/decide", "/creators/{number}/outcome",
                     "/creators/{number}/remark", "/creators/{number}/remark/delete",
                     "/creators/{number}/outcome/withdraw", "/queue/decide", "/queue/undo",
                     "/queue/release", "/acts/{number}/undo", "/imports",
                     "/imports/{number}/read", "/imports/{number}/afresh",
                     "/imports/{number}/check", "/imports/{number}/confirm",
                     "/imports/{number}/drop", "/imports/{number}/columns",
                     "/imports/{number}/undo", "/campaigns", "/campaigns/{number}",
                     "/campaigns/{number}/choose", "/campaigns/{number}/delete", "/campaigns/add",
                     "/campaigns/{number}/propose", "/campaigns/{number}/state", "/outcomes",
                     "/outcomes/files/{number}/record", "/outcomes/files/{number}/drop",
                     "/rooms", "/rooms/{number}", "/rooms/{number}/close",
                     "/campaigns/{number}/budget", "/opinions/{number}", "/queue/enough"],
        "admin": ["/hooks", "/hooks/{number}", "/thresholds", "/opinions/share", "/creators/{number}/erase", "/model/activate", "/model/preview",
                  "/model/preview/discard", "/people",
                  "/people/{number}", "/people/{number}/link", "/people/{number}/sessions/end", "/people/factor",
                  "/people/{number}/factor/end", "/people/{number}/identity", "/keys", "/keys/{number}/revoke"],
    },
}  # fmt: skip


def routes(app):
    """Give method and path of all routes, however they were included."""
    pairs = []

    def walk(some):
        for route in some:
            inner = getattr(route, "original_router", None) or getattr(route, "routes", None)
            if inner is not None and not hasattr(route, "methods"):
                walk(getattr(inner, "routes", inner))
            elif hasattr(route, "methods"):
                pairs.extend((method, route.path) for method in route.methods - {"HEAD"})

    walk(app.routes)
    return pairs


def filled_in(path):
    return path.replace("{number}", "3").replace("{kind}", "csv").replace("{name:path}", "x")


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
    for path in ("/shortlist", *re.findall(r'"(/static/[^"]+\.(?:css|js)[^"]*)"', page)):
        answer = ann.get(path, headers={"accept-encoding": "gzip"})
        if len(answer.content) > 1_500:
            assert answer.headers["content-encoding"] == "gzip", path
            assert int(answer.headers["content-length"]) < 0.5 * len(answer.content), path


def test_first_line_of_the_list_says_whom_to_contact_review_and_confirm(visit, desk):
    """Of those nobody has decided about, and whose outcome is not known."""
    c = creator.c
    with desk.store.writing() as db:
        db.execute(update(creator).where(c.id % 5 == 0).values(state="approved"))
        db.execute(update(creator).where(c.id % 5 == 1).values(deal=True))
    with desk.store.reading() as db:
        waits = select(c.probability, c.flags).where(c.state == "open", c.deal.is_(None))
        rows = db.execute(waits).all()
        rules = desk.catalogue.current(db)
    at, known = rules.thresholds, [row.probability for row in rows if row.flags < UNLIKE_BIT]
    yes, no = (sum(p >= at.yes_at for p in known), sum(p < at.review_at for p in known))
    heading = re.search(r"<h1>(.*?)</h1>", visit("reviewer").get("/shortlist").text, re.DOTALL)[1]
    shown = re.sub(r"<[^>]+>|\s+", " ", heading).split()
    words = f"{yes} to contact , {len(rows) - yes - no} to review , {no} to confirm as No ."
    assert shown == words.split()


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


@pytest.mark.parametrize("role", ["viewer", "reviewer"])
def test_rest_routes_need_the_same_roles(app, visit, desk, role):
    with desk.store.writing() as db:
        token = people.add_key(db, role, role, "test")
        people.add_person(db, "Rita", "reviewer", "test")
        people.add_person(db, "Vic", "viewer", "test")
    client = visit()
    client.headers["authorization"] = f"Bearer {token}"
    page = client.get("/v1/creators", params={"limit": 3, "band": "maybe"}).json()
    assert len(page["creators"]) == 3
    name = page["creators"][0]["creator"]
    after = client.get("/v1/creators", params={"limit": 3, "band": "maybe", "after": page["next"]})
    assert name not in {item["creator"] for item in after.json()["creators"]}
    assert client.get(f"/v1/creators/{name}").json() == page["creators"][0]
    assert len(client.get(f"/v1/creators/{name}/scores").json()) == 1
    assert client.get("/v1/creators/nobody").status_code == 404
    body = {"creator": name, "decision": "approve", "reason": REASONS[0], "reviewer": "Rita",
            "request": "program-1"}  # fmt: skip
    answer = client.post("/v1/reviews", json=body)
    assert answer.status_code == (201 if role == "reviewer" else 403)
    if role == "reviewer":
        assert answer.json()["new"]
        assert not client.post("/v1/reviews", json=body).json()["new"]
        assert client.get(f"/v1/creators/{name}").json()["state"] == "approved"
        assert client.get(f"/v1/creators/{name}/reviews").json()[0]["by"] == "Rita"
        wrong = {**body, "reviewer": "Vic", "request": "program-2"}
        assert client.post("/v1/reviews", json=wrong).status_code == 422
        outcome = {"creator": name, "deal": True, "on": "2026-01-31"}
        assert client.post("/v1/outcomes", json=outcome).status_code == 201
        number = client.post("/v1/campaigns", json={"name": "x", "number": 5}).json()["id"]
        assert len(client.get(f"/v1/campaigns/{number}").json()["creators"]) == 5
    assert client.post("/v1/score", json={"creators": [{"Influencer_ID": 1}]}).status_code == 200
    assert client.get("/metrics").status_code == 403
    with desk.store.writing() as db:
        people.revoke_key(db, db.scalar(select(api_key.c.id)), "test")
    assert client.get("/v1/creators").status_code == 401


EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


def test_identifier_with_url_characters_is_found_by_rest(visit, desk):
    names = ["tiktok.com/@zo\u200d\u00e9", "tiktok.com/@zo\u200d\u00e9/live?"]
    with desk.store.writing() as db:
        key = people.add_key(db, "our CRM", "viewer", "ann")
        for number, name in enumerate(names, start=3):
            db.execute(update(creator).where(creator.c.id == number).values(external_id=name))
        refresh_search(db, [3, 4])
    client, headers = visit(), {"authorization": f"Bearer {key}"}
    for number, name in enumerate(names, start=3):
        where = f"/v1/creators/{quote(name, safe='')}"
        assert client.get(where, headers=headers).json()["id"] == number
        assert len(client.get(f"{where}/scores", headers=headers).json()) == 1
        assert client.get(f"{where}/reviews", headers=headers).json() == []
    listed, view = [], {"sort": "external_id", "limit": 1, "search": "tiktok"}
    for _ in names:
        page = client.get("/v1/creators", params=view, headers=headers).json()
        listed += [item["creator"] for item in page["creators"]]
        view["after"] = page["next"]
    assert listed == names


def test_every_form_of_an_identifier_finds_its_creator(visit, desk):
    with desk.store.writing() as db:
        key = people.add_key(db, "our CRM", "reviewer", "ann")
        for number, name in ((3, "1001"), (4, "1002.0"), (5, "@lena")):
            db.execute(update(creator).where(creator.c.id == number).values(external_id=name))
    client, headers = visit(), {"authorization": f"Bearer {key}"}
    for number, forms in ((3, ("1001", "1001.0", "%201001")), (4, ("1002", "1002.0")),
                          (5, ("%40lena", "'%40lena"))):  # fmt: skip
        for form in forms:
            answer = client.get(f"/v1/creators/{form}", headers=headers)
            assert (answer.status_code, answer.json().get("id")) == (200, number), form
    outcome = {"creator": "1001.0", "deal": True, "on": "2026-01-31"}
    assert client.post("/v1/outcomes", json=outcome, headers=headers).status_code == 201
    ann = visit("reviewer")
    made = ann.post("/campaigns", data={"csrf": ann.csrf, "name": "x", "number": "5"})
    where = made.headers["location"]
    form = {"csrf": ann.csrf, "choice": "out", "name": "'@lena"}
    assert ann.post(f"{where}/choose", data=form).status_code == 303
    assert "@lena" in ann.get(where).text


def test_rest_review_is_idempotent_and_logs_its_key(visit, desk):
    ann = visit("reviewer").who
    with desk.store.writing() as db:
        key = people.add_key(db, "our CRM", "reviewer", "ann")
    body = {"creator": "INF-1003", "decision": "approve", "reason": REASONS[0], "reviewer": ann,
            "request": "of-our-CRM-1"}  # fmt: skip
    client, headers = visit(), {"authorization": f"Bearer {key}"}
    answers = [client.post("/v1/reviews", json={**body, **changes}, headers=headers)
               for changes in ({}, {}, {"creator": "INF-1004"})]  # fmt: skip
    assert [answer.status_code for answer in answers] == [201, 200, 409]
    assert answers[0].json() == {**answers[1].json(), "new": True}
    with desk.store.reading() as db:
        details = db.scalars(select(audit.c.detail).where(audit.c.act == "approve")).all()
    assert [detail["through"] for detail in details] == ["key our CRM"]


@pytest.mark.parametrize(
    ("where", "wrong"),
    [
        ("campaigns", {"budget": False}), ("campaigns", {"number": "5"}),
        ("campaigns", {"fees": {"nano": True}}), ("campaigns", {"most_per_niches": 3}),
        ("outcomes", {"deal": "yes"}), ("outcomes", {"deal": 1}), ("outcomes", {"on": 1769817600}),
        ("outcomes", {"on": "1769817600"}), ("outcomes", {"on": "20260131"}),
        ("outcomes", {"on": "2026-01-31T09:00"}), ("reviews", {"reviewer": 7}),
    ],
)  # fmt: skip
def test_rest_body_is_validated_strictly(visit, desk, where, wrong):
    with desk.store.writing() as db:
        key = people.add_key(db, "our CRM", "reviewer", "ann")
    bodies = {
        "campaigns": {"name": "x", "number": 5},
        "outcomes": {"creator": "INF-1003", "deal": True, "on": "2026-01-31"},
        "reviews": {"creator": "INF-1003", "decision": "approve", "reason": REASONS[0],
                    "reviewer": visit("reviewer").who, "request": "of-our-CRM-1"},
    }  # fmt: skip
    client, headers = visit(), {"authorization": f"Bearer {key}"}
    answer = client.post(f"/v1/{where}", json={**bodies[where], **wrong}, headers=headers)
    assert answer.status_code == 422
    assert next(iter(wrong)) in answer.json()["error"]["problem"]
    assert client.post(f"/v1/{where}", json=bodies[where], headers=headers).status_code == 201


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


def test_notice_is_shown_once_and_not_from_the_address(visit):
    ann = visit("reviewer")
    form = {"csrf": ann.csrf, "decision": "approve", "reason": REASONS[0], "chosen": [3, 4],
            "request_name": "b" * 12, "back": "sort=followers", "seen": 0}  # fmt: skip
    sent = ann.post("/shortlist/decide", data=form)
    assert sent.headers["location"] == "/shortlist?sort=followers"
    assert "2 decided." in ann.get("/shortlist").text
    assert "2 decided." not in ann.get("/shortlist").text
    assert "Pay INF-1" not in ann.get("/shortlist?said=Pay+INF-1").text


def test_bulk_decision_returns_to_the_same_page(visit):
    ann, bob = visit("reviewer"), visit("reviewer")

    def form_of(who, page):
        fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
        form = {name: html.unescape(value) for name, value in fields}
        chosen = re.findall(r'name="chosen" value="(\d+)"', page)[:3]
        return {**form, "decision": "decline", "reason": REASONS[0], "chosen": chosen}

    first = ann.get("/shortlist?sort=followers").text
    where = html.unescape(re.search(r'href="(/shortlist\?[^"]*after=[^"]*)"', first)[1])
    hers, his = (form_of(who, who.get(where).text) for who in (ann, bob))
    assert ann.post("/shortlist/decide", data=hers).headers["location"] == where
    assert bob.post("/shortlist/decide", data=his).status_code == 303
    assert "0 decided. Left alone: 3 decided by others since." in bob.get(where).text


def test_what_if_starts_from_stored_figures(visit, desk):
    with desk.store.writing() as db:
        db.execute(update(creator).where(creator.c.id == 3).values(niche=None))
    ann = visit("viewer")
    niches = ann.get("/creators/3").text.split('<select name="Niche">')[1].split("</select>")[0]
    assert niches.startswith('<option value="" selected>not known</option>')
    asked = ann.get("/creators/3?Followers=1M&Niche=Tech").text
    assert 'value="1M"' in asked
    for figure, words in (("1e30", "cannot be so large"), ("-5", "Followers cannot be")):
        assert words in ann.get(f"/creators/3?Followers={figure}").text


def test_what_if_says_by_how_many_points_it_differs(visit, desk):
    with desk.store.reading() as db:
        rules = desk.catalogue.current(db)
        row = db.execute(select(creator).where(creator.c.id == 3)).one()
    then = what_if(rules, row, {"Engagement_Rate": "9%"}).probability
    asked = visit("viewer").get("/creators/3/what-if?Engagement_Rate=9%25").text
    points = re.search(r"; ([+\N{MINUS SIGN}]?\d+) points", asked)[1]
    assert int(points.replace("\N{MINUS SIGN}", "-")) == round(100 * (then - row.probability)) != 0


def test_empty_desk_asks_for_a_list(visit, desk):
    with desk.store.writing() as db:
        db.execute(delete(creator))
    page = visit("reviewer").get("/shortlist").text
    assert re.search(r'<form[^>]* action="/imports"[^>]*enctype="multipart/form-data"', page)
    assert "No creator matches" not in page
    assert 'type="file"' not in visit("viewer").get("/shortlist").text


def test_pages_are_sent_compressed(visit):
    client = visit("viewer")
    assert client.get("/shortlist").headers["content-encoding"] == "gzip"
    plain = client.get("/shortlist", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers


def test_upper_end_of_a_former_range_is_widened(visit, desk):
    with desk.store.writing() as db:
        ends = {"probability": 0.031, "low": 0.0096, "high": 0.0571}
        db.execute(update(score).where(score.c.creator_id == 5).values(**ends))
    page = visit("viewer").get("/creators/5").text
    assert re.search(r"Answer <strong>3%</strong>, most likely 0 to 6\b", page)


def test_creators_without_a_niche_stand_in_a_campaign_without_one(visit, desk):
    with desk.store.writing() as db:
        db.execute(update(creator).values(niche=None))
    ann = visit("reviewer")
    brief = {"csrf": ann.csrf, "name": "Spring", "number": "5"}
    page = ann.get(ann.post("/campaigns", data=brief).headers["location"]).text
    beside = re.findall(r"<small[^>]*>([^<]*)</small></span></span></th>", page)
    assert len(beside) == 5
    assert set(beside) <= {"nano", "micro", "mid", "macro", "mega"}


def test_exports_are_formula_safe_and_carry_provenance(visit, desk, monkeypatch):
    viewer = visit("viewer")
    with desk.store.writing() as db:
        db.execute(update(creator).where(creator.c.id == 3).values(
            external_id="=HYPERLINK(1)", niche="@SUM(1)", probability=0.7999999))  # fmt: skip
        refresh_search(db, [3])
    answer = viewer.get("/shortlist/export/csv?search==H")
    assert 'filename="shortlist-search-' in answer.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row["Influencer ID"] == "'=HYPERLINK(1)"
    assert row["Niche"] == "'@SUM(1)"
    assert row["Edge"] == "true"
    assert row["Top Reason"].startswith("for: ")
    assert (row["Predicted Sponsorship"], row["Sponsorship Recommendation"]) == (
        "0.7999", "Maybe (manual review)"
    )  # fmt: skip
    book = openpyxl.load_workbook(io.BytesIO(viewer.get("/shortlist/export/xlsx").content))
    rows = list(book["Decisions"].values)
    assert len(rows) == 598
    chances = [row[1] for row in rows[1:]]
    assert chances == sorted(chances, reverse=True)
    assert all(row[rows[0].index("Top Reason")] for row in rows[1:])
    monkeypatch.setattr(listexport, "_MOST_EXPLAINED", 596)
    many = pq.read_table(io.BytesIO(viewer.get("/shortlist/export/parquet").content))
    assert many["Top Reason"].null_count == many.num_rows == 597
    assert b"of more than 596" in many.schema.metadata[b"top_reasons"]
    cell = next(c for c in book["Decisions"]["A"] if c.value == "=HYPERLINK(1)")
    assert cell.data_type == "s"
    about = dict(book["Provenance"].values)
    assert about["trained_on_simulated_data"] is True
    assert about["exported_by"] == viewer.who
    file = io.BytesIO(viewer.get("/shortlist/export/parquet?band=yes").content)
    assert set(pq.read_table(file)["Sponsorship Recommendation"].to_pylist()) == {"Yes"}
    assert pq.read_metadata(file).metadata[b"model"] == about["model"].encode()
    assert viewer.get("/shortlist/export/provenance").json()["model"] == about["model"]


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


def test_list_that_nothing_matches_says_what_to_do_in_place_of_a_table(visit):
    page = visit("viewer").get("/shortlist?search=nobody").text
    assert '<p class="empty">No creator matches. <a href="/shortlist">Show all</a>' in page
    assert '<table class="list">' not in page
    assert 'id="totals"' not in page


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


def test_import_pages(app, visit, desk):
    somebody = visit("reviewer")
    text = "id;subs;eng. rate;growth;niche;quality;views\n" + "".join(
        f"INF-{1001 + i};{5 + i}K;{3 + i / 7:.2f};0,01;fashion ;hd;2000\n" for i in range(30)
    )
    files = {"file": ("../../x.csv", text.encode("latin-1"))}
    sent = somebody.post("/imports", data={"csrf": somebody.csrf}, files=files)
    where = sent.headers["location"]
    page = somebody.get(where).text
    assert "Not done" not in page
    assert "percentages" in page
    assert ">x.csv<" in page
    form = {**fields_of(page), "as": "Engagement_Rate=percent"}
    assert somebody.post(f"{where}/read", data=form).status_code == 303
    page = somebody.get(where).text
    assert "Looks right: score it" in page
    form = fields_of(page)
    assert somebody.post(f"{where}/check", data=form).status_code == 303
    assert somebody.post(f"{where}/check", data=form).status_code == 422
    for _ in range(100):
        page = somebody.get(where).text
        if "What it would change" in page:
            break
        somebody.get(f"{where}/progress")
        desk.worker.work()
    assert "will be updated" in page
    known = {"csrf": somebody.csrf, "unlike": "true"}  # the list is unlike the training rows
    assert somebody.post(f"{where}/confirm", data=known).status_code == 303
    end = time.monotonic() + 180
    while any(desk.folder.iterdir()) and time.monotonic() < end:  # gone last of all
        time.sleep(0.05)
    with desk.store.reading() as db:
        row = db.execute(select(creator).where(creator.c.external_id == "INF-1001")).one()
    assert (row.followers, row.niche) == (5000, "Fashion")
    assert row.engagement_rate == pytest.approx(0.03)
    assert not any(desk.folder.iterdir())


def test_exports_are_in_the_audit_log_without_what_was_looked_for(visit, desk):
    ann, admin = visit("reviewer"), visit("admin")
    assert ann.get("/shortlist/export/csv?search=INF-1003&sort=followers").status_code == 200
    assert ann.request("HEAD", "/shortlist/export/csv").status_code == 200  # takes nothing along
    where = ann.post("/campaigns", data={"csrf": ann.csrf, "name": "Spring", "number": "2"})
    assert ann.get(f"{where.headers['location']}/export/hubspot").status_code == 200
    assert ann.get("/imports/1/refused").status_code == 200
    log = [json.loads(line) for line in admin.get("/audit/log.jsonl").text.splitlines()]
    exported = [entry for entry in log if entry["act"] == "exported"]
    assert [(entry["who"], entry["subject"], entry["detail"]) for entry in exported] == [
        (ann.who, "list", {"rows": 1, "format": "csv", "narrowed_by": ["search"]}),
        (ann.who, "campaign 1", {"rows": 2, "format": "hubspot"}),
        (ann.who, "upload 1", {"rows": 3, "format": "csv"}),
    ]
    assert "INF-1003" not in json.dumps(exported)


def test_campaign_pages(visit, desk):
    ann, brief = visit("reviewer"), {"name": "Spring / 2026", "number": "5",
                                     "tier": ["nano", "micro"], "fee nano": "100",
                                     "fee micro": "250.50", "currency": "eur",
                                     "budget": "1,000"}  # fmt: skip
    where = ann.post("/campaigns", data={"csrf": ann.csrf, **brief}).headers["location"]
    answer = ann.get(f"{where}/export/xlsx")
    assert 'filename="campaign-1-Spring-2026.xlsx"' in answer.headers["content-disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    heads, *rows = book["Decisions"].values
    cell = book["Decisions"]["B2"]
    assert (heads[1], cell.number_format) == ("Predicted Sponsorship", "0.00%")
    rows = [dict(zip(heads, row, strict=True)) for row in rows]
    assert 0 < len(rows) <= 5
    assert {(row["Tier"], row["Fee"]) for row in rows} <= {("nano", 100), ("micro", 250.5)}
    assert {(row["Currency"], row["By Hand"], row["Campaign State"]) for row in rows} == {
        ("EUR", False, "draft")
    }
    assert rows[-1]["Cost So Far"] == sum(row["Fee"] for row in rows) <= 1000
    about = dict(book["Provenance"].values)
    assert (about["budget"], about["currency"]) == (1000, "EUR")
    assert "of 1,000 EUR" in about["Fees if all agree"]
    out = {"csrf": ann.csrf, "choice": "out", "name": rows[0]["Influencer ID"]}
    assert ann.post(f"{where}/choose", data=out).status_code == 303
    wider = {"csrf": ann.csrf, **brief, "number": "1,000", "most_per_niche": "2", "budget": ""}
    assert ann.post(where, data=wider).status_code == 303
    with desk.store.reading() as db:
        kept = db.scalar(
            select(creator.c.id).where(creator.c.external_id == rows[1]["Influencer ID"])
        )
    made = {"csrf": ann.csrf, "decision": "approve", "reason": REASONS[0], "note": "Seen live",
            "request_name": "b" * 12, "seen": "0"}  # fmt: skip
    assert ann.post(f"/creators/{kept}/decide", data=made).status_code == 303
    exported = [*csv.DictReader(io.StringIO(ann.get(f"{where}/export/csv").text))]
    assert {(row["Reviewer"], row["Review Note"]) for row in exported} == {
        ("", ""), (ann.who, "Seen live")
    }  # fmt: skip
    assert max(Counter(row["Niche"] for row in exported).values()) == 2
    assert rows[0]["Influencer ID"] not in {row["Influencer ID"] for row in exported}
    assert ann.get(f"{where}/export/exe").status_code == 404
    assert ann.post(f"{where}/delete", data={"csrf": ann.csrf}).status_code == 303
    assert "Deleted." in ann.get("/campaigns").text
    assert ann.get(where).status_code == 404


def test_looking_at_a_campaign_solves_nothing(visit, monkeypatch):
    ann = visit("reviewer")
    brief = {"name": "Spring", "number": "5", "budget": "900", "fee nano": "150"}
    where = ann.post("/campaigns", data={"csrf": ann.csrf, **brief}).headers["location"]
    monkeypatch.setattr("durhampulse.desk.campaigns.proposal.best_set", None)
    monkeypatch.setattr("durhampulse.desk.campaigns.proposal.candidates", None)
    page = ann.get(where).text
    assert ">nan<" not in page
    assert "deals among creators like these in the past" in page.lower()
    assert "without a fee" in page
    assert ann.get(f"{where}/export/csv").status_code == 200
    assert ann.get("/campaigns").status_code == 200


def test_campaign_is_agreed_compared_and_opened_again(visit, desk):
    ann, vic = visit("reviewer"), visit("viewer")

    def act(path, **data):
        return ann.post(f"{where}/{path}", data={"csrf": ann.csrf, **data})

    made = ann.post("/campaigns", data={"csrf": ann.csrf, "name": "Spring", "number": "5"})
    where = made.headers["location"]
    page = ann.get(f"{where}/difference").text
    assert "would propose the same creators" in page
    assert f'<a class="button main" href="{where}">Back to Spring</a>' in page
    with desk.store.writing() as db:
        (first, *_) = re.findall(r'href="/creators/(\d+)"', ann.get(where).text)
        db.execute(update(creator).where(creator.c.id == int(first)).values(state="declined"))
    page = ann.get(f"{where}/difference").text
    assert "would swap 1 of Spring" in page
    (seen,) = re.findall(r'name="seen" value="(\w+)"', page)
    assert act("propose", seen=seen).status_code == 303
    assert f'href="/creators/{first}"' not in ann.get(where).text
    assert act("propose", seen="other").status_code == 422
    assert "Agree on this set" not in vic.get(where).text
    assert act("state", state="agreed").status_code == 303
    page = ann.get(where).text
    assert "Leave out" not in page
    assert "Change the brief" not in page
    assert act("choose", choice="out", creator_id="3").status_code == 422
    assert act("state", state="draft").status_code == 422  # nobody said why
    assert act("state", state="done").status_code == 303
    assert act("state", state="draft", note="they want more").status_code == 303
    assert "<q>they want more</q>" in ann.get(where).text


def test_creators_are_added_to_a_campaign_from_elsewhere(visit, desk):
    ann = visit("reviewer")
    made = ann.post("/campaigns", data={"csrf": ann.csrf, "name": "Spring", "number": "5"})
    where, number = made.headers["location"], made.headers["location"].rsplit("/")[-1]
    with desk.store.writing() as db:
        db.execute(update(creator).where(creator.c.id == 4).values(state="declined"))
    sent = {"csrf": ann.csrf, "campaign": number, "chosen": ["3", "4"]}
    asked = ann.post("/campaigns/add", data=sent).headers["location"]
    page = ann.get(asked).text
    assert "was declined" in page
    assert 'href="/creators/3"' in page
    assert 'href="/creators/4"' not in page
    sure = {"csrf": ann.csrf, "choice": "in", "creator_id": "4", "sure": "true"}
    assert ann.post(f"{where}/choose", data=sure).status_code == 303
    assert 'href="/creators/4"' in ann.get(where).text
    assert "Spring" in ann.get("/creators/4").text
    found = ann.post(f"{where}/choose", data={"csrf": ann.csrf, "choice": "in", "name": "inf-1438"})
    assert "Put in INF-1438" in ann.get(found.headers["location"]).text
    assert ann.post("/campaigns/add", data={**sent, "chosen": []}).status_code == 422


@pytest.mark.parametrize(
    ("given", "words"),
    [({"number": "5", "budget": "2.000"}, "may be 2000 or 2"),
     ({"number": "2,5"}, "2.5 is not whole"), ({"number": "many"}, "not a number"),
     ({"number": "5", "most_per_niche": "1.5"}, "1.5 is not whole"),
     ({"number": "5", "budget": "-1"}, "amounts from 0 on")],
)  # fmt: skip
def test_invalid_campaign_form_is_refused(visit, given, words):
    ann = visit("reviewer")
    answer = ann.post("/campaigns", data={"csrf": ann.csrf, "name": "Odd", **given})
    assert (answer.status_code, words in answer.text) == (422, True)


def test_limits_that_no_set_keeps_are_refused_and_nothing_changes(visit, desk):
    ann = visit("reviewer")
    brief = {"csrf": ann.csrf, "name": "One", "number": "1"}
    where = ann.post("/campaigns", data=brief).headers["location"]
    put_in = {"csrf": ann.csrf, "choice": "in", "name": "INF-1002"}
    assert ann.post(f"{where}/choose", data=put_in).status_code == 303
    assert "In: INF-1002." in ann.get(where).text
    before = ann.get(where).text
    answer = ann.post(f"{where}/choose", data={**put_in, "name": "INF-1003"})
    assert (answer.status_code, "No set of creators keeps within" in answer.text) == (422, True)
    priced = ann.post(where, data={**brief, "budget": "900"})
    assert (priced.status_code, "put in by hand and has no fee" in priced.text) == (422, True)
    assert ann.get(where).text == before


def test_outcomes_by_file_and_by_form(visit, desk):
    ann = visit("reviewer")
    files = {"file": ("won.csv", b"id,deal\nINF-1003,1\nINF-1004,0\nnobody,1\n")}
    sent = ann.post("/outcomes", data={"csrf": ann.csrf, "on": "2026-01-31"}, files=files)
    where = sent.headers["location"]
    page = ann.get(where).text
    assert "Record 2 outcomes" in page
    assert "Not in the list: nobody." in page
    assert "Outcomes come from a file above" in ann.get("/outcomes").text
    assert where in ann.get("/outcomes").text
    assert ann.post(f"{where}/record", data={"csrf": ann.csrf}).status_code == 303
    page = ann.get("/outcomes").text
    assert "Recorded the outcomes of 2 creators." in page
    assert where not in page
    assert ann.post(f"{where}/record", data={"csrf": ann.csrf}).status_code == 404
    sent = {"csrf": ann.csrf, "deal": "true", "on": "2026-02-01"}
    assert ann.post("/creators/9/outcome", data=sent).status_code == 303
    assert "1 February 2026" in ann.get("/outcomes").text
    assert "Recorded: <strong>deal</strong> on 1 February 2026" in ann.get("/creators/9").text
    ann.post("/creators/9/outcome/withdraw", data={"csrf": ann.csrf})
    assert "1 February 2026" not in ann.get("/outcomes").text
    assert "no longer stands" in ann.get("/creators/9").text
    for wrong, words in (({"on": "soon"}, "The day is none"), ({"on": "2999-01-01"}, "cannot be")):
        answer = ann.post("/outcomes", data={"csrf": ann.csrf, **wrong}, files=files)
        assert (answer.status_code, words in answer.text) == (422, True)
    assert "No file came" in ann.post("/outcomes", data={"csrf": ann.csrf, "on": "2026-01-31"}).text


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
    ("name", "content"), [("x.exe", b"MZ"), ("x", b"a,b"), ("x.csv", b""), ("", b"a")]
)
def test_upload_that_is_no_table_is_refused(visit, desk, name, content):
    somebody = visit("reviewer")
    answer = somebody.post(
        "/imports", data={"csrf": somebody.csrf}, files={"file": (name, content)}
    )
    assert answer.status_code == 422
    assert not desk.folder.exists() or not any(desk.folder.iterdir())


def test_too_large_upload_is_stopped_while_streaming(app, visit):
    somebody = visit("reviewer")
    headers = {"content-length": str(3 << 30), "content-type": "multipart/form-data; boundary=x"}
    answer = somebody.post("/imports", content=b"--x", headers=headers)
    assert answer.status_code == 413


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


def test_password_link_from_the_command_line(store_url, tmp_path, monkeypatch, capsys):
    desk = open_desk(store_url, DEMO / "model", files_in=tmp_path)
    with desk.store.writing() as db:
        people.add_person(db, "Ada", "admin", "test", PASSWORD)
    for _ in range(5):
        desk.sign_in.attempt(desk.store, "Ada", "forgotten it", "here")
    command = ["durhampulse", "desk", "--store", store_url, "--link-for"]
    monkeypatch.setattr("sys.argv", [*command, "Eve"])
    with pytest.raises(SystemExit):
        main()
    assert "Nobody called 'Eve'" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", [*command, "Ada"])
    with pytest.raises(SystemExit):
        main()
    printed = capsys.readouterr().out
    with TestClient(create_desk(desk), follow_redirects=False) as client:
        form = {"password": "another long password"}
        assert client.post(urlsplit(printed.strip()).path, data=form).status_code == 303
    assert desk.sign_in.attempt(desk.store, "Ada", "another long password", "here")
    desk.store.close()


def test_activation_switches_after_all_are_scored(desk, visit, model_folder):
    first, other = desk.catalogue.current().version, add_model(desk.store, model_folder, "ann")
    ann = visit("admin")
    answer = ann.post("/model/activate", data={"csrf": ann.csrf, "version": "nonsense"})
    assert answer.status_code == 422
    assert "There is no model nonsense" in answer.text
    desk.worker.stop()
    assert ann.post("/model/activate", data={"csrf": ann.csrf, "version": other}).status_code == 303
    assert "Scoring all creators with" in ann.get("/model").text
    again = ann.post("/model/activate", data={"csrf": ann.csrf, "version": other})
    assert "Wait until it decides" in again.text
    assert "hx-refresh" not in ann.get("/model/progress").headers
    assert desk.catalogue.current().version == first
    assert desk.worker.work()
    assert ann.get("/model/progress").headers["hx-refresh"] == "true"
    assert desk.catalogue.current().version == other
    assert "597 creators were scored with it" in ann.get("/model").text


@pytest.mark.parametrize(("role", "status"), [(None, 303), ("viewer", 403)])
@pytest.mark.parametrize("path", ["/imports", "/outcomes"])
def test_upload_is_not_read_before_authentication(app, visit, path, role, status):
    cookie = visit(role).cookies.get(COOKIE, "") if role else ""
    answer, read = asyncio.run(flood(app, path, cookie))
    assert answer["status"] == status
    assert read == 0


async def flood(app, path, cookie):
    """Post without end; give the head of the answer and how much of it was read."""
    read, sent = [], []

    async def receive():
        read.append(1)
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"desk"), (b"content-type", b"multipart/form-data; boundary=b"),
               (b"cookie", f"{COOKIE}={cookie}".encode())]  # fmt: skip
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"",
             "headers": headers, "scheme": "http", "server": ("desk", 80)}  # fmt: skip
    await app(scope, receive, send)
    return sent[0], len(read)


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


def test_invalid_cursor_and_figures_are_refused(visit):
    viewer = visit("viewer")
    for cursor in ([10**30, 5], ["\ud800", 5], [{"a": 1}, 5], [True, []]):
        place = base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode().rstrip("=")
        for sort in ("probability", "external_id"):
            answer = viewer.get(f"/shortlist?sort={sort}&after={place}")
            assert answer.status_code in (200, 422), cursor
    assert viewer.get("/shortlist?niche=a%00b").status_code == 422
    assert "min_engagement=120%25" in viewer.get("/shortlist?min_engagement=120%25").text


def test_failed_activation_changes_nothing(desk, visit, model_folder, monkeypatch, caplog):
    first, other = desk.catalogue.current().version, add_model(desk.store, model_folder, "ann")
    ann = visit("admin")
    desk.worker.stop()
    ann.post("/model/activate", data={"csrf": ann.csrf, "version": other})
    monkeypatch.setattr("durhampulse.desk.imports.worker.activate", broken)
    assert desk.worker.work()
    assert "log says why" in ann.get("/model").text
    assert "worn out" in caplog.text
    assert desk.catalogue.current().version == first
    monkeypatch.undo()
    ann.post("/model/activate", data={"csrf": ann.csrf, "version": other})
    assert desk.worker.work()
    assert desk.catalogue.current().version == other


def test_activation_that_ends_while_the_page_is_made_is_shown(
    desk, visit, model_folder, monkeypatch
):
    other = add_model(desk.store, model_folder, "ann")
    ann = visit("admin")
    desk.worker.stop()
    ann.post("/model/activate", data={"csrf": ann.csrf, "version": other})
    current = desk.catalogue.current

    def just_before(db=None):
        rules = current(db)
        monkeypatch.setattr(desk.catalogue, "current", current)  # which the activation asks too
        for _ in range(5):  # as the worker's thread does while there is something to do
            if desk.worker.activation.under_way:
                desk.worker.work()
        return rules

    monkeypatch.setattr(desk.catalogue, "current", just_before)
    assert "Scoring all creators with" in ann.get("/model").text
    monkeypatch.undo()
    assert ann.get("/model/progress").headers["hx-refresh"] == "true"
    assert "were scored with it" in ann.get("/model").text
    desk.worker.activation.ended_at -= timedelta(hours=1)
    assert "were scored with it" not in ann.get("/model").text


def broken(*_given):
    raise ValueError("worn out")


def test_threshold_sliders_start_from_the_current_bands(visit):
    page = visit("viewer").get("/shortlist/totals").text
    counted = re.findall(r'<dt><span class="band.*?<dd>([\d,]+)</dd>', page, re.DOTALL)
    table = re.findall(r'data-band.*?<td class="n">([\d,]+)</td>', page, re.DOTALL)
    assert counted == table
    assert len(table) == 3
    filtered = visit("viewer").get("/shortlist/totals?niche=Tech").text
    assert "whatever is filtered" in filtered  # thresholds hold for everybody
    assert re.findall(r'data-band.*?<td class="n">([\d,]+)</td>', filtered, re.DOTALL) == table


def test_totals_of_chosen_creators(desk, visit):
    with desk.store.reading() as db:
        rows = db.execute(select(creator).order_by(creator.c.id).limit(7)).all()
    vera = visit("viewer")
    page = vera.get("/shortlist/chosen", params={"chosen": [row.id for row in rows]}).text
    expected = sum(row.probability for row in rows)
    assert f"7 ticked: {expected:.1f} deals" in page
    low, high = map(float, re.search(r"\(([\d.]+) to ([\d.]+)\)", page).groups())
    assert low < expected < high
    assert "ticked" not in vera.get("/shortlist/chosen").text


def sent_names(case):
    """Names of the parameters that a case's address holds with a value."""
    asked = case.as_transport_kwargs(base_url="http://desk")
    address = Request("GET", asked["url"], params=asked.get("params")).prepare().url
    return {name for name, _ in parse_qsl(urlsplit(address).query)}


@contextlib.asynccontextmanager
async def without_threads(_app):
    """A start of the application that starts nothing."""
    yield


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_documented_interface_holds(app, desk, mode):
    """Whatever the documentation allows or forbids: documented answers, and no server error."""
    app.router.lifespan_context = without_threads  # schemathesis starts it and never stops it
    with desk.store.writing() as db:
        token = people.add_key(db, "fuzz", "reviewer", "test")
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    refusals = schema.config.checks.negative_data_rejection
    refusals.expected_statuses = [*refusals.expected_statuses, "413"]  # more than may be sent
    tried = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        if not operation.path.startswith(tuple(f"/v1/{name}" for name in OURS)):
            continue

        @settings(examples(40), suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case):
            # What is wrong with a query may vanish in its address: {"niche": {}} is sent as none.
            known = {parameter.name for parameter in case.operation.query}
            plain = case.body is NOT_SET and not known & sent_names(case)
            gone = [negative_data_rejection] if plain else []
            case.call_and_validate(
                headers={"Authorization": f"Bearer {token}"},
                excluded_checks=[positive_data_acceptance, *gone],
            )

        with contextlib.suppress(Unsatisfiable):
            holds()
            tried.add(operation.path)
    assert len(tried) >= 5
