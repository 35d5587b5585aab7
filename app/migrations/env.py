"""Runs migrations on the connection that `app.migrations.steps` hands over; there is no offline mode."""

from __future__ import annotations

from alembic import context

from app.migrations.tables import ALL_TABLES

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=ALL_TABLES,
    # SQLite changes a table by copying it.
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
