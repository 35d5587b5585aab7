"""What the wire says of agreements: where each stands, who has signed it, and whose signature is missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.agreements import repository
from app.agreements.models import StoredAgreement
from app.agreements.negotiation import may_see, require_negotiation
from app.agreements.service import agreement_now, agreement_of, profile_named, suspended_by
from app.clock import utc_text
from app.security.actor import Actor
from schemas.agreement.negotiation import (
    AgreementList,
    AgreementState,
    AgreementSummary,
    AgreementView,
)
from schemas.agreement.statement import SignedStatement


def view_of(session: Session, row: StoredAgreement, now: datetime) -> AgreementView:
    """Return an agreement whole, with all that was signed about it."""
    agreement = agreement_of(row)
    bound = agreement_now(session, row.project, now)
    consents = repository.consents_to(session, row.digest)
    return AgreementView(
        state=_state_of(session, row, bound, now),
        agreement=agreement,
        profile=profile_named(session, row.profile),
        proposed=row.proposed,
        proposed_by=row.party,
        consents=tuple(_read(consent.document) for consent in consents),
        notices=tuple(
            _read(notice.document)
            for notice in repository.notices_of(session, row.project)
            if notice.agreement == row.digest
        ),
        missing=_missing(agreement.signers, [consent.party for consent in consents]),
        suspended_by=suspended_by(session, row.project, agreement.names()),
    )


def agreement_list(session: Session, actor: Actor, project: str, now: datetime) -> AgreementList:
    """Return the agreements of a project that name the actor's party."""
    require_negotiation(session, actor, project)
    bound = agreement_now(session, project, now)
    rows = [row for row in repository.agreements_of(session, project) if may_see(actor, row)]
    summaries = tuple(_summary(session, row, bound, now) for row in rows)
    in_force = [one.agreement for one in summaries if one.state == "in-force"]
    return AgreementList(
        project=project, in_force=in_force[0] if in_force else None, agreements=summaries
    )


def _summary(
    session: Session, row: StoredAgreement, bound: str | None, now: datetime
) -> AgreementSummary:
    agreement = agreement_of(row)
    signed = [consent.party for consent in repository.consents_to(session, row.digest)]
    return AgreementSummary(
        agreement=row.digest,
        number=row.number,
        state=_state_of(session, row, bound, now),
        start=agreement.start,
        end=agreement.end,
        missing=_missing(agreement.signers, signed),
    )


def _state_of(
    session: Session, row: StoredAgreement, bound: str | None, now: datetime
) -> AgreementState:
    today = utc_text(now)[:10]
    agreement = agreement_of(row)
    if row.completed is None:
        last = repository.last_complete(session, row.project)
        return "replaced" if last is not None and last.number >= row.number else "proposed"
    if row.withdrawn is not None:
        return "withdrawn"
    if row.digest != bound:
        return "signed" if today < agreement.start else "replaced"
    if today > agreement.end:
        return "ended"
    is_suspended = suspended_by(session, row.project, agreement.names())
    return "suspended" if is_suspended else "in-force"


def _missing(named: Sequence[str], signed: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(named) - set(signed)))


def _read(document: str) -> SignedStatement:
    return SignedStatement.from_canonical(document.encode("utf-8"))
