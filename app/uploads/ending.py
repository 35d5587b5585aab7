"""Ends committed uploads before or at their time, for destruction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from app.matchlog.draft import EntryDraft
from app.rounds.ending import BATCH, Ended
from app.uploads import repository
from schemas.matchlog.kinds import UploadDestroyed

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce
    from app.uploads.models import Upload


def end_uploads(
    session: Session, uploads: Sequence[Upload], binding: TermsInForce, reason: str
) -> list[Ended]:
    """Mark committed uploads of one project as destroyed; the caller appends the entries."""
    return [_end(session, upload, binding, reason) for upload in uploads]


def live_uploads(
    session: Session,
    project: str,
    *,
    party: str | None = None,
    upload: str | None = None,
    number: int | None = None,
) -> Sequence[Upload]:
    """Return, locked, the project's committed uploads that are still there: all, a party's, one, a round's."""
    return repository.committed_of_project(
        session, project, party=party, upload=upload, number=number
    )


def expire_open(session: Session, now: str) -> int:
    """End open uploads that were not committed in time; returns how many. The match log does not know them."""
    overdue = repository.due_open(session, now, BATCH)
    for found in overdue:
        found.state = "expired"
    return len(overdue)


def expire_open_of(
    session: Session, project: str, party: str | None, number: int | None = None
) -> None:
    """End a project's open uploads, all, a party's or a round's: they hold encodings, too."""
    for found in repository.open_of_project(session, project, party, number):
        found.state = "expired"
    session.flush()


def due_uploads(session: Session, now: str, held: Collection[str]) -> Sequence[Upload]:
    """Return, locked, some committed uploads whose time is over; not those of projects that are held."""
    return repository.due_committed(session, now, BATCH, held)


def uploads_of_party(session: Session, project: str, party: str) -> Sequence[str]:
    """Return the ids of all uploads that a party ever committed in a project, gone or not."""
    return repository.ids_of_party(session, project, party)


def _end(session: Session, upload: Upload, binding: TermsInForce, reason: str) -> Ended:
    upload.state = "destroyed"
    return Ended(
        key=upload.id,
        kind="upload",
        party=upload.party,
        sha256=upload.container_sha256,
        count=upload.records,
        # The parts, and the index of their tokens.
        pieces=len(repository.stored_parts(session, upload.id)) + 1,
        created=upload.committed,
        draft=EntryDraft(
            UploadDestroyed(container_sha256=upload.container_sha256, reason=reason),
            project=upload.project,
            agreement=binding.digest,
            purpose=upload.purpose,
            object=upload.id,
        ),
    )
