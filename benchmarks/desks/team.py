"""Reviewers at work at served desks, and whether the store holds what they were answered."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

import psycopg
from sqlalchemy import make_url
from tests.desk.forms import fields_of

from durhampulse.desk.people.people import Principal
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.web.access import COOKIE

__all__ = ["Record", "Reviewer", "compared", "seated", "started"]

_PATIENCE = 120.0  # seconds after the end in which what is under way must be answered
_REVIEWS = "SELECT request, creator_id, person_id, decision, id FROM review WHERE act_id IS NULL"
_NOTED = "SELECT count(*) FROM audit WHERE act IN ('approve', 'decline', 'tentative')"
_LATEST = "SELECT creator_id, decision FROM review WHERE undone_at IS NULL ORDER BY id"
_STATES = {"approve": "approved", "decline": "declined", "tentative": "tentative"}


@dataclass
class Record:
    """What all reviewers were answered.

    Attributes
    ----------
    kept
        Request name of each decision that was kept, to creator, person and choice.
    sent
        All request names.
    shown
        Creator to the reviewer who first was shown them.
    waits, pages
        Seconds until a decision was kept, and until the queue's page came.
    counts
        What else happened, in words.
    """

    kept: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    shown: dict[int, int] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(kw_only=True)
class Reviewer:
    """A person with a session, at one of the desks.

    Attributes
    ----------
    number
        The person's, as in the store.
    cookie, csrf
        The session's cookie, and the token that its forms carry.
    addresses
        Of the desks; the next is asked after each that gave no answer.
    record
        Where all that is answered is noted.
    at
        How many desks were gone through so far.
    connection
        To the present desk; None before the first request, and after one that failed.
    """

    number: int
    cookie: str
    csrf: str
    addresses: Sequence[str]
    record: Record
    at: int = 0
    connection: HTTPConnection | None = None

    def work(self, until: float, think: float) -> None:
        """Decide about one creator after the other until a moment."""
        lot = random.Random(self.number)
        while time.monotonic() < until:
            start = time.monotonic()
            page = self.ask(until, "/queue")
            self.record.pages.append(time.monotonic() - start)
            fields = fields_of(page, "review")
            if "creator" not in fields:
                self.record.counts["found the queue empty"] += 1
                return
            if self.record.shown.setdefault(int(fields["creator"]), self.number) != self.number:
                self.record.counts["shown what another holds"] += 1
            time.sleep(lot.uniform(0.5, 1.5) * think)
            self.decide(until, int(fields["creator"]), fields["request_name"], lot)

    def decide(self, until: float, creator: int, request: str, lot: random.Random) -> None:
        """Decide about a creator, and note in the record what became of it."""
        choice = lot.choice(["approve", "decline", "tentative"])
        form = {"csrf": self.csrf, "creator": creator, "request_name": request,
                "decision": choice, "reason": REASONS[0], "note": ""}  # fmt: skip
        self.record.sent.add(request)
        start = time.monotonic()
        if self.ask(until, "/queue/decide", form) == "kept":
            self.record.waits.append(time.monotonic() - start)
            self.record.kept[request] = (creator, self.number, choice)

    def ask(self, until: float, path: str, form: dict[str, Any] | None = None) -> str:
        """Return a page, or that a form was kept, however often it takes."""
        while time.monotonic() < until + _PATIENCE:
            try:
                status, page = self.send(path, form)
            except (OSError, HTTPException):
                self.connection, status, page = None, 0, ""
            if status == 303 and form:
                return "kept"
            if status == 200 and not form:
                return page
            if status not in (0, 503):
                self.record.counts[f"answered {status}"] += 1
                return ""
            self.record.counts["sent again"] += 1
            self.at, self.connection = self.at + 1, None
            time.sleep(0.2)
        raise TimeoutError(path)

    def send(self, path: str, form: dict[str, Any] | None) -> tuple[int, str]:
        """Return the status and text of an answer."""
        if self.connection is None:
            address = self.addresses[self.at % len(self.addresses)].removeprefix("http://")
            self.connection = HTTPConnection(address, timeout=60)
        headers = {"cookie": f"{COOKIE}={self.cookie}"}
        if form:
            headers["content-type"] = "application/x-www-form-urlencoded"
        body = urllib.parse.urlencode(form) if form else None
        self.connection.request("POST" if form else "GET", path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()


def seated(
    sessions: Iterable[tuple[str, Principal]], addresses: Sequence[str], record: Record
) -> list[Reviewer]:
    """Return the reviewers of some sessions, each at the next of the desks."""
    return [
        Reviewer(
            number=who.id, cookie=cookie, csrf=who.csrf, addresses=addresses, record=record, at=at
        )
        for at, (cookie, who) in enumerate(sessions)
    ]


def started(reviewers: Iterable[Reviewer], until: float, think: float) -> list[threading.Thread]:
    """Return the threads in which reviewers now decide, until a moment of the monotonic clock.

    Parameters
    ----------
    reviewers
        Whoever decides.
    until
        When the last begin.
    think
        Seconds before a decision, on average.
    """
    threads = [
        threading.Thread(target=reviewer.work, args=(until, think), daemon=True)
        for reviewer in reviewers
    ]
    for thread in threads:
        thread.start()
    return threads


def compared(url: str, record: Record) -> dict[str, int]:
    """Return how often the store is otherwise than was answered, read without the desk's code."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        db: Any = sqlite3.connect(str(address.database))
    else:
        db = psycopg.connect(host=str(address.query["host"]), user="postgres", dbname="postgres")
    with contextlib.closing(db):
        rows = {r: (c, p, d) for r, c, p, d, _ in db.execute(_REVIEWS).fetchall()}
        states = dict(db.execute("SELECT id, state FROM creator").fetchall())
        latest = dict(db.execute(_LATEST).fetchall())  # an act may have decided again
        (noted,) = db.execute(_NOTED).fetchone()
    creators = Counter(creator for creator, _, _ in rows.values())
    return {
        "answered and not there": len(record.kept.keys() - rows.keys()),
        "there otherwise than sent": sum(rows[r] != v for r, v in record.kept.items() if r in rows),
        "creators decided twice": sum(n > 1 for n in creators.values()),
        "there and never sent": len(rows.keys() - record.sent),
        "there and not answered": len(rows.keys() - record.kept.keys()),
        "states that are not the decision's": sum(
            states[creator] != _STATES[latest[creator]] for creator, _, _ in rows.values()
        ),
        "audit entries more or less than reviews": abs(noted - len(rows)),
    }
