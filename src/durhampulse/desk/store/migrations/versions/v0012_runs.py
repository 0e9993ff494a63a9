"""Searches of any length use an index of the runs of three letters, in either database."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"

_SQLITE = (
    "DROP TRIGGER search_insert",
    "DROP TRIGGER search_delete",
    "DROP TRIGGER search_update",
    "DROP TABLE search_index",
    "CREATE VIRTUAL TABLE search_index USING fts5(text, content='search',"
    " content_rowid='creator_id', tokenize='trigram case_sensitive 1', detail=none, columnsize=0)",
    "CREATE VIRTUAL TABLE search_parts USING fts5vocab('search_index', 'row')",
    "INSERT INTO search_index (rowid, text) SELECT creator_id, text || char(10, 10) FROM search",
)
_ADD = "INSERT INTO search_index (rowid, text) VALUES (new.creator_id, new.text || char(10, 10));"
_REMOVE = (
    "INSERT INTO search_index (search_index, rowid, text)"
    " VALUES ('delete', old.creator_id, old.text || char(10, 10));"
)
_KEPT = {"insert": _ADD, "delete": _REMOVE, "update": f"{_REMOVE} {_ADD}"}
"""Event to what a trigger does then: as FTS5's manual keeps the index of an external table."""
_POSTGRESQL = (
    """
    CREATE FUNCTION search_runs(text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT array_to_tsvector(ARRAY(
            SELECT substr($1 || E'\n\n', at, 3) FROM generate_series(1, length($1)) AS at))
    $$
    """,
    "CREATE INDEX search_runs ON search USING gin (search_runs(text))",
)


def upgrade() -> None:
    """Bring the store to this version."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE if is_sqlite else _POSTGRESQL:
        op.execute(statement)
    if is_sqlite:
        for event, act in _KEPT.items():
            op.execute(f"CREATE TRIGGER search_{event} AFTER {event} ON search BEGIN {act} END")
