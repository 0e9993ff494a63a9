"""A body above the limit of its route is refused unread, with the limit and the way out."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from durhampulse.desk.web.access import COOKIE

FORM = "application/x-www-form-urlencoded"
UPLOAD = "multipart/form-data; boundary=x"


def send(app, path, kind, *, cookie="", length=None, chunk=b"a" * (1 << 16)):
    """Send a body without end; return status, headers and text of the answer, and bytes taken."""
    taken, messages = 0, []

    async def receive():
        nonlocal taken
        taken += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def keep(message):
        messages.append(message)

    sent = {"host": "testserver", "content-type": kind, "cookie": cookie,
            "referer": "http://testserver/imports"}  # fmt: skip
    sent |= {} if length is None else {"content-length": str(length)}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "client": ("192.0.2.1", 5), "server": ("testserver", 80), "state": {},
        "headers": [(name.encode(), value.encode()) for name, value in sent.items() if value],
    }  # fmt: skip
    asyncio.run(asyncio.wait_for(app(scope, receive, keep), 20))
    start = messages[0]
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    text = b"".join(message.get("body", b"") for message in messages[1:]).decode()
    return start["status"], headers, text, taken


@pytest.mark.parametrize(
    ("path", "kind", "length", "limit"),
    [
        ("/imports", UPLOAD, (1 << 30) + 1, "1 GB"),
        ("/outcomes", UPLOAD, (64 << 20) + 1, "64 MB"),
        ("/lists", FORM, (8 << 20) + 1, "8 MB"),
        ("/sign-in", FORM, (1 << 18) + 1, "256 KB"),
    ],
)
def test_browser_gets_a_page_with_limit_and_way_out_and_nothing_is_read(
    app, visit, path, kind, length, limit
):
    cookie = f"{COOKIE}={visit('reviewer').cookies[COOKIE]}"
    status, headers, text, taken = send(app, path, kind, cookie=cookie, length=length)
    assert (status, taken) == (413, 0)
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in headers["content-security-policy"]
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", text)[1]
    assert heading == f"This is larger than the {limit} that are taken here."
    assert "<p>Send less, or send it in parts.</p>" in text
    assert '<a href="/imports" class="button main">Back</a>' in text


def test_form_that_does_not_say_its_size_is_read_no_further_than_its_limit(app, visit):
    visit()
    status, _, text, taken = send(app, "/sign-in", FORM)
    assert status == 413
    assert taken <= (1 << 18) + (1 << 16)
    assert "This is larger than the 256 KB that are taken here." in text


def test_program_gets_json(app, visit):
    visit()
    status, headers, text, taken = send(app, "/v1/score", "application/json", length=(8 << 20) + 1)
    assert headers["content-type"] == "application/json"
    assert (status, taken) == (413, 0)
    error = json.loads(text)["error"]
    assert (error["code"], error["way_out"]) == ("too-large", "Send less, or send it in parts.")
