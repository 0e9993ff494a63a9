"""What happens when the server or its database is killed at any instant, and under load."""

from __future__ import annotations

import contextlib
import itertools
import random
import secrets
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import func, select

from durhampulse.decision.bands import Thresholds
from durhampulse.desk.models.catalogue import Catalogue, save_thresholds
from durhampulse.desk.people import people
from durhampulse.desk.people.sessions import find_session
from durhampulse.desk.people.sign_in import SignIn
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.store.database import open_store
from durhampulse.desk.store.tables import claim, creator, outcome_file, review, staged, upload
from durhampulse.desk.web.access import COOKIE
from durhampulse.market.sampling import write_market
from tests.desk.conftest import PASSWORD, add_people, bring
from tests.desk.decisions import review_at_once
from tests.desk.forms import fields_of
from tests.desk.lists import HEADER
from tests.desk.running import running_desk, wait_for
from tests.desk.servers import find_tool, own_server

NEW = 2_000
KILLS = {"sqlite": 35, "postgresql": 15}


class Load:
    """Programs that review and people who import, until told to stop."""

    def __init__(self, store, folder):
        self.store, self.folder = store, folder
        with store.writing() as db:
            self.token = people.add_key(db, "load", "reviewer", "test")
            people.add_person(db, "Rita", "reviewer", "test", PASSWORD)
        self.session = SignIn().attempt(store, "Rita", PASSWORD, "test")
        with store.reading() as db:
            self.csrf = find_session(db, self.session).csrf
            self.names = db.scalars(select(creator.c.external_id).limit(200)).all()
        self.kept: set[str] = set()
        self.imports = itertools.count()

    @contextlib.contextmanager
    def on(self, address):
        """Put the load on a server."""
        stop = threading.Event()
        threads = [threading.Thread(target=self._until, args=(work, address, stop))
                   for work in (self._review, self._review, self._import)]  # fmt: skip
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _until(self, work, address, stop):
        with httpx2.Client(base_url=address, timeout=30) as client:
            while not stop.is_set():
                try:
                    work(client, stop)
                except httpx2.HTTPError:
                    time.sleep(0.05)

    def _review(self, client, _stop):
        request = secrets.token_hex(12)
        body = {"creator": random.choice(self.names), "decision": "tentative",
                "reason": REASONS[0], "reviewer": "Rita", "request": request}  # fmt: skip
        headers = {"authorization": f"Bearer {self.token}"}
        answer = client.post("/v1/reviews", json=body, headers=headers)
        if answer.status_code == 201:
            self.kept.add(request)
        else:
            assert answer.status_code == 503, answer.text

    def _import(self, client, stop):
        number = next(self.imports)
        rows = [f"new-{number}-{i},5000,0.05,0.01,Tech,HD,2000,Yes" for i in range(NEW)]
        client.cookies.set(COOKIE, self.session)
        form = {"csrf": self.csrf, "unlike": "true"}  # the list is unlike the training rows
        files = {"file": ("x.csv", "\n".join([f"{HEADER},Sponsorship_Status", *rows]))}
        where = client.post("/imports", data=form, files=files).headers.get("location")
        if where is None:
            return
        client.post(f"{where}/check", data=fields_of(client.get(where).text))
        while not stop.is_set() and f"{where}/confirm" not in client.get(where).text:
            time.sleep(0.05)
        client.post(f"{where}/confirm", data={**form, "outcomes": "true", "on": "2026-05-01"})
        time.sleep(0.1)

    def check(self):
        """Every acknowledged decision is there, once; every import whole or absent.

        A whole one has left the file of its outcomes.
        """
        kept = set(self.kept)
        with self.store.reading() as db:
            there = set(db.scalars(select(review.c.request)))
            fresh = db.scalars(
                select(creator.c.external_id).where(creator.c.external_id.startswith("new-"))
            ).all()
            done = set(db.scalars(select(upload.c.path).where(
                upload.c.state == "done", upload.c.by == "Rita")))  # fmt: skip
            files = set(db.scalars(select(outcome_file.c.path)))
        assert kept <= there
        assert done == files
        assert all(Path(path).exists() for path in files)
        sizes = Counter(name.split("-")[1] for name in fresh)
        assert set(sizes.values()) <= {NEW}
        return len(sizes)


@pytest.mark.slow
def test_kill_9_loses_no_acknowledged_write(filled, tmp_path):
    load, lot, url = Load(filled, tmp_path), random.Random(1), filled.engine.url
    address = url.render_as_string(hide_password=False)
    for _ in range(KILLS[url.get_backend_name()]):
        with killable(tmp_path, address) as (where, process), load.on(where):
            time.sleep(lot.uniform(0.1, 1.2))
            process.send_signal(signal.SIGKILL)
            process.wait()
        load.check()
    with killable(tmp_path, address) as (where, _):  # it goes on, and finishes what was begun
        whole, kept = load.check(), len(load.kept)
        with load.on(where):
            wait_for(lambda: load.check() > whole + 1 and len(load.kept) > kept + 20, 180)
        wait_for(lambda: not waiting(filled), 180)
    load.check()
    assert kept > 20  # there was something to lose


def waiting(store):
    with store.reading() as db:
        open_ = upload.c.state.in_(("checking", "applying"))
        return db.scalar(select(func.count()).where(open_))


@contextlib.contextmanager
def killable(folder, address):
    """Serve a desk that may be killed."""
    with running_desk(folder, "--store", address) as (where, _, process):
        yield where, process


@pytest.mark.slow
def test_database_restart_loses_no_acknowledged_write(tmp_path):
    tool = find_tool()
    if tool is None:
        pytest.skip("no PostgreSQL to restart")
    with own_server(tool) as (url, restart):
        store = open_store(url)
        from durhampulse.desk.server import fill_with_demo

        fill_with_demo(store)
        load = Load(store, tmp_path)
        with killable(tmp_path, url) as (where, _), load.on(where):
            for _ in range(5):
                time.sleep(2)
                restart()
                store.engine.dispose()
                before = len(load.kept)
                wait_for(lambda before=before: len(load.kept) > before)  # it goes on by itself
        load.check()
        store.close()


@pytest.mark.slow
def test_10000_concurrent_decisions_are_recorded_once(filled, tmp_path):
    """None lost, none doubled, and no creator before two."""
    path = tmp_path / "many.parquet"
    write_market(path, 90_000, seed=9)
    catalogue = Catalogue(filled)
    row = bring(filled, catalogue, path)
    assert row.state == "done"
    save_thresholds(filled, Thresholds(0.9, 0.05), "ann", catalogue.current())  # a long queue
    rules = catalogue.current()
    reviewers = add_people(filled, *["reviewer"] * 20)
    kept = review_at_once(filled, rules, reviewers, 500)
    assert len(kept) == 10_000
    assert len({number for _, number, _, _ in kept}) == 10_000
    with filled.reading() as db:
        there = dict(db.execute(select(review.c.request, review.c.creator_id)).all())
        assert db.scalar(select(func.count()).select_from(claim)) == 0
        decided = db.scalar(select(func.count()).where(creator.c.state != "open"))
    assert there == {decision.request: number for _, number, _, decision in kept}
    assert decided == 10_000


@pytest.mark.slow
def test_readers_see_the_old_list_or_the_new_one(filled, tmp_path):
    """Who reads while a list is put in place sees the old list or the new one."""
    path = tmp_path / "many.parquet"
    write_market(path, 60_000, seed=9)
    catalogue, seen, stop = Catalogue(filled), set(), threading.Event()

    def look():
        while not stop.is_set():
            with filled.reading() as db:
                seen.add(db.scalar(select(func.count()).select_from(creator)))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        row = bring(filled, catalogue, path)
    finally:
        stop.set()
        thread.join()
    assert seen == {597, 597 + row.summary["creators"]}
    with filled.reading() as db:
        assert db.scalar(select(func.count()).select_from(staged)) == 0
