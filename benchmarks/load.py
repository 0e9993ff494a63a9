"""Reviewers at work on one list while its database restarts: nothing lost, nothing doubled.

Each reviewer asks for the queue's page over HTTP, thinks, sends the decision under the name that
the page gave it, and sends it again, to another desk where there is one, until it is answered. The
store is then read by its own driver and compared with what was answered.

50 reviewers with PostgreSQL, which is restarted as after a crash every 5 minutes, then 20 with two
desks on one SQLite file, half an hour each. `python -m benchmarks.load --minutes 5` takes less.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sqlite3
import tempfile
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from sqlalchemy import make_url
from tests.desk.forms import fields_of
from tests.desk.servers import find_tool, own_server

from benchmarks.desk import served
from durhampulse.decision.bands import Thresholds
from durhampulse.desk.imports import intake
from durhampulse.desk.models.catalogue import save_thresholds
from durhampulse.desk.people.people import add_person
from durhampulse.desk.people.sessions import SessionLimits, find_session, open_session
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.server import open_desk
from durhampulse.desk.store.tables import upload
from durhampulse.desk.web.access import COOKIE
from durhampulse.desk.web.state import Desk
from durhampulse.market.sampling import write_market

PATIENCE = 120.0  # seconds after the end in which what is under way must be answered


@dataclass
class Record:
    """What all reviewers were answered."""

    kept: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    shown: dict[int, int] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(kw_only=True)
class Reviewer:
    """A person with a session, at one of the desks."""

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
        """Decide about a creator, and note what became of it."""
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
        while time.monotonic() < until + PATIENCE:
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


def main(options: Sequence[str] = ()) -> None:
    """Print what reviewers waited for while a store restarts, and what was lost."""
    asked = options_of(options)
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        market = folder / "market.parquet"
        write_market(market, asked.rows, seed=5)
        if "postgresql" in asked.stores and (tool := find_tool()) is not None:
            with own_server(tool) as (url, restart):
                run("PostgreSQL", url, market, asked, reviewers=50, desks=1, restart=restart)
        if "sqlite" in asked.stores:
            url = f"sqlite:///{folder / 'desk.db'}"
            run("SQLite", url, market, asked, reviewers=20, desks=2)


def options_of(options: Sequence[str]) -> argparse.Namespace:
    """Return the options of the command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--every", type=float, default=5, help="minutes between restarts")
    parser.add_argument("--think", type=float, default=1, help="seconds before a decision")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--stores", nargs="+", default=["postgresql", "sqlite"])
    return parser.parse_args(options)


def run(
    name: str, url: str, market: Path, asked: argparse.Namespace, *, reviewers: int, desks: int,
    restart: Any = None,
) -> None:  # fmt: skip
    """Print what reviewers at work for a while waited for, and what was lost."""
    tokens = fill(url, market, reviewers)
    record, load = Record(), os.getloadavg()[0]
    with contextlib.ExitStack() as stack:
        addresses = [stack.enter_context(served(market.parent, url))[0] for _ in range(desks)]
        until = time.monotonic() + 60 * asked.minutes
        threads = [
            threading.Thread(target=reviewer.work, args=(until, asked.think), daemon=True)
            for reviewer in people(tokens, addresses, record)
        ]
        for thread in threads:
            thread.start()
        restarts = 0
        while restart and time.monotonic() + 60 * asked.every < until:
            time.sleep(60 * asked.every)
            restart()
            restarts += 1
        for thread in threads:
            thread.join()
    print(
        f"{name}: {reviewers} reviewers, {desks} desk(s), {asked.minutes:g} minutes, "
        f"{restarts} restarts; {len(record.kept):,} decisions answered, "
        f"{spread(record.waits)}; {len(record.pages):,} pages, {spread(record.pages)}; load of "
        f"the machine {load:.1f} before, {os.getloadavg()[0]:.1f} after; {dict(record.counts)}"
    )
    for what, n in check(url, record).items():
        print(f"  {what}: {n}")


def spread(seconds: Sequence[float]) -> str:
    """Return the percentiles of some seconds, in words."""
    p50, p95, p99, most = 1_000 * np.quantile(seconds, [0.5, 0.95, 0.99, 1.0])
    return f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms, most {most:.0f} ms"


def put_in_place(desk: Desk, path: Path) -> None:
    """Import a list as a reviewer would who confirms it."""
    with desk.store.writing() as db:
        intake.begin(db, path, path.name, "benchmark", state="checking")
    desk.worker.work()
    with desk.store.writing() as db:
        waiting = upload.update().where(upload.c.state == "checked")
        db.execute(waiting.values(state="applying"))
    desk.worker.work()


def fill(url: str, market: Path, reviewers: int) -> list[tuple[int, str, str]]:
    """Import the list into a new store; return its reviewers with their sessions."""
    desk = open_desk(url, files_in=market.parent)
    path = market.with_name("list.parquet")
    path.write_bytes(market.read_bytes())
    put_in_place(desk, path)
    rules = desk.catalogue.current()
    save_thresholds(desk.store, Thresholds(0.9, 0.05), "benchmark", rules)  # a long queue
    limits, tokens = SessionLimits(hours=24), []
    with desk.store.writing() as db:
        for i in range(reviewers):
            number = add_person(db, f"Reviewer {i}", "reviewer", "benchmark")
            token = open_session(db, number, limits)
            session = find_session(db, token, limits)
            assert session is not None
            tokens.append((number, token, session.csrf))
    desk.store.close()
    return tokens


def people(
    tokens: Sequence[tuple[int, str, str]], addresses: Sequence[str], record: Record
) -> Iterator[Reviewer]:
    """Yield reviewers who are signed in."""
    for i, (number, token, csrf) in enumerate(tokens):
        yield Reviewer(
            number=number, cookie=token, csrf=csrf, addresses=addresses, record=record, at=i
        )


REVIEWS = "SELECT request, creator_id, person_id, decision, id FROM review WHERE act_id IS NULL"
NOTED = "SELECT count(*) FROM audit WHERE act IN ('approve', 'decline', 'tentative')"
LATEST = "SELECT creator_id, decision FROM review WHERE undone_at IS NULL ORDER BY id"
STATES = {"approve": "approved", "decline": "declined", "tentative": "tentative"}


def check(url: str, record: Record) -> dict[str, int]:
    """Compare what the store holds with what was answered, without any code of the desk."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        db: Any = sqlite3.connect(str(address.database))
    else:
        db = psycopg.connect(host=address.query["host"], user="postgres", dbname="postgres")
    with contextlib.closing(db):
        rows = {r: (c, p, d) for r, c, p, d, _ in db.execute(REVIEWS).fetchall()}
        states = dict(db.execute("SELECT id, state FROM creator").fetchall())
        latest = dict(db.execute(LATEST).fetchall())  # an act may have decided again
        (noted,) = db.execute(NOTED).fetchone()
    creators = Counter(creator for creator, _, _ in rows.values())
    return {
        "answered and not there": len(record.kept.keys() - rows.keys()),
        "there otherwise than sent": sum(rows[r] != v for r, v in record.kept.items() if r in rows),
        "creators decided twice": sum(n > 1 for n in creators.values()),
        "there and never sent": len(rows.keys() - record.sent),
        "there and not answered": len(rows.keys() - record.kept.keys()),
        "states that are not the decision's": sum(
            states[creator] != STATES[latest[creator]] for creator, _, _ in rows.values()
        ),
        "audit entries more or less than reviews": abs(noted - len(rows)),
    }


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
