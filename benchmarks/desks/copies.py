"""A list in PostgreSQL grown by copies of an import, where importing all of it takes too long.

Each copy is a run of its own. Its creators have other identifiers, and so have their handles and
addresses; their lots are drawn anew, their figures and scores are the same. Indexes are built anew
at the end, so they are as compact as after a `REINDEX`. Each copy and each index is a transaction,
and what was broken off goes on where it ended.
"""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from durhampulse.desk.store.database import Store
from durhampulse.desk.store.niches import count_niches
from durhampulse.desk.store.tables import creator, run, score

__all__ = ["copy_import"]

_INDEXES = (*creator.indexes, *score.indexes)
_RUNS = "CREATE INDEX IF NOT EXISTS search_runs ON search USING gin (search_runs(text))"
_MEMORY = text("SET LOCAL maintenance_work_mem = '1GB'")


def copy_import(store: Store, first: int, upto: int, by: str) -> None:
    """Add copies of somebody's first import, whose identifiers count up from 0.

    Parameters
    ----------
    store
        Where.
    first, upto
        The first identifier of the copies, and where they end.
    by
        Whose.
    """
    mine = select(run.c.id, run.c.creators).where(run.c.by == by).order_by(run.c.id)
    with store.writing() as db:
        run_id, rows = db.execute(mine).tuples().first() or (0, 1)
        for index in _INDEXES if first < upto else ():
            index.drop(db, checkfirst=True)
        if first < upto:
            db.execute(text("DROP INDEX IF EXISTS search_runs"))
    for start in range(first, upto, rows):
        with store.writing(durable=False) as db:
            _copy(db, run_id, start, min(rows, upto - start))
    for index in _INDEXES:
        with store.writing() as db:
            db.execute(_MEMORY)
            index.create(db, checkfirst=True)
    with store.writing() as db:
        db.execute(_MEMORY)
        db.execute(text(_RUNS))
        count_niches(db)
    store.tidy()


def _copy(db: Connection, run_id: int, start: int, rows: int) -> None:
    """Add the creators of an import once more, whose identifiers count up from another number."""
    number = "(c.external_id::bigint + :start)::text"
    kept = [column.name for column in run.c if column.name not in ("id", "creators")]
    values = ", ".join(kept)
    new = db.scalar(text(
        f"INSERT INTO run ({values}, creators) SELECT {values}, :rows FROM run WHERE id = :run"
        " RETURNING id"
    ), {"run": run_id, "rows": rows})  # fmt: skip
    other = {
        "external_id": number,
        "run_id": ":new",
        "lottery": "random()",
        "state": "'open'",
        "deal": "NULL",
        "name": f"regexp_replace(c.name, '\\d+', {number})",
        "carried": f"regexp_replace(c.carried::text, '\\d+', {number}, 'g')::json",
    }
    columns = [column.name for column in creator.c if column.name != "id"]
    into, given = ", ".join(columns), ", ".join(other.get(name, f"c.{name}") for name in columns)
    about = {"run": run_id, "new": new, "start": start, "rows": rows}
    db.execute(text(
        f"INSERT INTO creator ({into}) SELECT {given} FROM creator c WHERE run_id = :run"
        " AND external_id::bigint < :rows ORDER BY c.id"
    ), about)  # fmt: skip
    db.execute(text(
        "INSERT INTO search (creator_id, text) SELECT o.id, regexp_replace(s.text, '\\d+',"
        " o.external_id, 'g') FROM creator c JOIN search s ON s.creator_id = c.id JOIN creator o"
        f" ON o.external_id = {number} WHERE c.run_id = :run AND o.run_id = :new ORDER BY o.id"
    ), about)  # fmt: skip
    names = ("creator_id", "run_id", "probability", "low", "high", "flags")
    scores = select(creator.c.id, *(creator.c[name] for name in names[1:]))
    db.execute(score.insert().from_select(names, scores.where(creator.c.run_id == new)))
