"""Blocks of plain CLKs on a cluster of real processes: the pairs of threads, whoever dies meanwhile."""

from __future__ import annotations

import base64
import json
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from rigs.anonlink_client import LIMITS, Anonlink
from rigs.cluster import Cluster, new_cluster
from samples.encodings import seeded_rows
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from app.cli.main import main
from app.extras.anonlink.application import create_app
from app.extras.anonlink.service import opened_service
from app.extras.cluster.client import connected, strength_of
from app.extras.cluster.configuration import distributed
from app.extras.cluster.executor import cluster_blocks, find_pairs_on_cluster
from app.extras.cluster.place import Place
from app.extras.cluster.tasks import compare_block
from app.extras.exhaustive import OrderedPairs, PairCapError, Words, pack_words
from app.extras.exhaustive.run import find_pairs

THRESHOLD = Fraction(4, 5)


@pytest.fixture(scope="module")
def files() -> list[Words]:
    left, right = seeded_rows(600, 256, 0.4, seed=21)
    return [pack_words(left), pack_words(right[:400])]


@pytest.fixture(scope="module")
def alone(files: list[Words]) -> OrderedPairs:
    """What this process finds in one block."""
    pairs = find_pairs(files, THRESHOLD)
    assert len(pairs) > 100
    return pairs


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster whose two workers nobody kills."""
    with new_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        cluster.start(2)
        yield cluster


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some twenty blocks."""
    monkeypatch.setattr("app.extras.exhaustive.run.BLOCK_PAIRS", 100 * 100)


def same(found: OrderedPairs, expected: OrderedPairs) -> bool:
    return all(
        getattr(found, name).tobytes() == getattr(expected, name).tobytes()
        for name in ("left", "right", "common", "total")
    )


def test_blocks_of_any_size_give_the_pairs_of_one_process_and_the_workers_compare_them(
    running: Cluster, files: list[Words], alone: OrderedPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("app.extras.cluster.executor.ClusterExecutor._do_here", never)
    for size in (60 * 60, 250 * 250):
        monkeypatch.setattr("app.extras.exhaustive.run.BLOCK_PAIRS", size)
        assert same(find_pairs_on_cluster(running.place, files, THRESHOLD, n_threads=1), alone)
    # Files without rows have no pairs.
    more = [files[0], np.empty((0, 4), dtype=np.uint64), files[1]]
    found = find_pairs_on_cluster(running.place, more, THRESHOLD, n_threads=1)
    assert len(found) == len(find_pairs(more, THRESHOLD))
    # No worker writes anything to its disk.
    with connected(running.place) as client:
        folders = client.run(lambda dask_worker: dask_worker.local_directory).values()
        limits = client.run(lambda dask_worker: dask_worker.memory_manager.memory_limit).values()
    written = [file for folder in folders for file in Path(folder).rglob("*") if file.is_file()]
    assert len(folders) == 2
    assert sum(file.stat().st_size for file in written) == 0
    assert set(limits) == {None}


def test_the_cap_on_pairs_is_that_of_a_process(running: Cluster, files: list[Words]) -> None:
    with pytest.raises(PairCapError) as here:
        find_pairs(files, THRESHOLD, max_pairs=50)
    with pytest.raises(PairCapError) as there:
        find_pairs_on_cluster(running.place, files, THRESHOLD, n_threads=1, max_pairs=50)
    assert str(here.value) == str(there.value)


def test_an_executor_takes_blocks_of_its_own_files_only(
    running: Cluster, files: list[Words]
) -> None:
    with cluster_blocks(running.place, files, 1) as executor:
        for what, arguments in ((compare_block, (None,)), (find_pairs, (files, THRESHOLD))):
            with pytest.raises(TypeError):
                executor.submit(what, *arguments)


def test_match_prints_the_same_on_the_cluster(running: Cluster, tmp_path: Path) -> None:
    names = [tmp_path / "a.json", tmp_path / "b.json"]
    for name, rows in zip(names, seeded_rows(60, 128, 0.4, seed=9), strict=True):
        name.write_text(json.dumps({"clks": [base64.b64encode(row).decode() for row in rows]}))
    asked = ["match", *map(str, names), "--threshold", "0.8"]
    state = tmp_path / "state"
    state.mkdir()
    lines = (f"{name} = {json.dumps(str(value))}" for name, value in running.settings.items())
    (state / "broker.toml").write_text("\n".join(lines))
    here = CliRunner().invoke(main, asked)
    there = CliRunner().invoke(main, ["--state", str(state), *asked, "--cluster"])
    assert here.exit_code == there.exit_code == 0
    assert len(here.stdout) > 100
    assert here.stdout == there.stdout


@pytest.mark.parametrize("is_there", [True, False])
def test_the_anonlink_service_compares_on_the_cluster_and_without_it_alone(
    running: Cluster, tmp_path: Path, is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.extras.cluster.client.CONNECT_TIMEOUT_S", 5.0 if is_there else 0.2)
    place = running.place if is_there else replace(running.place, address="tls://127.0.0.1:9")
    rows = list(seeded_rows(60, 128, 0.4, seed=9))
    with (
        opened_service(tmp_path / "state", LIMITS, reserve_percent=0, cluster=place) as service,
        TestClient(create_app(service), base_url="http://127.0.0.1:8851") as client,
    ):
        anonlink = Anonlink(client, service)
        project = anonlink.filled(rows, "similarity_scores")
        with capture_logs() as told:
            found = anonlink.result(project, anonlink.run(project))["similarity_scores"]
    expected = find_pairs([pack_words(each) for each in rows], THRESHOLD)
    assert len(found) == len(expected) > 20
    shown = {line["event"] for line in told}
    assert ("cluster_unavailable" in shown) is not is_there


@pytest.mark.campaign("kills-worker")
def test_whoever_is_killed_the_pairs_are_the_same(
    tmp_path: Path, files: list[Words], alone: OrderedPairs
) -> None:
    with new_cluster(tmp_path) as cluster:
        scheduler, workers = cluster.start(2)
        harms = [workers[0].kill, scheduler.kill]
        assert same(harmed(cluster.place, files, harms), alone)
        assert harms == []


def test_a_client_that_stumbles_over_a_dead_scheduler_spoils_nothing_and_leaves_no_thread(
    tmp_path: Path, files: list[Words], alone: OrderedPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(_: object) -> None:
        """As where TLS breaks while the connection does not look closed yet."""
        raise AssertionError

    monkeypatch.setattr(distributed.Client, "_reconnect", stumble)
    with new_cluster(tmp_path) as cluster:
        scheduler, _ = cluster.start(1)
        before = set(threading.enumerate())
        assert same(harmed(cluster.place, files, [scheduler.kill]), alone)
        assert {one.name for one in set(threading.enumerate()) - before if one.is_alive()} == set()


@pytest.mark.long
@pytest.mark.campaign("kills-worker")
def test_a_cluster_that_falls_silent_changes_nothing_and_its_worker_joins_the_next_scheduler(
    tmp_path: Path, files: list[Words], alone: OrderedPairs
) -> None:
    with new_cluster(tmp_path) as cluster:
        scheduler, workers = cluster.start(1)

        def silence() -> None:
            """As where the network is cut: nothing comes, and nobody says goodbye."""
            for process in (scheduler, *workers):
                process.signal(signal.SIGSTOP)

        assert same(harmed(cluster.place, files, [silence]), alone)
        workers[0].signal(signal.SIGCONT)
        scheduler.kill()
        cluster.start_scheduler()
        workers[0].wait_for_more("cluster_joined")
        with connected(cluster.place) as client:
            assert strength_of(client).n_workers == 1
        assert same(find_pairs_on_cluster(cluster.place, files, THRESHOLD, n_threads=1), alone)


def harmed(place: Place, files: list[Words], harms: list[Callable[[], object]]) -> OrderedPairs:
    """Return the pairs of a comparison of which the first blocks are each followed by something."""

    def watch(_: object) -> None:
        if harms:
            harms.pop(0)()

    with (
        pytest.MonkeyPatch.context() as patched,
        cluster_blocks(place, files, 1) as executor,
    ):
        patched.setattr("app.extras.cluster.executor.PATIENCE_S", 0.5)
        return find_pairs(
            files, THRESHOLD, n_threads=executor.n_tasks, executor=executor, watch=watch
        )
