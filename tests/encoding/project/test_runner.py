"""One runner takes the steps of any job: it waits for others, tells what fails, and goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from encoding.errors import AgencyError, BrokerRefusedError, NotReadyError, OthersWaitedForError
from encoding.project.runner import Runner, Step, is_outdated


class Job:
    """Three things to do, of which one may fail in some way until others have done their part."""

    def __init__(self, faults: dict[int, list[AgencyError]]) -> None:
        self.faults, self.done = faults, list[int]()
        self.told, self.slept = list[str](), list[float]()
        # What a runner needs of a session.
        self.say = self.warn = self.told.append
        self.sleep = self.slept.append

    def due(self) -> Iterator[int]:
        yield from (one for one in (1, 2, 3) if one not in self.done)

    def do(self, one: int) -> None:
        if self.faults.get(one):
            raise self.faults[one].pop(0)
        self.done.append(one)


def step(**how: Any) -> Step[Job, int]:
    return Step(Job.due, Job.do, **how)


def runner_of(job: Any, left_s: float = 0) -> Runner:
    return Runner(job, left_s)


def refused(problem: str) -> BrokerRefusedError:
    return BrokerRefusedError("no", problem=problem)


def test_a_job_that_ended_goes_on_with_what_is_not_done() -> None:
    job = Job({2: [NotReadyError("not yet")]})
    with pytest.raises(NotReadyError):
        runner_of(job).take(job, step())
    assert job.done == [1]
    runner_of(job).take(job, step())
    assert job.done == [1, 2, 3]


def test_what_fails_is_told_and_kept_and_what_waits_for_others_is_raised_last() -> None:
    job = Job({1: [OthersWaitedForError("k12")], 3: [NotReadyError("no file")]})
    runner = runner_of(job)
    runner.take(job, step(fault=lambda one: f"thing {one} is not done"))
    assert job.done == [2]
    assert job.told == ["thing 1 is not done: k12", "thing 3 is not done: no file"]
    with pytest.raises(NotReadyError, match="no file"):
        runner.raise_left()
    # Another agreement binds: the whole job begins anew.
    job = Job({1: [refused("request-agreement")]})
    with pytest.raises(BrokerRefusedError) as raised:
        runner_of(job).take(job, step(fault=str))
    assert is_outdated(raised.value)


def test_others_are_waited_for_as_long_as_the_job_may_and_no_refusal_is() -> None:
    waits = [OthersWaitedForError("k12 uploads"), refused("not-approved"), refused("as-of-gap")]
    job = Job({2: waits})
    runner = runner_of(job, left_s=3600)
    runner.take(job, step(waits=True))
    assert (job.done, job.slept) == ([1, 2, 3], [1.0, 1.5, 2.25])
    assert (runner.left_s, job.told) == (3595.25, ["k12 uploads; waiting for up to 1.0 hours"])
    job = Job({1: [OthersWaitedForError("late")] * 9})
    with pytest.raises(OthersWaitedForError):
        runner_of(job, left_s=2).take(job, step(waits=True))
    assert sum(job.slept) == 2
    job = Job({1: [refused("forbidden")]})
    with pytest.raises(BrokerRefusedError):
        runner_of(job, left_s=3600).take(job, step(waits=True))
    assert job.slept == []
