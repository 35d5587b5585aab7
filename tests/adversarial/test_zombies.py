"""A worker that is stopped for longer than its lease, and wakes when another has finished its run."""

from __future__ import annotations

import signal
from collections import Counter

import pytest
from oracles.broker_processes import Process
from oracles.broker_twins import released_links
from oracles.kill_scene import N_COMMON, Scene


@pytest.mark.parametrize("n_runs", [1, pytest.param(50, marks=pytest.mark.soak)])
@pytest.mark.timeout(3600)
def test_a_worker_that_wakes_too_late_writes_nothing(scene: Scene, n_runs: int) -> None:
    for _ in range(n_runs):
        scene.upload_both()
        run = str(scene.linkage.ask().json()["run"])
        zombie = Process(scene.settings, "work")
        assert zombie.wait_for("block_stored")
        zombie.signal(signal.SIGSTOP)
        other = Process(scene.settings, "work")
        assert other.wait_for("run_completed"), other.lines
        zombie.signal(signal.SIGCONT)
        assert zombie.wait_for("lease_lost"), zombie.lines
        assert not zombie.has_said("run_completed")
        for worker in (zombie, other):
            worker.kill()
        assert {len(links) for links in released_links(scene.real.broker, run).values()} == {
            N_COMMON
        }
        entries = [entry for entry in scene.linkage.log_entries() if entry["object"] == run]
        kinds = Counter(entry["kind"] for entry in entries)
        assert kinds == {"run-asked": 1, "run-started": 2, "run-finished": 1}
        scene.pin()
    scene.check_log()
