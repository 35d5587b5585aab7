"""Migrations make what the models say, on both databases, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

import app
from app.db import Base, Database
from app.migrations import tables
from app.migrations.steps import (
    FOLDER,
    SchemaNotCurrentError,
    config_for,
    migrate,
    newest_revision,
    require_current,
    stored_revision,
)
from app.migrations.tables import ALL_TABLES


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


def test_a_fresh_database_has_no_revision(database: Database) -> None:
    assert stored_revision(database) is None
    with pytest.raises(SchemaNotCurrentError):
        require_current(database)


def test_migrating_makes_the_schema_current(database: Database) -> None:
    migrate(database)
    assert stored_revision(database) == newest_revision()
    require_current(database)


def test_migrating_twice_changes_nothing(database: Database) -> None:
    migrate(database)
    migrate(database)
    require_current(database)


def test_migrations_make_exactly_what_the_models_say(database: Database) -> None:
    migrate(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, ALL_TABLES) == []


def test_migrations_go_back_to_nothing(database: Database) -> None:
    migrate(database)
    with database.engine.begin() as connection:
        command.downgrade(config_for(connection), "base")
    with database.engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_the_match_log_only_grows(database: Database) -> None:
    migrate(database)
    for table in ("log_leaf", "log_node", "log_checkpoint", "log_key"):
        column = next(iter(Base.metadata.tables[table].primary_key.columns)).name
        for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
            with database.engine.connect() as connection:
                _insert_row(connection, table)
                with pytest.raises(DBAPIError, match="the match log only grows"):
                    connection.execute(text(statement))
                connection.rollback()


def test_a_failed_migration_leaves_the_schema_as_it_was(database: Database) -> None:
    migrate(database)

    def fail_half_way() -> None:
        with database.engine.begin() as connection:
            command.downgrade(config_for(connection), "base")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    require_current(database)


def test_every_slice_with_tables_is_known_to_the_migrations() -> None:
    folder = Path(app.__file__).parent
    written = {
        ".".join(("app", *models.relative_to(folder).with_suffix("").parts))
        for models in folder.rglob("*models.py")
    }
    mapped = {mapper.class_.__module__ for mapper in Base.registry.mappers}
    # Read from the module: other tests have long imported whatever it forgets.
    known = {one.__name__ for one in vars(tables).values() if isinstance(one, ModuleType)}
    assert len(written) > 11
    assert written | mapped <= known


def test_revisions_are_numbered_without_a_gap() -> None:
    names = sorted(path.name[:4] for path in (FOLDER / "versions").glob("[0-9]*.py"))
    assert names == [f"{number:04}" for number in range(1, len(names) + 1)]


def _insert_row(connection: Connection, table: str) -> None:
    values = {
        column.name: b"x" * 32 if "BLOB" in str(column.type).upper() else _scalar(column.type)
        for column in Base.metadata.tables[table].columns
    }
    connection.execute(Base.metadata.tables[table].insert().values(**values))


def _scalar(kind: object) -> object:
    return "x" if "CHAR" in str(kind).upper() else 1
