"""Ends committed uploads before or at their time, for destruction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.matchlog.draft import EntryDraft
from app.uploads import repository
from schemas.matchlog.kinds import UploadDestroyed

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce
    from app.uploads.models import Upload
    from schemas.destruction import ObjectKind


BATCH: Final = 50


@dataclass(frozen=True, slots=True)
class Ended:
    """An object that has just been ended, as its certificate will list it, and its log entry if it has one.

    `key` is the name of its key in the key store.
    """

    key: str
    kind: ObjectKind
    party: str | None
    sha256: str
    count: int | None
    pieces: int
    created: str | None
    draft: EntryDraft | None


def end_uploads(
    session: Session, uploads: Sequence[Upload], binding: TermsInForce, reason: str
) -> list[Ended]:
    """Mark committed uploads of one project as destroyed; the caller appends the entries."""
    return [_end(session, upload, binding, reason) for upload in uploads]


def live_uploads(
    session: Session, project: str, *, party: str | None = None, upload: str | None = None
) -> Sequence[Upload]:
    """Return, locked, the project's committed uploads that are still there: all, a party's, or one."""
    return repository.committed_of_project(session, project, party=party, upload=upload)


def expire_open(session: Session, now: str) -> int:
    """End open uploads that were not committed in time; returns how many. The match log does not know them."""
    overdue = repository.due_open(session, now, BATCH)
    for found in overdue:
        found.state = "expired"
    return len(overdue)


def expire_open_of(session: Session, project: str, party: str | None) -> None:
    """End a project's open uploads, all or a party's: what was never committed holds encodings, too."""
    for found in repository.open_of_project(session, project, party):
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
        pieces=len(repository.stored_parts(session, upload.id)),
        created=upload.committed,
        draft=EntryDraft(
            UploadDestroyed(container_sha256=upload.container_sha256, reason=reason),
            project=upload.project,
            agreement=binding.digest,
            purpose=upload.purpose,
            object=upload.id,
        ),
    )
