"""Desks as they are before an act, and how a process opens one."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from argon2 import PasswordHasher
from safetensors.numpy import save
from sqlalchemy import select, update
from starlette.testclient import TestClient

from durhampulse.desk.imports.intake import begin
from durhampulse.desk.imports.undoing import ask_to_undo
from durhampulse.desk.imports.worker import Worker
from durhampulse.desk.models import catalogue as catalogues
from durhampulse.desk.models.catalogue import Catalogue, add_model
from durhampulse.desk.people import passwords, people
from durhampulse.desk.people.people import Principal
from durhampulse.desk.people.sessions import find_session, open_session
from durhampulse.desk.review import bulk
from durhampulse.desk.server import open_desk
from durhampulse.desk.shortlist.selection import select_all
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store import clock
from durhampulse.desk.store.database import Store, open_store
from durhampulse.desk.store.tables import person, upload
from durhampulse.desk.web.access import COOKIE
from durhampulse.desk.web.app import create_desk
from durhampulse.desk.web.state import Desk
from durhampulse.files.cage import Cage
from durhampulse.models.families import WeightedSum
from durhampulse.scoring.artifact import read_model
from durhampulse.scoring.scorer import load_model
from tests.models import edit, replace_file
from tests.nth.files import MODEL, answered_here

PASSWORD = "a long enough password"
NAME = "Ann"
IDENTIFIER, NUMBER = "INF-1003", 3
CREATORS = 100
SHORTLIST = f"/shortlist?search={IDENTIFIER}"
"""A page of one creator: each that it shows is explained, which takes longer than all else."""
ROWS = "Influencer_ID,Followers,Engagement_Rate,Growth_Rate,Niche,Video_Quality,Avg_Views_per_Post"
FILE = "\n".join([ROWS, *(f"INF-{n},5000,0.05,0.01,Tech,HD,2000" for n in range(1_080, 1_140))])
FILE_NAME = f"{0:024}.csv"
OUTCOMES = "Influencer_ID,Sponsorship_Status\nINF-1003,1\nINF-1004,0\nINF-1005,1\n"
IMPORT = 2
Running = tuple[Desk, TestClient, str]
"""A desk, Ann's browser and what her forms hold."""


class LaterClock:
    """The clock, put forward by minutes."""

    minutes = 0

    @classmethod
    def now(cls) -> datetime:
        """Return the moment it is by this clock, in UTC."""
        return datetime.now(UTC) + timedelta(minutes=cls.minutes)

    @classmethod
    def pass_a_minute(cls) -> None:
        """Let leases end, and what is done each minute be due; 20 minutes at most end no session."""
        cls.minutes = min(cls.minutes + 1, 20)


def prepare_process() -> None:
    """Read files here, hash passwords quickly, load a model once, and have a clock of its own."""
    Cage.ask = answered_here
    passwords._hasher = lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    clock.now = LaterClock.now
    scorers: dict[tuple[tuple[str, bytes], ...], Any] = {}

    def read_once(folder: str | Path, **_: object) -> Any:
        content = tuple((p.name, p.read_bytes()) for p in sorted(Path(folder).glob("*")))
        if content not in scorers:
            scorers[content] = load_model(folder)
        return scorers[content]

    catalogues.load_model = read_once


class Stages:
    """Folders of desks as they are at the beginning of acts."""

    def __init__(self, apart: Path) -> None:
        self._apart = apart

    @cached_property
    def demo(self) -> Path:
        """The demo's model and some of its creators, and Ann who is an admin."""
        folder = self._apart / "demo"
        folder.mkdir()
        desk = open_desk(f"sqlite:///{folder / 'desk.db'}", MODEL)
        store, worker = desk.store, desk.worker
        creators = MODEL.with_name("creators.csv").read_text("utf-8").splitlines()
        path = folder / "first.csv"
        path.write_text("\n".join(creators[: CREATORS + 1]), "utf-8")
        with store.writing() as db:
            people.add_person(db, NAME, "admin", "test", PASSWORD)
            number = begin(db, path, path.name, "demo", state="checking")
        worker.work()
        with store.writing() as db:
            db.execute(update(upload).where(upload.c.id == number).values(state="applying"))
        worker.work()
        store.close()
        return folder

    def _after(self, name: str, former: Path, act: Callable[[Store, Path], object]) -> Path:
        folder = self._apart / name
        copied(former, folder)
        store = opened(folder)
        act(store, folder)
        store.close()
        return folder

    @cached_property
    def two(self) -> Path:
        """A second model, whose log-odds are halved."""
        second = self._apart / "second"
        shutil.copytree(MODEL, second)
        whole = read_model(MODEL).model.weights
        parts = whole.members if isinstance(whole, WeightedSum) else (whole,)
        halved = WeightedSum(parts, np.full(len(parts), 0.5), np.zeros(1))
        replace_file(second, "weights.safetensors", save(halved.arrays()))
        edit(second, family=halved.family)
        return self._after("two", self.demo, lambda store, _: add_model(store, second, "test"))

    @cached_property
    def checking(self) -> Path:
        """A file that was sent."""

        def sent(store: Store, folder: Path) -> None:
            path = folder / "desk.db.uploads" / FILE_NAME
            path.parent.mkdir()
            path.write_text(FILE, encoding="utf-8")
            with store.writing() as db:
                begin(db, path, "new.csv", NAME, state="checking")

        return self._after("checking", self.demo, sent)

    def _worked(self, former: Path, state: str, ask: Callable[[Store], object]) -> Path:
        def work(store: Store, _folder: Path) -> None:
            Worker(store, Catalogue(store)).work()
            ask(store)

        return self._after(state, former, work)

    @cached_property
    def applying(self) -> Path:
        """The same file, checked and confirmed."""
        return self._worked(self.checking, "applying", asked_again("applying", "checked"))

    @cached_property
    def undoing(self) -> Path:
        """The same file, in place and to be undone."""
        ask = partial(ask_to_undo, upload_id=IMPORT, by=NAME)
        return self._worked(self.applying, "undoing", ask)

    @cached_property
    def bulk(self) -> Path:
        """A decision about all of a band, ordered."""

        def ordered(store: Store, _folder: Path) -> None:
            with store.reading() as db:
                number = db.scalar(select(person.c.id).where(person.c.name == NAME))
                selection = select_all(db, View(band=("no",)), Catalogue(store).current(db))
            order = {"decision": "decline", "reason": "Off brand", "note": ""}
            who = Principal(int(number or 0), NAME, "admin")
            bulk.begin(store, selection, "decide", order, "b" * 12, who)

        return self._after("bulk", self.demo, ordered)

    @cached_property
    def outcomes(self) -> Path:
        """A file of outcomes that waits."""

        def waiting(store: Store, folder: Path) -> None:
            desk = desk_of(store, folder)
            form = {"on": "2026-01-31", "csrf": csrf_of(desk)}
            files = {"file": ("won.csv", OUTCOMES)}
            answer = client_of(desk).post("/outcomes", data=form, files=files)
            assert answer.status_code == 303, answer.text

        return self._after("outcomes", self.demo, waiting)

    @cached_property
    def orphaned(self) -> Path:
        """An uploaded file that nobody knows, of an hour ago."""

        def left(_store: Store, folder: Path) -> None:
            path = folder / "desk.db.uploads" / f"{1:024}.csv"
            path.parent.mkdir()
            path.write_text(FILE, encoding="utf-8")
            an_hour_ago = time.time() - 3600
            os.utime(path, (an_hour_ago, an_hour_ago))

        return self._after("orphaned", self.demo, left)


def asked_again(state: str, former: str) -> Callable[[Store], object]:
    """How an import is begun once more by its page, where it was given up."""

    def ask(store: Store) -> None:
        given_up = update(upload).where(upload.c.id == IMPORT, upload.c.state == former)
        values = {"state": state, "lease_until": None, "problem": None, "way_out": None}
        with store.writing() as db:
            db.execute(given_up.values(**values))

    return ask


_TOKEN: dict[str, str] = {}


def desk_of(store: Store, folder: Path) -> Desk:
    """An open desk in which Ann is signed in."""
    catalogue = Catalogue(store)
    catalogue.current()
    uploads = folder / "desk.db.uploads"
    worker = Worker(store, catalogue, uploads)
    desk = Desk(store=store, catalogue=catalogue, worker=worker, folder=uploads)
    with store.writing() as db:
        number = db.scalar(select(person.c.id).where(person.c.name == NAME))
        _TOKEN["token"] = open_session(db, int(number or 0), desk.limits)
    return desk


def client_of(desk: Desk) -> TestClient:
    """Ann's browser."""
    app = create_desk(desk)

    async def logged(scope: Any, receive: Any, send: Any) -> None:
        try:
            await app(scope, receive, send)
        except Exception:
            traceback.print_exc()
            raise

    client = TestClient(logged, follow_redirects=False, raise_server_exceptions=False)
    client.cookies.set(COOKIE, _TOKEN["token"])
    return client


def csrf_of(desk: Desk) -> str:
    """What Ann's forms hold."""
    with desk.store.reading() as db:
        session = find_session(db, _TOKEN["token"])
    assert session is not None
    return session.csrf


def running(folder: Path) -> Running:
    """A desk that was started."""
    desk = desk_of(opened(folder), folder)
    return desk, client_of(desk), csrf_of(desk)


def opened(folder: Path) -> Store:
    """The store of a folder."""
    return open_store(f"sqlite:///{folder / 'desk.db'}")


def copied(former: Path, folder: Path) -> None:
    """Copy a desk's folder; paths of uploads in its store follow."""
    shutil.copytree(former, folder, dirs_exist_ok=True)
    with contextlib.closing(sqlite3.connect(folder / "desk.db")) as db:
        for table in ("upload", "outcome_file"):
            db.execute(f"update {table} set path = replace(path, ?, ?)", (f"{former}", f"{folder}"))
        db.commit()
