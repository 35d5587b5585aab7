"""A broker of the test's own on either database, and an HTTP client whose clock the test moves."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog
from fastapi import FastAPI
from rigs.agreed_copies import AgreedCopy, agreed_copy
from rigs.delivering import delivering, make_delivering
from rigs.enrolled import sign_requests
from rigs.linkage import embedded_database, linkage, make_linkage, released, uploaded
from rigs.persons import enrol_agencies, person_of, persons_bearer
from rigs.reviewing import answered, held_back, make_reviewing, reviewing
from rigs.signed import accord, agreed, awaiting, make_accord
from services.in_line import InLineClient
from services.migrated import lay_tables

from app.broker import Broker, open_broker, open_database
from app.cli.founding import found_broker
from app.logs import configure_logs
from app.main import create_app
from app.migrations.steps import migrate
from app.security.actor import Actor
from app.settings import Settings

if TYPE_CHECKING:
    from services.postgres import PostgresServer

# On SQLite, unless a module imports `either_database`.
__all__ = [
    "accord", "agreed", "answered", "awaiting", "delivering", "embedded_database", "held_back",
    "linkage", "make_accord", "make_delivering", "make_linkage", "make_reviewing",
    "person_of", "persons_bearer", "released", "reviewing", "uploaded",
]  # fmt: skip

START = datetime(2026, 9, 1, 6, 0, 0, tzinfo=UTC)
ORIGIN = "broker.test/blindlink"
# Fixtures of such names say that a test begins with its rig's ordinary terms, and at which later moment.
ORDINARY, LATER = "ordinary_", "later_"


@dataclass
class HandClock:
    """A clock that only the test moves."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class FoundedBroker:
    """A broker with its operator and clock; `copy` is of the project that the test begins with.

    `later` is of what the test has reached when it begins, where that is more than the agreement.
    """

    broker: Broker
    operator: Actor
    clock: HandClock
    copy: AgreedCopy | None = None
    later: AgreedCopy | None = None

    def enrol(self, *parties: str) -> None:
        enrol_agencies(self.broker, self.operator, *parties, now=self.clock())


@pytest.fixture
def hand_clock() -> HandClock:
    return HandClock()


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings with rates that no ordinary test reaches."""
    return Settings(
        state_dir=tmp_path / "state",
        database_url=database_url,
        public_url="https://broker.test",
        reads_per_minute=10**6,
        writes_per_minute=10**6,
        parts_per_minute=10**6,
        sign_ins_per_minute=10**6,
        disk_reserve_percent=0,
        # The tests' PostgreSQL does not sync, which makes it several times faster.
        insecure_volatile_database=True,
    )


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a PostgreSQL database with all tables and nothing in them."""
    with postgres_server.fresh_database() as url:
        settings = Settings(database_url=url, insecure_volatile_database=True)
        with closing(open_database(settings)) as database:
            migrate(database)
        yield url


@pytest.fixture
def ordinary_linkage() -> None:
    """What `linkage` asks for, so that its broker is copied from one where the agreement is signed already."""


@pytest.fixture
def ordinary_review() -> None:
    """The same for `reviewing`."""


@pytest.fixture
def ordinary_delivery() -> None:
    """The same for `delivering`."""


@pytest.fixture
def ordinary_blind() -> None:
    """The same for a linkage whose recipient is blind."""


@pytest.fixture
def ordinary_accord() -> None:
    """The same for `accord`, whose agreement is not signed yet."""


@pytest.fixture
def later_agreement() -> None:
    """What `agreed` asks for, so that its broker is copied from one where that agreement binds already."""


@pytest.fixture
def later_run() -> None:
    """The same for `awaiting`, where a run waits for its approvals."""


@pytest.fixture
def later_questions() -> None:
    """The same for `held_back`, where a review asks."""


@pytest.fixture
def later_cards() -> None:
    """The same for `answered`, where the cards have come."""


@pytest.fixture
def later_uploads() -> None:
    """The same for `uploaded`, where a run waits for a worker."""


@pytest.fixture
def later_releases() -> None:
    """The same for what is released already: `released`, `delivering`."""


@pytest.fixture
def founded(
    request: pytest.FixtureRequest, settings: Settings, hand_clock: HandClock
) -> Iterator[FoundedBroker]:
    is_sqlite = settings.engine_url().get_backend_name() == "sqlite"
    server = None if is_sqlite else request.getfixturevalue("postgres_server")
    copy, later = _copies(request.fixturenames, settings, hand_clock.now, server)
    if copy and copy.operator:
        copy.lay_down(settings)
    elif server is None:
        lay_tables(settings)
    else:
        server.copy_database(request.getfixturevalue("migrated_postgres"), settings.database_url)
    operator = replace(copy.operator, clock=hand_clock) if copy and copy.operator else None
    if operator is None:
        operator = found_broker(settings, origin=ORIGIN, title="Test operator", clock=hand_clock)
    broker = open_broker(settings, clock=hand_clock)
    with broker.database.read() as session:
        broker.log.follow_clock(session)
    yield FoundedBroker(broker, operator, hand_clock, copy, later)
    broker.close()


def _copies(
    names: Sequence[str], settings: Settings, now: datetime, server: PostgresServer | None
) -> tuple[AgreedCopy | None, AgreedCopy | None]:
    """Return the copy that a test with these fixtures begins with, and that of the later moment it asks for."""
    ordinary = next((name for name in names if name.startswith(ORDINARY)), None)
    if ordinary is None:
        return None, None
    moments = [name for name in names if name.startswith(LATER)]
    assert len(moments) < 2, "a test begins at one moment"
    agreed = agreed_copy(ordinary, settings, now, server)
    if not moments:
        return agreed, None
    later = agreed_copy(f"{ordinary} {moments[0]}", settings, now, server)
    return (later if later.known else agreed), later


@pytest.fixture
def web_app(founded: FoundedBroker) -> FastAPI:
    return create_app(founded.broker)


@pytest.fixture
def client(web_app: FastAPI) -> Iterator[InLineClient]:
    with InLineClient(web_app, "https://broker.test") as made:
        sign_requests(made)
        yield made


@pytest.fixture
def log_stream() -> Iterator[io.StringIO]:
    """What the operator's log says during the test."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    configure_logs(stream)
    yield stream
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level
