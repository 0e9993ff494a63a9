"""Alembic's way in; the connection is handed over by :mod:`durhampulse.desk.store.database`."""

from __future__ import annotations

from alembic import context

from durhampulse.desk.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
