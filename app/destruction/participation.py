"""What parties may see of destructions, and how they join in: counter-signatures and their own statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.holds import require_own
from app.agreements.service import binding_terms, lock_rounds, project_for, visible
from app.agreements.signers import refuse_untimely
from app.broker import Broker
from app.clock import utc_text
from app.db import NEWEST, Window, insert_rows
from app.destruction import repository
from app.destruction.models import Destruction, DestructionSignature, DestructionStatement
from app.errors import (
    NOT_CERTIFIED,
    OTHER_CERTIFICATE,
    STATEMENT_REFUSED,
    NotFoundError,
    RefusedError,
)
from app.matchlog.draft import EntryDraft
from app.matchlog.proofs import entry_proof
from app.matchlog.timeline import EntryFilter, find_entries
from app.security.actor import Actor
from schemas.api.destruction import DestructionView, StatementTaken
from schemas.documents.document import Model
from schemas.matchlog.destruction_kinds import DestructionCountersigned, DestructionStated
from schemas.reports.certificate import MAX_SIGNATURES, CertificateFile, still_outstanding
from schemas.rounds.destruction import (
    Certificate,
    Countersignature,
    LocalStatement,
    SignedDestruction,
)

# As many of a party's statements as stand beside a certificate.
PER_PARTY: Final = 4
MAX_STATED_A_DAY: Final = 16


def destruction_for(session: Session, actor: Actor, certificate: str) -> Destruction:
    """Return a destruction of a project that the actor may see."""
    return visible(session, actor, repository.get_destruction(session, certificate))[0]


def destructions_for(
    session: Session, actor: Actor, project: str, window: Window = NEWEST
) -> Sequence[Destruction]:
    """Return a piece of a project's destructions, newest first."""
    project_for(session, actor, project)
    return repository.destructions_of(session, project, window)


def view_of(session: Session, found: Destruction) -> DestructionView:
    """Return how far a destruction is."""
    certificate = None if found.certificate is None else certificate_of(found)
    signatures = repository.signatures_of(session, found.id)
    return DestructionView.from_row(
        found,
        certificate=found.id,
        objects=len(repository.objects_of(session, found.id)),
        finished=None if certificate is None else certificate.finished,
        countersigned=tuple(signature.party for signature in signatures),
        outstanding=()
        if certificate is None
        else still_outstanding(certificate, _statements(session, certificate)),
    )


def certificate_of(found: Destruction) -> Certificate:
    """Return the certificate of a destruction."""
    if found.certificate is None:
        raise RefusedError(
            NOT_CERTIFIED, "The destruction is under way, and there is no certificate yet."
        )
    return Certificate.from_canonical(found.certificate.encode("utf-8"))


def awaited_certificates(session: Session, project: str) -> Iterator[tuple[str, str]]:
    """Yield the destructions of a project that are not certified yet, and since when each is under way."""
    for found in repository.begun_of(session, project):
        yield found.id, found.asked


def awaited_statements(session: Session, project: str) -> Iterator[tuple[str, str, str]]:
    """Yield certificate, since when there is one, and a party that has yet to state what it deleted itself."""
    # Of what falls due one by one nothing is asked of anybody.
    for found in repository.certified_of(session, project, but="expired"):
        certificate = certificate_of(found)
        owed = still_outstanding(certificate, _statements(session, certificate))
        for party in sorted({one.party for one in owed}):
            yield found.id, certificate.finished, party


def file_of(session: Session, found: Destruction) -> CertificateFile:
    """Return a certificate with all that has been signed about it, and the log's proof."""
    certificate = certificate_of(found)
    proof = entry_proof(session, found.entry or 0, found.entry_size)
    return CertificateFile(
        certificate=certificate,
        log_key=found.log_key or "",
        signature=found.signature or "",
        countersignatures=tuple(
            _signed(row.document) for row in repository.signatures_of(session, found.id)
        ),
        statements=_statements(session, certificate),
        receipt=proof.to_receipt(found.id),
    )


def countersign(
    session: Session, broker: Broker, actor: Actor, certificate: str, signed: SignedDestruction
) -> DestructionView:
    """Take a counter-signature of the caller's party and log it; a party's first one stays."""
    found = destruction_for(session, actor, certificate)
    certificate_of(found)
    said = signed.said
    if not isinstance(said, Countersignature) or said.project != found.project:
        raise RefusedError(OTHER_CERTIFICATE, "The counter-signature is under something else.")
    if (said.certificate, said.sha256) != (found.id, found.sha256):
        raise RefusedError(OTHER_CERTIFICATE, "The counter-signature is under another certificate.")
    require_own(session, actor, signed)
    # So that of two that come at once the second one finds the first.
    lock_rounds(session, found.project)
    if repository.find_signature(session, found.id, actor.party) is None:
        document = signed.to_canonical().decode("utf-8")
        row = DestructionSignature(destruction=found.id, party=actor.party, document=document)
        insert_rows(session, row)
        body = DestructionCountersigned(sha256=found.sha256 or "", signed_sha256=signed.digest())
        _log(session, broker, actor, found.project, body, certificate=found.id)
    return view_of(session, found)


def receive_statement(
    session: Session, broker: Broker, actor: Actor, project: str, signed: SignedDestruction
) -> StatementTaken:
    """Take a party's statement of what it has deleted and log it; the same again changes nothing."""
    project_for(session, actor, project)
    said = signed.said
    if not isinstance(said, LocalStatement) or said.project != project:
        raise RefusedError(OTHER_CERTIFICATE, "The statement is about something else.")
    if said.certificate is not None:
        found = destruction_for(session, actor, said.certificate)
        certificate_of(found)
        if found.project != project:
            raise RefusedError(
                OTHER_CERTIFICATE, "The statement names a certificate of another project."
            )
    require_own(session, actor, signed)
    # So that of two that come at once the second one finds the first, and both are counted.
    lock_rounds(session, project)
    digest = signed.digest()
    if repository.find_statement(session, digest) is None:
        refuse_untimely(said.at, broker.clock())
        _refuse_too_many(session, said, broker.clock())
        document = signed.to_canonical().decode("utf-8")
        row = DestructionStatement(
            sha256=digest, project=project, party=actor.party, at=said.at, document=document
        )
        insert_rows(session, row)
        body = DestructionStated(signed_sha256=digest)
        _log(session, broker, actor, project, body, certificate=said.certificate)
    return StatementTaken(sha256=digest, project=project, party=actor.party, at=said.at)


def _refuse_too_many(session: Session, said: LocalStatement, now: datetime) -> None:
    a_day_ago = utc_text(now - timedelta(days=1))
    # By the log's time: anyone who signs chooses their own.
    stated = EntryFilter(party=said.party, kind="destruction-stated", since=a_day_ago[:10])
    newest = find_entries(session, said.project, stated, limit=MAX_STATED_A_DAY).entries
    if sum(entry.time > a_day_ago for entry in newest) >= MAX_STATED_A_DAY:
        raise RefusedError(
            STATEMENT_REFUSED,
            f"The party has already made {MAX_STATED_A_DAY} statements of destruction within a day.",
            hint="try again tomorrow; one statement can name up to 1,024 files",
        )


def _statements(session: Session, certificate: Certificate) -> tuple[SignedDestruction, ...]:
    rows = repository.statements_since(session, certificate.project, certificate.asked, PER_PARTY)
    # The newest, should there ever be more parties than a file has room for.
    return tuple(_signed(row.document) for row in rows[-MAX_SIGNATURES:])


def _signed(document: str) -> SignedDestruction:
    return SignedDestruction.from_canonical(document.encode("utf-8"))


def _log(
    session: Session,
    broker: Broker,
    actor: Actor,
    project: str,
    body: Model,
    *,
    certificate: str | None,
) -> None:
    binding = binding_terms(session, project, broker.clock())
    if binding is None:
        raise NotFoundError("There is nothing here.")
    broker.log.append(
        session, [EntryDraft.about(body, binding.terms, binding.digest, actor, object=certificate)]
    )
