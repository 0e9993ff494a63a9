"""Requests whose client goes away: what they asked for is whole or not there."""

from __future__ import annotations

import asyncio
import urllib.parse

import pytest
from sqlalchemy import func, select

from durhampulse.desk.people.people import add_person
from durhampulse.desk.people.sessions import SessionLimits, find_session, open_session
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.store.chain import verify
from durhampulse.desk.store.tables import audit, creator, review
from durhampulse.desk.web.access import COOKIE

MOMENTS = [0.0, 0.0005, *(0.001 * i for i in range(1, 19))]


@pytest.fixture
def session(desk):
    with desk.store.writing() as db:
        number = add_person(db, "Rita", "reviewer", "test")
        token = open_session(db, number, SessionLimits())
        return token, find_session(db, token).csrf


def scope_of(session, body):
    headers = {"host": "testserver", "cookie": f"{COOKIE}={session[0]}",
               "content-type": "application/x-www-form-urlencoded",
               "content-length": str(len(body))}  # fmt: skip
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": "/queue/decide", "raw_path": b"/queue/decide", "root_path": "",
        "query_string": b"", "client": ("127.0.0.1", 1), "server": ("testserver", 80), "state": {},
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip


async def ask(app, session, number, *, leave_after=None):
    """Send a decision; go away after some seconds, as a browser that is closed does."""
    form = {"csrf": session[1], "creator": number, "request_name": f"request {number:06d}",
            "decision": "approve", "reason": REASONS[0], "note": ""}  # fmt: skip
    body, status, sent = urllib.parse.urlencode(form).encode(), [], []
    gone = asyncio.Event()

    async def receive():
        if not sent:
            sent.append(True)
            return {"type": "http.request", "body": body, "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if gone.is_set():
            raise OSError("The client is gone.")
        status.append(message.get("status"))

    work = asyncio.ensure_future(app(scope_of(session, body), receive, send))
    if leave_after is not None:
        await asyncio.sleep(leave_after)
        gone.set()
        work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    return status[0] if status else None


async def ask_and_leave(app, session, numbers):
    for number, moment in zip(numbers, MOMENTS, strict=True):
        await ask(app, session, number, leave_after=moment)
    await asyncio.sleep(0.3)  # threads cannot be cancelled: let them come to their ends


def kept(store):
    """Give the creators decided by their reviews, by their states and by the audit log."""
    with store.reading() as db:
        assert verify(db).problem == ""
        noted = db.scalars(select(audit.c.subject).where(audit.c.act == "approve")).all()
        return (
            sorted(db.scalars(select(review.c.creator_id))),
            sorted(db.scalars(select(creator.c.id).where(creator.c.state == "approved"))),
            sorted(int(subject.removeprefix("creator ")) for subject in noted),
        )


def test_decision_whose_client_goes_away_is_whole_or_not_there(app, desk, session):
    numbers = range(1, len(MOMENTS) + 1)
    asyncio.run(ask_and_leave(app, session, numbers))
    reviews, states, noted = kept(desk.store)
    assert reviews == states == noted
    assert len(reviews) < len(MOMENTS)  # the first left before anything was done

    async def ask_again():
        return [await ask(app, session, number) for number in numbers]

    assert set(asyncio.run(ask_again())) == {303}  # under the same name: it decides once
    assert kept(desk.store) == ([*numbers],) * 3
    with desk.store.reading() as db:
        assert db.scalar(select(func.count()).select_from(review)) == len(MOMENTS)
