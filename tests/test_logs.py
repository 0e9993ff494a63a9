"""What is logged: a line for each request, with its number and nothing personal."""

from __future__ import annotations

import logging
import logging.config
import re
from datetime import datetime

import pytest
from starlette.testclient import TestClient

from durhampulse.service.app import create_app
from durhampulse.service.logs import TextLines, log_config
from tests.logs import log_lines


@pytest.fixture(scope="module")
def client(demo_model):
    with TestClient(create_app(demo_model), raise_server_exceptions=False) as client:
        yield client


def test_request_is_one_line_with_number_route_status_and_duration(client):
    with log_lines() as lines:
        answer = client.post(
            "/v1/score?name=Ann+Lee",
            json={"creators": [{"Influencer_ID": "Ann Lee"}]},
            headers={"x-request-id": "proxy-0001"},
        )
        client.get("/Ann-Lee")
        client.head("/v1/model")
    scored, missing, head = lines()
    assert answer.headers["x-request-id"] == "proxy-0001"
    assert scored["request"] == "proxy-0001"
    assert (scored["method"], scored["route"], scored["status"]) == ("POST", "/v1/score", 200)
    assert scored["ms"] > 0
    assert (scored["level"], scored["logger"]) == ("info", "durhampulse.requests")
    assert datetime.fromisoformat(scored["time"]).utcoffset().total_seconds() == 0
    assert (missing["route"], missing["status"]) == ("other", 404)
    assert (head["method"], head["route"]) == ("HEAD", "/v1/model")
    assert "Ann" not in str(lines())


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "ann lee@x", 'a"b\\c{d}e'])
def test_number_that_is_not_well_formed_is_replaced(given, client):
    number = client.get("/v1/model", headers={"x-request-id": given}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{16}", number)


def test_probes_are_not_logged_where_all_is_well(client):
    with log_lines() as lines:
        client.get("/healthz")
    assert lines() == []


def test_failure_gives_a_number_that_the_log_has(client, monkeypatch):
    monkeypatch.setattr("durhampulse.service.app._score", lambda *_: 1 / 0)
    with log_lines() as lines:
        answer = client.post("/v1/score", json={"creators": [{"Followers": 1}]})
    (line,) = lines()
    number = answer.headers["x-request-id"]
    assert answer.status_code == line["status"] == 500
    assert line["request"] == number
    assert answer.json()["error"] == {
        "code": "failed",
        "problem": "The service failed here; its log says why.",
        "way_out": f"Tell whoever runs it this number: {number}.",
    }


def test_line_of_an_error_holds_its_traceback_on_one_line():
    try:
        logging.config.dictConfig(log_config("json", "info"))
        with log_lines() as lines:
            try:
                1 / 0  # noqa: B018
            except ZeroDivisionError:
                logging.getLogger("durhampulse").exception("It failed.")
    finally:
        logging.getLogger("durhampulse").propagate = True
    (line,) = lines()
    assert line["message"] == "It failed."
    assert line["error"].endswith("ZeroDivisionError: division by zero")


def test_text_is_for_people():
    record = logging.LogRecord("durhampulse", logging.WARNING, "", 0, "Away: %s", ("db",), None)
    assert TextLines().format(record) == "WARNING: Away: db"
