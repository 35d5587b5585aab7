"""Asks for a run and waits for its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from encoding.client import BrokerClient
from encoding.errors import OthersWaitedForError, RunFailedError
from encoding.progress import Progress
from schemas.api import RunProgress, RunRequest, RunView

FIRST_PAUSE_S: Final = 0.5
MAX_PAUSE_S: Final = 10.0
ENDED: Final = frozenset({"succeeded", "failed", "cancelled"})


def ask_run(client: BrokerClient, project: str, *, again: bool = False) -> RunView:
    """Return the run on the newest upload of every agency; the broker makes one unless there is one.

    The same agencies that ask one after the other get the same run, and so link IDs that they can join.

    Args:
        again: one that has succeeded does not count; one that waits or is under way does.
    """
    return client.ask_run(project, RunRequest(again=again))


def wait_for_run(
    client: BrokerClient, run: str, progress: Progress, sleep: Callable[[float], None] = time.sleep
) -> RunView:
    """Return the run once it has succeeded; how long that may take, the broker's worker decides.

    Raises:
        RunFailedError: it failed or was cancelled.
        OthersWaitedForError: it waits for approvals, which may take days.
    """
    pause_s = FIRST_PAUSE_S
    while True:
        view = client.run(run)
        _report(progress, view.progress)
        if view.state in ENDED:
            return require_success(view)
        if view.state == "awaiting":
            raise OthersWaitedForError(
                "the run waits until it is approved, as the agreement asks",
                hint=f"an approver types: blindlink approve run {run}",
            )
        sleep(pause_s)
        pause_s = min(MAX_PAUSE_S, pause_s * 1.5)


def require_success(view: RunView) -> RunView:
    """Return the run if it succeeded.

    Raises:
        RunFailedError: it failed or was cancelled.
    """
    if view.state == "failed":
        raise RunFailedError(
            f"the run failed: {view.failure or 'no reason given'}",
            hint="ask for it again with: blindlink run --wait",
        )
    if view.state == "cancelled":
        raise RunFailedError("the run was cancelled", hint="ask the operator of the broker why")
    return view


def _report(progress: Progress, run: RunProgress) -> None:
    share = run.comparisons_done / run.comparisons_total if run.comparisons_total else 0.0
    progress(f"linking: {run.stage}", share, run.comparisons_done, "comparisons")
