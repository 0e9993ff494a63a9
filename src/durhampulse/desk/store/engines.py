"""The engine of a store: an address checked, and connections set up for either database."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError

from durhampulse.desk.store import sqlitefile
from durhampulse.exceptions import InputError
from durhampulse.files.databases import url_of

__all__ = ["make_engine"]

_log = logging.getLogger("durhampulse")
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # an acknowledged decision outlives a power cut
    "foreign_keys=ON",
    "busy_timeout=60000",  # while a large import is put in place
    "cache_size=-131072",
    "temp_store=MEMORY",
    "secure_delete=ON",  # who is erased does not stay in free pages of the file
    f"journal_size_limit={2**24}",  # so that the length of a log tells what is in it
)
_PAGE_COST = 1.1  # PostgreSQL's 4 is that of turning disks: it would leave covering indexes alone
_UNREADABLE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""What SQLite says of a page that it could not read just then, as of one that is damaged."""


def make_engine(url: str, *, create: bool) -> Engine:
    """Return the engine of a store's address; a SQLite file is made if there is none.

    Parameters
    ----------
    url, create
        As of :func:`~durhampulse.desk.store.database.open_store`.

    Raises
    ------
    InputError
        If the address is that of no store, or there is no driver for it.
    """
    try:
        address = _address(url)
        if address.get_backend_name() == "sqlite":
            path = Path(str(address.database))
            if not create:
                sqlitefile.require_file(path)
            sqlitefile.make_file(path)
        engine = create_engine(
            address, pool_size=10, max_overflow=40, pool_pre_ping=True,
            pool_use_lifo=True,  # whose cache of pages is the latest
            hide_parameters=True,  # keeps personal data out of logs
        )  # fmt: skip
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise InputError(
            f"The store's address cannot be used ({error}).", "Write sqlite:///durhampulse.db."
        ) from error
    set_up = _set_up_sqlite if engine.dialect.name == "sqlite" else _set_up_postgresql
    set_up(engine)
    return engine


def _address(url: str) -> URL:
    """Return the URL of a store, which is of one of two kinds and names a file where it is one."""
    address = url_of(url)
    if address.get_backend_name() not in ("sqlite", "postgresql"):
        raise InputError(
            f"{address!r}: not a kind of store.", "Use sqlite:/// or postgresql+psycopg://."
        )
    if address.get_backend_name() == "sqlite" and not address.database:
        raise InputError(f"{url}: no file is named.", "Write sqlite:///durhampulse.db.")
    return address


class _Compiler(SQLiteCompiler):
    """A compiler that writes SQLite's hints (INDEXED BY), which SQLAlchemy leaves out."""

    def get_from_hint_text(self, _table: Any, text: str | None) -> str | None:
        return text


def _set_up_sqlite(engine: Engine) -> None:
    engine.dialect.statement_compiler = _Compiler

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below
        # SQLite's own knows the letters of English only.
        connection.create_function(
            "lower", 1, lambda text: text and text.lower(), deterministic=True
        )
        connection.execute("PRAGMA busy_timeout=0")
        _require_writable(connection)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        record.info["full"] = connection.execute("PRAGMA synchronous").fetchone()[0]

    @event.listens_for(engine, "handle_error")
    def failed(context: ExceptionContext) -> None:
        error, cause = context.sqlalchemy_exception, context.original_exception
        is_unreadable = getattr(cause, "sqlite_errorcode", 0) & 0xFF in _UNREADABLE
        if is_unreadable and isinstance(error, DatabaseError):
            _log.error("The store cannot be read: %s", cause)
            raise OperationalError(error.statement, error.params, cause, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # A transaction that will write takes the write lock at once: it waits rather than fails.
        options = connection.get_execution_options()
        if not options.get("writes"):
            connection.exec_driver_sql("BEGIN")
            return
        sqlitefile.tune(connection, durable=options["durable"], is_folded=options["is_folded"])
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _set_up_postgresql(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.execute(f"SET random_page_cost = {_PAGE_COST}")
        connection.execute("SET jit = off")  # compiling a page's query takes longer than the query
        connection.commit()


def _require_writable(connection: sqlite3.Connection) -> None:
    """Raise if SQLite has opened a file to read it only.

    It does so where a file could not be opened for writing just then, as where too many are open,
    and such a connection would stay in the pool. Who else writes does not matter here.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")  # which such a connection takes for a plain BEGIN
        connection.execute("PRAGMA application_id=0")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY:
            raise
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
