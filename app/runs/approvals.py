"""Who has approved which step of a run: without all of them it does not start, and nothing is handed out.

A step is approved by a signature over the exact specification, once; the step `run` also by an approval in
advance (`app.runs.standing_approvals`). Anyone who writes locks the run's row, so that the last of two who
approve at once finds the other's approval.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce, agreement_now, terms_in_force
from app.agreements.signers import check_signer
from app.broker import Broker
from app.clock import utc_text
from app.db import insert_rows
from app.errors import (
    OUT_OF_PLACE,
    STATEMENT_REFUSED,
    UPLOADER_APPROVES,
    NotApprovedError,
    NotInForceError,
    RefusedError,
)
from app.matchlog.draft import EntryDraft
from app.runs import repository
from app.runs.ending import mark_cancelled
from app.runs.models import ApprovedStep, Run
from app.runs.service import run_for, specification_of
from app.security.actor import Actor
from app.uploads.service import uploaders_of
from schemas.agreement.clauses import ApprovalRule
from schemas.agreement.negotiation import PendingApproval, PendingApprovals, RunApprovals
from schemas.agreement.statement import LONGEST_APPROVAL, RunApproval, SignedStatement, Step
from schemas.matchlog.agreement_kinds import RunApproved
from schemas.matchlog.run_kinds import RunCancelled

# Which step of a run in which state waits for approvals.
_STEPS: Final[Mapping[str, Step]] = {"awaiting": "run", "succeeded": "release"}


def approve(
    session: Session, broker: Broker, actor: Actor, run: str, signed: SignedStatement
) -> Run:
    """Take a party's approval of a step of a run, and log it; with the last one the run waits for its turn.

    The same approval again changes nothing.
    """
    stated, now = signed.statement, broker.clock()
    if not isinstance(stated, RunApproval):
        raise RefusedError(STATEMENT_REFUSED, "This document is not an approval of a run.")
    found, _ = run_for(session, actor, run)
    if is_known(session, stated.approval, signed):
        return found
    terms = terms_in_force(session, found.project, now)
    rule = rule_for(terms, actor.party)
    if specification_of(found).agreement != terms.digest:
        raise NotInForceError("The run was asked for under another agreement.", clause="number")
    check_signer(session, actor, signed, terms.agreement, now)
    if (stated.run, stated.specification_sha256) != (found.id, found.specification_sha256):
        raise RefusedError(
            STATEMENT_REFUSED, "The approval is for a different run or specification."
        )
    if stated.expires <= utc_text(now):
        raise RefusedError(STATEMENT_REFUSED, "The approval has expired.")
    if stated.is_too_long:
        raise RefusedError(
            STATEMENT_REFUSED, f"It is for longer than {LONGEST_APPROVAL.days} days."
        )
    locked = repository.get_run(session, run, lock=True) or found
    _refuse_undue(session, locked, rule, stated, now)
    if locked.state == "awaiting" and has_expired_approval(session, run, now):
        raise RefusedError(
            OUT_OF_PLACE,
            "An earlier approval of this run has expired.",
            hint="ask for the run again",
        )
    if stated.step == "release":
        _drop_expired(session, run, now)
    row = ApprovedStep(
        id=stated.approval,
        run=run,
        step=stated.step,
        party=actor.party,
        document=signed.to_canonical().decode("utf-8"),
    )
    insert_rows(session, row)
    broker.log.append(session, [_entry(actor, terms, run, RunApproved(signed=signed))])
    queue_if_approved(session, locked, rule, now)
    return locked


def queue_if_approved(session: Session, run: Run, rule: ApprovalRule, now: datetime) -> None:
    """Let a run that waits for approvals wait for its turn, if it has all of them."""
    if run.state == "awaiting" and not missing(session, run.id, rule, "run", now):
        run.state = "queued"
        session.flush()


def missing(
    session: Session, run: str, rule: ApprovalRule, step: Step, now: datetime
) -> tuple[str, ...]:
    """Return the parties that have yet to approve a step of a run, by name; none where nobody is asked.

    An approval of a release that expires before all others have come counts no more; once all have come, none
    expires. A run is cancelled then (`end_overdue`).
    """
    if step == "release" and not rule.releases:
        return ()
    given = [row for row in repository.approvals_of(session, run) if row.step == step]
    parties = {row.party for row in given}
    if step == "run":
        parties |= {use.party for use in repository.uses_of(session, run)}
    if step == "release" and not parties.issuperset(rule.parties):
        parties -= {row.party for row in given if _has_expired(row, now)}
    return tuple(party for party in rule.parties if party not in parties)


def require_approved(
    session: Session, run: str, terms: TermsInForce, step: Step, now: datetime
) -> None:
    """Check that every party that the terms ask has approved a step of a run.

    Raises:
        NotApprovedError: one has not.
    """
    lacking = missing(session, run, terms.terms.approvals, step, now)
    if lacking:
        raise NotApprovedError(
            f"The {step} is not approved yet by {', '.join(lacking)}.", clause="approvals"
        )


def cancel(session: Session, broker: Broker, run: Run, reason: str) -> None:
    """End a run, whose row is locked, that has lost or never got its approvals, and log it."""
    now = broker.clock()
    mark_cancelled(session, run, now)
    draft = EntryDraft.about(
        RunCancelled(reason=reason), run, agreement_now(session, run.project, now), object=run.id
    )
    broker.log.append(session, [draft])


def end_overdue(session: Session, broker: Broker) -> int:
    """Cancel runs that wait in vain: for too long, under an agreement that binds no more, or with an approval
    that has expired before the others came.
    """
    now = broker.clock()
    oldest = utc_text(now - LONGEST_APPROVAL)
    waiting = repository.awaiting_runs(session)
    # First of all: who waits for a second project with the log's end in hand may wait for ever.
    bound = {run.project: agreement_now(session, run.project, now) for run in waiting}
    overdue = [
        run
        for run in waiting
        if run.created <= oldest
        or specification_of(run).agreement != bound[run.project]
        or has_expired_approval(session, run.id, now)
    ]
    for run in overdue:
        cancel(session, broker, run, "approval-overdue")
    return len(overdue)


def has_expired_approval(session: Session, run: str, now: datetime) -> bool:
    """Tell whether a run that still waits was approved by someone only until a time that has come."""
    return any(_has_expired(row, now) for row in repository.approvals_of(session, run))


def approvals_view(session: Session, run: Run, rule: ApprovalRule, now: datetime) -> RunApprovals:
    """Return who has approved a run, and who has yet to, by the rule of the terms."""
    return RunApprovals(
        run=run.id,
        approvals=tuple(
            SignedStatement.from_canonical(row.document.encode("utf-8"))
            for row in repository.approvals_of(session, run.id)
        ),
        standing=tuple(use.approval for use in repository.uses_of(session, run.id)),
        missing=missing(session, run.id, rule, "run", now),
        missing_for_release=(
            missing(session, run.id, rule, "release", now) if rule and rule.releases else None
        ),
    )


def pending_view(
    session: Session, project: str, terms: TermsInForce, now: datetime
) -> PendingApprovals:
    """Return what waits for approvals under the agreement in force."""
    runs = [
        run
        for run in repository.to_approve(session, project, _n_releasing(terms))
        if specification_of(run).agreement == terms.digest
    ]
    waiting = [
        _pending(run, step, missing(session, run.id, terms.terms.approvals, step, now))
        for run in runs
        if (step := _STEPS.get(run.state)) is not None
    ]
    return PendingApprovals(project=project, pending=tuple(one for one in waiting if one.missing))


def awaited_approvals(
    session: Session, terms: TermsInForce, released: Select[str], now: datetime
) -> Iterator[tuple[str, str, str]]:
    """Yield run, since when it waits, and a party that has yet to approve it, or the release of what it found.

    Args:
        released: finds the runs of which a release is there; of others none is waited for any more.
    """
    rule = terms.terms.approvals
    project, n_releasing = terms.terms.project, _n_releasing(terms)
    for run in repository.to_approve(session, project, n_releasing, released):
        if specification_of(run).agreement == terms.digest:
            asked = run.created if run.state == "awaiting" else run.finished or run.created
            for party in missing(session, run.id, rule, _STEPS[run.state], now):
                yield run.id, asked, party


def _n_releasing(terms: TermsInForce) -> int:
    rule = terms.terms.approvals
    return len(rule.parties) if rule.releases else 0


def rule_for(terms: TermsInForce, party: str) -> ApprovalRule:
    """Return what the terms say of approvals, if they ask this party for any."""
    rule = terms.terms.approvals
    if party not in rule.parties:
        raise RefusedError(OUT_OF_PLACE, "The agreement does not ask this party for approvals.")
    return rule


def is_known(session: Session, approval: str, signed: SignedStatement) -> bool:
    """Tell whether exactly this approval was taken before."""
    earlier = repository.get_approval(session, approval)
    if earlier is None:
        return False
    if earlier.document != signed.to_canonical().decode("utf-8"):
        raise RefusedError(OUT_OF_PLACE, "An approval with this id has already been used.")
    return True


def _refuse_undue(
    session: Session, run: Run, rule: ApprovalRule, stated: RunApproval, now: datetime
) -> None:
    state = "awaiting" if stated.step == "run" else "succeeded"
    if run.state != state or stated.party not in missing(session, run.id, rule, stated.step, now):
        raise RefusedError(
            OUT_OF_PLACE, f"No approval of this {stated.step} is due from this party."
        )
    if stated.step == "release":
        uploads = [upload.upload for upload in specification_of(run).uploads]
        if stated.person in uploaders_of(session, uploads):
            raise RefusedError(
                UPLOADER_APPROVES,
                "A person who uploaded for the run does not approve its release.",
                clause="approvals",
            )


def _has_expired(row: ApprovedStep, now: datetime) -> bool:
    stated = SignedStatement.from_canonical(row.document.encode("utf-8")).statement
    return isinstance(stated, RunApproval) and stated.expires <= utc_text(now)


def _drop_expired(session: Session, run: str, now: datetime) -> None:
    """Forget the approvals of a release that have expired before all others have come."""
    rows = [row for row in repository.approvals_of(session, run) if row.step == "release"]
    repository.forget_approvals(session, [row.id for row in rows if _has_expired(row, now)])


def _pending(run: Run, step: Step, lacking: Sequence[str]) -> PendingApproval:
    return PendingApproval(
        run=run.id,
        step=step,
        specification=specification_of(run),
        specification_sha256=run.specification_sha256,
        missing=tuple(lacking),
    )


def _entry(actor: Actor, terms: TermsInForce, run: str, body: RunApproved) -> EntryDraft:
    return EntryDraft.about(body, terms.terms, terms.digest, actor, object=run)
