"""Ends uploads: open ones that were not committed, and committed ones before or at their time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce
from app.matchlog.draft import EntryDraft
from app.sealed.ending import Ended, due_rows
from app.sealed.objects import retire_objects
from app.uploads import repository
from app.uploads.models import Upload
from schemas.matchlog.upload_kinds import UploadDestroyed

live_uploads: Final = repository.committed_of_project
due_uploads: Final = partial(due_rows, Upload)


def end_uploads(
    session: Session, uploads: Sequence[Upload], binding: TermsInForce, reason: str
) -> list[Ended]:
    """Mark committed uploads of one project as destroyed; the caller appends the entries."""
    for upload in uploads:
        upload.state = "destroyed"
    repository.forget_rejections(session, [upload.id for upload in uploads])
    return [
        Ended(
            key=upload.id,
            kind="upload",
            party=upload.party,
            sha256=upload.container_sha256,
            count=upload.records,
            created=upload.committed,
            draft=EntryDraft.about(
                UploadDestroyed(container_sha256=upload.container_sha256, reason=reason),
                upload,
                binding.digest,
                object=upload.id,
            ),
        )
        for upload in uploads
    ]


def projects_with_overdue(session: Session, now: str) -> frozenset[str]:
    """Return the projects with open uploads that were not committed in time."""
    return frozenset(repository.projects_with_overdue(session, now))


def expire_open(session: Session, now: str, project: str) -> None:
    """End a project's open uploads that were not committed in time. The match log does not know them."""
    expire(session, *repository.due_open(session, now, project))


def expire_open_of(
    session: Session, project: str, party: str | None, number: int | None = None
) -> None:
    """End a project's uploads that are not committed, all, a party's or a round's, as `expire`."""
    expire(session, *repository.open_of_project(session, project, party, number))


def expire(session: Session, *uploads: Upload) -> None:
    """End uploads that are open or being checked; what has come of them goes once no hold keeps it."""
    for upload in uploads:
        end_check(upload)
        upload.state = "expired"
        retire_objects(session, upload.project, upload.id)
    repository.forget_rejections(session, [upload.id for upload in uploads])


def end_check(upload: Upload) -> None:
    """Forget what a commit asked for: the upload is committed, refused or over."""
    upload.asked = upload.checked = upload.check_token = None
    upload.check_until_ms = upload.check_attempts = None


def uploads_of_party(session: Session, project: str, party: str) -> Sequence[str]:
    """Return the ids of all uploads that a party ever committed in a project, gone or not."""
    return repository.ids_of_party(session, project, party)
