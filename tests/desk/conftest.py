"""Real databases, and desks that stand on them."""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import secrets
import shutil
import time
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import pytest
from argon2 import PasswordHasher
from sqlalchemy import create_engine, make_url, text
from starlette.testclient import TestClient

from durhampulse.creators.options import ReadOptions
from durhampulse.decision.shapley import explain
from durhampulse.desk.imports import intake
from durhampulse.desk.imports.worker import Worker
from durhampulse.desk.models import catalogue as models
from durhampulse.desk.models import rules as rules_of_desk
from durhampulse.desk.models.catalogue import Catalogue, add_model
from durhampulse.desk.people import passwords, people
from durhampulse.desk.people.sessions import find_session
from durhampulse.desk.review import page, queue
from durhampulse.desk.server import fill_with_demo
from durhampulse.desk.store import clock, engines
from durhampulse.desk.store.database import open_store
from durhampulse.desk.store.tables import claim, creator, upload
from durhampulse.desk.web.access import COOKIE
from durhampulse.desk.web.app import create_desk
from durhampulse.desk.web.state import Desk
from durhampulse.scoring.account import account_of
from durhampulse.scoring.record import UNLIKE_BIT
from durhampulse.scoring.scorer import Scorer, load_model
from tests.desk.plans import looks_at_a_part_first, spring  # noqa: F401  fixtures
from tests.desk.running import PASSWORD, PATIENCE, SECRETS, running_desk
from tests.desk.servers import find_tool, own_server

DEMO = Path(str(files("durhampulse.desk").joinpath("demo")))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """The address of a real PostgreSQL."""
    if url := os.environ.get("DURHAMPULSE_TEST_POSTGRES"):
        yield url
        return
    # Sockets have short names, and the server's own user must reach them.
    folder = Path("/tmp", f"dp-{secrets.token_hex(4)}")
    folder.mkdir(mode=0o755)
    # pgserver writes its lock once more when Python ends; what is registered first runs after it.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "run").mkdir(mode=0o700)
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))  # pgserver's lock lies there
        try:
            import pgserver

            # Here and not at the end of Python, where a worker of xdist has ten seconds.
            stack.callback(shutil.rmtree, folder / "pg", ignore_errors=True)
            server = pgserver.get_server(folder / "pg", cleanup_mode="stop")
            stack.callback(server.cleanup)
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        except ImportError:
            tool = find_tool()
            if tool is None:
                pytest.skip("no PostgreSQL: neither pgserver nor Debian's nor an address")
            url, _ = stack.enter_context(own_server(tool))
            yield url


@pytest.fixture(scope="session", autouse=True)
def _disable_sqlite_fsync():
    """Let SQLite not wait for the disk in this process; desks that tests start still do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "_PRAGMAS", (*engines._PRAGMAS, "synchronous=OFF"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _hash_passwords_fast():
    """Hash in this process with Argon2's least effort; desks that tests start take the usual one."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", lambda: hasher)
        yield


def _leave_empty(_store):
    """Put nothing but the tables into a store."""


def _fill_with_model(store):
    add_model(store, DEMO / "model", "test")


def _fill_with_list(store):
    """Put the demo's model and list in, whose creators all count as having precedent."""
    fill_with_demo(store)
    with store.writing() as db:
        db.execute(creator.update().values(flags=creator.c.flags % UNLIKE_BIT))


class Databases:
    """Makes databases of one kind; those filled alike are copies of one."""

    def __init__(self, folder, server=None):
        self._folder, self._server, self._made = folder, server, []
        self._filled = {}
        if server is not None:  # nobody pulls the plug while tests run
            self._run("ALTER SYSTEM SET fsync = off")
            self._run("SELECT pg_reload_conf()")

    def make(self):
        """Give the address of a new database without tables."""
        return self._copy(None)

    def filled(self, fill):
        """Give the address of a new database with what a function fills a store with."""
        if fill not in self._filled:
            self._filled[fill] = self.make()
            store = open_store(self._filled[fill])
            fill(store)
            store.close()
        return self._copy(self._filled[fill])

    def _copy(self, url):
        name = f"t{secrets.token_hex(8)}"
        if self._server is None:
            path = self._folder / f"{name}.db"
            if url is not None:
                shutil.copy(url.removeprefix("sqlite:///"), path)
            return f"sqlite:///{path}"
        template = f" TEMPLATE {make_url(url).database}" if url else ""
        self._run(f"CREATE DATABASE {name}{template}")
        self._made.append(name)
        return make_url(self._server).set(database=name).render_as_string(hide_password=False)

    def drop(self):
        """Remove them all."""
        for name in self._made:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, statement):
        admin = create_engine(self._server, isolation_level="AUTOCOMMIT")
        with admin.connect() as db:
            db.execute(text(statement))
        admin.dispose()


_ON_BOTH_AT_ONCE = {"test_chain.py", "test_intake.py", "test_migrations.py", "test_reviewing.py",
                    "test_store.py"}  # fmt: skip
"""Where locks, constraints and migrations are tested: with either database in the quick tests."""

_PAGES = {"test_activation.py", "test_campaign_pages.py", "test_forms.py", "test_listing.py",
          "test_rest.py", "test_sign_in.py", "test_uploads.py", "test_web.py"}  # fmt: skip
"""Pages and routes, which ask the store alike whatever its database."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what asks PostgreSQL as it asked SQLite; pages ask the store alike, and are slow."""
    for item in items:
        if not item.name.partition("[")[2].startswith("postgres"):
            continue
        if item.path.name in _PAGES:
            item.add_marker(pytest.mark.slow)
        elif item.path.name not in _ON_BOTH_AT_ONCE:
            item.add_marker(pytest.mark.postgres)


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def databases(request, tmp_path_factory):
    """Give either kind of database."""
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    databases = Databases(tmp_path_factory.mktemp("databases"), server)
    yield databases
    if os.environ.get("DURHAMPULSE_TEST_POSTGRES"):  # a server of one's own goes as a whole
        databases.drop()


@pytest.fixture
def store_url(databases):
    """The address of an empty database."""
    return databases.make()


@pytest.fixture
def store(databases):
    """An open store without anything in it."""
    store = open_store(databases.filled(_leave_empty))
    yield store
    store.close()


@pytest.fixture
def filled(databases):
    """A store with the demo's model and its 597 creators, who all count as having precedent."""
    store = open_store(databases.filled(_fill_with_list))
    yield store
    store.close()


@pytest.fixture(autouse=True)
def models_read_once(monkeypatch):
    """Have the desk read each model once a run: trying one out takes a third of a second."""
    monkeypatch.setattr(models, "load_model", _read_once)


@pytest.fixture(autouse=True)
def creators_explained_once(monkeypatch):
    """Have the desk explain each creator once a run: 50 of a list take a quarter of a second."""
    monkeypatch.setattr(rules_of_desk, "explain", _once(explain))
    monkeypatch.setattr(page, "account_of", _once(account_of))


@pytest.fixture(autouse=True)
def lots_of_the_test(request, monkeypatch):
    """Have the queue draw by the test's name: the same creators in every run."""
    lots = random.Random(request.node.nodeid)
    monkeypatch.setattr(queue, "random", SimpleNamespace(Random=lambda: lots))


_ANSWERS: dict[tuple, tuple] = {}


def _once(function):
    """Give a function of a model and creators that keeps its answers."""

    def answer(model, creators, *more):
        parts = (model, *more)
        key = (function, *map(id, parts), repr(creators.to_dict("split")))
        if key not in _ANSWERS:
            _ANSWERS[key] = function(model, creators, *more), parts  # which so keep their numbers
        return _ANSWERS[key][0]

    return answer


_SCORERS: dict[tuple, Scorer] = {}


def _read_once(folder, **_):
    content = tuple((path.name, path.read_bytes()) for path in sorted(Path(folder).glob("*")))
    if content not in _SCORERS:
        _SCORERS[content] = load_model(folder)
    return _SCORERS[content]


@pytest.fixture
def catalogue(filled):
    return Catalogue(filled)


@pytest.fixture
def rules(catalogue):
    return catalogue.current()


def broken(*_given):
    """Fail as a fault of the program does."""
    raise ValueError("worn out")


def add_people(store, *roles):
    """Add somebody for each role; give their numbers."""
    with store.writing() as db:
        return [
            people.add_person(db, f"{role} {secrets.token_hex(3)}", role, "test") for role in roles
        ]


def judge_unseen(store, number, person_id):
    """Let somebody hold a creator of the lottery, whom they judge without what others know."""
    with store.writing() as db:
        db.execute(creator.update().where(creator.c.id == number).values(lottery=0.5))
        until = clock.now() + timedelta(minutes=9)
        db.execute(claim.insert().values(creator_id=number, person_id=person_id, why="maybe",
                                         expires_at=until))  # fmt: skip


def bring(store, catalogue, path, *, name=None, confirm=True, **understood):
    """Import a file as the pages do; give the upload's row."""
    path = Path(path)
    with store.writing() as db:
        options = ReadOptions(**understood)
        number = intake.begin(
            db, path, name or path.name, "test", state="checking", options=options
        )
    row = _worked_on(store, catalogue, number)
    if confirm:
        with store.writing() as db:
            change = upload.update().where(upload.c.id == number, upload.c.state == "checked")
            assert db.execute(change.values(state="applying")).rowcount
        row = _worked_on(store, catalogue, number)
    return row


def _worked_on(store, catalogue, number):
    """Work on an upload, unless the desk's own worker does; give its row afterwards."""
    worker, end = Worker(store, catalogue), time.monotonic() + 180
    while True:
        busy = worker.work()
        with store.reading() as db:
            row = db.execute(upload.select().where(upload.c.id == number)).one()
        if row.state not in ("checking", "applying"):
            return row
        assert time.monotonic() < end
        if not busy:
            time.sleep(0.05)


@pytest.fixture
def bare(databases):
    """A store with the demo's model and no creator, and its catalogue."""
    store = open_store(databases.filled(_fill_with_model))
    yield store, Catalogue(store)
    store.close()


@pytest.fixture
def desk(filled, catalogue, tmp_path):
    return Desk(
        store=filled,
        catalogue=catalogue,
        worker=Worker(filled, catalogue),
        folder=tmp_path / "uploads",
    )


@pytest.fixture
def app(desk):
    return create_desk(desk)


@pytest.fixture
def visit(app, desk):
    """Give a browser's stand-in, signed in with a role or with none."""
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(TestClient(app, follow_redirects=False))

        def _visit(role=None):
            client = first if role is None else TestClient(app, follow_redirects=False)
            client.cookies.clear()
            client.csrf = ""
            if role:
                name = f"{role} {secrets.token_hex(3)}"
                with desk.store.writing() as db:
                    people.add_person(db, name, role, "test", PASSWORD)
                token = desk.sign_in.attempt(desk.store, name, PASSWORD, "test")
                client.cookies.set(COOKIE, token)
                client.who = name
                with desk.store.reading() as db:
                    client.csrf = find_session(db, token).csrf
            return client

        yield _visit


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]  # a GPU of software costs more than none
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A desk as a newcomer starts it."""
    with running_desk(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture(scope="module")
def signed_in(browser, demo):
    """The state of a browser that came by the demo's link."""
    address, link, _ = demo
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(address)
    assert page.url.startswith(address + "/sign-in")
    page.goto(link)
    page.get_by_role("button", name="Open the desk").click()
    page.wait_for_url("**/shortlist")
    state = context.storage_state()
    SECRETS.update(cookie["value"] for cookie in state["cookies"])
    context.close()
    return state
