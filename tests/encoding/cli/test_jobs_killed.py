"""A delivery or its attachment that is killed anywhere: typed again it ends as if nothing had been."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.desk import Desk
from rigs.exchange import columns_of, exchanging
from rigs.moments import Moments
from rigs.near_broker import NearBroker

pytestmark = pytest.mark.campaign("kills-agency", database="sqlite")


class Killed(KeyboardInterrupt):
    pass


@dataclass
class Steps:
    """Counts a job's steps, and kills it before one: a request, an answer, a file put into its place."""

    at: int | None = None
    n: int = 0

    def take(self) -> None:
        self.n += 1
        if self.n == self.at:
            raise Killed


@contextmanager
def watched(near: NearBroker, desk: Desk, at: int | None = None) -> Iterator[Steps]:
    """Count the steps of what is typed at a desk, and kill it before one of them."""
    steps, folder, replace = Steps(at), desk.folder.resolve(), os.replace

    def before(_: httpx2.Request) -> None:
        steps.take()

    def after(_: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        steps.take()
        return response

    def put(source: Any, target: Any, **options: Any) -> None:
        # The broker is in the same process.
        if folder in Path(target).resolve().parents:
            steps.take()
        replace(source, target, **options)

    near.courier.before, near.courier.after = before, after
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "replace", put)
        yield steps
    near.courier.before, near.courier.after = (lambda _: None), (lambda _, response: response)


def killed_anywhere(
    near: NearBroker,
    moments: Moments,
    tally: Tally,
    job: tuple[Desk, tuple[str, ...]],
    goes_on: Callable[[], None],
    quick: int,
) -> None:
    """Kill a job at each of its steps, or at a few, each time from this moment, and let it go on."""
    desk, words = job
    begin = moments.keep(near)
    with watched(near, desk) as steps:
        assert desk.type(*words).exit_code in {0, 7}
    assert steps.n > quick
    tried = sorted(Random(quick).sample(range(1, steps.n + 1), times(quick=quick, full=steps.n)))
    for at in tried:
        moments.go_to(near, begin)
        with watched(near, desk, at):
            # What a report lacks is a warning, and all else ends the job.
            result = desk.type(*words)
        assert "internal error" not in result.stderr, at
        assert result.exit_code in {0, 1, 7, 130}, (at, result.stderr)
        try:
            goes_on()
        except AssertionError as exc:
            raise AssertionError(f"killed at step {at} of {steps.n}") from exc
        tally.tried()


def test_a_delivery_and_its_attachment_that_were_killed_are_there_once(
    exchanged: NearBroker, tmp_path: Path, moments: Moments, tally: Tally
) -> None:
    with exchanging(tmp_path / "broker", like=exchanged) as near:
        welfare, schools = near.desks["welfare"], near.desks["schools"]

        def said(kind: str) -> list[dict[str, Any]]:
            return [one for one in near.log_entries() if one["kind"] == f"delivery-{kind}"]

        def is_delivered() -> None:
            for _ in range(2):
                schools.ok("refresh", "--deliver")
            assert len(said("received")) == 1
            welfare.ok("attach", "schools")

        def is_attached() -> None:
            welfare.ok("refresh", "--attach")
            assert len(columns_of(welfare, "schools")) == 2
            assert [one["outcome"] for one in said("opened")] == ["done"]

        deliver, attach = ("deliver", "welfare"), ("attach", "schools")
        killed_anywhere(near, moments, tally, (schools, deliver), is_delivered, quick=4)
        schools.ok("deliver", "welfare")
        killed_anywhere(near, moments, tally, (welfare, attach), is_attached, quick=4)
