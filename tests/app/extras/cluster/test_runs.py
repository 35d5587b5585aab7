"""Workers of a cluster that help with a run: the same result, whoever does what, and whoever is killed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from rigs.broker_processes import environment
from rigs.broker_twins import Matches, copied_broker, released_matches, server_of
from rigs.cluster import Cluster, new_cluster
from rigs.hooked_database import hooked, hooked_after_sweep
from rigs.linkage import Linkage, embedded_database
from sqlalchemy import text

from app.broker import Broker
from app.cli.main import main
from app.db import Database
from app.extras.cluster.help import RunHelper
from app.settings import Settings
from app.worker.loop import Worker

__all__ = ["embedded_database"]

# The holder's write that stores its first range; it has taken two tasks by then, and takes a third with it.
FIRST_RANGE = 2
PATIENCE_S = 30.0
ROWS_PER_PIECE = 40
# The command, in a process of its own, with parts as small.
SMALL_PARTS = (
    sys.executable,
    "-c",
    f"import schemas.rounds.upload; schemas.rounds.upload.ROWS_PER_PIECE = {ROWS_PER_PIECE}; "
    "from app.cli.main import main; main()",
)


@pytest.fixture
def settings(settings):
    """Ranges so small that a run of the tests' files has several."""
    return settings.model_copy(update={"range_rows": 1, "worker_threads": 1, "lease_s": 2})


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of few rows: a range begins where a part does."""
    monkeypatch.setattr("schemas.rounds.upload.ROWS_PER_PIECE", ROWS_PER_PIECE)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with new_cluster(tmp_path / "cluster") as made:
        yield made


def outcome(broker: Broker) -> tuple[object, Matches]:
    with broker.database.read() as session:
        found = session.execute(text("SELECT state, match_record, histogram FROM run")).one()
    return tuple(found), released_matches(broker)


def open_tasks(broker: Broker) -> int:
    with broker.database.read() as session:
        query = "SELECT count(*) FROM run_task WHERE meetings IS NULL"
        return int(session.execute(text(query)).scalar_one())


@pytest.fixture
def expected(
    linkage: Linkage, tmp_path: Path, request: pytest.FixtureRequest
) -> tuple[object, Matches]:
    """What one worker alone makes of the run that is queued."""
    linkage.upload_both(30, 12, 8)
    linkage.run_id()
    server = server_of(linkage.broker, request)
    with copied_broker(linkage.broker, tmp_path / "undisturbed", server) as copy:
        Worker(copy).work(until_idle=True)
        return outcome(copy)


def holds(broker: Broker, cluster: Cluster | None, meanwhile: Callable[[], object]) -> None:
    """Work with a worker that holds the run and calls a cluster; something is done after its first range."""

    def hook(number: int, moment: str) -> None:
        if (number, moment) == (FIRST_RANGE, "after"):
            meanwhile()

    named = {} if cluster is None else cluster.settings
    settings = broker.settings.model_copy(update=named)
    Worker(hooked_after_sweep(replace(broker, settings=settings), hook)).work(until_idle=True)


def wait_until(is_so: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.05)):
        if is_so():
            return
        pause.wait(0.05)
    raise AssertionError


def test_a_worker_of_the_cluster_does_what_nobody_is_at(
    linkage: Linkage, cluster: Cluster, expected: object
) -> None:
    scheduler = cluster.start_scheduler()
    worker = cluster.start_worker(linkage.broker.settings, SMALL_PARTS)

    def meanwhile() -> None:
        # What the holder has taken stays its own.
        wait_until(lambda: open_tasks(linkage.broker) == 2)
        scheduler.kill()

    holds(linkage.broker, cluster, meanwhile)
    assert outcome(linkage.broker) == expected
    assert worker.has_said("range_stored")
    assert linkage.log_kinds().count("run-finished") == 1


@pytest.mark.long
@pytest.mark.campaign("kills-worker")
def test_a_worker_that_is_killed_changes_nothing_and_the_next_one_is_called(
    linkage: Linkage, cluster: Cluster, expected: object
) -> None:
    cluster.start_scheduler()
    doomed = cluster.start_worker(linkage.broker.settings, SMALL_PARTS)

    def meanwhile() -> None:
        # In the middle of its first tasks, or right after them.
        assert doomed.wait_for("run_helped", PATIENCE_S), doomed.lines
        doomed.kill()
        cluster.start_worker(linkage.broker.settings, SMALL_PARTS)
        wait_until(lambda: open_tasks(linkage.broker) == 2)

    holds(linkage.broker, cluster, meanwhile)
    assert outcome(linkage.broker) == expected


def test_a_run_needs_no_cluster_that_its_settings_name(
    linkage: Linkage, cluster: Cluster, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.extras.cluster.client.CONNECT_TIMEOUT_S", 0.2)
    holds(linkage.broker, cluster, lambda: None)
    assert outcome(linkage.broker) == expected


def test_a_worker_that_is_stopped_leaves_its_tasks_to_others(
    linkage: Linkage, expected: object
) -> None:
    helpers: list[RunHelper] = []

    def stop(number: int, moment: str) -> None:
        if (number, moment) == (1, "after"):
            helpers[0].stop()

    def meanwhile() -> None:
        helpers.append(RunHelper(hooked(linkage.broker, stop)))
        helpers[0](linkage.run_id())
        helpers[0].end()
        with linkage.broker.database.read() as session:
            query = "SELECT count(*) FROM run_task WHERE meetings IS NULL AND lease_token IS NULL"
            assert int(session.execute(text(query)).scalar_one()) > 2

    holds(linkage.broker, None, meanwhile)
    assert outcome(linkage.broker) == expected


@pytest.mark.usefixtures("expected")
def test_a_worker_helps_with_no_other_run_than_it_is_asked(linkage: Linkage) -> None:
    left: list[int] = []

    def meanwhile() -> None:
        before = open_tasks(linkage.broker)
        RunHelper(linkage.broker)("run-" + 32 * "0")
        left.append(before - open_tasks(linkage.broker))

    holds(linkage.broker, None, meanwhile)
    assert left == [0]


def test_a_helper_of_an_older_version_can_help_no_more(linkage: Linkage) -> None:
    database = Database(linkage.broker.database.url)
    database.hold_to("another version's")
    with pytest.raises(RunHelper.final):
        RunHelper(replace(linkage.broker, database=database))("run-" + 32 * "0")
    database.engine.dispose()


def test_doctor_says_that_a_cluster_does_not_answer(
    linkage: Linkage, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.extras.cluster.client.CONNECT_TIMEOUT_S", 0.2)
    settings = linkage.broker.settings
    assert cluster_line(settings, monkeypatch) == (
        "ok     cluster: none; workers on this database share runs without one"
    )
    said = cluster_line(settings.model_copy(update=cluster.settings), monkeypatch)
    assert said.startswith("WRONG  cluster: The cluster's scheduler does not answer")


@pytest.mark.long
def test_doctor_counts_the_workers_of_a_cluster(
    linkage: Linkage, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = linkage.broker.settings.model_copy(update=cluster.settings)
    cluster.start_scheduler()
    said = cluster_line(settings, monkeypatch)
    assert said == "WRONG  cluster: the scheduler answers, and has no worker"
    assert cluster.start_worker().wait_for("cluster_joined")
    said = cluster_line(settings, monkeypatch)
    assert said.startswith("ok     cluster: answers; workers: 1, of which help with runs: 0")


def cluster_line(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what doctor says of the cluster that these settings name."""
    with monkeypatch.context() as patched:
        for name, value in environment(settings).items():
            patched.setenv(name, value)
        asked = ["--state", str(settings.state_dir), "doctor"]
        said = CliRunner().invoke(main, asked).stdout
    return next(line for line in said.splitlines() if "cluster:" in line)
