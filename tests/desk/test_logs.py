"""What the desk logs: pages by their routes, and jobs by the names of those who ordered them."""

from __future__ import annotations

import re
import time
from dataclasses import replace

from starlette.testclient import TestClient

from durhampulse.desk.web.app import create_desk
from durhampulse.desk.web.exposure import Exposure
from tests.desk.conftest import broken
from tests.desk.forms import fields_of
from tests.logs import log_lines

LIST = """\
Influencer_ID,Followers,Engagement_Rate,Growth_Rate,Niche,Video_Quality,Avg_Views_per_Post
Ann Lee,85000,0.041,0.021,Fashion,HD,31000
"""


def test_page_is_logged_once_by_its_route(visit):
    rita = visit("reviewer")
    with log_lines() as lines:
        answer = rita.get("/creators/3", params={"search": "INF-1003"})
        rita.post("/creators/3/outcome", data={"csrf": rita.csrf, "status": "perhaps"})
    shown, refused = [line for line in lines() if line["logger"] == "durhampulse.requests"]
    assert (shown["route"], shown["status"]) == ("/creators/{number}", 200)
    assert shown["request"] == answer.headers["x-request-id"]
    assert refused["status"] == 422  # the page that is asked for anew is a part of the answer
    assert not any(secret in str(lines()) for secret in ("INF-1003", rita.who, "perhaps"))


def test_refused_host_is_logged_too(desk):
    app = create_desk(replace(desk, exposure=Exposure.read("https://desk.example")))
    with log_lines() as lines, TestClient(app) as client:
        client.get("/shortlist", headers={"host": "evil.example"})
    assert [line["status"] for line in lines() if "status" in line] == [421]


def test_failed_page_says_the_number_that_the_log_has(app, visit, monkeypatch):
    ada = visit("admin")
    monkeypatch.setattr("durhampulse.desk.people.people.people", broken)
    client = TestClient(app, raise_server_exceptions=False, cookies=ada.cookies)
    with log_lines() as lines:
        answer = client.get("/people")
    (number,) = re.findall("this number: ([0-9a-f]{16})", answer.text)
    assert answer.headers["x-request-id"] == number
    assert [line["request"] for line in lines() if line.get("status") == 500] == [number]


def test_job_is_named_where_it_was_ordered_and_where_it_is_done(desk, visit):
    rita = visit("reviewer")
    sent = {"file": ("Ann Lee.csv", LIST.encode())}
    with log_lines() as lines:
        page = rita.post("/imports", data={"csrf": rita.csrf}, files=sent).headers["location"]
        shown = rita.get(page).text
        ordering = rita.post(f"{page}/check", data=fields_of(shown))
        number = page.rpartition("/")[2]
        about = jobs_until_done(lines, f"upload {number}")
    assert about[0]["message"] == f"Ordered: upload {number}."
    assert about[0]["request"] == ordering.headers["x-request-id"]
    assert "Ann Lee" not in str(lines())


def jobs_until_done(lines, job, seconds=180):
    """Give the lines about a job once the worker, which runs beside, has done it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        about = [line for line in lines() if line.get("job") == job]
        if about and about[-1]["message"].startswith("Done in "):
            return about
        time.sleep(0.05)
    raise TimeoutError(repr(lines()))
