"""The end of releases: kept as long as the terms said when they were made, then destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.agreements.service import agreement_now
from app.clock import utc_text
from app.links import repository
from app.links.models import Release
from app.matchlog.draft import EntryDraft
from app.uploads.retention import Remains
from schemas.matchlog.kinds import ReleaseDestroyed

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.broker import Broker

BATCH: Final = 50


def end_overdue(session: Session, broker: Broker) -> int:
    """Destroy releases whose time is over, and log it; returns how many.

    A lasting space goes with the last release that was made of it.
    """
    now = utc_text(broker.clock())
    overdue = repository.overdue(session, now, BATCH)
    broker.log.append(session, [_entry(session, broker, found) for found in overdue])
    for found in overdue:
        found.destroyed = now
    repository.forget_overdue_spaces(session, now)
    return len(overdue)


def find_remains(session: Session) -> tuple[Remains, ...]:
    """Return what is left of destroyed releases."""
    return tuple(
        Remains(found.id, (found.id,), repository.pieces_of(session, found.id))
        for found in repository.unshredded(session, BATCH)
    )


def forget_remains(session: Session, release: str) -> None:
    """Note that nothing is left."""
    repository.forget_pieces(session, release)


def is_needed_blob(session: Session, digest: str) -> bool:
    """Tell whether a piece of a release, or a lasting ID space, is in this blob."""
    return repository.is_blob(session, digest)


def is_needed_key(session: Session, object_id: str) -> bool:
    """Tell whether a release or a lasting ID space may still need the key of this name."""
    return repository.has_live_key(session, object_id)


def _entry(session: Session, broker: Broker, release: Release) -> EntryDraft:
    return EntryDraft(
        ReleaseDestroyed(sha256=release.sha256, reason="retention"),
        project=release.project,
        agreement=agreement_now(session, release.project, broker.clock()),
        purpose=release.purpose,
        object=release.id,
    )
