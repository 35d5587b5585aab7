"""Approvals given in advance: of one matching policy, through a day, for so many runs, until taken back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.negotiation import versions_of_same_clauses
from app.agreements.service import TermsInForce, lock_rounds, project_for, terms_in_force
from app.agreements.signers import check_signer
from app.broker import Broker
from app.clock import utc_text
from app.db import NEWEST, Window, insert_rows
from app.errors import (
    OUT_OF_PLACE,
    STATEMENT_REFUSED,
    TOO_MANY_APPROVALS,
    NotFoundError,
    RefusedError,
)
from app.matchlog.draft import EntryDraft
from app.runs import repository
from app.runs.approvals import (
    cancel,
    has_expired_approval,
    is_known,
    missing,
    queue_if_approved,
    rule_for,
)
from app.runs.models import Run, StandingGrant, StandingUse
from app.runs.service import specification_of
from app.security.actor import Actor
from schemas.agreement.negotiation import StandingList, StandingState
from schemas.agreement.statement import (
    ApprovalRevocation,
    SignedStatement,
    StandingApproval,
    may_say,
)
from schemas.documents.document import Model
from schemas.matchlog.agreement_kinds import StandingApproved, StandingRevoked, StandingUsed

# Of a party under one agreement, taken back or not: each is an entry of the match log, which only grows.
# An approval can be for a thousand runs, so a month never needs that many; a long agreement needs more in all.
MAX_RECENT: Final = 32
RECENT: Final = timedelta(days=30)


def approve_in_advance(
    session: Session, broker: Broker, actor: Actor, project: str, signed: SignedStatement
) -> None:
    """Take a standing approval, log it, and let runs that wait take it up; the same again changes nothing."""
    stated, now = signed.statement, broker.clock()
    if not isinstance(stated, StandingApproval):
        raise RefusedError(STATEMENT_REFUSED, "This document is not a standing approval.")
    project_for(session, actor, project)
    if is_known(session, stated.approval, signed):
        return
    terms = terms_in_force(session, project, now)
    rule = rule_for(terms, actor.party)
    check_signer(session, actor, signed, terms.agreement, now)
    if rule.runs != "standing":
        raise RefusedError(OUT_OF_PLACE, "The agreement wants each run approved on its own.")
    if stated.until < utc_text(now)[:10]:
        raise RefusedError(STATEMENT_REFUSED, "Its last day has passed.")
    _refuse_idle(session, terms, stated, now)
    row = StandingGrant(
        id=stated.approval,
        project=project,
        agreement=terms.digest,
        party=actor.party,
        policy_sha256=stated.policy_sha256,
        until=stated.until,
        runs=stated.runs,
        document=signed.to_canonical().decode("utf-8"),
        received=utc_text(now),
    )
    insert_rows(session, row)
    body = StandingApproved(signed=signed)
    # Before the end of the log: anyone who approves or cancels a run has its row first, too.
    waiting = repository.awaiting_runs(session, project)
    broker.log.append(session, [_entry(terms, body, actor)])
    for run in waiting:
        if not has_expired_approval(session, run.id, now):
            broker.log.append(session, use_standing(session, terms, run, now))


def revoke(
    session: Session, broker: Broker, actor: Actor, project: str, signed: SignedStatement
) -> None:
    """Take a standing approval back, log it, and end the runs that have not ended and were approved by it.

    The same again changes nothing.
    """
    stated, now = signed.statement, broker.clock()
    if not isinstance(stated, ApprovalRevocation):
        raise RefusedError(STATEMENT_REFUSED, "This document does not take back an approval.")
    terms = project_for(session, actor, project)
    # So that no run takes the approval up meanwhile.
    lock_rounds(session, project)
    check_signer(session, actor, signed, terms.agreement, now)
    row = repository.find_grant(session, project, stated.approval)
    if row is None or row.party != actor.party:
        raise NotFoundError("There is nothing here.")
    if row.revoked is not None:
        raise RefusedError(OUT_OF_PLACE, "This approval has already been taken back.")
    row.revoked = utc_text(now)
    body = StandingRevoked(signed=signed)
    # Before the end of the log: anyone who ends a run has its row first, too.
    pending = repository.pending_uses(session, row.id)
    broker.log.append(session, [_entry(terms, body, actor)])
    for run in pending:
        cancel(session, broker, run, "approval-revoked")


def use_standing(
    session: Session, terms: TermsInForce, run: Run, now: datetime
) -> list[EntryDraft]:
    """Let standing approvals stand for those that a run lacks; returns their log entries.

    The run is one that waits for approvals, and its row is locked or new.
    """
    rule, specification = terms.terms.approvals, specification_of(run)
    if rule.runs != "standing" or specification.agreement != terms.digest:
        return []
    drafts = []
    versions = versions_of_same_clauses(session, terms)
    digests = [one.digest() for one in versions]
    for party in missing(session, run.id, rule, "run", now):
        grants = repository.standing_grants(
            session, party, digests, specification.policy.digest(), run.created[:10]
        )
        usable = (
            one
            for one in grants
            if may_say(_signed(one).statement, versions[0])
            and repository.count_uses(session, one.id) < one.runs
        )
        grant = next(usable, None)
        if grant is not None:
            insert_rows(session, StandingUse(run=run.id, party=party, approval=grant.id))
            drafts.append(_entry(terms, StandingUsed(party=party, approval=grant.id), None, run.id))
    queue_if_approved(session, run, rule, now)
    return drafts


def standing_list(session: Session, project: str, window: Window = NEWEST) -> StandingList:
    """Return a piece of a project's standing approvals, newest first, with how often each was used."""
    return StandingList(
        project=project,
        approvals=tuple(
            StandingState(
                signed=_signed(row),
                used=repository.count_uses(session, row.id),
                revoked=row.revoked,
            )
            for row in repository.grants_of(session, project, window)
        ),
    )


def _refuse_idle(
    session: Session, terms: TermsInForce, stated: StandingApproval, now: datetime
) -> None:
    """Refuse an approval that adds nothing, or to a heap, so that nobody makes the match log grow at will."""
    # So that of two who come at once the second one counts the first.
    lock_rounds(session, terms.terms.project)
    given = repository.grants_under(session, stated.party, terms.digest)
    same = [one for one in given if _adds_nothing_to(one, stated)]
    if any(repository.count_uses(session, one.id) == 0 for one in same):
        raise RefusedError(
            OUT_OF_PLACE, "An approval like this already exists, and no run has used it yet."
        )
    since = utc_text(now - RECENT)
    if sum(one.received > since for one in given) >= MAX_RECENT:
        raise RefusedError(
            TOO_MANY_APPROVALS,
            f"The party has given {MAX_RECENT} standing approvals in {RECENT.days} days.",
            hint="one approval can be for many runs",
        )


def _adds_nothing_to(grant: StandingGrant, stated: StandingApproval) -> bool:
    said = (stated.policy_sha256, stated.until, stated.runs)
    return grant.revoked is None and (grant.policy_sha256, grant.until, grant.runs) == said


def _signed(grant: StandingGrant) -> SignedStatement:
    return SignedStatement.from_canonical(grant.document.encode("utf-8"))


def _entry(
    terms: TermsInForce, body: Model, actor: Actor | None, run: str | None = None
) -> EntryDraft:
    return EntryDraft.about(body, terms.terms, terms.digest, actor, object=run)
