"""What stands in a store."""

from __future__ import annotations

from sqlalchemy import LargeBinary, select

from durhampulse.desk.store.tables import creator, metadata


def rows_of(store, table=creator):
    """Return all rows of a table."""
    with store.reading() as db:
        return [tuple(row) for row in db.execute(select(table).order_by(*table.primary_key))]


def everything(store):
    """Return all rows of all tables as one text in lower case, but for what is binary."""
    with store.reading() as db:
        return "\n".join(str(row) for table in metadata.sorted_tables for row in db.execute(
            select(*(c for c in table.c if not isinstance(c.type, LargeBinary))))).lower()  # fmt: skip
