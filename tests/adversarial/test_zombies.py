"""A worker that is stopped for longer than its lease, and wakes when another has finished its run."""

from __future__ import annotations

import signal
import sqlite3
from collections import Counter
from contextlib import closing

import psycopg
import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.broker_processes import Process
from rigs.broker_twins import released_matches
from rigs.kill_scene import N_COMMON, Scene


def stop_between_writes(scene: Scene, worker: Process) -> None:
    """Stop a worker at a moment when it holds no lock; one that does would stop all others too."""
    worker.signal(signal.SIGSTOP)
    while not is_free(scene):
        worker.signal(signal.SIGCONT)
        worker.signal(signal.SIGSTOP)


def is_free(scene: Scene) -> bool:
    """Tell whether someone else could write now, without waiting for it."""
    url = scene.real.broker.database.url
    if scene.server is None:
        return is_sqlite_free(str(url.database))
    with psycopg.connect(scene.server.url(str(url.database)).replace("+psycopg", "")) as connection:
        try:
            for table in ("run", "log_head"):
                connection.execute(f"SELECT 1 FROM {table} FOR UPDATE NOWAIT")
        except psycopg.errors.LockNotAvailable:
            return False
    return True


def is_sqlite_free(path: str) -> bool:
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
    return True


@pytest.mark.timeout(3600)
@pytest.mark.campaign("zombies")
def test_a_worker_that_wakes_too_late_writes_nothing(scene: Scene, tally: Tally) -> None:
    n_runs = times(quick=1, full=50)
    for _ in range(n_runs):
        scene.upload_both()
        run = scene.linkage.run_id()
        zombie = Process(scene.settings, "work")
        assert zombie.wait_for("range_stored")
        stop_between_writes(scene, zombie)
        other = Process(scene.settings, "work")
        assert other.wait_for("run_completed"), other.lines
        zombie.signal(signal.SIGCONT)
        assert zombie.wait_for("lease_lost"), zombie.lines
        assert not zombie.has_said("run_completed")
        for worker in (zombie, other):
            worker.kill()
        assert {len(matches) for matches in released_matches(scene.real.broker, run).values()} == {
            N_COMMON
        }
        entries = [entry for entry in scene.linkage.log_entries() if entry["object"] == run]
        kinds = Counter(entry["kind"] for entry in entries)
        assert kinds == {
            "standing-used": 1,
            "run-asked": 1,
            "run-started": 2,
            "run-finished": 1,
        }
        scene.pin()
    scene.check_log()
    tally.tried(n_runs)
