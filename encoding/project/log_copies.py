"""Fetches the whole match log of the project, as the broker hands it out, held to the pins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from encoding.log.heads import hold_to_head
from encoding.log.log_copy import LogCopy, read_log_copy
from encoding.project.session import Session

if TYPE_CHECKING:
    from encoding.broker.client import BrokerClient
    from encoding.log.trust import Trust


def fetched_log(session: Session, client: BrokerClient, trust: Trust) -> LogCopy:
    """Return the log; nothing of it is left on the disk.

    Raises:
        LogError: it does not hang together, or is not the log that was pinned.
        LogForkedError: another agency has seen another entry of the project.
    """
    with session.workspace.lock():
        return log_under_lock(session, client, trust)


def log_under_lock(session: Session, client: BrokerClient, trust: Trust) -> LogCopy:
    """As `fetched_log`; call it under the workspace's lock."""
    with session.workspace.scratch() as scratch:
        path = scratch / "log.bundle"
        with path.open("w+b") as file:
            client.save_bundle(session.project, file)
        with path.open("rb") as file:
            copy = read_log_copy(file, trust.keys, trust.log.pins())
    hold_to_head(copy, session.project, trust.log.folder)
    return copy
