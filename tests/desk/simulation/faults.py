"""What goes wrong between a desk and its database, and between a browser and a desk."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass, fields

RATES = (0.0, 0.0, 0.003, 0.02)
LOST_RATES = (0.0, 0.02, 0.15)


@dataclass(frozen=True, kw_only=True)
class Faults:
    """How often each happens; of a seed's own, since some show only where others are rare.

    Attributes
    ----------
    statement, commit, begin
        A statement or a commit fails, or the write lock is not given in time.
    unanswered
        A commit is done and its answer is lost.
    request, answer
        A request, or its answer, is lost on the way.
    late, twice
        A request arrives late, or two times at once.
    kills
        How often a process is killed.
    """

    statement: float
    commit: float
    begin: float
    unanswered: float
    request: float
    answer: float
    late: float
    twice: float
    kills: int

    @classmethod
    def draw(cls, lot: random.Random):
        """Give the faults of a seed."""
        rates = {"statement": (0.0, 0.0, 0.002), "commit": (0.0, 0.003, 0.02, 0.05),
                 "begin": RATES, "unanswered": RATES}  # fmt: skip
        drawn = {f.name: lot.choice(rates.get(f.name, LOST_RATES)) for f in fields(cls)}
        return cls(**{**drawn, "kills": lot.choice((0, 0, 1, 3))})


def attach(simulation, process) -> None:
    """Have a process's statements and commits pass through a simulation."""
    dialect = process.store.engine.dialect
    for name in [name for name in vars(dialect) if name.startswith("do_")]:
        delattr(dialect, name)  # of the seed before
    execute, many, commit = dialect.do_execute, dialect.do_executemany, dialect.do_commit
    rollback, close, terminate = dialect.do_rollback, dialect.do_close, dialect.do_terminate

    def do_execute(cursor, statement, parameters, context=None):
        if statement.startswith("BEGIN IMMEDIATE"):
            simulation.begin(cursor.connection, lambda: execute(cursor, statement, parameters))
            return
        simulation.statement()
        execute(cursor, statement, parameters, context)

    def do_executemany(cursor, statement, parameters, context=None):
        simulation.statement()
        many(cursor, statement, parameters, context)

    def do_commit(connection):
        simulation.commit(plain(connection), lambda: commit(connection))

    def ending(do):
        def end(connection):
            do(connection)
            simulation.ended(plain(connection))

        return end

    dialect.do_execute, dialect.do_executemany = do_execute, do_executemany
    dialect.do_commit, dialect.do_rollback = do_commit, ending(rollback)
    dialect.do_close, dialect.do_terminate = ending(close), ending(terminate)


def plain(connection):
    """Give the driver's own connection."""
    return getattr(connection, "dbapi_connection", connection)


def failure(what: str) -> sqlite3.OperationalError:
    """Give the driver's error for a fault."""
    return sqlite3.OperationalError(what)
