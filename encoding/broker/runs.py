"""Waits for the end of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from encoding.broker.client import BrokerClient
from encoding.errors import OthersWaitedForError, RunFailedError, RunUnderWayError
from encoding.progress import Progress
from schemas.api.runs import RunProgress, RunView

FIRST_PAUSE_S: Final = 0.5
MAX_PAUSE_S: Final = 10.0
LONGEST_STILL_S: Final = 3600.0
# What failed, by the broker's code, and what to do about it.
FAILURES: Final = {
    "link-rate": (
        "more or fewer records are linked than the agreement expects, so nothing was released",
        "to examine the file: blindlink check; both stewards decide what to do",
    ),
    "rows-disagree": (
        "an agency's rows say different things of one record, so nothing was released",
        "both agencies have to encode with the program as it is published; the stewards decide what to do",
    ),
    "linked-before-twice": (
        "an agency's file has two records that were linked to one before, so nothing was released",
        "to find records that stand twice in your file: blindlink check",
    ),
    "nobody-receives": (
        "no person of a recipient could open its link IDs",
        "the operator has to enroll a person of the recipient with the duty recipient",
    ),
    "pair-cap": (
        "more pairs met than the agreement lets a run keep",
        "to examine the blocks: blindlink check; if they are right, the agreement has to allow more pairs",
    ),
    "not-in-force": (
        "the agreement ended, was suspended or has changed",
        "to see where it stands: blindlink agreement status",
    ),
    "key-gone": (
        "an upload was destroyed before the run was done",
        "begin a new round: blindlink round --correct",
    ),
}
_ASK_AGAIN: Final = "ask for it again with: blindlink round --again --wait"
ENDED: Final = frozenset({"succeeded", "failed", "cancelled"})


def wait_for_run(
    client: BrokerClient, run: str, progress: Progress, sleep: Callable[[float], None] = time.sleep
) -> RunView:
    """Return the run once it has succeeded; how long that may take, the broker's worker decides.

    Raises:
        RunFailedError: it failed or was cancelled.
        OthersWaitedForError: it waits for approvals, which may take days, or nothing has moved for an hour.
    """
    pause_s, still_s, seen = FIRST_PAUSE_S, 0.0, None
    while True:
        view = client.run(run)
        _report(progress, view.progress)
        now = (view.state, view.progress.stage, view.progress.rows_done)
        still_s, seen = (still_s if now == seen else 0.0), now
        if view.state in ENDED:
            return require_success(view)
        if view.state == "awaiting":
            raise OthersWaitedForError(
                "the run waits until it is approved, as the agreement asks",
                hint=f"an approver types: blindlink approve {run}",
            )
        # Else an unattended job would never end where the broker's worker has.
        if still_s >= LONGEST_STILL_S:
            raise RunUnderWayError(
                "the run has not moved for an hour",
                hint="ask the operator whether the broker's worker is running; the next job goes on",
            )
        sleep(pause_s)
        still_s += pause_s
        pause_s = min(MAX_PAUSE_S, pause_s * 1.5)


def require_success(view: RunView) -> RunView:
    """Return the run if it succeeded."""
    if view.state == "failed":
        what, hint = FAILURES.get(view.failure or "", ("", _ASK_AGAIN))
        reason = view.failure or "no reason given"
        raise RunFailedError(
            f"the run failed: {what} ({reason})" if what else f"the run failed: {reason}", hint=hint
        )
    if view.state == "cancelled":
        raise RunFailedError("the run was cancelled", hint="ask the operator of the broker why")
    return view


def _report(progress: Progress, run: RunProgress) -> None:
    share = run.rows_done / run.rows_total if run.rows_total else 0.0
    progress(f"linking: {run.stage}", share, run.rows_done, "rows")
