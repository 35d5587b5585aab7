"""Steps about an epoch's secret: its shares go from holder to holder, and the broker only carries them."""

from __future__ import annotations

from typing import cast

from schemas.matchlog.entry import Entry
from schemas.matchlog.share_kinds import (
    SecretConfirmed,
    ShareFetched,
    ShareRelayed,
    SharesWithdrawn,
)
from schemas.rules.log_state import LogState, ShareState
from schemas.rules.steps import break_off, project_of


def by_holder(log: LogState, entry: Entry) -> None:
    """Anyone who acts holds the secret, which is that of the terms' epoch or of the next."""
    body = cast(ShareRelayed | ShareFetched | SharesWithdrawn | SecretConfirmed, entry.body)
    project = project_of(log, entry)
    if entry.actor.party not in project.terms.providers:
        message = "a party has a part in the secret that the terms do not let encode"
        break_off("share-by-stranger", message, entry, project.seq)
    if body.epoch not in (project.terms.epoch, project.terms.epoch + 1):
        message = "a secret is shared that is neither of the terms' epoch nor of the next"
        break_off("share-epoch", message, entry, project.seq)


def relay(log: LogState, entry: Entry) -> None:
    """A share is kept once, from the holder that acts to another one."""
    body, project = entry.body_as(ShareRelayed), project_of(log, entry)
    others = set(project.terms.providers) - {entry.actor.party}
    if body.sender != entry.actor.party or body.recipient not in others:
        message = "a share does not go from the holder that sent it to another one"
        break_off("share-by-stranger", message, entry, project.seq)
    known = log.shares.get(body.share)
    if known is not None:
        break_off("share-twice", "a share is kept twice", entry, known.seq)
    log.shares[body.share] = ShareState(
        project.terms.project, body.epoch, body.recipient, body.sha256, entry.seq
    )


def fetch(log: LogState, entry: Entry) -> None:
    """What is fetched was kept, unchanged, for the holder that fetches it."""
    body = entry.body_as(ShareFetched)
    share = log.shares.get(body.share)
    fetched = (entry.project, body.epoch, entry.actor.party, body.sha256)
    if share is None or fetched != (share.project, share.epoch, share.recipient, share.sha256):
        message = "a share is fetched that was not kept for this holder"
        break_off("share-unknown", message, entry, None if share is None else share.seq)
