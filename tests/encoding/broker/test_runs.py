"""A run that failed is told in a sentence, with what to do; the broker's code stands beside it."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import NOBODY_RECEIVES, KeyGoneError, NotInForceError, TooManyPairsError
from app.matching.blocks.errors import LinkedBeforeTwiceError, LinkRateError, RowsDisagreeError
from encoding.broker.runs import FAILURES, require_success, wait_for_run
from encoding.errors import OthersWaitedForError, RunFailedError
from schemas.api.runs import RunProgress, RunView


def failed(code: str | None) -> RunFailedError:
    with pytest.raises(RunFailedError) as raised:
        require_success(RunView.model_construct(state="failed", failure=code))
    return raised.value


def test_a_failure_of_the_broker_is_told_in_a_sentence_and_another_by_its_code() -> None:
    errors = (
        KeyGoneError,
        LinkedBeforeTwiceError,
        LinkRateError,
        NOBODY_RECEIVES,
        NotInForceError,
        RowsDisagreeError,
        TooManyPairsError,
    )
    assert set(FAILURES) == {error.code for error in errors}
    for code in FAILURES:
        error = failed(code)
        assert str(error).startswith("the run failed: ")
        assert str(error).endswith(f"({code})")
        assert "round --again" not in (error.hint or "")
    for code, told in (("seal-broken", "seal-broken"), (None, "no reason")):
        error = failed(code)
        assert told in str(error)
        assert "blindlink round --again --wait" in (error.hint or "")


class Runs:
    """Answers what becomes of a run, one state after the other."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)

    def run(self, run: str) -> RunView:
        state = self.states.pop(0)
        rows = 5 * (state == "succeeded")
        progress = RunProgress(
            stage="comparing", rows_done=rows, rows_total=5, rate=1, seconds_left=None
        )
        return RunView.model_construct(run=run, state=state, failure=None, progress=progress)


def wait(runs: Runs, pauses: list[float], told: list[tuple[str, float]] | None = None) -> RunView:
    seen = [] if told is None else told
    client: Any = runs
    return wait_for_run(
        client, "run-1", lambda step, share, *_: seen.append((step, share)), pauses.append
    )


def test_waiting_for_a_run_looks_ever_more_rarely_and_tells_how_far_it_is() -> None:
    pauses: list[float] = []
    told: list[tuple[str, float]] = []
    assert (
        wait(Runs(*["queued"] * 6, *["running"] * 6, "succeeded"), pauses, told).state
        == "succeeded"
    )
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.5, 10.0)
    assert (told[0], told[-1]) == (("linking: comparing", 0.0), ("linking: comparing", 1.0))


def test_a_run_that_waits_for_approvals_or_is_cancelled_is_not_waited_for() -> None:
    with pytest.raises(OthersWaitedForError, match="approved"):
        wait(Runs("awaiting"), [])
    with pytest.raises(RunFailedError, match="cancelled") as caught:
        wait(Runs("running", "cancelled"), [])
    assert caught.value.exit_code == 6


def test_a_run_that_does_not_move_for_an_hour_is_left_to_the_next_job() -> None:
    pauses: list[float] = []
    with pytest.raises(OthersWaitedForError, match="not moved for an hour") as caught:
        wait(Runs(*["queued"] * 200, *["running"] * 400), pauses)
    assert (caught.value.code, caught.value.exit_code) == ("run-under-way", 7)
    # From the moment on at which it moved last.
    assert 3600 <= sum(pauses[200:]) < 3610
