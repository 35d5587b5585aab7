"""Migrations make what the models say, on both databases, and back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from rigs.linkage import either_database
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

import app
from app.db import Base, Database, SchemaChangedError
from app.errors import UnavailableError
from app.migrations import tables
from app.migrations.steps import (
    FOLDER,
    SchemaNotCurrentError,
    migrate,
    newest_revision,
    require_current,
    stored_revision,
)
from app.migrations.tables import ALL_TABLES

__all__ = ["either_database"]

FROZEN = Path(__file__).parents[1] / "data" / "database-0007"
TRIGGERS = {
    "sqlite": "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger "
    "WHERE NOT tgisinternal",
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


def test_migrating_makes_a_fresh_schema_current_and_again_changes_nothing(
    database: Database,
) -> None:
    assert stored_revision(database) is None
    with pytest.raises(SchemaNotCurrentError):
        require_current(database)
    for _ in range(2):
        migrate(database)
        assert stored_revision(database) == newest_revision()
        require_current(database)


def test_migrations_make_exactly_what_the_models_say_and_a_match_log_that_only_grows(
    database: Database,
) -> None:
    migrate(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, ALL_TABLES) == []
    for table in ("log_leaf", "log_node", "log_checkpoint", "log_key"):
        column = next(iter(Base.metadata.tables[table].primary_key.columns)).name
        statements = [f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"]
        if not database.is_sqlite:
            statements.append(f"TRUNCATE {table} CASCADE")
        for statement in statements:
            with database.engine.connect() as connection:
                _insert_row(connection, table)
                with pytest.raises(DBAPIError, match="the match log only grows"):
                    connection.execute(text(statement))
                connection.rollback()


def test_the_frozen_database_comes_to_what_a_fresh_one_is(
    database: Database, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    load_frozen(database)
    assert stored_revision(database) == "0007"
    migrate(database)
    require_current(database)
    with ExitStack() as opened:
        if database.engine.dialect.name == "sqlite":
            url = f"sqlite:///{(tmp_path / 'fresh.db').as_posix()}"
        else:
            url = opened.enter_context(request.getfixturevalue("postgres_server").fresh_database())
        fresh = opened.enter_context(closing(Database(url)))
        migrate(fresh)
        assert shape(database) == shape(fresh)
    with database.engine.connect() as connection:
        kept = connection.execute(text("SELECT name, title FROM party")).all()
    assert kept == [("child-welfare", "County Child Welfare")]


def test_a_failed_migration_leaves_the_schema_as_it_was(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    # After the tables are made.
    monkeypatch.setattr(command, "stamp", fail)
    with pytest.raises(ZeroDivisionError):
        migrate(database)
    with database.engine.connect() as connection:
        assert inspect(connection).get_table_names() == []


def test_a_step_waits_for_what_is_under_way_and_nothing_happens_in_another_schema(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(database)
    require_current(database)

    def step() -> None:
        with closing(Database(database.url)) as other, other.alone() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with ThreadPoolExecutor(1) as pool:
        with database.write() as session:
            stepped = pool.submit(step)
            with pytest.raises(TimeoutError):
                stepped.result(0.1)
            session.execute(text("UPDATE party SET title = title"))
        stepped.result(60)
    monkeypatch.setattr("app.db.TRUST_S", 0)
    for unit in (database.read, database.write):
        with pytest.raises(SchemaChangedError), unit():
            pytest.fail("a unit of work began")
    for refused in (migrate, require_current):
        with pytest.raises(SchemaNotCurrentError, match="a newer version"):
            refused(database)


def test_what_waits_for_a_step_does_not_go_on_after_it(database: Database) -> None:
    migrate(database)
    require_current(database)

    def write() -> None:
        with database.write():
            pytest.fail("a unit of work began")

    with ThreadPoolExecutor(1) as pool:
        with closing(Database(database.url)) as other, other.alone() as connection:
            waiting = pool.submit(write)
            with pytest.raises(TimeoutError):
                waiting.result(0.1)
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(SchemaChangedError):
            waiting.result(60)


def test_a_step_that_others_do_not_let_in_changes_nothing_and_says_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(database)
    require_current(database)
    monkeypatch.setattr("app.db.BUSY_TIMEOUT_MS", 50)
    with (
        closing(Database(database.url)) as other,
        database.write(),
        pytest.raises(UnavailableError, match="in use"),
        other.alone(),
    ):
        pytest.fail("a step began")


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
    # A program of its own, whose database is made anew where there is none.
    own = {"app.extras.anonlink.models"}
    assert own <= written
    assert not own & mapped
    assert (written - own) | mapped <= known


def test_revisions_are_numbered_without_a_gap() -> None:
    names = sorted(path.name[:4] for path in (FOLDER / "versions").glob("[0-9]*.py"))
    assert names == [f"{number:04}" for number in range(7, len(names) + 7)]


def test_a_database_of_before_the_steps_began_is_refused(database: Database) -> None:
    load_frozen(database)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0006'"))
    for refused in (migrate, require_current):
        with pytest.raises(SchemaNotCurrentError, match="earlier trial version"):
            refused(database)


def load_frozen(database: Database) -> None:
    """Make the database that revision 0007 made, from a text that is never written anew."""
    script = (FROZEN / f"{database.engine.dialect.name}.sql").read_text("utf-8")
    with closing(database.engine.raw_connection()) as connection:
        if database.engine.dialect.name == "sqlite":
            connection.driver_connection.executescript(script)
        else:
            connection.cursor().execute(script)
        connection.commit()


def shape(database: Database) -> dict[str, Any]:
    """Return all of a database but its rows: columns, keys, constraints, indexes and triggers, by table."""
    with database.engine.connect() as connection:
        inspector = inspect(connection)
        kinds = ("columns", "pk_constraint", "foreign_keys", "unique_constraints")
        found: dict[str, Any] = {
            table: {
                kind: _plain(getattr(inspector, f"get_{kind}")(table))
                for kind in (*kinds, "check_constraints", "indexes")
            }
            for table in inspector.get_table_names()
        }
        triggers = connection.execute(text(TRIGGERS[connection.dialect.name]))
        return found | {"triggers": sorted(map(tuple, triggers))}


def _plain(found: Any) -> Any:
    """Return what an inspector found in a form that compares: types by their text, lists in one order."""
    if isinstance(found, dict):
        return {key: _plain(value) for key, value in found.items()}
    if isinstance(found, list):
        return sorted((_plain(value) for value in found), key=repr)
    return found if found is None or isinstance(found, (str, bool, int)) else str(found)


def _insert_row(connection: Connection, table: str) -> None:
    values = {
        column.name: b"x" * 32 if "BLOB" in str(column.type).upper() else _scalar(column.type)
        for column in Base.metadata.tables[table].columns
    }
    connection.execute(Base.metadata.tables[table].insert().values(**values))


def _scalar(kind: object) -> object:
    return "x" if "CHAR" in str(kind).upper() else 1
