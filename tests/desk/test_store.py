"""The store: what the database itself refuses and keeps, and how it is opened."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError

from durhampulse.desk.store import engines
from durhampulse.desk.store.audit import note
from durhampulse.desk.store.database import open_store
from durhampulse.desk.store.settings import read_setting, write_setting
from durhampulse.desk.store.tables import (
    attempt,
    audit,
)
from durhampulse.exceptions import InputError


def test_tidying_keeps_statistics_for_the_planner(filled):
    filled.tidy()
    statistics = "sqlite_stat1 WHERE tbl" if filled.is_sqlite else "pg_stats WHERE tablename"
    with filled.reading() as db:
        assert db.scalar(text(f"SELECT count(*) FROM {statistics} = 'creator'")) > 0


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://x", "not a kind of store"),
        ("nonsense", "cannot be used"),
        ("sqlite://", "no file"),
        ("sqlite:////no/such/folder/x.db", "unable to open"),
        ("postgresql+psycopg://x:secret@127.0.0.1:1/x", "127.0.0.1"),
    ],
)
def test_unusable_store_address_is_explained(url, words):
    with pytest.raises(InputError, match=words) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("change", [update(audit).values(who="me"), audit.delete()])
def test_audit_log_is_append_only(store, change):
    with store.writing() as db:
        note(db, "ann", "approve", "creator 1", {"reason": "Other"})
    with pytest.raises(DBAPIError, match="only added to"), store.writing() as db:
        db.execute(change)
    with store.reading() as db:
        assert db.scalars(select(audit.c.who)).all() == ["ann"]


def test_instants_are_stored_in_utc(store):
    east = datetime(2026, 1, 1, 5, tzinfo=timezone(timedelta(hours=5)))
    with store.writing() as db:
        db.execute(insert(attempt).values(who="x", at=east))
    with store.reading() as db:
        assert db.scalar(select(attempt.c.at)) == east


def test_commit_is_synced_to_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "_PRAGMAS", engines._PRAGMAS[:-1])  # as outside of tests
    store = open_store(f"sqlite:///{tmp_path / 'x.db'}")
    with store.reading() as db:
        assert db.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert db.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    store.close()


def test_covering_index_costs_postgresql_less_than_the_rows(store):
    if store.is_sqlite:
        pytest.skip("SQLite is told which index to use")
    with store.reading() as db:
        assert db.exec_driver_sql("SHOW random_page_cost").scalar() == "1.1"


def test_failed_transaction_is_rolled_back(store):
    def fail():
        with store.writing() as db:
            write_setting(db, "x", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.reading() as db:
        assert read_setting(db, "x") is None
