"""Triggers that refuse to change or remove what the match log holds.

They stop mistakes and stray statements, not an administrator: for that there are signatures and pins.
`metadata.create_all` runs `append_only_ddl`; a step that makes such a table does so itself.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, event

from app.matchlog.models import APPEND_ONLY

_MESSAGE = "the match log only grows"


def append_only_ddl(dialect: str, table: str) -> list[str]:
    """Return the statements that make a table append-only on `sqlite` or `postgresql`."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    if dialect == "postgresql":
        return [
            f"CREATE FUNCTION {table}_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_MESSAGE}'; END $$",
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_only_grows()",
        ]
    raise ValueError("append-only triggers exist for sqlite and postgresql")


def _make_append_only(target: Table, connection: Connection, **_: Any) -> None:
    for statement in append_only_ddl(connection.dialect.name, target.name):
        connection.exec_driver_sql(statement)


for _model in APPEND_ONLY:
    event.listen(_model.__table__, "after_create", _make_append_only)
