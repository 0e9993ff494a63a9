"""Acts of a desk on SQLite: by its pages, and by its worker."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import time
import traceback
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from argon2 import PasswordHasher
from safetensors.numpy import save
from sqlalchemy import Column, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from starlette.testclient import TestClient

from durhampulse.desk.imports import jobs
from durhampulse.desk.imports.intake import begin, clear_leftovers
from durhampulse.desk.imports.undoing import ask_to_undo
from durhampulse.desk.imports.uploaded import clear_orphans
from durhampulse.desk.imports.worker import Worker
from durhampulse.desk.models import catalogue as catalogues
from durhampulse.desk.models.catalogue import Catalogue, add_model
from durhampulse.desk.people import passwords, people
from durhampulse.desk.people.people import Principal
from durhampulse.desk.people.sessions import find_session, open_session
from durhampulse.desk.review import bulk
from durhampulse.desk.review.decisions import REASONS
from durhampulse.desk.server import fill_with_demo, open_desk
from durhampulse.desk.shortlist.selection import select_all
from durhampulse.desk.shortlist.view import View
from durhampulse.desk.store.chain import verify
from durhampulse.desk.store.database import Store, open_store
from durhampulse.desk.store.tables import Instant, metadata, person, upload
from durhampulse.desk.store.traces import remove_waiting_traces
from durhampulse.desk.web.access import COOKIE
from durhampulse.desk.web.app import create_desk
from durhampulse.desk.web.state import Desk
from durhampulse.exceptions import DurhamPulseError, InputError
from durhampulse.files.cage import Cage
from durhampulse.models.families import WeightedSum
from durhampulse.scoring.artifact import read_model
from durhampulse.scoring.scorer import load_model
from tests.models import edit, replace_file
from tests.nth.failing import disarm
from tests.nth.files import MODEL, answered_here
from tests.nth.walk import Act, End, say

PASSWORD = "a long enough password"
NAME = "Ann"
IDENTIFIER, NUMBER = "INF-1003", 3
SECONDS = 20.0
LATEST = "select version from model order by added_at desc limit 1"
ROWS = "Influencer_ID,Followers,Engagement_Rate,Growth_Rate,Niche,Video_Quality,Avg_Views_per_Post"
FILE = "\n".join([ROWS, *(f"INF-{n},5000,0.05,0.01,Tech,HD,2000" for n in range(1_400, 2_000))])
OUTCOMES = "Influencer_ID,Sponsorship_Status\nINF-1003,1\nINF-1004,0\nINF-1005,1\n"
DECISION = {"decision": "approve", "reason": REASONS[0], "request_name": "a" * 12, "seen": "0"}
IMPORT = 2
REFUSED = (OSError, MemoryError, SQLAlchemyError, DurhamPulseError)
"""What a page answers with words."""
VOLATILE = {"audit", "session", "attempt", "device", "link", "understood"}
"""Tables that say when and by which token, not what was done."""
Content = dict[str, list[tuple[object, ...]]]


def make_acts(apart: Path) -> dict[str, Callable[[], Act]]:
    """What makes each act of a desk, by name; the stores they begin from are made when needed."""
    _prepare_process()
    stages = _Stages(apart)
    return {
        "decide": lambda: _by_page(stages.demo, f"/creators/{NUMBER}/decide", DECISION),
        "upload": lambda: _by_page(stages.demo, "/imports", files={"file": ("new.csv", FILE)}),
        "check": lambda: _by_worker(
            stages.checking, {"upload", "staged", "refused"},
            again=_asked_again("checking", "new")),
        "apply": lambda: _by_worker(
            stages.applying, {"upload"},
            again=_asked_again("applying", "checked")),
        "undo": lambda: _by_worker(
            stages.undoing, {"upload", "act"},
            again=lambda store: ask_to_undo(store, IMPORT, NAME)),
        "bulk": lambda: _by_worker(
            stages.bulk, {"bulk", "act", "review", "creator", "claim"}),
        "activate": lambda: _by_worker(stages.two, {"run", "score"}, activates=True),
        "erase": lambda: _by_page(stages.demo, f"/creators/{NUMBER}/erase", {"confirm": IDENTIFIER}),
        "outcomes": lambda: _by_page(stages.demo, "/outcomes", {"on": "2026-01-31"},
                                     files={"file": ("won.csv", OUTCOMES)}),
        "record": lambda: _by_page(stages.outcomes, "/outcomes/files/1/record"),
        "sign-in": lambda: _by_page(stages.demo, "/sign-in", {"name": NAME, "password": PASSWORD}),
        "start": lambda: _starting(stages.demo),
    }  # fmt: skip


def _prepare_process() -> None:
    Cage.ask = answered_here
    passwords._hasher = lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    jobs.LEASE = timedelta(seconds=1)
    scorers: dict[tuple[tuple[str, bytes], ...], Any] = {}

    def read_once(folder: str | Path, **_: object) -> Any:
        content = tuple((p.name, p.read_bytes()) for p in sorted(Path(folder).glob("*")))
        if content not in scorers:
            scorers[content] = load_model(folder)
        return scorers[content]

    catalogues.load_model = read_once


class _Stages:
    """Folders of desks as they are at the beginning of acts."""

    def __init__(self, apart: Path) -> None:
        self._apart = apart

    @cached_property
    def demo(self) -> Path:
        """The demo, and Ann who is its admin."""
        folder = self._apart / "demo"
        folder.mkdir()
        store = _open(folder)
        fill_with_demo(store)
        with store.writing() as db:
            people.add_person(db, NAME, "admin", "test", PASSWORD)
        client = _client(_desk(store, folder))  # so that forks find routes and templates made
        for page in ("/shortlist", f"/creators/{NUMBER}"):
            assert client.get(page).status_code == 200
        store.close()
        return folder

    def _after(self, name: str, former: Path, act: Callable[[Store, Path], object]) -> Path:
        folder = self._apart / name
        copied(former, folder)
        store = _open(folder)
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
            path = folder / "desk.db.uploads" / "new.csv"
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
        return self._worked(self.checking, "applying", _asked_again("applying", "checked"))

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
            desk = _desk(store, folder)
            form = {"on": "2026-01-31", "csrf": _csrf(desk)}
            files = {"file": ("won.csv", OUTCOMES)}
            answer = _client(desk).post("/outcomes", data=form, files=files)
            assert answer.status_code == 303, answer.text

        return self._after("outcomes", self.demo, waiting)


_TOKEN: dict[str, str] = {}


def _desk(store: Store, folder: Path) -> Desk:
    """An open desk in which Ann is signed in."""
    catalogue = Catalogue(store)
    catalogue.current()
    desk = Desk(store=store, catalogue=catalogue, worker=Worker(store, catalogue),
                folder=folder / "desk.db.uploads")  # fmt: skip
    with store.writing() as db:
        number = db.scalar(select(person.c.id).where(person.c.name == NAME))
        _TOKEN["token"] = open_session(db, int(number or 0), desk.limits)
    return desk


def _client(desk: Desk) -> TestClient:
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


def _csrf(desk: Desk) -> str:
    with desk.store.reading() as db:
        session = find_session(db, _TOKEN["token"])
    assert session is not None
    return session.csrf


def _open(folder: Path) -> Store:
    return open_store(f"sqlite:///{folder / 'desk.db'}")


def copied(former: Path, folder: Path) -> None:
    """Copy a desk's folder; paths of uploads in its store follow."""
    shutil.copytree(former, folder, dirs_exist_ok=True)
    with contextlib.closing(sqlite3.connect(folder / "desk.db")) as db:
        for table in ("upload", "outcome_file"):
            db.execute(f"update {table} set path = replace(path, ?, ?)", (f"{former}", f"{folder}"))
        db.commit()


def content(store: Store) -> Content:
    """All that is stored, but for moments, places and what is made by chance."""
    with store.reading() as db:
        return {
            table.name: [
                tuple(map(repr, row))
                for row in db.execute(
                    select(*filter(_is_what_was_done, table.c)).order_by(*table.primary_key.columns)
                )
            ]
            for table in metadata.sorted_tables
            if table.name not in VOLATILE
        }


def _is_what_was_done(column: Column[Any]) -> bool:
    return not isinstance(column.type, Instant) and column.name != "path"


def differing(now: Content, then: Content, by_chance: set[tuple[str, int]]) -> set[str]:
    """Tables in which two contents differ, but for columns that differ by chance."""

    def plain(table: str, rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
        return [tuple(v for i, v in enumerate(row) if (table, i) not in by_chance) for row in rows]

    return {name for name in now if plain(name, now[name]) != plain(name, then[name])}


def chance(left: Content, right: Content) -> set[tuple[str, int]]:
    """Columns that two runs of the same act fill otherwise."""
    return {
        (name, i)
        for name in left
        for a, b in zip(left[name], right[name], strict=True)
        for i, (x, y) in enumerate(zip(a, b, strict=True))
        if x != y
    }


class _Check:
    """What is wrong with a desk after an act, seen by a process that opens it anew."""

    def __init__(self, stage: Path, steps: AbstractSet[str] = frozenset()) -> None:
        self.stage, self.steps = stage, steps
        self.before: Content = {}
        self.done: list[Content] = []
        self.by_chance: set[tuple[str, int]] = set()
        self.is_done = False
        self.ended = ""

    def prepare(self, folder: Path) -> None:
        copied(self.stage, folder)
        self.is_done = False
        if not self.before:
            store = _open(folder)
            self.before = content(store)
            store.close()

    def __call__(self, folder: Path, end: End) -> list[str]:
        if end.code:
            return [f"the process ended with {end.code}"]
        told = json.loads(end.output.splitlines()[-1])
        wrong = [f"{name} answered {told[name]}" for name, good in GOOD.items()
                 if name in told and told[name] not in good]  # fmt: skip
        if end.fault is not None and end.fault.name == "read" and told["done"]:
            wrong = [w for w in wrong if w != "reads answered 503"]  # it was that page's own
        if end.fault is not None and end.fault.name == "memory":  # the page, or the client's own
            sending = "response already started" in end.errors
            wrong = [
                w for w in wrong if w != "reads answered 503" and not (sending and " 500" in w)
            ]
        old = time.time() - 3600
        for path in (folder / "desk.db.uploads").glob("*"):
            os.utime(path, (old, old))
        store = _open(folder)
        try:
            return wrong + self._look(store, folder, told)
        finally:
            store.close()

    def _look(self, store: Store, folder: Path, told: Mapping[str, Any]) -> list[str]:
        wrong = []
        with store.reading() as db:
            if problem := verify(db).problem:
                wrong.append(f"the chain: {problem}")
            if (said := db.scalar(text("PRAGMA integrity_check"))) != "ok":
                wrong.append(f"integrity: {said}")
        clear_orphans(store, folder / "desk.db.uploads")
        clear_leftovers(store)
        remove_waiting_traces(store)
        now = content(store)
        if len(self.done) < 2:  # nothing has failed yet
            if not told["done"]:
                wrong.append("not done, though nothing failed")
            self.done.append(now)
            if len(self.done) == 2:
                self.by_chance = chance(*self.done)
            return wrong
        lacking = differing(now, self.done[0], self.by_chance)
        changed = differing(now, self.before, self.by_chance) - self.steps
        self.is_done = not lacking
        self.ended = "done" if told["done"] else "refused" if lacking else "done, told otherwise"
        if told["done"] and lacking:
            wrong.append(f"done, but not in {lacking}")
        elif lacking and changed:
            wrong.append(f"not done, but {changed} are changed")
        return wrong + self._files(store, folder)

    def _files(self, store: Store, folder: Path) -> list[str]:
        with store.reading() as db:
            waiting = upload.c.state.in_(("new", "checking", "checked", "applying"))
            known = {*db.scalars(select(upload.c.path).where(waiting))}
            known |= {*db.scalars(text("select path from outcome_file"))}
        there = {str(path) for path in (folder / "desk.db.uploads").glob("*")}
        missing = {path for path in known if path.startswith(str(folder))} - there
        return [f"{Path(path).name} is left over" for path in there - known] + [
            f"{Path(path).name} is gone" for path in missing
        ]


GOOD = {
    "status": (200, 303, 422, 503, 507),
    "reads": (200,),
    "reads after": (200,),
    "signs in after": (303,),
    "worker lives": (True,),
}
"""What may be answered to the act, while calls fail, and when none fails any more."""


def _reads(client: TestClient) -> int:
    try:
        return int(client.get("/shortlist").status_code)
    except MemoryError:  # the client's own, which is in this process
        return 503


def _told(desk: Desk, client: TestClient, **more: object) -> None:
    """Print what became of an act, and whether the desk goes on: now, and without faults."""
    reads = _reads(client)
    disarm()
    more |= {"reads": reads, "reads after": client.get("/shortlist").status_code}
    answer = client.post("/sign-in", data={"name": NAME, "password": PASSWORD})
    say(**more, **{"signs in after": answer.status_code})
    desk.store.engine.dispose()


def _ready(folder: Path) -> tuple[Desk, TestClient, str]:
    desk = _desk(_open(folder), folder)
    client = _client(desk)
    client.get("/shortlist")
    return desk, client, _csrf(desk)


def _by_page(
    stage: Path, path: str, form: Mapping[str, str] = MappingProxyType({}), files: Any = None
) -> Act:
    """An act by a form."""
    check = _Check(stage)

    def run(_folder: Path, state: tuple[Desk, TestClient, str]) -> int:
        desk, client, csrf = state
        if check.is_done:
            say(done=True)
            return 0
        answer = client.post(path, data={**form, "csrf": csrf}, files=files)
        _told(desk, client, status=answer.status_code, done=answer.status_code in (200, 303))
        return 0

    return Act(prepare=check.prepare, ready=_ready, run=run, check=check, again=True)


def _settled(desk: Desk) -> bool:
    with desk.store.reading() as db:
        waits = db.execute(text(
            "select 1 from upload where state in ('checking', 'applying', 'undoing') union all "
            "select 1 from bulk where state in ('waiting', 'working')"
        )).first()  # fmt: skip
    activation = desk.worker.activation
    return waits is None and (activation is None or not activation.under_way)


def _wait(desk: Desk, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(Exception):
            if _settled(desk):
                return True
        time.sleep(0.02)
    return False


def _asked_again(state: str, former: str) -> Callable[[Store], object]:
    """How an import is begun once more by its page, where it was given up."""

    def ask(store: Store) -> None:
        given_up = update(upload).where(upload.c.id == IMPORT, upload.c.state == former)
        values = {"state": state, "lease_until": None, "problem": None, "way_out": None}
        with store.writing() as db:
            db.execute(given_up.values(**values))

    return ask


def _by_worker(
    stage: Path,
    steps: AbstractSet[str],
    *,
    again: Callable[[Store], object] | None = None,
    activates: bool = False,
) -> Act:
    """An act of the worker's thread.

    Parameters
    ----------
    stage
        The desk that it begins with.
    steps
        Tables that it may have changed when it comes to no end.
    again
        How it is asked for once more, where it was given up.
    activates
        Whether it is the activation of the second model.
    """
    check = _Check(stage, steps)

    def ready(folder: Path) -> tuple[Desk, TestClient, str]:
        desk, client, csrf = _ready(folder)
        if again and not check.is_done:
            with contextlib.suppress(InputError):  # it goes on by itself
                again(desk.store)
        return desk, client, csrf

    def run(_folder: Path, state: tuple[Desk, TestClient, str]) -> int:
        desk, client, _ = state
        if check.is_done:
            say(done=True)
            return 0
        if activates:
            with contextlib.suppress(*REFUSED), desk.store.reading() as db:
                desk.worker.activate(str(db.scalar(text(LATEST))), NAME)
        desk.worker.start()
        _wait(desk, 2.0)
        reads = _reads(client)
        disarm()
        came_to_an_end = _wait(desk, SECONDS)
        lives = desk.worker._thread is not None and desk.worker._thread.is_alive()
        desk.worker.stop()
        began = not activates or desk.worker.activation is not None
        done = began and came_to_an_end and not _problem(desk)
        _told(desk, client, reads=reads, done=done, **{"worker lives": lives and came_to_an_end})
        return 0

    return Act(prepare=check.prepare, ready=ready, run=run, check=check,
               again=again is not None or activates)  # fmt: skip


def _problem(desk: Desk) -> str:
    activation = desk.worker.activation
    with desk.store.reading() as db:
        problems = [*db.scalars(text("select problem from upload where problem is not null"))]
        problems += [*db.scalars(text("select problem from bulk where problem is not null"))]
    return " ".join([*problems, activation.problem if activation else ""]).strip()


def _starting(stage: Path) -> Act:
    """A desk that is opened."""
    check = _Check(stage)

    def run(folder: Path, _: object) -> int:
        problem = ""
        try:
            desk = open_desk(f"sqlite:///{folder / 'desk.db'}")
            desk.store.close()
        except Exception as error:  # noqa: BLE001 - the command line says it
            problem = str(error)
        disarm()
        say(done=not problem, said=problem[:200])
        return 0

    return Act(prepare=check.prepare, run=run, check=check)
