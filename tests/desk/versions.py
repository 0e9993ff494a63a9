"""Stores as earlier versions of the code made them."""

from __future__ import annotations

import contextlib
import warnings
from unittest import mock

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from durhampulse.desk.store.database import open_store
from durhampulse.desk.store.tables import metadata

_OF_EXPRESSIONS = ("ix_creator_by_niche", "ix_creator_by_state")


def store_of_version(version, url):
    """Open an empty store with the tables of an earlier revision."""
    newest = command.upgrade
    with mock.patch.object(command, "upgrade", lambda config, _head: newest(config, version)):
        return open_store(url)


def differences(db):
    """Give what the database has otherwise than the code.

    SQLite's index of texts is no table, and its indexes of expressions are not compared: pages name
    them, and fail without.
    """
    options = {
        "include_name": lambda name, *_: not str(name).startswith("search_"),
        "include_object": lambda _object, name, *_: name not in _OF_EXPRESSIONS,
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*expression-based index")
        return compare_metadata(MigrationContext.configure(db, opts=options), metadata)


@contextlib.contextmanager
def older_store(version, url):
    """Make an empty store with the tables of an earlier revision; give a connection that writes."""
    store = store_of_version(version, url)
    with contextlib.closing(store), store.writing() as db:
        yield db


@contextlib.contextmanager
def newest_store(url):
    """Bring a store up to date, to the tables of the code; give a connection that writes."""
    store = open_store(url)
    with contextlib.closing(store), store.writing() as db:
        assert differences(db) == []
        yield db
