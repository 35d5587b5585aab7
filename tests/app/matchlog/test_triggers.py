"""Whatever is in the log's tables stays as it is."""

from __future__ import annotations

import pytest
from samples.log_drafts import enrolment
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.db import Database
from app.matchlog.models import APPEND_ONLY, append_only_ddl
from app.matchlog.service import MatchLog

TABLES = [model.__tablename__ for model in APPEND_ONLY]
COLUMN = {
    "log_leaf": "entry = leaf_hash",
    "log_node": "hash = hash",
    "log_checkpoint": "note = note",
    "log_key": "key = 'x'",
}


@pytest.fixture
def filled(database: Database, log: MatchLog) -> Database:
    with database.write() as session:
        log.append(session, [enrolment(1)])
    return database


def test_nothing_is_changed_or_removed(filled: Database) -> None:
    for table in TABLES:
        statements = [f"UPDATE {table} SET {COLUMN[table]}", f"DELETE FROM {table}"]
        if not filled.is_sqlite:
            statements.append(f"TRUNCATE {table} CASCADE")
        for statement in statements:
            with pytest.raises(DBAPIError, match="only grows"), filled.write() as session:
                session.execute(text(statement))


def test_other_databases_have_no_such_triggers() -> None:
    with pytest.raises(ValueError, match="sqlite and postgresql"):
        append_only_ddl("mysql", "log_leaf")
