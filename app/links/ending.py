"""Ends releases before or at their time, for destruction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce
from app.clock import utc_text
from app.links import repository
from app.links.models import Release
from app.matchlog.draft import EntryDraft
from app.runs.counts import matches_for_log
from app.runs.service import run_specification
from app.sealed.ending import Ended, due_rows
from schemas.matchlog.release_kinds import ReleaseDestroyed

live_releases: Final = repository.live_of_project
due_releases: Final = partial(due_rows, Release)


def end_releases(
    session: Session, releases: Sequence[Release], binding: TermsInForce, reason: str, now: datetime
) -> list[Ended]:
    """Mark releases of one project as destroyed; the caller appends the entries."""
    for release in releases:
        release.destroyed = utc_text(now)
    return [
        Ended(
            key=release.id,
            kind="release",
            party=release.recipient,
            sha256=release.sha256,
            count=matches_for_log(release.matches, run_specification(session, release.run)),
            created=release.created,
            draft=EntryDraft.about(
                ReleaseDestroyed(sha256=release.sha256, reason=reason),
                release,
                binding.digest,
                object=release.id,
            ),
        )
        for release in releases
    ]


def holders_of_matches(
    session: Session, project: str, *, among: Collection[str] | None = None
) -> set[str]:
    """Return the parties that ever got matches of a project: of these releases, or of any (None)."""
    return repository.fetched_parties(session, project, among)
