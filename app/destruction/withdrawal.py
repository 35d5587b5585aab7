"""An agency withdraws one of its records: no run that ends later compares it."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce, lock_rounds, project_for
from app.agreements.signers import refuse_stranger, require_duty
from app.broker import Broker
from app.errors import NOTHING_TO_DESTROY, RefusedError
from app.matchlog.draft import EntryDraft
from app.runs.ending import cancel_runs
from app.security.actor import Actor
from app.uploads.withdrawals import note_withdrawn
from schemas.api.destruction import RecordWithdrawal, WithdrawalTaken
from schemas.documents.ids import Handle
from schemas.matchlog.destruction_kinds import RecordWithdrawn

CANCELLED: Final = "record-withdrawn"


def withdraw_record(
    session: Session, broker: Broker, actor: Actor, project: str, wanted: RecordWithdrawal
) -> WithdrawalTaken:
    """Leave a record of the caller's party out of every later run, and log its commitment to that record.

    Whether the broker has such a record is not told, and neither kept nor logged is which it was.
    """
    binding = project_for(session, actor, project)
    # First, so that a review that ends, or a run that is asked for, comes before all of this or after it: else
    # a run that this does not see is asked for before, as the log has it, and goes on.
    lock_rounds(session, project)
    refuse_stranger(binding, actor.party)
    require_duty(actor, "steward", "analyst")
    if binding.terms.start > broker.clock().date().isoformat():
        raise RefusedError(
            NOTHING_TO_DESTROY, "Nothing binds the project yet, so there are no records."
        )
    handle = Handle(bytes.fromhex(wanted.handle))
    note_withdrawn(session, project, binding.terms.epoch, actor.party, handle)
    cancelled = cancel_runs(session, project, binding, CANCELLED, broker.clock(), party=actor.party)
    drafts = [_draft(binding, actor, RecordWithdrawn(commitment=wanted.commitment())), *cancelled]
    withdrawn = broker.log.append(session, drafts)[0]
    return WithdrawalTaken(index=withdrawn.seq, runs_cancelled=len(cancelled))


def _draft(binding: TermsInForce, actor: Actor, body: RecordWithdrawn) -> EntryDraft:
    return EntryDraft.about(body, binding.terms, binding.digest, actor)
