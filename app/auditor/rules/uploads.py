"""Steps about uploads: received within the terms, once, and destroyed in time."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from typing import Final, cast

from app.auditor.errors import RuleBrokenError
from app.auditor.ledger import Ledger, UploadState
from app.auditor.rules.steps import break_off, object_of, project_of, upload_of
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import UploadDestroyed, UploadReceived

# The sweeper runs at least daily; what is still there a day after its time is overdue.
GRACE_DAYS: Final = 1


def fits_terms(ledger: Ledger, entry: Entry) -> None:
    """An upload comes from a provider, of the size, profile, population and epoch that the terms say."""
    body, project = cast(UploadReceived, entry.body), project_of(ledger, entry)
    terms = project.terms
    if entry.actor.party not in terms.providers:
        message = "an upload comes from a party that the terms do not ask for one"
        break_off("upload-by-stranger", message, entry, project.seq)
    if body.profile != terms.profile or body.epoch != terms.epoch:
        message = "an upload has another encoding profile or epoch than the terms"
        break_off("upload-profile", message, entry, project.seq)
    if body.population != terms.population:
        message = "an upload is of another population than the terms"
        break_off("upload-population", message, entry, project.seq)
    if not terms.min_records <= body.records <= terms.max_records:
        message = "an upload has fewer or more records than the terms allow"
        break_off("upload-size", message, entry, project.seq)
    if not body.records <= body.encodings <= body.records * terms.max_variants:
        message = "an upload has fewer encodings than records, or too many variants"
        break_off("upload-variants", message, entry, project.seq)


def receive(ledger: Ledger, entry: Entry) -> None:
    """An upload is received once."""
    body, upload = cast(UploadReceived, entry.body), object_of(entry)
    if upload in ledger.uploads or upload in ledger.destroyed:
        break_off("upload-twice", "an upload is received twice", entry)
    ledger.uploads[upload] = UploadState(
        project=project_of(ledger, entry).terms.project,
        party=sys.intern(entry.actor.party),
        container_sha256=body.container_sha256,
        manifest_sha256=body.manifest_sha256,
        day=sys.intern(entry.time[:10]),
        seq=entry.seq,
    )


def destroy(ledger: Ledger, entry: Entry) -> None:
    """What is destroyed was there, and is what was received."""
    upload = object_of(entry)
    state = upload_of(ledger, entry, upload)
    if state.container_sha256 != cast(UploadDestroyed, entry.body).container_sha256:
        message = "what was destroyed is not what was received"
        break_off("upload-digest", message, entry, state.seq)
    del ledger.uploads[upload]
    ledger.destroyed[upload] = entry.seq


def destroyed_in_time(ledger: Ledger) -> None:
    """After the last entry, no upload is left that should have been destroyed before it.

    Raises:
        RuleBrokenError: the first one that is.
    """
    last_day = date.fromisoformat(ledger.time[:10])
    for state in ledger.uploads.values():
        keep_days = ledger.projects[state.project].terms.keep_encodings_days
        if last_day > date.fromisoformat(state.day) + timedelta(days=keep_days + GRACE_DAYS):
            raise RuleBrokenError(
                "destruction-overdue",
                f"an upload was not destroyed within the {keep_days} days that the terms allow",
                index=state.seq,
                evidence={"received": state.day, "last_time": ledger.time},
            )
