"""What the database promises beyond SQL: what it acknowledged is on the disk, locks that no frozen process can
hold for ever, lists in pieces.
"""

from __future__ import annotations

import random
import sqlite3
import sys
from collections.abc import Iterator

import pytest
from rigs.linkage import either_database
from sqlalchemy import event, select, text

from app.agreements.models import Project
from app.broker import open_database
from app.db import IDLE_TIMEOUT_MS, Base, Database, Window, look_through
from app.errors import ConfigurationError, NotFoundError
from app.settings import Settings

__all__ = ["either_database"]

# What a broker needs of SQLite, in SQLite's own numbers and words, and a value that would not do.
PRAGMAS = {
    "journal_mode": ("wal", "delete"),
    "synchronous": (2, 1),  # FULL, NORMAL
    "foreign_keys": (1, 0),
    "secure_delete": (1, 0),
    "temp_store": (2, 1),  # in memory, in files
}


def test_a_fresh_connection_is_as_durable_as_a_broker_needs(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with database.engine.connect() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
    database.check()
    database.close()
    assert found == {name: needed for name, (needed, _) in PRAGMAS.items()}


def test_a_setting_of_sqlite_that_does_not_hold_is_named(sqlite_url: str) -> None:
    for name, (_, wrong) in PRAGMAS.items():
        database = Database(sqlite_url)

        def spoil(
            connection: sqlite3.Connection, _: object, name: str = name, wrong: object = wrong
        ) -> None:
            connection.execute(f"PRAGMA {name}={wrong}")

        event.listen(database.engine, "connect", spoil)
        with pytest.raises(ConfigurationError, match=f"SQLite's {name} is not"):
            database.check()
        database.close()


def test_without_its_library_postgres_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match="needs a library that is not installed") as caught:
        Database("postgresql+psycopg://broker@db/broker")
    assert "postgres" in str(caught.value.hint)


# The tests' server syncs nothing.
def test_a_postgres_that_does_not_sync_is_refused(postgres_url: str) -> None:
    with pytest.raises(ConfigurationError, match="PostgreSQL's fsync is off"):
        open_database(Settings(database_url=postgres_url))
    open_database(Settings(database_url=postgres_url, insecure_volatile_database=True)).close()


def test_a_transaction_that_hangs_is_ended_by_the_server(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.read() as session:
        shown = session.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one()
    database.close()
    assert shown == f"{IDLE_TIMEOUT_MS // 60_000}min"


@pytest.fixture
def listed(database_url: str) -> Iterator[tuple[Database, list[str]]]:
    """A list of things, of which several are of the same time, and their ids newest first."""
    database = Database(database_url)
    Base.metadata.create_all(database.engine, tables=[Base.metadata.tables["project"]])
    rng = random.Random(7)
    names = [f"project-{number:02d}" for number in range(40)]
    made = {name: f"2026-09-0{rng.randint(1, 6)}T06:00:00Z" for name in names}
    with database.write() as session:
        session.add_all(Project(name=name, created=time) for name, time in made.items())
    oldest_last = sorted(sorted(names), key=lambda name: made[name], reverse=True)
    yield database, oldest_last
    database.close()


def looked_through(database: Database, window: Window) -> list[str]:
    with database.read() as session:
        query = select(Project)
        found = look_through(session, query, Project.created, Project.name, window)
        return [row.name for row in found]


def test_pieces_of_a_list_are_those_of_the_whole_list(listed: tuple[Database, list[str]]) -> None:
    database, everything = listed
    assert looked_through(database, Window(limit=None)) == everything
    for at, name in enumerate(everything):
        for limit in (1, 7, None):
            older = everything[at + 1 :][:limit]
            newer = everything[:at] if limit is None else everything[max(at - limit, 0) : at]
            assert looked_through(database, Window(before=name, limit=limit)) == older
            assert looked_through(database, Window(after=name, limit=limit)) == newer


def test_a_list_is_looked_through_from_what_the_query_finds_only(
    listed: tuple[Database, list[str]],
) -> None:
    database, _ = listed
    with pytest.raises(NotFoundError):
        looked_through(database, Window(before="no-project"))
