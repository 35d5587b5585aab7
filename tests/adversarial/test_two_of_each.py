"""Two brokers and two workers at one state, whose database is locked for a while by someone else."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.broker_processes import InsistentClient, Process, ServedBroker
from rigs.broker_twins import released_matches
from rigs.kill_scene import N_COMMON, Scene
from rigs.linkage import CHILD_WELFARE, PROJECT
from samples.round_files import two_files

# Longer than a request waits for the embedded database, which is half a minute.
LONG_LOCK_S = 45


class Alternating:
    """Asks one broker, then the other."""

    def __init__(self, *clients: InsistentClient) -> None:
        self._turns = itertools.cycle(clients)

    def __getattr__(self, name: str) -> Any:
        return getattr(next(self._turns), name)


@pytest.mark.campaign("two-at-once")
def test_two_brokers_and_two_workers_at_one_state_do_everything_once(
    scene: Scene, tally: Tally
) -> None:
    linkage, other = scene.linkage, ServedBroker(scene.settings)
    linkage.client = Alternating(InsistentClient(scene.served), InsistentClient(other))
    n_runs = times(quick=2, full=50)
    try:
        for _ in range(n_runs):
            scene.upload_both()
            run = linkage.run_id()
            workers = [Process(scene.settings, "work", "--until-idle") for _ in range(2)]
            assert [worker.wait() for worker in workers] == [0, 0]
            Process(scene.settings, "work", "--until-idle").wait()
            found = released_matches(scene.real.broker, run)
            assert {len(matches) for matches in found.values()} == {N_COMMON}
            kinds = Counter(
                entry["kind"] for entry in linkage.log_entries() if entry["object"] == run
            )
            assert kinds["run-finished"] == 1
        scene.check_log()
    finally:
        other.close()
    tally.tried(2 * n_runs)


@contextmanager
def locked(scene: Scene) -> Iterator[None]:
    """Hold what every writer needs."""
    url = scene.real.broker.database.url
    if scene.server is None:
        with closing(sqlite3.connect(str(url.database), isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
    else:
        own = scene.server.url(str(url.database)).replace("+psycopg", "")
        with psycopg.connect(own) as connection:
            connection.execute("LOCK TABLE upload IN EXCLUSIVE MODE")
            yield
            connection.rollback()


@pytest.mark.campaign("two-at-once")
def test_a_database_that_is_locked_for_a_while_makes_writers_wait_and_no_more(
    scene: Scene, tally: Tally
) -> None:
    """Anyone who waits too long is told to come again."""
    linkage, held_s = scene.linkage, times(quick=2, full=LONG_LOCK_S)
    scene.served.client.timeout = 3 * LONG_LOCK_S
    linkage.open_round()
    made = linkage.container(two_files(scene.rng, 400, 100)[0], CHILD_WELFARE)
    answers = []
    asking = threading.Thread(
        target=lambda: answers.append(linkage.open(made, CHILD_WELFARE, key="once"))
    )
    with locked(scene):
        asking.start()
        asking.join(held_s)
        is_waiting = asking.is_alive()
        assert linkage.get("/v1/log/checkpoint", CHILD_WELFARE).status_code == 200
    asking.join()
    (answer,) = answers
    assert is_waiting or answer.status_code == 503, answer.text
    if answer.status_code == 503:
        answer = linkage.open(made, CHILD_WELFARE, key="once")
    assert answer.status_code == 201, answer.text
    uploads = linkage.get(f"/v1/projects/{PROJECT}/uploads", CHILD_WELFARE).json()["uploads"]
    assert len(uploads) == 1
    scene.check_log()
    tally.tried()
