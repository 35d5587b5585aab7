"""How an agreement comes to bind: opened, proposed, consented to by every party; and how one party ends it.

Anyone who calls holds a writer's transaction. Each step first holds the project, so that of two parties who
sign at once the second finds the first one's signature, and nobody decides by what is being ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.agencies.persons import identities_of
from app.agencies.service import unknown_parties
from app.agreements import repository, service
from app.agreements.models import Project, StoredAgreement, StoredConsent, StoredNotice, StoredTerms
from app.agreements.service import TermsInForce, agreement_of, name_parties_of, suspended_by
from app.agreements.signers import check_signer
from app.broker import Broker
from app.clock import utc_text
from app.db import insert_rows
from app.errors import (
    AGREEMENT_REFUSED,
    OUT_OF_PLACE,
    PROJECT_EXISTS,
    STATEMENT_REFUSED,
    TERMS_REFUSED,
    WRONG_DUTY,
    NotFoundError,
    RefusedError,
)
from app.matchlog.draft import SOFTWARE, EntryDraft, entry_actor
from app.matchlog.service import MatchLog
from app.security.actor import Actor
from schemas.agreement.agreement import Agreement
from schemas.agreement.amendment import (
    newcomer_fault,
    of_same_clauses,
    stewards_before,
    succession_fault,
)
from schemas.agreement.negotiation import AgreementProposal
from schemas.agreement.statement import Act, Consent, Notice, SignedStatement
from schemas.documents.document import Document, Model
from schemas.matchlog.agreement_kinds import (
    AgreementInForce,
    AgreementProposed,
    AgreementResumed,
    AgreementSigned,
    AgreementSuspended,
    AgreementWithdrawn,
    ProjectOpened,
    SignedBody,
)

# Of a project, by one party. Each stands whole in the match log; nobody can fill the log with them, or keep
# another party from a proposal of its own.
MAX_PROPOSED_A_DAY: Final = 16
# Likewise; a halt is never refused for its number, and who has not resumed cannot halt again.
MAX_RESUMED_A_DAY: Final = 8
_BODIES: Final[dict[Act, type[SignedBody]]] = {
    "suspend": AgreementSuspended,
    "resume": AgreementResumed,
    "withdraw": AgreementWithdrawn,
}


def open_project(
    session: Session,
    log: MatchLog,
    *,
    project: str,
    parties: Sequence[str],
    actor: Actor,
    now: datetime,
) -> None:
    """Let the operator's party and these others negotiate an agreement under a project's name, and log it."""
    named = sorted({*parties, actor.party})
    unknown = unknown_parties(session, named)
    if unknown:
        raise RefusedError(
            TERMS_REFUSED, f"The party {unknown[0]} is not enrolled.", clause="parties"
        )
    if len(named) == 1:
        raise RefusedError(TERMS_REFUSED, "Nobody but the operator is named.", clause="parties")
    if repository.project_exists(session, project):
        raise RefusedError(PROJECT_EXISTS, "A project of this name already exists.")
    insert_rows(session, Project(name=project, created=utc_text(now)))
    repository.add_negotiators(session, project, named)
    draft = EntryDraft(
        ProjectOpened(parties=tuple(named)),
        entry_actor(actor),
        project=project,
        request=actor.request_id,
    )
    log.append(session, [draft])


def negotiators_of(session: Session, project: str) -> list[str]:
    """Return who may negotiate about a project, by name; none where there is no such project."""
    return repository.negotiators_of(session, project)


def propose(
    session: Session, broker: Broker, actor: Actor, project: str, proposal: AgreementProposal
) -> StoredAgreement:
    """Keep an agreement that its parties may sign, and log it whole; the same again changes nothing."""
    _lock_negotiation(session, actor, project)
    agreement, digest, now = proposal.agreement, proposal.agreement.digest(), broker.clock()
    known = repository.find_agreement(session, project, digest)
    if known is not None:
        return named_agreement(session, actor, project, digest)
    _refuse_proposer(session, actor, agreement)
    _refuse_strangers(session, broker, agreement, project)
    _refuse_order(session, agreement, now)
    _refuse_many(session, actor, project, now)
    repository.store_profile(session, agreement.profile, _text(proposal.profile))
    row = StoredAgreement(
        digest=digest,
        project=project,
        number=agreement.number,
        profile=agreement.profile,
        document=_text(agreement),
        party=actor.party,
        proposed=utc_text(now),
    )
    insert_rows(session, row)
    repository.add_negotiators(session, project, agreement.names())
    body = AgreementProposed(agreement=agreement)
    broker.log.append(session, [_draft(body, actor, row, agreement)])
    return row


def consent(
    session: Session, broker: Broker, actor: Actor, project: str, signed: SignedStatement
) -> StoredAgreement:
    """Keep a party's signature under an agreement, and log it; with the last one the agreement binds.

    The same signature again changes nothing.
    """
    stated = signed.statement
    if not isinstance(stated, Consent):
        raise RefusedError(STATEMENT_REFUSED, "This document is not a consent to an agreement.")
    _lock_negotiation(session, actor, project)
    row = named_agreement(session, actor, project, stated.agreement)
    agreement, now = agreement_of(row), broker.clock()
    earlier = repository.find_consent(session, row.digest, actor.party)
    if earlier is not None and earlier.document == _text(signed):
        return row
    check_signer(session, actor, signed, agreement, now)
    if earlier is not None:
        raise RefusedError(OUT_OF_PLACE, "The party has already signed this agreement.")
    _refuse_order(session, agreement, now)
    _refuse_newcomer(session, actor, agreement)
    insert_rows(
        session, StoredConsent(agreement=row.digest, party=actor.party, document=_text(signed))
    )
    drafts = [_draft(AgreementSigned(signed=signed), actor, row, agreement)]
    if len(repository.consents_to(session, row.digest)) == len(agreement.signers):
        _complete(session, row, agreement, now)
        body = AgreementInForce(number=agreement.number, start=agreement.start)
        drafts.append(_draft(body, None, row, agreement))
    broker.log.append(session, drafts)
    return row


def give_notice(
    session: Session, broker: Broker, actor: Actor, project: str, signed: SignedStatement
) -> StoredAgreement:
    """Let a party halt the linkage, lift its own halt, or leave, at once, and log it.

    The same notice again changes nothing.
    """
    stated = signed.statement
    if not isinstance(stated, Notice):
        raise RefusedError(STATEMENT_REFUSED, "This document is not a notice about an agreement.")
    _lock_negotiation(session, actor, project)
    row = named_agreement(session, actor, project, stated.agreement)
    agreement, now = agreement_of(row), broker.clock()
    former = [one for one in repository.notices_of(session, project) if one.party == actor.party]
    if former and former[-1].document == _text(signed):
        return row
    check_signer(session, actor, signed, agreement, now)
    if not service.is_listed(service.all_versions(session, project), actor):
        raise RefusedError(
            STATEMENT_REFUSED,
            "The person is not on their party's list of authorized users any more.",
        )
    _refuse_notice(session, row, stated, former, now)
    insert_rows(
        session,
        StoredNotice(
            project=project,
            party=actor.party,
            at=stated.at,
            agreement=row.digest,
            act=stated.act,
            document=_text(signed),
        ),
    )
    if stated.act == "withdraw":
        for one in repository.agreements_of(session, project):
            is_left = one.completed is not None and one.withdrawn is None
            if is_left and agreement_of(one).party(actor.party) is not None:
                one.withdrawn = utc_text(now)
        repository.void_consents(session, project, actor.party)
    broker.log.append(session, [_draft(_BODIES[stated.act](signed=signed), actor, row, agreement)])
    return row


def named_agreement(session: Session, actor: Actor, project: str, digest: str) -> StoredAgreement:
    """Return an agreement that names the actor's party; the operator sees all."""
    row = repository.find_agreement(session, project, digest)
    if row is None or not may_see(actor, row):
        raise NotFoundError("There is nothing here.")
    return row


def may_see(actor: Actor, row: StoredAgreement) -> bool:
    """Tell whether an agreement is the actor's to see: it names their party, or they run the broker.

    The match log shows anyone who sees the project all that was proposed: a gap would look as if it hid
    something.
    """
    return actor.role == "operator" or agreement_of(row).party(actor.party) is not None


def require_negotiation(session: Session, actor: Actor, project: str) -> None:
    """Check that the actor may take part in negotiating the project's agreements.

    Once there is a list of authorized users, that is who is on it, or is listed in an amendment that still can
    be signed.
    """
    if not repository.is_negotiating(session, actor, project):
        raise NotFoundError("There is nothing here.")
    versions = service.all_versions(session, project)
    if actor.role == "operator" or not versions or service.is_listed(versions, actor):
        return
    open_ones = _open_amendments(session, versions[0].agreement)
    if not any(_lists(agreement, actor) for agreement in open_ones):
        raise NotFoundError("There is nothing here.")


def parties_of(session: Session, actor: Actor, project: str, now: datetime) -> list[str]:
    """Return whom a project concerns: those who negotiate its agreements."""
    require_concern(session, actor, project, now)
    return repository.negotiators_of(session, project)


def require_concern(session: Session, actor: Actor, project: str, now: datetime) -> None:
    """Check that the actor may negotiate, and that what binds the project, or a later one, names the party."""
    require_negotiation(session, actor, project)
    bound = service.binding_terms(session, project, now)
    if bound is not None:
        first = bound.agreement.number
        rows = repository.agreements_of(session, project)
        if not any(row.number >= first and may_see(actor, row) for row in rows):
            raise NotFoundError("There is nothing here.")


def versions_of_same_clauses(session: Session, terms: TermsInForce) -> list[Agreement]:
    """Return the agreement that terms follow from, and those before it that differ in persons alone."""
    bound = terms.agreement.number
    rows = repository.agreements_of(session, terms.terms.project)
    signed = (one for one in rows if one.completed is not None and one.number <= bound)
    return list(of_same_clauses(map(agreement_of, signed)))


def _lock_negotiation(session: Session, actor: Actor, project: str) -> None:
    require_negotiation(session, actor, project)
    repository.lock_agreements(session, project)


def _open_amendments(session: Session, last: Agreement) -> list[Agreement]:
    """Return what was proposed to follow an agreement."""
    rows = repository.agreements_of(session, last.project)
    return [agreement_of(row) for row in rows if row.number == last.number + 1]


def _lists(agreement: Agreement, actor: Actor) -> bool:
    listed = agreement.person(actor.person)
    return listed is not None and listed.party == actor.party


def _refuse_proposer(session: Session, actor: Actor, agreement: Agreement) -> None:
    if "steward" not in actor.duties:
        raise RefusedError(WRONG_DUTY, "This is for a person with the duty steward.")
    versions = service.all_versions(session, agreement.project)
    has_roster = any(one.agreement.party(actor.party) for one in versions)
    if has_roster and not service.is_listed(versions, actor):
        raise RefusedError(
            AGREEMENT_REFUSED,
            "Only a steward who is already on their party's list of authorized users can propose an amendment.",
            clause="parties",
        )
    proposer = agreement.person(actor.person)
    if proposer is None or proposer.party != actor.party or "steward" not in proposer.duties:
        raise RefusedError(
            AGREEMENT_REFUSED,
            "The agreement does not list the person who proposes it as a steward of their party.",
            clause="parties",
        )
    if actor.party not in agreement.signers:
        raise RefusedError(
            AGREEMENT_REFUSED, "Only a steward of a party can change its persons.", clause="parties"
        )


def _refuse_strangers(session: Session, broker: Broker, agreement: Agreement, project: str) -> None:
    if agreement.project != project:
        raise RefusedError(
            AGREEMENT_REFUSED, "The agreement is of another project.", clause="project"
        )
    unknown = unknown_parties(session, agreement.names())
    if unknown:
        raise RefusedError(
            AGREEMENT_REFUSED, f"The party {unknown[0]} is not enrolled.", clause="parties"
        )
    if agreement.operator.name != broker.settings.operator:
        raise RefusedError(
            AGREEMENT_REFUSED,
            "The agreement names a different operator than this broker's.",
            clause="parties",
        )
    if agreement.log != broker.log.key.name:
        raise RefusedError(
            AGREEMENT_REFUSED,
            "The agreement was made for another log.",
            clause="log",
            hint="draft it for the log whose key you have pinned",
        )
    enrolled = identities_of(session, agreement.names()).identities
    keys = {
        (one.person, one.party, one.duties, *one.key_digests())
        for one in (history.newest() for history in enrolled)
    }
    last = repository.last_complete(session, project)
    kept = set()
    if agreement.amends is not None and last is not None:
        # Who stays as they were may have newer keys, which their own changes lead to, or have left since.
        kept = {person for party in agreement_of(last).parties for person in party.persons}
    for party in agreement.parties:
        for person in party.persons:
            if person in kept:
                continue
            listed = (person.person, person.party, person.duties, *person.key_digests())
            if listed not in keys:
                raise RefusedError(
                    AGREEMENT_REFUSED,
                    f"A person of {party.name} is listed differently from how they enrolled.",
                    clause="parties",
                )


def _refuse_order(session: Session, agreement: Agreement, now: datetime) -> None:
    last = repository.last_complete(session, agreement.project)
    fault = succession_fault(None if last is None else agreement_of(last), agreement)
    if fault is None and last is not None and last.withdrawn is not None and agreement.amends:
        fault = "a party has left the one before, so every party has to sign anew, with counsel"
    if fault is not None:
        raise RefusedError(
            AGREEMENT_REFUSED, f"The agreement is out of order: {fault}.", clause="number"
        )
    if agreement.end < utc_text(now)[:10]:
        raise RefusedError(AGREEMENT_REFUSED, "The agreement has ended already.", clause="end")


def _refuse_many(session: Session, actor: Actor, project: str, now: datetime) -> None:
    a_day_ago = utc_text(now - timedelta(days=1))
    earlier = repository.agreements_of(session, project)
    lately = sum(row.party == actor.party and row.proposed > a_day_ago for row in earlier)
    if lately >= MAX_PROPOSED_A_DAY:
        raise RefusedError(
            AGREEMENT_REFUSED,
            f"The party has proposed {lately} agreements within a day; it can again tomorrow.",
            hint="one amendment can change several persons",
        )


def _refuse_newcomer(session: Session, actor: Actor, agreement: Agreement) -> None:
    """Refuse a consent by a steward whom only this amendment lists, unless this is the one party whose stewards
    are all new.
    """
    earlier = [one.agreement for one in service.all_versions(session, agreement.project)]
    signers = {actor.party: actor.person}
    for stored in repository.consents_to(session, agreement.digest()):
        stated = SignedStatement.from_canonical(stored.document.encode()).statement
        signers[stated.party] = stated.person
    newcomers = {
        party
        for party, person in signers.items()
        if (stewards := stewards_before(earlier, party)) is not None
        and all(one.person != person for one in stewards)
    }
    fault = newcomer_fault(earlier, agreement, newcomers)
    if actor.party in newcomers and fault is not None:
        raise RefusedError(
            STATEMENT_REFUSED,
            f"Only someone who was already a steward of the party can sign this: {fault}.",
        )


def _refuse_notice(
    session: Session,
    row: StoredAgreement,
    stated: Notice,
    former: Sequence[StoredNotice],
    now: datetime,
) -> None:
    if row.completed is None or row.withdrawn is not None:
        raise RefusedError(OUT_OF_PLACE, "The agreement binds nobody.")
    if former and stated.at <= former[-1].at:
        raise RefusedError(
            OUT_OF_PLACE, "The party has already given a notice with this time or a later one."
        )
    halts = bool(suspended_by(session, row.project, [stated.party]))
    if stated.act == "suspend" and halts:
        raise RefusedError(OUT_OF_PLACE, "The party has already suspended the linkage.")
    if stated.act == "resume" and not halts:
        raise RefusedError(OUT_OF_PLACE, "The party has not suspended the linkage.")
    a_day_ago = utc_text(now - timedelta(days=1))
    lately = sum(one.act == "resume" and one.at > a_day_ago for one in former)
    if stated.act == "resume" and lately >= MAX_RESUMED_A_DAY:
        raise RefusedError(
            OUT_OF_PLACE,
            f"The party has resumed the linkage {lately} times within a day; it can again tomorrow.",
        )


def _complete(session: Session, row: StoredAgreement, agreement: Agreement, now: datetime) -> None:
    terms = agreement.terms()
    row.completed = utc_text(now)
    insert_rows(
        session,
        StoredTerms(
            project=row.project,
            version=row.number,
            digest=row.digest,
            profile=row.profile,
            document=_text(terms),
            created=utc_text(now),
        ),
    )
    name_parties_of(session, terms, now)


def _draft(
    body: Model, actor: Actor | None, row: StoredAgreement, agreement: Agreement
) -> EntryDraft:
    return EntryDraft(
        body,
        SOFTWARE if actor is None else entry_actor(actor),
        project=row.project,
        agreement=row.digest,
        purpose=agreement.purpose.code,
        request=None if actor is None else actor.request_id,
    )


def _text(document: Document) -> str:
    return document.to_canonical().decode("utf-8")
