"""Ends releases before or at their time, for destruction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from app.clock import utc_text
from app.links import repository
from app.links.models import Release
from app.matchlog.draft import EntryDraft
from app.runs.counts import matches_for_log
from app.runs.service import run_specification
from app.sealed.ending import Ended, due_rows
from app.sealed.objects import count_pieces, end_objects
from schemas.matchlog.kinds import ReleaseDestroyed

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce


def live_releases(
    session: Session,
    project: str,
    *,
    party: str | None = None,
    runs: Collection[str] | None = None,
) -> Sequence[Release]:
    """Return, locked, the project's releases that are still there.

    Args:
        party: with `runs`, also those that this party fetches; None: nobody's besides.
        runs: only those of these runs; None: all.
    """
    return repository.live_of_project(session, project, party=party, runs=runs)


def end_releases(
    session: Session,
    releases: Sequence[Release],
    binding: TermsInForce,
    reason: str,
    now: datetime,
) -> list[Ended]:
    """Mark releases of one project as destroyed; the caller appends the entries."""
    ended = []
    for release in releases:
        release.destroyed = utc_text(now)
        ended.append(_ended(session, release, binding, reason))
    end_objects(session, *(release.id for release in releases))
    return ended


def due_releases(session: Session, now: str, project: str) -> Sequence[Release]:
    """Return, locked, some of a project's releases whose time is over."""
    return due_rows(session, Release, now, project)


def holders_of_matches(
    session: Session, project: str, *, among: Collection[str] | None = None
) -> set[str]:
    """Return the parties that ever got matches of a project: of these releases, or of any (None)."""
    return repository.fetched_parties(session, project, among)


def _ended(session: Session, release: Release, binding: TermsInForce, reason: str) -> Ended:
    return Ended(
        key=release.id,
        kind="release",
        party=release.recipient,
        sha256=release.sha256,
        count=matches_for_log(release.matches, run_specification(session, release.run)),
        pieces=count_pieces(session, release.id),
        created=release.created,
        draft=EntryDraft.about(
            ReleaseDestroyed(sha256=release.sha256, reason=reason),
            release,
            binding.digest,
            object=release.id,
        ),
    )
