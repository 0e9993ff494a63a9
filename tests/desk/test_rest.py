"""The routes for programs: roles, identifiers in addresses, idempotent acts, strict bodies."""

from __future__ import annotations

import contextlib
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from requests import Request
from schemathesis import GenerationMode
from schemathesis.core import NOT_SET
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from sqlalchemy import select, update

from durhampulse.desk.people import people
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.store.search import refresh_search
from durhampulse.desk.store.tables import (
    api_key,
    audit,
    creator,
)
from tests.desk.routes import OURS
from tests.examples import examples


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
