"""What is sent is read once it is known who sends it, and that they may."""

from __future__ import annotations

import asyncio

import pytest

from durhampulse.desk.people import people
from durhampulse.desk.web.access import COOKIE
from durhampulse.desk.web.kept import LARGEST_FORM
from tests.desk.bodies import CHUNK, send_to, send_without_end
from tests.desk.routes import NEEDS, OURS, filled_in, routes

FORM = {"content_type": "application/x-www-form-urlencoded"}


def test_nothing_is_read_of_what_strangers_send(app, visit):
    visit()
    for path in [path for paths in NEEDS["POST"].values() for path in paths]:
        assert send_without_end(app, filled_in(path), **FORM) == (303, 0), path
        boundary = "multipart/form-data; boundary=x"
        assert send_without_end(app, filled_in(path), content_type=boundary) == (303, 0), path


@pytest.mark.parametrize("role", ["viewer", "reviewer"])
def test_nothing_is_read_of_what_a_role_may_not_send(app, visit, role):
    cookie = f"{COOKIE}={visit(role).cookies[COOKIE]}"
    above = ("reviewer", "admin") if role == "viewer" else ("admin",)
    for path in [path for needed in above for path in NEEDS["POST"][needed]]:
        assert send_without_end(app, filled_in(path), cookie=cookie, **FORM) == (403, 0), path


def test_nothing_is_read_of_what_programs_may_not_send(app, visit, desk):
    with desk.store.writing() as db:
        token = people.add_key(db, "looks", "viewer", "test")
    visit()
    ours = [
        (method, path)
        for method, path in routes(app)
        if method != "GET" and path.startswith("/v1/") and path.split("/")[2] in OURS
    ]
    assert len(ours) > 10
    for method, path in ours:
        json = {"content_type": "application/json", "method": method}
        assert send_without_end(app, filled_in(path), **json) == (401, 0), path
        key = {"authorization": f"Bearer {token}"}
        assert send_without_end(app, filled_in(path), **json, **key) == (403, 0), path


@pytest.mark.parametrize("path", ["/v1/score", "/v1/explain"])
def test_nothing_is_read_of_what_programs_without_a_key_send_to_be_scored(app, visit, path):
    visit()
    json = {"content_type": "application/json"}
    assert send_without_end(app, path, **json) == (401, 0)
    assert send_without_end(app, path, **json, authorization="Bearer dp_none") == (401, 0)


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/second", "/welcome/none"])
def test_little_is_read_before_somebody_signs_in(app, visit, path):
    visit()
    status, taken = send_without_end(app, path, **FORM)
    assert status == 413
    assert taken <= LARGEST_FORM + CHUNK


def test_a_form_that_arrives_slowly_is_not_kept_over_the_sign_in(visit, app, monkeypatch):
    """A stranger who says that a page of the desk sent it holds no connection by it."""
    monkeypatch.setattr("durhampulse.desk.web.kept._SECONDS", 0.05)
    visit()

    async def receive():
        await asyncio.sleep(60)

    sent = {**FORM, "sec_fetch_site": "same-origin", "content_length": "60000"}
    assert send_to(app, "/campaigns/3/choose", receive, **sent) == 303
