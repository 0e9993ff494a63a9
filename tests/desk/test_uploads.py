"""Files sent to the desk: imports and outcomes, and what is refused before it is read."""

from __future__ import annotations

import asyncio
import time

import pytest
from sqlalchemy import select

from durhampulse.desk.store.tables import (
    creator,
)
from durhampulse.desk.web.access import COOKIE
from tests.desk.forms import fields_of


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
