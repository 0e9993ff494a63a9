"""The audit log as a chain: whatever is changed, inserted or deleted by SQL is found."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from durhampulse.cli import app as commands
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.store.audit import note, note_all
from durhampulse.desk.store.chain import read_head, verify
from durhampulse.desk.store.database import open_store
from durhampulse.desk.store.tables import audit, creator
from tests.desk.versions import differences, store_of_version

AT = datetime(2026, 3, 1, 12, 30, 15, 250, tzinfo=UTC)


@pytest.fixture
def log(store):
    """A store whose log has five entries."""
    for number in range(1, 6):
        with store.writing() as db:
            note(db, "ann", "approve", f"creator {number}", {"reason": "Fits", "share": 0.25})
    return store


def unguarded(store, *statements):
    """Run SQL as somebody does who may do anything in the database."""
    names = ("audit_no_update", "audit_no_delete", "audit_no_replace")
    off = [f"DROP TRIGGER {name}" for name in names]
    off = off if store.is_sqlite else ["ALTER TABLE audit DISABLE TRIGGER ALL"]
    with store.engine.begin() as db:
        for statement in [*off, *statements]:
            db.execute(text(statement))


def problem_of(store, head=""):
    with store.reading() as db:
        return verify(db, head).problem


def test_hash_of_an_entry_is_that_of_its_documented_json(store):
    """Worked out by hand: keys in order, no blanks, the time in UTC with microseconds."""
    with store.writing() as db:
        note(db, "änn", "approve", "creator 1", {"b": 0.1, "a": [1, "x"]})
    with store.reading() as db:
        row = db.execute(select(audit)).one()
        head = read_head(db)
    at = row.at.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
    line = (
        f'{{"act":"approve","at":"{at}","before":"{"0" * 64}","detail":{{"a":[1,"x"],"b":0.1}},'
        '"id":1,"subject":"creator 1","who":"\\u00e4nn"}'
    )
    assert row.hash == hashlib.sha256(line.encode()).hexdigest()
    assert (head.entry, head.hash) == (1, row.hash)


def test_whole_log_is_called_whole(log):
    with log.reading() as db:
        result = verify(db)
    assert (result.entries, result.head.entry, result.problem) == (5, 5, "")


FORGED = (
    "INSERT INTO audit (id, at, who, act, subject, detail, hash) VALUES"
    " (:id, '2020-01-01 00:00:00', 'eve', 'approve', 'creator 9', '{}', '')"
)


@pytest.mark.parametrize(
    ("statement", "entry"),
    [
        ("UPDATE audit SET who = 'eve' WHERE id = 3", 3),
        ("UPDATE audit SET detail = '{}' WHERE id = 5", 5),
        ("UPDATE audit SET at = '2020-01-01 00:00:00' WHERE id = 2", 2),
        ("UPDATE audit SET hash = '' WHERE id = 1", 1),
        ("DELETE FROM audit WHERE id = 3", 4),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("DELETE FROM audit WHERE id = 5", 5),
        ("DELETE FROM audit", 5),
        (FORGED.replace(":id", "0"), 0),
        (FORGED.replace(":id", "6"), 6),
    ],
)
def test_change_by_sql_is_found_and_named(log, statement, entry):
    unguarded(log, statement)
    problem = problem_of(log)
    assert f"ntry {entry} " in problem
    url = log.engine.url.render_as_string(hide_password=False)
    answer = CliRunner().invoke(commands, ["desk", "verify-audit", "--store", url])
    assert (answer.exit_code, problem in answer.output) == (1, True)


def test_log_that_was_rewritten_whole_contradicts_a_receipt_and_a_noted_head(filled):
    with filled.writing() as db:
        note(db, "ann", "approve", "creator 1", {"reason": "Fits"})
    receipt = erase(filled, "INF-1003", "ann")
    with filled.reading() as db:
        assert verify(db, receipt["head"]["hash"]).problem == ""
    rewritten = [
        "CREATE TABLE kept AS SELECT * FROM audit ORDER BY id",
        "DELETE FROM audit",
        'UPDATE setting SET value = \'{"entry": 0, "hash": "' + "0" * 64 + "\"}'"
        " WHERE name = 'audit_head'",
    ]
    unguarded(filled, *rewritten)
    with filled.reading() as db:
        kept = db.execute(text("SELECT who, act, subject FROM kept ORDER BY id")).all()
    with filled.writing() as db:
        for row in kept:  # with hashes that fit
            note(db, "eve", row.act, row.subject)
    assert "receipt 1" in problem_of(filled)
    unguarded_again = "DELETE FROM receipt"
    with filled.writing() as db:
        db.execute(text(unguarded_again))
    assert problem_of(filled) == ""
    assert "was rewritten" in problem_of(filled, receipt["head"]["hash"])


def test_sqlite_refuses_to_replace_an_entry(log):
    """REPLACE deletes without firing the trigger of a deletion."""
    if not log.is_sqlite:
        pytest.skip("PostgreSQL has no REPLACE")
    replace = text(
        "REPLACE INTO audit SELECT id, at, 'eve', act, subject, detail, hash FROM audit WHERE id = 1"
    )
    for statement in (replace, text(FORGED.replace(":id", "4"))):
        with pytest.raises(DBAPIError, match="only added to"), log.writing() as db:
            db.execute(statement)
    assert problem_of(log) == ""


def test_writers_at_once_write_one_chain(store):
    """Two processes' stores, eight threads, entries of one and of several acts."""
    other = open_store(store.engine.url.render_as_string(hide_password=False))

    def write(which):
        for number in range(12):
            with which.writing() as db:
                note_all(db, "ann", "act", {f"creator {number}": {}, "view 1": {"n": number}})

    threads = [threading.Thread(target=write, args=(which,)) for which in [store, other] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    with store.reading() as db:
        result = verify(db)
    assert (result.entries, result.head.entry, result.problem) == (192, 192, "")


def test_what_is_rolled_back_is_not_noted(log):
    def fail():
        with log.writing() as db:
            note(db, "ann", "approve", "creator 6")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with log.reading() as db:
        assert verify(db).entries == 5


def test_entries_of_an_older_store_are_chained_as_they_are(store_url):
    store = store_of_version("0016", store_url)
    rows = [{"id": number, "at": AT, "who": "ann", "act": "approve", "subject": f"creator {number}",
             "detail": json.dumps({"file": "x.csv", "share": 0.1})} for number in (1, 2, 5)]  # fmt: skip
    with store.engine.begin() as db:
        columns = "id, at, who, act, subject, detail"
        values = ", ".join(f":{name}" for name in columns.split(", "))
        db.execute(text(f"INSERT INTO audit ({columns}) VALUES ({values})"), rows)
    store.close()
    store = open_store(store_url)
    with store.writing() as db:
        note(db, "ann", "approve", "creator 9")
    with store.reading() as db:
        result = verify(db)
        assert db.scalars(select(audit.c.id).order_by(audit.c.id)).all() == [1, 2, 5, 6]
        assert differences(db) == []
    assert (result.entries, result.problem) == (4, "")
    with pytest.raises(DBAPIError, match="only added to"), store.writing() as db:
        db.execute(text("UPDATE audit SET who = 'eve'"))
    store.close()


def test_page_and_export_hold_the_head(visit, desk):
    ada = visit("admin")
    with desk.store.writing() as db:
        name = db.scalar(select(creator.c.external_id).where(creator.c.id == 5))
    page = ada.get("/audit").text
    with desk.store.reading() as db:
        head = read_head(db)
    assert head.hash in page
    lines = [json.loads(line) for line in ada.get("/audit/log.jsonl").text.splitlines()]
    assert (lines[-1]["id"], lines[-1]["hash"]) == (head.entry, head.hash)
    before = "0" * 64
    for line in lines:  # as anybody can check it
        kept = line.pop("hash")
        assert line["before"] == before
        plain = json.dumps(line, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(plain.encode()).hexdigest() == kept
        before = kept
    form = {"csrf": ada.csrf, "confirm": name}
    assert head.hash in ada.post("/creators/5/erase", data=form).text


def test_whole_log_is_said_at_the_command_line(log):
    url = log.engine.url.render_as_string(hide_password=False)
    answer = CliRunner().invoke(commands, ["desk", "verify-audit", "--store", url])
    assert answer.exit_code == 0
    assert "5 entries, whole" in answer.output


def test_entry_without_its_hash_is_found(log):
    """A program that inserts by SQL through the open triggers, with a later number."""
    row = {"id": 6, "at": AT, "who": "eve", "act": "approve", "subject": "x", "detail": {}}
    with log.writing() as db:
        db.execute(insert(audit).values(row))
    with log.writing() as db:
        note(db, "ann", "approve", "creator 7")  # the desk goes on, and the log stays broken
    assert "Entry 6 " in problem_of(log)
