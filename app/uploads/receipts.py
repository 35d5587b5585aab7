"""Receipts of committed uploads; they outlive the encodings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import RefusedError
from app.matchlog.proofs import entry_proof
from app.uploads.errors import NOT_COMMITTED
from app.uploads.service import upload_for

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.security.actor import Actor
    from app.uploads.models import Upload
    from schemas.rounds.upload import Receipt


def receipt_for(session: Session, actor: Actor, upload: str) -> Receipt:
    """Return the receipt of a committed upload; it outlives the encodings."""
    return receipt_of(session, upload_for(session, actor, upload))


def receipt_of(session: Session, upload: Upload) -> Receipt:
    """Return the receipt of an upload."""
    if upload.entry is None:
        raise RefusedError(
            NOT_COMMITTED, "The upload is not committed, so there is no receipt yet."
        )
    # Always under the checkpoint of its own batch, so that asking again gives the same receipt.
    return entry_proof(session, upload.entry, upload.entry_size).to_receipt(upload.id)
