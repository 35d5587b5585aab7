"""Fixtures that tests of several parts share: databases and a browser.

What a machine lacks is skipped, with its reason; under BLINDLINK_REQUIRE_ALL=1, as in CI, it fails.
"""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from campaign.mutants import choose_for_change
from campaign.reports import DATABASE, TALLY, Tally, add_report, choose, register_writer
from hypothesis import HealthCheck, settings
from services.printed import tables_of
from services.requirement import missing
from tiers import choose_tier, refuse_what_was_not_said

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from rigs.moments import Moments
    from services.full_disk import FullDisk
    from services.object_store import ObjectStoreServer
    from services.postgres import PostgresServer
    from services.soft_hsm import SoftHsm

# No property depends on how fast the machine is. `make campaign` tries many more examples.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=int(os.environ.get("BLINDLINK_EXAMPLES", "50")),
)
settings.load_profile("any machine")

MARKER_OF_FIXTURE = {"postgres_server": "postgres", "browser": "browser"}


# In memory nothing waits for a disk. What was acknowledged outlives a killed process there as well.
MEMORY = Path("/dev/shm")
LEAST_MEMORY_BYTES = 8 << 30


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let one row of the campaign be run alone."""
    parser.addoption(
        "--row", action="append", help="run the tests of this row of the campaign alone"
    )
    parser.addoption("--tier", choices=["first", "table", "check"], help="see tests/tiers.py")


def pytest_configure(config: pytest.Config) -> None:
    """Keep the tests' folders in memory where there is much of it, and the campaign's reports if asked for."""
    register_writer(config)
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= LEAST_MEMORY_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count what tests of the campaign tried."""
    report = yield
    add_report(item, report)
    return report


def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    """Mark what needs a server or a browser by the fixture that it asks for; keep the rows asked for."""
    choose(items, config)
    for item in items:
        for fixture, marker in MARKER_OF_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
    choose_for_change(items)
    choose_tier(items, config)


def pytest_collection_finish() -> None:
    """Spare the collector what lives to the end of the run: it takes an eighth of the time otherwise."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


RUNNING: list[pytest.Item] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Know which test is running."""
    RUNNING.append(item)
    try:
        return (yield)
    finally:
        RUNNING.pop()


pytest_runtest_call = pytest_runtest_teardown = pytest_runtest_setup


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have measured: a worker's own output would be lost."""
    for outcome in ("passed", "failed"):
        for table in tables_of(terminalreporter.getreports(outcome)):
            terminalreporter.section("measured")
            terminalreporter.write_line(table)


@pytest.fixture(scope="session", autouse=True)
def _compiling_once() -> Iterator[None]:
    from services.one_dialect import compiling_once

    with compiling_once():
        yield


@pytest.fixture(scope="session", autouse=True)
def _needs_are_said() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        refuse_what_was_not_said(patch, RUNNING)
        yield


@pytest.fixture(scope="session")
def moments(tmp_path_factory: pytest.TempPathFactory) -> Moments:
    """What several tests do first at a broker, done once by each process that runs tests."""
    from rigs.moments import Moments

    return Moments(tmp_path_factory.mktemp("moments"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the session; `with postgres_server.fresh_database() as url` adds to it."""
    from services.postgres import MissingServerError, running_postgres

    try:
        with running_postgres() as server:
            yield server
    except MissingServerError as exc:
        missing(str(exc))


@pytest.fixture(scope="session")
def object_store_server() -> Iterator[ObjectStoreServer]:
    """An S3 server for the session; `settings()` makes a bucket in it. Who kills it starts it again."""
    from services.object_store import MissingStoreError, running_object_store

    try:
        with running_object_store() as server:
            yield server
    except MissingStoreError as exc:
        missing(str(exc))


@pytest.fixture(scope="session")
def soft_hsm() -> Iterator[SoftHsm]:
    """A security module for the session; `settings(folder)` are those of a broker that uses it."""
    from services.soft_hsm import MissingSecurityModuleError, running_soft_hsm

    try:
        with running_soft_hsm() as module:
            yield module
    except MissingSecurityModuleError as exc:
        missing(str(exc))


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """What a test of the campaign says that it tried and saw."""
    node: pytest.Item = request.node
    return node.stash.setdefault(TALLY, Tally())


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of the test's own."""
    request.node.stash[DATABASE] = "postgres"
    with postgres_server.fresh_database() as url:
        yield url


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an SQLite database of the test's own, in a file that does not exist yet."""
    request.node.stash[DATABASE] = "sqlite"
    return f"sqlite:///{(tmp_path / 'broker.db').as_posix()}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of the test's own: the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium for the module.

    Not for the session: while Playwright's event loop lives, no other test can run one of its own.
    """
    from services.chromium import MissingBrowserError, running_chromium

    try:
        with running_chromium() as chromium:
            yield chromium
    except MissingBrowserError as exc:
        missing(str(exc))


@pytest.fixture
def chromium_page(browser: Browser) -> Iterator[Page]:
    """A page in a browser context of the test's own, which may ask no machine but this one."""
    from services.chromium import page_of_its_own

    with page_of_its_own(browser) as page:
        yield page


@pytest.fixture(params=["full", "read-only"])
def full_disk(request: pytest.FixtureRequest, tmp_path: Path) -> FullDisk:
    """A disk that the test fills, or makes read-only, and relieves; for processes with its environment."""
    from services.full_disk import FullDisk, MissingCompilerError

    try:
        return FullDisk(tmp_path, is_read_only=request.param == "read-only")
    except MissingCompilerError as exc:
        missing(str(exc))
