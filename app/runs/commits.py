"""Committing an upload: asked for, then checked by the person who is free; a pair that is complete starts its
run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.broker import Broker
from app.engine import StoppedError
from app.errors import BrokerError, StorageFullError, UnavailableError
from app.runs.requests import new_run, spaces_to_come, start_if_complete
from app.sealed.models import SealedPiece
from app.security.actor import Actor
from app.uploads import checks, commit
from app.uploads.acceptance import accept_upload, refuse_commit, reject_upload
from app.uploads.checks import Hold, PendingCommit
from app.uploads.errors import CheckLostError, UploadRejectedError
from app.uploads.service import view_of
from schemas.api.bodies import UploadView
from schemas.rounds.upload import SignedManifest

# How often anyone who waits for a check learns how far it is.
_TOLD_EACH_S: Final = 1.0

log = structlog.get_logger()


def ask_commit(broker: Broker, actor: Actor, upload: str, signed: SignedManifest) -> UploadView:
    """Let the parts of an upload be checked under its manifest; the same again changes nothing."""
    try:
        with broker.database.write() as session:
            return view_of(commit.ask_commit(session, broker, actor, upload, signed))
    except UploadRejectedError as rejection:
        with broker.database.write() as session:
            reject_upload(session, broker, actor, upload, signed=signed, rejection=rejection)
        raise


def check_waiting(broker: Broker) -> None:
    """Do the checks that wait, unless this process is at as many as it takes: one of those goes on with these.

    What goes wrong is told to the operator's log; another process takes up what is left.
    """
    if not broker.checks.acquire(blocking=False):
        return
    try:
        while not broker.stopping.is_set() and check_next(broker, broker.stopping):
            pass
    except (SQLAlchemyError, BrokerError, OSError) as exc:
        log.warning("checks_interrupted", error=type(exc).__name__)
    finally:
        broker.checks.release()


def check_next(broker: Broker, stopped: threading.Event) -> bool:
    """Take up the check that waits longest and bring it to its end; False where none waits.

    Where `stopped` is set, the check is given back, for the next process to begin anew. One that fails is left
    to a later attempt, of which there are `app.uploads.checks.MAX_ATTEMPTS`.

    Raises:
        UnavailableError, SQLAlchemyError: the database is not to be had, or not the newest one; or what keeps
            blobs or keys does not answer.
    """
    with broker.database.read() as session:
        if not checks.has_work(session):
            return False
    with broker.database.write() as session:
        hold = checks.claim(session, broker.settings.lease_s * 1000)
    if hold is None:
        return False
    try:
        _bring_to_an_end(broker, hold, stopped)
    except CheckLostError:
        log.warning("check_lost", upload_id=hold.upload)
    except StoppedError:
        with suppress(CheckLostError), broker.database.write() as session:
            checks.give_back(session, hold)
    except (SQLAlchemyError, UnavailableError):
        raise
    except Exception as exc:  # noqa: BLE001 - one upload's fault must not end the worker
        # The lease runs out by itself, which also is the pause before the next attempt.
        log.warning("check_failed", upload_id=hold.upload, error=type(exc).__name__)
    return True


def _bring_to_an_end(broker: Broker, hold: Hold, stopped: threading.Event) -> None:
    """Commit what is held, or let the upload say why not; what may pass is left to the lease's end at first."""
    try:
        with broker.database.read() as session:
            pending = checks.open_held(session, broker, hold)
        token_index = commit.check_parts(broker, pending, _renewing(broker, hold, stopped))
        _accept(broker, pending, token_index)
    except (CheckLostError, StoppedError):
        raise
    except BrokerError as refusal:
        if _may_pass(refusal) and hold.attempt < checks.MAX_ATTEMPTS:
            raise
        log.info("commit_refused", upload_id=hold.upload, code=refusal.code)
        with broker.database.write() as session:
            refuse_commit(session, broker, hold, refusal)


def _may_pass(refusal: BrokerError) -> bool:
    """Tell whether something may be otherwise in a minute; a full disk waits for someone."""
    return isinstance(refusal, UnavailableError) and not isinstance(refusal, StorageFullError)


def _accept(broker: Broker, pending: PendingCommit, token_index: SealedPiece) -> None:
    with broker.database.read() as session:
        spaces = spaces_to_come(session, broker, pending.manifest)
    with new_run(broker, spaces) as new, broker.database.write() as session:
        pair = accept_upload(session, broker, pending, token_index)
        # The request is for the upload, of which the run comes by itself.
        start_if_complete(session, broker, replace(pending.actor, signed=None), pair, new)
    log.info("upload_committed", upload_id=pending.hold.upload)


def _renewing(broker: Broker, hold: Hold, stopped: threading.Event) -> Callable[[int], None]:
    """Return what renews the lease as parts are read, and ends the check where it is to stop."""
    lease_s = broker.settings.lease_s
    renewed_s = time.monotonic()

    def note(checked: int) -> None:
        nonlocal renewed_s
        if stopped.is_set():
            raise StoppedError("The check was stopped before it was complete.")
        if time.monotonic() - renewed_s >= min(lease_s / 3, _TOLD_EACH_S):
            with broker.database.write() as session:
                checks.note_checked(session, hold, checked, lease_s * 1000)
            renewed_s = time.monotonic()

    return note
