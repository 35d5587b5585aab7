"""Committing an upload: what completes a pair of the round also starts its run, in the same transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.runs.requests import start_if_complete
from app.uploads import commit
from app.uploads.acceptance import accept_upload, reject_upload
from app.uploads.errors import UploadRejectedError
from schemas.upload import Receipt

if TYPE_CHECKING:
    from app.broker import Broker
    from app.security.actor import Actor
    from schemas.upload import SignedManifest


def commit_upload(broker: Broker, actor: Actor, upload: str, signed: SignedManifest) -> Receipt:
    """Commit an upload in units of work of its own; what its parts are is read between two of them.

    Raises:
        NotFoundError, upload-closed, NotInForceError, round-closed: it is not to be committed now.
        UploadRejectedError: manifest or container break a rule, which the match log records.
        nobody-receives: the pair's run could not be asked for; nothing is committed then.
    """
    try:
        with broker.database.read() as session:
            pending = commit.prepare_commit(session, broker, actor, upload, signed)
        if isinstance(pending, Receipt):
            return pending
        with broker.checks.turn(upload):
            token_index = commit.check_parts(broker, pending)
        with broker.database.write() as session:
            receipt, pair = accept_upload(session, broker, actor, pending, token_index)
            if pair is not None:
                # The request is for the upload, of which the run comes by itself.
                start_if_complete(session, broker, replace(actor, signed=None), pair)
            return receipt
    except UploadRejectedError as rejection:
        with broker.database.write() as session:
            reject_upload(session, broker, actor, upload, signed=signed, rejection=rejection)
        raise
