"""Fetches certificates of destruction, holds them against all that is known here, keeps and shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from encoding.broker.client import BrokerClient
from encoding.destruction.certificates import CertificateFolder, compare_with_receipts, verify_file
from encoding.errors import CertificateError, IdentityError, LegalHoldError
from encoding.files import refuse_to_overwrite, write_durably
from encoding.log.trust import Trust
from encoding.project.context import fetched_log
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from schemas.documents.errors import SignatureError
from schemas.documents.ids import utc_text
from schemas.matchlog.person_keys import PersonKeys
from schemas.reports.certificate import CertificateCheck, CertificateFile
from schemas.reports.certificate_log import contradictions
from schemas.reports.certificate_page import certificate_page
from schemas.rounds.destruction import (
    Countersignature,
    ObjectKind,
    Said,
    SignedDestruction,
    duties_for,
    sign_destruction,
)
from schemas.shared.command_line import emit
from schemas.shared.page import page_start

OBJECTS: Final[dict[ObjectKind, tuple[str, str]]] = {
    "upload": ("upload", "uploads"),
    "release": ("release", "releases"),
    "match-record": ("run's match record", "runs' match records"),
    "claims": ("sealed message", "sealed messages"),
    "review": ("review", "reviews"),
    "delivery": ("delivery", "deliveries"),
}


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate that holds; `receipts` of its objects were compared with own receipts."""

    file: CertificateFile
    check: CertificateCheck
    receipts: int

    def to_document(self) -> dict[str, object]:
        """Return what `--json` prints."""
        certificate = self.check.certificate
        return {
            "certificate": certificate.certificate,
            "sha256": certificate.digest(),
            "scope": certificate.scope,
            "reason": certificate.reason,
            "objects": len(certificate.objects),
            "receipts_compared": self.receipts,
            "countersigned": [signer.party for signer in self.check.countersigners],
            "remains": [one.model_dump() for one in certificate.remains],
            "outstanding": [one.model_dump() for one in self.check.outstanding],
        }

    def sentences(self) -> Iterator[str]:
        """Yield what is said without it."""
        from encoding.destruction.local_copies import IN_WORDS  # noqa: PLC0415 - it loads numpy

        certificate = self.check.certificate
        counts = Counter(one.kind for one in certificate.objects)
        parts = [f"{n:,} {OBJECTS[kind][n != 1]}" for kind, n in sorted(counts.items())]
        yield f"destroyed on {certificate.finished}: {', '.join(parts) or 'nothing was there'}"
        if self.receipts:
            yield f"{self.receipts} of them are as your receipts say; the match log says all of it"
        for one in certificate.remains:
            until = "" if one.until is None else f", until {one.until}"
            yield f"remains: {one.what}{until}. {one.why}"
        for owing in self.check.outstanding:
            yield f"outstanding: {owing.party}, {IN_WORDS[owing.what]}"
        signers = ", ".join(signer.party for signer in self.check.countersigners) or "nobody yet"
        yield f"counter-signed by: {signers}"


def fetch_certified(session: Session, client: BrokerClient, trust: Trust, number: str) -> Certified:
    """Fetch a certificate, hold it against pins, match log and own receipts, and keep it."""
    file = client.certificate(number)
    trust.log.pin(file.receipt.checkpoint.encode("utf-8"))
    copy = fetched_log(session, client, trust)
    persons = PersonKeys()
    for entry in copy.entries:
        persons.take(entry)
    check = verify_file(file, number, session.project, trust.keys, persons)
    own = [entry for entry in copy.entries if entry.project == session.project]
    for wrong in contradictions(file, check.entry, own):
        named = ", ".join(f"{name} {value}" for name, value in wrong.evidence.items())
        raise CertificateError(
            f"the certificate and the match log differ: {wrong.message} ({named})",
            hint="do not counter-sign it; ask the operator",
        )
    n_receipts = compare_with_receipts(check, trust.receipts)
    with session.workspace.lock():
        CertificateFolder(session.workspace.certificates).keep(file)
    session.trust_again(client, trust)
    return Certified(file, check, n_receipts)


def counter_sign(
    session: Session,
    client: BrokerClient,
    trust: Trust,
    certified: Certified,
) -> Certified:
    """Counter-sign a certificate that was held against everything, and return it with the signature."""
    certificate = certified.check.certificate
    signed = signed_by_own(
        session,
        Countersignature,
        not_before=certificate.finished,
        certificate=certificate.certificate,
        sha256=certificate.digest(),
    )
    client.countersign(certificate.certificate, signed)
    shown = fetch_certified(session, client, trust, certificate.certificate)
    if session.party not in {signer.party for signer in shown.check.countersigners}:
        raise CertificateError("the broker does not show the counter-signature that was sent")
    return shown


def refuse_outputs(output: Path | None, page: Path | None) -> None:
    """Refuse to put a certificate in the place of another file; call it before any work."""
    if output is not None:
        refuse_to_overwrite(output, own_start=b'{"certificate":{')
    if page is not None:
        refuse_to_overwrite(page, own_start=page_start("blindlink certificate").encode())


def write_certified(file: CertificateFile, output: Path | None, page: Path | None) -> None:
    """Write a certificate as JSON, and as a page to print, where that is wanted."""
    if output is not None:
        write_durably(output, file.to_canonical())
    if page is not None:
        write_durably(page, certificate_page(file).encode("utf-8"))


def show_certified(certified: Certified) -> None:
    """Print a certificate's number and what it says, or one JSON document."""
    number = certified.check.certificate.certificate
    emit(certified.to_document(), [number], remarks=certified.sentences())


def signed_by_own(
    session: Session,
    kind: type[Said],
    *,
    not_before: str = "",
    project: str | None = None,
    **fields: Any,
) -> SignedDestruction:
    """Return what the user says about the project."""
    own = unlock_own(session)
    now = utc_text(session.now())
    said = kind(
        project=project or session.project,
        party=own.public.party,
        person=own.public.person,
        at=max(now, not_before),
        **fields,
    )
    try:
        return sign_destruction(said, own.public, own.keys.signing_key)
    except SignatureError as exc:
        needed = ", ".join(sorted(duties_for(kind)))
        raise IdentityError(
            f"you cannot sign this: {exc}", hint=f"you need one of these duties: {needed}"
        ) from exc


def refuse_held(session: Session, client: BrokerClient) -> None:
    """Raise LegalHoldError while a legal hold stands, by what the broker says."""
    found = client.legal_holds(session.project)
    if found.is_held:
        by = sorted({one.party for one in found.holds if one.lifted is None})
        raise LegalHoldError(
            f"a legal hold of {', '.join(by) or 'the agreement'} forbids destroying anything of the project",
            hint="see: blindlink hold",
        )
