"""The worker's life outside a run: stopping, failures that pass and failures that last, and its lease."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from rigs.broker_twins import copied_broker, expire_leases, released_matches, server_of
from rigs.hooked_database import hooked, hooked_after_sweep
from rigs.linkage import Linkage
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.blobs import FileBlobs
from app.broker import Broker
from app.errors import KeyKeeperUnavailableError, StorageFullError, StoreUnavailableError
from app.runs.lease import MAX_STALLED_ATTEMPTS, Lease, claim_run, renew_lease
from app.worker.companion import Heartbeat
from app.worker.loop import Worker

FIRST_RANGE = 2
PASSING = (KeyKeeperUnavailableError, StoreUnavailableError, StorageFullError)


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
    hook = at_write(FIRST_RANGE, lambda: worker.stop())  # noqa: PLW0108 - it is made after the hook
    broker = hooked_after_sweep(linkage.broker, hook)
    worker = Worker(broker)
    worker.work()
    assert view(linkage, queued)["state"] == "running"
    linkage.work()
    assert view(linkage, queued)["state"] == "succeeded"


def test_a_worker_that_was_stopped_takes_nothing_up(linkage: Linkage, queued: str) -> None:
    worker = Worker(linkage.broker)
    worker.stop()
    worker.work()
    assert view(linkage, queued)["state"] == "queued"


class Usage(NamedTuple):
    total: int
    used: int
    free: int


class FailingBlobs:
    """Blobs that cannot be stored, until `fault` is None."""

    def __init__(self, inner) -> None:
        self._inner = inner
        self.fault: type[Exception] | None = StorageFullError

    def put(self, ciphertext: bytes) -> str:
        if self.fault is not None:
            raise self.fault("It does not answer.")
        return self._inner.put(ciphertext)

    def __getattr__(self, name: str):
        return getattr(self._inner, name)


@pytest.mark.campaign("disk")
def test_what_passes_by_itself_leaves_the_run_to_a_later_attempt_however_often(
    linkage: Linkage, queued: str
) -> None:
    blobs = FailingBlobs(linkage.broker.blobs)
    worker = Worker(replace(linkage.broker, blobs=blobs))
    for number in range(MAX_STALLED_ATTEMPTS + 1):
        blobs.fault = PASSING[number % len(PASSING)]
        worker.work(until_idle=True)
        assert view(linkage, queued)["state"] == "running"
        expire_leases(linkage.broker)
    blobs.fault = None
    worker.work(until_idle=True)
    assert view(linkage, queued)["state"] == "succeeded"


@pytest.mark.campaign("disk")
def test_below_the_disk_reserve_a_run_waits_for_as_long_as_it_takes(
    linkage: Linkage, queued: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = linkage.broker.settings
    worker = Worker(replace(linkage.broker, blobs=FileBlobs(settings.blob_dir, reserve_percent=10)))
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: Usage(100, 99, 1))
        for _ in range(MAX_STALLED_ATTEMPTS + 2):
            worker.work(until_idle=True)
            assert view(linkage, queued)["state"] == "queued"
            expire_leases(linkage.broker)
    worker.work(until_idle=True)
    assert view(linkage, queued)["state"] == "succeeded"


def test_a_worker_without_work_says_nothing_of_a_full_disk(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise AssertionError("nobody needs room")

    with monkeypatch.context() as patched:
        patched.setattr(type(linkage.broker.blobs), "refuse_when_full", fail)
        assert not Worker(linkage.broker).work_once()


def test_a_database_that_fails_for_a_moment_does_not_end_the_worker(
    linkage: Linkage, queued: str
) -> None:
    def fail() -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    Worker(hooked_after_sweep(linkage.broker, at_write(FIRST_RANGE, fail))).work(until_idle=True)
    expire_leases(linkage.broker)
    linkage.work()
    assert view(linkage, queued)["state"] == "succeeded"


def test_a_fault_nobody_thought_of_does_not_end_the_worker(linkage: Linkage, queued: str) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    Worker(hooked_after_sweep(linkage.broker, at_write(FIRST_RANGE, fail))).work(until_idle=True)
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


def test_a_run_whose_upload_was_destroyed_does_not_start(linkage: Linkage, queued: str) -> None:
    upload = linkage.get(f"/v1/projects/{linkage.terms.project}/uploads").json()["uploads"][0]
    linkage.post_as(f"/v1/uploads/{upload['upload']}/destruction")
    linkage.work()
    assert view(linkage, queued)["state"] == "cancelled"
    assert "run-started" not in linkage.log_kinds()
    answer = linkage.ask()
    assert answer.json()["type"].endswith(":uploads-missing")


def test_progress_tells_stage_rows_and_rate(linkage: Linkage, queued: str) -> None:
    seen = []

    def look(number: int, moment: str) -> None:
        if number >= FIRST_RANGE and moment == "after":
            seen.append(view(linkage, queued)["progress"])

    Worker(hooked_after_sweep(linkage.broker, look)).work(until_idle=True)
    # Tokens are drawn: the first range may have no rows, and then there is no rate yet.
    under_way = next(one for one in seen if one["rows_done"])
    n_rows = sum(30 * linkage.profile.rows(side) for side in ("larger", "smaller"))
    assert under_way["rows_total"] == n_rows
    assert 0 < under_way["rows_done"] < n_rows
    assert under_way["stage"] == "comparing"
    assert under_way["rate"] > 0
    assert under_way["seconds_left"] is not None
    done = view(linkage, queued)["progress"]
    assert (done["stage"], done["seconds_left"]) == ("done", None)
    assert done["rows_done"] == n_rows


def test_a_run_says_the_same_whatever_its_ranges_and_threads(
    linkage: Linkage, queued: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found, server = [], server_of(linkage.broker, request)
    for number, (range_rows, n_threads) in enumerate([(1, 1), (1, 3), (150, 2), (10**9, 1)]):
        with copied_broker(linkage.broker, tmp_path / str(number), server) as copy:
            with copy.database.write() as session:
                session.execute(text(f"UPDATE run SET range_rows = {range_rows}"))
            settings = copy.settings.model_copy(update={"worker_threads": n_threads})
            Worker(replace(copy, settings=settings)).work(until_idle=True)
            with copy.database.read() as session:
                root = session.execute(text("SELECT match_record, histogram FROM run")).one()
            found.append((tuple(root), released_matches(copy)))
    assert all(one == found[0] for one in found)
    assert {len(matches) for matches in found[0][1].values()} == {12}


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


def heartbeat(broker: Broker, lease: Lease, lost: threading.Event) -> Heartbeat:
    return Heartbeat(broker, lease.run, partial(renew_lease, lease=lease), lost)


def test_the_heartbeat_puts_the_end_of_the_lease_off(short_lease: Broker, queued: str) -> None:
    lease = claim(short_lease)
    first = lease_until_ms(short_lease)
    renewed = threading.Event()

    def hook(_number: int, moment: str) -> None:
        if moment == "after":
            renewed.set()

    with heartbeat(hooked(short_lease, hook), lease, threading.Event()):
        assert renewed.wait(20)
    assert lease_until_ms(short_lease) > first


def test_the_heartbeat_tells_when_the_lease_is_lost(short_lease: Broker, queued: str) -> None:
    lease, lost = claim(short_lease), threading.Event()
    with short_lease.database.write() as session:
        session.execute(text("UPDATE run SET lease_token = 'another'"))
    with heartbeat(short_lease, lease, lost):
        assert lost.wait(20)
