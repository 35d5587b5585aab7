"""Steps about releases: made of finished runs, for recipients that were named, fetched by them alone."""

from __future__ import annotations

import sys
from typing import cast

from app.auditor.ledger import Ledger, ReleaseState
from app.auditor.rules.steps import break_off, counts_reach_floor, object_of
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import ReleaseFetched, ReleasePrepared


def prepare(ledger: Ledger, entry: Entry) -> None:
    """A release is made once of a finished run, for a recipient, mode and ID space that the run names."""
    body, release = cast(ReleasePrepared, entry.body), object_of(entry)
    run = ledger.runs.get(body.run)
    if run is None or run.project != entry.project or run.stage != "finished":
        message = "a release is made of a run that has not finished"
        break_off("release-without-run", message, entry, None if run is None else run.seq)
    if release in ledger.releases or body.recipient in run.released_to:
        break_off("release-twice", "a run is released twice to one recipient", entry, run.seq)
    granted = {(r.party, r.mode, r.space) for r in run.recipients if r.mode != "none"}
    if (body.recipient, body.mode, body.space) not in granted:
        message = "a release is made for a recipient, mode or ID space that the run does not name"
        break_off("release-to-stranger", message, entry, run.seq)
    counts_reach_floor(ledger, entry, (body.links,))
    recipient = sys.intern(body.recipient)
    run.released_to += (recipient,)
    ledger.releases[release] = ReleaseState(run.project, recipient, body.sha256, entry.seq)


def fetch(ledger: Ledger, entry: Entry) -> None:
    """A release is fetched, any number of times, by its recipient, as it was prepared."""
    body, release = cast(ReleaseFetched, entry.body), ledger.releases.get(object_of(entry))
    if release is None or release.project != entry.project:
        break_off("fetch-unprepared", "a release is fetched that was never prepared", entry)
    if not entry.actor.party == body.recipient == release.recipient:
        message = "a release is fetched by another party than its recipient"
        break_off("fetch-by-stranger", message, entry, release.seq)
    if body.sha256 != release.sha256:
        message = "what was fetched is not what was prepared"
        break_off("fetch-digest", message, entry, release.seq)
