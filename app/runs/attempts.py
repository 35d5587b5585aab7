"""What a worker writes of a run, all of it under its lease: begun, how far it is, failed.

How a run succeeds stands in `app.worker`, since its releases are made visible in the same transaction.
"""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass, replace
from typing import Any

import structlog
from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce, agreement_now, terms_in_force
from app.broker import Broker
from app.clock import utc_text
from app.errors import KeyGoneError, LeaseLostError, NotApprovedError, NotInForceError, RefusedError
from app.matching.blocks.decisions import Band, Rule
from app.matching.blocks.resolution import Resolution
from app.matchlog.draft import EntryDraft
from app.rounds.service import note_run_state, refuse_over
from app.runs import repository
from app.runs.approvals import require_approved
from app.runs.counts import Found, counts_for_log
from app.runs.ending import end_keys
from app.runs.lease import Lease, claim_run, exhausted_run, write_under_lease
from app.runs.models import Run
from app.runs.service import specification_of
from app.uploads.reader import require_committed
from app.version import SOFTWARE
from schemas.linkage.run import RunSpecification
from schemas.matchlog.party_digests import PartyDigest
from schemas.matchlog.run_kinds import RunFailed, RunFinished, RunStarted

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One worker at one run, until it is done or its lease is lost."""

    lease: Lease
    specification: RunSpecification
    purpose: str
    range_rows: int

    @property
    def run(self) -> str:
        """The run's id."""
        return self.lease.run


def begin_attempt(session: Session, broker: Broker) -> Attempt | None:
    """Take up a run that waits or whose worker is gone, and log it.

    A run that may not go on, because its terms, its round or an upload have ended since, fails here. None where
    there is nothing (more) to do.
    """
    lease = claim_run(session, lease_ms=broker.settings.lease_s * 1000)
    if lease is None:
        return None
    attempt = _attempt(repository.get_run(session, lease.run), lease)
    try:
        terms = require_going_on(session, broker, attempt.specification)
        require_approved(session, attempt.run, terms, "run", broker.clock())
    except (NotInForceError, RefusedError, NotApprovedError, KeyGoneError) as exc:
        fail_attempt(session, broker, attempt, exc.code)
        return None
    broker.log.append(session, [entry_of(attempt, RunStarted(attempt=lease.attempt))])
    return attempt


def agreed_terms(session: Session, broker: Broker, specification: RunSpecification) -> TermsInForce:
    """Return the terms that a run was asked for under, if they are still in force.

    Raises:
        NotInForceError: they have ended, or others have taken their place.
    """
    terms = terms_in_force(session, specification.project, broker.clock())
    if terms.digest != specification.agreement:
        raise NotInForceError("The terms have changed since the run was asked for.")
    return terms


def require_going_on(
    session: Session, broker: Broker, specification: RunSpecification
) -> TermsInForce:
    """Return the terms of a run that may start or finish now; its uploads stay until the transaction ends.

    Raises:
        NotInForceError: as `agreed_terms`.
        KeyGoneError: an upload was destroyed, or its time is over.
    """
    terms = agreed_terms(session, broker, specification)
    now = broker.clock()
    refuse_over(session, specification.project, specification.round, now)
    uploads = [upload.upload for upload in specification.uploads]
    require_committed(session, uploads, utc_text(now))
    return terms


def bury_exhausted(session: Session, broker: Broker) -> bool:
    """Fail a run that ended its workers too often without one more block; False where there is none."""
    run = exhausted_run(session)
    if run is not None:
        lease = Lease(run.id, run.lease_token or "", run.attempts)
        fail_attempt(session, broker, _attempt(run, lease), "worker-lost")
    return run is not None


def enter_stage(session: Session, attempt: Attempt, stage: str, **values: Any) -> None:
    """Say how far the attempt is; raises LeaseLostError."""
    write_under_lease(session, attempt.lease, stage=stage, **values)


def note_progress(session: Session, attempt: Attempt, n_rows: int, rate: float | None) -> None:
    """Note how many rows are compared, by all workers, and how many a second; raises LeaseLostError."""
    write_under_lease(
        session, attempt.lease, rows_done=n_rows, rate=round(rate or 0), stalled_attempts=0
    )


def finish_attempt(
    session: Session,
    broker: Broker,
    attempt: Attempt,
    resolution: Resolution,
    *,
    match_record: str,
    openings: tuple[PartyDigest, ...],
) -> EntryDraft:
    """Record the run's result and return its log entry, which commits with the releases.

    Args:
        match_record: root of the match record, which commits too.
        openings: digests of what opens it, by party.
    Raises:
        LeaseLostError: the result is not wanted any more.
    """
    specification = attempt.specification
    found = Found(
        candidate_pairs=resolution.n_candidates,
        auto_pairs=resolution.n_in_band(Band.AUTO),
        review_pairs=resolution.n_in_band(Band.REVIEW),
        expected_false=round(100 * resolution.expected_false_matches),
        rejected_before=resolution.n_rejected_before,
        expected_missed=round(100 * resolution.expected_missed),
        concordance=resolution.concordance,
        rival_pairs=resolution.n_by_rule(Rule.BETTER_RIVAL),
    )
    write_under_lease(
        session,
        attempt.lease,
        state="succeeded",
        stage="done",
        lease_token=None,
        lease_until_ms=None,
        finished=utc_text(broker.clock()),
        candidate_pairs=found.candidate_pairs,
        auto_pairs=found.auto_pairs,
        review_pairs=found.review_pairs,
        expected_false=found.expected_false,
        rejected_before=found.rejected_before,
        expected_missed=found.expected_missed,
        rival_pairs=found.rival_pairs,
        concordance=json.dumps([astuple(one) for one in found.concordance]),
        histogram=json.dumps(resolution.histogram),
        match_record=match_record,
    )
    end_keys(session, specification)
    logged = counts_for_log(found, specification)
    body = RunFinished.from_row(
        logged,
        specification_sha256=specification.digest(),
        match_record_root=match_record,
        openings=openings,
        software=SOFTWARE,
    )
    return entry_of(attempt, body)


def note_log_size(session: Session, attempt: Attempt, size: int) -> None:
    """Record the size of the checkpoint that covers the run's end, in the transaction that ends it."""
    repository.set_log_size(session, attempt.run, size)


def fail_attempt(session: Session, broker: Broker, attempt: Attempt, code: str) -> None:
    """End the run without a result, for good, and log it; raises LeaseLostError."""
    write_under_lease(
        session,
        attempt.lease,
        state="failed",
        stage="done",
        lease_token=None,
        lease_until_ms=None,
        failure=code,
        finished=utc_text(broker.clock()),
    )
    end_keys(session, attempt.specification)
    note_run_state(session, attempt.run, "failed")
    body = RunFailed(code=code, attempt=attempt.lease.attempt)
    # Another agreement may have taken the place of the run's: then that is why it fails.
    bound = agreement_now(session, attempt.specification.project, broker.clock())
    entry = replace(entry_of(attempt, body, is_failure=True), agreement=bound)
    broker.log.append(session, [entry])
    log.error("run_failed", run_id=attempt.run, code=code)


def entry_of(
    attempt: Attempt, body: RunStarted | RunFinished | RunFailed, *, is_failure: bool = False
) -> EntryDraft:
    """Return the log entry of what the broker itself did with the run."""
    return EntryDraft(
        body=body,
        project=attempt.specification.project,
        agreement=attempt.specification.agreement,
        purpose=attempt.purpose,
        object=attempt.run,
        outcome="failed" if is_failure else "done",
    )


def _attempt(run: Run | None, lease: Lease) -> Attempt:
    if run is None:
        raise LeaseLostError("The run is gone.")
    return Attempt(lease, specification_of(run), run.purpose, run.range_rows)
