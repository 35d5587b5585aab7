"""A broker whose blobs lie in an object store: the same releases as from files, and outages lose nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rigs.broker_processes import environment, repeating
from rigs.broker_twins import copied_broker, expire_leases, released_matches, server_of
from rigs.destroying import checked, destroy
from rigs.hooked_database import hooked_after_sweep
from rigs.linkage import AUDITOR, CHILD_WELFARE, SCHOOL, Linkage
from samples.round_files import random_people, two_files
from services.object_store import ObjectStoreServer
from sqlalchemy import text

from app.backup.archive import restore_backup, write_backup
from app.blobs import FileBlobs, move_blobs
from app.broker import Broker
from app.cli.main import main
from app.errors import ConfigurationError
from app.worker.loop import Worker
from schemas.documents.problem import Problem


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of few rows: a range begins where a part does."""
    monkeypatch.setattr("schemas.rounds.upload.ROWS_PER_PIECE", 90)


@pytest.fixture
def outcome_in_files(
    linkage: Linkage, tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[[], tuple]:
    """Has a copy of the broker with blobs in files do what waits, and says what came of it."""

    def work() -> tuple:
        server = server_of(linkage.broker, request)
        with copied_broker(linkage.broker, tmp_path / "files", server) as copy:
            files = FileBlobs(copy.settings.blob_dir, reserve_percent=0)
            for digest in copy.blobs.digests():
                files.put(copy.blobs.get(digest))
            broker = replace(copy, blobs=files)
            Worker(broker).work(until_idle=True)
            return outcome(broker)

    return work


def outcome(broker: Broker) -> tuple:
    """Return what a run came to: the root of its match record, its histogram, and everyone's matches."""
    with broker.database.read() as session:
        row = session.execute(text("SELECT state, match_record, histogram FROM run")).one()
    return tuple(row), released_matches(broker)


def test_a_linkage_over_a_store_is_the_one_over_files_and_is_destroyed_as_well(
    linkage: Linkage, outcome_in_files: Callable[[], tuple]
) -> None:
    linkage.upload_both(30, 12, 8)
    expected = outcome_in_files()
    linkage.work()
    assert outcome(linkage.broker) == expected
    path = f"/v1/projects/{linkage.terms.project}/releases"
    release = linkage.get(path).json()["releases"][0]
    fetched = linkage.get(f"/v1/releases/{release['release']}/file")
    assert len(fetched.content) == release["size_bytes"]
    assert not (linkage.broker.settings.state_dir / "blobs").exists()
    certificate = destroy(linkage, party="operator", role="operator").json()["certificate"]
    linkage.work()
    assert checked(linkage, certificate).certificate.objects
    assert list(linkage.broker.blobs.digests()) == list(linkage.broker.keystore.object_ids()) == []


def test_a_store_that_dies_in_the_midst_of_an_upload_loses_no_part(
    linkage: Linkage, object_store_server: ObjectStoreServer
) -> None:
    linkage.open_round()
    made = linkage.container(random_people(random.Random(5), 30), CHILD_WELFARE)
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    manifest = linkage.manifest(made, CHILD_WELFARE)
    assert len(made.parts) > 2
    for number, part in enumerate(made.parts):
        if number == 1:
            with object_store_server.down():
                refused = linkage.put(upload, number, part, CHILD_WELFARE)
                assert Problem.from_json(refused.json()).code == "store-unavailable"
                assert linkage.client.get("/readyz").status_code == refused.status_code == 503
                stored = linkage.get(f"/v1/uploads/{upload}/parts").json()["stored"]
                assert stored == [0]
        assert linkage.put(upload, number, part, CHILD_WELFARE).status_code == 200
    assert linkage.client.get("/readyz").status_code == 200
    with object_store_server.down():
        assert linkage.ask_commit(upload, manifest, CHILD_WELFARE).status_code == 202
        assert linkage.get(f"/v1/uploads/{upload}").json()["state"] == "checking"
    expire_leases(linkage.broker)
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200


def test_a_store_that_is_killed_at_any_moment_keeps_what_was_acknowledged(
    linkage: Linkage, object_store_server: ObjectStoreServer, outcome_in_files: Callable[[], tuple]
) -> None:
    """Parts are sent while the store dies again and again; then the run is what it is over files."""

    def insist(call):
        answer = call()
        while answer.status_code == 503:
            answer = call()
        assert answer.status_code in {200, 201}, answer.text
        return answer

    def lose() -> None:
        with object_store_server.down():
            pass

    rng = random.Random()
    linkage.open_round()
    pair = zip(two_files(linkage.rng, 30, 12, 8), (CHILD_WELFARE, SCHOOL), strict=True)
    with repeating(lose, 6, lambda: rng.uniform(0.01, 0.15)):
        for people, party in pair:
            made = linkage.container(people, party)
            upload = linkage.open(made, party).json()["upload"]
            for number, part in enumerate(made.parts):
                insist(lambda: linkage.put(upload, number, part, party))  # noqa: B023
            insist(lambda: linkage.commit(upload, linkage.manifest(made, party), party))  # noqa: B023
    expected = outcome_in_files()
    linkage.work()
    assert outcome(linkage.broker) == expected


def test_a_store_that_dies_in_the_midst_of_a_run_leaves_it_to_a_later_attempt(
    linkage: Linkage, object_store_server: ObjectStoreServer, outcome_in_files: Callable[[], tuple]
) -> None:
    linkage.upload_both(30, 12, 8)
    expected = outcome_in_files()

    def hook(number: int, moment: str) -> None:
        if (number, moment) == (3, "after"):
            object_store_server.kill()

    Worker(hooked_after_sweep(linkage.broker, hook)).work(until_idle=True)
    assert linkage.run()["state"] == "running"
    with linkage.broker.database.read() as session:
        blocks = session.execute(text("SELECT count(*) FROM sealed_piece WHERE kind = 'run-block'"))
        assert blocks.scalar_one() >= 1
    expire_leases(linkage.broker)
    # However long it takes, no attempt is counted.
    for _ in range(2):
        assert not Worker(linkage.broker).work_once()
    object_store_server.start()
    linkage.work()
    assert outcome(linkage.broker) == expected


def test_what_a_silent_store_does_not_hand_out_is_not_said_to_have_been_fetched(
    linkage: Linkage, object_store_server: ObjectStoreServer
) -> None:
    linkage.upload_both(30, 12)
    linkage.work()
    path = f"/v1/projects/{linkage.terms.project}/releases"
    release = linkage.get(path).json()["releases"][0]["release"]
    paths = [f"/v1/releases/{release}/file", f"/v1/releases/{release}/openings"]
    record = f"/v1/runs/{linkage.run_id()}/match-record"
    logged = linkage.log_kinds()
    with object_store_server.down():
        answers = [linkage.get(path) for path in paths] + [linkage.get(record, AUDITOR, "auditor")]
    assert [one.status_code for one in answers] == [503] * 3
    assert {Problem.from_json(one.json()).code for one in answers} == {"store-unavailable"}
    assert linkage.log_kinds() == logged
    assert all(linkage.get(path).status_code == 200 for path in paths)
    assert linkage.log_kinds()[len(logged) :] == ["release-fetched"] * 2


def test_a_broker_moves_from_files_into_a_store(linkage: Linkage, tmp_path: Path) -> None:
    """As an operator does it: anyone who forgets to move is told before a run has failed for want of its
    blobs.
    """
    linkage.upload_both(30, 12)
    settings, store = linkage.broker.settings, linkage.broker.blobs
    before = list(store.digests())
    assert move_blobs(store, FileBlobs(settings.blob_dir, reserve_percent=0)) == len(before)
    with pytest.raises(ConfigurationError, match="still lie in files"):
        linkage.work()
    assert linkage.run()["state"] == "queued"

    def type_it(**changes: str) -> Result:
        typed = {name: value for name, value in environment(settings).items() if value is not None}
        words = ["--state", str(settings.state_dir), "move-blobs"]
        return CliRunner(env=typed | changes).invoke(main, words)

    done = type_it()
    assert (done.exit_code, done.stderr.split()[0]) == (0, str(len(before)))
    assert list(store.digests()) == before
    assert type_it().stderr.startswith("0 blobs")
    linkage.work()
    assert linkage.run()["state"] == "succeeded"


def test_a_backup_holds_the_blobs_of_the_store_and_puts_them_back(
    linkage: Linkage, tmp_path: Path
) -> None:
    linkage.upload_both(30, 12)
    store = linkage.broker.blobs
    before = list(store.digests())
    assert write_backup(linkage.broker, tmp_path / "backup").blobs == len(before)
    for digest in before:
        store.delete(digest)
    restore_backup(linkage.broker, tmp_path / "backup", replace=True)
    assert list(store.digests()) == before
    linkage.work()
    assert linkage.run()["state"] == "succeeded"
