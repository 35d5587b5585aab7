"""Workers that help with a run of another: the same result, anyone who does what, dies or wakes late."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rigs.broker_twins import Matches, copied_broker, expire_leases, released_matches, server_of
from rigs.hooked_database import Crash, crash_at, hooked, hooked_after_sweep
from rigs.linkage import Linkage
from sqlalchemy import text

from app.broker import Broker
from app.matching.blocks.ranges import meet_range
from app.worker.loop import Worker

# The holder's write that stores its first range; it has taken two tasks by then, and takes a third with it.
FIRST_RANGE = 2


def holds(broker: Broker, meanwhile: Callable[[], object]) -> None:
    """Work with a worker that holds the run; others do something when it has stored its first range."""

    def hook(number: int, moment: str) -> None:
        if (number, moment) == (FIRST_RANGE, "after"):
            meanwhile()

    Worker(hooked_after_sweep(broker, hook)).work(until_idle=True)


def helps(broker: Broker) -> bool:
    """Help as a worker does that looks for work once."""
    return Worker(broker).work_once()


def open_tasks(broker: Broker) -> int:
    with broker.database.read() as session:
        query = "SELECT count(*) FROM run_task WHERE meetings IS NULL"
        return int(session.execute(text(query)).scalar_one())


def outcome(broker: Broker) -> tuple[object, Matches]:
    with broker.database.read() as session:
        found = session.execute(text("SELECT state, match_record, histogram FROM run")).one()
    return tuple(found), released_matches(broker)


@pytest.fixture
def undisturbed(
    linkage: Linkage, queued: str, tmp_path: Path, request: pytest.FixtureRequest
) -> tuple[object, Matches]:
    """What one worker alone makes of the run."""
    server = server_of(linkage.broker, request)
    with copied_broker(linkage.broker, tmp_path / "undisturbed", server) as copy:
        Worker(copy).work(until_idle=True)
        found = outcome(copy)
    assert {len(matches) for matches in found[1].values()} == {12}
    return found


@pytest.mark.campaign("two-at-once")
def test_a_helper_does_what_nobody_is_at_and_the_result_is_the_same(
    linkage: Linkage, undisturbed: tuple[object, Matches]
) -> None:
    left = []

    def meanwhile() -> None:
        before = open_tasks(linkage.broker)
        assert helps(linkage.broker)
        left.append((before, open_tasks(linkage.broker)))
        assert not helps(linkage.broker)

    holds(linkage.broker, meanwhile)
    # What the holder has taken stays its own.
    assert left[0][0] > left[0][1] == 2
    assert outcome(linkage.broker) == undisturbed
    kinds = linkage.log_kinds()
    assert (kinds.count("run-started"), kinds.count("run-finished")) == (1, 1)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", [0, 1, 3])
@pytest.mark.campaign("kills-worker")
def test_a_helper_that_dies_costs_nothing_but_its_lease(
    linkage: Linkage, undisturbed: tuple[object, Matches], number: int, moment: str
) -> None:
    def meanwhile() -> None:
        with pytest.raises(Crash):
            helps(hooked(linkage.broker, crash_at(number, moment)))
        with linkage.broker.database.write() as session:
            session.execute(text("UPDATE run_task SET lease_until_ms = 0"))

    holds(linkage.broker, meanwhile)
    assert outcome(linkage.broker) == undisturbed


@pytest.mark.campaign("kills-worker")
def test_a_helper_goes_on_when_the_holder_dies_and_another_takes_the_run_up(
    linkage: Linkage, undisturbed: tuple[object, Matches]
) -> None:
    def meanwhile() -> None:
        helps(linkage.broker)
        raise Crash

    with pytest.raises(Crash):
        holds(linkage.broker, meanwhile)
    expire_leases(linkage.broker)
    linkage.work()
    assert outcome(linkage.broker) == undisturbed


@pytest.mark.campaign("zombies")
def test_a_helper_that_wakes_when_others_have_done_its_tasks_keeps_nothing(
    linkage: Linkage, undisturbed: tuple[object, Matches]
) -> None:
    def late(number: int, moment: str) -> None:
        if (number, moment) == (1, "before"):
            expire_leases(linkage.broker)
            linkage.work()

    def meanwhile() -> None:
        assert helps(hooked(linkage.broker, late))

    holds(linkage.broker, meanwhile)
    assert outcome(linkage.broker) == undisturbed
    assert linkage.log_kinds().count("run-finished") == 1


def test_a_helper_leaves_a_run_that_is_cancelled_under_its_hands(
    linkage: Linkage, queued: str
) -> None:
    def cancel(number: int, moment: str) -> None:
        if (number, moment) == (1, "before"):
            path = f"/v1/runs/{queued}/cancel"
            linkage.client.post(path, headers=linkage.as_party("school-district"))

    holds(linkage.broker, lambda: helps(hooked(linkage.broker, cancel)))
    assert linkage.get(f"/v1/runs/{queued}").json()["state"] == "cancelled"
    assert open_tasks(linkage.broker) == 0
    assert released_matches(linkage.broker) == {}


def test_a_helper_that_cannot_do_a_task_leaves_it_to_whoever_holds_the_run(
    linkage: Linkage, undisturbed: tuple[object, Matches], monkeypatch: pytest.MonkeyPatch
) -> None:
    of_holder: set[threading.Thread] = set()

    def fail(*given: Any) -> Any:
        # The holder may be at its next task meanwhile.
        if threading.current_thread() in of_holder:
            return meet_range(*given)
        raise ZeroDivisionError

    def meanwhile() -> None:
        helper = Worker(linkage.broker)
        of_holder.update(threading.enumerate())
        with monkeypatch.context() as patched:
            patched.setattr("app.worker.comparison.meet_range", fail)
            assert helper.work_once()
        # It does not take the tasks again, and nobody has to wait for its lease to end.
        assert not helper.work_once()

    holds(linkage.broker, meanwhile)
    assert outcome(linkage.broker) == undisturbed


def test_a_helper_that_is_stopped_gives_its_tasks_back(
    linkage: Linkage, undisturbed: tuple[object, Matches]
) -> None:
    def meanwhile() -> None:
        stopping = []

        def stop(number: int, moment: str) -> None:
            if (number, moment) == (1, "after"):
                stopping[0].stop()

        stopping.append(Worker(hooked(linkage.broker, stop)))
        assert stopping[0].work_once()

    holds(linkage.broker, meanwhile)
    assert outcome(linkage.broker) == undisturbed


def test_more_threads_than_tasks_are_no_harm(
    linkage: Linkage, undisturbed: tuple[object, Matches]
) -> None:
    settings = linkage.broker.settings.model_copy(update={"worker_threads": 64})
    Worker(replace(linkage.broker, settings=settings)).work(until_idle=True)
    assert outcome(linkage.broker) == undisturbed
