"""A disk that is full or fails: one clear error, and what is stored stays readable."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import OperationalError

from durhampulse.desk.imports.uploaded import clear_orphans
from durhampulse.desk.people import people
from durhampulse.desk.server import open_desk
from durhampulse.desk.store.database import AWAY, open_store
from durhampulse.desk.store.space import shortage_of
from durhampulse.desk.store.tables import staged, upload
from tests.commands import run
from tests.desk.conftest import PASSWORD
from tests.desk.lists import HEADER

ROWS = "\n".join([HEADER, *(f"new-{i},5000,0.05,0.01,Tech,HD,2000" for i in range(3_000))])


@pytest.fixture
def free(monkeypatch):
    """Give a disk so many free bytes."""

    def _free(n):
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=n))

    return _free


def raise_error(error):
    raise error


def files_in(folder):
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def an_hour_old(path):
    path.parent.mkdir(exist_ok=True)
    path.touch()
    os.utime(path, (time.time() - 3600,) * 2)
    return path


def send(who, content=ROWS):
    return who.post("/imports", data={"csrf": who.csrf}, files={"file": ("x.csv", content)})


def test_upload_that_would_use_the_reserve_is_refused(visit, desk, free):
    free(64 * 2**20 + 1000)  # what is kept free, and a little
    answer = send(visit("reviewer"))
    assert answer.status_code == 422
    assert "64 MB are kept free" in answer.text
    assert files_in(desk.folder) == []
    free(64 * 2**20 + 1_000_000)
    assert send(visit("reviewer")).status_code == 303


@pytest.mark.parametrize("where", ["/imports", "/outcomes"])
def test_upload_that_fails_on_its_way_leaves_no_file(visit, desk, monkeypatch, where):
    def fail(_source, target, *_):
        target.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", fail)
    who = visit("reviewer")
    form = {"csrf": who.csrf, "on": "2026-01-31"}
    answer = who.post(where, data=form, files={"file": ("x.csv", ROWS)})
    assert answer.status_code == 422
    assert "no room" in answer.text
    assert files_in(desk.folder) == []
    with desk.store.reading() as db:
        assert db.scalar(select(func.count()).select_from(upload)) == 1  # the demo's


def fill_up(store, pages=0):
    """Let SQLite grow no more: it raises SQLITE_FULL, as on a full disk."""
    if not store.is_sqlite:
        pytest.skip("a full disk of PostgreSQL's server cannot be made here")

    @event.listens_for(store.engine, "checkout")
    def limit(connection, *_):
        (used,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={used + pages}")

    return lambda: event.remove(store.engine, "checkout", limit)


def test_check_that_fills_the_disk_ends_with_words_and_can_be_dropped(visit, desk):
    who = visit("reviewer")
    where = send(who).headers["location"]
    with desk.store.writing() as db:
        db.execute(upload.update().where(upload.c.id == 2).values(state="checking"))
    make_room = fill_up(desk.store)
    while desk.worker.work():
        pass
    with desk.store.reading() as db:
        row = db.execute(select(upload).where(upload.c.id == 2)).one()
        left = db.scalar(select(func.count()).select_from(staged))
    assert (row.state, row.problem) == ("new", "The disk is full, or cannot be written.")
    assert left == 0
    assert "The disk is full" in who.get(where).text
    assert visit("viewer").get("/shortlist").status_code == 200  # who has just signed in
    assert who.post(f"{where}/drop", data={"csrf": who.csrf}).status_code == 303
    assert files_in(desk.folder) == []
    make_room()
    assert send(who).status_code == 303


def test_full_disk_is_told_from_a_store_that_is_away(visit, desk):
    who = visit("reviewer")
    fill_up(desk.store)
    with pytest.raises(OperationalError) as full, desk.store.writing() as db:
        db.execute(text("CREATE TABLE x AS SELECT a.* FROM creator AS a, creator"))
    assert shortage_of(full.value)
    assert shortage_of(OSError(errno.EIO, "x"))
    assert not shortage_of(OSError(errno.ENOENT, "x"))
    assert not shortage_of(OperationalError("x", {}, Exception("database is locked")))
    with desk.store.reading() as db:
        assert db.scalar(select(func.count()).select_from(upload)) == 1
    assert who.get("/shortlist").status_code == 200


def test_page_says_that_the_disk_is_full(visit, desk, monkeypatch):
    who = visit("reviewer")

    def fail(*_args, **_more):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("durhampulse.desk.web.imports.back_to_columns", fail)
    answer = who.post("/imports/1/columns", data={"csrf": who.csrf})
    assert answer.status_code == 507
    assert "The disk is full" in answer.text
    assert "Tell whoever runs the desk" in answer.text


@pytest.mark.parametrize(("table", "words"), [("", "not a database"), ("upload", "malformed")])
def test_store_of_which_a_page_cannot_be_read_is_away(filled, table, words):
    """SQLite takes it for damaged, or for a file of another kind, and reads it again when it can."""
    if not filled.is_sqlite:
        pytest.skip("PostgreSQL says itself that it cannot read")
    root = text("select rootpage from sqlite_master where name = :table")
    with filled.reading() as db:
        page = db.scalar(root, {"table": table}) or 1
    filled.engine.dispose()
    path = Path(filled.engine.url.database)
    content = path.read_bytes()
    path.write_bytes(content[: 4096 * (page - 1)] + bytes(4096) + content[4096 * page :])
    with pytest.raises(AWAY, match=words), filled.reading() as db:
        db.scalars(select(upload.c.path)).all()
    filled.engine.dispose()  # a connection keeps the pages of a file that others write beside SQLite
    path.write_bytes(content)
    with filled.reading() as db:
        assert len(db.scalars(select(upload.c.path)).all()) == 1


def test_file_that_cannot_be_deleted_undoes_nothing(visit, desk, monkeypatch):
    """The act is done and says so; the file goes at a later start."""
    who = visit("reviewer")
    number = send(who).headers["location"].rpartition("/")[2]
    with monkeypatch.context() as failing:
        failing.setattr(
            Path, "unlink", lambda *_, **__: raise_error(OSError(errno.EIO, "I/O error"))
        )
        answer = who.post(f"/imports/{number}/drop", data={"csrf": who.csrf})
    assert answer.status_code == 303
    (name,) = files_in(desk.folder)
    an_hour_old(desk.folder / name)
    assert clear_orphans(desk.store, desk.folder) == 1


def test_orphan_that_cannot_be_deleted_stops_no_start(tmp_path, monkeypatch, caplog):
    orphan = an_hour_old(tmp_path / "uploads" / f"{0:024}.csv")
    with monkeypatch.context() as failing:
        failing.setattr(
            Path, "unlink", lambda *_, **__: raise_error(OSError(errno.EIO, "I/O error"))
        )
        desk = open_desk(f"sqlite:///{tmp_path / 'x.db'}", files_in=orphan.parent)
    assert "could not be deleted" in caplog.text
    assert orphan.exists()
    desk.worker.work()  # a desk that goes on looks again
    assert not orphan.exists()
    desk.store.close()


def test_command_says_that_a_store_cannot_be_read(tmp_path):
    path = tmp_path / "x.db"
    store = open_store(f"sqlite:///{path}")
    with store.reading() as db:
        page = db.scalar(text("select rootpage from sqlite_master where name = 'model'"))
    store.close()
    content = path.read_bytes()
    path.write_bytes(content[: 4096 * (page - 1)] + bytes(4096) + content[4096 * page :])
    done = run("desk", "--store", f"sqlite:///{path}")
    assert done.returncode == 2
    problem, way_out = done.stderr.splitlines()[-2:]
    assert problem == "durhampulse: The store does not answer: database disk image is malformed."
    assert "Check its disk" in way_out


def test_statistics_that_cannot_be_refreshed_fail_no_act(filled, caplog):
    """A model that has taken over is not said to have failed."""

    @event.listens_for(filled.engine, "before_cursor_execute")
    def executed(_connection, _cursor, statement, *_):
        if "ANALYZE" in statement:
            raise OperationalError(statement, {}, Exception("disk I/O error"))

    filled.tidy()
    assert "statistics were not refreshed" in caplog.text


def test_readyz_says_why_no_request_should_come(visit, desk, free, monkeypatch):
    client = visit()
    assert client.get("/readyz").status_code == 200
    free(1_000_000)
    answer = client.get("/readyz")
    assert (answer.status_code, "disk is full" in answer.text) == (503, True)
    free(10**9)

    def away(*_):
        raise OperationalError("x", {}, Exception("server closed the connection"))

    monkeypatch.setattr(type(desk.store), "reading", away)
    answer = client.get("/readyz")
    assert (answer.status_code, "does not answer" in answer.text) == (503, True)
    assert client.get("/healthz").status_code == 200


def test_store_and_uploads_are_their_owners_alone(tmp_path, visit, desk):
    store = open_store(f"sqlite:///{tmp_path / 'x.db'}")
    with store.writing() as db:
        people.add_person(db, "Ann", "admin", "test", PASSWORD)
        modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("x.db*")}
    store.close()
    assert modes == {0o600}
    send(visit("reviewer"))
    (path,) = desk.folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(desk.folder.stat().st_mode) == 0o700


def test_files_that_nobody_knows_go_at_the_start(visit, desk):
    send(visit("reviewer"))
    (kept,) = files_in(desk.folder)
    old, young, foreign = (
        desk.folder / name for name in (f"{0:024}.csv", f"{1:024}.csv", "notes.csv")
    )
    young.touch()
    for path in (old, foreign, desk.folder / kept):
        an_hour_old(path)
    assert clear_orphans(desk.store, desk.folder) == 1
    assert sorted(files_in(desk.folder)) == sorted([kept, young.name, foreign.name])
    assert clear_orphans(desk.store, Path("no/such/folder")) == 0
