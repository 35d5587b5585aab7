"""Broker and worker killed at random moments of uploads, runs, reviews and fetches.

Real processes by their real commands and SIGKILL, on both databases. What was acknowledged must be there
afterwards, the run must end as it does undisturbed, and the log must verify with every pin ever kept.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path

import httpx2
import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.broker_processes import Process, killing, repeating
from rigs.broker_twins import Matches, copied_broker, released_matches
from rigs.kill_scene import N_COMMON, Scene, served_scene
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL
from rigs.reviewing import REVIEW, Reviewing
from services.object_store import ObjectStoreServer

from app.broker import Broker
from app.runs.models import Run
from app.worker.loop import Worker
from schemas.rounds.release import parse_release, release_digest

# Of one run. A worker is killed after a moment's work, so that a run outlives about this many.
WORKERS_OF_RUN = 9
N_DOUBTFUL = 6


@pytest.mark.timeout(3600)
@pytest.mark.campaign("kills-broker")
def test_nothing_acknowledged_is_lost_and_runs_end_as_undisturbed_ones(
    scene: Scene, tally: Tally
) -> None:
    in_uploads, of_workers, in_fetches = (
        times(quick=2, full=70),
        times(quick=2, full=90),
        times(quick=2, full=40),
    )
    upload_under_kills(scene, in_uploads)
    n_left = of_workers
    while n_left > 0:
        scene.upload_both()
        run, n_done = run_under_kills(scene, min(n_left, WORKERS_OF_RUN))
        n_left -= n_done
    fetch_under_kills(scene, run, in_fetches)
    check_receipts(scene)
    scene.check_log()
    tally.tried(in_uploads + of_workers + in_fetches)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.campaign("kills-broker")
def test_nothing_is_lost_where_the_object_store_dies_as_well(
    tmp_path: Path, sqlite_url: str, object_store_server: ObjectStoreServer, tally: Tally
) -> None:
    n_kills = times(quick=4, full=40)
    with served_scene(tmp_path, sqlite_url, None, store=object_store_server) as scene:

        def lose_store() -> None:
            with object_store_server.down():
                pass

        def moment() -> float:
            return scene.rng.uniform(0.05, 0.8)

        with repeating(lose_store, n_kills, moment):
            upload_under_kills(scene, n_kills // 2)
        scene.upload_both()
        run = scene.linkage.run_id()
        expected = undisturbed(scene, run)
        with repeating(lose_store, n_kills, moment):
            work_under_kills(scene, run, n_kills // 2)
        assert outcome(scene.real.broker, run) == expected
        check_receipts(scene)
        scene.check_log()
    tally.tried(3 * n_kills)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.campaign("kills-broker", database="sqlite")
def test_a_review_under_kills_counts_each_card_and_decision_once(
    tmp_path: Path, sqlite_url: str, tally: Tally
) -> None:
    n_reviews, n_kills = times(quick=1, full=12), times(quick=2, full=1 + N_DOUBTFUL)
    with served_scene(tmp_path, sqlite_url, None, kind=Reviewing, review=REVIEW) as scene:
        for _ in range(n_reviews):
            scene.linkage.end_round()
            review_under_kills(scene, n_kills)
            scene.pin()
        scene.check_log()
    tally.tried(n_reviews * n_kills)


def review_under_kills(scene: Scene, n_kills: int) -> None:
    """Review a run, killing the broker once while cards come in, and then while each of some decisions does."""
    acts = scene.linkage
    assert isinstance(acts, Reviewing)
    run = acts.hold_back(N_DOUBTFUL)
    stated = acts.stated_cards(run, {one: os.urandom(64) for one in acts.bucket_handles(run)})
    with killing(scene.served, 1, lambda: scene.rng.uniform(0, 0.05)) as over:
        # The same statement is one answer, however often it arrives.
        while not over.is_set():
            assert acts.put_cards(run, stated).json()["state"] == "answered"
    questions = acts.questions(run)
    assert set(acts.fetch_cards(run)) == {one.reference for one in questions}
    for number, question in enumerate(questions, start=1):
        verdict = "accept" if number % 2 else "reject"
        is_killed = number < n_kills
        with killing(scene.served, int(is_killed), lambda: scene.rng.uniform(0, 0.05)):
            decided = acts.decide(run, {question.reference: verdict}, number=number)
        assert decided.status_code == 200, decided.text
    view = acts.review()
    assert (view["decided"], view["state"]) == (N_DOUBTFUL, "ended")
    for party in (CHILD_WELFARE, SCHOOL):
        (supplement, *_) = acts.releases(party, 2)
        content = acts.get(f"/v1/releases/{supplement['release']}/file", party).content
        header, matches = parse_release(content)
        assert (header.run, len(matches)) == (run, N_DOUBTFUL // 2)


def upload_under_kills(scene: Scene, n_kills: int) -> None:
    """Upload again and again until the broker was killed this often."""
    with killing(scene.served, n_kills, lambda: scene.rng.uniform(0.005, 0.8)) as over:
        while not over.is_set():
            scene.upload_both()


def run_under_kills(scene: Scene, n_kills: int) -> tuple[str, int]:
    """Do one run, killing its workers, and the broker once; compare what it gives with the undisturbed run's.

    Returns the run, and how many workers were killed before it was done.
    """
    run = scene.linkage.run_id()
    scene.pin()
    expected = undisturbed(scene, run)
    with killing(scene.served, 1, lambda: scene.rng.uniform(0.1, 3.0)):
        n_done = work_under_kills(scene, run, n_kills)
    assert outcome(scene.real.broker, run) == expected
    kinds = Counter(
        entry["kind"] for entry in scene.linkage.log_entries() if entry["object"] == run
    )
    assert kinds["run-finished"] == 1
    scene.pin()
    return run, n_done


def outcome(broker: Broker, run: str) -> tuple[dict[str, int | None], Matches]:
    """Return what a run came to: its state's counts, and every recipient's matches."""
    with broker.database.read() as session:
        row = session.get(Run, run)
        assert row is not None
        assert row.state == "succeeded"
        names = ("candidate_pairs", "auto_pairs", "review_pairs", "expected_false")
        counts = {name: getattr(row, name) for name in names}
    assert counts["auto_pairs"] == N_COMMON
    return counts, released_matches(broker, run)


def undisturbed(scene: Scene, run: str) -> tuple[dict[str, int | None], Matches]:
    """Do the run that waits in a copy of the whole broker, and return what it comes to there."""
    scene.served.stop()
    folder = scene.folder / f"copy-{run}"
    with copied_broker(scene.real.broker, folder, scene.server) as copy:
        Worker(copy).work(until_idle=True)
        expected = outcome(copy, run)
    scene.served.restart()
    return expected


def work_under_kills(scene: Scene, run: str, n_kills: int) -> int:
    """Start workers and kill each while it works, at most this many, until the run is done."""
    pause = threading.Event()
    n_done = n_stalled = 0
    while scene.linkage.get(f"/v1/runs/{run}").json()["state"] != "succeeded":
        worker = Process(scene.settings, "work")
        assert worker.wait_for("run_taken_up"), worker.lines
        if n_done == n_kills:
            assert worker.wait_for("run_completed"), worker.lines
        # Some die while they load, but never so many in a row that the run counts as one that kills.
        elif n_stalled >= 2 or scene.rng.random() < 0.7:
            worker.wait_for("range_stored", timeout_s=10)
        pause.wait(scene.rng.uniform(0, 0.1))
        n_stalled = 0 if worker.has_said("range_stored") else n_stalled + 1
        n_done += not worker.has_said("worker_stopped")
        worker.kill()
    return min(n_done, n_kills)


def fetch_under_kills(scene: Scene, run: str, n_kills: int) -> None:
    """Fetch releases over and over; anyone who got a byte must be in the log, and no torn file may pass."""
    path = f"/v1/projects/{PROJECT}/releases"
    releases = {
        party: next(
            release
            for release in scene.linkage.get(path, party).json()["releases"]
            if release["run"] == run
        )
        for party in (CHILD_WELFARE, SCHOOL)
    }
    got_bytes: Counter[str] = Counter()
    with killing(scene.served, n_kills, lambda: scene.rng.uniform(0.01, 0.3)) as over:
        while not over.is_set() or min(got_bytes.values(), default=0) < 2:
            for party, release in releases.items():
                content = received(scene, party, release["release"])
                got_bytes[release["release"]] += bool(content)
                if len(content) == release["size_bytes"]:
                    assert release_digest(content) == release["sha256"]
                    assert len(parse_release(content)[1]) == N_COMMON
    logged = Counter(
        entry["object"]
        for entry in scene.linkage.log_entries()
        if entry["kind"] == "release-fetched"
    )
    assert all(logged[release] >= n for release, n in got_bytes.items())


def received(scene: Scene, party: str, release: str) -> bytes:
    """Return all bytes of a release that arrived, be the answer whole or not."""
    content = b""

    def fetch(client: httpx2.Client) -> None:
        nonlocal content
        headers = scene.linkage.as_party(party)
        with client.stream("GET", f"/v1/releases/{release}/file", headers=headers) as answer:
            assert answer.status_code == 200
            for chunk in answer.iter_raw():
                content += chunk

    try:
        fetch(scene.served.client)
    except httpx2.TransportError:
        scene.served.wait_until_served()
    return content


def check_receipts(scene: Scene) -> None:
    """Every receipt that was ever handed out is still what the broker says."""
    assert scene.receipts
    for upload, (party, receipt) in scene.receipts.items():
        assert scene.linkage.get(f"/v1/uploads/{upload}/receipt", party).json() == receipt
    kinds = Counter(scene.linkage.log_kinds())
    assert kinds["upload-received"] == len(scene.receipts)
    assert kinds["upload-rejected"] == 0
