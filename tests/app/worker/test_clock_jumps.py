"""The broker's clock is a day ahead or back for a step of a round: rounds go on, and the log verifies."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage, either_database
from samples.round_files import two_files

from app.destruction.service import Found, Wanted, end_all
from app.uploads.ending import live_uploads
from app.worker import run
from app.worker.loop import Worker
from app.worker.sweeper import Sweeper

__all__ = ["either_database"]

pytestmark = pytest.mark.campaign("clocks")


def steps_of_a_round(linkage: Linkage) -> list[Callable[[], object]]:
    left, right = two_files(linkage.rng, 30, 12)
    return [
        linkage.open_round,
        lambda: linkage.upload(left, CHILD_WELFARE),
        lambda: linkage.upload(right, SCHOOL),
        linkage.work,
        linkage.exchange_claims,
    ]


@pytest.mark.parametrize("days", [1, -1], ids=["ahead", "back"])
@pytest.mark.parametrize("at", range(0, 5, times(quick=2, full=1)))
def test_a_clock_that_jumps_for_one_step_costs_no_round(
    linkage: Linkage, at: int, days: int, tally: Tally
) -> None:
    clock = linkage.founded.clock
    for number in range(2):
        for step, act in enumerate(steps_of_a_round(linkage)):
            jumps = number == 0 and step == at
            if jumps:
                clock.move(days=days)
                linkage.sign_in_anew()
            act()
            if jumps:
                clock.move(days=-days)
                linkage.sign_in_anew()
                tally.tried()
    kinds = linkage.log_kinds()
    assert kinds.count("run-finished") == kinds.count("round-closed") == 2
    times = [entry["time"] for entry in linkage.log_entries()]
    assert times == sorted(times)


@pytest.mark.parametrize("days", [100, 4000])
def test_a_clock_that_was_far_ahead_for_a_moment_destroys_nothing(
    released: Linkage, days: int, tally: Tally
) -> None:
    keys = [*released.broker.keystore.object_ids()]
    released.founded.clock.move(days=days)
    released.sign_in_anew()
    assert released.get("/v1/log/bundle", "operator", "operator").status_code == 200
    released.founded.clock.move(days=-days)
    released.sign_in_anew()
    Sweeper(released.broker).sweep()
    assert [*released.broker.keystore.object_ids()] == keys
    released.founded.clock.move(days=days)
    Sweeper(released.broker).sweep()
    assert not [*released.broker.keystore.object_ids()]
    tally.tried()


def destroy_uploads(linkage: Linkage) -> None:
    """Destroy what came, as when its keeping time is over."""
    with linkage.broker.database.write() as session:
        found = Found(uploads=list(live_uploads(session, PROJECT)))
        end_all(session, linkage.broker, Wanted(PROJECT, "expired", reason="asked"), found)


def pass_the_deadline(linkage: Linkage) -> None:
    """Let the round's time be over, and no sweeper close it."""
    linkage.founded.clock.move(days=linkage.terms.round_days)


ENDS = pytest.mark.parametrize(
    ("end", "code"), [(destroy_uploads, "key-gone"), (pass_the_deadline, "round-closed")]
)


@ENDS
def test_a_run_that_waits_does_not_start(
    linkage: Linkage, queued: str, end: Callable[[Linkage], None], code: str
) -> None:
    end(linkage)
    assert Worker(linkage.broker).work_once()
    shown = linkage.get(f"/v1/runs/{queued}").json()
    assert (shown["state"], shown["failure"]) == ("failed", code)
    assert "run-started" not in linkage.log_kinds()
    linkage.check_log()


@ENDS
def test_a_run_under_way_does_not_finish(
    linkage: Linkage,
    queued: str,
    end: Callable[[Linkage], None],
    code: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = run.prepare_releases

    def made_then_ended(*args: object) -> object:
        prepared = made(*args)  # type: ignore[arg-type]
        end(linkage)
        return prepared

    monkeypatch.setattr(run, "prepare_releases", made_then_ended)
    assert Worker(linkage.broker).work_once()
    shown = linkage.get(f"/v1/runs/{queued}").json()
    assert (shown["state"], shown["failure"]) == ("failed", code)
    assert not {"run-finished", "release-prepared"} & set(linkage.log_kinds())
    assert linkage.get(f"/v1/projects/{PROJECT}/releases", CHILD_WELFARE).json()["releases"] == []
    linkage.check_log()


def test_nothing_is_uploaded_or_asked_for_after_the_deadline(linkage: Linkage) -> None:
    made, _ = linkage.upload_both()
    pass_the_deadline(linkage)
    for answer in (linkage.open(made, CHILD_WELFARE), linkage.ask()):
        assert answer.status_code == 409
        assert answer.json()["type"].endswith(":round-closed")
    linkage.check_log()
