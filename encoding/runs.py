"""Asks for a run and waits for its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from encoding.client import BrokerClient
from encoding.errors import RunFailedError
from schemas.api import RunRequest, RunView

FIRST_PAUSE_S: Final = 0.5
MAX_PAUSE_S: Final = 10.0
ENDED: Final = frozenset({"succeeded", "failed", "cancelled"})

RunSeen = Callable[[RunView], None]
"""Called with the run each time it is looked at."""


def ask_run(client: BrokerClient, project: str) -> RunView:
    """Ask for a run on the newest uploads; the run that these inputs have already, if there is one."""
    return client.ask_run(project, RunRequest())


def wait_for_run(
    client: BrokerClient, run: str, seen: RunSeen, sleep: Callable[[float], None] = time.sleep
) -> RunView:
    """Return the run once it has succeeded; how long that may take, the broker's worker decides.

    Raises:
        RunFailedError: it failed or was cancelled.
    """
    pause_s = FIRST_PAUSE_S
    while True:
        view = client.run(run)
        seen(view)
        if view.state in ENDED:
            return require_success(view)
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
