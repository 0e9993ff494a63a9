"""The desk's REST routes as documented: keys, and bodies that say each thing once."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

import pytest
from sqlalchemy.exc import OperationalError

from durhampulse.desk.people import people
from durhampulse.desk.web.state import ActiveModel

METHODS = ("get", "post", "put", "patch", "delete")


def test_openapi_document_names_the_key_of_every_route(visit):
    document = visit().get("/openapi.json").json()
    routes = {
        (method, path): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in METHODS and path.startswith("/v1/")
    }
    assert len(routes) >= 25
    assert {name for name, operation in routes.items() if not operation.get("security")} == set()
    schemes = document["components"]["securitySchemes"]
    assert [scheme["scheme"] for scheme in schemes.values()] == ["bearer"]


@pytest.mark.parametrize("path", ["/v1/outcomes", "/v1/reviews", "/v1/campaigns"])
def test_key_given_twice_in_a_body_is_refused(visit, desk, path):
    client = visit()
    with desk.store.writing() as db:
        token = people.add_key(db, "crm", "reviewer", "test")
    answer = client.post(
        path,
        content='{"creator": "INF-1", "deal": true, "deal": false, "on": "2026-05-31"}',
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
    )
    assert answer.status_code == 422
    assert "'deal' is given twice in one object" in answer.json()["error"]["problem"]


@pytest.mark.parametrize(
    ("fault", "traced"),
    [(OperationalError("select", {}, Exception("away")), False), (KeyError("row"), True)],
)
def test_active_model_that_cannot_be_followed_is_logged_once(
    catalogue, monkeypatch, caplog, fault, traced
):
    active = ActiveModel(catalogue)
    first = active.current
    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "current", Mock(side_effect=fault))
        for _ in range(2):
            asyncio.run(active.refresh())
    (line,) = caplog.records
    assert "is not followed" in line.message
    assert bool(line.exc_info) is traced
    asyncio.run(active.refresh())
    assert active.current is first
    monkeypatch.setattr(catalogue, "current", Mock(side_effect=fault))
    asyncio.run(active.refresh())
    assert len(caplog.records) == 2
