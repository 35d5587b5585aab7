"""Waits while the broker checks what was uploaded, and says how far that is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from encoding.broker.client import BrokerClient
from encoding.broker.connection import refusal_of
from encoding.errors import BrokerRefusedError
from encoding.progress import Progress

# A small file is checked in less; a nation's in a minute.
FIRST_PAUSE_S: Final = 0.2
MAX_PAUSE_S: Final = 5.0


def wait_for_check(
    client: BrokerClient,
    upload: str,
    progress: Progress,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return once an upload whose commit was asked for is committed, however long that takes.

    Raises:
        BrokerRefusedError: it is not committed, for what its parts are, or what has come about since.
    """
    pause_s = FIRST_PAUSE_S
    while True:
        view = client.upload(upload)
        if view.state == "committed":
            return
        if view.state != "checking":
            break
        checked = view.checked or 0
        progress("the broker checks the upload", checked / view.parts, checked, "parts")
        sleep(pause_s)
        pause_s = min(MAX_PAUSE_S, pause_s * 1.5)
    if view.refusal is not None:
        raise refusal_of(view.refusal)
    raise BrokerRefusedError(
        f"the broker did not accept the upload: it is {view.state} again",
        hint="repeat the command; it sends only what has not arrived",
    )
