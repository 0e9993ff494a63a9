"""The store: opened by URL, brought up to date, and used in transactions."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import (
    Connection,
    Engine,
    func,
    inspect,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    TimeoutError,  # noqa: A004 - SQLAlchemy's own
)

from durhampulse.desk.store import sqlitefile
from durhampulse.desk.store.audit import PENDING
from durhampulse.desk.store.chain import append
from durhampulse.desk.store.engines import make_engine
from durhampulse.desk.store.tables import setting
from durhampulse.exceptions import InputError

__all__ = [
    "AWAY",
    "DEFAULT_STORE",
    "FOLLOWERS",
    "Store",
    "insert_or",
    "open_store",
]

_log = logging.getLogger("durhampulse")
AWAY = (InterfaceError, OperationalError, TimeoutError)
"""What is raised while the database restarts, or has no time: try again."""

FOLLOWERS = "followers"
"""Name of the option of a writing connection that lists what is called once it has committed."""

DEFAULT_STORE = "sqlite:///durhampulse.db"
_LONGEST_WAIT = 20.0
_ONE_AT_A_TIME = 7_126_451  # any number of our own, for the lock that migrations take


class Store:
    """An open database.

    Attributes
    ----------
    engine
        SQLAlchemy's.
    is_unscrubbed
        Whether the log of a SQLite file still holds rows that were erased.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_unscrubbed = False
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._marks: dict[str, Any] = {}
        kept = {"marks": self._marks, "firsts": {}}
        self._snapshots = engine.execution_options(**options, **kept)
        # SQLite's own lock polls with a growing sleep, so writers of this process queue here first.
        self._turn = threading.Lock() if self.is_sqlite else None
        self._queue: set[object] = set()
        self._long_works: set[object] = set()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a SQLite file."""
        return self.engine.dialect.name == "sqlite"

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection with one snapshot of the database, from its first query on."""
        with self._snapshots.begin() as db:
            yield db.execution_options(seen={})

    @contextlib.contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        """Open a connection in a transaction that is committed at the end, or rolled back.

        Parameters
        ----------
        durable
            Whether it outlives a power cut as soon as it is committed. What is committed without is
            on disk with the next that is: steps of long work need no more, since whatever was lost
            of them is done again.

        Raises
        ------
        sqlalchemy.exc.TimeoutError
            If others write for so long that whoever asked would be gone by then.
        """
        entries: list[dict[str, Any]] = []
        followers: list[Callable[[], object]] = []
        options = {"durable": durable, "is_folded": not self._long_works, PENDING: entries,
                   FOLLOWERS: followers, "marks": self._marks}  # fmt: skip
        engine = self.engine.execution_options(writes=True, **options)
        with self.writing_alone(), engine.begin() as db:
            if not (durable or self.is_sqlite):
                db.exec_driver_sql("SET LOCAL synchronous_commit TO off")
            yield db
            append(db, entries)
        for follow in followers:
            follow()

    @contextlib.contextmanager
    def writing_alone(self) -> Iterator[None]:
        """Keep the other writers of this process waiting, where the database has one at a time.

        Raises
        ------
        sqlalchemy.exc.TimeoutError
            As of `writing`.
        """
        if self._turn:
            self._wait_for(self._turn)
        try:
            yield
        finally:
            if self._turn:
                self._turn.release()

    def _wait_for(self, turn: threading.Lock) -> None:
        place = object()
        self._queue.add(place)
        try:
            if not turn.acquire(timeout=_LONGEST_WAIT):
                raise TimeoutError("Another change, such as a large import, is being put in place.")
        finally:
            self._queue.discard(place)

    @property
    def others_wait(self) -> bool:
        """Whether somebody of this process waits to write."""
        return bool(self._queue)

    @contextlib.contextmanager
    def long_work(self) -> Iterator[None]:
        """Fold SQLite's log in between the steps of long work, and at its end, in nobody's turn.

        A step changes thousands of pages, most of which the next steps change again: folded in at
        each commit, all would be written twice, and whoever commits would wait for that.
        """
        work = object()
        self._long_works.add(work)
        try:
            yield
        finally:
            self._long_works.discard(work)
            if self.is_sqlite:
                self._fold()

    def fold_long_log(self) -> None:
        """Fold SQLite's log into the file where it has become long; hardly anybody waits."""
        if self.is_sqlite and sqlitefile.is_long(self.engine):
            self._fold()

    def _fold(self) -> None:
        """Fold the log, and in a turn of its own the little that others have written meanwhile.

        Only once all of it is in the file does the next to write begin it anew. With somebody who
        writes between all steps it would else go on for as long as the work.
        """
        sqlitefile.fold(self.engine)
        with contextlib.suppress(TimeoutError), self.writing_alone():
            sqlitefile.fold(self.engine)

    def tidy(self) -> None:
        """Refresh the planner's statistics after large changes, which stand whatever happens."""
        try:
            self._analyze()
        except (*AWAY, MemoryError) as error:
            _log.warning("The store's statistics were not refreshed: %s", error.__cause__ or error)

    def _analyze(self) -> None:
        if self.is_sqlite:
            with self.writing() as db:
                db.exec_driver_sql("PRAGMA analysis_limit=1000")  # of each index; all takes seconds
                db.exec_driver_sql("ANALYZE")
            return
        with self.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as db:
            db.exec_driver_sql("VACUUM (ANALYZE)")

    def scrub(self) -> None:
        """Empty SQLite's log, which keeps erased rows, where nobody reads an older state of it.

        Where somebody does, or the disk fails, `is_unscrubbed` says so until a later call comes to
        its end.
        """
        if not self.is_sqlite:
            return
        self.is_unscrubbed = True
        try:
            self.is_unscrubbed = not sqlitefile.empty(self.engine)
        except (DBAPIError, sqlite3.Error) as error:
            _log.warning("The store's log could not be emptied: %s", error)

    def close(self) -> None:
        """Empty the log, so that nothing erased is left in it, and close all connections."""
        # The log of a full or read-only disk stays, and a store that never opened has none.
        with contextlib.suppress(DBAPIError, sqlite3.Error):
            if self.is_sqlite:
                sqlitefile.empty(self.engine)
        self.engine.dispose()


def open_store(url: str = DEFAULT_STORE, *, create: bool = True) -> Store:
    """Open a database and bring its tables up to date; a SQLite file is made if there is none.

    Parameters
    ----------
    url
        As SQLAlchemy writes it: ``sqlite:///file.db`` or ``postgresql+psycopg://host/name``. The
        password ``***`` stands for that of the environment, as in the address of a table.
    create
        Whether a SQLite file that is not there may be made.

    Raises
    ------
    InputError
        If it cannot be opened, or a newer version of DurhamPulse has changed it.
    """
    engine = make_engine(url, create=create)
    store = Store(engine)
    try:
        _migrate(store)
    except DBAPIError as error:
        store.close()
        shown = engine.url.render_as_string(hide_password=True)
        raise InputError(f"{shown}: {error.orig}", "Check the address and its rights.") from error
    except InputError:
        store.close()
        raise
    return store


def _settings() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@cache
def _newest_revision() -> str | None:
    return ScriptDirectory.from_config(_settings()).get_current_head()


def _migrate(store: Store) -> None:
    with store.reading() as db:
        revision = MigrationContext.configure(db).get_current_revision()
        if revision == _newest_revision():
            return
        if revision is None and inspect(db).has_table(setting.name):
            raise InputError(
                "The store has lost alembic_version, the table which says how old it is.",
                "Restore a backup that holds it, or name another store.",
            )
    config = _settings()
    with store.writing() as db:
        if not store.is_sqlite:
            db.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
        config.attributes["connection"] = db
        try:
            command.upgrade(config, "head")
        except CommandError as error:  # a revision that this version does not know
            raise InputError(
                "The store was changed by a newer version of DurhamPulse.", "Update DurhamPulse."
            ) from error


def insert_or(db: Connection, table: Any) -> Any:
    """Return an INSERT of the database's own dialect, with ``on_conflict_do_...``."""
    return (sqlite if db.dialect.name == "sqlite" else postgresql).insert(table)
