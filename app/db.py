"""The database: SQLite embedded, PostgreSQL in production, the same code on both.

A unit of work is `Database.write()` or `Database.read()`: the caller commits by leaving the block. On
SQLite a writer takes the lock before its first read, so that what it checked still holds when it commits.
"""

from __future__ import annotations

import gc
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar, TypeVarTuple, cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Engine,
    Index,
    Insert,
    MetaData,
    Row,
    Select,
    Table,
    and_,
    create_engine,
    event,
    func,
    inspect,
    or_,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, ExceptionContext, make_url
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session
from sqlalchemy.sql.functions import GenericFunction

from app.errors import ConfigurationError, NotFoundError, UnavailableError

# Alembic needs a name for every constraint to change it later on both databases.
NAMING: Final = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# FULL: an acknowledged commit survives a power cut; NORMAL in WAL mode acknowledges before the fsync.
SQLITE_PRAGMAS: Final = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "secure_delete": 1,
    "temp_store": 2,
}
BUSY_TIMEOUT_MS: Final = 30_000
# A process that is frozen within a transaction would hold the match log's row, and so everyone, for ever.
# The server counts while its machine is suspended or starved too, so a short limit would end healthy ones.
IDLE_TIMEOUT_MS: Final = 300_000
# Where alembic keeps which schema the database has.
REVISION_TABLE: Final = "alembic_version"
# How long readers take it that nobody has migrated, since asking each time costs as much as a short read.
TRUST_S: Final = 1.0
_WRITER: Final = "blindlink_writer"
_AHEAD: Final = "blindlink_ahead"
_BEGAN: Final = "blindlink_began"
# As many things as a list gives at once: a weekly linkage of two parties fills it in a year and a half.
LIST_LIMIT: Final = 200


class SchemaChangedError(UnavailableError):
    """The database was migrated while this process ran: it is another version's now."""

    code = "schema-changed"


class Base(DeclarativeBase):
    """The root of all tables."""

    metadata = MetaData(naming_convention=NAMING)


def due_index(table: str) -> Index:
    """Return the index by which a sweep finds the due rows of a table, among those not destroyed yet."""
    is_there = text("destroyed IS NULL")
    return Index(f"ix_{table}_due", "keep_until", sqlite_where=is_there, postgresql_where=is_there)


class Database:
    """Engine and units of work for one database URL (`sqlite:///...` or `postgresql+psycopg://...`)."""

    def __init__(self, url: str | URL, connections: int = 15) -> None:
        """Open the pool; nothing is read or written yet."""
        self.url = make_url(url)
        self.engine = _engine(self.url, connections)
        self._writer = self.engine.execution_options(**{_WRITER: True})
        self._revision: str | None = None
        # When the schema was last seen to be that one.
        self._seen_s = float("-inf")

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def file(self) -> Path | None:
        """The embedded database's file; None where it has none, as in PostgreSQL or in memory."""
        name = self.url.database if self.is_sqlite else None
        is_path = name and name != ":memory:" and not name.startswith("file:")
        return Path(name) if name and is_path else None

    def hold_to(self, revision: str) -> None:
        """From now on, let each unit of work refuse another schema: someone may migrate meanwhile."""
        self._revision, self._seen_s = revision, float("-inf")

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session that commits when the block ends and rolls back when it raises.

        Raises:
            SchemaChangedError: the schema is not the one that `hold_to` named.
        """
        # Before it waits for another writer: what is decided in it is decided from now on.
        info = {_BEGAN: time.monotonic()}
        with Session(self._writer, expire_on_commit=False, info=info) as session, session.begin():
            self._require_schema(session.connection())
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session on one snapshot; whatever it would write is rolled back.

        Raises:
            SchemaChangedError: as `write`, but it may come a second late, since nothing is changed here.
        """
        if self._revision is not None and time.monotonic() - self._seen_s >= TRUST_S:
            # Apart, since anyone who looks at the log's file first takes the snapshot after it.
            with self.engine.connect() as connection:
                self._require_schema(connection)
        with Session(self.engine, expire_on_commit=False) as session:
            if not self.is_sqlite:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session
            session.rollback()

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """Yield a connection in one transaction, beside which no other unit of work is under way.

        Raises:
            UnavailableError: others did not end theirs in time; nothing was changed.
        """
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(self._writer.begin())
                if not self.is_sqlite and inspect(connection).has_table(REVISION_TABLE):
                    # Each unit of work reads it first, so this waits for those before, and those after wait.
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {BUSY_TIMEOUT_MS}")
                    connection.exec_driver_sql(f"LOCK TABLE {REVISION_TABLE}")
                    connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
            except OperationalError as exc:
                raise UnavailableError(
                    "the database is in use",
                    hint="type it again; if it fails again, stop serve and work first",
                ) from exc
            yield connection

    def _require_schema(self, connection: Connection) -> None:
        if self._revision is None:
            return
        found = connection.exec_driver_sql(f"SELECT version_num FROM {REVISION_TABLE}").scalar()  # noqa: S608
        if found != self._revision:
            self._seen_s = float("-inf")
            raise SchemaChangedError(
                "the database was migrated for another version of the broker while this one ran",
                hint="start the version that migrated it",
            )
        self._seen_s = time.monotonic()

    def check(self) -> None:
        """Assert that the database answers and that its durability settings are those required.

        Raises:
            ConfigurationError: a setting differs; the message names it.
        """
        with self.engine.connect() as connection:
            if self.is_sqlite:
                _assert_pragmas(connection)
            else:
                _assert_durable_postgres(connection)

    def empty_log(self) -> None:
        """Empty SQLite's write-ahead log, which holds rows that were deleted; not while someone reads them."""
        if self.is_sqlite:
            connection = self.engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def is_writing(session: Session) -> bool:
    """Tell whether a session is that of `Database.write`, whose changes count."""
    return bool(session.get_bind().get_execution_options().get(_WRITER))


def began_s(session: Session) -> float:
    """Return when the unit of work of `Database.write` began, by `time.monotonic`."""
    began: float = session.info[_BEGAN]
    return began


def insert_rows(session: Session, *rows: Base) -> None:
    """Insert rows of one table; what the database has against one of them is raised here."""
    session.add_all(rows)
    session.flush()


def add_if_alone(session: Session, row: Base) -> bool:
    """Insert a row, or return False where another transaction was first with one of its keys."""
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


def insert_if_alone(session: Session, model: type[Base], **values: Any) -> bool:
    """Do as `add_if_alone` with a row that nobody reads back: one statement in the place of three."""
    connection = session.connection()
    statement = _insert_or_nothing(model, connection.dialect.name)
    return connection.execute(statement, values).rowcount == 1


@cache
def _insert_or_nothing(model: type[Base], dialect: str) -> Insert:
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = insert(cast(Table, model.__table__)).on_conflict_do_nothing()
    return statement.execution_options(preserve_rowcount=True)


class database_now_ms(GenericFunction[int]):  # noqa: N801 - named as what it becomes in SQL
    """Milliseconds since 1970 by the database's clock, at this statement."""

    type = BigInteger()
    inherit_cache = True


@compiles(database_now_ms, "sqlite")
def _sqlite_now(_element: Any, _compiler: Any, **_: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


@compiles(database_now_ms, "postgresql")
def _postgres_now(_element: Any, _compiler: Any, **_: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"


class holds_bytes(GenericFunction[bool]):  # noqa: N801 - named as what it becomes in SQL
    """Whether a column of bytes, the first argument, holds these bytes, the second one."""

    type = Boolean()
    inherit_cache = True


@compiles(holds_bytes, "sqlite")
def _sqlite_holds(element: Any, compiler: Any, **options: Any) -> str:
    return f"(instr({compiler.process(element.clauses, **options)}) > 0)"


@compiles(holds_bytes, "postgresql")
def _postgres_holds(element: Any, compiler: Any, **options: Any) -> str:
    column, wanted = (compiler.process(one, **options) for one in element.clauses)
    return f"(position({wanted} in {column}) > 0)"


RowT = TypeVar("RowT", bound=Base)
Parts = TypeVarTuple("Parts")


@dataclass(frozen=True, slots=True)
class Window:
    """Which piece of a list is wanted that is ordered newest first.

    At most one of `before` (the things older than that of this id) and `after` (the nearest newer ones); with
    neither, the list's beginning. A `limit` of None wants all.
    """

    before: str | None = None
    after: str | None = None
    limit: int | None = LIST_LIMIT


NEWEST: Final = Window()


def look_through(
    session: Session,
    query: Select[RowT],
    time: InstrumentedAttribute[Any],
    key: InstrumentedAttribute[str],
    window: Window,
) -> Sequence[RowT]:
    """Return a piece of the rows that a query finds, newest first by `time`, then by `key`."""
    cursor = window.before or window.after
    if cursor is not None:
        place = session.scalar(query.with_only_columns(time).where(key == cursor))
        if place is None:
            raise NotFoundError("There is nothing here.")
        older = or_(time < place, and_(time == place, key > cursor))
        newer = or_(time > place, and_(time == place, key < cursor))
        query = query.where(older if window.before else newer)
    # The nearest ones that are newer are the last of all newer ones.
    is_upward = window.before is None and window.after is not None
    order = (time.asc(), key.desc()) if is_upward else (time.desc(), key.asc())
    rows = session.scalars(query.order_by(*order).limit(window.limit)).all()
    return rows[::-1] if is_upward else rows


class _Ahead:
    """What is read for many projects at once, by what was asked for."""

    def __init__(self, projects: Sequence[str]) -> None:
        self.projects = frozenset(projects)
        self.found: dict[Hashable, dict[str, list[Any]]] = {}


@contextmanager
def reading_ahead(session: Session, projects: Sequence[str]) -> Iterator[None]:
    """Let `of_project` and `first_of_project` read for all of these projects what is asked of the first one.

    So a page that looks at many projects costs as many queries as one that looks at one. Nothing may be written
    meanwhile: what was read stays as it was.
    """
    before: _Ahead | None = session.info.get(_AHEAD)
    if before is not None and before.projects.issuperset(projects):
        yield
        return
    session.info[_AHEAD] = _Ahead(projects)
    try:
        yield
    finally:
        session.info[_AHEAD] = before


def is_ahead(session: Session, project: str) -> bool:
    """Tell whether what is asked of a project is read for others with it, by a reader who writes nothing."""
    ahead = session.info.get(_AHEAD)
    return ahead is not None and project in ahead.projects


def of_project(
    session: Session,
    project: str,
    column: InstrumentedAttribute[str],
    query: Callable[[], Select[*Parts]],
    key: Hashable,
) -> Sequence[Row[*Parts]]:
    """Return the rows of one project that a query finds, in its order.

    Args:
        column: where the project's name stands.
        query: makes the query of those of all projects, once for all of them.
        key: stands for the query, with all that differs in it from one call to the next.
    """
    ahead: _Ahead | None = session.info.get(_AHEAD)
    if ahead is None or project not in ahead.projects:
        return session.execute(query().where(column == project)).all()
    if key not in ahead.found:
        of_all = query().add_columns(column).where(column.in_(sorted(ahead.projects)))
        grouped: dict[str, list[Any]] = {}
        for row in session.execute(of_all):
            grouped.setdefault(row[-1], []).append(row[:-1])
        ahead.found[key] = grouped
    return ahead.found[key].get(project, [])


def scalars_of_project(
    session: Session,
    project: str,
    column: InstrumentedAttribute[str],
    query: Callable[[], Select[RowT]],
    key: Hashable,
) -> list[RowT]:
    """Return what a query of one thing a row finds for one project; the rest as `of_project`."""
    return [row[0] for row in of_project(session, project, column, query, key)]


def first_of_project(
    session: Session,
    project: str,
    column: InstrumentedAttribute[str],
    query: Select[RowT],
    *,
    order: Sequence[ColumnElement[Any]],
    key: Hashable,
) -> RowT | None:
    """Return the row of one project that comes first by an order, or None; the rest as `of_project`."""
    if not is_ahead(session, project):
        return session.scalar(query.where(column == project).order_by(*order).limit(1))

    def firsts() -> Select[RowT]:
        table = query.column_descriptions[0]["entity"]
        primary = inspect(table).primary_key
        place = func.row_number().over(partition_by=column, order_by=order).label("place")
        ranked = query.with_only_columns(*primary, place).subquery()
        is_same = and_(*(ranked.c[part.name] == part for part in primary))
        return select(table).join(ranked, is_same).where(ranked.c.place == 1)

    rows = of_project(session, project, column, firsts, key)
    return rows[0][0] if rows else None


def _engine(url: URL, connections: int) -> Engine:
    # hide_parameters: an error's text must not hold the values of a statement.
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, hide_parameters=True
        )
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "handle_error", _drop_read_only)
        event.listen(engine, "do_connect", _forget_read_only)
        return engine
    if url.get_backend_name() == "postgresql" and url.get_driver_name() == "psycopg":
        try:
            engine = create_engine(
                url, pool_pre_ping=True, hide_parameters=True, pool_size=connections, max_overflow=0
            )
        except ImportError:
            raise ConfigurationError(
                "database_url needs a library that is not installed",
                hint="in Blindlink's folder: pip install '.[postgres]'",
            ) from None
        event.listen(engine, "connect", _set_timeout)
        return engine
    raise ConfigurationError("the database URL must begin with sqlite:/// or postgresql+psycopg://")


def _set_pragmas(connection: Any, _record: object) -> None:
    # The driver must not begin transactions on its own: it would begin a writer's only at its first write.
    connection.isolation_level = None
    cursor = connection.cursor()
    for name, value in SQLITE_PRAGMAS.items():
        cursor.execute(f"PRAGMA {name}={value}")
    cursor.close()


def _set_timeout(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS}")
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    writer = connection.get_execution_options().get(_WRITER, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")


# Set while connections of a read-only disk may still be open in this process.
_READ_ONLY: Final = threading.Event()


def _drop_read_only(context: ExceptionContext) -> None:
    """Let go of connections that SQLite opened on a read-only disk: they stay so when the disk is mended.

    All at once: a process shares one index of the write-ahead log, and the last one that is open keeps it so.
    """
    code = getattr(context.original_exception, "sqlite_errorcode", 0)
    if code & 0xFF == sqlite3.SQLITE_READONLY and context.engine is not None:
        context.is_disconnect = True
        context.engine.dispose()
        _READ_ONLY.set()


def _forget_read_only(*_: object) -> None:
    """Before a new connection, free what keeps closed ones open: their cursors, in tracebacks of errors."""
    if _READ_ONLY.is_set():
        _READ_ONLY.clear()
        gc.collect()


def _assert_pragmas(connection: Connection) -> None:
    for name, value in SQLITE_PRAGMAS.items():
        found = connection.exec_driver_sql(f"PRAGMA {name}").scalar()
        if str(found).lower() != str(value).lower():
            raise ConfigurationError(
                f"SQLite's {name} is not {value}, so the broker does not start"
            )


def _assert_durable_postgres(connection: Connection) -> None:
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        found = connection.execute(text(f"SHOW {name}")).scalar()
        if found in {"off", "local"}:
            raise ConfigurationError(
                f"PostgreSQL's {name} is {found}, so the broker does not start"
            )
