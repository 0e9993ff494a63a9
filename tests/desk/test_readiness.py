"""What is done before a desk says that it is ready."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from durhampulse.desk.people.people import add_person
from durhampulse.desk.people.sessions import open_session
from durhampulse.desk.shortlist import reasons
from durhampulse.desk.web import listing, readiness, rendering
from durhampulse.desk.web.access import COOKIE
from tests.desk.conftest import broken


@pytest.fixture
def long_list(monkeypatch):
    """Let every list count as long."""
    monkeypatch.setattr(readiness, "has_few", lambda _db: False)


@pytest.fixture
def templates():
    """Templates of which none is compiled yet, in this test alone."""
    rendering._environment.cache_clear()
    yield rendering._environment()
    rendering._environment.cache_clear()


@pytest.mark.usefixtures("long_list")
def test_first_page_compiles_no_template_and_no_reason(desk, app, templates, monkeypatch):
    with desk.store.writing() as db:
        token = open_session(db, add_person(db, "Ann", "viewer", "test"), desk.limits)
    with TestClient(app, cookies={COOKIE: token}) as ann:
        monkeypatch.setattr(type(templates), "compile", broken)
        monkeypatch.setattr(reasons, "_compute", broken)
        page = ann.get("/shortlist")
        assert page.status_code == 200
        assert page.text.count('href="/creators/') >= 50
        with pytest.raises(ValueError, match="worn out"):
            ann.get("/shortlist?order=asc")  # of which nobody has read anything ahead


def test_no_page_is_made_ahead_for_a_short_list(app, monkeypatch):
    shown = []
    monkeypatch.setattr(listing, "show", lambda *given: shown.append(given))
    with TestClient(app):
        assert not shown


@pytest.mark.usefixtures("long_list")
@pytest.mark.parametrize(
    ("fault", "level"),
    [(ZeroDivisionError("worn out"), "ERROR"),
     (OperationalError("SELECT", {}, Exception("gone")), "WARNING")],
)  # fmt: skip
def test_desk_starts_where_no_page_can_be_made_ahead(app, monkeypatch, caplog, fault, level):
    def show(*_of):
        raise fault

    monkeypatch.setattr(listing, "show", show)
    with caplog.at_level(logging.INFO, "durhampulse"), TestClient(app) as client:
        assert client.get("/readyz").status_code == 200
    levels = [line.levelname for line in caplog.records if line.message.startswith("No page ")]
    assert levels == [level]
