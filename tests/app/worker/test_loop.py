"""The worker's life outside a run: stopping, failures that pass and failures that last, and its lease."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from app.uploads.loading import LoadedUpload, load_upload
from oracles.broker_twins import expire_leases, released_links
from oracles.hooked_database import hooked, hooked_after_sweep
from oracles.linkage_rig import Linkage, MakeLinkage
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

import app.worker.run
from app.broker import Broker
from app.runs.lease import Lease, claim_run
from app.security.errors import StorageFullError
from app.worker.heartbeat import Heartbeat
from app.worker.loop import Worker
from schemas.run import IdSpace

FIRST_BLOCK = 2


def view(linkage: Linkage, run: str) -> dict:
    return linkage.get(f"/v1/runs/{run}").json()


def at_write(number: int, act: Callable[[], object]) -> Callable[[int, str], None]:
    def hook(found: int, moment: str) -> None:
        if (found, moment) == (number, "after"):
            act()

    return hook


def test_a_stopped_worker_gives_its_run_back_and_the_next_goes_on_at_once(
    linkage: Linkage, queued: str
) -> None:
    hook = at_write(FIRST_BLOCK, lambda: worker.stop())  # noqa: PLW0108 - it is made after the hook
    broker = hooked_after_sweep(linkage.broker, hook)
    worker = Worker(broker)
    worker.work()
    assert view(linkage, queued)["state"] == "running"
    assert view(linkage, queued)["progress"]["comparisons_done"] > 0
    linkage.work()
    assert view(linkage, queued)["state"] == "succeeded"


def test_a_worker_that_was_stopped_takes_nothing_up(linkage: Linkage, queued: str) -> None:
    worker = Worker(linkage.broker)
    worker.stop()
    worker.work()
    assert view(linkage, queued)["state"] == "queued"


class FullDisk:
    """Blobs that cannot be stored, until `is_full` is unset."""

    def __init__(self, inner) -> None:
        self._inner = inner
        self.is_full = True

    def put(self, ciphertext: bytes) -> str:
        if self.is_full:
            raise StorageFullError("The disk is full.")
        return self._inner.put(ciphertext)

    def __getattr__(self, name: str):
        return getattr(self._inner, name)


def test_a_full_disk_leaves_the_run_to_a_later_attempt(linkage: Linkage, queued: str) -> None:
    disk = FullDisk(linkage.broker.blobs)
    worker = Worker(replace(linkage.broker, blobs=disk))
    worker.work(until_idle=True)
    assert view(linkage, queued)["state"] == "running"
    disk.is_full = False
    expire_leases(linkage.broker)
    worker.work(until_idle=True)
    assert view(linkage, queued)["state"] == "succeeded"


def test_a_database_that_fails_for_a_moment_does_not_end_the_worker(
    linkage: Linkage, queued: str
) -> None:
    def fail() -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    Worker(hooked_after_sweep(linkage.broker, at_write(FIRST_BLOCK, fail))).work(until_idle=True)
    expire_leases(linkage.broker)
    linkage.work()
    assert view(linkage, queued)["state"] == "succeeded"


def test_a_fault_nobody_thought_of_does_not_end_the_worker(linkage: Linkage, queued: str) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    Worker(hooked_after_sweep(linkage.broker, at_write(FIRST_BLOCK, fail))).work(until_idle=True)
    assert view(linkage, queued)["state"] == "running"


def test_a_damaged_part_fails_the_run_for_good(linkage: Linkage, queued: str) -> None:
    for digest in list(linkage.broker.blobs.digests()):
        path = linkage.broker.settings.blob_dir / digest[:2] / digest
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    linkage.work()
    assert (view(linkage, queued)["state"], view(linkage, queued)["failure"]) == (
        "failed",
        "seal-broken",
    )


def test_a_run_whose_terms_have_ended_fails_without_having_started(
    make_linkage: MakeLinkage,
) -> None:
    linkage = make_linkage(end="2026-09-02")
    linkage.upload_both()
    run = linkage.ask().json()["run"]
    linkage.founded.clock.move(days=2)
    linkage.work()
    assert view(linkage, run)["failure"] == "not-in-force"
    assert "run-started" not in linkage.log_kinds()


def test_a_run_whose_upload_was_destroyed_fails_without_having_started(
    linkage: Linkage, queued: str
) -> None:
    linkage.founded.clock.move(days=30)
    linkage.work()
    assert view(linkage, queued)["failure"] == "key-gone"
    kinds = linkage.log_kinds()
    assert "run-started" not in kinds
    assert kinds.index("upload-destroyed") < kinds.index("run-failed")


def test_a_run_whose_terms_end_under_way_releases_nothing(linkage: Linkage, queued: str) -> None:
    def end_terms() -> None:
        linkage.founded.clock.now = linkage.founded.clock.now.replace(year=2028)

    Worker(hooked_after_sweep(linkage.broker, at_write(FIRST_BLOCK, end_terms))).work(
        until_idle=True
    )
    assert view(linkage, queued)["failure"] == "not-in-force"
    assert released_links(linkage.broker) == {}


def test_progress_tells_stage_comparisons_and_rate(linkage: Linkage, queued: str) -> None:
    seen = []
    hook = at_write(FIRST_BLOCK, lambda: seen.append(view(linkage, queued)["progress"]))
    Worker(hooked_after_sweep(linkage.broker, hook)).work(until_idle=True)
    (under_way,) = seen
    # 38 records with 30; which of them are rivals, and so compared within their file, shows later.
    assert under_way["comparisons_total"] == 38 * 30
    assert 0 < under_way["comparisons_done"] < under_way["comparisons_total"]
    assert under_way["stage"] == "comparing"
    assert under_way["rate"] > 0
    assert under_way["seconds_left"] is not None
    done = view(linkage, queued)["progress"]
    assert done["seconds_left"] is None
    # 8 records have two candidates each, or more by chance: at least 16 rivals.
    assert done["comparisons_done"] == done["comparisons_total"] >= 38 * 30 + 16 * 15 // 2


def test_encodings_and_handles_are_wiped_when_the_run_is_over(
    linkage: Linkage, queued: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[LoadedUpload] = []

    def keep(*arguments) -> LoadedUpload:
        loaded.append(load_upload(*arguments))
        assert loaded[-1].handles.any()
        assert loaded[-1].dataset.words.any()
        return loaded[-1]

    monkeypatch.setattr(app.worker.run, "load_upload", keep)
    linkage.work()
    assert len(loaded) == 2
    assert not any(upload.handles.any() or upload.dataset.words.any() for upload in loaded)


def test_a_run_that_cannot_go_on_does_not_keep_the_next_one_waiting(linkage: Linkage) -> None:
    linkage.upload_both()
    stale = linkage.ask().json()["run"]
    linkage.founded.clock.move(days=29)
    linkage.upload_both()
    fresh = linkage.ask().json()["run"]
    linkage.founded.clock.move(days=1)
    linkage.work()
    assert (view(linkage, stale)["failure"], view(linkage, fresh)["state"]) == (
        "key-gone",
        "succeeded",
    )


def test_of_two_runs_in_one_lasting_space_the_later_builds_on_the_earlier(
    make_linkage: MakeLinkage,
) -> None:
    linkage = make_linkage(spaces=(IdSpace(name="shared", lifetime="project"),))
    _, right = linkage.upload_both()
    first = linkage.ask().json()["run"]
    overtaken = []

    def overtake(_number: int, moment: str) -> None:
        if (
            moment == "before"
            and not overtaken
            and view(linkage, first)["progress"]["stage"] == "releasing"
        ):
            linkage.founded.clock.move(hours=1)
            linkage.upload(right, "school-district")
            overtaken.append(linkage.ask().json()["run"])
            linkage.work()

    linkage.founded.clock.move(hours=1)
    Worker(hooked_after_sweep(linkage.broker, overtake)).work(until_idle=True)
    (second,) = overtaken
    assert view(linkage, first)["state"] == view(linkage, second)["state"] == "succeeded"
    assert released_links(linkage.broker, first) == released_links(linkage.broker, second)
    assert len(released_links(linkage.broker, first)["school-district"]) == 12


@pytest.fixture
def short_lease(linkage: Linkage) -> Broker:
    settings = linkage.broker.settings.model_copy(update={"lease_s": 1})
    return replace(linkage.broker, settings=settings)


def lease_until_ms(broker: Broker) -> int:
    with broker.database.read() as session:
        return int(session.execute(text("SELECT lease_until_ms FROM run")).scalar_one())


def claim(broker: Broker) -> Lease:
    with broker.database.write() as session:
        lease = claim_run(session, lease_ms=1000)
        assert lease is not None
        return lease


def test_the_heartbeat_puts_the_end_of_the_lease_off(short_lease: Broker, queued: str) -> None:
    lease = claim(short_lease)
    first = lease_until_ms(short_lease)
    renewed = threading.Event()

    def hook(_number: int, moment: str) -> None:
        if moment == "after":
            renewed.set()

    with Heartbeat(hooked(short_lease, hook), lease, threading.Event()):
        assert renewed.wait(20)
    assert lease_until_ms(short_lease) > first


def test_the_heartbeat_tells_when_the_lease_is_lost(short_lease: Broker, queued: str) -> None:
    lease, lost = claim(short_lease), threading.Event()
    with short_lease.database.write() as session:
        session.execute(text("UPDATE run SET lease_token = 'another'"))
    with Heartbeat(short_lease, lease, lost):
        assert lost.wait(20)
