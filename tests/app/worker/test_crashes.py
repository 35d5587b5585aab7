"""A worker that dies at any of its writes, or wakes when it is too late, and what the next one makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.broker_twins import copy_broker, expire_leases, released_matches
from rigs.hooked_database import Crash, crash_at, hooked_after_sweep
from rigs.linkage import Linkage, either_database

from app.broker import Broker
from app.runs.lease import MAX_STALLED_ATTEMPTS
from app.worker.loop import Worker
from app.worker.sweeper import Sweeper

__all__ = ["either_database"]

# The writes of a worker with one run, after its first sweep: the run taken up, compared from here on, then
# its ranges, decided, released, finished, and what is left of it removed.
COMPARING, FIRST_RANGE = 1, 2


def dies_at(broker: Broker, number: int, moment: str) -> bool:
    """Work with a worker that dies at its write of this number; False where it has no such write."""
    try:
        Worker(hooked_after_sweep(broker, crash_at(number, moment))).work(until_idle=True)
    except Crash:
        return True
    return False


def n_writes(broker: Broker) -> int:
    """Work until there is nothing to do; returns the number of writes after the first sweep."""
    numbers: list[int] = []
    counted = hooked_after_sweep(broker, lambda number, _: numbers.append(number))
    Worker(counted).work(until_idle=True)
    return numbers[-1] + 1


def kinds_of_run(linkage: Linkage) -> list[str]:
    return [kind for kind in linkage.log_kinds() if kind.startswith(("run-", "release-prepared"))]


@pytest.mark.parametrize(("number", "moment"), [(-1, "after"), (4, "before"), (7, "after")])
@pytest.mark.campaign("kills-worker")
def test_a_run_survives_the_death_of_its_worker(
    linkage: Linkage, queued: str, number: int, moment: str
) -> None:
    assert dies_at(linkage.broker, number, moment)
    expire_leases(linkage.broker)
    linkage.work()
    assert linkage.get(f"/v1/runs/{queued}").json()["state"] == "succeeded"
    kinds = kinds_of_run(linkage)
    assert kinds.count("run-finished") == 1
    assert kinds[-3:] == ["run-finished", "release-prepared", "release-prepared"]
    assert {len(found) for found in released_matches(linkage.broker).values()} == {12}


class TestOnCopies:
    """The same queued run, done in many copies of one broker."""

    @pytest.fixture
    def database_url(self, sqlite_url: str) -> str:
        return sqlite_url

    @pytest.mark.long
    @pytest.mark.campaign("kills-worker")
    def test_wherever_the_worker_dies_the_matches_are_those_of_the_undisturbed_run(
        self, linkage: Linkage, queued: str, tmp_path: Path, tally: Tally
    ) -> None:
        def copy(name: str) -> Broker:
            return copy_broker(linkage.broker, tmp_path / name, linkage.founded.clock)

        undisturbed = copy("undisturbed")
        n_undisturbed = n_writes(undisturbed)
        expected = released_matches(undisturbed)
        assert expected
        step = times(quick=3, full=1)
        n_deaths = 0
        for number in range(-2, n_undisturbed, step):
            for moment in ("before", "after"):
                broker = copy(f"{number}-{moment}")
                n_deaths += dies_at(broker, number, moment)
                expire_leases(broker)
                Worker(broker).work(until_idle=True)
                assert released_matches(broker) == expected
                broker.close()
        assert n_deaths > n_undisturbed / step
        tally.tried(n_deaths)
        undisturbed.close()

    def test_a_range_that_was_stored_is_not_compared_again(
        self, linkage: Linkage, queued: str, tmp_path: Path
    ) -> None:
        n_stored = 5
        undisturbed = copy_broker(linkage.broker, tmp_path / "copy", linkage.founded.clock)
        assert dies_at(linkage.broker, FIRST_RANGE + n_stored - 1, "after")
        expire_leases(linkage.broker)
        assert n_writes(linkage.broker) == n_writes(undisturbed) - n_stored
        undisturbed.close()


@pytest.mark.parametrize("number", [COMPARING, 5, 9, 11])
@pytest.mark.campaign("zombies")
def test_a_worker_that_wakes_after_another_finished_its_run_changes_nothing(
    linkage: Linkage, queued: str, number: int
) -> None:
    def meanwhile(found: int, moment: str) -> None:
        if (found, moment) == (number, "before"):
            expire_leases(linkage.broker)
            linkage.work()

    Worker(hooked_after_sweep(linkage.broker, meanwhile)).work(until_idle=True)
    kinds = kinds_of_run(linkage)
    assert kinds.count("run-started") == 2
    assert kinds.count("run-finished") == 1
    assert kinds.count("release-prepared") == 2
    assert "run-failed" not in kinds


def test_a_run_that_is_cancelled_under_way_releases_nothing(linkage: Linkage, queued: str) -> None:
    def meanwhile(found: int, moment: str) -> None:
        if (found, moment) == (4, "after"):
            path = f"/v1/runs/{queued}/cancel"
            linkage.client.post(path, headers=linkage.as_party("school-district"))

    Worker(hooked_after_sweep(linkage.broker, meanwhile)).work(until_idle=True)
    assert linkage.get(f"/v1/runs/{queued}").json()["state"] == "cancelled"
    assert kinds_of_run(linkage)[-1] == "run-cancelled"
    assert released_matches(linkage.broker) == {}


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.campaign("kills-worker")
def test_a_run_that_kills_every_worker_fails_after_five(
    linkage: Linkage, queued: str, moment: str
) -> None:
    for _ in range(MAX_STALLED_ATTEMPTS):
        assert dies_at(linkage.broker, COMPARING, moment)
        expire_leases(linkage.broker)
    linkage.work()
    view = linkage.get(f"/v1/runs/{queued}").json()
    assert (view["state"], view["failure"]) == ("failed", "worker-lost")
    Sweeper(linkage.broker).sweep()
    assert not [key for key in linkage.broker.keystore.object_ids() if key.startswith(queued)]
    assert kinds_of_run(linkage)[-1] == "run-failed"


@pytest.mark.campaign("kills-worker")
def test_a_run_that_gets_on_may_lose_any_number_of_workers(linkage: Linkage, queued: str) -> None:
    # Each stores one range and dies.
    for _ in range(MAX_STALLED_ATTEMPTS + 1):
        assert dies_at(linkage.broker, FIRST_RANGE, "after")
        expire_leases(linkage.broker)
    linkage.work()
    assert linkage.get(f"/v1/runs/{queued}").json()["state"] == "succeeded"
