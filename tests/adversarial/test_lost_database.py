"""A PostgreSQL server that dies at once while agencies upload and a run is done, again and again.

A server of the test's own, as in operation, and real processes. Nobody kills the broker: it goes on by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.broker_processes import Process, repeating
from rigs.broker_twins import released_matches
from rigs.kill_scene import Scene, served_scene
from rigs.linkage import CHILD_WELFARE, SCHOOL
from services.postgres import MissingServerError, running_postgres
from services.requirement import missing
from sqlalchemy.exc import OperationalError

PATIENCE_S = 120


@pytest.fixture
def durable_scene(tmp_path: Path) -> Iterator[Scene]:
    try:
        with (
            running_postgres(durable=True) as server,
            server.fresh_database() as url,
            served_scene(tmp_path, url, server, is_volatile=False) as made,
        ):
            yield made
    except MissingServerError as error:
        missing(str(error))


def linked(scene: Scene, worker: Process) -> dict[str, int]:
    """Return how many matches the newest run gave each recipient, once it has ended well."""
    run = scene.linkage.run_id()
    deadline = time.monotonic() + PATIENCE_S
    while (view := scene.linkage.get(f"/v1/runs/{run}").json())["state"] in ("queued", "running"):
        assert time.monotonic() < deadline, (view, worker.lines)
        threading.Event().wait(0.2)
    assert (view["state"], view["failure"]) == ("succeeded", None), worker.lines
    while True:
        try:
            released = released_matches(scene.real.broker, run)
        except OperationalError:  # The server dies under this reader, too.
            assert time.monotonic() < deadline
        else:
            return {party: len(found) for party, found in released.items()}


@pytest.mark.soak
@pytest.mark.postgres
@pytest.mark.timeout(1800)
@pytest.mark.campaign("lost-database", database="postgres")
def test_what_was_acknowledged_is_there_and_the_run_ends(
    durable_scene: Scene, tally: Tally
) -> None:
    scene, server = durable_scene, durable_scene.server
    assert server is not None
    in_uploads, in_runs = times(quick=2, full=100), times(quick=2, full=100)
    with repeating(server.lose, in_uploads, lambda: scene.rng.uniform(0.2, 1.5)) as over:
        while not over.is_set():
            scene.upload_both(400, 100)
    worker = Process(scene.settings, "work")
    assert worker.wait_for("worker_started"), worker.lines
    with repeating(server.lose, in_runs, lambda: scene.rng.uniform(0.2, 1.5)) as over:
        while not over.is_set():
            scene.upload_both(400, 100)
            assert linked(scene, worker) == {CHILD_WELFARE: 100, SCHOOL: 100}
    worker.kill()
    for upload, (party, receipt) in scene.receipts.items():
        assert scene.linkage.get(f"/v1/uploads/{upload}/receipt", party).json() == receipt
    scene.check_log()
    tally.tried(in_uploads + in_runs)
